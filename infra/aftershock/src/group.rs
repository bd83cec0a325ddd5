//! `aftershock group`: the processor's own grouping as a filter of lines, for trying it on what one has.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};

const BUFFER: usize = 1 << 16;

/// Answers every line of stdin with a line on stdout, in order, one after the other.
///
/// # Errors
/// Stdin cannot be read or stdout not be written.
pub fn run(explain: bool) -> io::Result<()> {
    let out = BufWriter::with_capacity(BUFFER, io::stdout().lock());
    match lines(io::stdin().lock(), out, |line| processor::group_line(line, explain)) {
        // Who reads has seen enough, as `head` does.
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        result => result,
    }
}

/// A line out for each line in; flushed where the next one is not there yet, so that whoever waits for the answer gets it.
fn lines(input: impl Read, mut out: impl Write, group: impl Fn(&str) -> String) -> io::Result<()> {
    let mut input = BufReader::with_capacity(BUFFER, input);
    let mut line = Vec::new();
    loop {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            return out.flush();
        }
        let text = String::from_utf8_lossy(&line);
        out.write_all(group(text.trim_end_matches(['\n', '\r'])).as_bytes())?;
        out.write_all(b"\n")?;
        if input.buffer().is_empty() {
            out.flush()?;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn every_line_is_answered_in_order() {
        let mut out = Vec::new();
        let input = "一\r\n\nthree".as_bytes();
        lines(input, &mut out, |line| format!("<{line}>")).unwrap();
        assert_eq!(String::from_utf8(out).unwrap(), "<一>\n<>\n<three>\n");
        let mut out = Vec::new();
        lines(&b"\xff\n"[..], &mut out, str::to_owned).unwrap();
        assert_eq!(out, "\u{fffd}\n".as_bytes());
    }
}
