//! `aftershock check`: says what is wrong with a configuration before a start does.

use crate::settings::{Settings, environment};
use service::config::Size;
use service::credentials::{Cipher, Credentials, exposure};
use service::descriptors;
use service::http::Tls;
use std::fmt;
use std::net::{TcpListener, ToSocketAddrs};
use std::path::Path;

const DAY: u64 = 86_400;
/// Below it a partition's share of `log_bytes` is less than its segment for some topic: 32 MiB of a tenth.
const MIN_LOG_PER_PARTITION: u64 = 320 << 20;
/// Of a key, in characters, as they are made at a first start.
const MIN_KEY_LENGTH: usize = 16;
/// What a process opens beside its clients' connections, amply.
const OTHER_DESCRIPTORS: u64 = 512;

/// What was found, in the order of the configuration.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    file: String,
    /// What keeps a role from starting or from doing what is meant.
    wrong: Vec<String>,
    /// What is no fault but worth knowing.
    notes: Vec<String>,
}

impl Findings {
    /// Whether nothing is wrong.
    pub fn fine(&self) -> bool {
        self.wrong.is_empty()
    }

    fn require(&mut self, holds: bool, otherwise: impl FnOnce() -> String) {
        if !holds {
            self.wrong.push(otherwise());
        }
    }
}

impl fmt::Display for Findings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for wrong in &self.wrong {
            writeln!(f, "wrong: {wrong}")?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        match self.fine() {
            true => writeln!(f, "{} is fine", self.file),
            false => writeln!(f, "{} cannot be used as it is", self.file),
        }
    }
}

/// Reads a configuration as a start would and looks at everything that it names on this machine.
pub fn run(file: &Path) -> Findings {
    let mut findings = Findings { file: file.display().to_string(), ..Findings::default() };
    match Settings::load(Some(file), None, environment()) {
        Ok(settings) => look(&settings, &mut findings),
        Err(error) => findings.wrong.push(error.to_string()),
    }
    findings
}

fn look(settings: &Settings, findings: &mut Findings) {
    credentials(settings, findings);
    addresses(settings, findings);
    certificates(settings, findings);
    connections(settings, findings);
    findings.require(settings.topics.partitions > 0, || "[topics] partitions is 0: a topic needs at least one".to_owned());
    findings.require(settings.topics.replication > 0, || "[topics] replication is 0: a topic needs at least one copy".to_owned());
    retention(settings, findings);
    grouping(settings, findings);
    engines(settings, findings);
}

fn credentials(settings: &Settings, findings: &mut Findings) {
    let file = settings.credentials.display();
    match Credentials::load(&settings.credentials) {
        Ok(credentials) => {
            findings.require(!credentials.apps.is_empty(), || format!("{file} has no [[apps]]: no report would be accepted"));
            for (entries, what) in
                [(credentials.users.len(), "[[users]]: nobody can ask"), (credentials.admins.len(), "[[admins]]: nobody can operate")]
            {
                if entries == 0 {
                    findings.notes.push(format!("{file} has no {what}"));
                }
            }
            guessable(&credentials, settings, findings);
            if credentials.release_key.is_none() {
                findings
                    .notes
                    .push(format!("{file} has no release_key: no release can be published, and none is offered (docs/releases.md)"));
            }
            for app in credentials.apps.iter().filter(|app| app.device_cipher == Cipher::Aes256Cbc && !app.device_secrets.is_empty()) {
                let why = "which does not show that a text was changed on its way: for devices that know no other";
                findings.notes.push(format!("{file}: the device channel of app `{}` uses aes-256-cbc, {why}", app.id));
            }
        }
        Err(_) if !settings.credentials.exists() && settings.embeds_log() => {
            findings.notes.push(format!("{file} is not there: standalone will make it"));
        }
        Err(error) => findings.wrong.push(error.to_string()),
    }
}

/// What others could read or guess.
fn guessable(credentials: &Credentials, settings: &Settings, findings: &mut Findings) {
    let file = settings.credentials.display();
    if let Some(mode) = exposure(&settings.credentials) {
        findings.notes.push(format!("{file} can be read by other users of this machine (mode {mode:04o}): chmod 600 {file}"));
    }
    let apps = credentials.apps.iter().map(|app| ("app", &app.id, app.key.expose().len()));
    let users = credentials.users.iter().map(|user| ("user", &user.id, user.key.expose().len()));
    for (what, id, length) in apps.chain(users).filter(|(_, _, length)| *length < MIN_KEY_LENGTH) {
        let why = format!("has {length} characters: fewer than {MIN_KEY_LENGTH} random ones can be guessed");
        findings.notes.push(format!("{file}: the key of {what} `{id}` {why}"));
    }
}

