//! The endpoints. Those that take records are a table: where each is, how it takes requests and in which words it answers.

mod app_key_reply;
mod log_message_reply;
mod native_reply;
mod replies;
mod sentry_reply;
mod version_check;

use crate::accept::{KeyInHead, Reading, Route, accept, too_large};
use crate::authenticate::{by_key, by_key_or_default, by_project, content_type};
use crate::batch::Batch;
use crate::dialect::{self, Dialect, app_key, log_message, native, native_connection, sentry};
use crate::edge::Edge;
use crate::item::Kind;
use crate::off_worker::{SHORT_BATCH, SHORT_BODY};
use crate::throttle::WithoutDevice;
use replies::Replies;
use service::http::{Endpoint, Method, Request, Response, Router};
use std::marker::PhantomData;
use std::sync::Arc;

/// Every endpoint of the edge.
pub(crate) fn mount(router: Router, edge: &Arc<Edge>) -> Router {
    router
        .mount(Records::<LogMessage>::of(edge))
        .mount(Records::<ErrorReport>::of(edge))
        .mount(Records::<Heartbeat>::of(edge))
        .mount(version_check::VersionCheck(Arc::clone(edge)))
        .mount(Records::<Reports>::of(edge))
        .mount(Records::<Connections>::of(edge))
        .mount(Records::<SentryEnvelope>::of(edge))
        .mount(Records::<SentryStore>::of(edge))
}

/// An endpoint that takes records.
trait TakesRecords: Send + Sync + 'static {
    const METHODS: &'static [Method] = &[Method::POST];
    const PATH: &'static str;
    const SUMMARY: &'static str;
    const BODY_LIMIT: usize = dialect::BODY_LIMIT;
    const ROUTE: &'static Route;
    const REPLIES: Replies;
}

/// A heartbeat is a few short texts.
const HEARTBEAT_LIMIT: usize = 1 << 20;

/// One log message; through the device channel it may also come in the query of a GET.
enum LogMessage {}

impl TakesRecords for LogMessage {
    const METHODS: &'static [Method] = &[Method::POST, Method::GET];
    const PATH: &'static str = "/v1/common/log/message/report";
    const SUMMARY: &'static str = "Report one log message (log-message dialect)";
    const ROUTE: &'static Route = &Route {
        dialect: Dialect::LogMessage,
        kind: Kind::Report,
        without_device: WithoutDevice::Address,
        reading: Reading::KeyInHead(KeyInHead {
            identify: by_key_or_default,
            may_be_packed: false,
            short: SHORT_BODY,
            expands: |_| false,
            read: |_, body, received| Batch::one(log_message::parse(body, received)?),
        }),
    };
    const REPLIES: Replies = log_message_reply::REPLIES;
}

/// One error.
enum ErrorReport {}

impl TakesRecords for ErrorReport {
    const PATH: &'static str = "/api/v1/error/report";
    const SUMMARY: &'static str = "Report one error (app-key dialect)";
    const ROUTE: &'static Route = &Route {
        dialect: Dialect::AppKey,
        kind: Kind::Report,
        without_device: WithoutDevice::Address,
        reading: Reading::KeyInBody(|body, identify| Batch::one(app_key::parse_error(body, identify)?)),
    };
    const REPLIES: Replies = app_key_reply::ERROR_REPORT;
}

/// One heartbeat.
enum Heartbeat {}

impl TakesRecords for Heartbeat {
    const PATH: &'static str = "/api/v1/user/heartbeat";
    const SUMMARY: &'static str = "Record a heartbeat (app-key dialect)";
    const BODY_LIMIT: usize = HEARTBEAT_LIMIT;
    const ROUTE: &'static Route = &Route {
        dialect: Dialect::AppKey,
        kind: Kind::Connection,
        without_device: WithoutDevice::Address,
        reading: Reading::KeyInBody(|body, identify| Batch::one(app_key::parse_heartbeat(body, identify)?)),
    };
    const REPLIES: Replies = app_key_reply::HEARTBEAT;
}

/// Reports: one, an array, or one a line.
enum Reports {}

