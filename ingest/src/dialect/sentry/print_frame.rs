//! One frame as each language prints it. What a client did not send is left out, or stands as the language writes what
//! it does not know.

use super::frame::Frame;
use super::language::Language;
use std::fmt::{Display, Formatter, Write};

/// Writes the lines of a frame; `number` counts from the first that is printed.
pub(super) fn write(language: Language, number: usize, frame: &Frame<'_>, text: &mut String) {
    // Writing to a String cannot fail.
    let _ = match language {
        Language::Java => java(frame, text),
        Language::Python => python(frame, text),
        Language::JavaScript => javascript(frame, text),
        Language::CSharp => csharp(frame, text),
        Language::Go => go(frame, text),
        Language::Rust => rust(number, frame, text),
        Language::Ruby => writeln!(text, "\tfrom {}", place_in(frame)),
        Language::Php => php(number, frame, text),
        Language::Dart => dart(number, frame, text),
        Language::Lua => writeln!(text, "\t{}: in function '{}'", located(path(frame), frame), function(frame)),
        Language::Apple => apple(number, frame, text),
        Language::Native | Language::Other => native(number, frame, text),
    };
}

type Written = std::fmt::Result;

/// The path by which the runtime knows the file.
fn path<'f>(frame: &'f Frame<'_>) -> &'f str {
    frame.abs_path.or(&frame.filename)
}

fn function<'f>(frame: &'f Frame<'_>) -> &'f str {
    if frame.function.is_empty() { "<unknown>" } else { &frame.function.0 }
}

/// `path:12:5`, as far as it is known.
struct Place<'f> {
    path: &'f str,
    line: Option<i64>,
    column: Option<i64>,
}

impl Display for Place<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> Written {
        f.write_str(self.path)?;
        let Some(line) = self.line else { return Ok(()) };
        write!(f, ":{line}")?;
        self.column.map_or(Ok(()), |column| write!(f, ":{column}"))
    }
}

/// `path:12`, or the path alone.
fn located<'f>(path: &'f str, frame: &Frame<'_>) -> Place<'f> {
    Place { path, line: frame.line.0.filter(|line| *line > 0), column: None }
}

/// `path:12:5`.
fn located_exactly<'f>(path: &'f str, frame: &Frame<'_>) -> Place<'f> {
    Place { column: frame.column.0, ..located(path, frame) }
}

/// `path:12:in 'function'`, as Ruby says where.
pub(super) fn place_in(frame: &Frame<'_>) -> String {
    format!("{}:in '{}'", located(path(frame), frame), function(frame))
}

/// Without the cost of a format: a stack has many lines.
fn push<const N: usize>(text: &mut String, pieces: [&str; N]) {
    pieces.iter().for_each(|piece| text.push_str(piece));
}

fn java(frame: &Frame<'_>, text: &mut String) -> Written {
    let file = frame.filename.or(&frame.abs_path).rsplit(['/', '\\']).next().unwrap_or_default();
    let class = match &*frame.module.0 {
        "" => file.split('.').next().filter(|stem| !stem.is_empty()).unwrap_or("<unknown>"),
        module => module,
    };
    push(text, ["\tat ", class, ".", function(frame)]);
    text.push('(');
    match (frame.native.0, file, frame.line.0) {
        (Some(true), ..) | (_, _, Some(-2)) => text.push_str("Native Method"),
        (_, "", _) => text.push_str("Unknown Source"),
        (_, file, Some(line)) if line > 0 => {
            text.push_str(file);
            write!(text, ":{line}")?;
        }
        (_, file, _) => text.push_str(file),
    }
    text.push_str(")\n");
    Ok(())
}

fn python(frame: &Frame<'_>, text: &mut String) -> Written {
    let path = match path(frame) {
        "" => &frame.module.0,
        path => path,
    };
    push(text, ["  File \"", path, "\", line "]);
    write!(text, "{}", frame.line.0.unwrap_or_default())?;
    push(text, [", in ", function(frame), "\n"]);
    if let Some(source) = frame.source.0.trim().lines().next() {
        push(text, ["    ", source, "\n"]);
    }
    Ok(())
}

