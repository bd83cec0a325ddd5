//! Taking a port.

use tokio::net::TcpListener;

/// A port cannot be taken.
#[derive(Debug, thiserror::Error)]
#[error("{role} cannot listen on {address}: {source}")]
pub struct ListenError {
    role: &'static str,
    address: String,
    source: std::io::Error,
}

/// Listens on `address` for `role`.
///
/// # Errors
/// The address cannot be had.
pub async fn bind(role: &'static str, address: &str) -> Result<TcpListener, ListenError> {
    TcpListener::bind(address).await.map_err(|source| ListenError { role, address: address.to_owned(), source })
}
