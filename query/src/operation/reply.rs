//! From the result of an operation to a response: one way for all. An answer may be large, and writing it may take long: it is written on a thread
//! where others do not wait.

use crate::envelope::{Envelope, Identity, Refusal};
use crate::error::{Class, Error};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Serialize;
use service::http::{self, HeaderValue, IntoResponse, Response, StatusCode, header};
use std::marker::PhantomData;

/// An answer in its envelope, ready to be sent.
pub struct Answered<T>(Response, PhantomData<fn() -> T>);

/// A failure in its envelope, ready to be sent.
pub struct Refused(Response);

impl<T: Serialize + JsonSchema> http::Output for Answered<T> {
    fn into_response(self) -> Response {
        self.0
    }

    fn schema(generator: &mut SchemaGenerator) -> Option<Schema> {
        Some(generator.subschema_for::<T>())
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        self.0
    }
}

/// Runs what may take long on a thread of its own: where an async worker runs, others wait.
///
/// # Errors
/// It broke off.
pub async fn off_worker<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Error> {
    tokio::task::spawn_blocking(work).await.map_err(|_| Error::Thread)
}

/// What an operation answers, in its envelope.
///
/// # Errors
/// The failure in the envelope.
pub async fn reply<E: Envelope, T>(result: Result<T, Error>, identity: &Identity) -> Result<Answered<E::Of<T>>, Refused>
where
    T: Serialize + JsonSchema + Send + 'static,
{
    let written = match result {
        Ok(answer) => {
            let identity = identity.clone();
            off_worker(move || http::json(StatusCode::OK, &E::success(answer, &identity))).await
        }
        Err(error) => Err(error),
    };
    match written {
        Ok(response) => Ok(Answered(response, PhantomData)),
        Err(error) => Err(Refused(refuse::<E>(&error, identity))),
    }
}

impl<T> Answered<T> {
    /// With a change to the response.
    pub fn map(self, change: impl FnOnce(Response) -> Response) -> Self {
        Self(change(self.0), PhantomData)
    }
}

impl Refused {
    /// With a change to the response.
    pub fn map(self, change: impl FnOnce(Response) -> Response) -> Self {
        Self(change(self.0))
    }
}

fn refuse<E: Envelope>(error: &Error, identity: &Identity) -> Response {
    let class = error.class();
    if matches!(class, Class::Unavailable | Class::Fault) {
        // What follows the operation's name in a path of the OpenAPI is the caller's.
        let operation: Vec<&str> = identity.path.split('/').skip(1).take(OPERATION_SEGMENTS).collect();
        tracing::error!(%error, operation = operation.join("/"), trace = identity.trace, "cannot answer");
    }
    let reply = E::failure(&Refusal { class, message: error.message() }, identity);
    let mut response = http::json(reply.status, &reply.body);
    if let Some(seconds) = reply.retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    response
}

/// Segments of a path that name an operation of the OpenAPI: `uniform/openapi/NAME`.
const OPERATION_SEGMENTS: usize = 3;

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::envelope::{A, Admin};
    use crate::store;
    use serde::Serializer;
    use std::sync::{Arc, Mutex};
    use std::thread::{self, ThreadId};

    /// Notes on which thread it is written.
    #[derive(JsonSchema)]
    struct Large(#[schemars(with = "String")] Arc<Mutex<Option<ThreadId>>>);

    impl Serialize for Large {
        fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            *self.0.lock().unwrap() = Some(thread::current().id());
            serializer.serialize_str(&"x".repeat(1 << 20))
        }
    }

    async fn writer<E: Envelope>() -> ThreadId {
        let noted = Arc::new(Mutex::new(None));
        let answered = reply::<E, _>(Ok(Large(noted.clone())), &Identity::default()).await;
        let response = http::Output::into_response(answered.ok().unwrap());
        assert!(response.body().bytes().len() > 1 << 20);
        let noted = *noted.lock().unwrap();
        noted.unwrap()
    }

    /// The runtime of this test has one worker: this thread.
    #[tokio::test]
    async fn no_answer_is_written_on_a_worker() {
        for writer in [writer::<A>().await, writer::<Admin>().await] {
            assert_ne!(writer, thread::current().id());
        }
    }

    #[test]
    fn who_asks_too_much_at_once_is_told_when_to_come_again() {
        for (error, status) in [(store::Error::Crowded, 429), (store::Error::Busy, 503)] {
            let response = refuse::<A>(&error.into(), &Identity::default());
            assert!(response.status().as_u16() == status && response.headers().contains_key("retry-after"), "{status}");
        }
    }

    #[test]
    fn a_fault_of_the_log_is_not_blamed_on_the_tables() {
        let error = service::kafka::Error::TimedOut { operation: "read the releases" };
        let response = refuse::<A>(&error.into(), &Identity::default());
        assert!(String::from_utf8_lossy(response.body().bytes()).contains("the log gave no answer"));
    }
}
