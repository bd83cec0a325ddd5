//! Stack text to frames: one parser per family of runtimes, chosen by one cheap look at the lines.
//!
//! A frame borrows from the text, so a parser allocates one vector and nothing per frame. Frames are
//! always innermost first, whatever order the runtime printed. Every parser walks the text once and
//! never fails: what it does not know it skips, and a text without frames is no trace.

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

/// Frames kept of one trace; the rest of a runaway recursion says nothing new.
pub const MAX_FRAMES: usize = 2_000;
/// Frames most traces have at most; room for them is made at once.
const USUAL_FRAMES: usize = 32;
/// Bytes of a text that are read; a log of more is cut at a character boundary.
pub const MAX_TEXT: usize = 1 << 20;

/// The family of runtimes a frame comes from; each has its own rule file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    Java,
    Python,
    JavaScript,
    CSharp,
    Native,
    Kernel,
    Go,
    Rust,
    Php,
    Ruby,
    Dart,
    Lua,
    Unreal,
    /// A virtual machine of Java that died itself.
    HotSpot,
    /// A dump of all threads; its frames are of another language.
    Threads,
}

impl Language {
    /// The name of the parser, as stored and shown.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Java => "java",
            Self::Python => "python",
            Self::JavaScript => "javascript",
            Self::CSharp => "csharp",
            Self::Native => "native",
            Self::Kernel => "kernel",
            Self::Go => "go",
            Self::Rust => "rust",
            Self::Php => "php",
            Self::Ruby => "ruby",
            Self::Dart => "dart",
            Self::Lua => "lua",
            Self::Unreal => "unreal",
            Self::HotSpot => "hotspot",
            Self::Threads => "threads",
        }
    }
}

/// One line of a stack, borrowed from the text; what the runtime did not print is empty or 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Class, package, library or Python module.
    pub module: &'a str,
    /// Function or method, as printed.
    pub function: &'a str,
    /// Source file, as printed.
    pub file: &'a str,
    /// Line in the file; 0 = unknown.
    pub line: u32,
    /// What the client itself said about the frame; rules decide where it said nothing.
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
    /// What the exception that it caused says; empty where it caused none.
    pub effect: &'a str,
    pub frames: Vec<Frame<'a>>,
}

impl<'a> Trace<'a> {
    /// A trace of a language that has nothing in it yet.
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

    /// The trace where it says anything at all.
    #[must_use]
    pub fn found(self) -> Option<Self> {
        (!self.frames.is_empty() || !self.exception.is_empty()).then_some(self)
    }
}

/// Reads a stack; `None` where the text is no stack, which leaves the message to group by.
///
/// `platform` is a free hint (`android`, `native/kernel-linux`); the text decides where it can.
#[must_use]
pub fn parse<'a>(text: &'a str, platform: &str) -> Option<Trace<'a>> {
    let text = location::head(text, MAX_TEXT);
    let language = sniff::language(text, platform)?;
    match language {
        Language::Threads => anr::parse(text),
        Language::HotSpot => hotspot::parse(text),
        Language::Java => java::parse(text),
        Language::Python => python::parse(text),
        Language::JavaScript => javascript::parse(text),
        Language::CSharp => csharp::parse(text),
        Language::Native => native::parse(text),
        Language::Kernel => kernel::parse(text),
        Language::Go => go::parse(text),
        Language::Rust => rust::parse(text),
        Language::Php => php::parse(text),
        Language::Dart => dart::parse(text),
        Language::Ruby => ruby::parse(text),
        Language::Lua => lua::parse(text),
        Language::Unreal => unreal::parse(text),
    }
}
