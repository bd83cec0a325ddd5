//! .NET, Mono and Unity: `at Shop.Cart.Total (System.Int32 id) [0x00012] in Cart.cs:12`,
//! `Shop.Cart:Total (int) (at Assets/Cart.cs:12)`.

use super::location::{exception_header, file_line};
use super::search::{find_byte, has, has_byte, lines, rfind_byte, rsplit, split, trim, trim_end, without};
use super::{Frame, Language, Trace};

/// Reads the innermost exception of a text.
#[must_use]
pub fn parse(text: &str) -> Option<Trace<'_>> {
    let mut trace = Trace::of(Language::CSharp);
    for raw in lines(text) {
        let line = trim(raw);
        if line.starts_with("--- End of ") {
            // Below this mark stands how an inner exception was passed on.
            if has(line, "inner exception") {
                break;
            }
        } else if let Some(frame) = frame_of(line) {
            trace.push(frame);
        } else if trace.frames.is_empty() && !line.is_empty() {
            header(&mut trace, line);
        }
    }
    trace.found()
}

/// `Outer: text ---> Inner: text`: the last of the arrows names the fault.
fn header<'a>(trace: &mut Trace<'a>, line: &'a str) {
    let inner = line.rsplit("---> ").next().unwrap_or(line);
    if let Some((exception, message)) = exception_header(inner) {
        (trace.exception, trace.message) = (exception, message);
    } else if trace.exception.is_empty() && trace.message.is_empty() {
        trace.message = line;
    }
}

fn frame_of(line: &str) -> Option<Frame<'_>> {
    match line.strip_prefix("at ") {
        Some(rest) => net(without(rest, "(wrapper ")),
        None => unity(line),
    }
}

fn net(rest: &str) -> Option<Frame<'_>> {
    let (name, place) = rsplit(rest, " in ").unwrap_or((rest, ""));
    let name = split(name, " [0x").map_or(name, |(name, _)| name);
    let name = match find_byte(name, b'(') {
        Some(0) | None => name,
        Some(open) => &name[..open],
    };
    Some(frame(trim(name), place))
}

fn unity(line: &str) -> Option<Frame<'_>> {
    is_unity(line).then(|| {
        let (name, place) = rsplit(line, "(at ").unwrap_or((line, ""));
        let open = find_byte(name, b'(').unwrap_or(name.len());
        frame(trim(&name[..open]), place.trim_end_matches(')'))
    })
}

/// Whether a line is a frame as the Unity player prints it.
#[must_use]
pub fn is_unity(line: &str) -> bool {
    let Some(open) = find_byte(line, b'(') else {
        return false;
    };
    let name = trim_end(&line[..open]);
    let is_letter = |c: char| c.is_alphanumeric() || matches!(c, '.' | ':' | '_' | '<' | '>' | '`' | '+' | '|' | ',');
    let is_name = !name.is_empty() && name.chars().all(is_letter) && name.contains([':', '.']);
    is_name && line.ends_with(')') && (has(line, ") (at ") || (has_byte(name, b':') && !has(name, "::") && line.ends_with("()")))
}

fn frame<'a>(name: &'a str, place: &'a str) -> Frame<'a> {
    let (file, line) = match rsplit(place, ":line ") {
        Some((file, line)) => (file, trim(line).parse().unwrap_or(0)),
        None => file_line(place),
    };
    let file = if file.starts_with('<') { "" } else { file };
    let cut = rfind_byte(name, b':').or_else(|| method_dot(name));
    let (module, function) = cut.map_or(("", name), |at| (&name[..at], &name[at + 1..]));
    Frame { module: module.trim_end_matches('.'), function, file, line, in_app: None }
}

/// The dot before the method; `.ctor` keeps its own, a dot within type arguments is none.
fn method_dot(name: &str) -> Option<usize> {
    for constructor in ["..ctor", "..cctor"] {
        if let Some(class) = name.strip_suffix(constructor) {
            return Some(class.len());
        }
    }
    name[..name.find('[').unwrap_or(name.len())].rfind('.')
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn the_inner_exception_counts() {
        let text = "System.AggregateException: 失败 ---> Shop.PayException: 卡号无效\n   at Shop.Pay.Charge(Card card) in C:\\src\\支付\\Pay.cs:line 40\n   at Shop.Pay..ctor()\n   --- End of inner exception stack trace ---\n   at Shop.Main.Run()\n";
        let trace = parse(text).unwrap();
        assert_eq!((trace.exception, trace.message), ("Shop.PayException", "卡号无效"));
        assert_eq!(trace.frames.len(), 2);
        assert_eq!((trace.frames[0].module, trace.frames[0].function, trace.frames[0].line), ("Shop.Pay", "Charge", 40));
        assert_eq!((trace.frames[1].module, trace.frames[1].function), ("Shop.Pay", ".ctor"));
    }

    #[test]
    fn unity_frames() {
        let text = "NullReferenceException: Object reference not set\nShop.Cart:Total (int) (at Assets/Cart.cs:12)\nShop.Cart.Pay () [0x00012] in <f00d>:0\nShop.Ui:Click()\n";
        let trace = parse(text).unwrap();
        assert_eq!(trace.exception, "NullReferenceException");
        assert_eq!((trace.frames[0].module, trace.frames[0].function, trace.frames[0].line), ("Shop.Cart", "Total", 12));
        assert!(trace.frames.iter().any(|frame| frame.function == "Click"));
    }
}
