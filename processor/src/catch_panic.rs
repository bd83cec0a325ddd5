//! Work on one record that may panic, so that the panic costs the record and not its slice.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Characters that are kept of a panic's message.
const MESSAGE_CHARS: usize = 200;

/// Runs work that reads one record and makes a new value.
///
/// # Errors
/// The message of the panic.
pub fn catch_panic<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // Nothing outside is changed by the work, so there is nothing to be found half-done.
    catch_unwind(AssertUnwindSafe(work)).map_err(|panic| message(panic.as_ref()))
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().copied().or(panic.downcast_ref::<String>().map(String::as_str));
    format!("the processor panicked: {}", text.unwrap_or("without a message").chars().take(MESSAGE_CHARS).collect::<String>())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]
    use super::*;

    #[test]
    fn a_panic_is_an_error_with_its_message() {
        assert_eq!(catch_panic(|| 7), Ok(7));
        let panicked = catch_panic(|| if true { panic!("没有 {}", "崩溃".repeat(500)) } else { 7 });
        let message = panicked.err().unwrap_or_default();
        assert!(message.starts_with("the processor panicked: 没有 崩溃") && message.chars().count() < 240, "{message}");
        assert_eq!(
            catch_panic(|| std::panic::resume_unwind(Box::new(5))).err(),
            Some("the processor panicked: without a message".to_owned())
        );
    }
}
