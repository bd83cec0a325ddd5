//! Who plays the invented game: versions that come out, and devices that take them up sooner or later.

use super::random::Random;

/// A released version and its build.
pub struct Version {
    pub name: &'static str,
    pub build: u64,
    /// How many devices have it at the beginning.
    weight: u64,
}

/// Oldest first; the last one comes out in the middle of the story.
pub const VERSIONS: [Version; 5] = [
    Version { name: "2.3.0", build: 2301, weight: 10 },
    Version { name: "2.4.0", build: 2412, weight: 20 },
    Version { name: "2.4.1", build: 2433, weight: 30 },
    Version { name: "2.4.2", build: 2447, weight: 40 },
    Version { name: "2.5.0", build: 2508, weight: 0 },
];

/// The part of the story, in percent, at which the last version comes out.
const RELEASE: u64 = 60;

/// What a model is made of.
pub struct Model {
    pub platform: i64,
    pub brand: &'static str,
    pub name: &'static str,
    pub cpu: &'static str,
    pub gpu: &'static str,
    pub memory_gib: i64,
    pub systems: &'static [&'static str],
    weight: u64,
}

const fn model(platform: i64, brand: &'static str, name: &'static str, systems: &'static [&'static str], weight: u64) -> Model {
    let (cpu, gpu, memory_gib) = match platform {
        1 => ("arm64-v8a", "Adreno 650", 8),
        2 => ("arm64e", "Apple GPU", 6),
        _ => ("x86_64", "GeForce RTX 3060", 16),
    };
    Model { platform, brand, name, cpu, gpu, memory_gib, systems, weight }
}

const ANDROID: &[&str] = &["11", "12", "13", "14"];
const IOS: &[&str] = &["16.7", "17.4", "18.1"];
const WINDOWS: &[&str] = &["Windows 10 22H2", "Windows 11 23H2", "Windows 11 24H2"];

/// The last one is an emulator.
pub const MODELS: [Model; 14] = [
    model(1, "Xiaomi", "Redmi Note 12", ANDROID, 90),
    model(1, "HUAWEI", "ALN-AL00", &["12", "13"], 80),
    model(1, "OPPO", "PGFM10", ANDROID, 60),
    model(1, "vivo", "V2241A", ANDROID, 60),
    model(1, "samsung", "SM-S9180", &["13", "14"], 70),
    model(1, "HONOR", "PGT-AN10", &["13", "14"], 40),
    model(1, "Google", "Pixel 7", &["13", "14"], 20),
    model(2, "Apple", "iPhone14,5", IOS, 90),
    model(2, "Apple", "iPhone15,3", IOS, 70),
    model(2, "Apple", "iPad13,4", IOS, 25),
    model(10, "ASUS", "ROG Strix G16", WINDOWS, 50),
    model(10, "Lenovo", "Legion Y9000P", WINDOWS, 60),
    model(10, "DELL", "XPS 8950", WINDOWS, 25),
    model(1, "Android", "sdk_gphone64_x86_64", &["12", "13"], 45),
];

const COUNTRIES: [(&str, u64); 9] =
    [("CN", 520), ("JP", 90), ("KR", 70), ("US", 110), ("DE", 50), ("BR", 45), ("VN", 40), ("TH", 40), ("FR", 35)];

/// Names that players gave themselves.
pub const NAMES: [&str; 8] = ["linnea", "老船长", "王小明", "Søren", "captain_kit", "さくら", "Jürgen", "海边的卡夫卡"];

/// One device and its player.
pub struct Device {
    pub id: String,
    pub user: String,
    pub model: &'static Model,
    pub system: &'static str,
    pub country: &'static str,
    pub emulator: bool,
    pub rooted: bool,
    first_version: usize,
    /// The part of the story at which it takes the last version; above 100: never.
    updates_at: u64,
}

impl Device {
    /// The device number `number`.
    pub fn new(number: u64, random: &mut Random) -> Self {
        let place = random.weighted(&MODELS.each_ref().map(|model| model.weight));
        let model = &MODELS[place];
        let emulator = place == MODELS.len() - 1;
        Self {
            id: random.uuid(),
            user: format!("u{}", 100_000 + number),
            model,
            system: model.systems[random.place(model.systems.len())],
            country: COUNTRIES[random.weighted(&COUNTRIES.map(|(_, weight)| weight))].0,
            emulator,
            rooted: emulator || (model.platform == 1 && random.chance(4)),
            first_version: random.weighted(&VERSIONS.each_ref().map(|version| version.weight)),
            updates_at: RELEASE + random.below(60),
        }
    }

    /// The version it has once `percent` of the story are told.
    pub fn version(&self, percent: u64) -> &'static Version {
        let place = if percent >= self.updates_at { VERSIONS.len() - 1 } else { self.first_version };
        &VERSIONS[place]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_has_a_version_before_it_is_out() {
        let mut random = Random::new(3);
        let devices: Vec<Device> = (0..500).map(|number| Device::new(number, &mut random)).collect();
        assert!(devices.iter().all(|device| device.version(RELEASE - 1).name != "2.5.0"));
        let updated = devices.iter().filter(|device| device.version(100).name == "2.5.0").count();
        assert!((200..450).contains(&updated), "{updated}");
        assert!(devices.iter().any(|device| device.emulator && device.model.platform == 1));
        assert!([1, 2, 10].iter().all(|platform| devices.iter().any(|device| device.model.platform == *platform)));
    }
}
