//! One standalone for each data folder. The kernel holds the lock, so nothing is left behind by a kill.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

const FILE: &str = "standalone.lock";
const ATTEMPTS: u32 = 20;
const RETRY_INTERVAL: Duration = Duration::from_millis(25);

/// Why a data folder cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    #[error("the data folder {0} is in use by another standalone")]
    InUse(PathBuf),
    #[error("the data folder {0} cannot be used: {1}")]
    Folder(PathBuf, #[source] io::Error),
}

/// Makes the folder where it is not there, closed to others, and locks it for as long as the file lives.
pub fn take(dir: &Path) -> Result<File, LockError> {
    let failed = |error| LockError::Folder(dir.to_owned(), error);
    fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(failed)?;
    let file = open(dir).map_err(failed)?;
    if !lock(&file).map_err(failed)? {
        return Err(LockError::InUse(dir.to_owned()));
    }
    // The log holds what devices sent: a folder that was there before is closed too.
    fs::set_permissions(dir, fs::Permissions::from_mode(0o700)).map_err(failed)?;
    Ok(file)
}

/// Whether a standalone runs on the folder.
pub fn is_held(dir: &Path) -> bool {
    match File::open(dir.join(FILE)) {
        Ok(file) => matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)),
        Err(_) => false,
    }
}

/// Tries for a moment: who only looks whether the lock is held holds it shared for an instant, and a process that was killed for a few.
fn lock(file: &File) -> io::Result<bool> {
    for attempt in 0..=ATTEMPTS {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) if attempt < ATTEMPTS => std::thread::sleep(RETRY_INTERVAL),
            Err(TryLockError::WouldBlock) => break,
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(false)
}

fn open(dir: &Path) -> io::Result<File> {
    fs::OpenOptions::new().read(true).write(true).create(true).truncate(false).open(dir.join(FILE))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_second_one_is_refused_until_the_first_has_gone() {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("数据/deep");
        assert!(!is_held(&dir));
        let first = take(&dir).unwrap();
        assert!(is_held(&dir));
        assert!(matches!(take(&dir), Err(LockError::InUse(_))));
        drop(first);
        assert!(!is_held(&dir));
        take(&dir).unwrap();
        assert_eq!(fs::metadata(&dir).unwrap().permissions().mode() & 0o777, 0o700);
    }
}
