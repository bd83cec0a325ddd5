//! What is handed out for containers fits what is built, and gives no role more than it needs.

use crate::harness::binary;
use std::path::Path;
use std::process::Command;

fn read(file: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(file)).unwrap()
}

/// A service of compose.yaml, as it is written there.
fn service<'a>(compose: &'a str, name: &str) -> &'a str {
    let (_, services) = compose.split_once("\nservices:\n").unwrap();
    let (_, rest) = services.split_once(&format!("\n  {name}:\n")).unwrap_or_else(|| panic!("no {name}"));
    rest.split("\n\n").next().unwrap()
}

#[test]
fn the_image_has_every_library_that_the_binary_is_linked_with() {
    let linked = Command::new("ldd").arg(binary()).output().unwrap();
    let linked = String::from_utf8(linked.stdout).unwrap();
    let dockerfile = read("infra/deploy/Dockerfile");
    let (_, last) = dockerfile.rsplit_once("\nFROM ").unwrap();
    let installed: Vec<&str> = last.lines().filter(|line| line.contains("apt-get install")).flat_map(str::split_whitespace).collect();
    // Those that every Debian image has beside the loader.
    let always = ["linux-vdso", "libc.", "libm.", "libgcc_s.", "libdl.", "libpthread.", "librt.", "/lib"];
    let packages = [("libz.", "zlib1g"), ("libssl.", "libssl3"), ("libcrypto.", "libssl3")];
    for library in linked.lines().filter_map(|line| line.split_whitespace().next()) {
        if always.iter().any(|name| library.starts_with(name)) {
            continue;
        }
        let known = packages.iter().find(|(name, _)| library.starts_with(name));
        let (_, package) = known.unwrap_or_else(|| panic!("no package is known for {library}"));
        assert!(installed.contains(package), "the image lacks {package} for {library}");
    }
    assert!(linked.contains("libssl"), "else libssl3 is not needed: {linked}");
    assert!(last.contains("\nUSER 10001\n"), "the image runs as root");
}

#[test]
fn no_role_has_more_than_it_needs() {
    let compose = read("infra/deploy/compose.yaml");
    for (name, writes, authenticates) in
        [("migrate", true, false), ("processor", true, false), ("ingest", false, true), ("query", false, true)]
    {
        let text = service(&compose, name);
        assert_eq!(text.contains("*writer"), writes, "{name}: {text}");
        assert_eq!(text.contains("*credentials"), authenticates, "{name}: {text}");
        assert_eq!(text.contains("*reader"), name == "query", "{name}: {text}");
        assert!(!text.contains("ports: [\"8"), "{name} is published to everybody: {text}");
    }
    let reader = read("infra/deploy/clickhouse/reader.xml");
    assert!(reader.contains("<readonly>2</readonly>") && reader.contains("GRANT SELECT ON aftershock.*"), "{reader}");
    let ignored = read(".dockerignore");
    for kept_out in ["credentials", ".env", ".key", ".pem"] {
        assert!(ignored.lines().any(|line| line.starts_with("**/") && line.contains(kept_out)), "{kept_out}: {ignored}");
    }
}

#[test]
fn the_compiler_is_pinned_to_one_version() {
    let value = |file: &str, key: &str| {
        let text = read(file);
        let line = text.lines().find_map(|line| line.strip_prefix(key)).unwrap_or_else(|| panic!("{file}: no {key}"));
        line.trim_matches('"').to_owned()
    };
    let pinned = value("rust-toolchain.toml", "channel = ");
    assert_eq!(value("infra/deploy/Dockerfile", "ARG BUILD_IMAGE="), format!("rust:{pinned}-bookworm"));
    assert_eq!(value("infra/deploy/Dockerfile", "ENV RUSTUP_TOOLCHAIN="), pinned);
    assert_eq!(format!("{}.0", value("Cargo.toml", "rust-version = ")), pinned, "the oldest supported compiler is the pinned one");
}
