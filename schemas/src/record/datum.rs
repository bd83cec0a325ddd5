//! Writes the values of a datum one after another, in Avro's binary encoding.

use std::collections::BTreeMap;

/// The datum of a record, to which its fields are written in the order of the schema.
#[derive(Debug)]
pub struct Datum<'a>(&'a mut Vec<u8>);

impl<'a> Datum<'a> {
    /// Appends to `bytes`.
    pub(super) fn behind(bytes: &'a mut Vec<u8>) -> Self {
        Self(bytes)
    }

    /// `fixed`: the bytes without a length.
    pub(super) fn fixed(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// `int`, `long`, the index of an enum's symbol or of a union's branch.
    pub(super) fn number(&mut self, number: i64) -> &mut Self {
        // Zigzag: the sign in the lowest bit, so that small numbers of either sign are short. Only bits are wanted.
        let mut left = ((number << 1) ^ (number >> 63)) as u64;
        while left >= 0x80 {
            self.0.push(left as u8 | 0x80);
            left >>= 7;
        }
        self.0.push(left as u8);
        self
    }

    /// `bytes`.
    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.length(bytes.len());
        self.fixed(bytes)
    }

    /// `string`.
    pub(super) fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    /// `string` fields that follow one another.
    pub(super) fn texts<const N: usize>(&mut self, texts: [&str; N]) -> &mut Self {
        for text in texts {
            self.text(text);
        }
        self
    }

    /// A union of `null` and `long`.
    pub(super) fn maybe_number(&mut self, number: Option<i64>) -> &mut Self {
        match number {
            None => self.number(0),
            Some(number) => self.number(1).number(number),
        }
    }

    /// A union of `null` and `boolean`.
    pub(super) fn maybe(&mut self, flag: Option<bool>) -> &mut Self {
        match flag {
            None => self.number(0),
            Some(flag) => self.number(1).fixed(&[u8::from(flag)]),
        }
    }

    /// An array: one block of all items, then the end.
    pub(super) fn array<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) -> &mut Self {
        if !items.is_empty() {
            self.length(items.len());
            items.iter().for_each(|item| write(self, item));
        }
        self.number(0)
    }

    /// An array of texts.
    pub(super) fn list(&mut self, texts: &[String]) -> &mut Self {
        self.array(texts, |datum, text| {
            datum.text(text);
        })
    }

    /// A map of texts: one block of all pairs, then the end.
    pub(super) fn map(&mut self, pairs: &BTreeMap<String, String>) -> &mut Self {
        if !pairs.is_empty() {
            self.length(pairs.len());
            for (name, value) in pairs {
                self.text(name).text(value);
            }
        }
        self.number(0)
    }

    fn length(&mut self, length: usize) {
        // Nothing in memory is as long as an i64 can say.
        self.number(i64::try_from(length).unwrap_or(i64::MAX));
    }
}