impl TakesRecords for Reports {
    const PATH: &'static str = "/v1/reports";
    const SUMMARY: &'static str = "Report crashes, ANRs and errors, one, an array or one a line (native dialect)";
    const ROUTE: &'static Route = &Route {
        dialect: Dialect::Native,
        kind: Kind::Report,
        without_device: WithoutDevice::Nothing,
        reading: Reading::KeyInHead(KeyInHead {
            identify: by_key,
            may_be_packed: true,
            short: SHORT_BATCH,
            expands: |_| false,
            read: |request, body, received| Ok(Batch::of(Kind::Report, native::parse(body, content_type(request), received)?)),
        }),
    };
    const REPLIES: Replies = native_reply::REPORTS;
}

/// Starts and heartbeats: one, an array, or one a line.
enum Connections {}

impl TakesRecords for Connections {
    const PATH: &'static str = "/v1/connections";
    const SUMMARY: &'static str = "Record starts and heartbeats, one, an array or one a line (native dialect)";
    const ROUTE: &'static Route = &Route {
        dialect: Dialect::Native,
        kind: Kind::Connection,
        without_device: WithoutDevice::Nothing,
        reading: Reading::KeyInHead(KeyInHead {
            identify: by_key,
            may_be_packed: true,
            short: SHORT_BATCH,
            expands: |_| false,
            read: |request, body, received| {
                Ok(Batch::of(Kind::Connection, native_connection::parse(body, content_type(request), received)?))
            },
        }),
    };
    const REPLIES: Replies = native_reply::CONNECTIONS;
}

/// An envelope of events, sessions and client reports.
enum SentryEnvelope {}

impl TakesRecords for SentryEnvelope {
    const PATH: &'static str = "/api/{project}/envelope";
    const SUMMARY: &'static str = "Take an envelope of events, sessions and client reports (Sentry dialect)";
    const ROUTE: &'static Route = &Route {
        dialect: Dialect::Sentry,
        kind: Kind::Report,
        without_device: WithoutDevice::Nothing,
        reading: Reading::KeyInHead(KeyInHead {
            identify: by_project,
            may_be_packed: true,
            short: SHORT_BODY,
            expands: |_| false,
            read: |_, body, received| sentry::read_envelope(body, received),
        }),
    };
    const REPLIES: Replies = sentry_reply::REPLIES;
}

/// One event, as older clients send it.
enum SentryStore {}

impl TakesRecords for SentryStore {
    const PATH: &'static str = "/api/{project}/store";
    const SUMMARY: &'static str = "Take one event (Sentry dialect, older clients)";
    const ROUTE: &'static Route = &Route {
        dialect: Dialect::Sentry,
        kind: Kind::Report,
        without_device: WithoutDevice::Nothing,
        reading: Reading::KeyInHead(KeyInHead {
            identify: by_project,
            may_be_packed: true,
            short: SHORT_BODY,
            expands: sentry::is_packed,
            read: |_, body, received| sentry::read_store(body, received),
        }),
    };
    const REPLIES: Replies = sentry_reply::REPLIES;
}

/// An endpoint of the table, mounted.
struct Records<T> {
    edge: Arc<Edge>,
    endpoint: PhantomData<fn() -> T>,
}

impl<T> Records<T> {
    fn of(edge: &Arc<Edge>) -> Self {
        Self { edge: Arc::clone(edge), endpoint: PhantomData }
    }
}

impl<T: TakesRecords> Endpoint for Records<T> {
    const METHODS: &'static [Method] = T::METHODS;
    const PATH: &'static str = T::PATH;
    const SUMMARY: &'static str = T::SUMMARY;
    const TAG: &'static str = T::ROUTE.dialect.name();
    const BODY_LIMIT: usize = T::BODY_LIMIT;
    type Input = Request;
    type Output = Response;
    type Error = Response;

    fn too_large(&self, _: &str) -> Response {
        (T::REPLIES.refused)(&self.edge, &too_large(&self.edge, T::ROUTE, T::BODY_LIMIT))
    }

    async fn call(&self, request: Request) -> Result<Response, Response> {
        match accept(&self.edge, T::ROUTE, &request).await {
            Ok(accepted) => Ok((T::REPLIES.accepted)(&self.edge, &request, &accepted)),
            Err(rejection) => Err((T::REPLIES.refused)(&self.edge, &rejection)),
        }
    }
}
