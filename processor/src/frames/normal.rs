//! The normal name of a frame: without the parts that compilers, proxies and builds add.
//!
//! Two frames with the same normal name are the same place in the program, whatever the build. Line numbers, addresses, counters of lambdas, suffixes of
//! proxies, hashes and type arguments are left out.

use super::Frame;
use super::location::base_name;
use super::search::{after, before_byte, find, find_byte, has, rfind_byte, rsplit, split_byte};

/// `pkg.Total.func1.2` → `pkg.Total`: closures are counted.
pub(super) fn go(frame: &Frame<'_>, out: &mut String) {
    dotted(frame.module, go_function(frame.function), out);
}

fn dotted(module: &str, function: &str, out: &mut String) {
    out.push_str(module);
    if !module.is_empty() && !function.is_empty() {
        out.push('.');
    }
    out.push_str(function);
}

/// What proxies and hidden classes add to the name of the class they stand for, and what stays of it.
const JAVA_MARKS: [(&str, &str); 9] = [
    ("$$Lambda", "$$Lambda"),
    ("$$ExternalSyntheticLambda", "$$Lambda"),
    ("$$InternalSyntheticLambda", "$$Lambda"),
    ("$$Enhancer", ""),
    ("$$FastClass", ""),
    ("$$SpringCGLIB", ""),
    ("$MockitoMock$", ""),
    ("$HibernateProxy$", ""),
    ("$$_", ""),
];

/// `pkg.Cart$$Lambda$14/0x8.run` → `pkg.Cart$$Lambda.run`, `lambda$pay$3` → `lambda$pay$`, `Cart$1` → `Cart$`.
pub(super) fn java(frame: &Frame<'_>, out: &mut String) {
    let mut class = find_byte(frame.module, b'/').map_or(frame.module, |slash| &frame.module[..slash]);
    let mut kept = "";
    let mut from = 0;
    while let Some(at) = find_byte(&class[from..], b'$').map(|at| from + at) {
        if let Some(rest) = class[at..].strip_prefix("$$Lambda$").filter(|_| class[..at].ends_with('-')) {
            // `com.shop.-$$Lambda$Cart$1a2b`: Android's desugaring names the class behind the mark.
            out.push_str(&class[..at - 1]);
            (class, kept) = (before_byte(rest, b'$'), "$$Lambda");
            break;
        }
        let is_mark = class[at + 1..].starts_with(['$', 'M', 'H']);
        if is_mark && let Some((_, stays)) = JAVA_MARKS.iter().find(|(mark, _)| class[at..].starts_with(mark)) {
            (class, kept) = (class[..at].trim_end_matches('_'), stays);
            break;
        }
        from = at + 1;
    }
    push_without_counters(class, out);
    out.push_str(kept);
    out.push('.');
    push_without_counters(if frame.function.starts_with(R8_LAMBDA) { R8_LAMBDA } else { frame.function }, out);
}

/// What R8 calls a lambda's method, before a hash.
const R8_LAMBDA: &str = "$r8$lambda$";

/// Drops digits that follow `$`, `Accessor` or `Proxy`: the compiler or the runtime counted there.
fn push_without_counters(name: &str, out: &mut String) {
    if name.as_bytes().last().is_some_and(u8::is_ascii_digit) && has(name, "Accessor") {
        return push_without_accessors(name, out);
    }
    let mut rest = name;
    while let Some(dollar) = find_byte(rest, b'$') {
        let mark = if rest[dollar + 1..].starts_with("Proxy") { "$Proxy" } else { "$" };
        let end = dollar + mark.len();
        out.push_str(&rest[..end]);
        rest = after(&rest[end..], u8::is_ascii_digit);
    }
    out.push_str(rest);
}

/// The same where accessors are counted as well.
fn push_without_accessors(name: &str, out: &mut String) {
    let bytes = name.as_bytes();
    let (mut kept, mut at) = (0, 0);
    while let Some(start) = bytes[at..].iter().position(u8::is_ascii_digit) {
        at += start;
        let end = bytes[at..].iter().position(|b| !b.is_ascii_digit()).map_or(bytes.len(), |length| at + length);
        let before = &name[..at];
        if before.ends_with('$') || before.ends_with("Accessor") || before.ends_with("$Proxy") {
            out.push_str(&name[kept..at]);
            kept = end;
        }
        at = end;
    }
    out.push_str(&name[kept..]);
}

/// `<Total>d__5.MoveNext` → `Total`, `<>c__DisplayClass1_0.<Pay>b__0` → `Pay`, generics dropped.
pub(super) fn csharp(frame: &Frame<'_>, out: &mut String) {
    let module = before_byte(frame.module, b'[');
    let machine = rfind_byte(module, b'<').filter(|_| matches!(frame.function, "MoveNext"));
    if let Some(at) = machine {
        let name = before_byte(&module[at + 1..], b'>');
        push_class(module[..at].trim_end_matches(['.', '+', '/']), out);
        dotted_tail(name, out);
        return;
    }
    let class = find(module, "<>").map_or(module, |at| module[..at].trim_end_matches(['.', '+', '/']));
    push_class(class, out);
    let function = frame.function.split(['[', '`']).next().unwrap_or("");
    let inner = function.strip_prefix('<').and_then(|rest| split_byte(rest, b'>')).map(|(name, _)| name);
    dotted_tail(inner.unwrap_or(function), out);
}

fn dotted_tail(name: &str, out: &mut String) {
    if !name.is_empty() {
        out.push('.');
        out.push_str(name);
    }
}

