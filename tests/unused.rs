//! What nothing uses is not kept: packages that no code names, snapshots that no test makes.

use crate::tidy::{files, read, report};

/// Packages whose library has another name than the package.
const LIBRARIES: &[(&str, &str)] = &[("md-5", "md5")];

/// Whether code names the library: `use name`, `name::…`, or its name as a text (`#[serde(with = "name")]`).
fn names(code: &str, library: &str) -> bool {
    code.match_indices(library).any(|(at, _)| {
        let (before, after) = (&code[..at], &code[at + library.len()..]);
        let begins = !before.ends_with(|letter: char| letter.is_alphanumeric() || letter == '_');
        let is_path = after.starts_with("::") && !before.ends_with("crate::") && !before.ends_with("super::");
        let is_import = before.ends_with("use ") && after.starts_with([';', ' ']);
        begins && (is_path || is_import || before.ends_with('"') && after.starts_with('"'))
    })
}

#[test]
fn every_package_is_named_by_the_code_that_depends_on_it() {
    let workspace: toml::Table = read("Cargo.toml").parse().unwrap();
    let folders = workspace["workspace"]["members"].as_array().unwrap().iter().map(|member| member.as_str().unwrap());
    let folders: Vec<&str> = folders.collect();
    let (mut problems, mut used) = (Vec::new(), Vec::new());
    for folder in &folders {
        let inside = |file: &String| file.starts_with(&format!("{folder}/")) && file.ends_with(".rs");
        let (product, tests): (Vec<String>, Vec<String>) = files().into_iter().filter(inside).partition(|file| {
            let rest = &file[folder.len() + 1..];
            rest.starts_with("src/") || rest == "build.rs"
        });
        let text = |files: &[String]| files.iter().map(|file| read(file)).collect::<String>();
        let (product, tests) = (text(&product), text(&tests));
        let manifest: toml::Table = read(&format!("{folder}/Cargo.toml")).parse().unwrap();
        for section in ["dependencies", "dev-dependencies", "build-dependencies"] {
            for package in manifest.get(section).and_then(toml::Value::as_table).into_iter().flat_map(toml::Table::keys) {
                let library =
                    LIBRARIES.iter().find(|(name, _)| name == package).map_or(package.replace('-', "_"), |(_, it)| (*it).to_owned());
                if !names(&product, &library) && (section == "dependencies" || !names(&tests, &library)) {
                    problems.push(format!("{folder}/Cargo.toml: {section}: no code names {package}"));
                }
                used.push(package.clone());
            }
        }
    }
    let listed = workspace["workspace"]["dependencies"].as_table().unwrap().keys();
    problems.extend(listed.filter(|package| !used.contains(package)).map(|package| format!("Cargo.toml: no crate depends on {package}")));
    report(&problems);
    assert!(used.len() > 50, "only {} dependencies were looked at", used.len());
}

#[test]
fn a_package_is_recognised_in_code() {
    for code in ["use toml;", "use toml::Digest;", "let x = toml::compute(y);", "#[serde(with = \"toml\")]", "use ::toml::Digest;"] {
        assert!(names(code, "toml"), "{code}");
    }
    for code in ["use crate::toml::x;", "let toml = 1;", "use ctoml::x;", "// toml is old"] {
        assert!(!names(code, "toml"), "{code}");
    }
}

/// A snapshot's file is named `crate__module__…__name@input.snap` and lies beside the file of the test that makes it.
#[test]
fn every_snapshot_is_made_by_a_test() {
    let files = files();
    let snapshots: Vec<&String> = files.iter().filter(|file| file.ends_with(".snap")).collect();
    let mut problems = Vec::new();
    for file in &snapshots {
        let (folder, name) = file.split_once("snapshots/").unwrap_or_else(|| panic!("{file}: not in a folder snapshots"));
        let (name, input) = name
            .trim_end_matches(".snap")
            .split_once('@')
            .map_or((name.trim_end_matches(".snap"), None), |(name, input)| (name, Some(input)));
        let segments: Vec<&str> = name.split("__").collect();
        let is_candidate = |path: &&String| {
            path.strip_prefix(folder).and_then(|rest| rest.strip_suffix(".rs")).is_some_and(|stem| segments.contains(&stem))
        };
        let test = segments.last().copied().unwrap_or_default();
        if !files.iter().filter(is_candidate).any(|path| read(path).contains(&format!("fn {test}()"))) {
            problems.push(format!("{file}: there is no test {test} beside it"));
        }
        if let Some(input) = input
            && !files.iter().any(|path| path.ends_with(&format!("/{input}")))
        {
            problems.push(format!("{file}: there is no file {input}"));
        }
    }
    report(&problems);
    assert!(snapshots.len() >= 30, "only {} snapshots were found", snapshots.len());
}
