//! The three platforms that reports are counted by.

/// A platform. Its number is the `platformId` of the protocols and the column `platform_id` of the tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Platform {
    Android,
    /// iOS and iPadOS.
    Ios,
    /// Everything else.
    Pc,
}

impl Platform {
    /// Every platform, in the order of its number.
    pub const ALL: [Self; 3] = [Self::Android, Self::Ios, Self::Pc];

    /// The number of the platform.
    #[must_use]
    pub const fn number(self) -> u8 {
        match self {
            Self::Android => 1,
            Self::Ios => 2,
            Self::Pc => 10,
        }
    }

    /// The platform with this number.
    #[must_use]
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|platform| i64::from(platform.number()) == number)
    }

    /// The name of the platform, for people.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Android => "Android",
            Self::Ios => "iOS",
            Self::Pc => "PC",
        }
    }
}

impl From<Platform> for i32 {
    fn from(platform: Platform) -> Self {
        Self::from(platform.number())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_those_of_the_tables_comment() {
        let written: Vec<String> = Platform::ALL.iter().map(|platform| format!("{} {}", platform.number(), platform.name())).collect();
        let column = format!("platform_id UInt8 comment '{}'", written.join(", "));
        let table = crate::migration::MIGRATIONS.iter().find(|migration| migration.name == "occurrences");
        assert!(table.is_some_and(|table| table.statement.contains(&column)), "{column}");
        assert!(Platform::ALL.iter().all(|platform| Platform::from_number(platform.number().into()) == Some(*platform)));
        assert_eq!([0, 3, 266, -1].map(Platform::from_number), [None; 4]);
    }
}
