//! Bodies that take long to read must not hold up the requests beside them, nor take memory without bound.

use crate::authenticate::encoding;
use crate::dialect::beginning;
use service::http::{Request, header};
use std::sync::LazyLock;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Semaphore;

/// Plain bodies below this are read where they are: some hundred microseconds at most.
const LONG_BODY: usize = 256 << 10;

/// Long bodies are read by as many threads as can be at work: more would take no less time, and each one the memory of
/// what a small compressed body may turn out to be.
static TURNS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from).max(2)));

/// Reads a body; a long one, or a compressed one that turns out long, when its turn comes, while another thread takes
/// over the worker's other requests.
pub(crate) async fn aside<T>(request: &Request, read: impl FnOnce() -> T) -> T {
    if !is_long(request) {
        return read();
    }
    // Nobody closes it.
    let _turn = TURNS.acquire().await.ok();
    // Elsewhere there is no other thread to take over.
    let many_threads = Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    if many_threads { tokio::task::block_in_place(read) } else { read() }
}

/// Whether a body is long, or begins longer than that once it is decompressed: small ones, of whomever, wait behind no large one.
fn is_long(request: &Request) -> bool {
    if request.body.len() >= LONG_BODY || !request.headers.contains_key(header::CONTENT_ENCODING) {
        return request.body.len() >= LONG_BODY;
    }
    // What cannot be read is refused by whoever reads it, at once.
    beginning(&request.body, encoding(request), LONG_BODY).is_ok_and(|start| start.len() >= LONG_BODY)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::Write;

    fn gzipped(length: usize) -> Request {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(&vec![b' '; length]).unwrap();
        let mut headers = service::http::HeaderMap::new();
        headers.insert(header::CONTENT_ENCODING, "gzip".parse().unwrap());
        Request {
            method: service::http::Method::POST,
            path: "/v1/reports".to_owned(),
            path_params: Vec::new(),
            query: String::new(),
            headers,
            body: encoder.finish().unwrap().into(),
            peer: ([127, 0, 0, 1], 1).into(),
        }
    }

    #[test]
    fn small_compressed_bodies_wait_for_nobody_and_bombs_take_turns() {
        for (length, expected) in [(0, false), (3_000, false), (LONG_BODY - 1, false), (LONG_BODY, true), (8 << 20, true)] {
            assert_eq!(is_long(&gzipped(length)), expected, "{length}");
        }
        let mut broken = gzipped(3_000);
        broken.body = vec![7; 100].into();
        assert!(!is_long(&broken));
    }
}
