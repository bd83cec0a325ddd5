//! Every connection is a file descriptor; many systems allow a process far fewer than it may ask for.
#![allow(unsafe_code)]

/// Asks for as many file descriptors as the system grants. Where it refuses, the former limit stays.
pub fn raise_limit() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls are given a pointer to a whole `rlimit` that lives through the call.
    let raised = unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) == 0 && {
            limit.rlim_cur = limit.rlim_max;
            libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) == 0
        }
    };
    if !raised {
        tracing::debug!("the limit of file descriptors could not be raised");
    }
}
