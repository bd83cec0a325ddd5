//! The frames of a stack, kept close together: a frame is ten times as large in memory as a client may write it, and an event may
//! have a hundred thousand of them.
//!
//! Texts stand one behind the other; what they are, and the numbers, stand packed beside them. A frame is unpacked when it is
//! printed.

use super::frame::Frame;
use super::lenient::{Fields, Lenient, read};
use super::values::{Flag, Text, Whole};
use crate::dialect::bounds::FRAMES;
use crate::dialect::value::Key;
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess};
use std::borrow::Cow;

/// Whether a number stands behind a frame's texts.
const HAS_LINE: u8 = 1 << 4;
const HAS_COLUMN: u8 = 1 << 5;

/// A stack.
#[derive(Debug, Default)]
pub(super) struct Stack {
    pub(super) frames: Frames,
}

impl<'de> Lenient<'de> for Stack {
    fn object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        let mut stack = Self::default();
        while let Some(name) = object.next_key::<Key<'de>>()? {
            match &*name.0 {
                "frames" => stack.frames = object.next_value()?,
                _ => object.next_value::<IgnoredAny>().map(|_| ())?,
            }
        }
        Ok(stack)
    }
}

impl<'de> Deserialize<'de> for Stack {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

/// Frames, outermost first: the innermost [`FRAMES`].
#[derive(Debug, Default)]
pub(super) struct Frames {
    texts: String,
    /// For each frame its flags, which texts it has, their lengths, and its numbers.
    shapes: Vec<u8>,
    /// Where each frame ends, in the shapes and in the texts.
    ends: Vec<(u32, u32)>,
    is_cut: bool,
}

impl Frames {
    pub(super) fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Whether there were more.
    pub(super) fn is_cut(&self) -> bool {
        self.is_cut
    }

    /// The frames, unpacked one at a time.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = Frame<'_>> + ExactSizeIterator {
        (0..self.ends.len()).map(|place| self.unpacked(place))
    }

    /// Adds a frame; one without any field is skipped.
    fn push(&mut self, frame: &Frame<'_>) {
        let texts = texts_of(frame);
        let flags = of_flag(frame.in_app) | of_flag(frame.native) << 2;
        let line = frame.line.0.map_or(0, |_| HAS_LINE);
        let column = frame.column.0.map_or(0, |_| HAS_COLUMN);
        let present = texts.iter().enumerate().filter(|(_, text)| !text.is_empty()).fold(0, |present, (place, _)| present | 1_u8 << place);
        if flags | line | column | present == 0 {
            return;
        }
        if self.ends.len() == 2 * FRAMES {
            self.forget(FRAMES);
        }
        self.shapes.extend([flags | line | column, present]);
        for text in texts.into_iter().filter(|text| !text.is_empty()) {
            self.texts.push_str(text);
            self.number(text.len() as u64);
        }
        for number in [frame.line.0, frame.column.0].into_iter().flatten() {
            // Only bits are wanted: the sign in the lowest one, so that small numbers of either sign are short.
            self.number(((number << 1) ^ (number >> 63)) as u64);
        }
        // A body is far shorter than 4 GiB.
        self.ends.push((u32::try_from(self.shapes.len()).unwrap_or(u32::MAX), u32::try_from(self.texts.len()).unwrap_or(u32::MAX)));
    }

    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.shapes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.shapes.push(number as u8);
    }

    /// Forgets the outermost frames.
    fn forget(&mut self, count: usize) {
        let Some((shapes, texts)) = count.checked_sub(1).and_then(|last| self.ends.get(last).copied()) else { return };
        self.shapes.drain(..shapes as usize);
        self.texts.drain(..texts as usize);
        self.ends.drain(..count);
        self.ends.iter_mut().for_each(|end| *end = (end.0 - shapes, end.1 - texts));
        self.is_cut = true;
    }

    fn unpacked(&self, place: usize) -> Frame<'_> {
        let before = place.checked_sub(1).and_then(|before| self.ends.get(before)).copied().unwrap_or_default();
        let (start, mut text_start) = (before.0 as usize, before.1 as usize);
        let mut shape = self.shapes.get(start..).unwrap_or_default().iter().copied();
        let (flags, present) = (shape.next().unwrap_or_default(), shape.next().unwrap_or_default());
        let mut texts = [""; 7];
        for (_, text) in texts.iter_mut().enumerate().filter(|(bit, _)| present & 1 << bit != 0) {
            let end = text_start + unpacked_number(&mut shape) as usize;
            *text = self.texts.get(text_start..end).unwrap_or_default();
            text_start = end;
        }
        let mut number = |is_there: u8| {
            (flags & is_there != 0).then(|| {
                let bits = unpacked_number(&mut shape);
                (bits >> 1) as i64 ^ -((bits & 1) as i64)
            })
        };
        let (line, column) = (number(HAS_LINE), number(HAS_COLUMN));
        let [function, module, filename, abs_path, package, address, source] = texts.map(|text| Text(Cow::Borrowed(text)));
        let (in_app, native) = (to_flag(flags), to_flag(flags >> 2));
        Frame { function, module, filename, abs_path, line: Whole(line), column: Whole(column), in_app, package, address, source, native }
    }
}

