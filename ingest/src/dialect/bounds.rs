//! Every bound of what a client may say, in one table: the code goes by these constants, `docs/limits.md` is rendered from them.
//!
//! A text is cut before it is copied or multiplied, a list is bounded while it is read. What is too much costs a report no more
//! than that part of it, and the report says which.

macro_rules! bounds {
    ($($(#[doc = $what:literal])+ $name:ident = $most:expr, $unit:ident, $above:ident;)+) => {
        $($(#[doc = $what])+ pub(crate) const $name: usize = $most;)+

        /// All of them, as they are documented.
        #[cfg(test)]
        const TABLE: &[tests::Bound] = &[$(tests::Bound {
            name: stringify!($name),
            what: concat!($($what),+),
            most: $name,
            unit: tests::Unit::$unit,
            above: tests::Above::$above,
        }),+];
    };
}

const KIB: usize = 1 << 10;
const MIB: usize = 1 << 20;

bounds! {
    /// Body of a request, before and after decompression
    BODY = 8 * MIB, Bytes, Refused;
    /// Reports or connections of one request of the native dialect
    BATCH = 1000, Items, Refused;
    /// Items of an envelope; those behind are not looked at
    ENVELOPE_ITEMS = 1000, Items, Refused;
    /// Events of an envelope
    EVENTS = 100, Items, Refused;
    /// A line of headers of an envelope
    ENVELOPE_HEADER = 64 * KIB, Bytes, Refused;
    /// Groups of sessions that were counted together, of one item
    SESSION_GROUPS = 100, Items, LeftOut;
    /// Records of sessions of one envelope: one for each session, one for each device of those counted together
    SESSION_RECORDS = 100, Items, LeftOut;
    /// Starts that the sessions of one envelope may state; a server that begins 1,600 a second and tells of them every minute stays below
    SESSION_STARTS = 100_000, Items, LeftOut;
    /// Entries of each list of a client report
    CLIENT_REPORT_LIST = 128, Items, LeftOut;
    /// Entries of all client reports of an envelope
    CLIENT_REPORT_ENTRIES = 1000, Items, LeftOut;

    /// Message of an exception or a log
    MESSAGE = 64 * KIB, Bytes, Cut;
    /// Stack of the failing thread
    STACK = MIB, Bytes, Cut;
    /// `userLogs` and `sysLogs`, each; of breadcrumbs the newest lines stay
    LOG = 256 * KIB, Bytes, Cut;
    /// Class of the exception
    EXCEPTION_NAME = KIB, Bytes, Cut;
    /// Versions of the app, the system and the SDK
    VERSION = 128, Bytes, Cut;
    /// Ids: event, device, user, session; those of connections are refused instead, since a connection cannot say that it was cut
    ID = 512, Bytes, Cut;
    /// Every other short text: platform, build, bundle, channel, model, brand, system, processor, GPU, country, network, scene, process, thread, error code
    SHORT = 256, Bytes, Cut;
    /// `User-Agent`
    USER_AGENT = KIB, Bytes, Cut;
    /// Language tag; a longer one of `Accept-Language` is left out
    LOCALE = 35, Bytes, Cut;

    /// Threads beside the failing one
    THREADS = 512, Items, LeftOut;
    /// Stacks of these threads together
    THREAD_STACKS = MIB, Bytes, LeftOut;
    /// Attachments
    ATTACHMENTS = 64, Items, LeftOut;
    /// Attachments together, after Base64; of an envelope those above are left out
    ATTACHMENT_BYTES = MIB, Bytes, Refused;
    /// Parts of a fingerprint
    FINGERPRINT = 64, Items, LeftOut;
    /// A part of a fingerprint
    FINGERPRINT_PART = KIB, Bytes, Cut;
    /// Tags
    TAGS = 64, Items, LeftOut;
    /// Entries of `userKey` and of `serverKey`, each
    PAIRS = 256, Items, LeftOut;
    /// Name of such an entry, a tag, the name of an attachment
    NAME = 256, Bytes, Cut;
    /// Value of such an entry
    VALUE = 4 * KIB, Bytes, Cut;
    /// `context`, as JSON
    CONTEXT = MIB, Bytes, LeftOut;
    /// Fields that the dialect does not know, together, as JSON
    EXTRA = MIB, Bytes, LeftOut;
    /// Number of such fields
    EXTRA_FIELDS = 512, Items, LeftOut;
    /// Names of fields that were cut
    MARKS = 128, Items, LeftOut;

    /// Exceptions of a chain (Sentry): the last sent
    EXCEPTIONS = 50, Items, LeftOut;
    /// Threads that are looked at (Sentry)
    SENT_THREADS = 128, Items, LeftOut;
    /// Frames of a stack (Sentry): the innermost
    FRAMES = 1000, Items, LeftOut;
    /// Breadcrumbs (Sentry): the newest
    CRUMBS = 200, Items, LeftOut;
    /// Data of a breadcrumb (Sentry)
    CRUMB_DATA = 4 * KIB, Bytes, LeftOut;
    /// Parameters of a message (Sentry)
    PARAMS = 64, Items, LeftOut;
    /// What all prints of an event's stacks may have above the length of the event (Sentry)
    PRINT_SPARE = 16 * KIB, Bytes, Cut;
    /// What the items of a request may take of `User-Agent` and of explanations of refusals, above the length of the body
    COPIES_SPARE = 16 * KIB, Bytes, LeftOut;
}

#[cfg(test)]
mod tests {
    #![allow(clippy::expect_used)]
    use super::*;

    /// What a bound counts.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(super) enum Unit {
        Bytes,
        Items,
    }

    /// What happens above a bound.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(super) enum Above {
        /// A text is cut between two characters.
        Cut,
        /// What is above stays away, the rest is taken.
        LeftOut,
        /// The request, or the item of it, is not taken.
        Refused,
    }

    impl Above {
        fn shown(self) -> &'static str {
            match self {
                Self::Cut => "cut",
                Self::LeftOut => "left out",
                Self::Refused => "refused",
            }
        }
    }

    /// One bound, as it is documented.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(super) struct Bound {
        pub(super) name: &'static str,
        pub(super) what: &'static str,
        pub(super) most: usize,
        pub(super) unit: Unit,
        pub(super) above: Above,
    }

    const HEAD: &str = "# Limits of what clients send

Rendered from `ingest/src/dialect/bounds.rs`. Memory follows the bytes that came: one request takes at most eight times its length and 64 KiB while it
is read and made ready for the log, whatever stands in it, and the row that a report becomes at most four times and 64 KiB. A property test with a
counting allocator holds the edge to it (`ingest/src/tests/memory.rs`).

*Cut*: between two characters. *Left out*: what is above stays away, the rest is taken. In both cases the report's column `truncated` names the field as its
dialect calls it. *Refused*: 400 or 413 for the item, or for the request where there are no items. Digests and ids of reports are taken of what was sent,
before any cut.

A connection has no such column: its ids are refused above their bound, its version, model, system and country are cut as those of reports are, so that both
count under the same name, and fields that it does not know are left out.

| Bound | Most | Above it | Of what |
|---|---|---|---|
";

    fn shown(most: usize, unit: Unit) -> String {
        match unit {
            Unit::Bytes if most.is_multiple_of(MIB) => format!("{} MiB", most / MIB),
            Unit::Bytes if most.is_multiple_of(KIB) => format!("{} KiB", most / KIB),
            Unit::Bytes => format!("{most} bytes"),
            Unit::Items => most.to_string(),
        }
    }

    fn page() -> String {
        let row = |bound: &Bound| {
            let name = bound.name.to_lowercase();
            format!("| `{name}` | {} | {} | {} |\n", shown(bound.most, bound.unit), bound.above.shown(), bound.what.trim())
        };
        HEAD.to_owned() + &TABLE.iter().map(row).collect::<String>()
    }

    /// `AFTERSHOCK_RENEW=1 cargo test -p ingest bounds` writes the page.
    #[test]
    fn the_page_is_what_the_code_says() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/limits.md");
        if std::env::var_os("AFTERSHOCK_RENEW").is_some() {
            std::fs::write(path, page()).expect("the page is written");
        }
        let written = std::fs::read_to_string(path).unwrap_or_default();
        assert!(written == page(), "docs/limits.md differs from the code: run AFTERSHOCK_RENEW=1 cargo test -p ingest bounds");
    }

    #[test]
    fn the_log_reads_whatever_the_edge_lets_through() {
        for list in [THREADS, ATTACHMENTS, FINGERPRINT, TAGS, PAIRS, MARKS] {
            assert!(list <= schemas::record::MAX_ITEMS);
        }
    }
}
