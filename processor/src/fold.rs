//! A slice of messages to the rows that count: decode, dedupe, group. Pure but for the table's answer about old ids.

use schemas::outcome::Outcome;
use schemas::record::{self, Record, RejectedReport};
use std::collections::BTreeMap;

use crate::decode::{self, Rejection};
use crate::dedupe::{self, Claim, Id, Ids, Verdict, Window};
use crate::envelope::Envelope;
use crate::project::Rules;
use crate::slice::Slice;
use crate::stream::Stream;

/// A slice's records and what memory says about them.
pub struct Judged<S: Stream> {
    envelopes: Vec<Envelope<S::Record>>,
    claims: Vec<Claim>,
    verdicts: Vec<Verdict>,
    rejections: Vec<Rejection>,
    letters: Vec<RejectedReport>,
}

/// What a slice becomes.
pub struct Folded<T> {
    /// In the order of the log.
    pub rows: Vec<T>,
    /// What was delivered for the first time, in the order of the log.
    pub firsts: Vec<Claim>,
    /// What could not be read.
    pub letters: Vec<RejectedReport>,
    /// How many records ended how.
    pub outcomes: Vec<(Outcome, usize)>,
}

/// Reads a slice and judges its records by the window.
///
/// # Errors
/// A fault of the build.
pub fn judge<S: Stream>(slice: &Slice, partition: i32, generation: u16, window: &Window) -> Result<Judged<S>, record::Error> {
    let decoded = decode::decode::<S::Record>(&slice.messages, partition, generation)?;
    let letter = |rejection: &Rejection| {
        let message = slice.messages.get(rejection.index)?;
        Some(decode::letter(S::Record::TOPIC, partition, message, rejection))
    };
    let claims: Vec<Claim> = decoded.envelopes.iter().map(|envelope| S::claim(&envelope.value, envelope.position.appended_at)).collect();
    Ok(Judged {
        verdicts: dedupe::judge(window, &claims),
        letters: decoded.rejections.iter().filter_map(letter).collect(),
        envelopes: decoded.envelopes,
        claims,
        rejections: decoded.rejections,
    })
}

impl<S: Stream> Judged<S> {
    /// Records that could be read.
    #[must_use]
    pub fn valid(&self) -> usize {
        self.envelopes.len()
    }

    /// Records that could not.
    #[must_use]
    pub fn rejections(&self) -> &[Rejection] {
        &self.rejections
    }

    /// The ids that the table must be asked about.
    #[must_use]
    pub fn asked(&self) -> Vec<Id> {
        dedupe::asked(&self.claims, &self.verdicts)
    }

    /// Takes the table's answer: the ids that it holds.
    pub fn settle(&mut self, found: &Ids) {
        dedupe::settle(&self.claims, &mut self.verdicts, found);
    }

    /// Makes the rows of what was delivered for the first time, grouped by the rules of the projects.
    #[must_use]
    pub fn fold(self, rules: &Rules) -> Folded<S::Row> {
        let outcomes = self.outcomes();
        let is_first = |verdict: &Verdict| *verdict == Verdict::First;
        let firsts = self.claims.iter().zip(&self.verdicts).filter(|(_, verdict)| is_first(verdict)).map(|(claim, _)| *claim).collect();
        let counting = self.envelopes.into_iter().zip(&self.verdicts).filter(|(_, verdict)| is_first(verdict));
        let rows = counting.map(|(envelope, _)| S::row(envelope.position, envelope.value, rules)).collect();
        Folded { rows, firsts, letters: self.letters, outcomes }
    }