fn texts_of<'f>(frame: &'f Frame<'_>) -> [&'f str; 7] {
    [&frame.function, &frame.module, &frame.filename, &frame.abs_path, &frame.package, &frame.address, &frame.source].map(|text| &*text.0)
}

fn unpacked_number(shape: &mut impl Iterator<Item = u8>) -> u64 {
    let (mut number, mut shift) = (0, 0);
    for byte in shape {
        number |= u64::from(byte & 0x7f) << shift;
        shift += 7;
        if byte & 0x80 == 0 || shift > 63 {
            break;
        }
    }
    number
}

fn of_flag(flag: Flag) -> u8 {
    match flag.0 {
        None => 0,
        Some(false) => 1,
        Some(true) => 2,
    }
}

fn to_flag(bits: u8) -> Flag {
    Flag(match bits & 3 {
        1 => Some(false),
        2 => Some(true),
        _ => None,
    })
}

impl<'de> Lenient<'de> for Frames {
    fn list<A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let mut frames = Self::default();
        while let Some(frame) = list.next_element::<Frame<'de>>()? {
            frames.push(&frame);
        }
        let over = frames.ends.len().saturating_sub(FRAMES);
        frames.forget(over);
        Ok(frames)
    }

    /// `{"values": list}` or one frame, as every list may be.
    fn object<A: MapAccess<'de>>(mut object: A) -> Result<Self, A::Error> {
        let (mut single, mut values) = (Frame::default(), None);
        while let Some(name) = object.next_key::<Key<'de>>()? {
            match &*name.0 {
                "values" => values = Some(object.next_value::<Self>()?),
                _ => single.field(name, &mut object)?,
            }
        }
        Ok(values.unwrap_or_else(|| {
            let mut frames = Self::default();
            frames.push(&single);
            frames
        }))
    }
}

impl<'de> Deserialize<'de> for Frames {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        read(deserializer)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    fn frames(json: &serde_json::Value) -> Frames {
        serde_json::from_str(&json.to_string()).unwrap()
    }

    proptest! {
        #[test]
        fn a_frame_is_unpacked_as_it_was_packed(
            texts in prop::collection::vec(prop::array::uniform7("(|[a-z]{1,3}|\\PC{0,200})"), 0..5),
            line in prop::option::of(any::<i64>()), column in prop::option::of(-3_i64..300),
            in_app in prop::option::of(any::<bool>()), native in prop::option::of(any::<bool>()),
        ) {
            let mut frames = Frames::default();
            for texts in &texts {
                let [function, module, filename, abs_path, package, address, source] = texts.each_ref().map(|text| Text(text.into()));
                let (line, column, in_app, native) = (Whole(line), Whole(column), Flag(in_app), Flag(native));
                frames.push(&Frame { function, module, filename, abs_path, line, column, in_app, package, address, source, native });
            }
            let says_something = line.is_some() || column.is_some() || in_app.is_some() || native.is_some();
            let expected: Vec<_> = texts.iter().filter(|texts| says_something || texts.iter().any(|text| !text.is_empty())).collect();
            prop_assert_eq!(frames.iter().len(), expected.len());
            for (frame, texts) in frames.iter().zip(expected) {
                prop_assert_eq!(texts_of(&frame), texts.each_ref().map(String::as_str));
                prop_assert_eq!((frame.line.0, frame.column.0, frame.in_app.0, frame.native.0), (line, column, in_app, native));
            }
        }
    }

    #[test]
    fn the_innermost_frames_are_kept() {
        for count in [FRAMES, FRAMES + 1, 2 * FRAMES, 2 * FRAMES + 1, 5 * FRAMES + 7] {
            let sent: Vec<_> = (0..count).map(|line| json!({"lineno": line, "function": format!("函数{line}")})).collect();
            let kept = frames(&sent.into());
            let lines: Vec<_> = kept.iter().map(|frame| (frame.line.0.unwrap(), frame.function.0.into_owned())).collect();
            let expected: Vec<_> = (count - FRAMES..count).map(|line| (line as i64, format!("函数{line}"))).collect();
            assert_eq!((lines, kept.is_cut()), (expected, count > FRAMES), "{count}");
        }
    }

    #[test]
    fn frames_that_say_nothing_are_none_and_every_form_of_a_list_is_read() {
        assert!(frames(&json!([{}, null, 5, [], {"vars": {"a": 1}}])).is_empty());
        for form in [json!([{"module": "m"}]), json!({"values": [{"module": "m"}]}), json!({"module": "m"})] {
            assert_eq!(frames(&form).iter().next().unwrap().module.0, "m", "{form}");
        }
        assert!(frames(&json!("none")).is_empty() && frames(&json!({})).is_empty());
    }
}
