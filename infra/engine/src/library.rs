//! The C interface of `libchdb`, and the only unsafe code of the engine.
//!
//! Declarations are written by hand after `chdb.h` of version 26.7; the functions used are looked up when the library is
//! opened, so a library without one of them is refused then and not in the middle of a statement.
//! Each wrapper takes `&mut` of its connection, because a connection runs one statement at a time.
#![allow(unsafe_code)]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::path::Path;
use std::ptr::{self, NonNull};

mod output;

pub use output::{Counts, Insert, Output, Stream};

/// `chdb_query_analysis_v1`: what a statement would do, without running it.
#[repr(C)]
struct RawAnalysis {
    struct_size: u32,
    statement_count: u32,
    flags: u32,
    query_class: u32,
}

type Handle = *mut c_void;
type Text = *const c_char;

/// A statement, its format and its parameters, each text with its length; gives a result or a stream.
type Start = unsafe extern "C" fn(Handle, Text, usize, Text, usize, *const Text, *const usize, *const Text, *const usize, usize) -> Handle;

macro_rules! functions {
    ($($name:ident: $symbol:literal ($($argument:ty),*) $(-> $result:ty)?;)*) => {
        /// The functions of the library, by what they do.
        struct Functions { $($name: unsafe extern "C" fn($($argument),*) $(-> $result)?,)* }

        impl Functions {
            fn find(library: &libloading::Library) -> Result<Self, libloading::Error> {
                // SAFETY: the types are those of `chdb.h`; the library is never unloaded, so the pointers stay valid.
                unsafe { Ok(Self { $($name: *library.get::<unsafe extern "C" fn($($argument),*) $(-> $result)?>($symbol)?,)* }) }
            }
        }
    };
}

functions! {
    version: b"chdb_version" () -> Text;
    signal_handlers: b"chdb_set_signal_handlers_enabled" (c_int);
    connect: b"chdb_connect" (c_int, *const Text) -> *mut Handle;
    close: b"chdb_close_conn" (*mut Handle);
    query: b"chdb_query_with_params_n" (Handle, Text, usize, Text, usize, *const Text, *const usize, *const Text, *const usize, usize) -> Handle;
    stream: b"chdb_stream_query_with_params_n" (Handle, Text, usize, Text, usize, *const Text, *const usize, *const Text, *const usize, usize) -> Handle;
    fetch: b"chdb_stream_fetch_result" (Handle, Handle) -> Handle;
    cancel: b"chdb_stream_cancel_query" (Handle, Handle);
    destroy_result: b"chdb_destroy_query_result" (Handle);
    buffer: b"chdb_result_buffer" (Handle) -> *const u8;
    length: b"chdb_result_length" (Handle) -> usize;
    error: b"chdb_result_error" (Handle) -> Text;
    rows_read: b"chdb_result_storage_rows_read" (Handle) -> u64;
    bytes_read: b"chdb_result_storage_bytes_read" (Handle) -> u64;
    rows_written: b"chdb_result_rows_written" (Handle) -> u64;
    bytes_written: b"chdb_result_bytes_written" (Handle) -> u64;
    result_rows: b"chdb_result_rows_read" (Handle) -> u64;
    result_bytes: b"chdb_result_bytes_read" (Handle) -> u64;
    insert: b"chdb_stream_insert_with_params_n" (Handle, Text, usize, Text, usize, *const Text, *const usize, *const Text, *const usize, usize) -> Handle;
    append: b"chdb_stream_append" (Handle, *const u8, usize) -> c_int;
    done: b"chdb_stream_done" (Handle) -> Handle;
    insert_error: b"chdb_stream_insert_error" (Handle) -> Text;
    destroy_insert: b"chdb_destroy_insert_stream" (Handle);
    classify: b"chdb_classify_query_n" (Handle, Text, usize, Text, usize, *mut RawAnalysis) -> c_int;
}

/// The opened library. It lives as long as the process: an engine that has run cannot be unloaded.
pub struct Library {
    functions: Functions,
}

impl Library {
    /// Opens the library and switches its signal handlers off, which must come before the first connection.
    pub fn open(path: &Path) -> Result<&'static Self, libloading::Error> {
        // SAFETY: the file is the engine that the operator configured; its initialisers are those of ClickHouse.
        let library = Box::leak(Box::new(unsafe { libloading::Library::new(path) }?));
        let functions = Functions::find(library)?;
        // SAFETY: takes a flag; no connection exists yet.
        unsafe { (functions.signal_handlers)(0) };
        Ok(Box::leak(Box::new(Self { functions })))
    }

    /// The release of the library, for example `26.7.3`.
    pub fn version(&self) -> String {
        // SAFETY: gives a static string.
        unsafe { text((self.functions.version)()) }.unwrap_or_default()
    }

    /// A new connection. The first one starts the engine with these arguments, later ones must name the same path; `None`
    /// where the engine refuses (it says why on stderr only).
    pub fn connect(&'static self, arguments: &[CString]) -> Option<Connection> {
        let pointers: Vec<Text> = arguments.iter().map(|a| a.as_ptr()).collect();
        let count = c_int::try_from(pointers.len()).ok()?;
        // SAFETY: `pointers` holds `count` strings that outlive the call.
        let handle = NonNull::new(unsafe { (self.functions.connect)(count, pointers.as_ptr()) })?;
        Some(Connection { library: self, handle })
    }
}

