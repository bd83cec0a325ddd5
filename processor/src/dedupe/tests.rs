//! The window against a plain set of everything ever delivered, over any cuts, restarts and bounds.

use super::*;
use proptest::prelude::*;

const MINUTE: i64 = 60_000;
const T0: i64 = 1_763_700_000_000;

fn key(id: u8, occurred_at: Option<i64>, appended_at: i64) -> DedupeKey {
    DedupeKey { id: [id; 16], occurred_at, is_named: false, appended_at }
}

fn two_hours() -> Window {
    Window::new(Bounds { length_ms: 120 * MINUTE, ids: 1000 }, T0)
}

#[test]
fn memory_decides_what_occurred_in_the_window() {
    let mut window = two_hours();
    let now = T0 + 60 * MINUTE;
    let keys = [key(1, Some(now - 5 * MINUTE), now), key(1, Some(now - 5 * MINUTE), now + 1), key(2, None, now)];
    assert_eq!(judge(&window, &keys), [Verdict::First, Verdict::Duplicate, Verdict::First]);
    window.advance(&keys);
    assert_eq!(judge(&window, &keys[..1]), [Verdict::Duplicate]);
    assert_eq!(window.len(), 1, "a unique report has no twin to be remembered for");
}

#[test]
fn what_memory_does_not_cover_is_asked_for() {
    let window = two_hours();
    let now = T0 + 60 * MINUTE;
    let older = key(1, Some(T0 + 9 * MINUTE), now);
    let ahead = key(2, Some(now + 11 * MINUTE), now);
    let undated = DedupeKey { is_named: true, ..key(3, None, now) };
    let keys = [older, ahead, undated];
    let mut verdicts = judge(&window, &keys);
    assert_eq!(verdicts, [Verdict::Unknown; 3]);
    assert_eq!(unknown_ids(&keys, &verdicts), [[1; 16], [2; 16], [3; 16]]);
    resolve(&keys, &mut verdicts, &[[2; 16]].into_iter().collect());
    assert_eq!(verdicts, [Verdict::First, Verdict::Duplicate, Verdict::First]);
}

#[test]
fn a_log_seen_from_its_beginning_needs_no_table() {
    let window = Window::new(Bounds { length_ms: 120 * MINUTE, ids: 1000 }, i64::MIN);
    assert_eq!(judge(&window, &[key(1, Some(0), T0)]), [Verdict::First]);
}

#[test]
fn a_blind_window_asks_for_everything() {
    let mut window = Window::disabled();
    let keys = [key(1, Some(T0), T0)];
    window.advance(&keys);
    assert!(window.is_empty());
    assert_eq!(judge(&window, &keys), [Verdict::Unknown]);
}

#[test]
fn a_full_window_begins_later_and_stays_bounded() {
    let mut window = Window::new(Bounds { length_ms: 120 * MINUTE, ids: 80 }, i64::MIN);
    for n in 0..200_u8 {
        let now = T0 + i64::from(n);
        window.advance(&[key(n, Some(now), now)]);
        assert!(window.len() <= 80, "{}", window.len());
    }
    assert!(window.begin() > T0);
    assert_eq!(judge(&window, &[key(199, Some(T0), T0 + 300)]), [Verdict::Duplicate]);
    assert_eq!(judge(&window, &[key(0, Some(T0), T0 + 300)]), [Verdict::Unknown]);
}

/// A report that is delivered once or more often.
#[derive(Debug, Clone)]
struct Event {
    occurred_at: Option<i64>,
    is_named: bool,
    deliveries: Vec<i64>,
}

/// Minutes; the first delivery is up to a day before it was dated or two days after.
fn event() -> impl Strategy<Value = Event> {
    let deliveries = prop::collection::vec(0..3000_i64, 1..4);
    (prop::option::weighted(0.9, -1440..2880_i64), any::<bool>(), deliveries).prop_map(|(age, is_named, mut deliveries)| {
        deliveries.sort_unstable();
        let occurred_at = age.map(|age| T0 + (deliveries[0] - age) * MINUTE);
        Event { occurred_at, is_named, deliveries }
    })
}

/// The log of these events: keys in the order of their append times.
fn log(events: &[Event]) -> Vec<DedupeKey> {
    let mut keys: Vec<DedupeKey> = events
        .iter()
        .zip(0_u16..)
        .flat_map(|(event, number)| event.deliveries.iter().map(move |minute| delivery(event, number, *minute)))
        .collect();
    keys.sort_by_key(|key| (key.appended_at, key.id));
    keys
}

fn delivery(event: &Event, number: u16, minute: i64) -> DedupeKey {
    let mut id = [0; 16];
    for place in [0, 13, 15] {
        id[place] = number.to_le_bytes()[0];
    }
    DedupeKey { id, occurred_at: event.occurred_at, is_named: event.is_named, appended_at: T0 + minute * MINUTE }
}

/// Every id counts once; what has neither name nor date counts always.
fn naive(log: &[DedupeKey]) -> Vec<Verdict> {
    let mut seen = Ids::default();
    let count = |key: &DedupeKey| match key.is_unique() || seen.insert(key.id) {
        true => Verdict::First,
        false => Verdict::Duplicate,
    };
    log.iter().map(count).collect()
}

/// What the sink reads back when a worker begins at `key`: the window's rows and those dated ahead.
fn restart(bounds: Bounds, table: &[DedupeKey], key: &DedupeKey) -> Window {
    let begin = key.appended_at - bounds.length_ms - ALLOWANCE_MS;
    let is_whole = table.iter().all(|row| row.appended_at >= begin);
    let mut window = Window::new(bounds, if is_whole { i64::MIN } else { begin });
    table.iter().filter(|row| row.appended_at >= begin && !row.is_unique()).for_each(|row| window.remember(row.id, row.appended_at));
    window.forget();
    table.iter().filter(|row| row.is_ahead()).for_each(|row| window.note_dated_ahead(&row.id));
    window
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn cuts_restarts_and_bounds_change_no_verdict(
        events in prop::collection::vec(event(), 1..60),
        cuts in prop::collection::vec((1..20_usize, prop::bool::weighted(0.2)), 1..100),
        ids in 8..200_usize,
        length in 1..180_i64,
    ) {
        let log = log(&events);
        let bounds = Bounds { length_ms: length * MINUTE, ids };
        let (mut table, mut found) = (Vec::new(), Vec::new());
        let mut window = restart(bounds, &table, &log[0]);
        let mut cuts = cuts.iter().cycle();
        let mut rest = &log[..];
        while !rest.is_empty() {
            let (size, is_restart) = *cuts.next().unwrap_or(&(1, false));
            let (slice, after) = rest.split_at(size.min(rest.len()));
            rest = after;
            if is_restart {
                window = restart(bounds, &table, &slice[0]);
            }
            let mut verdicts = judge(&window, slice);
            let held: Ids = table.iter().map(|row: &DedupeKey| row.id).collect();
            resolve(slice, &mut verdicts, &held);
            let first_deliveries: Vec<DedupeKey> = slice.iter().zip(&verdicts).filter(|(_, v)| **v == Verdict::First).map(|(c, _)| *c).collect();
            table.extend_from_slice(&first_deliveries);
            window.advance(&first_deliveries);
            prop_assert!(window.len() <= ids);
            found.extend(verdicts);
        }
        prop_assert_eq!(found, naive(&log));
    }
}
