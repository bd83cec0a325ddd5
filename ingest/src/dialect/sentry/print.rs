//! The text that a stack becomes, bounded while it is written.

use super::frame::Frame;
use super::language::Language;
use super::packed_frames::Stack;
use super::print_frame;
use crate::dialect::cut::cut;
use crate::dialect::value::count;

/// A text of frames that is being written, and what the client said of them.
#[derive(Debug)]
pub(super) struct Print {
    text: String,
    /// Bytes that the text may have. A frame of a few bytes may be printed with sixty: how many there are does not bound it.
    room: usize,
    is_cut: bool,
    /// For each line of the text `+` (a frame of the application), `-` (none) or a space (not said).
    marks: String,
    lines: usize,
}

impl Print {
    /// A print of at most so many bytes, and what is printed last.
    pub(super) fn within(room: usize) -> Self {
        Self { text: String::new(), room, is_cut: false, marks: String::new(), lines: 0 }
    }

    /// Adds text that is not a frame.
    pub(super) fn words(&mut self, words: &str) {
        if !self.has_room() {
            return;
        }
        self.lines += ends_of_lines(words);
        self.text.push_str(words);
    }

    /// Adds the lines of a frame; `write` leaves out no line's end.
    pub(super) fn frame(&mut self, frame: &Frame<'_>, write: impl FnOnce(&mut String)) {
        if !self.has_room() {
            return;
        }
        let start = self.text.len();
        write(&mut self.text);
        if let Some(in_app) = frame.in_app.0 {
            while self.marks.len() < self.lines {
                self.marks.push(' ');
            }
            self.marks.push(if in_app { '+' } else { '-' });
        }
        self.lines += ends_of_lines(&self.text[start..]);
    }

    /// Adds all frames of a stack.
    pub(super) fn stack(&mut self, language: Language, stack: &Stack) {
        let frames = &stack.frames;
        self.is_cut |= frames.is_cut();
        let one = |(number, frame): (usize, Frame<'_>)| self.frame(&frame, |text| print_frame::write(language, number, &frame, text));
        if language == Language::Python {
            frames.iter().enumerate().for_each(one);
        } else {
            frames.iter().rev().enumerate().for_each(one);
        }
    }

    fn has_room(&mut self) -> bool {
        self.is_cut |= self.text.len() >= self.room;
        self.text.len() < self.room
    }

    /// Text and marks; no marks where the client said nothing of any frame.
    pub(super) fn finish(mut self) -> Printed {
        let end = self.text.trim_end_matches('\n').len();
        self.text.truncate(end);
        self.is_cut |= cut(&mut self.text, self.room);
        Printed { text: self.text, marks: self.marks, is_cut: self.is_cut }
    }
}

/// A print that is finished.
#[derive(Debug, Default)]
pub(super) struct Printed {
    pub(super) text: String,
    pub(super) marks: String,
    /// Whether there was more than its room, or than is kept of a stack.
    pub(super) is_cut: bool,
}

fn ends_of_lines(text: &str) -> usize {
    count(text, |byte| byte == b'\n')
}
