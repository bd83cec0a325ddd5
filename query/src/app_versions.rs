//! Which of an app's versions the wildcards of a request stand for. They are matched here, over the distinct versions. Over the rows it would be rows
//! times wildcards, in the tables' server, which looks at its clock only between two blocks of rows.

use crate::error::{Error, invalid};
use crate::param::{Target, TimeRange, VersionFilter};
use crate::sql;
use crate::store::{Row, Store, hex};
use serde::Deserialize;

/// Versions of an app in a range that wildcards are matched with.
const MOST_KNOWN: usize = 50_000;
/// Versions that all wildcards of a question may stand for.
const MOST_MATCHED: usize = 2_000;

#[derive(Row, Deserialize)]
struct Known {
    version: String,
}

/// The versions with those that their wildcards stand for among what the app has in `range`.
///
/// # Errors
/// They stand for too many versions; the tables give no answer.
pub async fn resolve(store: &Store, target: &Target, versions: VersionFilter, range: &TimeRange) -> Result<VersionFilter, Error> {
    let globs = versions.globs();
    if globs.is_empty() {
        return Ok(versions);
    }
    let statement = sql!("app_versions.sql").bind(target).bind(range).unsigned("most", MOST_KNOWN as u64 + 1);
    let matching = move |known: Vec<Known>| {
        let is_meant = |known: &Known| globs.iter().any(|glob| glob.matches(&known.version));
        (known.len(), known.into_iter().filter(is_meant).map(|known| hex(&known.version)).take(MOST_MATCHED + 1).collect::<Vec<_>>())
    };
    let (known, matched) = store.fold(statement, matching).await?;
    match (known > MOST_KNOWN, matched.len() > MOST_MATCHED) {
        (true, _) => Err(invalid(
            "version",
            format!("the app has more than {MOST_KNOWN} versions here: name those you mean, or ask for a shorter range"),
        )),
        (_, true) => Err(invalid("version", format!("the wildcards stand for more than {MOST_MATCHED} versions"))),
        (false, false) => Ok(VersionFilter { matched, ..versions }),
    }
}
