use core::fmt;

/// The two families of SQL this crate speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// The embedded database.
    Sqlite,
    /// `MariaDB`, MySQL and what speaks their protocol.
    MySql,
}

impl fmt::Display for Dialect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::MySql => "MySQL",
        })
    }
}

impl Dialect {
    /// The most placeholders one statement may have.
    const fn placeholders_max(self) -> usize {
        match self {
            Self::Sqlite => 32_766, // SQLITE_MAX_VARIABLE_NUMBER as it is by default.
            Self::MySql => 65_535,  // A 16-bit count in the protocol.
        }
    }
}

/// How many values the list of one statement is written out for. Few sizes, so that the caches of
/// prepared statements hit whatever the length; a list is filled up by repeating its last value.
const LIST_SIZES: [usize; 4] = [512, 64, 8, 1];

/// How many rows one insert takes. Rows cannot be filled up, so that the sizes are finer: fewer
/// than 512 rows take nine statements at most.
const INSERT_SIZES: [usize; 10] = [512, 256, 128, 64, 32, 16, 8, 4, 2, 1];

/// About the most bytes of values in one insert; the smallest `max_allowed_packet` in the field is
/// 4 MiB.
const INSERT_BYTES_MAX: usize = 1 << 20;

const LIST: &str = "(?*)";

/// A SQL text with a name for logs and faults, kept in a `static`.
///
/// `(?*)` as the last placeholder stands for the list of an `IN`.
#[derive(Debug)]
pub struct Statement {
    name: &'static str,
    sqlite: &'static str,
    mysql: &'static str,
}

impl Statement {
    /// Names a text that both dialects understand alike.
    pub const fn new(name: &'static str, sql: &'static str) -> Self {
        Self { name, sqlite: sql, mysql: sql }
    }

    /// Names a text for each dialect.
    pub const fn pair(name: &'static str, sqlite: &'static str, mysql: &'static str) -> Self {
        Self { name, sqlite, mysql }
    }

    /// Gives the name, a lower-case phrase such as `find hold`.
    pub const fn name(&self) -> &'static str {
        self.name
    }

    /// Puts it on the list of statements that a test prepares.
    pub const fn listed(&'static self) -> Listed {
        Listed::Statement(self)
    }

    pub(crate) const fn text(&self, dialect: Dialect) -> &'static str {
        match dialect {
            Dialect::Sqlite => self.sqlite,
            Dialect::MySql => self.mysql,
        }
    }

    /// Writes out the list for `length` values.
    pub(crate) fn list_text(&self, dialect: Dialect, length: usize) -> String {
        self.text(dialect).replace(LIST, &placeholders(length))
    }
}

/// New rows of a table; a taken key is a conflict.
#[derive(Debug)]
pub struct Insert {
    /// The name for logs and faults.
    pub name: &'static str,
    /// The table.
    pub table: &'static str,
    /// The columns, in the order of the values of a row.
    pub columns: &'static [&'static str],
}

impl Insert {
    /// Puts it on the list of statements that a test prepares.
    pub const fn listed(&'static self) -> Listed {
        Listed::Insert(self)
    }

    pub(crate) fn text(&self, rows: usize) -> String {
        insert_text(self.table, self.columns, rows)
    }
}

/// New rows of a table; where the key is taken, the old row's `updates` take the new values.
#[derive(Debug)]
pub struct Upsert {
    /// The name for logs and faults.
    pub name: &'static str,
    /// The table.
    pub table: &'static str,
    /// The columns, in the order of the values of a row.
    pub columns: &'static [&'static str],
    /// The columns of the key that may be taken; the table must have no other unique key, because
    /// MySQL does not say which one was hit.
    pub keys: &'static [&'static str],
    /// The columns that take the new values; none leaves the old row as it is.
    pub updates: &'static [&'static str],
}

impl Upsert {
    /// Puts it on the list of statements that a test prepares.
    pub const fn listed(&'static self) -> Listed {
        Listed::Upsert(self)
    }

    pub(crate) fn text(&self, dialect: Dialect, rows: usize) -> String {
        let insert = insert_text(self.table, self.columns, rows);
        let keys = self.keys.join(", ");
        let update = |write: fn(&str) -> String| {
            self.updates.iter().map(|column| write(column)).collect::<Vec<_>>().join(", ")
        };
        match (dialect, self.keys.first()) {
            (Dialect::Sqlite, _) if self.updates.is_empty() => {
                format!("{insert} ON CONFLICT ({keys}) DO NOTHING")
            }
            (Dialect::Sqlite, _) => {
                let updates = update(|column| format!("{column} = excluded.{column}"));
                format!("{insert} ON CONFLICT ({keys}) DO UPDATE SET {updates}")
            }
            // Not INSERT IGNORE: that would also turn a value that does not fit into a warning.
            (Dialect::MySql, Some(key)) if self.updates.is_empty() => {
                format!("{insert} ON DUPLICATE KEY UPDATE {key} = {key}")
            }
            // VALUES() is the one form that MariaDB, MySQL and TiDB all know.
            (Dialect::MySql, _) => {
                let updates = update(|column| format!("{column} = VALUES({column})"));
                format!("{insert} ON DUPLICATE KEY UPDATE {updates}")
            }
        }
    }
}

