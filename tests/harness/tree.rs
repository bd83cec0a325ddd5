//! A whole pipeline on one machine: `aftershock standalone`, and further processors beside it.

use super::{Analyst, Broker, Engine, Operator, Process, until};
use serde_json::Value;
use service::kafka::Config as Log;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use tempfile::TempDir;

/// What a test wants different from the defaults.
#[derive(Debug, Clone)]
pub struct Options {
    pub partitions: u32,
    /// `[processor.slice] linger`.
    pub linger: &'static str,
    /// `[ingest] reports_per_minute`; 0 = no limit.
    pub reports_per_minute: u32,
    /// Further lines of TOML, appended to the configuration.
    pub more: &'static str,
}

impl Default for Options {
    fn default() -> Self {
        Self { partitions: 2, linger: "50ms", reports_per_minute: 0, more: "" }
    }
}

/// A running standalone. Everything it started dies with it.
pub struct Pipeline {
    folder: TempDir,
    process: Process,
    ready: Value,
    topic_prefix: String,
}

/// The processes of a standalone beside its own.
pub const CHILDREN: [&str; 5] = ["broker", "engine", "ingest", "processor", "query"];

pub const APP: &str = "a1b2c3d4e5";
pub const KEY: &str = "534a235d30f13cac";
pub const OTHER_APP: &str = "b2c3d4e5f6";
pub const OTHER_KEY: &str = "634a235d30f13cad";
const USER: &str = "10001";
const USER_KEY: &str = "bec5b56d-7ae7-43f7-8763-51580aed5fa2";
const TOKEN: &str = "operator-token-of-the-suite";

/// Signs the releases of the suite.
pub const RELEASE_KEY: &str = "release-key-of-the-suite-0123456789";

const CREDENTIALS: &str = r#"
release_key = "release-key-of-the-suite-0123456789"
[[apps]]
id = "a1b2c3d4e5"
sentry_project = 1
name = "Demo"
key = "534a235d30f13cac"
default = true
[[apps]]
id = "b2c3d4e5f6"
name = "Other"
key = "634a235d30f13cad"
[[users]]
id = "10001"
key = "bec5b56d-7ae7-43f7-8763-51580aed5fa2"
name = "Analyst"
apps = ["a1b2c3d4e5"]
[[admins]]
token = "operator-token-of-the-suite"
"#;

impl Pipeline {
    pub fn start() -> Self {
        Self::start_with(&Options::default())
    }

    pub fn start_with(options: &Options) -> Self {
        let folder = tempfile::tempdir().unwrap();
        static SERIAL: AtomicU32 = AtomicU32::new(0);
        // A real Kafka has ACLs for so many prefixes (`infra/deploy/kafka/run.sh`).
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        assert!(serial < 199, "more pipelines than prefixes");
        let topic_prefix = format!("t{serial:03}-");
        let brokers = std::env::var("AFTERSHOCK_TEST_KAFKA").map(|brokers| real_log(&brokers, &topic_prefix)).unwrap_or_default();
        let config = format!(
            "credentials = \"credentials.toml\"\n\
             [ingest]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\nreports_per_minute = {}\n\
             [query]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\nrequests_per_minute = 0\nrequire_projections = true\n\
             [processor]\nlisten = \"127.0.0.1:0\"\nsession_timeout = \"6s\"\n[processor.slice]\nlinger = \"{}\"\n\
             [topics]\npartitions = {}\n[data]\ndir = \"data\"\n{}\n{brokers}",
            options.reports_per_minute, options.linger, options.partitions, options.more
        );
        std::fs::write(folder.path().join("aftershock.toml"), config).unwrap();
        std::fs::write(folder.path().join("credentials.toml"), CREDENTIALS).unwrap();
        let (process, ready) = launch(&folder.path().join("aftershock.toml"));
        Self { folder, process, ready, topic_prefix }
    }

    /// Ends the whole tree with -9, as a power cut would.
    pub fn kill(&mut self) {
        let children: Vec<u32> = CHILDREN.iter().flat_map(|role| self.children(role)).collect();
        self.process.kill();
        children.iter().for_each(|id| super::process::signal(*id, "KILL"));
    }

