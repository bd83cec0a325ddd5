//! What this program writes is its user's alone: reports, devices, keys, and copies of them.
#![allow(unsafe_code)]

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

/// Files that this process makes from now on get mode 0600 and folders 0700, those of the engine's library among them.
pub fn close_new_files() {
    // SAFETY: the call takes a number and cannot fail.
    unsafe { libc::umask(0o077) };
}

/// The mode of a folder that other users may enter; none where they may not, or there is no such folder.
pub fn entrance(folder: &Path) -> Option<u32> {
    let mode = std::fs::metadata(folder).ok()?.permissions().mode() & 0o7777;
    (mode & 0o055 != 0).then_some(mode)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_folder_is_open_where_others_may_look_or_pass() {
        let folder = tempfile::tempdir().unwrap();
        for (mode, found) in [(0o700, None), (0o750, Some(0o750)), (0o711, Some(0o711)), (0o1777, Some(0o1777))] {
            std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(entrance(folder.path()), found, "{mode:o}");
        }
        assert_eq!(entrance(&folder.path().join("none")), None);
    }
}
