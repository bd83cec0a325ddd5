//! One page of a list.

use super::{Block, Context, Integer, count};
use crate::error::{Error, invalid};
use crate::store::{Bind, Statement};
use schemars::JsonSchema;
use serde::Deserialize;

/// Rows of a page where no number is named.
const ROWS: u32 = 10;
/// Rows of a numbered page where no number is named, and at most.
const NUMBERED_ROWS: u32 = 20;
const MOST_NUMBERED_ROWS: u32 = 200;

/// How a [`Page`] is spelled.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(rename = "Page")]
pub struct PageFields {
    /// Rows of the page, 10 where it is absent.
    rows: Option<Integer>,
    /// Rows to leave out before the page.
    start: Option<Integer>,
}

/// How a [`NumberedPage`] is spelled.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(rename = "NumberedPage")]
pub struct NumberedFields {
    /// Number of the page, from 1 up.
    page: Option<Integer>,
    /// Rows of a page, 20 where it is absent, at most 200.
    size: Option<Integer>,
}

/// A page by its first row; the operation says how many rows it may have.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    rows: Option<Integer>,
    start: u32,
}

/// A page by its number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NumberedPage(pub Rows);

/// The rows of a list that make a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rows {
    pub rows: u32,
    /// Rows before it.
    pub start: u32,
}

impl Page {
    /// The rows of the page, of at most `most`.
    ///
    /// # Errors
    /// A negative number.
    pub fn within(&self, most: u32) -> Result<Rows, Error> {
        Ok(Rows { rows: count("rows", self.rows, ROWS, most)?, start: self.start })
    }
}

impl Rows {
    /// The first row of the list.
    pub const FIRST: Self = Self { rows: 1, start: 0 };
}

impl Block for Page {
    type Fields = PageFields;

    fn check(fields: PageFields, _: &Context<'_>) -> Result<Self, Error> {
        let start = u32::try_from(fields.start.unwrap_or_default().0).map_err(|_| invalid("start", "expected an offset from 0 up"))?;
        Ok(Self { rows: fields.rows, start })
    }
}

impl Block for NumberedPage {
    type Fields = NumberedFields;

    fn check(fields: NumberedFields, _: &Context<'_>) -> Result<Self, Error> {
        let rows = count("size", fields.size, NUMBERED_ROWS, MOST_NUMBERED_ROWS)?;
        let page = fields.page.map_or(1, |page| page.0);
        let before = page.checked_sub(1).filter(|before| *before >= 0).and_then(|before| before.checked_mul(i64::from(rows)));
        let start = before.and_then(|before| u32::try_from(before).ok()).ok_or_else(|| invalid("page", "expected a page from 1 up"))?;
        Ok(Self(Rows { rows, start }))
    }
}

impl Bind for Rows {
    const BLOCK: &'static str = "page";
    const NAMES: &'static [&'static str] = &["rows", "start"];

    fn bind(&self, statement: Statement) -> Statement {
        statement.unsigned("rows", self.rows).unsigned("start", self.start)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::param::tests::checked;
    use serde_json::json;

    #[test]
    fn a_page_begins_where_it_is_told_to() {
        let rows = |fields| checked::<Page>(fields).and_then(|page| page.within(100).map_err(|error| error.to_string()));
        assert_eq!(rows(json!({})).unwrap(), Rows { rows: 10, start: 0 });
        assert_eq!(rows(json!({"rows": "500", "start": 7})).unwrap(), Rows { rows: 100, start: 7 });
        assert_eq!(rows(json!({"start": -1})).unwrap_err(), "start: expected an offset from 0 up");
        assert_eq!(rows(json!({"rows": -1})).unwrap_err(), "rows: expected a number that is not negative");
    }

    #[test]
    fn numbered_pages_count_from_one() {
        let rows = |fields| checked::<NumberedPage>(fields).map(|NumberedPage(rows)| rows);
        assert_eq!(rows(json!({})).unwrap(), Rows { rows: 20, start: 0 });
        assert_eq!(rows(json!({"page": 3})).unwrap().start, 40);
        for page in [0, -1, i64::MIN, i64::MAX, 1 << 40] {
            assert!(rows(json!({"page": page})).is_err(), "{page}");
        }
    }
}
