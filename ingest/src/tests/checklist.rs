//! The checklist for a new dialect names every file that knows a dialect by its name.

use std::fs;
use std::path::{Path, PathBuf};

/// How code names the dialects. Outside of this crate `native` and `app_key` mean other things too.
const NAMES: [&str; 10] =
    ["LogMessage", "log_message", "log-message", "sentry", "Sentry", "AppKey", "app_key", "app-key", "Dialect::Native", "native::"];
const NAMES_ELSEWHERE: [&str; 5] = ["LogMessage::", "log_message::", "log-message", "sentry_", "-sentry-"];
/// Parts of the paths of files that belong to one dialect.
const OWN: [&str; 5] = ["log_message", "app_key", "native", "sentry", "version_check"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_owned()
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        let is_test = path.file_stem().is_some_and(|stem| stem == "tests");
        if path.is_dir() && !is_test {
            rust_files(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") && !is_test {
            found.push(path);
        }
    }
}

/// The code of a file without comments and tests.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
    code.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_checklist_names_every_file_that_knows_a_dialect() {
    let checklist = fs::read_to_string(root().join("docs/adding-a-dialect.md")).unwrap();
    let (mut missing, mut known) = (Vec::new(), 0);
    for folder in ["ingest/src", "infra/service/src", "infra/aftershock/src", "schemas/src", "processor/src", "query/src"] {
        let names: &[&str] = if folder == "ingest/src" { &NAMES } else { &NAMES_ELSEWHERE };
        let mut files = Vec::new();
        rust_files(&root().join(folder), &mut files);
        for file in files {
            let path = file.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            let is_own = folder == "ingest/src" && OWN.iter().any(|own| path.contains(own));
            if is_own || !names.iter().any(|name| code(&file).contains(name)) {
                continue;
            }
            known += 1;
            if !checklist.contains(&format!("`{path}`")) {
                missing.push(path);
            }
        }
    }
    assert!(missing.is_empty(), "docs/adding-a-dialect.md does not name {missing:?}");
    assert!(known >= 6, "only {known} files know a dialect: the names are others");
    for example in ["ingest/src/dialect/log_message.rs", "ingest/src/endpoint/log_message_reply.rs"] {
        assert!(checklist.contains(&format!("`{example}`")) && root().join(example).exists(), "{example}");
    }
}
