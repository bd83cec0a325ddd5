//! A report to its issue: frames → normal names → fingerprint → `IssueId`, with what went in.
//!
//! Pure: the same report and the same rules give the same issue on every machine. Never panics,
//! reads a text of any size in linear time and at most [`crate::frames::MAX_TEXT`] of it.

mod difference;
mod explanation;
mod line;
mod signature;

pub use difference::difference;
pub use explanation::{Explanation, Seen, explain};
pub use line::{explained_line, id_of_line, line, with_subject};

use crate::fingerprint::{self, Evidence, Hash64, Named, Part, Policy};
use crate::frames::classify::{self, Class};
use crate::frames::{self, Language, Trace, normal};
use crate::normalise;
use crate::project::{Applied, Rules};

/// The grouping version, stamped in every row.
pub const VERSION: u16 = fingerprint::VERSION;

/// What grouping looks at in a report; what it does not know is empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct Subject<'a> {
    pub app_id: &'a str,
    pub platform_id: u8,
    /// `crash`, `anr` or `error`.
    pub category: &'a str,
    /// Member of the category: `Crash`, `Native`, `Unity3D`, …
    pub exception_type: &'a str,
    /// The platform in the client's words; a hint for the parser.
    pub platform_text: &'a str,
    pub exp_name: &'a str,
    pub exp_message: &'a str,
    pub stack: &'a str,
    /// The client's own grouping; wins where it is not empty.
    pub client_fingerprint: &'a [String],
    pub app_version: &'a str,
}

/// What sort of event a report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Exception,
    Native,
    Anr,
    OutOfMemory,
    StackOverflow,
    Message,
}

impl Kind {
    /// The kind as stored and hashed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exception => "exception",
            Self::Native => "native",
            Self::Anr => "anr",
            Self::OutOfMemory => "oom",
            Self::StackOverflow => "stack_overflow",
            Self::Message => "message",
        }
    }
}

/// Where a report belongs and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grouping {
    pub issue_id: [u8; 16],
    pub fingerprint: [u8; 16],
    /// One line for people: exception and top frames, at most 500 bytes.
    pub signature: String,
    /// The frame to look at first; empty where there is none.
    pub key_frame: String,
    /// The exception, read from the stack where the report did not name it.
    pub exp_name: String,
    /// Its message, likewise.
    pub exp_message: String,
    pub kind: Kind,
    /// Whether the stack has no frame of the application.
    pub is_system_stack: bool,
    pub stack_hash: u64,
    pub app_stack_hash: u64,
    pub message_hash: u64,
    /// What went into the fingerprint, in order.
    pub parts: Vec<Part>,
    /// What decided that: a rule of the project's, the client, or the kinds of the parts.
    pub basis: String,
    /// The parser that read the stack; `message` where none did.
    pub parser: &'static str,
    /// Frames read.
    pub frames: usize,
}

/// Groups a report.
#[must_use]
pub fn group(subject: &Subject<'_>) -> Grouping {
    group_by(subject, Policy::default())
}

/// Groups a report by the rules of its project.
#[must_use]
pub fn group_with(subject: &Subject<'_>, rules: &Rules) -> Grouping {
    weigh(subject, (Policy::default(), rules), |_, _| ()).0
}

/// Groups a report by a policy of the caller's.
#[must_use]
pub fn group_by(subject: &Subject<'_>, policy: Policy) -> Grouping {
    weigh(subject, (policy, &Rules::default()), |_, _| ()).0
}

