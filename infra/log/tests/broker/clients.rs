//! Other clients than librdkafka through Rust: kcat and kafka-python. `make setup` installs both; where they are not, the tests
//! say so, and fail where `AFTERSHOCK_TEST_COMPLETE` is set.

use crate::harness::{Broker, read};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// The program, if it runs.
fn installed(program: &str, probe: &[&str]) -> Option<String> {
    let status = Command::new(program).args(probe).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if status.is_ok_and(|status| status.success()) {
        return Some(program.to_owned());
    }
    left_out(&format!("{program} {probe:?} does not run (make setup)"));
    None
}

/// A test that cannot run says why, and fails where everything must be there.
pub fn left_out(why: &str) {
    assert!(std::env::var_os("AFTERSHOCK_TEST_COMPLETE").is_none(), "{why}");
    eprintln!("left out: {why}");
}

/// The Python of the clients that `make setup` fetches.
fn python() -> String {
    let home = PathBuf::from(std::env::var_os("HOME").unwrap_or_default());
    let cache = std::env::var_os("XDG_CACHE_HOME").map_or_else(|| home.join(".cache"), PathBuf::from);
    cache.join("aftershock/clients/bin/python").display().to_string()
}

/// Runs a program to its end on its own thread; what it printed.
async fn run(mut command: Command, input: &str) -> String {
    let input = input.to_owned();
    let work = move || {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{command:?}: {}", output.status);
        String::from_utf8(output.stdout).unwrap()
    };
    tokio::task::spawn_blocking(work).await.unwrap()
}

fn lines(range: std::ops::Range<usize>) -> String {
    range.map(|n| format!("key-{n}:崩溃 {n}\n")).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kcat_produces_and_consumes() {
    let Some(kcat) = installed("kcat", &["-V"]) else { return };
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    let topic = broker.topic("kcat", 1, &[]).await;
    let properties = dir.path().join("kcat.conf");
    let (user, password) = crate::harness::account();
    let known = format!("security.protocol=SASL_PLAINTEXT\nsasl.mechanism=SCRAM-SHA-256\nsasl.username={user}\nsasl.password={password}\n");
    std::fs::write(&properties, known).unwrap();
    let kcat = |arguments: &[&str]| {
        let mut command = Command::new(&kcat);
        command.args(["-F", properties.to_str().unwrap(), "-b", &broker.address]).args(arguments);
        command
    };
    let mut expected = String::new();
    for (round, codec) in ["none", "gzip", "snappy", "lz4", "zstd"].iter().enumerate() {
        let produce = kcat(&["-P", "-t", &topic, "-p", "0", "-K", ":", "-z", codec, "-X", "enable.idempotence=true"]);
        run(produce, &lines(round * 100..round * 100 + 100)).await;
        expected.push_str(&lines(round * 100..round * 100 + 100));
    }
    let consume = kcat(&["-C", "-q", "-t", &topic, "-o", "beginning", "-e", "-f", "%k:%s\n"]);
    assert!(run(consume, "").await == expected);
    let share = kcat(&["-q", "-X", "auto.offset.reset=earliest", "-e", "-f", "%k:%s\n", "-G", "kcat", &topic]);
    assert!(run(share, "").await == expected, "as a member of a group");
    assert!(run(kcat(&["-L"]), "").await.contains(&topic));
    assert_eq!(read(&broker.consumer("kcat"), &topic, 0, 499, 1)[0].1, "崩溃 499".as_bytes());
    broker.stop().await;
}

const PYTHON: &str = r#"
import sys
from kafka import KafkaConsumer, KafkaProducer, TopicPartition
from kafka.structs import OffsetAndMetadata
address, topic, user, password = sys.argv[1:5]
known = {"security_protocol": "SASL_PLAINTEXT", "sasl_mechanism": "SCRAM-SHA-256",
         "sasl_plain_username": user, "sasl_plain_password": password}
for codec in (None, "gzip"):
    producer = KafkaProducer(bootstrap_servers=address, acks="all", enable_idempotence=True, compression_type=codec, **known)
    for n in range(100):
        producer.send(topic, key=b"key-%d" % n, value=("崩溃 %d" % n).encode(),
                      headers=[("kind", b"crash")], partition=0)
    producer.flush()
    producer.close()
for round in range(2):
    consumer = KafkaConsumer(topic, bootstrap_servers=address, group_id="python", auto_offset_reset="earliest",
                             enable_auto_commit=False, consumer_timeout_ms=20000, **known)
    got = []
    for message in consumer:
        got.append(message)
        if len(got) == 100:
            break
    assert [m.offset for m in got] == list(range(round * 100, round * 100 + 100)), [m.offset for m in got]
    assert all(m.value == ("崩溃 %d" % n).encode() and m.key == b"key-%d" % n for n, m in enumerate(got))
    assert got[0].headers[0][1] == b"crash"
    place = TopicPartition(topic, 0)
    fields = {"offset": round * 100 + 100, "metadata": "slice", "leader_epoch": -1}
    consumer.commit({place: OffsetAndMetadata(**{k: fields[k] for k in OffsetAndMetadata._fields})})
    assert consumer.committed(place) == round * 100 + 100
    assert consumer.end_offsets([place])[place] == 200
    consumer.close()
print("done")
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kafka_python_produces_and_consumes() {
    let Some(python) = installed(&python(), &["-c", "import kafka"]) else { return };
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    let topic = broker.topic("python", 1, &[]).await;
    let mut script = Command::new(python);
    let (user, password) = crate::harness::account();
    script.args(["-c", PYTHON, &broker.address, &topic, &user, &password]);
    assert_eq!(run(script, "").await.trim(), "done");
    broker.stop().await;
}
