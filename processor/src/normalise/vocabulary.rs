//! Words that say what stands beside them: a code, a name, a unit.

/// Whether the word after this one is somebody's name.
#[must_use]
pub fn names_somebody(word: &str, next: &str) -> bool {
    const BEFORE: [&str; 8] = ["user", "username", "ruser", "account", "login", "player", "用户", "用户名"];
    const ORDINARY: [&str; 24] = [
        "not", "is", "was", "has", "had", "does", "did", "from", "to", "in", "with", "and", "or", "by", "of", "on", "at", "for", "id",
        "name", "unknown", "must", "can", "error",
    ];
    BEFORE.iter().any(|known| word.eq_ignore_ascii_case(known)) && !ORDINARY.iter().any(|known| next.eq_ignore_ascii_case(known))
}

/// Whether a number before this word is a span of time.
#[must_use]
pub fn is_time_unit(word: &str) -> bool {
    const UNITS: [&str; 26] = [
        "ms", "sec", "secs", "second", "seconds", "s", "min", "mins", "minute", "minutes", "hour", "hours", "msec", "us", "µs", "ns",
        "millis", "days", "day", "毫秒", "微秒", "秒", "分钟", "小时", "天", "日",
    ];
    UNITS.contains(&word)
}

/// Whether a number after this word names an error rather than counts something.
#[must_use]
pub fn names_a_code(word: &str) -> bool {
    const WORDS: [&str; 18] = [
        "http",
        "http/1.0",
        "http/2",
        "sqlstate",
        "ntstatus",
        "status",
        "statuscode",
        "code",
        "errno",
        "error",
        "errorcode",
        "err",
        "hresult",
        "signal",
        "exitcode",
        "http/1.1",
        "状态码",
        "错误码",
    ];
    let word = word.trim_matches(['_', '-', ':', '=']);
    WORDS.iter().any(|known| word.eq_ignore_ascii_case(known)) || word.ends_with("_code") || word.ends_with("Code")
}

/// Whether a value is short and plain, as codes are.
#[must_use]
pub fn is_code(value: &str) -> bool {
    value.len() <= 12 && value.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
}

/// Whether a word is a code because of the word before it: `HRESULT 0x80070005`, `SQLSTATE[42S02]`, `error TS2304`.
#[must_use]
pub fn is_code_after(previous: &str, word: &str) -> bool {
    let names_status = ["hresult", "ntstatus", "sqlstate", "code", "errorcode"].iter().any(|name| previous.eq_ignore_ascii_case(name));
    let is_status = word.len() <= 10 && (word.starts_with("0x") || word.len() == 5) && word.bytes().all(|b| b.is_ascii_alphanumeric());
    (names_status && is_status) || (is_title(word) && names_a_code(previous))
}

/// `ORA-00942`, `TS2304`: capital letters, then three digits or more.
#[must_use]
pub fn is_title(word: &str) -> bool {
    let digits = word.trim_start_matches(|c: char| c.is_ascii_uppercase()).trim_start_matches('-');
    let letters = word.trim_end_matches(|c: char| c.is_ascii_digit()).trim_end_matches('-');
    let is_whole = letters.bytes().all(|b| b.is_ascii_uppercase()) && digits.bytes().all(|b| b.is_ascii_digit());
    is_whole && (2..=6).contains(&letters.len()) && (3..=6).contains(&digits.len())
}

/// Whether a word is the name of a month, short or in full.
#[must_use]
pub fn is_month(word: &str) -> bool {
    const MONTHS: [&str; 12] =
        ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
    MONTHS.iter().any(|month| word == *month || (word.len() == 3 && month.starts_with(word)))
}

/// Whether a word is the name of a day of the week, short or in full.
#[must_use]
pub fn is_weekday(word: &str) -> bool {
    const DAYS: [&str; 7] = ["Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"];
    DAYS.iter().any(|day| word == *day || (word.len() == 3 && day.starts_with(word)))
}

/// What belongs to the time before it: half of the day, time zone.
#[must_use]
pub fn follows_a_time(word: &str) -> bool {
    matches!(word, "am" | "pm" | "AM" | "PM" | "UTC" | "GMT" | "CST" | "EST" | "EDT" | "PST" | "PDT" | "CET" | "CEST" | "JST")
}

/// Whether a number before this word is a size in bytes.
#[must_use]
pub fn is_size_unit(word: &str) -> bool {
    matches!(word, "B" | "KB" | "MB" | "GB" | "TB" | "KiB" | "MiB" | "GiB" | "kB" | "字节")
}