/// A class without its count of type arguments: ``List`1`` → `List`.
fn push_class(class: &str, out: &mut String) {
    if !class.bytes().any(|b| matches!(b, b'`' | b'/' | b'+')) {
        return out.push_str(class);
    }
    let mut is_arity = false;
    for c in class.chars() {
        is_arity = c == '`' || (is_arity && c.is_ascii_digit());
        if !is_arity {
            out.push(if c == '/' || c == '+' { '.' } else { c });
        }
    }
}

/// File and function; of a bundle's name only what stays when it is built again.
pub(super) fn javascript(frame: &Frame<'_>, out: &mut String) {
    let file = base_name(frame.module);
    let start = out.len();
    let mut rest = Some(file);
    while let Some(whole) = rest {
        let (part, after) = split_byte(whole, b'.').map_or((whole, None), |(part, after)| (part, Some(after)));
        rest = after;
        if is_build_hash(part) {
            continue;
        }
        if out.len() > start {
            out.push('.');
        }
        let has_hash = rfind_byte(part, b'-').is_some_and(|dash| is_build_hash(&part[dash + 1..]));
        out.push_str(if has_hash { before_byte(part, b'-') } else { part });
    }
    let function = rsplit(frame.function, "/<").map_or(frame.function, |(_, last)| last);
    let function = function.strip_prefix("Object.").unwrap_or(function);
    let function = function.strip_prefix("Module.").unwrap_or(function);
    if !function.is_empty() {
        out.push(':');
        out.push_str(function);
    }
}

/// `3f2a91bc`: hexadecimal with a digit, of the length bundlers use.
fn is_build_hash(part: &str) -> bool {
    let is_word = part.len() >= 6 && part.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    is_word && part.bytes().filter(u8::is_ascii_digit).count() >= 2
}

fn go_function(function: &str) -> &str {
    // `Total.func1.2`: closures are counted.
    find(function, ".func").map_or(function, |at| &function[..at])
}

pub(super) fn script(frame: &Frame<'_>, out: &mut String) {
    let module = match frame.module.is_empty() {
        true => base_name(frame.file),
        false => frame.module,
    };
    let function = find(frame.function, "{closure").map_or(frame.function, |at| &frame.function[..at]);
    dotted(module, function, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::Language;

    fn name(language: Language, module: &str, function: &str) -> String {
        let mut out = String::new();
        (language.entry().write_name)(&Frame { module, function, ..Frame::default() }, &mut out);
        out
    }

    #[test]
    fn java_counters_and_proxies_go() {
        assert_eq!(name(Language::Java, "com.shop.Cart$$Lambda$14/0x0008", "run"), "com.shop.Cart$$Lambda.run");
        assert_eq!(name(Language::Java, "com.shop.Cart$$ExternalSyntheticLambda3", "run"), "com.shop.Cart$$Lambda.run");
        assert_eq!(name(Language::Java, "com.shop.-$$Lambda$Cart$aB3_x", "run"), "com.shop.Cart$$Lambda.run");
        assert_eq!(name(Language::Java, "com.shop.Cart", "$r8$lambda$aB3_x"), "com.shop.Cart.$r8$lambda$");
        assert_eq!(name(Language::Java, "java.lang.invoke.LambdaForm$MH/0x00000008", "invoke"), "java.lang.invoke.LambdaForm$MH.invoke");
        assert_eq!(name(Language::Java, "com.shop.Cart", "lambda$pay$3"), "com.shop.Cart.lambda$pay$");
        assert_eq!(name(Language::Java, "com.shop.Cart$1", "run"), "com.shop.Cart$.run");
        assert_eq!(name(Language::Java, "com.shop.Cart$$EnhancerBySpringCGLIB$$1a2b", "pay"), "com.shop.Cart.pay");
        assert_eq!(name(Language::Java, "sun.reflect.GeneratedMethodAccessor12", "invoke"), "sun.reflect.GeneratedMethodAccessor.invoke");
        assert_eq!(name(Language::Java, "com.shop.Base64", "encode"), "com.shop.Base64.encode");
    }

    #[test]
    fn csharp_state_machines_are_their_methods() {
        assert_eq!(name(Language::CSharp, "Shop.Cart.<Total>d__5", "MoveNext"), "Shop.Cart.Total");
        assert_eq!(name(Language::CSharp, "Shop.Cart.<>c__DisplayClass1_0", "<Pay>b__0"), "Shop.Cart.Pay");
        assert_eq!(name(Language::CSharp, "Shop.List`1[T]", "Add"), "Shop.List.Add");
    }

    #[test]
    fn native_names_lose_arguments_and_suffixes() {
        assert_eq!(name(Language::Native, "", "void shop::Cart<int>::total(int, std::vector<int>) const"), "shop::Cart::total");
        assert_eq!(name(Language::Native, "", "(anonymous namespace)::pay(char*)"), "(anonymous)::pay");
        assert_eq!(name(Language::Native, "", "shop::operator<<(std::ostream&)"), "shop::operator<<");
        assert_eq!(name(Language::Native, "", "pay.isra.0"), "pay");
        assert_eq!(name(Language::Native, "", "std::__1::vector<int>::at(int)"), "std::vector::at");
        assert_eq!(name(Language::Native, "", "Cart_Total_m0BADCAFE0BADCAFE0BADCAFE0BADCAFE0BADCAFE"), "Cart_Total");
        assert_eq!(name(Language::Native, "/system/lib/libc.so.6", ""), "libc.so");
        assert_eq!(name(Language::Rust, "", "shop::cart::total::h0123456789abcdef"), "shop::cart::total");
    }

    #[test]
    fn a_bundle_built_again_keeps_its_name() {
        assert_eq!(name(Language::JavaScript, "js/app.3f2a91bc.js", "pay"), "app.js:pay");
        assert_eq!(name(Language::JavaScript, "assets/index-4f3a2b1c.js", "e"), "index.js:e");
    }
}
