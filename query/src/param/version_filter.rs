//! Which app versions a question is about: all, some by name, some by wildcard.

use super::bounds::{MOST_VERSIONS, MOST_WILDCARDS};
use super::{Block, Context, Glob, Text, TextList};
use crate::error::{Error, invalid};
use crate::store::{Bind, Statement, hex};
use schemars::JsonSchema;
use serde::Deserialize;
use std::collections::HashSet;
use std::hash::Hash;

/// How a [`VersionFilter`] is spelled.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "VersionFilter")]
pub struct VersionFields {
    /// App versions, separated by `;`; `*` stands for any text; "-1" means all versions.
    version: Option<Text>,
    /// App versions as a list, with wildcards as in `version`; where it names any, `version` is ignored.
    version_list: Option<TextList>,
}

/// A choice of versions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VersionFilter {
    /// By name, each once.
    pub exact: Vec<String>,
    /// By wildcard, each once.
    pub wildcards: Vec<String>,
    /// Those that the wildcards stand for among the app's, as hex; found by [`app_versions`](crate::app_versions).
    pub matched: Vec<String>,
}

impl Block for VersionFilter {
    type Fields = VersionFields;

    fn check(fields: VersionFields, _: &Context<'_>) -> Result<Self, Error> {
        Self::read(fields.version.as_ref(), fields.version_list.as_ref())
    }
}

impl Bind for VersionFilter {
    const BLOCK: &'static str = "versions";
    const NAMES: &'static [&'static str] = &["any_version", "versions"];

    fn bind(&self, statement: Statement) -> Statement {
        let exact = self.exact.iter().map(|version| hex(version));
        let texts: Vec<String> = exact.chain(self.matched.iter().cloned()).collect();
        statement.flag("any_version", self.any()).hex_texts("versions", &texts)
    }
}

impl VersionFilter {
    /// `versionList` where it names any, else `version`, which may be a list with `;`. "-1", `*`, "no_compare" or nothing: all.
    ///
    /// # Errors
    /// More versions or wildcards than there may be.
    fn read(version: Option<&Text>, version_list: Option<&TextList>) -> Result<Self, Error> {
        let listed = version_list.filter(|list| !list.0.is_empty());
        let (name, named): (_, Vec<&str>) = match (listed, version) {
            (Some(list), _) => ("versionList", list.0.iter().map(String::as_str).collect()),
            (None, Some(version)) => ("version", version.split(';').collect()),
            (None, None) => return Ok(Self::default()),
        };
        if named.len() > MOST_VERSIONS {
            return Err(invalid(name, format!("expected at most {MOST_VERSIONS} items")));
        }
        let named: Vec<&str> = named.into_iter().map(str::trim).filter(|name| !name.is_empty()).collect();
        if named.iter().any(|name| matches!(*name, "-1" | "*" | "no_compare")) {
            return Ok(Self::default());
        }
        let (wildcards, exact): (Vec<&str>, Vec<&str>) = once(named).into_iter().partition(|name| name.contains('*'));
        if wildcards.len() > MOST_WILDCARDS {
            return Err(invalid(name, format!("expected at most {MOST_WILDCARDS} wildcards")));
        }
        let owned = |names: Vec<&str>| names.into_iter().map(str::to_owned).collect();
        Ok(Self { exact: owned(exact), wildcards: owned(wildcards), matched: Vec::new() })
    }

    /// Whether no version is left out.
    #[must_use]
    pub fn any(&self) -> bool {
        self.exact.is_empty() && self.wildcards.is_empty()
    }

    /// What each wildcard matches.
    #[must_use]
    pub fn globs(&self) -> Vec<Glob> {
        self.wildcards.iter().filter_map(|wildcard| Glob::new(wildcard)).collect()
    }
}

/// The items without those that came before, in their order.
fn once<T: Hash + Eq + Clone>(items: Vec<T>) -> Vec<T> {
    let mut seen = HashSet::with_capacity(items.len());
    items.into_iter().filter(|item| seen.insert(item.clone())).collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::cell::Cell;
    use std::hash::Hasher;

    fn version(text: &str) -> VersionFilter {
        VersionFilter::read(Some(&Text(text.to_owned())), None).unwrap()
    }

    #[test]
    fn everything_has_several_names() {
        for text in ["-1", "*", "", "no_compare", "1.0;-1", " ; "] {
            assert!(version(text).any(), "{text}");
        }
        assert!(VersionFilter::read(None, Some(&TextList::default())).unwrap().any());
    }

    #[test]
    fn names_and_wildcards_are_told_apart() {
        let versions = version("8.4.1; 3.*;8.4.1;版本_1*;3.*");
        assert_eq!(versions.exact, ["8.4.1"]);
        assert_eq!(versions.wildcards, ["3.*", "版本_1*"]);
        assert!(versions.globs()[1].matches("版本_12"));
    }

    #[test]
    fn the_list_wins_over_the_single_version() {
        let list = TextList(vec!["2.0".to_owned()]);
        let exact = |list: &TextList| VersionFilter::read(Some(&Text("1.0".to_owned())), Some(list)).unwrap().exact;
        assert_eq!((exact(&list), exact(&TextList::default())), (vec!["2.0".to_owned()], vec!["1.0".to_owned()]));
    }

    #[test]
    fn there_are_not_too_many() {
        let read = |names: Vec<String>| VersionFilter::read(None, Some(&TextList(names))).map_err(|error| error.to_string());
        let names = |count: usize, end: &str| (0..count).map(|number| format!("{number}{end}")).collect();
        assert_eq!(read(names(1000, "")).unwrap().exact.len(), 1000);
        assert_eq!(read(names(1001, "")).unwrap_err(), "versionList: expected at most 1000 items");
        assert_eq!(read(names(50, "*")).unwrap().wildcards.len(), 50);
        assert_eq!(read(names(51, "*")).unwrap_err(), "versionList: expected at most 50 wildcards");
    }

    /// Counts how often two names are compared.
    #[derive(Clone)]
    struct Compared<'a>(usize, &'a Cell<usize>);

    impl PartialEq for Compared<'_> {
        fn eq(&self, other: &Self) -> bool {
            self.1.set(self.1.get() + 1);
            self.0 == other.0
        }
    }

    impl Eq for Compared<'_> {}

    impl Hash for Compared<'_> {
        fn hash<H: Hasher>(&self, state: &mut H) {
            self.0.hash(state);
        }
    }

    /// 200,000 names were 2 * 10^10 comparisons.
    #[test]
    fn twice_the_names_cost_twice_the_comparisons() {
        for count in [50_000, 100_000, 200_000] {
            let compared = Cell::new(0);
            assert_eq!(once((0..count).map(|number| Compared(number, &compared)).collect()).len(), count);
            assert!(compared.get() < count, "{} comparisons of {count} names", compared.get());
        }
    }
}
