//! The text that a processor commits beside a group's offset: which slice is open there, what is known of it, and why a stream is halted.
//!
//! ```text
//! (empty)                                                    no slice is open
//! aftershock/1 end=29                                        the slice from the committed offset to 29 is open; work on it began once
//! aftershock/2 end=29 attempts=3 trial=10-19 skip=3,5-7      work began three times and ended the process each time
//! aftershock/2 end=29 attempts=3 trial=17 again              the 17th record is tried alone a second time: an earlier start found it under trial
//! aftershock/2 end=29 attempts=0 halted=nothing_valid        the stream does not go on, and why
//! ```
//!
//! Offsets in `trial` and `skip` count from the committed offset, so that the text stays short. Builds that know only the first form
//! refuse the second and change nothing.

/// The longest text: what Kafka accepts by default (`offset.metadata.max.bytes`).
pub const MAX_BYTES: usize = 4_096;

const FIRST_FORMAT: &str = "aftershock/1 end=";
const SECOND_FORMAT: &str = "aftershock/2";
/// The longest reason, in bytes.
const MAX_REASON_BYTES: usize = 64;

/// What is committed beside an offset.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CommitNote {
    /// The last offset of the open slice, which begins at the committed offset.
    pub end: Option<i64>,
    /// How often work on the slice as a whole has begun.
    pub attempts: u32,
    /// First and last offset of the records that are under trial. A start that finds them here knows that they ended the process.
    pub trial: Option<(i64, i64)>,
    /// The trial is the second one of a single record: an earlier start found it under trial too.
    pub is_second: bool,
    /// Every record was tried; only those in `skipped` ended the process.
    pub is_tried: bool,
    /// Offsets of records that become dead letters without being read, ascending.
    pub skipped: Vec<i64>,
    /// Why the stream is halted: a stable code of lower-case letters and underscores.
    pub halted: Option<String>,
}

/// The text would be longer than [`MAX_BYTES`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the commit metadata would be longer than {MAX_BYTES} bytes")]
pub struct TooLong;

impl CommitNote {
    /// A slice on which work begins for the first time.
    #[must_use]
    pub fn opening(end: i64) -> Self {
        Self { end: Some(end), attempts: 1, ..Self::default() }
    }

    /// The text beside the offset `first`.
    ///
    /// # Errors
    /// Too many offsets are skipped.
    pub fn text(&self, first: i64) -> Result<String, TooLong> {
        if *self == Self::default() {
            return Ok(String::new());
        }
        if let Some(end) = self.end
            && *self == Self::opening(end)
        {
            return Ok(format!("{FIRST_FORMAT}{end}"));
        }
        let mut text = SECOND_FORMAT.to_owned();
        if let Some(end) = self.end {
            text.push_str(&format!(" end={end}"));
        }
        text.push_str(&format!(" attempts={}", self.attempts));
        if let Some((from, to)) = self.trial {
            text.push_str(&format!(" trial={}", span((from - first, to - first))));
        }
        if self.is_second {
            text.push_str(" again");
        }
        if self.is_tried {
            text.push_str(" tried");
        }
        if !self.skipped.is_empty() {
            let spans: Vec<String> = spans(&self.skipped, first).into_iter().map(span).collect();
            text.push_str(&format!(" skip={}", spans.join(",")));
        }
        if let Some(reason) = &self.halted {
            text.push_str(&format!(" halted={reason}"));
        }
        if text.len() <= MAX_BYTES { Ok(text) } else { Err(TooLong) }
    }

