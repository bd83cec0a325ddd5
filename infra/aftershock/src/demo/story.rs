//! The story that the demo tells: which device reports what and when, decided by the seed alone.

use super::random::Random;
use super::stack::{Crash, crashes};
use super::world::{Device, NAMES, Version};
use serde_json::{Value, json};

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// How busy each hour of the day is, in percent, by the clock of UTC+8.
const BUSY: [u64; 24] = [45, 28, 16, 10, 8, 9, 14, 26, 38, 44, 48, 55, 72, 66, 52, 50, 54, 62, 74, 88, 97, 100, 90, 68];

/// What is asked of a story.
#[derive(Clone, Copy, Debug)]
pub struct Outline {
    pub reports: u64,
    pub days: u64,
    pub seed: u64,
    /// Where it ends; Unix milliseconds.
    pub end: i64,
}

/// Makes reports and connections, one after the other.
pub struct Story {
    outline: Outline,
    random: Random,
    devices: Vec<Device>,
    crashes: Vec<Crash>,
}

impl Story {
    /// The beginning of a story.
    pub fn new(outline: Outline) -> Self {
        let mut random = Random::new(outline.seed);
        let count = (outline.reports / 4).clamp(40, 200_000);
        let devices = (0..count).map(|number| Device::new(number, &mut random)).collect();
        Self { outline, random, devices, crashes: crashes() }
    }

    /// How many connections belong to the story: two for each device and day.
    pub fn connections(&self) -> u64 {
        self.devices.len() as u64 * self.outline.days * 2
    }

    /// The start of the story; Unix milliseconds.
    pub fn start(&self) -> i64 {
        self.outline.end - self.outline.days as i64 * DAY_MS
    }

    /// The next report, in the names of the native dialect.
    pub fn report(&mut self) -> Value {
        let random = &mut self.random;
        let at = moment(&self.outline, random);
        // The lower places come up more often, as some devices crash all the time.
        let (one, two) = (random.place(self.devices.len()), random.place(self.devices.len()));
        let device = &self.devices[one.min(two)];
        let version = device.version(percent(&self.outline, at));
        let weights: Vec<u64> = self.crashes.iter().map(|crash| weight(crash, device, version)).collect();
        let crash = &self.crashes[random.weighted(&weights)];
        let mut report = base(device, version, at, random);
        describe(&mut report, crash, version, random);
        surroundings(&mut report, device, random);
        report
    }

    /// The next connection.
    pub fn connection(&mut self) -> Value {
        let at = moment(&self.outline, &mut self.random);
        let device = &self.devices[self.random.place(self.devices.len())];
        let version = device.version(percent(&self.outline, at));
        let mut connection = base(device, version, at, &mut self.random);
        connection["kind"] = if self.random.chance(80) { "start".into() } else { "heartbeat".into() };
        connection
    }
}

fn percent(outline: &Outline, at: i64) -> u64 {
    let length = (outline.days as i64 * DAY_MS).max(1);
    (100 - (outline.end - at) * 100 / length).clamp(0, 100) as u64
}

/// A moment of the story, more likely in the evening than at night.
fn moment(outline: &Outline, random: &mut Random) -> i64 {
    let length = outline.days * DAY_MS as u64;
    loop {
        let at = outline.end - 1 - random.below(length) as i64;
        let hour = ((at + 8 * HOUR_MS).rem_euclid(DAY_MS) / HOUR_MS) as usize;
        if random.below(100) < BUSY[hour] {
            return at;
        }
    }
}

fn weight(crash: &Crash, device: &Device, version: &Version) -> u64 {
    if crash.platform == device.model.platform && crash.since <= version.name { crash.weight } else { 0 }
}

/// What reports and connections have in common.
fn base(device: &Device, version: &Version, at: i64, random: &mut Random) -> Value {
    json!({
        "eventId": random.uuid(),
        "platformId": device.model.platform,
        "productVersion": version.name,
        "deviceId": device.id,
        "userId": device.user,
        "country": device.country,
        "isVirtualMachine": device.emulator,
        "model": device.model.name,
        "osVer": device.system,
        "occurredAt": at,
    })
}

