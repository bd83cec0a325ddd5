//! The name of a frame without what compilers, proxies and builds put into it.
//!
//! Two frames with one normal name are the same place in the program, whatever the build: line
//! numbers, addresses, lambda counters, proxy suffixes, hashes and type arguments are left out.

use super::location::base_name;
use super::{Frame, Language};

/// Appends the normal name of a frame; nothing where the frame names nothing.
pub fn write(language: Language, frame: &Frame<'_>, out: &mut String) {
    match language {
        Language::Java => java(frame, out),
        Language::CSharp => csharp(frame, out),
        Language::JavaScript => javascript(frame, out),
        Language::Kernel => kernel(frame, out),
        Language::Native | Language::Rust => native(frame, out),
        Language::Go => dotted(frame.module, go_function(frame.function), out),
        Language::Python | Language::Php | Language::Ruby | Language::Lua | Language::Dart => script(frame, out),
    }
}

fn dotted(module: &str, function: &str, out: &mut String) {
    out.push_str(module);
    if !module.is_empty() && !function.is_empty() {
        out.push('.');
    }
    out.push_str(function);
}

/// What proxies and hidden classes add to the name of the class they stand for, and what stays of it.
const JAVA_MARKS: [(&str, &str); 7] = [
    ("$$Lambda", "$$Lambda"),
    ("$$Enhancer", ""),
    ("$$FastClass", ""),
    ("$$SpringCGLIB", ""),
    ("$MockitoMock$", ""),
    ("$HibernateProxy$", ""),
    ("_$$_", ""),
];

/// `pkg.Cart$$Lambda$14/0x8.run` → `pkg.Cart$$Lambda.run`, `lambda$pay$3` → `lambda$pay$`, `Cart$1` → `Cart$`.
fn java(frame: &Frame<'_>, out: &mut String) {
    let mut class = frame.module;
    let mut mark = "";
    if class.contains('$') {
        for (cut, kept) in JAVA_MARKS {
            if let Some(at) = class.find(cut) {
                (class, mark) = (&class[..at], kept);
            }
        }
    }
    push_without_counters(class, out);
    out.push_str(mark);
    out.push('.');
    push_without_counters(frame.function, out);
}

/// Drops digits that follow `$`, `Accessor` or `Proxy`: the compiler or the runtime counted there.
fn push_without_counters(name: &str, out: &mut String) {
    let is_accessor = name.ends_with(|c: char| c.is_ascii_digit()) && name.contains("Accessor");
    if !is_accessor && !name.contains('$') {
        out.push_str(name);
        return;
    }
    let mut is_counter = false;
    let mut previous = '.';
    for c in name.chars() {
        if c.is_ascii_digit() {
            if previous == '$' {
                is_counter = true;
            } else if !is_counter && !previous.is_ascii_digit() {
                is_counter = out.ends_with("Accessor") || out.ends_with("$Proxy") || out.ends_with("access$");
            }
            if is_counter {
                previous = c;
                continue;
            }
        } else {
            is_counter = false;
        }
        previous = c;
        out.push(c);
    }
}

/// `<Total>d__5.MoveNext` → `Total`, `<>c__DisplayClass1_0.<Pay>b__0` → `Pay`, generics dropped.
fn csharp(frame: &Frame<'_>, out: &mut String) {
    let module = frame.module.split('[').next().unwrap_or(frame.module);
    let machine = module.rfind('<').filter(|_| matches!(frame.function, "MoveNext"));
    if let Some(at) = machine {
        let name = module[at + 1..].split('>').next().unwrap_or("");
        push_class(module[..at].trim_end_matches(['.', '+', '/']), out);
        dotted_tail(name, out);
        return;
    }
    let class = module.find("<>").map_or(module, |at| module[..at].trim_end_matches(['.', '+', '/']));
    push_class(class, out);
    let function = frame.function.split(['[', '`']).next().unwrap_or("");
    let inner = function.strip_prefix('<').and_then(|rest| rest.split_once('>')).map(|(name, _)| name);
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
    let mut is_arity = false;
    for c in class.chars() {
        is_arity = c == '`' || (is_arity && c.is_ascii_digit());
        if !is_arity {
            out.push(if c == '/' || c == '+' { '.' } else { c });
        }
    }
}

/// File and function; of a bundle's name only what stays when it is built again.
fn javascript(frame: &Frame<'_>, out: &mut String) {
    let file = base_name(frame.module);
    let start = out.len();
    for part in file.split('.').filter(|part| !is_build_hash(part)) {
        if out.len() > start {
            out.push('.');
        }
        out.push_str(part.split('-').next().filter(|_| part.rsplit('-').next().is_some_and(is_build_hash)).unwrap_or(part));
    }
    let function = frame.function.rsplit("/<").next().unwrap_or("");
    let function = function.trim_start_matches("Object.").trim_start_matches("Module.");
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
    function.find(".func").map_or(function, |at| &function[..at])
}

fn script(frame: &Frame<'_>, out: &mut String) {
    let module = match frame.module.is_empty() {
        true => base_name(frame.file),
        false => frame.module,
    };
    let function = frame.function.split("{closure").next().unwrap_or("");
    dotted(module, function, out);
}

