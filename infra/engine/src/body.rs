//! A request's body on its way from the network to the thread that runs the statement.

use crate::exception::{BAD_ARGUMENTS, Exception, NETWORK_ERROR};
use bytes::{Buf, Bytes};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use std::io::{self, BufRead, Read};
use std::time::Duration;
use tokio::sync::mpsc;

/// Pieces in flight between the two.
const PIECES: usize = 8;
/// What is still read of a body whose statement has failed, so that the client gets to see the reply.
const DRAINED: usize = 64 << 20;

enum Piece {
    Data(Bytes),
    End,
    Broken(Exception),
}

/// Starts to read a body; the reader blocks.
pub fn reader(body: Incoming, pause: Duration) -> BodyReader {
    let (sender, receiver) = mpsc::channel(PIECES);
    tokio::spawn(pump(body, sender, pause));
    BodyReader { pieces: Some(receiver), current: Bytes::new() }
}

async fn pump(mut body: Incoming, to: mpsc::Sender<Piece>, pause: Duration) {
    let mut drained = 0;
    loop {
        let piece = next(&mut body, pause).await;
        let last = !matches!(piece, Piece::Data(_));
        let length = if let Piece::Data(data) = &piece { data.len() } else { 0 };
        if to.send(piece).await.is_err() {
            drained += length;
        }
        if last || drained > DRAINED {
            return;
        }
    }
}

async fn next(body: &mut Incoming, pause: Duration) -> Piece {
    loop {
        return match tokio::time::timeout(pause, body.frame()).await {
            Err(_) => Piece::Broken(Exception::new(NETWORK_ERROR, "The request's body paused for too long")),
            Ok(None) => Piece::End,
            Ok(Some(Err(error))) => Piece::Broken(Exception::new(NETWORK_ERROR, format_args!("The request's body broke off: {error}"))),
            Ok(Some(Ok(frame))) => match frame.into_data() {
                Ok(data) => Piece::Data(data),
                Err(_trailers) => continue,
            },
        };
    }
}

/// Reads a whole body of at most `limit` bytes.
pub async fn collect(mut body: Incoming, limit: usize, pause: Duration) -> Result<Vec<u8>, Exception> {
    let mut out = Vec::new();
    loop {
        match next(&mut body, pause).await {
            Piece::Data(data) if out.len() + data.len() > limit => {
                return Err(Exception::new(BAD_ARGUMENTS, format_args!("The form is larger than {limit} bytes")));
            }
            Piece::Data(data) => out.extend_from_slice(&data),
            Piece::End => return Ok(out),
            Piece::Broken(exception) => return Err(exception),
        }
    }
}

/// The blocking end. A body that breaks off is an error here, never an end.
pub struct BodyReader {
    pieces: Option<mpsc::Receiver<Piece>>,
    current: Bytes,
}

impl BodyReader {
    /// A body without bytes.
    pub fn empty() -> Self {
        Self { pieces: None, current: Bytes::new() }
    }
}

impl BufRead for BodyReader {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        while self.current.is_empty() {
            let Some(pieces) = &mut self.pieces else { return Ok(&[]) };
            match pieces.blocking_recv() {
                Some(Piece::Data(data)) => self.current = data,
                Some(Piece::End) => self.pieces = None,
                Some(Piece::Broken(exception)) => return Err(exception.into()),
                None => return Err(Exception::new(NETWORK_ERROR, "The request's body broke off").into()),
            }
        }
        Ok(&self.current)
    }

    fn consume(&mut self, taken: usize) {
        self.current.advance(taken);
    }
}

impl Read for BodyReader {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let taken = self.fill_buf()?.read(target)?;
        self.consume(taken);
        Ok(taken)
    }
}
