//! The blocking half of a statement: everything that talks to the engine.

use crate::body::BodyReader;
use crate::compression::FrameReader;
use crate::escapes;
use crate::exception::{BAD_ARGUMENTS, Exception, NOT_IMPLEMENTED, READONLY, SYNTAX_ERROR};
use crate::format::{self, Joint};
use crate::kill;
use crate::library::{Class, Connection};
use crate::reply::{Head, Outbox};
use crate::request::Call;
use crate::running::Entry;
use crate::session::{Mark, Session, Setup};
use crate::statement::{self, Shape, Statement};
use crate::store::Store;
use crate::user::User;
use bytes::Bytes;
use std::io::{BufRead, Cursor, Read};

/// Longest text of a statement, without an insert's data.
const MAX_STATEMENT_BYTES: usize = 16 << 20;
/// How much more of a body is read before the text is looked at again.
const READ_STEP: usize = 64 << 10;

/// A request's body, unpacked, lent in the pieces that it comes in.
pub type Source<'a> = Box<dyn BufRead + Send + 'a>;

/// A statement's text, what it is, and the bytes after it.
pub struct Text<'a> {
    pub bytes: Vec<u8>,
    statement: Statement,
    pub data: Source<'a>,
}

/// A statement handed to a thread of its own.
pub struct Job {
    pub call: Call,
    pub user: User,
    pub body: BodyReader,
    /// What its session is to be told.
    pub setup: Setup,
    /// Opened ahead, where there was one.
    pub session: Option<Session>,
    pub mark: Mark,
    pub entry: Entry,
}

/// What a statement that ended well left in its session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trace {
    /// Nothing: it read rows or inserted some.
    None,
    /// It may have changed a setting, the database, a temporary table.
    Possible,
}

/// Runs a statement and sends its result.
pub fn run(store: &Store, session: &mut Session, job: Job, out: &mut Outbox) -> Result<Trace, Exception> {
    // Bound here, so that it ends with the statement: the client may use its id again once it has the reply.
    let Job { call, user, body, setup, entry: _entry, .. } = job;
    let call = &call;
    let mut text = text(call, body)?;
    if text.statement.uses_files {
        return Err(Exception::new(NOT_IMPLEMENTED, "INTO OUTFILE and FROM INFILE are not allowed over HTTP"));
    }
    session.prepare(&setup)?;
    let connection = &mut session.connection;
    if user == User::Reader {
        escapes::refuse(connection, &text.bytes)?;
    }
    if let Some(translated) = kill::translated(&text.bytes, |id| store.engine_id(id)) {
        text.bytes = translated;
    }
    let head = match &text.statement.shape {
        Shape::Insert { head, .. } => &text.bytes[..*head],
        _ => &text.bytes[..],
    };
    let class = check(connection, head, &text.statement.shape, user, call.safe_method)?;
    match text.statement.shape.clone() {
        Shape::Insert { head, format, data } => {
            insert(connection, call, text, InsertParts { head, format, data }, out).map(|()| Trace::None)
        }
        Shape::Select if class == Class::Reads => select(connection, call, &text, out).map(|()| Trace::None),
        Shape::Select | Shape::Other => whole(connection, call, &text, class, out).map(|()| Trace::Possible),
    }
}

/// Unpacks the body and reads the statement's text from it, as far as the text goes.
pub fn text<'a>(call: &Call, body: impl BufRead + Send + 'a) -> Result<Text<'a>, Exception> {
    let source = call.body_coding.decode(body)?;
    let source: Source<'_> = if call.decompress { Box::new(FrameReader::new(source)) } else { source };
    read_text(call.query.as_deref(), source)
}

/// Finds where the text ends: it may be in the URL, in the body, or begin in the one and go on in the other.
fn read_text<'a>(query: Option<&str>, mut source: Source<'a>) -> Result<Text<'a>, Exception> {
    let mut bytes = query.unwrap_or("").trim_end().as_bytes().to_vec();
    if !bytes.is_empty() {
        let statement = statement::parse(&bytes);
        if let Shape::Insert { .. } = statement.shape {
            return Ok(Text { bytes, statement, data: source });
        }
        bytes.push(b'\n');
    }
    loop {
        let read = source.by_ref().take(READ_STEP as u64).read_to_end(&mut bytes)?;
        let statement = statement::parse(&bytes);
        let found = matches!(&statement.shape, Shape::Insert { format: Some(_), data, .. } if *data < bytes.len());
        if read < READ_STEP || found {
            return Ok(Text { bytes, statement, data: source });
        }
        if bytes.len() > MAX_STATEMENT_BYTES {
            return Err(Exception::new(SYNTAX_ERROR, "The statement is too long (max_query_size)"));
        }
    }
}

