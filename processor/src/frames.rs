//! Reads frames from the text of a stack. Each language has a parser; [`sniff`] chooses it by the first line that only one runtime prints.
//!
//! A frame borrows from the text, so a parser allocates one vector and nothing for each frame. Frames are always innermost first, whatever the order in
//! the text. A parser reads the text once and never fails: it skips lines that it does not know, and a text without frames is not a trace.
//! [`language`] is the register of languages.

pub mod anr;
pub mod apple;
pub mod classify;
pub mod csharp;
pub mod culprit;
pub mod dart;
pub mod gdb;
pub mod go;
pub mod hotspot;
pub mod java;
pub mod javascript;
pub mod kernel;
pub mod language;
pub mod location;
pub mod lua;
pub mod native;
pub mod normal;
pub mod php;
pub mod python;
pub mod ruby;
pub mod rust;
pub mod search;
pub mod sniff;
pub mod symbol;
pub mod unreal;
pub mod windows;

pub use language::Language;

/// The most frames that are kept of one trace; the rest of an endless recursion is the same.
pub const MAX_FRAMES: usize = 2_000;
/// Frames for which room is made at once; most traces have no more.
const USUAL_FRAMES: usize = 32;
/// The most bytes of a text that are read; a longer text is cut at a character boundary.
pub const MAX_TEXT: usize = 1 << 20;

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

/// Reads a stack; `None` where the text is not a stack, and reports are grouped by the message.
///
/// `platform` is a hint in the client's words (`android`, `native/kernel-linux`); the text decides where it can.
#[must_use]
pub fn parse<'a>(text: &'a str, platform: &str) -> Option<Trace<'a>> {
    let text = location::head(text, MAX_TEXT);
    (sniff::language(text, platform)?.entry().parse)(text)
}