/// One line of a crate's list of statements: all are prepared against both databases in a test.
#[derive(Clone, Copy, Debug)]
pub enum Listed {
    /// A statement.
    Statement(&'static Statement),
    /// An insert.
    Insert(&'static Insert),
    /// An upsert.
    Upsert(&'static Upsert),
}

impl Listed {
    /// Gives the name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Statement(statement) => statement.name,
            Self::Insert(insert) => insert.name,
            Self::Upsert(upsert) => upsert.name,
        }
    }

    /// Gives one text as it is sent.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn takes_list(self) -> bool {
        match self {
            Self::Statement(statement) => statement.sqlite.contains(LIST),
            Self::Insert(_) | Self::Upsert(_) => false,
        }
    }

    /// Gives the text with the longest list, for one that reads or looks for rows.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn longest_text(self, dialect: Dialect) -> Option<String> {
        match self {
            Self::Statement(statement) => Some(statement.list_text(dialect, LIST_SIZES[0])),
            Self::Insert(_) | Self::Upsert(_) => None,
        }
    }

    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn text(self, dialect: Dialect) -> String {
        match self {
            Self::Statement(statement) => statement.list_text(dialect, 8),
            Self::Insert(insert) => insert.text(8),
            Self::Upsert(upsert) => upsert.text(dialect, 8),
        }
    }
}

fn insert_text(table: &str, columns: &[&str], rows: usize) -> String {
    let row = placeholders(columns.len());
    let mut text = format!("INSERT INTO {table} ({}) VALUES {row}", columns.join(", "));
    let next = format!(", {row}");
    text.push_str(&next.repeat(rows.saturating_sub(1)));
    text
}

fn placeholders(count: usize) -> String {
    let mut text = String::from("(?");
    text.push_str(&", ?".repeat(count.saturating_sub(1)));
    text.push(')');
    text
}

/// Chooses how many of the next rows go into one statement: the largest size that the rows left
/// fill and the limits allow. `sizes` are the bytes of the rows left.
pub(crate) fn rows_of_next(dialect: Dialect, columns: usize, sizes: &[usize]) -> usize {
    let fits = |rows: usize| {
        rows <= sizes.len() && rows.saturating_mul(columns) <= dialect.placeholders_max()
    };
    let most = rows_of_packet(512, sizes);
    INSERT_SIZES.into_iter().find(|&rows| rows <= most && fits(rows)).unwrap_or(1)
}

/// Counts how many of the next rows, at least one and at most `rows_max`, keep to the bytes of a
/// packet.
pub(crate) fn rows_of_packet(rows_max: usize, sizes: &[usize]) -> usize {
    let mut bytes = 0_usize;
    let fitting = sizes.iter().take(rows_max).take_while(|&&size| {
        bytes = bytes.saturating_add(size);
        bytes <= INSERT_BYTES_MAX
    });
    fitting.count().max(1)
}

/// Chooses how many of the `left` values of a list go into the next statement, and the size of the
/// list that is written out for them: the smallest that holds them.
pub(crate) fn list_of_next(left: usize) -> (usize, usize) {
    let smallest = LIST_SIZES.into_iter().rev().find(|&size| size >= left);
    match smallest {
        Some(size) => (left, size),
        None => (512, 512),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn upserts_are_written_for_each_dialect() {
        let upsert = Upsert {
            name: "save rate",
            table: "rate",
            columns: &["unit", "rate"],
            keys: &["unit"],
            updates: &["rate"],
        };
        assert_eq!(
            upsert.text(Dialect::Sqlite, 2),
            "INSERT INTO rate (unit, rate) VALUES (?, ?), (?, ?) \
             ON CONFLICT (unit) DO UPDATE SET rate = excluded.rate"
        );
        assert_eq!(
            upsert.text(Dialect::MySql, 1),
            "INSERT INTO rate (unit, rate) VALUES (?, ?) \
             ON DUPLICATE KEY UPDATE rate = VALUES(rate)"
        );
        let once = Upsert { updates: &[], ..upsert };
        assert!(once.text(Dialect::Sqlite, 1).ends_with("ON CONFLICT (unit) DO NOTHING"), "sqlite");
        assert!(once.text(Dialect::MySql, 1).ends_with("KEY UPDATE unit = unit"), "mysql");
    }

    #[test]
    fn lists_are_written_out_in_few_sizes() {
        let statement = Statement::new("find", "SELECT a FROM t WHERE b = ? AND a IN (?*)");
        assert_eq!(
            statement.list_text(Dialect::Sqlite, 3),
            "SELECT a FROM t WHERE b = ? AND a IN (?, ?, ?)"
        );
        let table = [(1, (1, 1)), (2, (2, 8)), (9, (9, 64)), (512, (512, 512)), (600, (512, 512))];
        for (left, next) in table {
            assert_eq!(list_of_next(left), next, "{left} values");
        }
    }

    #[test]
    fn inserts_keep_to_rows_placeholders_and_bytes() {
        assert_eq!(rows_of_next(Dialect::MySql, 12, &vec![100; 5_000]), 512);
        assert_eq!(rows_of_next(Dialect::MySql, 12, &[100; 511]), 256);
        assert_eq!(rows_of_next(Dialect::MySql, 12, &[100; 7]), 4);
        assert_eq!(rows_of_next(Dialect::Sqlite, 100, &vec![100; 5_000]), 256);
        assert_eq!(rows_of_next(Dialect::MySql, 2, &vec![100_000; 5_000]), 8);
        assert_eq!(rows_of_next(Dialect::MySql, 2, &[2_000_000; 2]), 1);
        assert_eq!(rows_of_packet(1_000, &vec![100; 5_000]), 1_000);
        assert_eq!(rows_of_packet(1_000, &[500_000; 9]), 2);
        assert_eq!(rows_of_packet(1_000, &[2_000_000; 9]), 1);
    }
}
