//! A plain HTTP client; an error status is an answer like any other.

use serde_json::Value;
use std::sync::LazyLock;
use std::time::Duration;
use ureq::Agent;

/// What came back.
#[derive(Debug)]
pub struct Reply {
    pub status: u16,
    pub bytes: Vec<u8>,
    /// The same as text; what is no UTF-8 is replaced.
    pub text: String,
    /// The header of that name.
    pub retry_after: Option<String>,
}

impl Reply {
    /// The body as JSON; panics with the body where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error} in {} {}", self.status, self.text))
    }
}

static AGENT: LazyLock<Agent> = LazyLock::new(|| {
    Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .timeout_global(Some(Duration::from_secs(30)))
        .max_idle_age(Duration::from_secs(3))
        .build()
        .into()
});

fn reply(response: Result<ureq::http::Response<ureq::Body>, ureq::Error>) -> Result<Reply, String> {
    let mut response = response.map_err(|error| error.to_string())?;
    let status = response.status().as_u16();
    let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let bytes: Vec<u8> = response.body_mut().with_config().limit(256 << 20).read_to_vec().map_err(|error| error.to_string())?;
    Ok(Reply { status, text: String::from_utf8_lossy(&bytes).into_owned(), bytes, retry_after })
}

pub fn get(url: &str, headers: &[(&str, &str)]) -> Result<Reply, String> {
    let request = headers.iter().fold(AGENT.get(url), |request, (name, value)| request.header(*name, *value));
    reply(request.call())
}

pub fn delete(url: &str, headers: &[(&str, &str)]) -> Result<Reply, String> {
    let request = headers.iter().fold(AGENT.delete(url), |request, (name, value)| request.header(*name, *value));
    reply(request.call())
}

pub fn post(url: &str, body: &Value) -> Result<Reply, String> {
    post_with(url, &[("content-type", "application/json")], body.to_string().as_bytes())
}

pub fn post_with(url: &str, headers: &[(&str, &str)], body: &[u8]) -> Result<Reply, String> {
    let request = headers.iter().fold(AGENT.post(url), |request, (name, value)| request.header(*name, *value));
    reply(request.send(body))
}
