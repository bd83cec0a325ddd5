//! An envelope of the shape that a server's client library sends: an event of 22 frames with their source lines, breadcrumbs,
//! contexts, tags and modules.

use super::load::now;
use serde_json::{Value, json};

/// An envelope of about 12 KB; the number makes it an event of its own.
pub fn envelope(number: usize) -> String {
    let event = event(number).to_string();
    let id = id(number);
    format!(
        "{{\"event_id\":\"{id}\",\"sent_at\":\"2026-01-02T03:04:05Z\",\"sdk\":{{\"name\":\"sentry.python.django\",\"version\":\"2.75.0\"}},\"trace\":{{\"trace_id\":\"{id}\",\"environment\":\"production\"}}}}\n\
         {{\"type\":\"event\",\"content_type\":\"application/json\",\"length\":{}}}\n{event}\n",
        event.len()
    )
}

fn id(number: usize) -> String {
    format!("{:016x}{number:016x}", std::process::id())
}

fn event(number: usize) -> Value {
    let frames: Vec<Value> = (0..22).map(|place| frame(place, number)).collect();
    let crumbs: Vec<Value> = (0..20).map(|place| crumb(place, number)).collect();
    let modules: serde_json::Map<String, Value> =
        (0..20).map(|place| (format!("package-{place}"), json!(format!("2.{place}.1")))).collect();
    json!({
        "event_id": id(number), "timestamp": now() as f64 / 1000.0, "platform": "python", "level": "error", "release": format!("shop@2.{}.0+45", number % 5),
        "environment": "production", "server_name": format!("web-{}", number % 16), "transaction": "/checkout/{cart}/pay", "logger": "shop.pay",
        "sdk": {"name": "sentry.python.django", "version": "2.75.0", "integrations": ["argv", "atexit", "django", "excepthook", "logging", "modules", "stdlib", "threading"],
            "packages": [{"name": "pypi:sentry-sdk", "version": "2.75.0"}]},
        "user": {"id": format!("用户-{}", number % 5000), "ip_address": "198.51.100.7"},
        "request": {"url": "https://shop.cn/checkout/8812/pay", "method": "POST", "headers": {"Host": "shop.cn", "User-Agent": "Mozilla/5.0 (X11; Linux x86_64)", "Accept": "application/json"}},
        "contexts": {"runtime": {"name": "CPython", "version": "3.11.7", "build": "3.11.7 (main)"}, "os": {"name": "Linux", "version": "6.1.0"},
            "device": {"arch": "x86_64", "memory_size": 7_587_986_432_i64}, "trace": {"trace_id": id(number), "span_id": "0123456789abcdef", "op": "http.server", "status": "internal_error"}},
        "tags": {"zone": "cn-1", "canary": "no", "等级": "12"}, "extra": {"sys.argv": ["manage.py", "runserver"], "order": number},
        "exception": {"values": [{"type": "PayError", "module": "shop.errors", "value": format!("支付失败: order {number}"), "mechanism": {"type": "django", "handled": false},
            "stacktrace": {"frames": frames}}]},
        "breadcrumbs": {"values": crumbs}, "modules": modules,
    })
}

fn frame(place: usize, number: usize) -> Value {
    let file = format!("shop/feature_{}/screen_{place}.py", number % 40);
    json!({
        "filename": file, "abs_path": format!("/srv/app/{file}"), "function": format!("on_event_{place}"), "module": format!("shop.feature_{}.screen_{place}", number % 40),
        "lineno": 10 + place, "in_app": place.is_multiple_of(3),
        "pre_context": ["    def handle(self, request):"], "context_line": format!("        return self.next(request, step={place})"), "post_context": ["", ""],
    })
}

fn crumb(place: usize, number: usize) -> Value {
    json!({"type": "default", "category": "query", "level": "info", "timestamp": "2026-01-02T03:04:05.123456Z",
        "message": format!("select id, total from carts where id = {}", number + place), "data": {"db.system": "postgresql"}})
}
