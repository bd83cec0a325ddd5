//! The known multiset: events made from a seed.

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use serde_json::{Value, json};
use std::sync::Mutex;
use std::time::{SystemTime, UNIX_EPOCH};

/// One distinct event; delivered once or more, it counts once.
#[derive(Debug, Clone)]
pub struct Event {
    pub is_connection: bool,
    /// Category of a report, kind of a connection.
    pub category: &'static str,
    pub platform: u8,
    pub version: String,
    pub country: &'static str,
    pub is_emulator: bool,
    /// Empty = the client names none.
    pub device: String,
    pub occurred_at: i64,
    /// How many it stands for.
    pub count: u64,
    /// As it is sent, each time the same.
    pub line: String,
}

/// Makes events; the same seed and number make the same event (but for the start of the run, which the times count from).
pub struct Generator {
    state: Mutex<(StdRng, u64)>,
    started_at: i64,
}

const STACKS: [&str; 4] = [
    "java.lang.IllegalStateException: 未登录\n\tat com.shop.Session.user(Session.java:12)\n\tat com.shop.Cart.open(Cart.java:7)",
    "Traceback (most recent call last):\n  File \"app/pay.py\", line 41, in pay\n    total()\n  File \"app/cart.py\", line 7, in total\n    raise ValueError(n)\nValueError: 41",
    "TypeError: Cannot read properties of undefined (reading 'id')\n    at render (app.js:10:5)\n    at update (app.js:99:1)",
    "   at Shop.Cart.Total() in Cart.cs:line 41\n   at Shop.Program.Main() in Program.cs:line 9",
];

impl Generator {
    pub fn new(seed: u64) -> Self {
        let started_at = i64::try_from(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
        Self { state: Mutex::new((StdRng::seed_from_u64(seed), 0)), started_at }
    }

    pub fn next(&self) -> Event {
        let mut state = self.state.lock().unwrap();
        state.1 += 1;
        let serial = state.1;
        let random = &mut state.0;
        let is_connection = random.random_bool(0.25);
        let category = if is_connection {
            ["start", "heartbeat"][random.random_range(0..2)]
        } else {
            ["crash", "anr", "error"][random.random_range(0..3)]
        };
        let device = if random.random_bool(0.05) { String::new() } else { format!("设备-{}", random.random_range(0..200)) };
        let occurred_at = self.started_at + lateness(random);
        let mut event = Event {
            is_connection,
            category,
            platform: [1, 1, 2, 10][random.random_range(0..4)],
            version: format!("2.{}.0", random.random_range(0..3)),
            country: ["CN", "DE", ""][random.random_range(0..3)],
            is_emulator: random.random_bool(0.1),
            device,
            occurred_at,
            count: 1,
            line: String::new(),
        };
        event.line = event.body(serial, random).to_string();
        event
    }

    /// Starts that a client counted together, as an envelope of its own. It has no id and no time: it is to be sent once, and
    /// counts in the hour `at` of its arrival.
    pub fn counted(&self, at: i64) -> Event {
        let random = &mut self.state.lock().unwrap().0;
        let version = format!("2.{}.0", random.random_range(0..3));
        let device = if random.random_bool(0.5) { String::new() } else { format!("设备-{}", random.random_range(0..200)) };
        let count = [1, 7, random.random_range(2..90_000)][random.random_range(0..3)];
        let groups = json!([{"did": device, "exited": count / 2, "crashed": count - count / 2}]);
        let line = crate::counted::envelope(&json!({"release": format!("shop@{version}")}), &groups);
        Event {
            is_connection: true,
            category: "start",
            platform: 1,
            version,
            country: "",
            is_emulator: false,
            device,
            occurred_at: at,
            count,
            line,
        }
    }
}

/// Most events are fresh, some hours or weeks late, a few ahead of the server's clock.
fn lateness(random: &mut StdRng) -> i64 {
    match random.random_range(0..100) {
        0..60 => -random.random_range(0..60_000),
        60..80 => -random.random_range(0..3 * 3_600_000),
        80..95 => -random.random_range(0..2 * 86_400_000),
        95..98 => -random.random_range(0..60 * 86_400_000),
        _ => random.random_range(0..300_000),
    }
}

impl Event {
    /// Some events are told apart by their id, some by device and moment; all of them say when.
    fn body(&self, serial: u64, random: &mut StdRng) -> Value {
        let mut body = json!({"platformId": self.platform, "productVersion": self.version, "country": self.country, "isVirtualMachine": self.is_emulator,
            "deviceId": self.device, "occurredAt": self.occurred_at});
        if self.is_connection {
            body["kind"] = self.category.into();
            body["eventId"] = format!("connection-{serial}").into();
            return body;
        }
        body["category"] = self.category.into();
        body["callStack"] = STACKS[random.random_range(0..STACKS.len())].into();
        if random.random_bool(0.5) {
            body["eventId"] = format!("report-{serial}").into();
        } else {
            body["expMessage"] = format!("message {serial}").into();
        }
        body
    }
}
