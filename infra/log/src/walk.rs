//! Walks over the bytes of a request without keeping anything or believing any length.

use bytes::Buf;

/// Elements of all arrays of a request together, and tagged fields.
const MAX_ELEMENTS: usize = 200_000;

/// Walks over a request without keeping anything; `None` as soon as something is not there.
pub struct Walk<'a> {
    rest: &'a [u8],
    /// Newer versions write lengths as varints and end each structure with tagged fields.
    compact: bool,
    elements: usize,
}

impl<'a> Walk<'a> {
    /// Begins at the first byte of a request.
    pub fn new(rest: &'a [u8], compact: bool) -> Walk<'a> {
        Walk { rest, compact, elements: 0 }
    }

    /// So many bytes of fixed-size fields.
    pub fn fixed(&mut self, bytes: usize) -> Option<()> {
        self.rest = self.rest.get(bytes..)?;
        Some(())
    }

    fn varint(&mut self) -> Option<u32> {
        let mut value = 0;
        for shift in (0..35).step_by(7) {
            let byte = self.rest.try_get_u8().ok()?;
            value |= u32::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    /// A length or count; -1 is null.
    fn length(&mut self, short: bool) -> Option<i64> {
        match (self.compact, short) {
            (true, _) => Some(i64::from(self.varint()?) - 1),
            (false, true) => Some(i64::from(self.rest.try_get_i16().ok()?)),
            (false, false) => Some(i64::from(self.rest.try_get_i32().ok()?)),
        }
    }

    /// A string, or none.
    pub fn text(&mut self) -> Option<()> {
        let length = self.length(true)?;
        self.fixed(usize::try_from(length).unwrap_or(0))
    }

    /// Bytes, or none.
    pub fn bytes(&mut self) -> Option<()> {
        let length = self.length(false)?;
        self.fixed(usize::try_from(length).unwrap_or(0))
    }

    /// An array; its count is checked before its elements.
    pub fn array(&mut self, element: &dyn Fn(&mut Self) -> Option<()>) -> Option<()> {
        let count = self.length(false)?;
        let count = usize::try_from(count).unwrap_or(0);
        self.count(count)?;
        for _ in 0..count {
            element(self)?;
        }
        Some(())
    }

    /// An array of structures, each with its tagged fields.
    pub fn structures(&mut self, element: &dyn Fn(&mut Self) -> Option<()>) -> Option<()> {
        self.array(&|walk| {
            element(walk)?;
            walk.tags()
        })
    }

    /// An array of 32-bit integers.
    pub fn integers(&mut self) -> Option<()> {
        self.array(&|walk| walk.fixed(4))
    }

    /// An array of strings.
    pub fn texts(&mut self) -> Option<()> {
        self.array(&|walk| walk.text())
    }

    fn count(&mut self, more: usize) -> Option<()> {
        self.elements = self.elements.checked_add(more)?;
        (self.elements <= MAX_ELEMENTS && more <= self.rest.len()).then_some(())
    }

    /// The tagged fields at the end of a structure.
    pub fn tags(&mut self) -> Option<()> {
        if !self.compact {
            return Some(());
        }
        let count = self.varint()? as usize;
        self.count(count)?;
        for _ in 0..count {
            self.varint()?;
            let size = self.varint()? as usize;
            self.fixed(size)?;
        }
        Some(())
    }

    /// Both headers that the served requests have: the client's name is never compact.
    pub fn header(&mut self, version: i16) -> Option<()> {
        self.fixed(8)?;
        let compact = std::mem::replace(&mut self.compact, false);
        self.text()?;
        self.compact = compact;
        if version >= 2 { self.tags() } else { Some(()) }
    }

    /// An array of topics: a name, then what `partitions` says.
    pub fn topics_with(&mut self, partitions: &dyn Fn(&mut Self) -> Option<()>) -> Option<()> {
        self.structures(&|walk| {
            walk.text()?;
            partitions(walk)
        })
    }
}