    /// Starts it again on the same data.
    pub fn restart(&mut self) {
        self.process.kill();
        (self.process, self.ready) = launch(&self.folder.path().join("aftershock.toml"));
    }

    /// Its exit code, once it has ended.
    pub fn exit_code(&mut self) -> Option<i32> {
        self.process.exit_code()
    }

    /// Ends standalone alone with -9.
    pub fn kill_parent(&mut self) {
        self.process.kill();
    }

    /// Asks it to leave; its exit code.
    pub fn terminate(&mut self) -> Option<i32> {
        self.process.terminate()
    }

    /// The roles that it has children of: on a real Kafka there is no broker of its own.
    pub fn roles(&self) -> &'static [&'static str] {
        if std::env::var_os("AFTERSHOCK_TEST_KAFKA").is_some() { &CHILDREN[1..] } else { &CHILDREN }
    }

    /// Ids of the children of a role, one of [`CHILDREN`].
    pub fn children(&self, role: &str) -> Vec<u32> {
        super::process::children(self.process.id(), role)
    }

    /// Ends a child with -9; false where there was none.
    pub fn kill_child(&self, role: &str) -> bool {
        let children = self.children(role);
        children.iter().for_each(|id| super::process::signal(*id, "KILL"));
        !children.is_empty()
    }

    pub fn is_running(&mut self) -> bool {
        self.process.is_running()
    }

    /// Id of the process that keeps the others.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// What the ready line says of `name`.
    pub fn told(&self, name: &str) -> String {
        self.ready[name].as_str().unwrap_or_else(|| panic!("no {name} in {}", self.ready)).to_owned()
    }

    /// Base address of the edge.
    pub fn ingest(&self) -> String {
        self.told("ingest")
    }

    pub fn query(&self) -> String {
        self.told("query")
    }

    /// Where a service tells operators how it is: `ingest_admin`, `processor` or `query_admin`.
    pub fn admin(&self, name: &str) -> String {
        self.told(name)
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn analyst(&self) -> Analyst {
        Analyst { url: self.query(), id: USER.to_owned(), key: USER_KEY.to_owned() }
    }

    pub fn operator(&self) -> Operator {
        Operator { url: self.query(), token: TOKEN.to_owned() }
    }

    /// The tables; addresses and password are in `standalone.json` while it runs.
    pub fn engine(&self) -> Engine {
        let state = self.state();
        let text = |name: &str| state[name].as_str().unwrap_or_else(|| panic!("no {name} in standalone.json")).to_owned();
        Engine { url: text("clickhouse"), user: text("clickhouse_user"), password: text("clickhouse_password") }
    }

    /// The log, for tests that forge what is in it.
    pub fn broker(&self) -> Broker {
        Broker::new(self.log())
    }

    /// The log with the account that may do everything.
    pub fn log(&self) -> Log {
        let brokers = self.ready["kafka"].as_str().unwrap().to_owned();
        let properties = match std::env::var_os("AFTERSHOCK_TEST_KAFKA") {
            Some(_) => account("suite"),
            None => self.state()["kafka_properties"].clone(),
        };
        let properties = properties.as_object().unwrap().iter().map(|(name, value)| (name.clone(), value.as_str().unwrap().into()));
        Log { brokers, topic_prefix: self.topic_prefix_in_use(), properties: properties.collect(), ..Log::default() }
    }

    /// What it says about itself in `standalone.json` while it runs.
    pub fn state(&self) -> Value {
        serde_json::from_slice(&std::fs::read(self.data().join("standalone.json")).unwrap()).unwrap()
    }

    fn topic_prefix_in_use(&self) -> String {
        if std::env::var_os("AFTERSHOCK_TEST_KAFKA").is_some() { self.topic_prefix.clone() } else { String::new() }
    }

    /// Configuration of a role that runs beside the standalone, on its log and its tables.
    pub fn role_config(&self, name: &str, more: &str) -> PathBuf {
        self.role_config_in_group(name, &Log::default().group, more)
    }

    /// The same, where the processors' group has another name.
    pub fn role_config_in_group(&self, name: &str, group: &str, more: &str) -> PathBuf {
        let (engine, log) = (self.engine(), self.log());
        let properties: String =
            log.properties.iter().map(|(name, value)| format!("\"{name}\" = {}\n", toml::Value::from(value.expose().as_str()))).collect();
        let config = format!(
            "credentials = \"credentials.toml\"\n[ingest]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n\
             [query]\nlisten = \"127.0.0.1:0\"\nadmin_listen = \"127.0.0.1:0\"\n\
             [kafka]\nbrokers = \"{}\"\ntopic_prefix = \"{}\"\ngroup = \"{group}\"\n[kafka.properties]\n{properties}\
             [clickhouse]\nurl = \"{}\"\nuser = \"{}\"\npassword = \"{}\"\n{more}\n",
            log.brokers, log.topic_prefix, engine.url, engine.user, engine.password
        );
        let path = self.folder.path().join(format!("{name}.toml"));
        std::fs::write(&path, config).unwrap();
        path
    }

    /// A further processor in the same group.
    pub fn processor(&self, name: &str) -> Process {
        let config = self
            .role_config(name, "[processor]\nlisten = \"127.0.0.1:0\"\nsession_timeout = \"6s\"\n[processor.slice]\nlinger = \"50ms\"\n");
        Process::start(&["processor", "--config", config.to_str().unwrap()])
    }

    /// Appends to the credentials and has them read again; that takes a moment.
    pub fn add_credentials(&self, more: &str) {
        self.change_credentials(|text| text + more);
    }

    /// Replaces a part of the credentials and has them read again; that takes a moment.
    pub fn replace_credentials(&self, from: &str, to: &str) {
        self.change_credentials(|text| {
            assert!(text.contains(from), "{from}");
            text.replace(from, to)
        });
    }

    fn change_credentials(&self, change: impl FnOnce(String) -> String) {
        let path = self.folder.path().join("credentials.toml");
        std::fs::write(&path, change(std::fs::read_to_string(&path).unwrap())).unwrap();
        super::process::signal(self.process.id(), "HUP");
    }

    /// Posts one body to the edge until it is acknowledged with 200; what the edge answered.
    pub fn deliver(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Value {
        until("the edge acknowledges", || {
            let reply = super::post_with(&format!("{}{path}", self.ingest()), headers, body)?;
            if reply.status == 200 { Ok(reply.json()) } else { Err(format!("{} {}", reply.status, reply.text)) }
        })
    }
}

/// The properties of an account on a real Kafka, which have one password.
fn account(user: &str) -> Value {
    let password = std::env::var("AFTERSHOCK_TEST_KAFKA_PASSWORD").expect("AFTERSHOCK_TEST_KAFKA_PASSWORD beside AFTERSHOCK_TEST_KAFKA");
    serde_json::json!({"security.protocol": "SASL_PLAINTEXT", "sasl.mechanism": "SCRAM-SHA-256", "sasl.username": user, "sasl.password": password})
}

/// The configuration of a real Kafka: standalone by the operator's account, each role by its own.
fn real_log(brokers: &str, topic_prefix: &str) -> String {
    let properties = |user| toml::to_string(&account(user)).unwrap();
    let roles = ["ingest", "processor", "query"].map(|role| format!("[kafka.roles.{role}]\n\"sasl.username\" = \"{role}\"\n"));
    format!(
        "[kafka]\nbrokers = \"{brokers}\"\ntopic_prefix = \"{topic_prefix}\"\n[kafka.properties]\n{}{}",
        properties("operator"),
        roles.concat()
    )
}

fn launch(config: &Path) -> (Process, Value) {
    let mut process = Process::start(&["standalone", "--config", config.to_str().unwrap()]);
    let line = process.first_line().unwrap_or_else(|error| panic!("standalone does not get ready: {error}"));
    let ready: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error} in the ready line {line}"));
    assert_eq!(ready["ready"], true, "{line}");
    (process, ready)
}