/// Ends the process at once, with exit code 0.
pub fn leave() -> ! {
    // SAFETY: ends the process; nothing runs after it.
    unsafe { libc::_exit(0) }
}

/// What a statement is, by the engine's own parser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Analysis {
    /// Number of executable statements; 0 = empty or not parsed.
    pub statements: u32,
    pub class: Class,
}

/// What a statement does to state that outlives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    Reads,
    Writes,
    Controls,
    Unknown,
}

/// A session of the engine.
pub struct Connection {
    library: &'static Library,
    handle: NonNull<Handle>,
}

// SAFETY: the engine binds a connection to no thread; `&mut self` keeps its calls one after the other.
unsafe impl Send for Connection {}

impl Connection {
    /// Runs a statement to its end and gives its whole output in `format`.
    pub fn query(&mut self, sql: &[u8], format: &str, params: &Params) -> Result<Output, String> {
        let handle = self.start(self.library.functions.query, sql, format, params);
        Output::checked(self.library, handle)
    }

    /// Starts a SELECT whose output is fetched in chunks, each a complete document of `format`.
    pub fn stream(&mut self, sql: &[u8], format: &str, params: &Params) -> Result<Stream<'_>, String> {
        let handle = self.start(self.library.functions.stream, sql, format, params);
        let output = Output::checked(self.library, handle)?;
        Ok(Stream::new(self, output))
    }

    /// Starts an insert; `sql` has neither FORMAT nor data.
    pub fn insert(&mut self, sql: &[u8], format: &str, params: &Params) -> Result<Insert<'_>, String> {
        let handle = self.start(self.library.functions.insert, sql, format, params);
        Insert::checked(self.library, handle)
    }

    fn start(&mut self, function: Start, sql: &[u8], format: &str, params: &Params) -> Handle {
        let lengths = |texts: fn(&(String, String)) -> &String| params.0.iter().map(|p| texts(p).len()).collect::<Vec<_>>();
        let pointers = |texts: fn(&(String, String)) -> &String| params.0.iter().map(|p| texts(p).as_ptr().cast()).collect::<Vec<_>>();
        let (names, name_lengths) = (pointers(|p| &p.0), lengths(|p| &p.0));
        let (values, value_lengths) = (pointers(|p| &p.1), lengths(|p| &p.1));
        let (query, output) = ((sql.as_ptr().cast(), sql.len()), (format.as_ptr().cast(), format.len()));
        // SAFETY: all buffers outlive the call and are passed with their lengths; `function` is one of the library's.
        unsafe {
            let (n, nl, v, vl) = (names.as_ptr(), name_lengths.as_ptr(), values.as_ptr(), value_lengths.as_ptr());
            function(self.raw(), query.0, query.1, output.0, output.1, n, nl, v, vl, params.0.len())
        }
    }

    /// Parses without running.
    pub fn analyse(&mut self, sql: &[u8]) -> Analysis {
        let size = u32::try_from(size_of::<RawAnalysis>()).unwrap_or(0);
        let mut raw = RawAnalysis { struct_size: size, statement_count: 0, flags: 0, query_class: 4 };
        // SAFETY: `sql` is passed with its length, `raw` says its own size.
        unsafe { (self.library.functions.classify)(self.raw(), sql.as_ptr().cast(), sql.len(), ptr::null(), 0, &mut raw) };
        let class = match raw.query_class {
            0 => Class::Reads,
            1 | 2 => Class::Writes,
            3 => Class::Controls,
            _ => Class::Unknown,
        };
        Analysis { statements: raw.statement_count, class }
    }

    fn raw(&self) -> Handle {
        // SAFETY: the handle points to the connection until it is closed, in `drop`.
        unsafe { *self.handle.as_ptr() }
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        // SAFETY: closed once; results and streams borrow the connection or own their memory.
        unsafe { (self.library.functions.close)(self.handle.as_ptr()) }
    }
}

/// Named parameters of a statement, `{name:Type}`.
#[derive(Default)]
pub struct Params(pub Vec<(String, String)>);

/// A C string of the library, copied.
///
/// # Safety
/// `pointer` is null or a string that lives during the call.
unsafe fn text(pointer: Text) -> Option<String> {
    // SAFETY: the caller's promise.
    (!pointer.is_null()).then(|| unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned())
}
