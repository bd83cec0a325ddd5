//! One client of the log and its thread, which hands messages to the library in rounds.
//!
//! The library sends a partition nothing while five of its messages are unacknowledged, and where more of them have
//! waited out their linger its thread spins until the acknowledgement: at a fast edge that costs as much as all the rest.
//! So messages wait here while a round is under way. They cost nothing here, and the next round is larger: fewer requests to the log
//! for the same messages. A slow round delays the next one for a limited time only, because other partitions may answer.

use super::delivery::{PRODUCE, Position, Ticket};
use super::options::ProducerOptions;
use crate::kafka::{Config, Error};
use rdkafka::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::error::KafkaError;
use rdkafka::message::Message;
use rdkafka::producer::{BaseProducer, BaseRecord, DeliveryResult, ProducerContext};
use rdkafka::types::RDKafkaErrorCode as Code;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// After this long the next round begins though one is under way.
const MAX_ROUND_TIME: Duration = Duration::from_millis(50);
/// Most messages of a round: handing them over must take less than the library's linger, or it sends them in pieces.
/// Where many more wait, a quarter of them is taken: then the log is slow, and sending in pieces costs less than waiting.
const MAX_ROUND_MESSAGES: usize = 800;
/// How often a thread without work looks for errors of the library.
const IDLE_POLL: Duration = Duration::from_millis(100);

/// A message on its way to the library.
pub(super) struct Queued {
    pub(super) topic: Arc<str>,
    pub(super) key: Vec<u8>,
    pub(super) payload: Vec<u8>,
    pub(super) ticket: Ticket,
}

/// A client. When dropped it closes the library's client, and all deliveries that are still awaited end with an error.
pub(super) struct RoundClient {
    line: Arc<Line>,
    thread: Option<std::thread::JoinHandle<()>>,
}

/// What senders and the thread share.
struct Line {
    inner: BaseProducer<Outcomes>,
    state: Arc<State>,
    queue: Mutex<Queue>,
    filled: Condvar,
    /// How long the thread sleeps between two looks: a third of the linger, the rest is the library's.
    tick: Duration,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Queued>,
    closing: bool,
}

/// What the library's callbacks tell.
#[derive(Default)]
struct State {
    broken: AtomicBool,
    in_flight: AtomicUsize,
    settled: AtomicUsize,
}

impl RoundClient {
    pub(super) fn new(config: &Config, options: &ProducerOptions) -> Result<Self, Error> {
        let state = Arc::new(State::default());
        let tick = (options.linger / 3).max(Duration::from_micros(500));
        let inner = config
            .client(&options.client_id, &properties(options, tick * 2))
            .set_log_level(RDKafkaLogLevel::Warning)
            .create_with_context(Outcomes(Arc::clone(&state)))
            .map_err(|error| Error::of("make a producer", &error))?;
        let line = Arc::new(Line { inner, state, queue: Mutex::default(), filled: Condvar::new(), tick });
        let work = Arc::clone(&line);
        let thread = std::thread::Builder::new().name("to the log".to_owned()).spawn(move || work.run());
        let thread = thread.map_err(|error| Error::Configuration { reason: format!("no thread for the producer: {error}") })?;
        Ok(RoundClient { line, thread: Some(thread) })
    }

    /// Queues messages; their tickets tell the rest.
    pub(super) fn push(&self, messages: impl Iterator<Item = Queued>) {
        let mut queue = self.line.queue();
        let begins = queue.waiting.is_empty();
        queue.waiting.extend(messages);
        drop(queue);
        if begins {
            self.line.filled.notify_one();
        }
    }

    /// The library's client.
    pub(super) fn inner(&self) -> &BaseProducer<Outcomes> {
        &self.line.inner
    }

    pub(super) fn is_broken(&self) -> bool {
        self.line.state.broken.load(Relaxed)
    }
}

impl Drop for RoundClient {
    fn drop(&mut self) {
        self.line.queue().closing = true;
        self.line.filled.notify_one();
        if let Some(thread) = self.thread.take() {
            // It does not panic, and there would be nothing left to do.
            let _ = thread.join();
        }
    }
}

