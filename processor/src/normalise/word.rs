//! What one word of a message is: decided by its characters, counted in one pass.

use crate::frames::search::{find_byte, has};

/// What a word stands for when it is not itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Number,
    Hex,
    Uuid,
    Time,
    Ip,
    Host,
    Url,
    Email,
    Path,
    Id,
    Quoted,
    Value,
}

impl Kind {
    /// What stands in the form.
    #[must_use]
    pub const fn placeholder(self) -> &'static str {
        match self {
            // An id of hexadecimal digits may by chance have no letter, so both look alike.
            Self::Number => "<num>",
            Self::Hex => "<num>",
            Self::Uuid => "<uuid>",
            Self::Time => "<time>",
            // A peer is an address here and a name there.
            Self::Ip => "<host>",
            Self::Host => "<host>",
            Self::Url => "<url>",
            Self::Email => "<email>",
            Self::Path => "<path>",
            Self::Id => "<id>",
            Self::Quoted => "<quoted>",
            Self::Value => "<value>",
        }
    }
}

#[derive(Default)]
struct Count {
    digits: usize,
    hex_letters: usize,
    letters: usize,
    dots: usize,
    colons: usize,
    dashes: usize,
    slashes: usize,
    others: usize,
    wide: usize,
    /// Changes between digits and letters: words have few, ids many.
    changes: usize,
}

/// The kind of a word, or `None` where it is itself.
#[must_use]
pub fn kind(word: &str) -> Option<Kind> {
    let word = word.trim_start_matches(['@', '#', '*']);
    let count = counted(word);
    if count.slashes > 1 && has(word, "://") {
        return Some(Kind::Url);
    }
    if count.wide > 0 && count.slashes < 2 {
        return None;
    }
    if let Some(at) = find_byte(word, b'@') {
        let is_mail = at > 0 && word[at + 1..].contains('.') && !word[..at].contains('/');
        return is_mail.then_some(Kind::Email);
    }
    if is_path(word, &count) {
        return Some(Kind::Path);
    }
    if is_domain(word, &count) {
        return Some(Kind::Host);
    }
    if count.digits == 0 {
        return is_long_hex(word, &count).then_some(Kind::Hex);
    }
    of_digits(word, &count)
}

fn of_digits(word: &str, count: &Count) -> Option<Kind> {
    let letters = count.letters + count.hex_letters;
    if is_uuid(word, count) {
        return Some(Kind::Uuid);
    }
    if word.starts_with("0x") || word.starts_with("0X") || is_long_hex(word, count) {
        return Some(Kind::Hex);
    }
    if is_ip(word, count) {
        return Some(Kind::Ip);
    }
    if is_time(word, count, letters) {
        return Some(Kind::Time);
    }
    if letters == 0 && count.others <= 1 {
        return Some(Kind::Number);
    }
    if is_quantity(word, letters) {
        return Some(Kind::Number);
    }
    if letters > 0 && is_host(word, count) {
        return Some(Kind::Host);
    }
    is_random(word, count).then_some(Kind::Id)
}

/// Ids go to and fro between digits and letters; names of versions and classes do so once or twice.
fn is_random(word: &str, count: &Count) -> bool {
    let is_long = word.len() >= 16 && count.changes >= 4 && count.digits >= 4;
    // Parts of hexadecimal digits, as traces are numbered.
    let is_chain =
        word.len() >= 20 && count.dashes > 0 && count.digits >= 8 && count.digits + count.hex_letters + count.dashes == word.len();
    let is_short = word.len() >= 10 && count.changes >= 3 && count.dots + count.colons + count.others == 0;
    is_long || is_short || is_chain
}

fn counted(word: &str) -> Count {
    let mut count = Count::default();
    let mut before = (false, false);
    for c in word.chars() {
        let slot = match c {
            '0'..='9' => &mut count.digits,
            'a'..='f' | 'A'..='F' => &mut count.hex_letters,
            'g'..='z' | 'G'..='Z' => &mut count.letters,
            '.' => &mut count.dots,
            ':' => &mut count.colons,
            '-' => &mut count.dashes,
            '/' | '\\' => &mut count.slashes,
            _ if c.is_ascii() => &mut count.others,
            _ => &mut count.wide,
        };
        *slot += 1;
        let now = (c.is_ascii_digit(), c.is_ascii_alphabetic());
        count.changes += usize::from((before.0 && now.1) || (before.1 && now.0));
        before = now;
    }
    count
}

fn is_path(word: &str, count: &Count) -> bool {
    let is_windows = word.get(1..3).is_some_and(|rest| rest == ":\\" || rest == ":/");
    let is_rooted =
        word.starts_with(['/', '\\']) && word.len() > 1 || word.starts_with("./") || word.starts_with("../") || word.starts_with("~/");
    is_windows || (is_rooted && count.letters + count.hex_letters + count.wide > 0) || count.slashes >= 2
}

