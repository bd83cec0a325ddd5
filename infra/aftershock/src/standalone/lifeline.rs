//! How an embedded engine's process hangs on the standalone that started it.
//!
//! The parent holds the other end of the child's stdin. `stop` on it asks the child to finish; its end means that the parent has
//! died, and the child leaves at once, so that the next start finds no lock held. On Linux the kernel sees to that as well.

use std::io::BufRead;

use service::shutdown::Trigger;

/// The line that asks the child to finish.
pub const STOP: &str = "stop\n";

/// Watches stdin on a thread of its own: fires `trigger` when the parent asks, leaves the process when the parent is gone.
pub fn attach(trigger: Trigger) {
    die_with_parent();
    std::thread::spawn(move || {
        for line in std::io::stdin().lock().lines() {
            match line.as_deref() {
                Ok("stop") => trigger.fire(),
                Ok(_) => {}
                Err(_) => break,
            }
        }
        // Nobody is left to tell, and what was acknowledged is on disk.
        std::process::exit(1);
    });
}

#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
fn die_with_parent() {
    // SAFETY: takes two numbers and touches no memory of ours.
    if unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) } != 0 {
        tracing::warn!(error = %std::io::Error::last_os_error(), "cannot ask the kernel to end with the parent");
    }
}

#[cfg(not(target_os = "linux"))]
fn die_with_parent() {}
