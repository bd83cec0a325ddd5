//! `aftershock group`: the processor's own grouping as a filter of lines, for trying it on what one has.

use crate::settings::Settings;
use processor::Rules;
use service::printable;
use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};
use std::path::Path;

const BUFFER: usize = 1 << 16;

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{0}")]
    Rules(String),
    #[error("{name}: {source}")]
    Unreadable { name: String, source: io::Error },
    #[error("{0} is neither a file nor the id of a report on stdin")]
    NotFound(String),
    #[error("a report cannot be read: {0}")]
    NoReport(&'static str),
    #[error(transparent)]
    Pipe(#[from] io::Error),
}

/// The rules of the projects, as the processor has them.
///
/// # Errors
/// They cannot be used.
pub fn rules(settings: &Settings) -> Result<Rules, Error> {
    Rules::new(&settings.processor.grouping).map_err(|wrong| Error::Rules(wrong.join("; ")))
}

/// Says why two reports do or do not share an issue.
///
/// # Errors
/// One of them is not there or is no report.
pub fn diff(named: [&str; 2], rules: &Rules) -> Result<(), Error> {
    let mut found = named.map(|name| (name, None));
    for (name, text) in found.iter_mut().filter(|(name, _)| Path::new(name).is_file()) {
        let unreadable = |source| Error::Unreadable { name: (*name).to_owned(), source };
        let mut line = Vec::new();
        BufReader::new(File::open(*name).map_err(unreadable)?).read_until(b'\n', &mut line).map_err(unreadable)?;
        *text = Some(String::from_utf8_lossy(&line).into_owned());
    }
    if found.iter().any(|(_, text)| text.is_none()) {
        look_up(&mut found, BufReader::with_capacity(BUFFER, io::stdin().lock()))?;
    }
    let [(_, Some(left)), (_, Some(right))] = &found else {
        let missing = found.iter().find(|(_, text)| text.is_none()).map_or("", |(name, _)| name);
        return Err(Error::NotFound(missing.to_owned()));
    };
    let said = processor::group::difference(left, right, rules).map_err(Error::NoReport)?;
    Ok(io::stdout().lock().write_all(printable::lines(&said).as_bytes())?)
}

/// Finds reports by their ids among lines.
fn look_up(found: &mut [(&str, Option<String>); 2], mut input: impl BufRead) -> io::Result<()> {
    let mut line = Vec::new();
    while found.iter().any(|(_, text)| text.is_none()) {
        line.clear();
        if input.read_until(b'\n', &mut line)? == 0 {
            break;
        }
        let text = String::from_utf8_lossy(&line);
        let Some(id) = processor::group::id_of_line(&text) else { continue };
        for (_, place) in found.iter_mut().filter(|(name, place)| *name == id && place.is_none()) {
            *place = Some(text.clone().into_owned());
        }
    }
    Ok(())
}

/// Answers every line of stdin with a line on stdout, in order, one after the other.
///
/// # Errors
/// Stdin cannot be read or stdout not be written.
pub fn run(rules: &Rules, explain: bool) -> io::Result<()> {
    let out = BufWriter::with_capacity(BUFFER, io::stdout().lock());
    match lines(io::stdin().lock(), out, |line| printable::json(&processor::group_line(line, rules, explain)).into_owned()) {
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
    fn reports_are_found_by_their_ids() {
        let input = "{\"id\":7}\nnone\n{\"eventId\":\"八\",\"a\":1}\n{\"id\":\"7\"}\n";
        let mut found = [("八", None), ("7", None)];
        look_up(&mut found, input.as_bytes()).unwrap();
        assert_eq!(found.map(|(_, text)| text.unwrap_or_default()), ["{\"eventId\":\"八\",\"a\":1}\n", "{\"id\":7}\n"]);
        let mut found = [("9", None), ("7", None)];
        look_up(&mut found, input.as_bytes()).unwrap();
        assert_eq!(found[0].1, None);
    }

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
