//! Bodies that take long to read must not hold up the requests beside them.

use service::http::{Request, header};
use tokio::runtime::{Handle, RuntimeFlavor};

/// Plain bodies below this are read where they are: some hundred microseconds at most.
const LONG_BODY: usize = 256 << 10;

/// Reads a body; a long one, or a compressed one that may turn out long, while another thread takes over the worker's
/// other requests.
pub(crate) fn aside<T>(request: &Request, read: impl FnOnce() -> T) -> T {
    let is_long = request.body.len() >= LONG_BODY || request.headers.contains_key(header::CONTENT_ENCODING);
    // Elsewhere there is no other thread to take over.
    let many_threads = || Handle::try_current().is_ok_and(|runtime| runtime.runtime_flavor() == RuntimeFlavor::MultiThread);
    if is_long && many_threads() { tokio::task::block_in_place(read) } else { read() }
}