fn javascript(frame: &Frame<'_>, text: &mut String) -> Written {
    let path = match path(frame) {
        "" => "<anonymous>",
        path => path,
    };
    let place = located_exactly(path, frame);
    match &*frame.function.0 {
        "" | "?" if place.line.is_some() => writeln!(text, "    at {place}"),
        "" | "?" => writeln!(text, "    at <anonymous> ({place})"),
        function => writeln!(text, "    at {function} ({place})"),
    }
}

fn csharp(frame: &Frame<'_>, text: &mut String) -> Written {
    let function = function(frame);
    text.push_str("   at ");
    if !frame.module.is_empty() {
        write!(text, "{}.", frame.module.0)?;
    }
    text.push_str(function);
    if !function.contains('(') {
        text.push_str("()");
    }
    match (path(frame), frame.line.0.filter(|line| *line > 0)) {
        ("", _) => {}
        (path, Some(line)) => write!(text, " in {path}:line {line}")?,
        (path, None) => write!(text, " in {path}")?,
    }
    text.push('\n');
    Ok(())
}

fn go(frame: &Frame<'_>, text: &mut String) -> Written {
    if !frame.module.is_empty() {
        write!(text, "{}.", frame.module.0)?;
    }
    let path = match path(frame) {
        "" => "<autogenerated>",
        path => path,
    };
    writeln!(text, "{}(...)\n\t{}", function(frame), located(path, frame))
}

fn rust(number: usize, frame: &Frame<'_>, text: &mut String) -> Written {
    writeln!(text, "{number:>4}: {}", function(frame))?;
    match path(frame) {
        "" => Ok(()),
        path => writeln!(text, "             at {}", located_exactly(path, frame)),
    }
}

fn php(number: usize, frame: &Frame<'_>, text: &mut String) -> Written {
    let call = function(frame);
    let brackets = if call.ends_with(')') { "" } else { "()" };
    match (path(frame), frame.line.0) {
        ("" | "[internal]", _) => writeln!(text, "#{number} [internal function]: {call}{brackets}"),
        (path, line) => writeln!(text, "#{number} {path}({}): {call}{brackets}", line.unwrap_or_default()),
    }
}

fn dart(number: usize, frame: &Frame<'_>, text: &mut String) -> Written {
    writeln!(text, "#{number:<6} {} ({})", function(frame), located_exactly(path(frame), frame))
}

/// As crash reports of Apple's systems list frames: number, image, address, symbol.
fn apple(number: usize, frame: &Frame<'_>, text: &mut String) -> Written {
    let image = frame.package.or(&frame.module).rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or("???");
    write!(text, "{number:<3} {image:<32} {}", address(frame))?;
    if !frame.function.is_empty() {
        write!(text, " {} + 0", frame.function.0)?;
        match frame.filename.or(&frame.abs_path) {
            "" => {}
            file => write!(text, " ({})", located(file, frame))?,
        }
    }
    text.push('\n');
    Ok(())
}

/// As gdb lists frames.
fn native(number: usize, frame: &Frame<'_>, text: &mut String) -> Written {
    write!(text, "#{number:<3} ")?;
    if !frame.address.is_empty() {
        write!(text, "{} in ", address(frame))?;
    }
    match &*frame.function.0 {
        "" => text.push_str("?? ()"),
        function => text.push_str(function),
    }
    match (frame.abs_path.or(&frame.filename), frame.package.or(&frame.module)) {
        ("", "") => {}
        ("", package) => write!(text, " from {package}")?,
        (file, _) => write!(text, " at {}", located(file, frame))?,
    }
    text.push('\n');
    Ok(())
}

/// The address as sent, or zero: a place in a print of addresses is never empty.
fn address<'f>(frame: &'f Frame<'_>) -> &'f str {
    match &*frame.address.0 {
        address if address.starts_with("0x") => address,
        _ => "0x0000000000000000",
    }
}