    /// Reads the text beside the offset `first`; `None` where no processor has written it.
    #[must_use]
    pub fn read(first: i64, text: &str) -> Option<Self> {
        if text.is_empty() {
            return Some(Self::default());
        }
        if text.len() > MAX_BYTES {
            return None;
        }
        if let Some(end) = text.strip_prefix(FIRST_FORMAT) {
            return number(end).filter(|end| *end >= first).map(Self::opening);
        }
        let mut note = Self::default();
        for field in text.strip_prefix(SECOND_FORMAT)?.strip_prefix(' ')?.split(' ') {
            match field.split_once('=').unwrap_or((field, "")) {
                ("end", end) => note.end = Some(number(end)?),
                ("attempts", attempts) => note.attempts = u32::try_from(number(attempts)?).ok()?,
                ("trial", trial) => note.trial = Some(offsets(trial, first)?),
                ("again", "") => note.is_second = true,
                ("tried", "") => note.is_tried = true,
                ("skip", skipped) => note.skipped = skips(skipped, first, note.end?)?,
                ("halted", reason) => note.halted = Some(reason.to_owned()),
                _ => return None,
            }
        }
        note.is_sound(first).then_some(note)
    }

    fn is_sound(&self, first: i64) -> bool {
        let Some(end) = self.end else {
            // Without an open slice there is only the reason of a halt.
            return self.halted.as_deref().is_some_and(is_reason)
                && *self == Self { halted: self.halted.clone(), attempts: self.attempts, ..Self::default() };
        };
        let trial_fits = self.trial.is_none_or(|(from, to)| first <= from && from <= to && to <= end);
        let second_fits = !self.is_second || self.trial.is_some_and(|(from, to)| from == to);
        end >= first && trial_fits && second_fits && self.halted.as_deref().is_none_or(is_reason)
    }
}

fn is_reason(reason: &str) -> bool {
    (1..=MAX_REASON_BYTES).contains(&reason.len()) && reason.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

/// Reads a number of digits only, without a sign.
fn number(text: &str) -> Option<i64> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) { text.parse().ok() } else { None }
}

fn span((from, to): (i64, i64)) -> String {
    if from == to { from.to_string() } else { format!("{from}-{to}") }
}

fn offsets(text: &str, first: i64) -> Option<(i64, i64)> {
    let (from, to) = text.split_once('-').unwrap_or((text, text));
    Some((first.checked_add(number(from)?)?, first.checked_add(number(to)?)?))
}

/// Runs of ascending offsets, counted from `first`.
fn spans(offsets: &[i64], first: i64) -> Vec<(i64, i64)> {
    let mut spans: Vec<(i64, i64)> = Vec::new();
    for offset in offsets.iter().map(|offset| offset - first) {
        match spans.last_mut() {
            Some((_, to)) if *to + 1 == offset => *to = offset,
            _ => spans.push((offset, offset)),
        }
    }
    spans
}

