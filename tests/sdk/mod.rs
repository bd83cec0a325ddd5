//! Client libraries of Sentry as they are published: what each raises is an issue with frames, user and release.
//!
//! The programs stand beside this file, a folder a language; `run.sh` installs the libraries at the versions that stand there,
//! into the cache folder. A language whose tools are not on the machine is left out, saying so.

use crate::harness::{APP, Analyst, KEY, Options, Pipeline};
use crate::journey::{hour_text, now};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::process::Command;

/// What a program raises, as an analyst sees it.
struct Raised {
    language: &'static str,
    exception: &'static str,
    /// What stands in the stack, in this order.
    stack: &'static [&'static str],
    /// Whether the library told of a session too.
    starts: bool,
}

const PROGRAMS: [Raised; 5] = [
    Raised {
        language: "python",
        exception: "PayError",
        stack: &["KeyError: 'id'", "direct cause", "program.py\", line", "in pay\n    raise PayError(", "PayError: 付款失败 python"],
        starts: true,
    },
    Raised {
        language: "node",
        exception: "PayError",
        stack: &["PayError: 付款失败 node", "at pay (", "program.js:24:", "[cause]: TypeError", "at charge ("],
        starts: true,
    },
    Raised {
        language: "go",
        exception: "*main.PayError",
        stack: &["*main.PayError: 付款失败 go", "goroutine 1", "main.charge(...)", "main.go:", "main.pay(...)"],
        starts: false,
    },
    Raised {
        language: "java",
        exception: "com.shop.Program$PayException",
        stack: &[
            "PayException: 付款失败 java",
            "at com.shop.Program.pay(Program.java:",
            "Caused by: java.lang.NullPointerException",
            "com.shop.Program.charge",
        ],
        starts: true,
    },
    Raised { language: "rust", exception: "panic", stack: &["panic: 付款失败 rust", "stack backtrace:", "pay"], starts: false },
];

/// Runs a program; false where the language's tools are absent.
fn run(language: &str, dsn: &str) -> bool {
    let mut command = match language {
        "rust" => {
            let mut command = Command::new(std::env::current_exe().unwrap());
            command.args(["--ignored", "--exact", "sdk::program_in_rust"]);
            command
        }
        _ => {
            let mut command = Command::new("bash");
            command.arg(format!("{}/sdk/run.sh", env!("CARGO_MANIFEST_DIR"))).arg(language);
            command
        }
    };
    let output = command.env("SENTRY_DSN", dsn).output().unwrap();
    if output.status.code() == Some(77) {
        println!("skipped {language}: {}", String::from_utf8_lossy(&output.stderr).trim());
        return false;
    }
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(output.status.success(), "{language}: {}\n{}", said(&output.stdout), said(&output.stderr));
    true
}

/// Started by the test below as a process of its own: the library is one for a process.
#[test]
#[ignore = "another test starts it as a process"]
fn program_in_rust() {
    let options = sentry::ClientOptions::new().release("shop-rust@1.2.3+45").environment("测试");
    let guard = sentry::init((std::env::var("SENTRY_DSN").unwrap(), options));
    sentry::configure_scope(|scope| {
        scope.set_user(Some(sentry::User { id: Some("用户-rust".into()), ..Default::default() }));
        scope.set_tag("等级", "12");
    });
    sentry::add_breadcrumb(sentry::Breadcrumb {
        category: Some("cart".into()), message: Some("open 购物车".into()), ..Default::default()
    });
    fn pay() {
        panic!("付款失败 rust");
    }
    assert!(std::panic::catch_unwind(pay).is_err());
    assert!(guard.flush(Some(std::time::Duration::from_secs(10))));
}

#[test]
fn what_unmodified_clients_raise_is_an_issue_with_frames_user_and_release() {
    let begun = now();
    let pipeline = Pipeline::start_with(&Options { linger: "200ms", ..Options::default() });
    let address = pipeline.ingest();
    let dsn = format!("http://{KEY}@{}/1", address.trim_start_matches("http://"));
    let ran: Vec<&Raised> = PROGRAMS.iter().filter(|program| run(program.language, &dsn)).collect();
    assert!(ran.iter().any(|program| program.language == "rust"), "the one that needs no tools");
    pipeline.operator().drained();

    let analyst = pipeline.analyst();
    let details = details(&analyst);
    for program in &ran {
        let user = format!("用户-{}", program.language);
        let (issue, detail) = details.get(&user).unwrap_or_else(|| panic!("no report of {user}: {details:?}"));
        check(program, issue, detail);
    }
    let hours = [begun, now()].map(hour_text);
    let rows = analyst.hourly(APP, 10, "crash", &hours[0], &hours[1]);
    let started: i64 = rows.iter().map(|row| row["accessNum"].as_i64().unwrap()).sum();
    let telling = ran.iter().filter(|program| program.starts).count();
    assert_eq!(started, i64::try_from(telling).unwrap(), "a session is a start, once");
    let release = "select count() from aftershock.connections where version = '1.2.3' and device_id like '用户-%'";
    assert!(pipeline.engine().number(release) > 0, "sessions name release and user");
}

/// Of every issue its row in the list and its one crash, by user.
fn details(analyst: &Analyst) -> HashMap<String, (Value, Value)> {
    let body = json!({"appId": APP, "platformId": 10, "pid": "10", "rows": 50, "exceptionTypeList": "", "sortOrder": "desc", "sortField": "uploadTime"});
    let list = analyst.ask("queryIssueList", &body);
    let issues = list["ret"]["issueList"].as_array().unwrap();
    let detail = |issue: &Value| {
        let crashes = analyst.ask(
            "crashList",
            &json!({"appId": APP, "crashDataType": "undefined", "platformId": 10, "issueId": issue["issueId"], "start": 0, "rows": 10}),
        );
        let hash = crashes["ret"]["crashIdList"][0].as_str().unwrap().to_owned();
        let document = analyst.ask("crashDoc", &json!({"appId": APP, "platformId": "10", "crashHash": hash}));
        let user = document["ret"]["crashMap"]["userId"].as_str().unwrap_or_default().to_owned();
        (user, (issue.clone(), document["ret"].clone()))
    };
    issues.iter().map(detail).collect()
}

fn check(program: &Raised, issue: &Value, detail: &Value) {
    assert_eq!(issue["exceptionName"], program.exception, "{issue}");
    assert_eq!(detail["crashMap"]["productVersion"], "1.2.3", "{detail}");
    let stack = detail["crashMap"]["callStack"].as_str().unwrap();
    let mut rest = stack;
    for part in program.stack {
        let (_, after) = rest.split_once(part).unwrap_or_else(|| panic!("{part} is not (in its place) in\n{stack}"));
        rest = after;
    }
    let text = detail["detailMap"].to_string();
    assert!(text.contains("environment:测试") && text.contains("等级:12") && text.contains("open 购物车"), "tags and log: {text}");
}
