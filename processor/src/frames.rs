//! Reads frames from the text of a stack. Each language has a parser; [`sniff`] chooses it by the first line that only one runtime prints.
//!
//! A frame borrows from the text, so a parser allocates one vector and nothing for each frame. Frames are always innermost first, whatever the order in
//! the text. A parser reads the text once and never fails: it skips lines that it does not know, and a text without frames is not a trace.
//! [`register`] has what grouping knows of each language.

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
pub mod register;
pub mod ruby;
pub mod rust;
pub mod search;
pub mod sniff;
pub mod symbol;
pub mod trace;
pub mod unreal;
pub mod windows;

pub use language::Language;
pub use trace::{Frame, MAX_FRAMES, Trace};

/// The most bytes of a text that are read; a longer text is cut at a character boundary.
pub const MAX_TEXT: usize = 1 << 20;

/// Reads a stack; `None` where the text is not a stack, and reports are grouped by the message.
///
/// `platform` is a hint in the client's words (`android`, `native/kernel-linux`); the text decides where it can.
#[must_use]
pub fn parse<'a>(text: &'a str, platform: &str) -> Option<Trace<'a>> {
    let text = location::head(text, MAX_TEXT);
    (sniff::language(text, platform)?.entry().parse)(text)
}
