//! The framing of an envelope: a line of headers, then items, each a line of headers and a payload that is as long as the
//! headers say or ends with its line.

use super::lenient::{object, skip};
use super::values::{Text, Whole};
use crate::dialect::bounds::{ENVELOPE_HEADER, ENVELOPE_ITEMS};
use crate::rejection::Rejection;
use std::io::BufRead;

object! {
    /// The envelope's own headers.
    Header<'a>, other: skip, {
        event_id: Text<'a> = "event_id",
        dsn: Text<'a> = "dsn",
        sdk: super::event::Sdk<'a> = "sdk",
    } []
}

object! {
    /// The headers of an item.
    ItemHeader<'a>, other: skip, {
        kind: Text<'a> = "type",
        length: Whole = "length",
        filename: Text<'a> = "filename",
        attachment_type: Text<'a> = "attachment_type",
    } []
}

/// One item.
#[derive(Debug)]
pub(super) struct Item<'a> {
    pub(super) header: ItemHeader<'a>,
    pub(super) payload: &'a [u8],
}

/// The items of an envelope, one by one. Behind the first that cannot be framed nothing can: it is the last.
#[derive(Debug)]
pub(super) struct Items<'a> {
    rest: &'a [u8],
    count: usize,
}

/// Reads the headers of an envelope and gives its items.
pub(super) fn open(body: &[u8]) -> Result<(Header<'_>, Items<'_>), Rejection> {
    let mut rest = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let header = header(line(&mut rest)).map_err(|why| Rejection::invalid(format!("the envelope's header: {why}")))?;
    Ok((header, Items { rest, count: 0 }))
}

impl<'a> Iterator for Items<'a> {
    type Item = Result<Item<'a>, Rejection>;

    fn next(&mut self) -> Option<Self::Item> {
        while let Some(rest) = self.rest.strip_prefix(b"\n").or_else(|| self.rest.strip_prefix(b"\r\n")) {
            self.rest = rest;
        }
        if self.rest.is_empty() {
            return None;
        }
        self.count += 1;
        let item = self.item();
        if item.is_err() {
            self.rest = &[];
        }
        Some(item)
    }
}

impl<'a> Items<'a> {
    fn item(&mut self) -> Result<Item<'a>, Rejection> {
        let number = self.count;
        if number > ENVELOPE_ITEMS {
            return Err(Rejection::TooLarge(format!("more than {ENVELOPE_ITEMS} items in one envelope")));
        }
        let header: ItemHeader<'a> =
            header(line(&mut self.rest)).map_err(|why| Rejection::invalid(format!("item {number}: header: {why}")))?;
        let payload = match header.length.0 {
            None => line(&mut self.rest),
            Some(length) => {
                let split = usize::try_from(length).ok().and_then(|length| self.rest.split_at_checked(length));
                let (payload, rest) = split.ok_or_else(|| Rejection::invalid(format!("item {number}: is shorter than its length says")))?;
                if !(rest.is_empty() || rest.starts_with(b"\n") || rest.starts_with(b"\r\n")) {
                    return Err(Rejection::invalid(format!("item {number}: is longer than its length says")));
                }
                self.rest = rest;
                payload
            }
        };
        Ok(Item { header, payload })
    }
}

/// Takes one line, without its end.
fn line<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let from = *rest;
    // A slice never fails to be read.
    let length = rest.skip_until(b'\n').unwrap_or(from.len());
    let line = &from[..length];
    line.strip_suffix(b"\n").unwrap_or(line)
}

fn header<'a, T: serde::Deserialize<'a>>(line: &'a [u8]) -> Result<T, String> {
    if line.len() > ENVELOPE_HEADER {
        return Err(format!("longer than {ENVELOPE_HEADER} bytes"));
    }
    if !line.trim_ascii_start().starts_with(b"{") {
        return Err("expected a JSON object".to_owned());
    }
    serde_json::from_slice(line).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(body: &str) -> Vec<Result<(String, String), Rejection>> {
        let (_, items) = open(body.as_bytes()).unwrap();
        items.map(|item| item.map(|item| (item.header.kind.0.into_owned(), String::from_utf8(item.payload.to_vec()).unwrap()))).collect()
    }

    fn pair(kind: &str, payload: &str) -> Result<(String, String), Rejection> {
        Ok((kind.to_owned(), payload.to_owned()))
    }

    #[test]
    fn payloads_end_by_length_or_by_line() {
        let body = "{\"event_id\":\"a\"}\n{\"type\":\"attachment\",\"length\":7}\na\n崩\nb\n{\"type\":\"event\"}\n{\"x\":1}\n\n{\"type\":\"log\",\"length\":0}\n\n{\"type\":\"z\"}\nlast";
        assert_eq!(read(body), [pair("attachment", "a\n崩\nb"), pair("event", "{\"x\":1}"), pair("log", ""), pair("z", "last")]);
        assert_eq!(read("{}"), []);
        assert_eq!(read("{}\n\r\n{\"type\":\"a\"}\r\nx"), [pair("a", "x")]);
        assert_eq!(read("{}\n{\"type\":\"a\"}"), [pair("a", "")]);
    }

    #[test]
    fn behind_a_broken_frame_nothing_is_read_and_before_it_all() {
        for broken in [
            "{\"type\":\"b\",\"length\":99}\nx\n",
            "{\"type\":\"b\",\"length\":1}\nxy\n",
            "nonsense\n",
            "{\"type\":\"b\",\"length\":-1}\nx\n",
            "{\n",
        ] {
            let items = read(&format!("{{}}\n{{\"type\":\"a\"}}\n1\n{broken}{{\"type\":\"c\"}}\n2\n"));
            assert_eq!(items[0], pair("a", "1"), "{broken}");
            assert!(matches!(items[1..], [Err(Rejection::InvalidParams(_))]), "{broken} {items:?}");
        }
    }

    #[test]
    fn headers_and_items_are_bounded() {
        let long = format!("{{\"a\":\"{}\"}}", "x".repeat(ENVELOPE_HEADER));
        assert!(open(long.as_bytes()).is_err());
        assert!(open(b"").is_err() && open(b"[]").is_err() && open(b"\xff").is_err());
        let many = format!("{{}}\n{}", "{\"type\":\"a\"}\n\n".repeat(ENVELOPE_ITEMS + 5));
        let items = read(&many);
        assert_eq!(items.len(), ENVELOPE_ITEMS + 1);
        assert!(matches!(items[ENVELOPE_ITEMS], Err(Rejection::TooLarge(_))));
    }
}