/// Asks the engine's parser what the statement does, and refuses what this request may not do.
fn check(connection: &mut Connection, sql: &[u8], shape: &Shape, user: User, safe_method: bool) -> Result<Class, Exception> {
    if sql.trim_ascii().is_empty() {
        return Err(Exception::new(SYNTAX_ERROR, "Syntax error: empty query"));
    }
    if let Shape::Insert { .. } = shape {
        return if user == User::Reader || safe_method { Err(read_only(safe_method)) } else { Ok(Class::Writes) };
    }
    let analysis = connection.analyse(sql);
    if analysis.statements > 1 {
        return Err(Exception::new(SYNTAX_ERROR, "Syntax error (Multi-statements are not allowed)"));
    }
    let changes = matches!(analysis.class, Class::Writes | Class::Controls);
    if changes && (user == User::Reader || safe_method) { Err(read_only(safe_method)) } else { Ok(analysis.class) }
}

fn read_only(safe_method: bool) -> Exception {
    let why = if safe_method {
        ". For queries over HTTP, method GET implies readonly. You should use method POST for modifying queries"
    } else {
        ""
    };
    Exception::new(READONLY, format_args!("Cannot execute query in readonly mode{why}"))
}

/// Where the parts of an insert are in its text.
struct InsertParts {
    /// The end of what comes before the data, without the format.
    head: usize,
    format: Option<String>,
    /// The beginning of the data.
    data: usize,
}

/// Hands an insert's data to the engine as it comes. The engine cuts blocks by rows and bytes, so where the pieces are cut
/// does not show. If the body breaks off the insert is cancelled.
fn insert(connection: &mut Connection, call: &Call, text: Text<'_>, parts: InsertParts, out: &mut Outbox) -> Result<(), Exception> {
    let InsertParts { head, format, data } = parts;
    let format = format.or_else(|| call.default_format.clone()).unwrap_or_else(|| "Values".into());
    let (sql, inline) = (&text.bytes[..head], text.bytes[data..].to_vec());
    let mut source = Cursor::new(inline).chain(text.data);
    let mut insert = connection.insert(sql, &format, &call.params).map_err(Exception::from_engine)?;
    loop {
        let piece = source.fill_buf()?;
        if piece.is_empty() || !insert.append(piece) {
            break;
        }
        let length = piece.len();
        source.consume(length);
    }
    let output = insert.finish().map_err(Exception::from_engine)?;
    out.start(Head { format, counts: output.counts() });
    Ok(())
}

fn output_format(call: &Call, statement: &Statement) -> String {
    statement.format.clone().or_else(|| call.default_format.clone()).unwrap_or_else(|| "TabSeparated".into())
}

/// Streams a SELECT where its format allows that.
fn select(connection: &mut Connection, call: &Call, text: &Text<'_>, out: &mut Outbox) -> Result<(), Exception> {
    let format = output_format(call, &text.statement);
    let joint = format::joint(&format);
    let shaped = ["output_format_json_array_of_rows", "extremes"];
    let unsteady = call.settings.iter().any(|(name, value)| shaped.contains(&name.as_str()) && value != "0");
    if joint == Joint::Whole || call.whole || text.statement.totals || unsteady {
        return whole(connection, call, text, Class::Reads, out);
    }
    let mut stream = connection.stream(&text.bytes, &format, &call.params).map_err(Exception::from_engine)?;
    let Some(first) = stream.next().map_err(Exception::from_engine)? else {
        out.start(Head { format, ..Head::default() });
        return Ok(());
    };
    let length =
        joint.header(&first).ok_or_else(|| Exception::new(BAD_ARGUMENTS, "The result's header is not what its format promises"))?;
    let header = first[..length].to_vec();
    out.start(Head { format, counts: first.counts() });
    out.data(Bytes::from_owner(first))?;
    while let Some(chunk) = stream.next().map_err(Exception::from_engine)? {
        let skip = if chunk.starts_with(&header) { length } else { 0 };
        out.data(Bytes::from_owner(chunk).slice(skip..))?;
    }
    Ok(())
}

/// Runs a statement to its end before the first byte is sent.
fn whole(connection: &mut Connection, call: &Call, text: &Text<'_>, class: Class, out: &mut Outbox) -> Result<(), Exception> {
    let format = output_format(call, &text.statement);
    let output = connection.query(&text.bytes, &format, &call.params).map_err(Exception::from_engine)?;
    if class == Class::Unknown && output.is_empty() {
        // A word that only the library's own shell knows.
        return Err(Exception::new(SYNTAX_ERROR, "Syntax error: this is not a statement"));
    }
    out.start(Head { format, counts: output.counts() });
    out.data(Bytes::from_owner(output))
}