/// Groups a report; `look` sees what was decided on, and the frames that were found to count.
pub(crate) fn weigh<T>(
    subject: &Subject<'_>,
    (policy, rules): (Policy, &Rules),
    look: impl FnOnce(&Evidence<'_>, &[Named<'_>]) -> T,
) -> (Grouping, T) {
    let trace = frames::parse(subject.stack, subject.platform_text);
    let texts = Texts::of(subject, trace.as_ref());
    let kind = kind_of(subject, trace.as_ref(), texts.fault);
    let is_kernel = trace.as_ref().is_some_and(|trace| trace.language == Language::Kernel);
    // A kernel's title names one function, and above it calls come from everywhere.
    let policy = if is_kernel { Policy { thrown_frames: 1, poor_frames: 1, ..policy } } else { policy };
    let names = Names::of(trace.as_ref());
    let mut frames = names.distinct();
    let (stack_hash, app_stack_hash) = hashes(&frames);
    rules.sort(subject.app_id, &mut frames);
    let recurring = if kind == Kind::StackOverflow { names.recurring() } else { Vec::new() };
    let form = normalise::message(texts.message);
    let exception = without_digits(kind, fault_family(kind, &texts));
    let has_classes = trace.as_ref().is_some_and(|trace| matches!(trace.language, Language::Java | Language::CSharp));
    let evidence = Evidence { kind, exception: &exception, message: &form, frames: &frames, recurring: &recurring, has_classes };
    let Applied { parts, own, basis } = rules.decide(subject.app_id, texts.message, subject.client_fingerprint, (&evidence, policy));
    let fingerprint = fingerprint::hash(&parts);
    let top = fingerprint::top(&evidence, policy);
    let looked = look(&evidence, &top);
    let grouping = Grouping {
        issue_id: fingerprint::issue_id(subject.app_id, subject.platform_id, subject.category, &fingerprint),
        fingerprint,
        signature: signature::of(&own, &evidence, &top),
        key_frame: top.first().map_or_else(String::new, |frame| signature::cut(frame.name).to_owned()),
        exp_name: signature::cut(first_of(subject.exp_name, texts.fault)).to_owned(),
        exp_message: signature::cut_to(first_of(subject.exp_message, texts.message), 4_096).to_owned(),
        kind,
        is_system_stack: !frames.is_empty() && frames.iter().all(|frame| frame.class != Class::App),
        stack_hash,
        app_stack_hash,
        message_hash: hash_of(&form),
        parts,
        basis,
        parser: trace.as_ref().map_or("message", |trace| trace.language.name()),
        frames: trace.as_ref().map_or(0, |trace| trace.frames.len()),
    };
    (grouping, looked)
}

/// The fault and its message: of a chain the innermost, else what the report says.
struct Texts<'a> {
    fault: &'a str,
    message: &'a str,
}

impl<'a> Texts<'a> {
    fn of(subject: &Subject<'a>, trace: Option<&Trace<'a>>) -> Self {
        let Some(trace) = trace else {
            let message = first_of(subject.exp_message, telling_lines(subject.stack));
            return Self { fault: subject.exp_name, message };
        };
        if trace.exception.is_empty() {
            return Self { fault: subject.exp_name, message: first_of(subject.exp_message, trace.message) };
        }
        // Where the stack names the fault, its message belongs to it, and the report's may be the outer one's.
        Self { fault: trace.exception, message: trace.message }
    }
}

fn kind_of(subject: &Subject<'_>, trace: Option<&Trace<'_>>, fault: &str) -> Kind {
    const MEMORY: [&str; 6] = ["OutOfMemoryError", "OutOfMemoryException", "MemoryError", "bad_alloc", "out-of-memory", "OOM"];
    const DEPTH: [&str; 4] = ["StackOverflowError", "StackOverflowException", "RecursionError", "stack-overflow"];
    if subject.category.eq_ignore_ascii_case("anr") {
        return Kind::Anr;
    }
    if MEMORY.iter().any(|ending| fault.ends_with(ending)) {
        return Kind::OutOfMemory;
    }
    if DEPTH.iter().any(|ending| fault.ends_with(ending)) {
        return Kind::StackOverflow;
    }
    match trace {
        Some(trace) if matches!(trace.language, Language::Native | Language::Kernel) => Kind::Native,
        Some(_) => Kind::Exception,
        None if subject.exp_name.is_empty() => Kind::Message,
        None => Kind::Exception,
    }
}

/// Normal names of all frames in one string, so that a frame costs no allocation of its own.
struct Names {
    text: String,
    ends: Vec<(usize, Class)>,
}

impl Names {
    fn of(trace: Option<&Trace<'_>>) -> Self {
        let mut this = Self { text: String::new(), ends: Vec::new() };
        let Some(trace) = trace else { return this };
        let rules = classify::rules(trace.language);
        this.text.reserve(trace.frames.len() * 64);
        this.ends.reserve(trace.frames.len());
        for frame in &trace.frames {
            let start = this.text.len();
            normal::write(trace.language, frame, &mut this.text);
            let end = start + signature::cut(&this.text[start..]).len();
            this.text.truncate(end);
            if this.text.len() > start {
                let class = rules.class(frame, &this.text[start..]);
                if class == Class::Test {
                    // Tests of one class fail for one cause; which of them met it says little.
                    let method = this.text[start..].rfind('.').unwrap_or(0);
                    this.text.truncate(start + method);
                }
                this.ends.push((this.text.len(), class));
            }
        }
        this
    }

