//! The normal names of a trace's frames, with what each frame is.

use super::signature;
use crate::fingerprint::NamedFrame;
use crate::frames::Trace;
use crate::frames::classify::Class;

/// Normal names of all frames in one string, so that a frame costs no allocation of its own.
pub struct Names {
    text: String,
    ends: Vec<(usize, Class)>,
    /// A class named like a test is one where a harness runs it.
    has_harness: bool,
}

impl Names {
    /// The names of a trace.
    #[must_use]
    pub fn of(trace: Option<&Trace<'_>>) -> Self {
        let mut this = Self { text: String::new(), ends: Vec::new(), has_harness: false };
        let Some(trace) = trace else { return this };
        let language = trace.language.entry();
        let rules = language.rules.rules();
        this.text.reserve(trace.frames.len() * 64);
        this.ends.reserve(trace.frames.len());
        for frame in &trace.frames {
            let start = this.text.len();
            (language.write_name)(frame, &mut this.text);
            let end = start + signature::cut(&this.text[start..]).len();
            this.text.truncate(end);
            if this.text.len() > start {
                let class = rules.class(frame, &this.text[start..]);
                this.has_harness |= matches!(class, Class::Harness | Class::Assertion);
                this.ends.push((this.text.len(), class));
            }
        }
        this
    }

    fn all(&self) -> impl Iterator<Item = NamedFrame<'_>> {
        let mut start = 0;
        self.ends.iter().map(move |(end, class)| {
            let name = &self.text[start..*end];
            start = *end;
            match class {
                // Tests of one class fail for one cause; which of them met it says little.
                Class::Test if self.has_harness => {
                    NamedFrame { name: name.rsplit_once('.').map_or(name, |(class, _)| class), class: *class }
                }
                Class::Test => NamedFrame { name, class: Class::App },
                Class::Harness => NamedFrame { name, class: Class::System },
                Class::Assertion => NamedFrame { name, class: Class::Skip },
                _ => NamedFrame { name, class: *class },
            }
        })
    }

    /// Recursion collapsed: a name that occurred a few frames before is the same loop again.
    #[must_use]
    pub fn distinct(&self) -> Vec<NamedFrame<'_>> {
        const WINDOW: usize = 6;
        let mut kept: Vec<NamedFrame<'_>> = Vec::with_capacity(self.ends.len());
        for frame in self.all() {
            let near = kept.len().saturating_sub(WINDOW);
            if !kept[near..].iter().any(|known| is_same(known.name, frame.name)) {
                kept.push(frame);
            }
        }
        kept
    }

    /// The names a runaway recursion goes round in, sorted: where it started to count is chance.
    #[must_use]
    pub fn recurring(&self) -> Vec<&str> {
        const OFTEN: usize = 3;
        let mut names: Vec<_> = self.all().take(512).map(|frame| frame.name).collect();
        names.sort_unstable();
        names.chunk_by(|a, b| a == b).filter(|run| run.len() >= OFTEN).map(|run| run[0]).collect()
    }
}

/// Whether two names are one. Names of one program begin alike, so the ends are looked at first.
fn is_same(a: &str, b: &str) -> bool {
    let tail = |name: &str| name.as_bytes().last_chunk::<8>().map(|chunk| u64::from_ne_bytes(*chunk));
    a.len() == b.len() && tail(a) == tail(b) && a == b
}
