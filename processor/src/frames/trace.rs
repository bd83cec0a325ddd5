//! A stack as it was read: its exception and its frames.

use super::Language;

/// The most frames that are kept of one trace; the rest of an endless recursion is the same.
pub const MAX_FRAMES: usize = 2_000;
/// Frames for which room is made at once; most traces have no more.
const USUAL_FRAMES: usize = 32;

/// A frame, borrowed from the text. Values that the runtime did not print are empty or 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Class, package, library or Python module.
    pub module: &'a str,
    /// Function or method, as printed.
    pub function: &'a str,
    /// Source file, as printed.
    pub file: &'a str,
    /// Line in the file; 0 where it is unknown.
    pub line: u32,
    /// Whether the client says that the frame is the application's; rules decide where it says nothing.
    pub in_app: Option<bool>,
}

/// What a parser found: the culprit's exception and its frames, innermost first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace<'a> {
    pub language: Language,
    /// The exception or fault as the text names it; empty where it does not.
    pub exception: &'a str,
    /// Its message, possibly of several lines; empty where there is none.
    pub message: &'a str,
    /// The message of the exception that this one caused; empty where it caused none.
    pub effect: &'a str,
    pub frames: Vec<Frame<'a>>,
}

impl<'a> Trace<'a> {
    /// An empty trace of a language.
    #[must_use]
    pub const fn of(language: Language) -> Self {
        Self { language, exception: "", message: "", effect: "", frames: Vec::new() }
    }

    /// Adds a frame unless the bound is reached.
    pub fn push(&mut self, frame: Frame<'a>) {
        if self.frames.is_empty() {
            self.frames.reserve(USUAL_FRAMES);
        }
        if self.frames.len() < MAX_FRAMES {
            self.frames.push(frame);
        }
    }

    /// The trace, if it has a frame or an exception.
    #[must_use]
    pub fn found(self) -> Option<Self> {
        (!self.frames.is_empty() || !self.exception.is_empty()).then_some(self)
    }
}
