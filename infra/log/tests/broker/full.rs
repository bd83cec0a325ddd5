//! A full disk: the producer gets an error, readers go on, a restart comes up, and with room again everything goes on.
//!
//! The disk is a small one in memory that only the broker sees, in a mount namespace of its own.

use crate::crash::{CHILD, free_address, wait_for};
use crate::harness::{Broker, read, send, watermarks, without_files};
use crate::wire::{Wire, batch};
use kafka_protocol::ResponseError;
use kafka_protocol::messages::produce_request::{PartitionProduceData, TopicProduceData};
use kafka_protocol::messages::{ProduceRequest, TopicName};
use rdkafka::admin::AdminOptions;
use rdkafka::{Offset, TopicPartitionList};
use std::io::Read;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// Holds the mount namespace; ends with its stdin.
struct SmallDisk(Child);

impl SmallDisk {
    /// Mounts one of 4 MiB on a directory; `None` where the system does not allow that.
    fn mount(dir: &Path) -> Option<SmallDisk> {
        let script = "mount -t tmpfs -o size=4m tmpfs \"$0\" && echo mounted && exec cat";
        let mut command = Command::new("unshare");
        command.args(["--map-root-user", "--mount", "sh", "-c", script]).arg(dir);
        let mut holder = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().ok()?;
        let mut said = [0; 8];
        let mounted = holder.stdout.as_mut().unwrap().read_exact(&mut said).is_ok();
        if !mounted {
            holder.wait().unwrap();
            eprintln!("left out: this system mounts no disk of our own");
        }
        mounted.then_some(SmallDisk(holder))
    }

    /// A program that sees the disk.
    fn command(&self, program: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command.args(["--preserve-credentials", "--user", "--mount", "--target", &self.0.id().to_string()]).arg(program);
        command
    }

    fn broker(&self, dir: &Path, listen: &str) -> Child {
        let mut command = self.command(&std::env::current_exe().unwrap());
        command.args(["--exact", "crash::child", "--nocapture"]).env(CHILD, format!("{}|{listen}", dir.display()));
        command.stdout(Stdio::null()).spawn().unwrap()
    }

    /// Takes all the room that is left.
    fn fill(&self, dir: &Path) {
        let mut dd = self.command(Path::new("dd"));
        dd.args(["if=/dev/zero", "bs=4096", "status=none"]).arg(format!("of={}", dir.join("ballast").display()));
        assert!(!dd.stderr(Stdio::null()).status().unwrap().success(), "the disk is full");
    }

    fn make_room(&self, dir: &Path) {
        assert!(self.command(Path::new("rm")).arg(dir.join("ballast")).status().unwrap().success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Sends about 60 KB as one batch; the error of the answer.
async fn produce(broker: &Broker, topic: &str) -> (i16, i64) {
    let data = PartitionProduceData::default().with_records(Some(batch(-1, -1, 0, 5_000)));
    let named = TopicProduceData::default().with_name(TopicName(topic.to_owned().into())).with_partition_data(vec![data]);
    let request = ProduceRequest::default().with_acks(-1).with_timeout_ms(10_000).with_topic_data(vec![named]);
    let response = Wire::to(broker).await.call(8, &request).await;
    let partition = &response.responses[0].partition_responses[0];
    (partition.error_code, partition.base_offset)
}

async fn delete_before(broker: &Broker, topic: &str, offset: i64) {
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(topic, 0, Offset::Offset(offset)).unwrap();
    broker.admin().delete_records(&list, &AdminOptions::new()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_is_an_error_and_passes() {
    if without_files() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let Some(disk) = SmallDisk::mount(dir.path()) else { return };
    let address = free_address();
    let mut child = disk.broker(dir.path(), &address);
    wait_for(&address).await;
    let broker = Broker::at(&address);
    let topic = broker.topic("full", 1, &[("segment.bytes", "100000"), ("retention.ms", "-1")]).await;
    let mut end = 0;
    for _ in 0..4 {
        assert_eq!(produce(&broker, &topic).await, (0, end));
        end += 5_000;
    }
    disk.fill(dir.path());
    let refused = ResponseError::KafkaStorageError.code();
    // The active segment may end in a page that has room for some more, but not for a batch.
    assert_eq!(produce(&broker, &topic).await, (refused, -1));
    assert_eq!(produce(&broker, &topic).await, (refused, -1), "and again");
    assert_eq!(watermarks(&broker.consumer("full"), &topic, 0), (0, end));
    child.kill().unwrap();
    child.wait().unwrap();
    let mut child = disk.broker(dir.path(), &address);
    wait_for(&address).await;
    assert_eq!(produce(&broker, &topic).await, (refused, -1), "after a restart");
    let all = read(&broker.consumer("full"), &topic, 0, 0, end as usize);
    assert!(
        all.iter().enumerate().all(|(at, (offset, payload))| { *offset == at as i64 && *payload == (at % 5_000).to_string().into_bytes() })
    );
    delete_before(&broker, &topic, 12_000).await;
    assert_eq!(watermarks(&broker.consumer("full"), &topic, 0), (12_000, end));
    assert_eq!(produce(&broker, &topic).await, (0, end), "deleted records give room back on a full disk");
    disk.make_room(dir.path());
    for _ in 0..20 {
        end += 5_000;
        assert_eq!(produce(&broker, &topic).await, (0, end));
    }
    assert_eq!(send(&broker.producer(&[]), &topic, 0, b"last").await, end + 5_000);
    child.kill().unwrap();
    child.wait().unwrap();
    child = disk.broker(dir.path(), &address);
    wait_for(&address).await;
    assert_eq!(watermarks(&broker.consumer("full"), &topic, 0), (12_000, end + 5_001));
    child.kill().unwrap();
    child.wait().unwrap();
}
