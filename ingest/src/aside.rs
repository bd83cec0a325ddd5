//! Bodies that take long to read must not hold up the requests beside them, nor take memory without bound.

use service::http::{Request, header};
use std::sync::LazyLock;
use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::sync::Semaphore;

/// Plain bodies below this are read where they are: some hundred microseconds at most.
const LONG_BODY: usize = 256 << 10;

/// Long bodies are read by as many threads as can be at work: more would take no less time, and each one the memory of
/// what a small compressed body may turn out to be.
static TURNS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(std::thread::available_parallelism().map_or(2, usize::from).max(2)));

/// Reads a body; a long one, or a compressed one that may turn out long, when its turn comes, while another thread takes
/// over the worker's other requests.
pub(crate) async fn aside<T>(request: &Request, read: impl FnOnce() -> T) -> T {
    let is_long = request.body.len() >= LONG_BODY || request.headers.contains_key(header::CONTENT_ENCODING);
    if !is_long {
        return read();
    }
    // Nobody closes it.
    let _turn = TURNS.acquire().await.ok();
    // Elsewhere there is no other thread to take over.
    let many_threads = Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    if many_threads { tokio::task::block_in_place(read) } else { read() }
}
