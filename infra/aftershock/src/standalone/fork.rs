//! What a child's process is given between fork and exec.
#![allow(unsafe_code)]

use std::io;
use std::os::fd::RawFd;
use tokio::process::Command;

/// Lets `sockets` live on in the child under the numbers that they have here, and the child stand back by `niceness`.
pub fn prepare(command: &mut Command, sockets: Vec<RawFd>, niceness: i32) {
    let given = move || {
        for socket in &sockets {
            // SAFETY: takes two numbers; the flag is the child's own from the fork on.
            if unsafe { libc::fcntl(*socket, libc::F_SETFD, 0) } == -1 {
                return Err(io::Error::last_os_error());
            }
        }
        if niceness > 0 {
            // A child that does not stand back works all the same.
            // SAFETY: takes a number.
            let _ = unsafe { libc::nice(niceness) };
        }
        Ok(())
    };
    // SAFETY: the closure makes system calls and reads what it was given; it takes no memory and no lock.
    unsafe { command.pre_exec(given) };
}
