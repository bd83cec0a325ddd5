//! What statements give and take: results, streams of results, and inserts.

use super::{Connection, Handle, Library, text};
use std::ffi::c_void;
use std::marker::PhantomData;
use std::ops::Deref;
use std::ptr::NonNull;

/// What a statement gave: bytes in its format and counts.
pub struct Output {
    library: &'static Library,
    handle: NonNull<c_void>,
}

// SAFETY: a result owns its memory and is only read.
unsafe impl Send for Output {}
// SAFETY: as above.
unsafe impl Sync for Output {}

const NO_RESULT: &str = "Code: 1001. DB::Exception: the engine gave no result. (STD_EXCEPTION)";

impl Output {
    pub(super) fn checked(library: &'static Library, handle: Handle) -> Result<Self, String> {
        let output = Self { library, handle: NonNull::new(handle).ok_or_else(|| NO_RESULT.to_owned())? };
        // SAFETY: the handle is alive.
        match unsafe { text((library.functions.error)(output.handle.as_ptr())) } {
            Some(error) => Err(error),
            None => Ok(output),
        }
    }

    /// What was read and written so far.
    pub fn counts(&self) -> Counts {
        let (f, h) = (&self.library.functions, self.handle.as_ptr());
        // SAFETY: the handle is alive; these only read numbers.
        unsafe {
            Counts {
                read_rows: (f.rows_read)(h),
                read_bytes: (f.bytes_read)(h),
                written_rows: (f.rows_written)(h),
                written_bytes: (f.bytes_written)(h),
                result_rows: (f.result_rows)(h),
                result_bytes: (f.result_bytes)(h),
            }
        }
    }
}

/// Numbers of a statement.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub read_rows: u64,
    pub read_bytes: u64,
    pub written_rows: u64,
    pub written_bytes: u64,
    pub result_rows: u64,
    pub result_bytes: u64,
}

impl Deref for Output {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        let (f, h) = (&self.library.functions, self.handle.as_ptr());
        // SAFETY: the buffer belongs to the result and holds `length` bytes as long as it lives.
        unsafe {
            let (buffer, length) = ((f.buffer)(h), (f.length)(h));
            if buffer.is_null() || length == 0 { &[] } else { std::slice::from_raw_parts(buffer, length) }
        }
    }
}

impl AsRef<[u8]> for Output {
    fn as_ref(&self) -> &[u8] {
        self
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        // SAFETY: destroyed once.
        unsafe { (self.library.functions.destroy_result)(self.handle.as_ptr()) }
    }
}

/// A running SELECT. Dropped before its end it is cancelled.
pub struct Stream<'a> {
    connection: &'a mut Connection,
    output: Output,
    ended: bool,
}

impl<'a> Stream<'a> {
    pub(super) fn new(connection: &'a mut Connection, output: Output) -> Self {
        Self { connection, output, ended: false }
    }

    /// The next chunk; `None` at the end.
    pub fn next(&mut self) -> Result<Option<Output>, String> {
        let library = self.connection.library;
        // SAFETY: both handles are alive; `&mut self` keeps fetches one after the other.
        let handle = unsafe { (library.functions.fetch)(self.connection.raw(), self.output.handle.as_ptr()) };
        let chunk = Output::checked(library, handle).inspect_err(|_| self.ended = true)?;
        self.ended = chunk.is_empty();
        Ok((!chunk.is_empty()).then_some(chunk))
    }
}

impl Drop for Stream<'_> {
    fn drop(&mut self) {
        if !self.ended {
            // SAFETY: both handles are alive.
            unsafe { (self.connection.library.functions.cancel)(self.connection.raw(), self.output.handle.as_ptr()) }
        }
    }
}

/// A running insert. Dropped before `finish` it is cancelled.
pub struct Insert<'a> {
    library: &'static Library,
    handle: NonNull<c_void>,
    _connection: PhantomData<&'a mut Connection>,
}

impl Insert<'_> {
    pub(super) fn checked(library: &'static Library, handle: Handle) -> Result<Self, String> {
        let handle = NonNull::new(handle).ok_or_else(|| NO_RESULT.to_owned())?;
        let insert = Self { library, handle, _connection: PhantomData };
        match insert.error() {
            Some(error) => Err(error),
            None => Ok(insert),
        }
    }

    /// Gives bytes of the format, cut anywhere; waits while the engine is behind. False when it has failed: `finish` says why.
    pub fn append(&mut self, data: &[u8]) -> bool {
        // SAFETY: the data is copied during the call.
        unsafe { (self.library.functions.append)(self.handle.as_ptr(), data.as_ptr(), data.len()) == 0 }
    }

    /// Ends the input and waits until the rows are in the table.
    pub fn finish(self) -> Result<Output, String> {
        // SAFETY: called once, `self` is gone afterwards; the handle is destroyed by drop.
        let handle = unsafe { (self.library.functions.done)(self.handle.as_ptr()) };
        Output::checked(self.library, handle)
    }

    fn error(&self) -> Option<String> {
        // SAFETY: the handle is alive.
        unsafe { text((self.library.functions.insert_error)(self.handle.as_ptr())) }
    }
}

impl Drop for Insert<'_> {
    fn drop(&mut self) {
        // SAFETY: destroyed once; an insert that was not finished is cancelled by it.
        unsafe { (self.library.functions.destroy_insert)(self.handle.as_ptr()) }
    }
}