/// Reads the skipped offsets: ascending, within the slice, and no more than a slice can have.
fn skips(text: &str, first: i64, end: i64) -> Option<Vec<i64>> {
    const MAX: i64 = 1 << 20;
    let mut skipped: Vec<i64> = Vec::new();
    for part in text.split(',') {
        let (from, to) = offsets(part, first)?;
        let follows = skipped.last().is_none_or(|last| *last < from);
        let room = MAX - i64::try_from(skipped.len()).ok()?;
        if !follows || from > to || to > end || to - from >= room {
            return None;
        }
        skipped.extend(from..=to);
    }
    Some(skipped)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_ordinary_slice_is_written_as_earlier_builds_wrote_it() {
        assert_eq!(CommitNote::default().text(7).unwrap(), "");
        assert_eq!(CommitNote::opening(19).text(7).unwrap(), "aftershock/1 end=19");
        assert_eq!(CommitNote::read(7, "aftershock/1 end=19"), Some(CommitNote::opening(19)));
        assert_eq!(CommitNote::read(7, ""), Some(CommitNote::default()));
    }

    #[test]
    fn what_is_known_of_a_slice_survives_the_commit() {
        let note = CommitNote {
            attempts: 3,
            trial: Some((1_010, 1_019)),
            skipped: vec![1_003, 1_005, 1_006, 1_007],
            ..CommitNote::opening(1_029)
        };
        assert_eq!(note.text(1_000).unwrap(), "aftershock/2 end=1029 attempts=3 trial=10-19 skip=3,5-7");
        assert_eq!(CommitNote::read(1_000, &note.text(1_000).unwrap()), Some(note));
        let halted = CommitNote { halted: Some("log_anew".to_owned()), ..CommitNote::default() };
        assert_eq!(halted.text(5).unwrap(), "aftershock/2 attempts=0 halted=log_anew");
        assert_eq!(CommitNote::read(5, "aftershock/2 attempts=0 halted=log_anew"), Some(halted));
    }

    #[test]
    fn foreign_texts_and_offsets_outside_the_slice_are_refused() {
        for text in [
            "hello",
            "aftershock/3 end=9",
            "aftershock/1 end=",
            "aftershock/1 end=+9",
            "aftershock/1 end=九",
            "aftershock/1 end=6",
            "aftershock/2",
            "aftershock/2 ",
            "aftershock/2 end=6 attempts=1",
            "aftershock/2 end=9 attempts=1 trial=0-3",
            "aftershock/2 end=9 attempts=1 trial=2-1",
            "aftershock/2 end=9 attempts=1 trial=0-1 again",
            "aftershock/2 end=9 attempts=1 again",
            "aftershock/2 end=9 attempts=1 skip=1,1",
            "aftershock/2 end=9 attempts=1 skip=3",
            "aftershock/2 attempts=1 skip=1",
            "aftershock/2 attempts=1 trial=1 halted=a",
            "aftershock/2 end=9 attempts=-1",
            "aftershock/2 end=9 attempts=1 halted=",
            "aftershock/2 end=9 attempts=1 halted=<b>",
            "aftershock/2 end=9 attempts=1 more=1",
            "aftershock/2 end=9223372036854775807 attempts=1 skip=0-9223372036854775800",
        ] {
            assert_eq!(CommitNote::read(7, text), None, "{text}");
        }
    }

    #[test]
    fn a_text_is_never_longer_than_kafka_takes() {
        let every_second: Vec<i64> = (0..5_000).step_by(2).collect();
        let note = |skipped: &[i64]| CommitNote { skipped: skipped.to_vec(), ..CommitNote::opening(9_999) };
        assert_eq!(note(&every_second).text(0), Err(TooLong));
        assert!(note(&every_second[..700]).text(0).unwrap().len() <= MAX_BYTES);
        let all: Vec<i64> = (0..10_000).collect();
        assert_eq!(note(&all).text(0).unwrap(), "aftershock/2 end=9999 attempts=1 skip=0-9999");
    }

    prop_compose! {
        fn note()(first in 0..1_000_000_000_000_i64, length in 0..10_000_i64)(
            first in Just(first),
            end in Just(first + length),
            attempts in 0..9_u32,
            trial in prop::option::of((first..=first + length, first..=first + length)),
            is_tried in any::<bool>(),
            is_second in any::<bool>(),
            skipped in prop::collection::btree_set(first..=first + length, 0..300),
            halted in prop::option::of("[a-z_]{1,64}"),
        ) -> (i64, CommitNote) {
            let trial = trial.map(|(a, b)| (a.min(b), a.max(b)));
            let is_second = is_second && trial.is_some_and(|(from, to)| from == to);
            (first, CommitNote { end: Some(end), attempts, trial, is_second, is_tried, skipped: skipped.into_iter().collect(), halted })
        }
    }

    proptest! {
        #[test]
        fn every_note_comes_back((first, note) in note()) {
            let text = note.text(first).unwrap();
            prop_assert_eq!(CommitNote::read(first, &text), Some(note));
        }

        #[test]
        fn no_text_does_harm(first in any::<i64>(), text in "(aftershock/[0-3])?[ a-z0-9=,\\-]{0,60}") {
            if let Some(note) = CommitNote::read(first, &text) {
                prop_assert!(note.text(first).is_ok());
            }
        }
    }
}
