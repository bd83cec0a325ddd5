//! How much room a disk has.

use std::io;
use std::path::Path;

/// Bytes of the disk that a folder lies on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Space {
    /// All there are.
    pub total: u64,
    /// Those that this user may still fill.
    pub free: u64,
}

/// Asks the system; may take as long as the disk does.
///
/// # Errors
/// There is no such folder, or the system does not say.
pub fn space(folder: &Path) -> io::Result<Space> {
    let found = rustix::fs::statvfs(folder)?;
    let bytes = |blocks: u64| blocks.saturating_mul(found.f_frsize);
    Ok(Space { total: bytes(found.f_blocks), free: bytes(found.f_bavail) })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_folder_lies_on_a_disk() {
        let space = space(&std::env::temp_dir()).unwrap();
        assert!(space.total > 0 && space.free <= space.total, "{space:?}");
        assert!(super::space(Path::new("/no/such/folder")).is_err());
    }
}
