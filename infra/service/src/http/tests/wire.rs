//! A client that says exactly what it is told and reads what comes back.

use super::PATIENCE;
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

pub(super) struct Wire {
    stream: TcpStream,
    unread: Vec<u8>,
}

/// One response off the wire.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Reply {
    pub(super) fn has(&self, header: &str) -> bool {
        self.head.lines().any(|line| line.eq_ignore_ascii_case(header))
    }

    pub(super) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }
}

impl Wire {
    pub(super) async fn connect(address: SocketAddr) -> Wire {
        Wire { stream: TcpStream::connect(address).await.expect("a connection"), unread: Vec::new() }
    }

    /// Comes from another address of this machine.
    pub(super) async fn connect_from(source: &str, address: SocketAddr) -> Wire {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::new(source.parse().expect("an address"), 0)).expect("a port");
        Wire { stream: socket.connect(address).await.expect("a connection"), unread: Vec::new() }
    }

    pub(super) async fn write(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).await.expect("bytes go out");
    }

    /// Writes what the other end may refuse midway.
    pub(super) async fn try_write(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    pub(super) async fn send(&mut self, method: &str, path: &str, body: &str) -> Reply {
        let length = body.len();
        self.write(format!("{method} {path} HTTP/1.1\r\nhost: t\r\ncontent-length: {length}\r\n\r\n{body}")).await;
        self.read_to(method).await
    }

    pub(super) async fn get(&mut self, path: &str) -> Reply {
        self.send("GET", path, "").await
    }

    pub(super) async fn read(&mut self) -> Reply {
        self.read_to("GET").await
    }

    /// A response that has no body and says no length.
    pub(super) async fn read_empty(&mut self) -> Reply {
        self.read_to("HEAD").await
    }

    async fn read_to(&mut self, method: &str) -> Reply {
        let end = loop {
            match self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                Some(end) => break end + 4,
                None => assert!(self.more().await, "closed before a whole head"),
            }
        };
        let head = String::from_utf8(self.unread.drain(..end).collect()).expect("an ASCII head");
        let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
        let length: usize = if method == "HEAD" { 0 } else { length.expect("a length") };
        while self.unread.len() < length {
            assert!(self.more().await, "closed before a whole body");
        }
        let body = String::from_utf8(self.unread.drain(..length).collect()).expect("a UTF-8 body");
        let status = head[9..12].parse().expect("a status");
        Reply { status, head, body }
    }

    /// Bytes that came and were not looked at.
    pub(super) fn unread(&self) -> usize {
        self.unread.len()
    }

    /// Waits until the other end closes; gives what came before.
    pub(super) async fn closed(&mut self) -> String {
        while self.more().await {}
        String::from_utf8_lossy(&self.unread).into_owned()
    }

    /// Reads a piece; false where the other end has closed.
    pub(super) async fn more(&mut self) -> bool {
        let mut piece = [0; 4096];
        let read = timeout(PATIENCE, self.stream.read(&mut piece)).await.expect("bytes or an end in time");
        let count = read.unwrap_or(0);
        self.unread.extend_from_slice(&piece[..count]);
        count > 0
    }
}