/// `__x64_sys_bind`, `SyS_bind`, `__se_sys_bind` are the one system call on several machines.
fn kernel(frame: &Frame<'_>, out: &mut String) {
    const CALLS: [&str; 11] = [
        "__do_compat_sys_",
        "__se_compat_sys_",
        "__ia32_compat_sys_",
        "__do_sys_",
        "__se_sys_",
        "__x64_sys_",
        "__ia32_sys_",
        "__arm64_sys_",
        "compat_SyS_",
        "compat_sys_",
        "SyS_",
    ];
    match CALLS.iter().find_map(|start| frame.function.strip_prefix(start)) {
        Some(call) => {
            out.push_str("sys_");
            out.push_str(native_name(call));
        }
        None => native(frame, out),
    }
}

/// The function without arguments, type arguments and suffixes; else file, else library.
fn native(frame: &Frame<'_>, out: &mut String) {
    let start = out.len();
    let function = native_name(frame.function);
    if function.starts_with(['-', '+']) && function.contains('[') {
        out.push_str(function);
    } else {
        push_without_brackets(function, out);
    }
    if out.len() > start {
        return;
    }
    if !frame.file.is_empty() {
        out.push_str(base_name(frame.file));
    } else if !frame.module.is_empty() {
        let library = base_name(frame.module);
        out.push_str(library.find(".so").map_or(library, |at| &library[..at + 3]));
    }
}

/// Cuts `.isra.0`, `.cold`, `[abi:…]`, `::h0123456789abcdef`, `+0x12`; `??` and redactions are no name.
fn native_name(function: &str) -> &str {
    let mut name = function.trim();
    if matches!(name, "?" | "??" | "<unknown>" | "<redacted>" | "stripped_application_code" | "_start") {
        return "";
    }
    const SUFFIXES: [&str; 9] = [".isra.", ".constprop.", ".part.", ".cold", ".llvm.", "+0x", " [clone", "@@", "@plt"];
    let is_suffix = |at: &usize| *at > 0 && SUFFIXES.iter().any(|suffix| name.as_bytes()[*at..].starts_with(suffix.as_bytes()));
    let marks = name.bytes().enumerate().filter(|(_, b)| matches!(b, b'.' | b'+' | b' ' | b'@'));
    if let Some(at) = marks.map(|(at, _)| at).find(is_suffix) {
        name = &name[..at];
    }
    if let Some(at) = name.rfind("::h").filter(|at| name.len() - at == 19) {
        name = &name[..at];
    }
    name
}

/// Leaves out what stands in `<>` and `()` and after the arguments; `operator<` keeps its sign.
fn push_without_brackets(name: &str, out: &mut String) {
    if !name.bytes().any(|b| matches!(b, b'<' | b'>' | b'(' | b')' | b' ')) {
        out.push_str(name);
        return;
    }
    let start = out.len();
    let mut rest = name;
    let mut depth = 0_u32;
    loop {
        // Between brackets only brackets matter; outside, the signs that end or change the name too.
        let is_mark = |b: u8| matches!(b, b'<' | b'>' | b'(' | b')') || (depth == 0 && matches!(b, b' ' | b'o'));
        let run = rest.bytes().position(is_mark).unwrap_or(rest.len());
        if depth == 0 {
            out.push_str(&rest[..run]);
        }
        rest = &rest[run..];
        let Some(mark) = rest.bytes().next() else { return };
        match mark {
            b'o' if rest.starts_with("operator") => {
                let signs = rest[8..].find(|c: char| !"<>=()[]!+-*/&|~^%,".contains(c)).unwrap_or(rest.len() - 8).min(2);
                out.push_str(&rest[..8 + signs]);
                rest = &rest[8 + signs..];
                continue;
            }
            b'(' if depth == 0 && rest.starts_with(ANONYMOUS) => {
                out.push_str("(anonymous)");
                rest = &rest[ANONYMOUS.len()..];
                continue;
            }
            b'o' => out.push('o'),
            b'<' | b'(' => depth += 1,
            b'>' | b')' => depth = depth.saturating_sub(1),
            // A return type stands before the name, `const` and the like behind it.
            _ if rest[1..].starts_with("const") || rest[1..].starts_with('[') => return,
            _ if !rest[1..].starts_with(['(', '<']) => out.truncate(start),
            _ => {}
        }
        rest = &rest[1..];
    }
}

const ANONYMOUS: &str = "(anonymous namespace)";

#[cfg(test)]
mod tests {
    use super::*;

    fn name(language: Language, module: &str, function: &str) -> String {
        let mut out = String::new();
        write(language, &Frame { module, function, ..Frame::default() }, &mut out);
        out
    }

    #[test]
    fn java_counters_and_proxies_go() {
        assert_eq!(name(Language::Java, "com.shop.Cart$$Lambda$14/0x0008", "run"), "com.shop.Cart$$Lambda.run");
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
        assert_eq!(name(Language::Native, "/system/lib/libc.so.6", ""), "libc.so");
        assert_eq!(name(Language::Rust, "", "shop::cart::total::h0123456789abcdef"), "shop::cart::total");
    }

    #[test]
    fn a_bundle_built_again_keeps_its_name() {
        assert_eq!(name(Language::JavaScript, "js/app.3f2a91bc.js", "pay"), "app.js:pay");
        assert_eq!(name(Language::JavaScript, "assets/index-4f3a2b1c.js", "e"), "index.js:e");
    }
}
