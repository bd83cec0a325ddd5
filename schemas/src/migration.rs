//! The statements that make the tables, numbered and idempotent, and those that set retention.

/// One numbered statement.
#[derive(Debug, Clone, Copy)]
pub struct Migration {
    /// The number in the file's name. Migrations are applied once, in this order.
    pub number: u32,
    /// The rest of the file's name.
    pub name: &'static str,
    /// ClickHouse statements, each ended by its line, that may be run again.
    pub statement: &'static str,
}

impl Migration {
    /// The statements, one at a time: a server takes one with a request.
    pub fn statements(statement: &str) -> impl Iterator<Item = &str> {
        statement.split(";\n")
    }
}

macro_rules! function {
    ($name:literal) => {
        include_str!(concat!("../clickhouse/functions/", $name, ".sql"))
    };
}

/// The functions that queries share. They belong to the server, not to a database, so no backup has them and every migration makes those that are
/// missing. A released function is never edited: a new meaning is a new name.
pub const FUNCTIONS: &[&str] =
    &[function!("version_chosen"), function!("country_chosen"), function!("device_chosen"), function!("shown_as")];

macro_rules! migration {
    ($number:literal, $file:literal, $name:literal) => {
        Migration { number: $number, name: $name, statement: include_str!(concat!("../clickhouse/", $file, "_", $name, ".sql")) }
    };
}

/// Every migration, in order. A released file is never edited.
pub const MIGRATIONS: &[Migration] = &[
    migration!(1, "0001", "database"),
    migration!(2, "0002", "occurrences"),
    migration!(3, "0003", "connections"),
    migration!(4, "0004", "issue_changes"),
    migration!(5, "0005", "rejected_reports"),
    migration!(6, "0006", "grouping_rules"),
    migration!(7, "0007", "connection_count"),
    migration!(8, "0008", "counted_rollups"),
    migration!(9, "0009", "counted_rollups_of_old_rows"),
    migration!(10, "0010", "uncounted_rollups"),
    migration!(11, "0011", "unread_rollups"),
];

/// The columns of large texts. Retention empties them earlier than it drops the rows.
pub const BODIES: &[&str] = &["call_stack", "threads", "user_logs", "sys_logs", "attachments", "context", "extra"];

/// The statements that set how many days rows (`facts_days`) and large texts (`bodies_days`) of occurrences, connections and dead letters stay.
/// A log day is dropped at once: a part has one day, and only whole parts are dropped.
#[must_use]
pub fn retention(bodies_days: u32, facts_days: u32) -> Vec<String> {
    let mut statements = Vec::new();
    for table in ["occurrences", "connections", "rejected_reports"] {
        statements
            .push(format!("alter table aftershock.{table} modify setting ttl_only_drop_parts = 1, materialize_ttl_recalculate_only = 1"));
        let days = if table == "rejected_reports" { bodies_days } else { facts_days };
        statements.push(format!(
            "alter table aftershock.{table} modify ttl log_day + toIntervalDay({days}) delete settings materialize_ttl_after_modify = 0"
        ));
    }
    let column = |column: &&str| {
        format!(
            "alter table aftershock.occurrences modify column {column} String codec(ZSTD(1)) ttl log_day + toIntervalDay({bodies_days}) settings materialize_ttl_after_modify = 0"
        )
    };
    statements.extend(BODIES.iter().map(column));
    statements
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_without_gaps_and_every_statement_ends_with_its_line() {
        for (position, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(migration.number as usize, position + 1, "{}", migration.name);
            for statement in Migration::statements(migration.statement) {
                let code: String = statement.lines().filter(|line| !line.trim_start().starts_with("--")).collect();
                assert!(!code.contains(';') && !code.is_empty(), "{}: {code}", migration.name);
            }
        }
    }

    #[test]
    fn functions_are_made_where_they_are_missing() {
        for function in FUNCTIONS {
            let code: Vec<&str> = function.lines().filter(|line| !line.starts_with("--")).collect();
            assert!(code[0].starts_with("create function if not exists ") && !function.contains(';'), "{function}");
        }
    }

    #[test]
    fn every_column_says_what_it_is() {
        for migration in MIGRATIONS {
            let columns = migration.statement.lines().filter(|line| line.starts_with("    ") && !line.starts_with("     "));
            for line in columns.map(str::trim) {
                let is_column = !["index", "projection", "(", ")", "select", "add projection", "materialize", "drop"]
                    .iter()
                    .any(|word| line.starts_with(word));
                assert!(!is_column || line.contains(" comment '"), "{}: {line}", migration.name);
            }
        }
    }

    #[test]
    fn bodies_are_columns_of_the_occurrences() {
        for column in BODIES {
            assert!(MIGRATIONS[1].statement.contains(&format!("\n    {column} String comment")), "{column}");
        }
    }
}
