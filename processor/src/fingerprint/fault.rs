//! What the name of an exception says: the runtime raised it, a test failed, a link failed.

/// Whether the runtime raises the fault by itself. The message of such a fault says no more than its place.
#[must_use]
pub fn is_fault(exception: &str) -> bool {
    const FAULTS: [&str; 21] = [
        "NullPointerException",
        "IndexOutOfBoundsException",
        "ClassCastException",
        "ArithmeticException",
        "NegativeArraySizeException",
        "ArrayStoreException",
        "NoSuchElementException",
        "ConcurrentModificationException",
        "NumberFormatException",
        "NullReferenceException",
        "NoSuchMethodError",
        "NoClassDefFoundError",
        "UnsupportedOperationException",
        "IndexOutOfRangeException",
        "InvalidCastException",
        "DivideByZeroException",
        "ZeroDivisionError",
        "IndexError",
        "KeyError",
        "AttributeError",
        "NoMethodError",
    ];
    FAULTS.iter().any(|fault| exception.ends_with(fault))
}

/// Whether a test harness raises the exception for a failed test.
#[must_use]
pub fn is_assertion(exception: &str) -> bool {
    ["AssertionFailedError", "AssertionError", "ComparisonFailure"].iter().any(|name| exception.ends_with(name))
}

/// The first plain words of a failed check, before the values that were compared.
#[must_use]
pub fn wording(form: &str) -> String {
    const WORDS: usize = 4;
    // `unexpected` is a word of the author's.
    let expected = form.match_indices("expected").map(|(at, _)| at).find(|at| !form[..*at].ends_with(char::is_alphabetic));
    let said = expected.into_iter().chain(form.find("but was")).min().map_or(form, |at| &form[..at]);
    let words = said.split(' ').filter(|word| !word.is_empty() && word.chars().all(char::is_alphabetic));
    words.take(WORDS).collect::<Vec<_>>().join(" ")
}

/// The first plain words of a message, up to the first value or sign.
#[must_use]
pub fn opening(form: &str) -> String {
    const WORDS: usize = 3;
    let mut out = String::new();
    for word in form.split(' ').take(WORDS) {
        let plain = word.trim_end_matches([':', ',', ';', '.']);
        if plain.is_empty() || !plain.chars().all(char::is_alphabetic) {
            break;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(plain);
        if plain.len() < word.len() {
            break;
        }
    }
    out
}

/// What a failed link needs: the class that is missing, or the class without the member that was asked for.
#[must_use]
pub fn missing<'a>(exception: &str, message: &'a str) -> &'a str {
    const CLASSES: [&str; 4] = ["NoClassDefFoundError", "ClassNotFoundException", "ClassMetadataNotFoundException", "TypeLoadException"];
    const MEMBERS: [&str; 4] = ["NoSuchMethodError", "AbstractMethodError", "NoSuchFieldError", "MissingMethodException"];
    let is = |names: &[&str]| names.iter().any(|name| exception.ends_with(name));
    let (is_class, is_member) = (is(&CLASSES), is(&MEMBERS));
    if !is_class && !is_member {
        return "";
    }
    let line = message.lines().next().unwrap_or("");
    let name = line.split('(').next().unwrap_or("").trim_matches(['\'', '"', ' ']);
    let name = name.rsplit(' ').next().unwrap_or("").trim_matches(['\'', '"', '.']);
    // An obfuscated class has no package, but then the message is nothing else.
    let is_alone = is_class && line.trim() == name && !name.contains(' ');
    if !(name.contains(['.', '/']) || is_alone) || name.len() > 300 {
        return "";
    }
    if is_member { name.rsplit_once('.').map_or("", |(class, _)| class) } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_opens_with_plain_words_up_to_its_first_value() {
        assert_eq!(opening("Could not find required part: cart"), "Could not find");
        assert_eq!(opening("No stock: cart <num>"), "No stock");
        assert_eq!(opening("<num> items"), "");
        assert_eq!(opening("java.io.IOException: full"), "");
        assert_eq!(opening("付款失败"), "付款失败");
    }

    #[test]
    fn a_failed_link_names_what_is_missing() {
        let method = "'void com.shop.Cart.total(int, java.lang.String)'";
        assert_eq!(missing("java.lang.NoSuchMethodError", method), "com.shop.Cart");
        assert_eq!(missing("java.lang.NoSuchMethodError", "com.shop.Cart.total(I)V"), "com.shop.Cart");
        assert_eq!(missing("java.lang.NoClassDefFoundError", "com/shop/Cart"), "com/shop/Cart");
        assert_eq!(missing("java.lang.ClassNotFoundException", "Could not find com.shop.Cart"), "com.shop.Cart");
        assert_eq!(missing("java.lang.NoClassDefFoundError", "cer"), "cer");
        assert_eq!(missing("java.lang.NoSuchFieldError", "total"), "");
        assert_eq!(missing("java.io.IOException", "com.shop.Cart"), "");
    }
}