fn describe(report: &mut Value, crash: &Crash, version: &Version, random: &mut Random) {
    report["category"] = crash.category.into();
    report["exceptionType"] = crash.exception_type.into();
    report["expName"] = crash.name.into();
    report["expMessage"] = fill(crash.text, version, random).into();
    report["callStack"] = fill(crash.stack, version, random).into();
    report["threadName"] = fill(crash.thread, version, random).into();
    report["oom"] = (crash.name == "java.lang.OutOfMemoryError").into();
}

fn surroundings(report: &mut Value, device: &Device, random: &mut Random) {
    let memory = device.model.memory_gib << 30;
    report["buildNumber"] = "release".into();
    report["bundleId"] = "com.harbor".into();
    report["brand"] = device.model.brand.into();
    report["cpuType"] = device.model.cpu.into();
    report["gpu"] = device.model.gpu.into();
    report["isRooted"] = device.rooted.into();
    report["appInBack"] = random.chance(12).into();
    report["memSize"] = memory.into();
    report["freeMem"] = (memory / 100 * (3 + random.below(40) as i64)).into();
    report["battery"] = (1 + random.below(100)).into();
    report["elapsedTime"] = random.below(3_600_000).into();
    report["sceneTag"] = ["harbour", "battle", "shop", "map"][random.place(4)].into();
    report["userKey"] = json!({ "guild": NAMES[random.place(NAMES.len())], "level": random.below(60).to_string() });
}

/// Puts values in the places that differ from report to report.
fn fill(text: &str, version: &Version, random: &mut Random) -> String {
    let mut filled = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, behind)) = after.split_once('}') else { break };
        filled.push_str(before);
        match place(name, version, random) {
            Some(value) => filled.push_str(&value),
            None => filled.extend(["{", name, "}"]),
        }
        rest = behind;
    }
    filled.push_str(rest);
    filled
}

fn place(name: &str, version: &Version, random: &mut Random) -> Option<String> {
    Some(match name {
        "n" => (1 + random.below(999)).to_string(),
        "big" => (100_000 + random.below(90_000_000)).to_string(),
        "hex" => format!("{:#010x}", random.below(u64::from(u32::MAX))),
        "uuid" => random.uuid(),
        "user" => NAMES[random.place(NAMES.len())].to_owned(),
        "ms" => (5000 + random.below(9000)).to_string(),
        "build" => version.build.to_string(),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    const OUTLINE: Outline = Outline { reports: 3000, days: 3, seed: 11, end: 1_763_700_000_000 };

    fn text(value: &Value, name: &str) -> String {
        value[name].as_str().unwrap_or_default().to_owned()
    }

    #[test]
    fn the_seed_decides_everything() {
        let (mut one, mut two) = (Story::new(OUTLINE), Story::new(OUTLINE));
        for _ in 0..50 {
            assert_eq!(one.report(), two.report());
            assert_eq!(one.connection(), two.connection());
        }
        let mut other = Story::new(Outline { seed: 12, ..OUTLINE });
        assert_ne!(one.report(), other.report());
    }

    #[test]
    fn reports_are_spread_over_everything_and_lie_within_the_story() {
        let mut story = Story::new(OUTLINE);
        let reports: Vec<Value> = (0..OUTLINE.reports).map(|_| story.report()).collect();
        let distinct = |name: &str| reports.iter().map(|report| report[name].to_string()).collect::<HashSet<_>>().len();
        assert_eq!(distinct("eventId"), reports.len());
        assert_eq!(distinct("platformId"), 3);
        assert_eq!(distinct("productVersion"), 5);
        assert!(distinct("country") >= 8 && distinct("model") >= 13 && distinct("expName") >= 25);
        for report in &reports {
            let at = report["occurredAt"].as_i64().unwrap_or_default();
            assert!((story.start()..OUTLINE.end).contains(&at));
            assert!(!text(report, "callStack").is_empty() || !text(report, "expMessage").is_empty(), "{report}");
        }
    }

    #[test]
    fn places_are_filled_and_braces_of_the_text_stay() {
        let filled = fill("{n} {act=x} {user} { 未闭合", &super::super::world::VERSIONS[0], &mut Random::new(5));
        assert!(filled.ends_with(" { 未闭合") && filled.contains("{act=x}") && !filled.contains("{user}"), "{filled}");
    }
}
