//! JSON that is small on the wire and large where it is taken at its word.

/// A value of about so many pieces.
pub(super) type Shape = fn(usize) -> String;

fn list(item: &str, count: usize) -> String {
    format!("[{}]", vec![item; count].join(","))
}

/// A list of items that differ by their number.
fn numbered(count: usize, item: impl Fn(usize) -> String) -> String {
    let items: Vec<String> = (0..count).map(item).collect();
    items.join(",")
}

fn text(piece: &str, count: usize) -> String {
    format!("\"{}\"", piece.repeat(count))
}

fn nested(count: usize) -> String {
    let depth = 120.min(count);
    list(&format!("{}{}", "[".repeat(depth), "]".repeat(depth)), count / 200 + 1)
}

pub(super) const SHAPES: &[(&str, Shape)] = &[
    ("objects", |count| list("{}", count)),
    ("nulls", |count| list("null", count)),
    ("zeros", |count| list("0", count)),
    ("empty texts", |count| list("\"\"", count)),
    ("lists", |count| list("[]", count)),
    ("letters", |count| list("\"崩\"", count)),
    ("escaped letters", |count| list("\"\\n\"", count)),
    ("huge numbers", |count| list("1e308", count)),
    ("names", |count| list("{\"name\":\"x\"}", count)),
    ("stacks", |count| list("{\"stack\":\"\\u0001\\u0001\\\"\"}", count)),
    ("files", |count| list("{\"name\":\"f\",\"data\":\"AA==\"}", count)),
    ("types", |count| list("{\"type\":\"T\"}", count)),
    ("values", |count| list("{\"value\":1}", count)),
    ("ids", |count| list("{\"id\":1}", count)),
    ("stamps", |count| list("{\"timestamp\":1}", count)),
    ("pairs", |count| list("[\"a\",1e308]", count)),
    ("keys", |count| list("{\"key\":\"k\",\"value\":1e308}", count)),
    ("groups", |count| list("{\"exited\":1}", count)),
    ("one frame each", |count| list("{\"stacktrace\":{\"frames\":[{\"function\":1e308}]}}", count)),
    ("frames", |count| format!("{{\"frames\":{}}}", list("{\"module\":\"m\"}", count))),
    ("places", |count| format!("{{\"frames\":{}}}", list("{\"lineno\":1}", count))),
    ("marks", |count| format!("{{\"frames\":{}}}", list("{\"in_app\":true}", count))),
    ("empty frames", |count| format!("{{\"frames\":{}}}", list("{}", count))),
    ("addresses", |count| {
        list(&format!("{{\"stacktrace\":{{\"frames\":{}}}}}", list("{\"package\":\"p\"}", 50.min(count))), count / 40 + 1)
    }),
    ("deep", nested),
    ("map", |count| format!("{{{}}}", numbered(count, |number| format!("\"{number}\":0")))),
    ("map of texts", |count| format!("{{{}}}", numbered(count, |number| format!("\"{number:x}\":\"\"")))),
    ("map of one name", |count| format!("{{{}}}", numbered(count, |_| "\"a\":\"b\"".to_owned()))),
    ("map of huge numbers", |count| format!("{{{}}}", numbered(count, |number| format!("\"{number:x}\":1e308")))),
    ("distinct names", |count| format!("[{}]", numbered(count, |number| format!("{{\"{number:x}\":0}}")))),
    ("text", |count| text("a", count * 4)),
    ("Chinese text", |count| text("崩溃", count)),
    ("escapes", |count| text("\\u0001", count)),
    ("line ends", |count| text("\\n", count)),
    ("lone halves", |count| text("\\ud83d", count)),
    ("quotes", |count| text("\\\"", count)),
    ("template", |count| format!("{{\"message\":{},\"params\":{{\"a\":{}}}}}", text("%(a)s", count / 5), text("b", count / 5))),
    ("open places", |count| format!("{{\"message\":{},\"params\":{{\"a\":\"b\"}}}}", text("%(", count / 5))),
    ("placed", |count| format!("{{\"message\":{},\"params\":{}}}", text("%s", count / 5), list("1e308", count / 5))),
    ("user", |count| format!("{{\"id\":{},\"geo\":{{}}}}", text("\\u4e2d", count))),
    ("device", |count| format!("{{\"device\":{{\"model\":{},\"archs\":{}}}}}", text("m", count), list("\"a\"", count))),
    ("session", |count| format!("{{\"release\":{},\"environment\":{}}}", text("a@1+\\n", count), text("\\u0001", count))),
    ("digits", |count| "1".repeat(count.clamp(1, 300))),
    ("nothing", |_| "null".to_owned()),
    ("truth", |_| "true".to_owned()),
];

/// An object of required fields and others.
pub(super) fn object(required: &str, fields: &[(&str, &str)]) -> String {
    let fields: Vec<String> = fields.iter().map(|(name, value)| format!(",\"{name}\":{value}")).collect();
    format!("{{{required}{}}}", fields.concat())
}
