//! Memory in small pages: what the embedded engines use is many small things that come and go, and a huge page stays whole while one of
//! them lives. With them the log kept twice the memory, and an idle engine was never quite idle.

/// Asks the kernel to give this process no huge pages from now on. Where it cannot, all works as well.
#[cfg(target_os = "linux")]
#[allow(unsafe_code)]
pub fn keep_small() {
    // SAFETY: takes numbers and touches no memory of ours.
    if unsafe { libc::prctl(libc::PR_SET_THP_DISABLE, 1, 0, 0, 0) } != 0 {
        tracing::debug!(error = %std::io::Error::last_os_error(), "cannot do without huge pages");
    }
}

#[cfg(not(target_os = "linux"))]
pub fn keep_small() {}