impl Line {
    fn run(&self) {
        let mut begun = Instant::now();
        while self.rest() {
            std::thread::sleep(self.tick);
            self.collect();
            let is_free = self.state.in_flight.load(Relaxed) == 0;
            if is_free || begun.elapsed() >= MAX_ROUND_TIME {
                begun = Instant::now();
                self.submit();
            }
        }
        // Dropped, their tickets say that the client was closed.
        self.queue().waiting.clear();
    }

    /// Waits for work; false where the client is being closed.
    fn rest(&self) -> bool {
        let mut queue = self.queue();
        while !queue.closing && queue.waiting.is_empty() && self.state.in_flight.load(Relaxed) == 0 {
            let (woken, rested) = self.filled.wait_timeout(queue, IDLE_POLL).unwrap_or_else(PoisonError::into_inner);
            queue = woken;
            if rested.timed_out() {
                drop(queue);
                self.collect();
                queue = self.queue();
            }
        }
        !queue.closing
    }

    /// Takes in every outcome that has come.
    fn collect(&self) {
        loop {
            let before = self.state.settled.load(Relaxed);
            self.inner.poll(Duration::ZERO);
            if self.state.settled.load(Relaxed) == before {
                return;
            }
        }
    }

    fn submit(&self) {
        let mut queue = self.queue();
        let size = MAX_ROUND_MESSAGES.max(queue.waiting.len() / 4).min(queue.waiting.len());
        let rest = queue.waiting.split_off(size);
        let round = std::mem::replace(&mut queue.waiting, rest);
        drop(queue);
        for message in round {
            self.hand_over(message);
        }
    }

    fn hand_over(&self, message: Queued) {
        let Queued { topic, key, payload, ticket } = message;
        if self.state.broken.load(Relaxed) {
            return;
        }
        let record = BaseRecord::with_opaque_to(&topic, Box::new(ticket)).key(&key).payload(&payload);
        // Counted first: the outcome may come before this call returns.
        self.state.in_flight.fetch_add(1, Relaxed);
        if let Err((error, record)) = self.inner.send(record) {
            self.state.in_flight.fetch_sub(1, Relaxed);
            self.state.note(&error);
            record.delivery_opaque.settle(Err(Error::of(PRODUCE, &error)));
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn properties(options: &ProducerOptions, linger: Duration) -> [(&'static str, String); 10] {
    // What may wait is bounded before; these bounds are only not to be in the way.
    let kib = ((options.queue_bytes >> 10) * 2).max(64 << 10).to_string();
    [
        ("acks", "all".to_owned()),
        ("enable.idempotence", "true".to_owned()),
        ("compression.type", "lz4".to_owned()),
        // Kafka's own partitioner: a re-delivery from any client meets its twin.
        ("partitioner", "murmur2_random".to_owned()),
        ("message.timeout.ms", options.delivery_timeout.as_millis().to_string()),
        ("linger.ms", (linger.as_secs_f64() * 1e3).to_string()),
        ("queue.buffering.max.messages", (options.queue_messages * 2).max(1).to_string()),
        ("queue.buffering.max.kbytes", kib),
        ("message.max.bytes", crate::kafka::MAX_RECORD_BYTES.to_string()),
        ("topic.metadata.propagation.max.ms", "5000".to_owned()),
    ]
}

impl State {
    /// Whether the library's client can go on after this.
    fn note(&self, error: &KafkaError) {
        if error.rdkafka_error_code() == Some(Code::Fatal) {
            self.broken.store(true, Relaxed);
        }
    }
}

/// Hands outcomes to their deliveries, and notes a fault that the client cannot recover from.
pub(super) struct Outcomes(Arc<State>);

impl ClientContext for Outcomes {
    fn error(&self, error: KafkaError, reason: &str) {
        self.0.note(&error);
        if self.0.broken.load(Relaxed) {
            tracing::error!(%error, reason, "producer failed for good");
        } else {
            tracing::warn!(%error, reason, "producer");
        }
    }
}

impl ProducerContext for Outcomes {
    type DeliveryOpaque = Box<Ticket>;

    fn delivery(&self, result: &DeliveryResult<'_>, ticket: Box<Ticket>) {
        self.0.in_flight.fetch_sub(1, Relaxed);
        self.0.settled.fetch_add(1, Relaxed);
        ticket.settle(match result {
            Ok(message) => Ok(Position { partition: message.partition(), offset: message.offset() }),
            Err((error, _)) => {
                self.0.note(error);
                Err(Error::of(PRODUCE, error))
            }
        });
    }
}
