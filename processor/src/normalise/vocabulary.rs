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
    const UNITS: [&str; 16] =
        ["ms", "sec", "secs", "second", "seconds", "s", "min", "mins", "minute", "minutes", "hour", "hours", "msec", "us", "毫秒", "秒"];
    UNITS.contains(&word)
}

/// Whether a number after this word names an error rather than counts something.
#[must_use]
pub fn names_a_code(word: &str) -> bool {
    const WORDS: [&str; 14] = [
        "http",
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

/// Whether a number before this word is a size in bytes.
#[must_use]
pub fn is_size_unit(word: &str) -> bool {
    matches!(word, "B" | "KB" | "MB" | "GB" | "TB" | "KiB" | "MiB" | "GiB" | "kB" | "字节")
}
