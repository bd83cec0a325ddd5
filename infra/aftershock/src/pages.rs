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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]

    #[test]
    fn the_kernel_gives_none_from_then_on() {
        super::keep_small();
        let status = std::fs::read_to_string("/proc/self/status").unwrap();
        // Kernels before 5.0 do not say.
        let said = status.lines().find_map(|line| line.strip_prefix("THP_enabled:"));
        assert!(said.is_none_or(|said| said.trim() == "0"), "{status}");
    }
}
