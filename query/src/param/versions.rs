//! Which app versions a question is about: all, some by name, some by wildcard.

use super::{Text, TextList};
use crate::store::Statement;

/// A choice of versions.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Versions {
    /// By name.
    pub exact: Vec<String>,
    /// By wildcard, as anchored regular expressions without a backslash.
    pub patterns: Vec<String>,
}

impl Versions {
    /// `versionList` where it names any, else `version`, which may be a list with `;`. "-1", `*`, "no_compare" or nothing: all.
    #[must_use]
    pub fn read(version: Option<&Text>, version_list: Option<&TextList>) -> Self {
        let listed = version_list.map(|list| list.0.clone()).filter(|list| !list.is_empty());
        let named = match (listed, version) {
            (Some(list), _) => list,
            (None, Some(version)) => version.split(';').map(str::to_owned).collect(),
            (None, None) => Vec::new(),
        };
        let mut versions = Self::default();
        for name in named.iter().map(|name| name.trim()).filter(|name| !name.is_empty()) {
            match name {
                "-1" | "*" | "no_compare" => return Self::default(),
                wildcard if wildcard.contains('*') => push_new(&mut versions.patterns, expression(wildcard)),
                exact => push_new(&mut versions.exact, exact.to_owned()),
            }
        }
        versions
    }

    /// No version is left out.
    #[must_use]
    pub fn any(&self) -> bool {
        self.exact.is_empty() && self.patterns.is_empty()
    }

    /// The parameters `any_version`, `versions` and `version_patterns`.
    #[must_use]
    pub fn bind(&self, statement: Statement) -> Statement {
        statement.flag("any_version", self.any()).texts("versions", &self.exact).texts("version_patterns", &self.patterns)
    }
}

fn push_new(list: &mut Vec<String>, text: String) {
    if !list.contains(&text) {
        list.push(text);
    }
}

/// Every special character in a class of its own: a backslash would be read once more on its way into an array parameter.
fn expression(wildcard: &str) -> String {
    let mut expression = String::from("^");
    for c in wildcard.chars() {
        match c {
            '*' => expression.push_str(".*"),
            // These two mean something inside a class, so any one character stands for them.
            '^' | '\\' => expression.push('.'),
            c if c.is_alphanumeric() => expression.push(c),
            c => expression.extend(['[', c, ']']),
        }
    }
    expression.push('$');
    expression
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(text: &str) -> Versions {
        Versions::read(Some(&Text(text.to_owned())), None)
    }

    #[test]
    fn everything_has_several_names() {
        for text in ["-1", "*", "", "no_compare", "1.0;-1", " ; "] {
            assert!(version(text).any(), "{text}");
        }
        assert!(Versions::read(None, Some(&TextList::default())).any());
    }

    #[test]
    fn names_and_wildcards_are_told_apart() {
        let versions = version("8.4.1; 3.*;8.4.1;版本_1*");
        assert_eq!(versions.exact, ["8.4.1"]);
        assert_eq!(versions.patterns, ["^3[.].*$", "^版本[_]1.*$"]);
    }

    #[test]
    fn the_list_wins_over_the_single_version() {
        let list = TextList(vec!["2.0".to_owned()]);
        assert_eq!(Versions::read(Some(&Text("1.0".to_owned())), Some(&list)).exact, ["2.0"]);
        assert_eq!(Versions::read(Some(&Text("1.0".to_owned())), Some(&TextList::default())).exact, ["1.0"]);
    }
}