fn is_uuid(word: &str, count: &Count) -> bool {
    let is_one = |word: &str| word.len() == 36 && word.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    (count.dashes == 4 && is_one(word)) || (count.slashes == 1 && count.dashes == 8 && word.split('/').all(is_one))
}

/// Eight or more hexadecimal digits, of which some are digits, or as many as a hash has.
fn is_long_hex(word: &str, count: &Count) -> bool {
    let is_hex = count.digits + count.hex_letters == word.len();
    // Shorter ones are told from words by letters between digits.
    let is_long = (word.len() >= 7 && count.digits > 1) || word.len() >= 32 || (word.len() >= 4 && count.changes > 1);
    is_hex && count.hex_letters > 0 && is_long
}

fn is_ip(word: &str, count: &Count) -> bool {
    let is_four = count.dots >= 3 && count.letters + count.hex_letters == 0 && {
        let host = word.split([':', '/']).find(|part| !part.is_empty()).unwrap_or("");
        let mut parts = 0;
        host.split('.').all(|part| {
            parts += 1;
            !part.is_empty() && part.len() <= 3 && part.bytes().all(|b| b.is_ascii_digit())
        }) && parts == 4
    };
    let is_six =
        count.colons >= 3 && count.letters == 0 && count.dots == 0 && count.digits + count.hex_letters + count.colons == word.len();
    let is_short_six = count.colons >= 2
        && word.contains("::")
        && count.digits > 0
        && count.letters == 0
        && count.digits + count.hex_letters + count.colons + count.dots + count.slashes == word.len();
    is_four || is_six || is_short_six
}

/// `10:02:03`, `2026-01-02`, `2026/01/02T10:00:00.123Z`, `04:17`.
fn is_time(word: &str, count: &Count, letters: usize) -> bool {
    let bytes = word.as_bytes();
    if !bytes.first().is_some_and(u8::is_ascii_digit) {
        return false;
    }
    let is_clock = (1..=3).contains(&count.colons) && letters <= 2 && count.digits >= 3;
    let is_date = (count.dashes == 2 || count.slashes == 2) && letters <= 2 && count.digits >= 5;
    is_clock || is_date
}

/// `15ms`, `12.9KB`, `30%`, `1e-5`, `2nd`: digits first, then a short unit.
fn is_quantity(word: &str, letters: usize) -> bool {
    let body = word.trim_start_matches(['-', '+', '#', '$', '~']);
    let unit = body.trim_start_matches(|c: char| c.is_ascii_digit() || matches!(c, '.' | ','));
    unit.len() < body.len() && letters <= 4 && unit.len() <= 5 && unit.chars().all(|c| c.is_ascii_alphabetic() || matches!(c, '%' | '/'))
}

/// `web-3.shop.local`, `db1:5432`: lower-case labels, and a port or several dots.
fn is_host(word: &str, count: &Count) -> bool {
    let (name, port) = word.split_once(':').map_or((word, None), |(name, port)| (name, Some(port)));
    let has_port = port.is_some_and(|port| !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()));
    if count.others > 0 || !(has_port || (port.is_none() && count.dots >= 2)) {
        return false;
    }
    name.split('.').all(|label| !label.is_empty() && label.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'))
}

/// `www.shop.cn`: ends in a domain everyone knows, and does not begin as a package does.
fn is_domain(word: &str, count: &Count) -> bool {
    const ENDS: [&str; 14] = ["com", "net", "org", "edu", "gov", "io", "cn", "hk", "jp", "de", "uk", "local", "lan", "internal"];
    if count.dots == 0 || count.slashes > 0 || count.others > 0 || count.wide > 0 {
        return false;
    }
    let mut labels = word.split(':').next().unwrap_or("").split('.');
    let first = labels.next().unwrap_or("");
    let last = labels.next_back().unwrap_or("");
    ENDS.contains(&last) && !ENDS.contains(&first) && !first.is_empty()
}

/// Appends a word with each run of digits as one placeholder; `Foo@1a2b` loses its address.
pub fn push_without_digits(word: &str, out: &mut String) {
    if let Some((class, address)) = word.split_once('@') {
        let is_address = !class.is_empty() && !address.is_empty() && address.bytes().all(|b| b.is_ascii_hexdigit());
        if is_address {
            out.push_str(class);
            out.push_str("@<num>");
            return;
        }
    }
    let mut is_run = false;
    let mut rest = word.chars().peekable();
    while let Some(c) = rest.next() {
        let is_digit = c.is_ascii_digit() || ('０'..='９').contains(&c);
        let is_sign = c == '-' && rest.peek().is_some_and(char::is_ascii_digit) && out.ends_with(['_', ':', '=', '/', '.']);
        if !is_digit && !is_sign {
            out.push(c);
        } else if !is_run && is_digit {
            out.push_str("<num>");
        }
        is_run = is_digit;
    }
}
