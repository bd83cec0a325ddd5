//! The programs in `examples/`: what each sends is counted, and what is asked is answered.

use crate::harness::{APP, KEY, Pipeline, binary};
use std::path::Path;
use std::process::Command;

fn example(file: &str) -> String {
    format!("{}/../examples/{file}", env!("CARGO_MANIFEST_DIR"))
}

/// Runs a program; nothing where it is not on this machine, which `AFTERSHOCK_TEST_COMPLETE` does not allow.
fn run(program: &str, arguments: &[&str], pipeline: &Pipeline) -> Option<String> {
    let analyst = pipeline.analyst();
    let mut command = Command::new(program);
    command.args(arguments).env("INGEST", pipeline.ingest()).env("APP_KEY", KEY).env("QUERY", &analyst.url);
    command.env("APP_ID", APP).env("USER_ID", &analyst.id).env("USER_KEY", &analyst.key);
    let output = match command.output() {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && std::env::var_os("AFTERSHOCK_TEST_COMPLETE").is_none() => {
            println!("skipped: {program} is not on this machine");
            return None;
        }
        output => output.unwrap_or_else(|error| panic!("{program}: {error}")),
    };
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{program} {arguments:?}: {}\n{}", said(&output.stdout), said(&output.stderr));
    Some(said(&output.stdout))
}

#[test]
fn every_example_that_sends_is_counted_and_the_one_that_asks_shows_it() {
    let pipeline = Pipeline::start();
    // Built by `cargo test` beside the binary of the tests.
    let rust = binary().with_file_name("examples").join("send_report");
    let programs = [
        (rust.to_str().unwrap().to_owned(), None),
        ("python3".to_owned(), Some("send_report.py")),
        ("node".to_owned(), Some("send_report.mjs")),
    ];
    let mut sent = 0;
    for (program, file) in &programs {
        let arguments: Vec<String> = file.iter().map(|file| example(file)).collect();
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        if let Some(reply) = run(program, &arguments, &pipeline) {
            assert!(reply.contains("accepted"), "{program}: {reply}");
            sent += 1;
        }
    }
    pipeline.operator().drained();
    let counted = pipeline.engine().number("select count() from aftershock.occurrences where category = 'error'");
    assert_eq!(counted, sent, "one report of each program");
    if let Some(shown) = run("python3", &[&example("ask_trend.py")], &pipeline) {
        let reports: i64 = shown.lines().filter_map(|line| line.split_whitespace().nth(1)?.parse::<i64>().ok()).sum();
        assert_eq!(reports, sent, "{shown}");
    }
}

#[test]
fn the_list_of_examples_names_each() {
    let list = std::fs::read_to_string(example("README.md")).unwrap();
    for entry in std::fs::read_dir(Path::new(&example(""))).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let is_program = [".rs", ".py", ".mjs"].iter().any(|end| name.ends_with(end));
        assert!(!is_program || list.contains(&format!("`examples/{name}`")), "examples/README.md does not name {name}");
    }
}
