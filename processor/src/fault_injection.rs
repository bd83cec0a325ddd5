//! Faults that tests ask for, to see what a record can do to a processor. Only debug builds have them.
//!
//! The environment variables `AFTERSHOCK_TEST_ABORT_ON` and `AFTERSHOCK_TEST_PANIC_ON` are read once. Grouping a report whose message contains
//! the text of the first aborts the process; that of the second panics.

/// Triggers the fault that the environment asks for, if any, for a report with this message.
#[cfg(debug_assertions)]
#[allow(clippy::panic, reason = "asked for by a test")]
pub fn trigger(message: &str) {
    use std::sync::LazyLock;
    static ABORT_ON: LazyLock<Option<String>> = LazyLock::new(|| marker("AFTERSHOCK_TEST_ABORT_ON"));
    static PANIC_ON: LazyLock<Option<String>> = LazyLock::new(|| marker("AFTERSHOCK_TEST_PANIC_ON"));
    let asks = |marker: &Option<String>| marker.as_ref().is_some_and(|marker| message.contains(marker));
    if asks(&ABORT_ON) {
        std::process::abort();
    }
    if asks(&PANIC_ON) {
        panic!("a test asked for it");
    }
}

#[cfg(debug_assertions)]
fn marker(variable: &str) -> Option<String> {
    std::env::var(variable).ok().filter(|marker| !marker.is_empty())
}

/// Does nothing in a release build.
#[cfg(not(debug_assertions))]
pub fn trigger(_: &str) {}
