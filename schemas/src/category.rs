//! The three categories of exceptions, and the exception types of each.

use serde::{Deserialize, Serialize};

/// Which of the three kinds of exception; issues never span two.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    /// The app ended abnormally.
    Crash,
    /// The app did not respond.
    Anr,
    /// An exception that the app reported and survived.
    Error,
}

impl Category {
    /// Every category, in the order of its number.
    pub const ALL: [Self; 3] = [Self::Crash, Self::Anr, Self::Error];

    /// The category as it is spelled in the native dialect, in queries and in the table's enum.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Anr => "anr",
            Self::Error => "error",
        }
    }

    /// The category with this name.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|category| category.name() == name)
    }

    /// The number of the category in the table's enum.
    #[must_use]
    pub const fn number(self) -> i8 {
        match self {
            Self::Crash => 1,
            Self::Anr => 2,
            Self::Error => 3,
        }
    }

    /// The exception types of the category. The first is the type of a report that names only its category.
    #[must_use]
    pub const fn exception_types(self) -> &'static [&'static str] {
        match self {
            Self::Crash => &["Crash", "Native", "ExtensionCrash"],
            Self::Anr => &["ANR"],
            Self::Error => &["AllCatched", "Unity3D", "Lua", "JS"],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn names_and_numbers_are_those_of_the_tables_enum() {
        let written: Vec<String> = Category::ALL.iter().map(|category| format!("'{}' = {}", category.name(), category.number())).collect();
        let column = format!("category Enum8({}) comment", written.join(", "));
        let table = crate::migration::MIGRATIONS.iter().find(|migration| migration.name == "occurrences");
        assert!(table.is_some_and(|table| table.statement.contains(&column)), "{column}");
        assert!(Category::ALL.iter().all(|category| Category::from_name(category.name()) == Some(*category)));
        assert_eq!(Category::from_name("Crash"), None);
    }

    #[test]
    fn no_exception_type_belongs_to_two_categories() {
        let all: Vec<&str> = Category::ALL.iter().flat_map(|category| category.exception_types()).copied().collect();
        assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
    }
}
