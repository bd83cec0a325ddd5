//! Reads `multipart/form-data`: the `clickhouse` crate sends a statement and its parameters this way.

use crate::exception::{BAD_ARGUMENTS, Exception, NOT_IMPLEMENTED};

/// Most fields of a form.
const MAX_FIELDS: usize = 1000;

/// The fields of a form, in order. Files (external tables) are refused.
pub fn fields(body: &[u8], boundary: &str) -> Result<Vec<(String, String)>, Exception> {
    let delimiter = [b"\r\n--", boundary.as_bytes()].concat();
    // The first delimiter may stand at the very start; it loses its line end there.
    let mut rest = match body.strip_prefix(&delimiter[2..]) {
        Some(rest) => rest,
        None => find(body, &delimiter).map(|at| &body[at + delimiter.len()..]).ok_or_else(|| broken("no boundary"))?,
    };
    let mut fields = Vec::new();
    while !rest.starts_with(b"--") {
        rest = after_line(rest).ok_or_else(|| broken("a boundary without a line end"))?;
        let end = find(rest, &delimiter).ok_or_else(|| broken("the end is missing"))?;
        fields.push(field(&rest[..end])?);
        rest = &rest[end + delimiter.len()..];
        if fields.len() > MAX_FIELDS {
            return Err(broken("too many fields"));
        }
    }
    Ok(fields)
}

fn field(part: &[u8]) -> Result<(String, String), Exception> {
    let (head, value) = match (part.strip_prefix(b"\r\n"), find(part, b"\r\n\r\n")) {
        (Some(value), _) => (&part[..0], value),
        (None, Some(at)) => (&part[..at], &part[at + 4..]),
        (None, None) => return Err(broken("a field without a head")),
    };
    let head = std::str::from_utf8(head).map_err(|_| broken("a field's head is not UTF-8"))?;
    let disposition = head
        .lines()
        .find_map(|l| l.split_once(':').filter(|(n, _)| n.trim().eq_ignore_ascii_case("content-disposition")))
        .ok_or_else(|| broken("a field without a name"))?
        .1;
    if parameter(disposition, "filename").is_some() {
        return Err(Exception::new(NOT_IMPLEMENTED, "External tables are not supported by the embedded engine"));
    }
    let name = parameter(disposition, "name").ok_or_else(|| broken("a field without a name"))?;
    let value = std::str::from_utf8(value).map_err(|_| broken("a field is not UTF-8"))?;
    Ok((name, value.to_owned()))
}

/// A parameter of a header's value, quoted or not.
fn parameter(value: &str, name: &str) -> Option<String> {
    value.split(';').skip(1).find_map(|p| {
        let (n, v) = p.split_once('=')?;
        n.trim().eq_ignore_ascii_case(name).then(|| v.trim().trim_matches('"').to_owned())
    })
}

fn after_line(text: &[u8]) -> Option<&[u8]> {
    let blanks = text.iter().take_while(|c| matches!(c, b' ' | b'\t')).count();
    text[blanks..].strip_prefix(b"\r\n")
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|w| w == wanted)
}

fn broken(what: &str) -> Exception {
    Exception::new(BAD_ARGUMENTS, format_args!("Cannot read the form: {what}"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
    use super::*;
    use proptest::prelude::*;

    const FORM: &str = "--b\r\nContent-Disposition: form-data; name=\"query\"\r\n\r\nselect {p:String}\r\nlimit 1\r\n--b\r\nContent-Disposition: form-data; name=param_p\r\nContent-Type: text/plain\r\n\r\n闪退\r\n--b--\r\n";

    #[test]
    fn fields_are_read_in_order() {
        let fields = fields(FORM.as_bytes(), "b").unwrap();
        assert_eq!(fields, [("query".to_owned(), "select {p:String}\r\nlimit 1".to_owned()), ("param_p".to_owned(), "闪退".to_owned())]);
    }

    #[test]
    fn broken_forms_and_files_are_refused() {
        for cut in 0..FORM.len() - 4 {
            assert!(fields(&FORM.as_bytes()[..cut], "b").is_err(), "{cut}");
        }
        let file = FORM.replacen("name=\"query\"", "name=\"t\"; filename=\"x\"", 1);
        assert_eq!(fields(file.as_bytes(), "b").unwrap_err().code, 48);
    }

    proptest! {
        #[test]
        fn any_body_is_read(body in "(--b|--|\r\n|Content-Disposition: form-data; |name=a|\"|闪|:){0,20}", boundary in "b|[a-z]{1,3}") {
            let _ = fields(body.as_bytes(), &boundary);
        }
    }
}
