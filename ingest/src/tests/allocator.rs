//! Counts what each thread of the tests has allocated, so that a test can say how much memory something takes at its peak.
//!
//! What a C library takes (zstd) is not seen; its windows are bounded where it is called.
#![allow(unsafe_code, reason = "an allocator cannot be written without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Bytes that this thread has now, and the most it has had since the last measure began.
    static LIVE: Cell<isize> = const { Cell::new(0) };
    static PEAK: Cell<isize> = const { Cell::new(0) };
}

struct Counting;

#[global_allocator]
static COUNTING: Counting = Counting;

fn count(bytes: isize) {
    // Nothing is counted while a thread ends.
    let _ = LIVE.try_with(|live| {
        live.set(live.get() + bytes);
        let _ = PEAK.try_with(|peak| peak.set(peak.get().max(live.get())));
    });
}

/// To grow an allocation is to make the larger one beside it, as `realloc` does where it is not overridden: the worst case.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size().cast_signed());
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(-layout.size().cast_signed());
        unsafe { System.dealloc(pointer, layout) }
    }
}

/// Runs something on a thread of its own, which has kept nothing from before; gives the most that it had at once, in bytes.
pub(super) fn peak<T: Send>(run: impl FnOnce() -> T + Send) -> (T, usize) {
    let measured = || {
        let before = LIVE.get();
        PEAK.set(before);
        let made = run();
        (made, usize::try_from(PEAK.get() - before).unwrap_or_default())
    };
    std::thread::scope(|scope| scope.spawn(measured).join().unwrap())
}

#[test]
fn the_peak_is_what_was_there_at_once() {
    let (kept, peak) = peak(|| {
        drop(vec![0_u8; 1000]);
        let kept = vec![0_u8; 600];
        drop(vec![0_u8; 700]);
        kept
    });
    assert_eq!((kept.len(), peak), (600, 1300));
}