fn addresses(settings: &Settings, findings: &mut Findings) {
    let mut all = vec![
        ("[ingest] listen", settings.ingest.listen.to_string()),
        ("[ingest] admin_listen", settings.ingest.admin_listen.to_string()),
        ("[processor] listen", settings.processor.listen.to_string()),
        ("[query] listen", settings.query.listen.to_string()),
        ("[query] admin_listen", settings.query.admin_listen.clone()),
    ];
    if settings.embeds_log() {
        all.push(("[standalone] kafka_listen", settings.standalone.kafka_listen.clone()));
    }
    if settings.embeds_tables() {
        all.push(("[standalone] clickhouse_listen", settings.standalone.clickhouse_listen.clone()));
    }
    for (place, (key, address)) in all.iter().enumerate() {
        if let Some((other, _)) = all[..place].iter().find(|(_, taken)| taken == address && !address.ends_with(":0")) {
            findings.wrong.push(format!("{key} and {other} are both {address}"));
        }
        listen(key, address, findings);
    }
}

fn listen(key: &str, address: &str, findings: &mut Findings) {
    if let Err(error) = address.to_socket_addrs() {
        findings.wrong.push(format!("{key} {address} is no address to listen on: {error}"));
        return;
    }
    match TcpListener::bind(address) {
        Ok(_) => {}
        Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
            findings.notes.push(format!("{key} {address} is in use at the moment"))
        }
        Err(error) => findings.wrong.push(format!("{key} {address} cannot be listened on: {error}")),
    }
}

fn certificates(settings: &Settings, findings: &mut Findings) {
    for (section, tls) in [("[ingest.tls]", &settings.ingest.tls), ("[query.tls]", &settings.query.tls)] {
        if let Some(Err(error)) = tls.as_ref().map(Tls::check) {
            findings.wrong.push(format!("{section} {error}"));
        }
    }
}

/// Every connection is a file descriptor, and each service is a process.
fn connections(settings: &Settings, findings: &mut Findings) {
    let limits = [&settings.ingest.limits, &settings.query.http, &settings.processor.http];
    let wanted = limits.iter().map(|limits| limits.max_connections as u64).max().unwrap_or_default() + OTHER_DESCRIPTORS;
    if let Some(most) = descriptors::maximum().filter(|most| *most < wanted) {
        findings.notes.push(format!(
            "the max_connections of a service want {wanted} file descriptors, a process here may have {most} (`ulimit -Hn`)"
        ));
    }
}

fn retention(settings: &Settings, findings: &mut Findings) {
    let kept = &settings.retention;
    for (key, time) in [("bodies", kept.bodies), ("facts", kept.facts)] {
        let seconds = time.as_secs();
        findings.require(seconds >= DAY && seconds.is_multiple_of(DAY), || {
            format!("[retention] {key} = \"{time}\" is not a number of whole days")
        });
    }
    findings.require(kept.bodies <= kept.facts, || "[retention] bodies is longer than facts: a body cannot outlive its row".to_owned());
    let partitions = u64::try_from(settings.topics.partitions).unwrap_or(1);
    let least = MIN_LOG_PER_PARTITION.saturating_mul(partitions);
    if let Some(bytes) = kept.log_bytes.filter(|bytes| bytes.0 > 0 && bytes.0 < least) {
        let least = Size(least);
        findings.notes.push(format!(
            "[retention] log_bytes {bytes} is less than {least}: with these partitions the segments that are written may take more"
        ));
    }
    findings.require(kept.log.as_secs() > 0, || "[retention] log is 0: records would go before they are read".to_owned());
}

fn grouping(settings: &Settings, findings: &mut Findings) {
    let wanted = &settings.processor.grouping;
    if let Err(wrong) = processor::Rules::new(wanted) {
        findings.wrong.extend(wrong);
    }
    let Ok(credentials) = Credentials::load(&settings.credentials) else { return };
    let named = wanted.apps.iter().map(|app| &app.app).chain(wanted.rules.iter().map(|rule| &rule.app));
    for app in named.filter(|app| !app.is_empty() && credentials.app_by_id(app).is_none()) {
        findings.wrong.push(format!("[processor.grouping] names the app {app}, which the credentials do not have: nothing would fit"));
    }
}

