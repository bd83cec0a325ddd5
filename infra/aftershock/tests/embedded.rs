//! `aftershock broker` and `aftershock engine`, started by hand.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::process::Stdio;

#[test]
fn engine_and_broker_by_hand_want_a_password() {
    let folder = tempfile::tempdir().unwrap();
    let mut engine = std::process::Command::new(env!("CARGO_BIN_EXE_aftershock"));
    engine.args(["engine", "--listen", "127.0.0.1:0", "--library", "libchdb.so", "--dir"]).arg(folder.path());
    let mut broker = std::process::Command::new(env!("CARGO_BIN_EXE_aftershock"));
    broker.args(["broker", "--listen", "127.0.0.1:0", "--dir"]).arg(folder.path());
    for (command, variable) in [(&mut engine, "AFTERSHOCK_ENGINE_PASSWORD"), (&mut broker, "AFTERSHOCK_BROKER_PASSWORD")] {
        for password in [None, Some("")] {
            command.env_remove(variable).envs(password.map(|password| (variable, password)));
            let ended = command.stdin(Stdio::null()).output().unwrap();
            let said = String::from_utf8_lossy(&ended.stderr).into_owned();
            assert!(ended.status.code() == Some(1) && said.contains(variable) && ended.stdout.is_empty(), "{said}");
        }
    }
    let reader = engine.env("AFTERSHOCK_ENGINE_PASSWORD", "x").env("AFTERSHOCK_ENGINE_READ_USER", "r").output().unwrap();
    assert!(String::from_utf8_lossy(&reader.stderr).contains("AFTERSHOCK_ENGINE_READ_PASSWORD"));
}