    fn outcomes(&self) -> Vec<(Outcome, usize)> {
        let firsts = self.verdicts.iter().filter(|verdict| **verdict == Verdict::First).count();
        let mut outcomes = vec![(Outcome::Accepted, firsts), (Outcome::Duplicate, self.verdicts.len() - firsts)];
        let mut reasons: BTreeMap<&'static str, usize> = BTreeMap::new();
        for rejection in &self.rejections {
            *reasons.entry(rejection.reason).or_default() += 1;
        }
        outcomes.extend(reasons.into_iter().map(|(reason, count)| (Outcome::Rejected(reason), count)));
        outcomes
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::stream::Connections;
    use schemas::ids::ConnectionId;
    use schemas::record::{Connection, ConnectionKind};
    use schemas::row::ConnectionRow;
    use service::kafka::consumer::Message;

    const T0: i64 = 1_763_700_000_000;

    fn message(offset: i64, id: u8, occurred_at: Option<i64>) -> Message {
        let connection = Connection {
            connection_id: ConnectionId([id; 16]),
            app_id: "a".to_owned(),
            dialect: "native".to_owned(),
            kind: ConnectionKind::Start,
            platform_id: 1,
            version: String::new(),
            device_id: "设备".to_owned(),
            user_id: String::new(),
            country: String::new(),
            is_emulator: None,
            model: String::new(),
            os_version: String::new(),
            event_id: String::new(),
            occurred_at,
            received_at: T0,
            client_ip: String::new(),
            extra: String::new(),
            count: 1,
        };
        Message { offset, appended_at: T0 + offset, key: None, payload: record::encode(&connection).unwrap() }
    }

    fn slice(messages: &[Message]) -> Slice {
        let mut slice = Slice::starting_at(messages[0].offset);
        messages.iter().for_each(|message| slice.push(message.clone()));
        slice
    }

    fn rows(messages: &[Message], cuts: &[usize]) -> Vec<ConnectionRow> {
        let mut window = Window::new(dedupe::Bounds { length_ms: 7_200_000, ids: 1000 }, i64::MIN);
        let (mut rows, mut rest) = (Vec::new(), messages);
        for cut in cuts {
            let (head, tail) = rest.split_at(*cut);
            rest = tail;
            let folded = judge::<Connections>(&slice(head), 2, 1, &window).unwrap().fold(&Rules::default());
            window.advance(&folded.firsts);
            rows.extend(folded.rows);
        }
        assert!(rest.is_empty());
        rows
    }

    #[test]
    fn a_slice_becomes_rows_letters_and_outcomes() {
        let junk = Message { offset: 6, appended_at: T0, key: None, payload: vec![1, 2, 3] };
        let messages = [message(4, 1, Some(T0)), message(5, 1, Some(T0)), junk, message(7, 2, None), message(8, 2, None)];
        let window = Window::new(dedupe::Bounds { length_ms: 7_200_000, ids: 1000 }, T0 - 7_800_000);
        let folded = judge::<Connections>(&slice(&messages), 2, 1, &window).unwrap().fold(&Rules::default());
        let offsets: Vec<u64> = folded.rows.iter().map(|row| row.log_offset).collect();
        assert_eq!(offsets, [4, 7, 8], "what has neither name nor date counts each time");
        assert_eq!(folded.letters.len(), 1);
        assert_eq!(folded.letters[0].key(), b"connections:2:6");
        assert_eq!(folded.outcomes, [(Outcome::Accepted, 3), (Outcome::Duplicate, 1), (Outcome::Rejected("not_avro"), 1)]);
    }

    #[test]
    fn the_table_decides_what_memory_does_not_cover() {
        let messages = [message(4, 1, Some(T0 - 86_400_000)), message(5, 2, Some(T0 - 86_400_000))];
        let window = Window::new(dedupe::Bounds { length_ms: 7_200_000, ids: 1000 }, T0 - 7_800_000);
        let mut judged = judge::<Connections>(&slice(&messages), 2, 1, &window).unwrap();
        assert_eq!(judged.asked(), [[1; 16], [2; 16]]);
        judged.settle(&[[1; 16]].into_iter().collect());
        assert_eq!(judged.fold(&Rules::default()).rows.iter().map(|row| row.log_offset).collect::<Vec<_>>(), [5]);
    }

    #[test]
    fn where_slices_are_cut_changes_no_row() {
        let messages: Vec<Message> = (0..12_u8).map(|n| message(i64::from(n), n % 5, Some(T0 - i64::from(n % 5)))).collect();
        let whole = rows(&messages, &[12]);
        assert_eq!(whole.len(), 5);
        for cuts in [&[1; 12][..], &[5, 7], &[3, 3, 3, 3], &[11, 1]] {
            assert_eq!(rows(&messages, cuts), whole);
        }
    }
}
