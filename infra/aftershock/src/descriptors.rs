//! Every connection is a file descriptor; many systems allow a process far fewer than it may ask for.
#![allow(unsafe_code)]

/// Asks for as many file descriptors as the system grants. Where it refuses, the former limit stays.
pub fn raise_limit() {
    // SAFETY: the call is given a pointer to a whole `rlimit` that lives through it.
    let raised = limit().is_some_and(|limit| unsafe {
        let most = libc::rlimit { rlim_cur: limit.rlim_max, ..limit };
        libc::setrlimit(libc::RLIMIT_NOFILE, &raw const most) == 0
    });
    if !raised {
        tracing::debug!("the limit of file descriptors could not be raised");
    }
}

/// How many file descriptors a process may ask for.
pub fn most() -> Option<u64> {
    limit().map(|limit| limit.rlim_max)
}

fn limit() -> Option<libc::rlimit> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the call is given a pointer to a whole `rlimit` that lives through it.
    (unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) } == 0).then_some(limit)
}
