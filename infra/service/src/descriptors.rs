//! Every connection is a file descriptor; many systems allow a process far fewer than it may ask for.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Asks for as many file descriptors as the system grants. Where it refuses, the former limit stays.
pub fn raise_limit() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    if let Err(error) = setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        tracing::debug!(%error, "the limit of file descriptors could not be raised");
    }
}

/// How many file descriptors this process may have open; `None` where there is no limit.
pub fn limit() -> Option<u64> {
    getrlimit(Resource::Nofile).current
}

/// How many file descriptors a process may ask for; `None` where there is no limit.
pub fn maximum() -> Option<u64> {
    getrlimit(Resource::Nofile).maximum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_is_raised_to_what_is_allowed() {
        raise_limit();
        assert_eq!(getrlimit(Resource::Nofile).current, maximum());
    }
}
