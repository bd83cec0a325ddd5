//! How a child's process hangs on the standalone that started it.
//!
//! The parent holds the other end of the child's stdin. The first line may hand something over ([`first_line`]). `stop` on it asks the child to
//! finish, `reload` to read again what a SIGHUP would have it read; its end means that the parent has died, and the child leaves at once, so that the
//! next start finds no lock held. On Linux the kernel sees to that as well.

use service::shutdown::Trigger;
use std::io::{self, BufRead};

/// The line that asks the child to finish.
pub const STOP: &str = "stop\n";
/// The line that asks the child to read again.
pub const RELOAD: &str = "reload\n";

/// The line that the parent writes first.
///
/// # Errors
/// Nobody writes one.
pub fn first_line() -> io::Result<String> {
    let mut line = String::new();
    match io::stdin().lock().read_line(&mut line)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(line),
    }
}

/// Watches stdin on a thread of its own: fires `trigger` when the parent asks, leaves the process when the parent is gone. The process must listen for
/// signals already ([`service::shutdown::signals`]).
pub fn attach(trigger: Trigger) {
    die_with_parent();
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines() {
            match line.as_deref() {
                Ok("stop") => trigger.fire(),
                Ok("reload") => hang_up(),
                Ok(_) => {}
                Err(_) => break,
            }
        }
        // Nobody is left to tell, and what was acknowledged is on disk.
        service::shutdown::exit(1);
    });
}

/// A SIGHUP to this process, for all that listen to it.
#[allow(unsafe_code)]
fn hang_up() {
    // SAFETY: takes two numbers and touches no memory of ours.
    if unsafe { libc::kill(libc::getpid(), libc::SIGHUP) } != 0 {
        tracing::error!(error = %io::Error::last_os_error(), "nothing was read again");
    }
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn die_with_parent() {
    // SAFETY: takes two numbers and touches no memory of ours.
    if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) } != 0 {
        tracing::warn!(error = %io::Error::last_os_error(), "cannot ask the kernel to end with the parent");
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent() {}
