//! The window of a partition as it was before a slice, read back from the table.

use schemas::row::Table;

use crate::config::Dedupe;
use crate::dedupe::{ALLOWANCE_MS, Bounds, Window};
use crate::sink::{Sink, TableError};

/// The window before the offset `first`, whose record the log took at `now`.
///
/// # Errors
/// The tables' server is away or refuses.
pub async fn window<T: Table>(sink: &Sink<T>, dedupe: &Dedupe, now: i64, first: i64) -> Result<Window, TableError> {
    let bounds = Bounds { length_ms: i64::try_from(dedupe.window.as_millis()).unwrap_or(i64::MAX / 4), ids: dedupe.ids };
    let since = now.saturating_sub(bounds.length_ms).saturating_sub(ALLOWANCE_MS).max(0);
    let rows = sink.delivered(since, first, dedupe.ids.saturating_add(1)).await?;
    let is_cut = rows.len() > dedupe.ids;
    let is_whole = !is_cut && !sink.has_earlier(since, first).await?;
    let begin = match rows.first() {
        _ if is_whole => i64::MIN,
        // The oldest of them may have had companions of the same millisecond.
        Some((_, oldest)) if is_cut => oldest.saturating_add(1),
        _ => since,
    };
    let mut window = Window::new(bounds, begin);
    for (id, appended_at) in rows {
        window.remember(id, appended_at);
    }
    window.forget();
    if begin > i64::MIN {
        for id in sink.dated_ahead(begin, first).await? {
            window.note_dated_ahead(&id);
        }
    }
    Ok(window)
}
