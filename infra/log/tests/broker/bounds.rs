//! Bounds on connections: how many there are, how long one may say nothing, and what those may take whom nobody knows.

use crate::harness::{Broker, config, send, until, without_files};
use crate::wire::Wire;
use std::net::TcpStream;
use std::time::Duration;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_connection_too_many_is_closed_and_a_place_is_free_again() {
    if without_files() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut few = config(dir.path());
    few.max_connections = 3;
    let broker = Broker::start_with(few).await;
    let mut open = Vec::new();
    for _ in 0..3 {
        open.push(Wire::to(&broker).await);
    }
    assert!(!Wire::to(&broker).await.is_answered().await, "the fourth");
    for wire in &mut open {
        assert!(wire.is_answered().await, "those that are there are served");
    }
    drop(open.pop());
    let mut tries = 0;
    while !Wire::to(&broker).await.is_answered().await {
        tries += 1;
        assert!(tries < 1_000, "no place is free");
    }
    drop(open);
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_says_nothing_or_half_of_it_is_closed() {
    if without_files() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut hasty = config(dir.path());
    hasty.idle_timeout = Duration::from_millis(200);
    let broker = Broker::start_with(hasty).await;
    for said in [&[][..], &[0, 0], &[0, 0, 0]] {
        let mut stranger = Wire::stranger(&broker).await;
        stranger.write(said).await;
        assert!(stranger.is_closed().await, "{said:?}");
        let mut known = Wire::to(&broker).await;
        known.write(said).await;
        assert!(known.is_closed().await, "{said:?} with an account");
    }
    let mut after_one = Wire::stranger(&broker).await;
    assert!(after_one.is_answered().await && after_one.is_closed().await);
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_has_little_time_and_little_room() {
    if without_files() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut hasty = config(dir.path());
    hasty.authentication = Duration::from_millis(500);
    let broker = Broker::start_with(hasty).await;
    let mut known = Wire::to(&broker).await;
    let mut large = Wire::stranger(&broker).await;
    large.write(&4_097_u32.to_be_bytes()).await;
    assert!(large.is_closed().await, "a request of a size that only accounts may send");
    let mut busy = Wire::stranger(&broker).await;
    let mut asked = 0;
    while busy.is_answered().await {
        asked += 1;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(asked > 0, "the question for the versions is free");
    let mut slow = Wire::stranger(&broker).await;
    slow.write(&[0, 0, 1, 0, 0, 18]).await;
    assert!(slow.is_closed().await, "a request that does not come to its end");
    assert!(known.is_answered().await, "who has an account may be silent for longer");
    broker.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crowd_of_strangers_keeps_nobody_out() {
    if without_files() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut small = config(dir.path());
    small.max_unauthenticated = 32;
    let broker = Broker::start_with(small).await;
    let topic = broker.topic("crowd", 1, &[]).await;
    let mut crowd: Vec<TcpStream> = (0..500).map(|_| TcpStream::connect(&broker.address).unwrap()).collect();
    // Each client is a new one, with connections of its own.
    for round in 0..5 {
        assert_eq!(send(&broker.producer(&[]), &topic, 0, b"x").await, round, "beside {} silent connections", crowd.len());
        crowd.extend((0..100).map(|_| TcpStream::connect(&broker.address).unwrap()));
    }
    let is_open = |stream: &TcpStream| {
        stream.set_nonblocking(true).unwrap();
        matches!(std::io::Read::read(&mut &*stream, &mut [0]), Err(error) if error.kind() == std::io::ErrorKind::WouldBlock)
    };
    until("no more strangers are there than may be", || crowd.iter().filter(|stream| is_open(stream)).count() <= 32).await;
    broker.stop().await;
}
