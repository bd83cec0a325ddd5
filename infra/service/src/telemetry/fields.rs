//! How the fields of a log line are written: text from outside can neither begin a line, nor move a terminal's cursor, nor fill the log.

use crate::printable::is_harmful;
use std::fmt::{self, Debug, Write};
use tracing_subscriber::field::MakeExt;
use tracing_subscriber::fmt::FormatFields;
use tracing_subscriber::fmt::format::debug_fn;

/// Bytes of one value; the rest is left out.
const MAX_VALUE_BYTES: usize = 4 << 10;

/// Fields as `name=value`, control characters escaped, long values cut.
pub(super) fn plain() -> impl for<'writer> FormatFields<'writer> + Send + Sync + 'static {
    debug_fn(|writer, field, value| {
        if field.name() != "message" {
            write!(writer, "{}=", field.name())?;
        }
        written(writer, value)
    })
    .delimited(" ")
}

fn written(writer: &mut dyn Write, value: &dyn Debug) -> fmt::Result {
    let mut plain = Plain { writer, left: MAX_VALUE_BYTES, is_cut: false };
    write!(plain, "{value:?}")
}

/// Writes text without control characters, up to a limit.
struct Plain<'a> {
    writer: &'a mut dyn Write,
    left: usize,
    is_cut: bool,
}

impl Write for Plain<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.is_cut {
            return Ok(());
        }
        for c in text.chars() {
            if c.len_utf8() > self.left {
                self.is_cut = true;
                return self.writer.write_str("...");
            }
            self.left -= c.len_utf8();
            match is_harmful(c) {
                true => write!(self.writer, "{}", c.escape_default())?,
                false => self.writer.write_char(c)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Lines(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Lines {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn logged(log: impl FnOnce()) -> String {
        let lines = Lines::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt().with_ansi(false).fmt_fields(plain()).with_writer(move || writer.clone()).finish();
        tracing::subscriber::with_default(subscriber, log);
        String::from_utf8(lines.0.lock().unwrap().clone()).unwrap()
    }

    #[test]
    fn nothing_from_outside_controls_the_terminal_or_begins_a_line() {
        let hostile = "崩溃\n2026-01-01 ERROR forged\r\x1b]0;PWNED\x07\x1b[2J\u{9b}31m\u{202e}end";
        let line = logged(|| {
            let _span = tracing::error_span!("request", from = %hostile).entered();
            tracing::error!(error = %hostile, text = hostile, number = 7, "{hostile}");
        });
        assert_eq!(line.matches('\n').count(), 1, "{line:?}");
        assert!(line.ends_with('\n') && !line.trim_end_matches('\n').contains(|c: char| c.is_control() || c == '\u{202e}'), "{line:?}");
        assert!(line.contains("error=崩溃\\n2026-01-01") && line.contains("number=7") && line.contains("\\u{1b}"), "{line}");
    }

    #[test]
    fn a_long_value_is_cut_at_a_character() {
        let line = logged(|| tracing::error!(error = %"长".repeat(1 << 20), "cannot answer"));
        assert!(line.len() < MAX_VALUE_BYTES + 200 && line.contains("长..."), "{}", line.len());
    }
}
