//! Records in and out through librdkafka.

use crate::harness::{Broker, PATIENCE, assign, next, read, send, send_all, watermarks};
use rdkafka::consumer::Consumer;
use rdkafka::message::{Header, Headers, Message, OwnedHeaders, Timestamp};
use rdkafka::producer::FutureRecord;
use rdkafka::{Offset, TopicPartitionList};
use std::time::{SystemTime, UNIX_EPOCH};

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis().try_into().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_codec_comes_back_as_it_was_sent() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    let payloads: Vec<Vec<u8>> = (0..500).map(|n| format!("崩溃 {n} {}", "x".repeat(n)).into_bytes()).collect();
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let topic = broker.topic(codec, 1, &[]).await;
        let producer = broker.producer(&[("compression.codec", codec)]);
        let offsets = send_all(&producer, &topic, 0, &payloads).await;
        assert_eq!(offsets, (0..500).collect::<Vec<i64>>(), "{codec}");
        let seen = read(&broker.consumer("codecs"), &topic, 0, 0, 500);
        let expected: Vec<(i64, Vec<u8>)> = (0..).zip(payloads.clone()).collect();
        assert!(seen == expected, "{codec}");
    }
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn key_headers_and_create_time_are_kept() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    let topic = broker.topic("fields", 2, &[]).await;
    let producer = broker.producer(&[("compression.codec", "lz4")]);
    let headers =
        OwnedHeaders::new().insert(Header { key: "kind", value: Some("crash") }).insert(Header { key: "empty", value: None::<&str> });
    let created = now() - 5_000;
    let record = FutureRecord::to(&topic).partition(1).key("键").payload("body").headers(headers).timestamp(created);
    producer.send(record, PATIENCE).await.map_err(|(error, _)| error).unwrap();
    let record = FutureRecord::<str, str>::to(&topic).partition(1).key("tombstone");
    producer.send(record, PATIENCE).await.map_err(|(error, _)| error).unwrap();
    let consumer = broker.consumer("fields");
    assign(&consumer, &topic, 1, Offset::Beginning);
    let message = next(&consumer);
    assert_eq!(message.key(), Some("键".as_bytes()));
    assert_eq!(message.payload(), Some(&b"body"[..]));
    assert_eq!(message.timestamp(), Timestamp::CreateTime(created));
    let headers = message.headers().unwrap();
    assert_eq!((headers.get(0).key, headers.get(0).value), ("kind", Some(&b"crash"[..])));
    assert_eq!((headers.get(1).key, headers.get(1).value), ("empty", None));
    let message = next(&consumer);
    assert_eq!((message.key(), message.payload()), (Some(&b"tombstone"[..]), None));
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn append_time_is_the_brokers() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    let topic = broker.topic("appended", 1, &[("message.timestamp.type", "LogAppendTime")]).await;
    let producer = broker.producer(&[("compression.codec", "zstd")]);
    let before = now();
    for n in 0..20 {
        let payload = format!("{n}");
        let record = FutureRecord::<str, str>::to(&topic).partition(0).payload(&payload).timestamp(12_345);
        producer.send(record, PATIENCE).await.map_err(|(error, _)| error).unwrap();
    }
    let after = now();
    let consumer = broker.consumer("appended");
    assign(&consumer, &topic, 0, Offset::Beginning);
    let mut last = before;
    for _ in 0..20 {
        match next(&consumer).timestamp() {
            Timestamp::LogAppendTime(at) => {
                assert!(last <= at && at <= after, "{last} {at} {after}");
                last = at;
            }
            other => panic!("{other:?}"),
        }
    }
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_records_pass_and_too_large_ones_are_refused() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    let topic = broker.topic("large", 1, &[("max.message.bytes", "6000000")]).await;
    let producer = broker.producer(&[]);
    let body = |size: usize| (0..size).map(|n| (n * 31 % 251) as u8).collect::<Vec<u8>>();
    for (offset, size) in [(0, 10), (1, 1_000_000), (2, 5_000_000), (3, 10)] {
        assert_eq!(send(&producer, &topic, 0, &body(size)).await, offset);
    }
    let record = FutureRecord::<(), [u8]>::to(&topic).partition(0).payload(&[7; 6_000_001]);
    let (error, _) = producer.send(record, PATIENCE).await.unwrap_err();
    assert_eq!(error.rdkafka_error_code(), Some(rdkafka::types::RDKafkaErrorCode::MessageSizeTooLarge));
    let sizes: Vec<usize> = read(&broker.consumer("large"), &topic, 0, 0, 4).iter().map(|(_, body)| body.len()).collect();
    assert_eq!(sizes, [10, 1_000_000, 5_000_000, 10]);
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seek_and_watermarks_and_ends() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    let topic = broker.topic("seek", 2, &[("segment.bytes", "20000")]).await;
    let producer = broker.producer(&[("linger.ms", "0")]);
    let consumer = broker.consumer("seek");
    assert_eq!(watermarks(&consumer, &topic, 0), (0, 0));
    let payloads: Vec<Vec<u8>> = (0..1_000).map(|n| format!("{n:0100}").into_bytes()).collect();
    for some in payloads.chunks(10) {
        send_all(&producer, &topic, 0, some).await;
    }
    assert_eq!(watermarks(&consumer, &topic, 0), (0, 1_000));
    assert_eq!(watermarks(&consumer, &topic, 1), (0, 0));
    for from in [0, 999, 500, 123, 124] {
        let seen = read(&consumer, &topic, 0, from, 1);
        assert_eq!(seen, [(from, payloads[from as usize].clone())]);
    }
    consumer.seek(&topic, 0, Offset::Offset(777), PATIENCE).unwrap();
    let message = loop {
        let message = next(&consumer);
        if message.offset() == 777 {
            break message;
        }
    };
    assert_eq!(message.payload(), Some(&payloads[777][..]));
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn offsets_by_time_are_exact_to_the_record() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    let consumer = broker.consumer("times");
    for codec in ["none", "gzip", "snappy", "lz4", "zstd"] {
        let topic = broker.topic("times", 1, &[("segment.bytes", "4000"), ("retention.ms", "-1")]).await;
        let producer = broker.producer(&[("compression.codec", codec), ("linger.ms", "20"), ("batch.num.messages", "25")]);
        let base = now() - 1_000_000;
        let bodies: Vec<String> = (0..300).map(|n| format!("{n:040}")).collect();
        let mut sent = Vec::new();
        for (n, body) in bodies.iter().enumerate() {
            let record = FutureRecord::<str, str>::to(&topic).partition(0).payload(body).timestamp(base + n as i64 * 10);
            sent.push(producer.send_result(record).map_err(|(error, _)| error).unwrap());
        }
        for delivery in sent {
            delivery.await.unwrap().map_err(|(error, _)| error).unwrap();
        }
        let at = |timestamp: i64| {
            let mut list = TopicPartitionList::new();
            list.add_partition_offset(&topic, 0, Offset::Offset(timestamp)).unwrap();
            let found = consumer.offsets_for_times(list, PATIENCE).unwrap();
            found.elements_for_topic(&topic)[0].offset()
        };
        for n in [0i64, 1, 24, 25, 26, 137, 298, 299] {
            assert_eq!(at(base + n * 10), Offset::Offset(n), "{codec}: exactly at");
            assert_eq!(at(base + n * 10 - 9), Offset::Offset(n), "{codec}: just after the one before");
        }
        assert_eq!(at(base + 2_991), Offset::End, "{codec}: after all");
    }
    let topic = broker.topic("times", 1, &[("message.timestamp.type", "LogAppendTime")]).await;
    let producer = broker.producer(&[]);
    let before = now();
    send(&producer, &topic, 0, b"first").await;
    let mut list = TopicPartitionList::new();
    list.add_partition_offset(&topic, 0, Offset::Offset(before)).unwrap();
    let found = consumer.offsets_for_times(list, PATIENCE).unwrap();
    assert_eq!(found.elements_for_topic(&topic)[0].offset(), Offset::Offset(0));
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_waiting_consumer_sees_a_record_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let broker = Broker::start(dir.path()).await;
    let topic = broker.topic("poll", 1, &[]).await;
    let producer = broker.producer(&[("linger.ms", "0")]);
    let mut config = broker.consumer_config("poll");
    config.set("fetch.wait.max.ms", "20000").set("socket.timeout.ms", "60000");
    let consumer: rdkafka::consumer::BaseConsumer = config.create().unwrap();
    assign(&consumer, &topic, 0, Offset::Offset(0));
    for _ in 0..6 {
        assert!(consumer.poll(std::time::Duration::from_millis(100)).is_none());
        send(&producer, &topic, 0, b"wake").await;
        let before = std::time::Instant::now();
        assert_eq!(next(&consumer).payload(), Some(&b"wake"[..]));
        assert!(before.elapsed().as_secs() < 10, "the long poll was not woken");
    }
    broker.stop().await;
}
