//! The names of native symbols, of programs and of kernels, without what compilers put into them.

use super::Frame;
use super::location::base_name;
use super::search::{find, find_any, has_byte, rfind, trim};

/// `__x64_sys_bind`, `SyS_bind`, `__se_sys_bind` are the one system call on several machines.
pub fn kernel(frame: &Frame<'_>, out: &mut String) {
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
pub fn native(frame: &Frame<'_>, out: &mut String) {
    let start = out.len();
    let function = native_name(frame.function);
    // Unity's IL2CPP names a method's function after it and a hash.
    let function = if is_il2cpp(function) { rfind(function, "_m").map_or(function, |at| &function[..at]) } else { function };
    if function.starts_with(['-', '+']) && has_byte(function, b'[') {
        out.push_str(function);
    } else {
        push_without_brackets(function, out);
    }
    if out[start..].starts_with("std::__1::") {
        // The namespace that versions libc++ is no part of a name.
        out.replace_range(start + 5..start + 10, "");
    }
    if out.len() > start {
        return;
    }
    if !frame.file.is_empty() {
        out.push_str(base_name(frame.file));
    } else if !frame.module.is_empty() {
        let library = base_name(frame.module);
        out.push_str(find(library, ".so").map_or(library, |at| &library[..at + 3]));
    }
}

/// Whether a function ends in `_m` and a hash of 32 or more hexadecimal digits.
fn is_il2cpp(function: &str) -> bool {
    let is_digit = |b: &u8| b.is_ascii_digit() || (b'A'..=b'F').contains(b);
    let hash = function.bytes().rev().take_while(|b| is_digit(b)).count();
    hash >= 32 && function[..function.len() - hash].ends_with("_m")
}

/// Cuts `.isra.0`, `.cold`, `[abi:…]`, `::h0123456789abcdef`, `+0x12`; `??` and redactions are no name.
fn native_name(function: &str) -> &str {
    let mut name = trim(function);
    if matches!(name, "?" | "??" | "<unknown>" | "<redacted>" | "stripped_application_code" | "_start") {
        return "";
    }
    let bytes = name.as_bytes();
    if let Some(at) = rfind(name, "+0x").filter(|at| bytes[at + 3..].iter().all(u8::is_ascii_hexdigit)) {
        name = &name[..at];
    }
    // Where arguments are written out, what compilers append stands in brackets behind them.
    if !has_byte(name, b'(')
        && let Some(at) = suffix(name)
    {
        name = &name[..at];
    }
    if name.len() > 19 && name.as_bytes()[name.len() - 19..].starts_with(b"::h") {
        name = &name[..name.len() - 19];
    }
    name
}

/// Where what the compiler or the linker appended to a name begins.
fn suffix(name: &str) -> Option<usize> {
    const SUFFIXES: [&str; 8] = [".isra.", ".constprop.", ".part.", ".cold", ".llvm.", "+0x", "@@", "@plt"];
    let clone = find(name, " [clone").filter(|at| *at > 0);
    let end = clone.unwrap_or(name.len());
    let mut from = name.chars().next().map_or(0, char::len_utf8);
    while let Some(at) = find_any(&name[from..end], *b".+@") {
        from += at;
        if SUFFIXES.iter().any(|suffix| name.as_bytes()[from..].starts_with(suffix.as_bytes())) {
            return Some(from);
        }
        from += 1;
    }
    clone
}

/// Leaves out what stands in `<>` and `()` and after the arguments; `operator<` keeps its sign.
fn push_without_brackets(name: &str, out: &mut String) {
    let bytes = name.as_bytes();
    let start = out.len();
    // Where what is still to be written begins.
    let (mut kept, mut at) = (0, 0);
    while at < bytes.len() {
        let byte = bytes[at];
        if !MARKS[usize::from(byte)] || (byte == b'o' && !name[at..].starts_with(OPERATOR)) {
            at += 1;
            continue;
        }
        if byte == b'o' {
            at += OPERATOR.len();
            at += bytes[at..].iter().take_while(|b| b"<>=()[]!+-*/&|~^%,".contains(b)).take(2).count();
            continue;
        }
        let rest = &name[at + 1..];
        // A return type stands before the name, `const` and the like behind it.
        let is_behind = byte == b' ' && (rest.starts_with("const") || rest.starts_with('['));
        let is_before = byte == b' ' && !is_behind && !rest.starts_with(['(', '<']);
        if is_before {
            out.truncate(start);
        } else {
            out.push_str(&name[kept..at]);
        }
        if is_behind {
            return;
        }
        if name[at..].starts_with(ANONYMOUS) {
            out.push_str("(anonymous)");
            at += ANONYMOUS.len();
        } else {
            at = after_brackets(bytes, at);
        }
        kept = at;
    }
    out.push_str(&name[kept..]);
}

/// Where a name goes on after a sign and, where that opens brackets, after what is in them.
fn after_brackets(bytes: &[u8], at: usize) -> usize {
    let mut depth = 0_u32;
    for (place, byte) in bytes.iter().enumerate().skip(at) {
        depth = match byte {
            b'<' | b'(' => depth + 1,
            b'>' | b')' => depth.saturating_sub(1),
            _ => depth,
        };
        if depth == 0 {
            return place + 1;
        }
    }
    bytes.len()
}

const OPERATOR: &str = "operator";
const ANONYMOUS: &str = "(anonymous namespace)";

/// Outside brackets, the signs that may end or change a name.
const MARKS: [bool; 256] = among(b"<>() o");

const fn among(signs: &[u8]) -> [bool; 256] {
    let mut table = [false; 256];
    let mut at = 0;
    while at < signs.len() {
        table[signs[at] as usize] = true;
        at += 1;
    }
    table
}
