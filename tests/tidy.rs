//! The rules of the house that a machine can check.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

/// Every file of the project, relative to its root, without build products and data.
pub fn files() -> Vec<String> {
    fn walk(dir: &Path, root: &Path, found: &mut Vec<String>) {
        for entry in fs::read_dir(dir).unwrap().map(Result::unwrap) {
            let (path, name) = (entry.path(), entry.file_name().into_string().unwrap());
            let skipped = ["target", "data", ".git", "node_modules"].contains(&name.as_str());
            if path.is_dir() && !skipped {
                walk(&path, root, found);
            } else if path.is_file() {
                found.push(path.strip_prefix(root).unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    let (root, mut found) = (root(), Vec::new());
    walk(&root, &root, &mut found);
    found.sort();
    assert!(found.len() > 50, "the walk found only {} files", found.len());
    found
}

pub fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

pub fn report(problems: &[String]) {
    assert!(problems.is_empty(), "\n{}", problems.join("\n"));
}

/// The crates by folder, with the floor each stands on.
const FLOORS: &[(&str, &str, u8)] = &[
    ("schemas", "schemas", 0),
    ("infra/service", "service", 1),
    ("infra/log", "embedded-log", 2),
    ("infra/engine", "embedded-engine", 2),
    ("ingest", "ingest", 2),
    ("processor", "processor", 2),
    ("query", "query", 2),
    ("infra/aftershock", "aftershock", 3),
    ("tests", "tests", 3),
];

fn dependencies(folder: &str) -> Vec<String> {
    let manifest: toml::Table = read(&format!("{folder}/Cargo.toml")).parse().unwrap();
    let sections = ["dependencies", "dev-dependencies"].into_iter();
    sections.filter_map(|section| manifest.get(section)?.as_table()).flat_map(|table| table.keys().cloned()).collect()
}

#[test]
fn crates_import_only_from_floors_below() {
    let mut problems = Vec::new();
    for (folder, name, floor) in FLOORS {
        for dependency in dependencies(folder) {
            let Some((_, _, below)) = FLOORS.iter().find(|(_, name, _)| *name == dependency) else { continue };
            let moves_bytes_only = ["service", "embedded-log", "embedded-engine"].contains(name);
            let allowed = below < floor && !(moves_bytes_only && dependency == "schemas");
            if !allowed {
                problems.push(format!("{folder} (floor {floor}) imports {dependency} (floor {below})"));
            }
        }
    }
    report(&problems);
}

/// Package (as it is named in code) and the only places that may name it. Tests and benches of a door's crate may as well.
const DOORS: &[(&str, &[&str])] = &[
    ("hyper", &["infra/service/src/http/", "infra/engine/src/", "tests/benches/bare.rs"]),
    ("hyper_util", &["infra/service/src/http/", "infra/engine/src/", "tests/benches/bare.rs"]),
    ("hyper_rustls", &["infra/service/src/http/"]),
    ("rustls", &["infra/service/src/http/"]),
    ("tokio_rustls", &["infra/service/src/http/"]),
    ("rcgen", &["infra/service/src/clickhouse.rs", "infra/service/src/http/tests/", "tests/encrypted_tables.rs", "tests/sealed.rs"]),
    (
        "rdkafka",
        &["infra/service/src/kafka.rs", "infra/service/src/kafka/", "infra/log/tests/", "infra/log/benches/", "tests/harness/kafka.rs"],
    ),
    (
        "clickhouse",
        &[
            "infra/service/src/clickhouse.rs",
            "schemas/src/row",
            "processor/src/sink",
            "processor/src/dedupe/table.rs",
            "processor/src/replay/tables.rs",
            "query/src/store.rs",
            "infra/engine/tests/",
            "infra/engine/benches/",
            "infra/aftershock/tests/backup.rs",
        ],
    ),
    ("apache_avro", &["schemas/src/record"]),
    ("serde_avro_fast", &["schemas/src/record"]),
    ("libloading", &["infra/engine/src/"]),
    ("kafka_protocol", &["infra/log/"]),
    ("memchr", &["processor/src/frames/search.rs"]),
    ("semver", &["schemas/src/version"]),
    ("hmac", &["infra/service/src/signature.rs"]),
    ("brotli_decompressor", &["ingest/src/dialect/inflate.rs"]),
    ("sentry", &["tests/sdk/"]),
    ("governor", &["infra/service/src/throttle.rs"]),
    ("rustix", &["infra/service/src/descriptors.rs", "infra/service/src/disk.rs", "infra/service/src/telemetry/process.rs"]),
    (
        "sha2",
        &[
            "infra/service/src/signature.rs",
            "schemas/src/digest.rs",
            "processor/src/fingerprint.rs",
            "processor/src/fingerprint/",
            "ingest/src/unseal/",
        ],
    ),
    ("aes_gcm", &["ingest/src/unseal/", "tests/benches/edge.rs"]),
    ("aes", &["ingest/src/unseal/"]),
    ("cbc", &["ingest/src/unseal/"]),
    ("md5", &["ingest/src/unseal/"]),
];

/// Whether a line of code names the package itself (`use rdkafka::…`, `rdkafka::…`), not a module of ours of the same name.
fn names_package(line: &str, package: &str, imported_module: bool) -> bool {
    let code = line.split("//").next().unwrap_or_default().trim_start();
    let in_use = code.strip_prefix("pub ").unwrap_or(code).strip_prefix("use ").is_some_and(|rest| {
        rest.strip_prefix("::").unwrap_or(rest).strip_prefix(package).is_some_and(|after| after.starts_with("::") || after.starts_with(';'))
    });
    let path = format!("{package}::");
    let in_path = code.match_indices(&path).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        !before.is_some_and(|before| before == ':' || before == '_' || before.is_alphanumeric())
    });
    in_use || (in_path && !imported_module)
}

#[test]
fn packages_are_named_only_at_their_doors() {
    let mut problems = Vec::new();
    for file in files().iter().filter(|file| file.ends_with(".rs") && *file != "tests/tidy.rs") {
        let text = read(file);
        for (package, doors) in DOORS {
            if doors.iter().any(|door| file.starts_with(door)) {
                continue;
            }
            let imported_module = text.lines().any(|line| {
                let line = line.trim_start();
                (line.starts_with("use service::")
                    || line.starts_with("use crate::")
                    || line.starts_with("pub mod")
                    || line.starts_with("mod "))
                    && line.contains(package)
            });
            for (number, line) in text.lines().enumerate().filter(|(_, line)| names_package(line, package, imported_module)) {
                problems.push(format!("{file}:{}: names {package}: {}", number + 1, line.trim()));
            }
        }
    }
    report(&problems);
}

#[test]
fn a_door_is_recognised() {
    assert!(names_package("use rdkafka::Message;", "rdkafka", false));
    assert!(names_package("    let x = rdkafka::ClientConfig::new();", "rdkafka", false));
    assert!(!names_package("use service::rdkafka::X;", "rdkafka", false));
    assert!(!names_package("// rdkafka::Message", "rdkafka", false));
    assert!(!names_package("let c = clickhouse::Config::default();", "clickhouse", true));
}

#[test]
fn files_are_short_and_named_after_what_they_hold() {
    let banned = ["utils", "util", "common", "helpers", "helper", "misc", "manager", "types", "context", "v2"];
    let mut problems = Vec::new();
    for file in files() {
        let stem = Path::new(&file).file_stem().unwrap().to_str().unwrap();
        if file.ends_with(".rs") && banned.contains(&stem) {
            problems.push(format!("{file}: a name that says nothing"));
        }
        if file.ends_with(".rs") || file.ends_with(".sql") {
            let lines = read(&file).lines().count();
            if lines > 400 {
                problems.push(format!("{file}: {lines} lines, at most 400"));
            }
        }
    }
    report(&problems);
}

#[test]
fn code_holds_nothing_unfinished() {
    // A test that another test starts as a process of its own says so; any other test runs every time.
    let marks =
        [concat!("TO", "DO"), concat!("FIX", "ME"), concat!("#[ig", "nore]"), concat!("todo", "!("), concat!("unimpl", "emented!(")];
    let mut problems = Vec::new();
    for file in files().iter().filter(|file| file.ends_with(".rs") || file.ends_with(".sql") || file.ends_with(".sh")) {
        for (number, line) in read(file).lines().enumerate() {
            let skipped = line.contains(concat!("#[ig", "nore = ")) && !line.contains("process") && !line.contains("another test");
            if skipped || marks.iter().any(|mark| line.contains(mark)) {
                problems.push(format!("{file}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    report(&problems);
}

/// Where a second group of imports begins: `use` after `use` with an empty line between. `pub use` has a group of its own.
fn second_group(text: &str) -> Option<usize> {
    let lines: Vec<&str> = text.lines().collect();
    let mut ended: Option<usize> = None;
    let mut open = false;
    for (number, line) in lines.iter().enumerate() {
        let begins = line.trim_start().starts_with("use ");
        if begins && ended.is_some_and(|end| end + 1 < number && lines[end + 1..number].iter().all(|line| line.trim().is_empty())) {
            return Some(number + 1);
        }
        open |= begins;
        if open && line.trim_end().ends_with(';') {
            (open, ended) = (false, Some(number));
        }
    }
    None
}

#[test]
fn imports_stand_in_one_group() {
    let sources = files().into_iter().filter(|file| file.ends_with(".rs"));
    let problems = sources.filter_map(|file| second_group(&read(&file)).map(|line| format!("{file}:{line}: a second group of imports")));
    report(&problems.collect::<Vec<_>>());
}

#[test]
fn a_second_group_of_imports_is_recognised() {
    assert_eq!(second_group("use a;\n\nuse b;\n"), Some(3));
    assert_eq!(second_group("use a::{\n    b,\n};\n\nuse c;\n"), Some(5));
    assert_eq!(second_group("pub use a;\n\nuse b;\nuse c;\n\nfn d() {}\n\nmod e {\n    use f;\n}\n"), None);
}

#[test]
fn tests_wait_on_conditions() {
    let sleep = concat!("sleep", "(");
    let tests = files().into_iter().filter(|file| {
        file.starts_with("tests/") && file.ends_with(".rs") && !file.starts_with("tests/harness") && !file.starts_with("tests/benches")
    });
    let sleeping: Vec<String> = tests.filter(|file| read(file).contains(sleep)).collect();
    report(&sleeping);
}

#[test]
fn every_query_stands_beside_the_code_that_runs_it() {
    let files = files();
    let queries: Vec<&String> = files.iter().filter(|file| file.starts_with("query/") && file.ends_with(".sql")).collect();
    let mut problems = Vec::new();
    for query in &queries {
        let (folder, name) = query.rsplit_once('/').unwrap();
        let beside = files.iter().filter(|file| file.strip_prefix(folder).is_some_and(|rest| rest.matches('/').count() == 1));
        let above = format!("{folder}.rs");
        let above = files.iter().filter(|file| **file == above);
        let code: String = beside.chain(above).filter(|file| file.ends_with(".rs")).map(|file| read(file)).collect();
        if !code.contains(&format!("{name}\")")) {
            problems.push(format!("{query}: nothing in its folder names it"));
        }
    }
    report(&problems);
    assert!(queries.len() >= 20, "only {} queries", queries.len());
}

/// Crates in which the name of a public type says which type is meant.
const CRATES_WITH_UNIQUE_TYPES: &[&str] = &["infra/engine", "infra/log", "infra/service", "processor", "query", "schemas"];

/// Names that every module may use for its own (`kafka::Config`, `kafka::Error`), and Kafka's admin client beside an admin of the credentials.
const SHARED_TYPE_NAMES: &[&str] = &["Admin", "Config", "Error"];

#[test]
fn a_public_type_name_is_defined_once_in_a_crate() {
    let mut problems = Vec::new();
    for folder in CRATES_WITH_UNIQUE_TYPES {
        let mut known = std::collections::BTreeMap::new();
        for file in files().into_iter().filter(|file| file.starts_with(&format!("{folder}/src/")) && file.ends_with(".rs")) {
            for name in read(&file).lines().filter_map(public_type).filter(|name| !SHARED_TYPE_NAMES.contains(&name.as_str())) {
                if let Some(other) = known.insert(name.clone(), file.clone()) {
                    problems.push(format!("{file} defines {name}, as {other} does"));
                }
            }
        }
        assert!(known.len() > 15, "{folder}: only {} types found", known.len());
    }
    report(&problems);
}

/// The name of the type that a line defines, if it is visible outside of its module.
fn public_type(line: &str) -> Option<String> {
    let code = line.trim_start().strip_prefix("pub")?;
    let code = if code.starts_with('(') { code.split_once(')')?.1 } else { code };
    let rest = ["struct ", "enum ", "trait ", "type "].iter().find_map(|kind| code.trim_start().strip_prefix(kind))?;
    Some(rest.chars().take_while(|letter| letter.is_alphanumeric() || *letter == '_').collect())
}

#[test]
fn a_word_of_the_glossary_is_defined_once() {
    let text = read("docs/glossary.md");
    let words: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("- **")?.split("**").next()).collect();
    let repeated = words.iter().enumerate().filter(|(at, word)| words[..*at].contains(word));
    report(&repeated.map(|(_, word)| format!("docs/glossary.md: {word} is defined twice")).collect::<Vec<_>>());
    assert!(words.len() > 50, "only {} words found", words.len());
}

/// Paths in the documents: what stands in backticks or as a link's target and looks like a path of the tree.
fn paths_in(text: &str) -> Vec<String> {
    let spans = text.split('`').skip(1).step_by(2).map(str::to_owned);
    let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next()).map(str::to_owned);
    let looks_like_path = |path: &String| {
        let first = path.split('/').next().unwrap_or_default();
        let top = FLOORS.iter().any(|(folder, _, _)| folder.split('/').next() == Some(first)) || ["docs", ".ci", "infra"].contains(&first);
        let plain = path.chars().all(|c| c.is_ascii_alphanumeric() || "/._-".contains(c));
        (path.contains('/') && top && plain) || (["README.md", "ARCHITECTURE.md", "Makefile", "LICENSE"].contains(&path.as_str()))
    };
    spans.chain(links).filter(looks_like_path).collect()
}

#[test]
fn paths_in_documents_exist() {
    let mut problems = Vec::new();
    let mut checked = 0;
    for file in files().iter().filter(|file| file.ends_with(".md")) {
        for path in paths_in(&read(file)) {
            checked += 1;
            if !root().join(&path).exists() {
                problems.push(format!("{file}: {path} does not exist"));
            }
        }
    }
    report(&problems);
    assert!(checked >= 20, "only {checked} paths found in the documents");
}

#[test]
fn tests_that_documents_name_exist() {
    let code: String = files().iter().filter(|file| file.ends_with(".rs")).map(|file| read(file)).collect();
    for document in ["docs/threat-model.md", "docs/proof.md"] {
        let text = read(document);
        let named: Vec<&str> =
            text.split('`').skip(1).step_by(2).filter(|word| word.split('_').count() >= 4 && !word.contains(' ')).collect();
        let missing = named.iter().filter(|name| !code.contains(&format!("fn {name}()")));
        report(&missing.map(|name| format!("{document}: there is no test {name}")).collect::<Vec<_>>());
        assert!(named.len() >= 19, "{document}: only {} tests are named", named.len());
    }
}

#[test]
fn nothing_names_a_place_on_this_machine() {
    let mut problems = Vec::new();
    // The folder beside whose contents the project lies; where that is one that every machine has, the project's own.
    let everywhere = ["/", "/tmp", "/var/tmp", "/home", "/root", "/opt", "/srv", "/mnt", "/usr/src"];
    let (own, beside) = (root(), root().parent().unwrap().to_owned());
    let folder = if everywhere.contains(&beside.to_str().unwrap()) { own } else { beside };
    let machine = folder.to_str().unwrap().to_owned() + "/";
    let text_files = [".rs", ".md", ".toml", ".sql", ".sh", ".json", ".yaml", ".rules", "Makefile", "run"];
    for file in files().iter().filter(|file| text_files.iter().any(|end| file.ends_with(end)) && *file != "Cargo.lock") {
        if fs::read(root().join(file)).is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(&machine)) {
            problems.push(format!("{file} names {machine}"));
        }
    }
    report(&problems);
}
