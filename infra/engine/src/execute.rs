//! One statement, from the request to its reply.

use crate::admission::{Admission, Permit};
use crate::body::{self, BodyReader};
use crate::encoding::{Coding, Encoder};
use crate::exception::{ABORTED, Exception, TOO_MANY_SIMULTANEOUS_QUERIES};
use crate::reply::{self, KillOnDrop, Message, Outbox, Reply, ReplyBody};
use crate::request::{self, Call};
use crate::run::{self, Job, Trace};
use crate::sampling::Samples;
use crate::session::Setup;
use crate::store::Store;
use crate::user::{self, User};
use crate::{Config, ReadLimits, multipart};
use http::{HeaderName, Request};
use hyper::body::Incoming;
use service::connection_slots::Slot;
use std::hash::{BuildHasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Largest form.
const MAX_FORM_BYTES: usize = 16 << 20;

/// What answers statements.
pub struct Service {
    config: Config,
    store: Arc<Store>,
    writers: Admission,
    readers: Admission,
}

impl Service {
    pub fn new(config: Config, store: Arc<Store>) -> Self {
        let writers = Admission::new(config.statements, config.waiting, config.wait);
        let readers = Admission::new(config.statements.div_ceil(2), config.waiting, config.wait);
        Self { config, store, writers, readers }
    }

    /// Answers a statement; never fails.
    pub async fn answer(self: &Arc<Self>, request: Request<Incoming>) -> Reply {
        let mut query_id = None;
        let mut reply = match self.execute(request, &mut query_id).await {
            Ok(reply) => reply,
            Err(exception) => {
                tracing::debug!(exception.code, "statement failed");
                reply::failure(&exception, self.store.version())
            }
        };
        let id = query_id.unwrap_or_else(|| identifier(true));
        reply::set(&mut reply, HeaderName::from_static("x-clickhouse-query-id"), &id);
        reply::set(&mut reply, HeaderName::from_static("x-clickhouse-server-display-name"), "aftershock");
        reply
    }

    /// Waits until the statements that run have ended, at most for `time`; false where some still run.
    pub async fn drained(&self, time: Duration) -> bool {
        let both = async { tokio::join!(self.writers.empty(), self.readers.empty()) };
        tokio::time::timeout(time, both).await.is_ok()
    }

    /// Asks what still runs to stop.
    pub async fn kill_all(&self) {
        let store = self.store.clone();
        if tokio::task::spawn_blocking(move || store.kill_all()).await.is_err() {
            tracing::error!("stopping the statements broke off");
        }
    }

    async fn execute(self: &Arc<Self>, request: Request<Incoming>, query_id: &mut Option<String>) -> Result<Reply, Exception> {
        let (call, user, body) = asked(&self.config, request).await?;
        query_id.clone_from(&call.query_id);
        let setup = Setup::of(&call, user, &self.read_limits())?;
        let permit = self.admission(user).enter().await?;
        let session = self.store.sessions().take(&setup);
        let mark = session.as_ref().map_or_else(|| self.store.mark(), |s| s.mark().clone());
        let entry = self.store.enter(&mark, call.query_id.as_deref())?;
        self.start(Job { call, user, body, setup, session, mark, entry }, permit).await
    }

    /// Runs the job on a thread and answers as soon as it has something to say.
    async fn start(self: &Arc<Self>, job: Job, permit: Permit) -> Result<Reply, Exception> {
        let (tag, coding) = (identifier(false), job.call.reply_coding);
        let encoder = Encoder::new(coding, job.call.compress)?;
        let coding = if job.call.compress { Coding::Plain } else { coding };
        let (outbox, mut from) = reply::channel(self.config.body_timeout, tag.clone(), encoder);
        let kill_on_drop = KillOnDrop { store: self.store.clone(), mark: job.mark.clone() };
        let mut samples = Samples::every(job.call.progress());
        let (service, mark, since) = (self.clone(), job.mark.clone(), Instant::now());
        tokio::task::spawn_blocking(move || service.work(job, outbox, permit));
        let (head, body) = match samples.until(&self.store, &mark, from.recv()).await {
            Some(Message::Whole(head, data)) => (head, ReplyBody::whole(data)),
            Some(Message::Start(head, data)) => (head, ReplyBody::running(data, from, kill_on_drop)),
            Some(Message::Failed(exception)) => return Err(exception),
            Some(Message::Data(_) | Message::End) | None => return Err(Exception::new(ABORTED, "The statement broke off")),
        };
        let summary = samples.summary(head.counts, since.elapsed());
        let mut reply = reply::success(&head.format, body, &summary);
        reply::progress(&mut reply, samples.taken());
        reply::mark(&mut reply, &tag, coding);
        Ok(reply)
    }

    fn work(&self, mut job: Job, mut outbox: Outbox, permit: Permit) {
        let mark = job.mark.clone();
        let mut session = job.session.take().map_or_else(|| self.store.session(mark.clone()), Ok);
        let outcome = match &mut session {
            Ok(session) => run::run(&self.store, session, job, &mut outbox),
            Err(exception) => Err(exception.clone()),
        };
        let kept = mark.finish() && outcome == Ok(Trace::None);
        outbox.end(outcome.map(|_| ()), self.store.version());
        // What follows is not waited for by the client.
        match session {
            Ok(session) if kept => self.store.sessions().keep(session),
            other => drop(other),
        }
        self.store.refill();
        drop(permit);
    }

    /// The bounds of a read-only statement here.
    fn read_limits(&self) -> ReadLimits {
        ReadLimits { memory: self.config.read_limits.memory.min(self.store.memory()), ..self.config.read_limits }
    }

    fn admission(&self, user: User) -> &Admission {
        match user {
            User::Writer => &self.writers,
            User::Reader => &self.readers,
        }
    }
}

/// Reads what a request asks for and who asks. A form is read to its end, any other body is left to be read.
pub async fn asked(config: &Config, request: Request<Incoming>) -> Result<(Call, User, BodyReader), Exception> {
    let (head, body) = request.into_parts();
    let pairs = request::pairs(head.uri.query().unwrap_or(""))?;
    let user = user::authenticate(config, &head.headers, &pairs)?;
    if head.extensions.get::<Arc<Slot>>().is_some_and(|slot| !slot.authenticate()) {
        return Err(Exception::new(TOO_MANY_SIMULTANEOUS_QUERIES, "Too many connections"));
    }
    let mut call = Call::new(&head.method, &pairs, &head.headers)?;
    let pause = config.body_timeout;
    let body = match call.boundary.take() {
        Some(boundary) => {
            let form = body::collect(body, MAX_FORM_BYTES, pause).await?;
            for (name, value) in multipart::fields(&form, &boundary)? {
                call.take(&name, &value)?;
            }
            BodyReader::empty()
        }
        None if hyper::body::Body::is_end_stream(&body) => BodyReader::empty(),
        None => body::reader(body, pause),
    };
    Ok((call, user, body))
}

/// A word that nobody can guess: a query's id, or the tag of an exception.
fn identifier(dashes: bool) -> String {
    let state = RandomState::new();
    let (a, b) = (state.hash_one(1), state.hash_one(2));
    if dashes {
        format!("{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}", a >> 32, a >> 16 & 0xffff, a & 0xfff, b >> 48 & 0xfff, b & 0xffff_ffff_ffff)
    } else {
        format!("{a:016x}")
    }
}
