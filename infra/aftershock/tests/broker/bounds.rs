//! Bounds on connections: how many there are, and how long one may say nothing.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use crate::harness::{Broker, PATIENCE, config, until, without_files};

/// Asks for the versions; whether the broker answers.
fn is_answered(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut length = [0; 4];
    let asked = stream.write_all(&[0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff]);
    asked.and_then(|()| stream.read_exact(&mut length)).is_ok() && {
        let mut answer = vec![0; u32::from_be_bytes(length) as usize];
        stream.read_exact(&mut answer).is_ok()
    }
}

/// Whether the broker has closed it.
fn is_closed(stream: &mut TcpStream) -> bool {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    matches!(stream.read(&mut [0]), Ok(0) | Err(_))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_connection_too_many_is_closed_and_a_place_is_free_again() {
    if without_files() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let mut few = config(dir.path());
    few.max_connections = 3;
    let broker = Broker::start_with(few).await;
    let connect = || TcpStream::connect(&broker.address).unwrap();
    // The connection by which the start was noticed may still be counted.
    let mut open = Vec::new();
    until("three are answered", || {
        let mut stream = connect();
        if is_answered(&mut stream) {
            open.push(stream);
        }
        open.len() == 3
    })
    .await;
    assert!(!is_answered(&mut connect()), "the fourth");
    assert!(open.iter_mut().all(is_answered), "those that are there are served");
    drop(open.pop());
    until("a place is free", || is_answered(&mut connect())).await;
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
        let mut stream = TcpStream::connect(&broker.address).unwrap();
        stream.write_all(said).unwrap();
        assert!(is_closed(&mut stream), "{said:?}");
    }
    let mut after_one = TcpStream::connect(&broker.address).unwrap();
    assert!(is_answered(&mut after_one) && is_closed(&mut after_one));
    broker.stop().await;
}
