//! Sends NDJSON batches to ingest and takes no for an answer only where it is final.

use super::target::Server;
use serde::Deserialize;
use serde_json::Value;
use service::http::{Answer, Client, ClientError, HeaderMap, HeaderValue, Method, StatusCode, header};
use std::time::Duration;

/// How long ingest may be away, refuse for load, or limit, before the demo gives up.
const RETRY_TIMEOUT: Duration = Duration::from_secs(120);
/// Without `Retry-After`.
const BACKOFF: Duration = Duration::from_millis(500);
/// No `Retry-After` is waited out longer at once.
const MAX_BACKOFF: Duration = Duration::from_secs(30);

/// Where batches go and by whom.
#[derive(Clone)]
pub struct Sender {
    client: Client,
    url: String,
    key: HeaderValue,
}

/// What became of a batch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    pub accepted: u64,
    pub rejected: u64,
    /// Why the first of them was rejected.
    pub reason: Option<String>,
}

/// Why a batch did not arrive.
#[derive(Debug, thiserror::Error)]
pub enum SendError {
    #[error(transparent)]
    Client(#[from] ClientError),
    #[error("{url} answers {status}: {body}")]
    Refused { url: String, status: StatusCode, body: String },
    #[error("{0}: the app's key cannot be a header")]
    Key(String),
}

#[derive(Debug, Default, Deserialize)]
struct Reply {
    #[serde(default)]
    accepted: u64,
    #[serde(default)]
    rejected: Vec<Rejected>,
}

#[derive(Debug, Deserialize)]
struct Rejected {
    index: usize,
    code: String,
    #[serde(default)]
    message: String,
}

impl Sender {
    /// Sends to `path` of an ingest with the key of an app.
    pub fn new(ingest: &Server, path: &str, key: &str) -> Result<Self, SendError> {
        let (client, url) = (ingest.client.clone(), format!("{}{path}", ingest.url));
        let mut value = HeaderValue::from_str(key).map_err(|_| SendError::Key(url.clone()))?;
        value.set_sensitive(true);
        Ok(Self { client, url, key: value })
    }

    /// Sends a batch until each of its items is accepted or rejected for good.
    pub async fn send(&self, mut items: Vec<Value>) -> Result<Sent, SendError> {
        let mut sent = Sent::default();
        let mut waited = Duration::ZERO;
        while !items.is_empty() {
            let answer = self.post(&items).await;
            let (limited, pause) = match self.judge(answer, items.len(), &mut sent) {
                Verdict::Done(limited) => (limited, BACKOFF),
                Verdict::Again(pause) if waited < RETRY_TIMEOUT => ((0..items.len()).collect(), pause),
                Verdict::Again(_) => return Err(self.refused(StatusCode::SERVICE_UNAVAILABLE, b"for too long")),
                Verdict::Failed(error) => return Err(error),
            };
            items = limited.into_iter().filter_map(|place: usize| items.get(place).cloned()).collect();
            if !items.is_empty() {
                tokio::time::sleep(pause).await;
                waited += pause;
            }
        }
        Ok(sent)
    }

    async fn post(&self, items: &[Value]) -> Result<Answer, ClientError> {
        let lines: String = items.iter().map(|item| format!("{item}\n")).collect();
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/x-ndjson"));
        headers.insert("x-app-key", self.key.clone());
        self.client.send(Method::POST, &self.url, headers, lines).await
    }

    fn judge(&self, answer: Result<Answer, ClientError>, count: usize, sent: &mut Sent) -> Verdict {
        let answer = match answer {
            Ok(answer) => answer,
            Err(ClientError::Connection { .. } | ClientError::Timeout { .. }) => return Verdict::Again(BACKOFF),
            Err(error) => return Verdict::Failed(error.into()),
        };
        match answer.status {
            StatusCode::OK | StatusCode::BAD_REQUEST => match serde_json::from_slice::<Reply>(&answer.body) {
                Ok(reply) if reply.accepted as usize + reply.rejected.len() == count => Verdict::Done(note(reply, sent)),
                _ => Verdict::Failed(self.refused(answer.status, &answer.body)),
            },
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => Verdict::Again(retry_after(&answer.headers)),
            status => Verdict::Failed(self.refused(status, &answer.body)),
        }
    }

    fn refused(&self, status: StatusCode, body: &[u8]) -> SendError {
        let body = String::from_utf8_lossy(body).chars().take(300).collect();
        SendError::Refused { url: self.url.clone(), status, body }
    }
}

enum Verdict {
    /// Done but for these places, which were over a limit.
    Done(Vec<usize>),
    Again(Duration),
    Failed(SendError),
}

fn note(reply: Reply, sent: &mut Sent) -> Vec<usize> {
    sent.accepted += reply.accepted;
    let (limited, rejected): (Vec<Rejected>, Vec<Rejected>) = reply.rejected.into_iter().partition(|item| item.code == "TooManyRequests");
    sent.rejected += rejected.len() as u64;
    if let Some(first) = rejected.first()
        && sent.reason.is_none()
    {
        sent.reason = Some(format!("{}: {}", first.code, first.message));
    }
    limited.into_iter().map(|item| item.index).collect()
}

/// What the answer asks to wait, in whole seconds.
pub fn retry_after(headers: &HeaderMap) -> Duration {
    let seconds = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.trim().parse().ok());
    seconds.map_or(BACKOFF, Duration::from_secs).clamp(BACKOFF, MAX_BACKOFF)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limited_items_go_again_and_rejected_ones_are_counted() {
        let reply =
            r#"{"accepted":2,"rejected":[{"index":1,"code":"InvalidParams","message":"缺少平台"},{"index":3,"code":"TooManyRequests"}]}"#;
        let mut sent = Sent::default();
        assert_eq!(note(serde_json::from_str(reply).unwrap_or_default(), &mut sent), [3]);
        assert_eq!(sent, Sent { accepted: 2, rejected: 1, reason: Some("InvalidParams: 缺少平台".into()) });
    }

    #[test]
    fn retry_after_is_honoured_within_reason() {
        let wait = |text: &'static str| retry_after(&HeaderMap::from_iter([(header::RETRY_AFTER, HeaderValue::from_static(text))]));
        assert_eq!(wait("3"), Duration::from_secs(3));
        assert_eq!(wait("0"), BACKOFF);
        assert_eq!(wait("86400"), MAX_BACKOFF);
        assert_eq!(wait("soon"), BACKOFF);
        assert_eq!(retry_after(&HeaderMap::new()), BACKOFF);
    }
}
