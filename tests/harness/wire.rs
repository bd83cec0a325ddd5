//! A connection that says exactly what it is told, from an address of choice, and reads what comes back.

use std::io::{Error, ErrorKind, Result};
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// Longer than any answer takes that comes at all.
const PATIENCE: Duration = Duration::from_secs(60);

/// A connection.
pub struct Wire {
    stream: TcpStream,
    unread: Vec<u8>,
}

/// One answer of HTTP/1.1.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub head: String,
    pub body: Vec<u8>,
}

impl Wire {
    /// Connects from an address of this machine.
    pub async fn connect(from: Ipv4Addr, to: SocketAddr) -> Result<Self> {
        let socket = TcpSocket::new_v4()?;
        socket.bind(SocketAddr::from((from, 0)))?;
        let stream = timeout(PATIENCE, socket.connect(to)).await.map_err(|_| Error::from(ErrorKind::TimedOut))??;
        stream.set_nodelay(true)?;
        Ok(Self { stream, unread: Vec::new() })
    }

    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> Result<()> {
        timeout(PATIENCE, self.stream.write_all(bytes.as_ref())).await.map_err(|_| Error::from(ErrorKind::TimedOut))?
    }

    /// Posts a body and reads the answer; `headers` are lines, each with its end.
    pub async fn post(&mut self, path: &str, headers: &str, body: &[u8]) -> Result<Answer> {
        let head = format!("POST {path} HTTP/1.1\r\nhost: edge\r\n{headers}content-length: {}\r\n\r\n", body.len());
        self.write([head.as_bytes(), body].concat()).await?;
        self.answer().await
    }

    /// The next answer.
    pub async fn answer(&mut self) -> Result<Answer> {
        let ended = || Error::from(ErrorKind::UnexpectedEof);
        let end = loop {
            match self.unread.windows(4).position(|window| window == b"\r\n\r\n") {
                Some(end) => break end + 4,
                None if self.more().await? => {}
                None => return Err(ended()),
            }
        };
        let head = String::from_utf8_lossy(&self.unread.drain(..end).collect::<Vec<_>>()).into_owned();
        let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.trim().parse().ok());
        let length: usize = length.unwrap_or(0);
        while self.unread.len() < length {
            if !self.more().await? {
                return Err(ended());
            }
        }
        let status = head.get(9..12).and_then(|status| status.parse().ok()).ok_or_else(ended)?;
        Ok(Answer { status, head, body: self.unread.drain(..length).collect() })
    }

    /// Whatever comes until the other end closes.
    pub async fn rest(&mut self) -> Vec<u8> {
        while self.more().await.unwrap_or(false) {}
        std::mem::take(&mut self.unread)
    }

    /// Whether the other end has closed, or closes within the time given.
    pub async fn closes_within(&mut self, limit: Duration) -> bool {
        let closed = async { while matches!(self.more().await, Ok(true)) {} };
        timeout(limit, closed).await.is_ok()
    }

    async fn more(&mut self) -> Result<bool> {
        let mut piece = [0; 16 << 10];
        let read = timeout(PATIENCE, self.stream.read(&mut piece)).await.map_err(|_| Error::from(ErrorKind::TimedOut))?;
        let count = read?;
        self.unread.extend_from_slice(&piece[..count]);
        Ok(count > 0)
    }
}
