//! Where the services answer.

/// Where the services answer, `http://host:port`, or `https://` of it.
#[derive(Clone, Debug)]
pub struct Urls {
    pub ingest: String,
    pub ingest_admin: String,
    pub processor: String,
    pub query: String,
    pub query_admin: String,
}
