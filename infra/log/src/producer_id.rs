//! Ids for idempotent producers: never given out twice, also not after a crash.

use crate::disk;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

/// Ids that are reserved on disk at once.
const BLOCK: i64 = 1_000;

/// The ids.
#[derive(Debug)]
pub struct ProducerIds {
    path: PathBuf,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    next: i64,
    reserved: i64,
}

impl ProducerIds {
    /// Goes on after everything that was ever reserved. A damaged file is an error: its ids could be given out again.
    pub fn open(path: &Path) -> io::Result<ProducerIds> {
        let reserved = match disk::read_if_there(path)? {
            None => 0,
            Some(bytes) => {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                let parsed = text.trim().parse();
                parsed.map_err(|_| io::Error::new(io::ErrorKind::InvalidData, format!("{} is damaged", path.display())))?
            }
        };
        Ok(ProducerIds { path: path.to_owned(), state: Mutex::new(State { next: reserved, reserved }) })
    }

    /// A new id. Blocks for the disk once in a while.
    pub fn next(&self) -> io::Result<i64> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.next == state.reserved {
            let reserved = state.reserved + BLOCK;
            disk::replace(&self.path, reserved.to_string().as_bytes())?;
            state.reserved = reserved;
        }
        state.next += 1;
        Ok(state.next - 1)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;

    #[test]
    fn ids_differ_over_restarts() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("producer-ids");
        let mut given = Vec::new();
        for _ in 0..3 {
            let ids = ProducerIds::open(&path).unwrap();
            given.extend((0..BLOCK + 2).map(|_| ids.next().unwrap()));
        }
        let count = given.len();
        given.sort_unstable();
        given.dedup();
        assert_eq!(given.len(), count);
    }
}
