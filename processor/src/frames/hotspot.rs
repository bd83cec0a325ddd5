//! What a Java virtual machine writes when it dies itself: `# A fatal error has been detected by …`.
//!
//! The frame it names as problematic counts, with the native frames where the report goes on to list them.

use super::search::{before, before_byte, has_byte, lines, trim, trim_start};
use super::{Frame, Language, Trace};

/// Whether a line begins such a report.
#[must_use]
pub fn is_title(line: &str) -> bool {
    line.starts_with("# A fatal error has been detected by the Java Runtime")
        || line.starts_with("# There is insufficient memory for the Java Runtime")
}

/// Reads the first report of a text.
#[must_use]
pub fn parse(text: &str) -> Option<Trace<'_>> {
    let mut trace = Trace::of(Language::HotSpot);
    let mut lines = lines(text).map(trim).skip_while(|line| !is_title(line));
    if lines.next()?.contains("insufficient memory") {
        (trace.exception, trace.message) = ("OutOfMemoryError", "native memory");
    }
    let mut is_problematic = false;
    let mut is_listed = false;
    for line in lines {
        let body = line.trim_start_matches(['#', ' ']);
        if body.starts_with("Problematic frame:") {
            is_problematic = true;
        } else if line.starts_with("Native frames:") {
            is_listed = true;
            trace.frames.clear();
        } else if is_problematic || is_listed {
            match frame_of(body) {
                Some(frame) => trace.push(frame),
                None if is_listed && !trace.frames.is_empty() => break,
                None => {}
            }
            is_problematic = false;
        } else if trace.exception.is_empty() && line.starts_with('#') && !body.is_empty() {
            // `SIGSEGV (0xb) at pc=…, pid=…` and `Internal Error (mutex.cpp:12), pid=…`.
            trace.exception = before(body, " (");
            trace.message = body;
        }
    }
    trace.found()
}

/// `C  [libshop.so+0x12]  pay+0x3`, `V  [jvm.dll+0x12]`, `j  com.shop.Cart.total()V+12`, `J 12 C2 com.shop.Cart.pay(I)V (9 bytes) @ 0x…`.
fn frame_of(body: &str) -> Option<Frame<'_>> {
    let (mark, rest) = body.split_once([' ', '\t'])?;
    let rest = trim_start(rest);
    match mark {
        "C" | "V" => {
            let (place, symbol) = rest.strip_prefix('[')?.split_once(']')?;
            let function = trim(symbol).split("+0x").next().unwrap_or("");
            Some(Frame { module: before(place, "+0x"), function, ..Frame::default() })
        }
        "j" | "J" => {
            let name = rest.split(' ').find(|word| has_byte(word, b'('))?;
            Some(Frame { function: before_byte(name, b'('), ..Frame::default() })
        }
        "v" => Some(Frame { function: "~stub", ..Frame::default() }),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const REPORT: &str = "[10:00] 启动\n#\n# A fatal error has been detected by the Java Runtime Environment:\n#\n#  SIGSEGV (0xb) at pc=0x00007f, pid=9, tid=8\n#\n\
        # JRE version: 17\n# Problematic frame:\n# C  [libshop.so+0x3e88]  shop_pay+0x12\n#\n";

    #[test]
    fn the_signal_and_the_problematic_frame() {
        let trace = parse(REPORT).unwrap();
        assert_eq!((trace.exception, trace.frames.len()), ("SIGSEGV", 1));
        assert_eq!((trace.frames[0].module, trace.frames[0].function), ("libshop.so", "shop_pay"));
    }

    #[test]
    fn native_frames_where_they_are_listed() {
        let text = format!(
            "{REPORT}\nNative frames: (J=compiled Java code, j=interpreted)\nC  [libshop.so+0x3e88]  shop_pay+0x12\n\
             j  com.shop.Cart.total(I)V+12\nJ 12 C2 com.shop.Main.run(I)V (9 bytes) @ 0x1\nv  ~StubRoutines::call_stub\nV  [libjvm.so+0x12]\n\nJava frames:\nj  x.Y.z()V\n"
        );
        let names: Vec<_> = parse(&text).unwrap().frames.iter().map(|frame| frame.function).collect();
        assert_eq!(names, ["shop_pay", "com.shop.Cart.total", "com.shop.Main.run", "~stub", ""]);
    }
}