fn engines(settings: &Settings, findings: &mut Findings) {
    if settings.embeds_log() {
        let note = "no [kafka] brokers: good for standalone, which brings its own log; a role by itself needs them";
        findings.notes.push(note.to_owned());
    }
    if settings.embeds_tables() {
        let library = settings.engine_library();
        findings.require(library.is_file(), || {
            format!("no [clickhouse] url, and the embedded engine's library {} is not there: `make engine` fetches it", library.display())
        });
    } else {
        findings.wrong.extend(settings.clickhouse.check().err().map(|error| format!("[clickhouse] {error}")));
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn checked(text: &str) -> Findings {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("libchdb.so"), "").unwrap();
        let file = folder.path().join("aftershock.toml");
        std::fs::write(&file, text).unwrap();
        run(&file)
    }

    const GIVEN: &str = "ingest.listen = '127.0.0.1:0'\nprocessor.listen = '127.0.0.1:0'\nquery.listen = '127.0.0.1:0'\n\
        ingest.admin_listen = '127.0.0.1:0'\nquery.admin_listen = '127.0.0.1:0'\n\
        standalone.engine_library = 'libchdb.so'\n";

    #[test]
    fn a_good_one_is_fine() {
        let findings = checked(GIVEN);
        assert!(findings.fine(), "{findings}");
        assert!(findings.to_string().ends_with("aftershock.toml is fine\n"));
    }

    #[test]
    fn every_fault_is_named() {
        for (text, expected) in [
            ("topics.partitions = 0", "partitions is 0"),
            ("retention.bodies = '36h'", "bodies = \"36h\" is not a number of whole days"),
            ("retention.facts = '2d'", "longer than facts"),
            ("kafka.brokers = 'a:1'", "credentials.toml"),
            ("clickhouse.url = 'tcp://a'", "not an http:// or https:// address"),
            ("topics.partition = 3", "unknown field"),
            ("standalone.kafka_listen = 'nowhere'", "kafka_listen nowhere is no address"),
            ("standalone.kafka_listen = '127.0.0.1:4711'\nstandalone.clickhouse_listen = '127.0.0.1:4711'", "are both 127.0.0.1:4711"),
            ("[[processor.grouping.rules]]\nwhen.type = '*'\nfingerprint = ['x']", "holds for every report"),
            ("[[processor.grouping.rules]]\nwhen.typ = 'E'\nfingerprint = ['x']", "typ"),
            ("[[processor.grouping.apps]]\nin_app = ['*.shop']", "in_app \"*.shop\" has a star"),
            ("= broken", "not valid TOML"),
            ("ingest.tls = { certificate = 'a.pem', key = 'b.pem' }", "[ingest.tls] cannot read"),
            ("query.tls = { certificate = 'a.pem' }", "missing field `key`"),
            ("query.tls = { certificate = 'libchdb.so', key = 'libchdb.so' }", "libchdb.so holds no certificate"),
            ("ingest.access_log.sample = 2", "a share from 0 to 1"),
        ] {
            let findings = checked(&format!("{GIVEN}{text}\n"));
            let wrong = findings.wrong.join("\n");
            assert!(wrong.contains(expected), "{text}: {findings}");
        }
        let findings = checked("standalone.engine_library = 'elsewhere.so'\n");
        assert!(findings.wrong.iter().any(|wrong| wrong.contains("elsewhere.so is not there")), "{findings}");
    }

    #[test]
    fn more_connections_than_descriptors_are_worth_a_note() {
        let findings = checked(&format!("{GIVEN}ingest.limits.max_connections = 4000000000\n"));
        assert!(findings.fine() && findings.to_string().contains("4000000512 file descriptors"), "{findings}");
    }

    #[test]
    fn a_cipher_without_integrity_is_worth_a_note() {
        let folder = tempfile::tempdir().unwrap();
        let app =
            "[[apps]]\nid = 'shop'\nname = 'Shop'\nkey = '0123456789abcdef'\ndevice_secrets = ['abc']\ndevice_cipher = 'aes-256-cbc'\n";
        std::fs::write(folder.path().join("credentials.toml"), app).unwrap();
        let file = folder.path().join("aftershock.toml");
        std::fs::write(&file, GIVEN).unwrap();
        let findings = run(&file);
        assert!(findings.notes.iter().any(|note| note.contains("`shop` uses aes-256-cbc")), "{findings}");
        assert!(findings.notes.iter().any(|note| note.contains("has no release_key")), "{findings}");
    }

    #[test]
    fn what_others_can_read_or_guess_is_worth_a_note() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let credentials = folder.path().join("credentials.toml");
        let text = "[[apps]]\nid = 'shop'\nkey = '12345678'\n[[apps]]\nid = 'long'\nkey = '0123456789abcdef'\n[[users]]\nid = 'u'\nkey = '123456789012345'\n";
        std::fs::write(&credentials, text).unwrap();
        let file = folder.path().join("aftershock.toml");
        std::fs::write(&file, format!("{GIVEN}retention.log_bytes = '1MiB'\n")).unwrap();
        for (mode, exposed) in [(0o644, true), (0o600, false)] {
            std::fs::set_permissions(&credentials, std::fs::Permissions::from_mode(mode)).unwrap();
            let notes = run(&file).notes.join("\n");
            assert_eq!(notes.contains("can be read by other users"), exposed, "{notes}");
            assert!(notes.contains("the key of app `shop` has 8 characters") && notes.contains("user `u` has 15"), "{notes}");
            assert!(!notes.contains("`long`") && notes.contains("log_bytes 1MiB is less than 1280MiB"), "{notes}");
        }
    }

    #[test]
    fn bad_credentials_are_no_less_wrong_in_standalone() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("credentials.toml"), "[[apps]]\nid = 3\n").unwrap();
        let file = folder.path().join("aftershock.toml");
        std::fs::write(&file, "").unwrap();
        assert!(run(&file).wrong.iter().any(|wrong| wrong.contains("credentials.toml")), "{}", run(&file));
    }
}