    fn all(&self) -> impl Iterator<Item = Named<'_>> {
        let mut start = 0;
        self.ends.iter().map(move |(end, class)| {
            let name = &self.text[start..*end];
            start = *end;
            Named { name, class: *class }
        })
    }

    /// Recursion collapsed: a name that occurred a few frames before is the same loop again.
    fn distinct(&self) -> Vec<Named<'_>> {
        const WINDOW: usize = 6;
        let mut kept: Vec<Named<'_>> = Vec::with_capacity(self.ends.len());
        for frame in self.all() {
            let near = kept.len().saturating_sub(WINDOW);
            if !kept[near..].iter().any(|known| known.name == frame.name) {
                kept.push(frame);
            }
        }
        kept
    }

    /// The names a runaway recursion goes round in, sorted: where it started to count is chance.
    fn recurring(&self) -> Vec<&str> {
        const OFTEN: usize = 3;
        let mut names: Vec<_> = self.all().take(512).map(|frame| frame.name).collect();
        names.sort_unstable();
        names.chunk_by(|a, b| a == b).filter(|run| run.len() >= OFTEN).map(|run| run[0]).collect()
    }
}

fn hashes(frames: &[Named<'_>]) -> (u64, u64) {
    let (mut all, mut app) = (Hash64::default(), Hash64::default());
    for frame in frames {
        all.add(frame.name);
        if frame.class == Class::App {
            app.add(frame.name);
        }
    }
    (all.value(), app.value())
}

fn hash_of(value: &str) -> u64 {
    let mut hash = Hash64::default();
    hash.add(value);
    hash.value()
}

/// A wild access is met as an overflow or as a signal by chance: what lay behind the buffer decides.
/// Whether it read or wrote is no chance.
fn fault_family<'a>(kind: Kind, texts: &Texts<'a>) -> &'a str {
    const ACCESS: [&str; 10] = [
        "SEGV",
        "SIGSEGV",
        "SIGBUS",
        "BUS",
        "access-violation",
        "heap-buffer-overflow",
        "EXC_BAD_ACCESS",
        "unknown-crash",
        "SourceAv",
        "Segmentation fault",
    ];
    if kind != Kind::Native || !ACCESS.contains(&texts.fault) {
        return texts.fault;
    }
    match texts.message.lines().last().unwrap_or("") {
        line if line.contains("WRITE ") => "memory write",
        line if line.contains("READ ") => "memory read",
        _ => "memory access",
    }
}

/// An exception's name without counters: proxies and anonymous classes throw too, and a kernel's
/// fault is a sentence with addresses.
fn without_digits(kind: Kind, name: &str) -> String {
    let name = signature::cut(name);
    if kind == Kind::Native && name.contains(|c: char| c.is_ascii_digit()) {
        return normalise::message(name);
    }
    let mut out = String::with_capacity(name.len());
    match name.contains('$') {
        true => normalise::word::push_without_digits(name, &mut out),
        false => out.push_str(name),
    }
    out
}

fn first_of<'a>(a: &'a str, b: &'a str) -> &'a str {
    if a.trim().is_empty() { b } else { a }
}

/// What a text that is no stack says: of a log the first line that complains, else its beginning.
fn telling_lines(text: &str) -> &str {
    const COMPLAINTS: [&str; 8] = ["FATAL", "Fatal", "fatal", "ERROR", "SEVERE", "Exception", "Error", "panic"];
    let text = signature::cut_to(text, frames::MAX_TEXT).trim();
    let found = text.lines().find(|line| COMPLAINTS.iter().any(|word| line.contains(word)));
    if let Some(line) = found {
        return signature::cut_to(line.trim(), 1_024);
    }
    let end = text.match_indices('\n').nth(2).map_or(text.len(), |(at, _)| at);
    signature::cut_to(&text[..end], 1_024)
}

#[cfg(test)]
mod tests;
