//! Memory and the kernel: how large its pages are, and how soon they go back.

/// Asks the kernel to give this process no huge pages from now on: what the embedded engines use is many small things that come and go, and a
/// huge page stays whole while one of them lives. With them the log kept twice the memory, and an idle engine was never quite idle. Where the
/// kernel cannot, all works as well.
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

/// Bytes that the C library may keep of each of its heaps, and the largest piece that it takes from a heap.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
const MAX_KEPT_BYTES: libc::c_int = 16 << 20;

/// Asks the C library to keep what is freed, up to a bound. The client library of the log takes and frees a few megabytes with every round of
/// messages; given back and taken again each time, they are page faults.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
pub fn keep_freed() {
    // SAFETY: both take a number; a refusal changes nothing.
    let taken = unsafe { [libc::mallopt(libc::M_TRIM_THRESHOLD, MAX_KEPT_BYTES), libc::mallopt(libc::M_MMAP_THRESHOLD, MAX_KEPT_BYTES)] };
    if taken.contains(&0) {
        tracing::debug!("the C library does not keep what is freed");
    }
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
pub fn keep_freed() {}

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

    /// Takes 8 MiB of the C library, piece by piece, writes to each page and frees all; gives the page faults.
    #[cfg(target_env = "gnu")]
    #[allow(unsafe_code)]
    fn faults_of_a_round() -> i64 {
        const PIECE: usize = 1 << 20;
        // SAFETY: zeroed numbers are numbers; each piece is written within its length and freed once.
        unsafe {
            let mut usage: [libc::rusage; 2] = std::mem::zeroed();
            libc::getrusage(libc::RUSAGE_THREAD, &mut usage[0]);
            let pieces = [0; 8].map(|_| libc::malloc(PIECE).cast::<u8>());
            for piece in pieces {
                assert!(!piece.is_null());
                (0..PIECE).step_by(4096).for_each(|at| piece.add(at).write_volatile(1));
            }
            pieces.iter().for_each(|piece| libc::free(piece.cast()));
            libc::getrusage(libc::RUSAGE_THREAD, &mut usage[1]);
            usage[1].ru_minflt - usage[0].ru_minflt
        }
    }

    #[cfg(target_env = "gnu")]
    #[test]
    fn what_is_freed_is_taken_again_without_the_kernel() {
        // As the C library begins; what others of this process freed may have moved it.
        const FIRST: libc::c_int = 128 << 10;
        // SAFETY: both take a number.
        #[allow(unsafe_code)]
        let set = unsafe { [libc::mallopt(libc::M_TRIM_THRESHOLD, FIRST), libc::mallopt(libc::M_MMAP_THRESHOLD, FIRST)] };
        assert_eq!(set, [1, 1]);
        let without = (0..20).map(|_| faults_of_a_round()).sum::<i64>();
        assert!(without > 20 * 256, "{without}");
        super::keep_freed();
        faults_of_a_round();
        let with = (0..20).map(|_| faults_of_a_round()).sum::<i64>();
        assert!(with < without / 20, "{with} of {without}");
    }
}
