//! The form of a message: values that vary from event to event are replaced, words that name the bug stay.
//!
//! It takes one pass over the text, word by word, without patterns for certain systems. A word that is a number, an address, a date, a path and so on
//! becomes its kind (`<num>`, `<path>`). Words stay, and so do names of exceptions, HTTP statuses and error codes, because they say what went wrong.

pub mod vocabulary;
pub mod word;

use crate::frames::location::head;
use crate::frames::search::split_byte;
use word::Kind;

/// Bytes of a message that count; what comes later is data.
pub const MAX_MESSAGE: usize = 2_048;

/// The form of a message, on one line.
#[must_use]
pub fn message(text: &str) -> String {
    let text = head(text, MAX_MESSAGE);
    let mut form = Form { out: String::with_capacity(text.len().min(256)), previous: "", last_kind: None, last_end: 0 };
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        rest = form.next(c, rest);
    }
    let end = form.out.trim_end().len();
    form.out.truncate(end);
    form.out
}

struct Form<'a> {
    out: String,
    /// The word before, which says what a number is.
    previous: &'a str,
    /// The last placeholder and where it ends: lists of one kind collapse.
    last_kind: Option<Kind>,
    last_end: usize,
}

impl<'a> Form<'a> {
    /// Takes one word or sign from the front and returns the rest.
    fn next(&mut self, c: char, rest: &'a str) -> &'a str {
        if c.is_whitespace() || c.is_control() {
            if !self.out.ends_with(' ') && !self.out.is_empty() {
                self.out.push(' ');
            }
            return &rest[c.len_utf8()..];
        }
        if let Some(length) = quoted(c, rest, &self.out) {
            self.placeholder(Kind::Quoted);
            return &rest[length..];
        }
        if let Some(length) = restated_size(rest) {
            return &rest[length..];
        }
        if is_sign(c) {
            let is_bound = c == '<' && rest[1..].starts_with(|next: char| next.is_ascii_digit());
            if !is_bound {
                self.out.push(c);
            }
            return &rest[c.len_utf8()..];
        }
        let end = word_end(rest);
        self.word(&rest[..end], &rest[end..]);
        &rest[end..]
    }

    fn word(&mut self, whole: &'a str, after: &str) {
        let body = whole.trim_end_matches(['.', ':', '!', '?', '。', '！', '？', '：']);
        let (body, tail) = if body.is_empty() { (whole, "") } else { (body, &whole[body.len()..]) };
        // What Base64 fills up with is no sign of a pair.
        let body =
            body.strip_suffix("==").or_else(|| body.strip_suffix('=')).filter(|body| word::kind(body) == Some(Kind::Id)).unwrap_or(body);
        if let Some((key, value)) = split_byte(body, b'=')
            && is_key(key)
        {
            self.pair(key, value);
            self.out.push_str(tail);
            return;
        }
        // `ORA-00942: …`: a message that begins with a code is about it.
        let is_title = self.out.is_empty() && tail == ":" && vocabulary::is_title(body);
        if is_somebody(self.previous, body, after) {
            self.placeholder(Kind::Value);
        } else if is_title || vocabulary::is_code_after(self.previous, body) {
            self.out.push_str(body);
        } else {
            self.value(body);
        }
        self.out.push_str(tail);
        self.previous = body;
    }

    /// `key=value`: the key names, the value is data unless the key says that it is a code.
    fn pair(&mut self, key: &'a str, value: &'a str) {
        self.out.push_str(key);
        self.out.push('=');
        self.previous = key;
        if !vocabulary::names_a_code(key) {
            self.placeholder(Kind::Value);
        } else if vocabulary::is_code(value) {
            self.out.push_str(value);
        } else {
            self.value(value);
        }
    }

    fn value(&mut self, body: &'a str) {
        if self.is_unit(body) {
            return;
        }
        match word::kind(body) {
            Some(Kind::Number) if vocabulary::names_a_code(self.previous) && body.len() <= 6 => self.out.push_str(body),
            Some(kind @ (Kind::Number | Kind::Time)) => self.number(kind, body),
            Some(kind) => self.placeholder(kind),
            None if self.last_kind == Some(Kind::Time) && self.is_at_last() && vocabulary::follows_a_time(body) => {
                self.out.truncate(self.last_end);
            }
            None => self.plain(body),
        }
    }

    /// A number or time, which is part of a date beside a month's name or behind a date.
    fn number(&mut self, kind: Kind, body: &str) {
        let is_year = body.len() == 4 && self.last_kind == Some(Kind::Time) && self.is_at_last();
        if is_year {
            self.out.truncate(self.last_end);
            return;
        }
        let is_date = vocabulary::is_month(self.previous) && self.out.trim_end().ends_with(self.previous);
        if !is_date {
            self.placeholder(kind);
            return;
        }
        let end = self.out.trim_end().len() - self.previous.len();
        self.out.truncate(end);
        let day = self.out.trim_end_matches([' ', ',']).rsplit(' ').next().unwrap_or("");
        if vocabulary::is_weekday(day) {
            let end = self.out.trim_end_matches([' ', ',']).len() - day.len();
            self.out.truncate(end);
        }
        self.placeholder(Kind::Time);
    }

    /// Whether nothing but spaces and commas follows the last placeholder.
    fn is_at_last(&self) -> bool {
        self.out[self.last_end..].chars().all(|c| matches!(c, ' ' | ','))
    }

    /// A word that is itself but for its digits; `blk_1 blk_2 blk_3` is a list, written once.
    fn plain(&mut self, body: &str) {
        let start = self.out.len();
        word::push_without_digits(body, &mut self.out);
        let (before, now) = self.out.split_at(start);
        let is_list =
            now.contains('<') && before.strip_suffix([' ', ',']).is_some_and(|before| before.trim_end_matches(',').ends_with(now));
        if is_list {
            let end = before.trim_end_matches([' ', ',']).len();
            self.out.truncate(end);
        }
    }

    /// The unit after a number: `5 ms` is a span of time like `00:05`, and `5 KB` a number like `5`.
    fn is_unit(&mut self, body: &str) -> bool {
        if self.last_kind != Some(Kind::Number) || !self.out[self.last_end..].trim().is_empty() {
            return false;
        }
        if vocabulary::is_time_unit(body) {
            self.out.truncate(self.last_end - Kind::Number.placeholder().len());
            self.placeholder(Kind::Time);
            return true;
        }
        let is_size = vocabulary::is_size_unit(body);
        if is_size {
            self.out.truncate(self.last_end);
        }
        is_size
    }

    /// Writes a kind; a list of one kind is written once, however long it was.
    fn placeholder(&mut self, kind: Kind) {
        let is_list = self.last_kind == Some(kind) && self.out[self.last_end..].chars().all(|c| " ,;|/".contains(c));
        if is_list {
            self.out.truncate(self.last_end);
            return;
        }
        self.out.push_str(kind.placeholder());
        self.last_kind = Some(kind);
        self.last_end = self.out.len();
    }
}

/// The length of a quoted value at the front; an apostrophe within a word opens nothing.
fn quoted(c: char, rest: &str, out: &str) -> Option<usize> {
    let close = match c {
        '"' | '\'' | '`' => c,
        '“' => '”',
        '‘' => '’',
        '「' => '」',
        '《' => '》',
        _ => return None,
    };
    if c.is_ascii() && out.ends_with(|before: char| before.is_alphanumeric()) {
        return None;
    }
    let inner = &rest[c.len_utf8()..];
    let end = head(inner, 512).find(close)?;
    let content = &inner[..end];
    (!content.contains('\n')).then_some(c.len_utf8() + end + close.len_utf8())
}

/// `user 张三` and `for root from 10.0.0.7` name somebody.
fn is_somebody(previous: &str, body: &str, after: &str) -> bool {
    vocabulary::names_somebody(previous, body) || (previous == "for" && after.starts_with(" from "))
}

/// `(4.26 KB)` says again for people what the number before it said.
fn restated_size(rest: &str) -> Option<usize> {
    let inner = rest.strip_prefix('(')?;
    let end = head(inner, 16).find(')')?;
    let unit = inner[..end].trim_start_matches(|c: char| c.is_ascii_digit() || c == '.' || c == ',');
    let is_size = unit.len() < end && vocabulary::is_size_unit(unit.trim_start());
    is_size.then_some(end + 2)
}

fn is_key(key: &str) -> bool {
    !key.is_empty()
        && key.len() <= 40
        && key.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
        && key.starts_with(|c: char| c.is_alphabetic() || c == '_')
}

/// Signs that end a word and stay as they are.
fn is_sign(c: char) -> bool {
    matches!(
        c,
        ',' | ';'
            | '('
            | ')'
            | '['
            | ']'
            | '{'
            | '}'
            | '<'
            | '>'
            | '"'
            | '\''
            | '`'
            | '|'
            | '，'
            | '；'
            | '（'
            | '）'
            | '、'
            | '“'
            | '”'
            | '「'
            | '」'
            | '【'
            | '】'
            | '《'
            | '》'
    )
}

fn word_end(rest: &str) -> usize {
    rest.find(|c: char| c.is_whitespace() || c.is_control() || is_sign(c)).unwrap_or(rest.len())
}

#[cfg(test)]
mod tests;
