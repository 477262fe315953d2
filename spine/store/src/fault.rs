use core::fmt;
use std::error::Error;

/// What kind of failure it was; decides what the caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum FaultKind {
    /// The database cannot be reached, or the connection was lost. After a commit its outcome is
    /// unknown: look it up before repeating.
    Unavailable,
    /// A primary or unique key is taken.
    Conflict,
    /// Another transaction was in the way: a deadlock, a lock wait that took too long, a
    /// certification failure at commit. Nothing was written; repeat the whole transaction.
    Serialization,
    /// The server or the file takes no writes, as an old primary does after a failover.
    ReadOnly,
    /// The disk, the table space or a quota is full.
    Full,
    /// The file is damaged, or a row does not decode.
    Corrupt,
    /// The schema is not the one this program knows.
    Schema,
    /// A constraint or a column's type refuses a value.
    Check,
    /// An address, a credential or a setting is wrong.
    Configuration,
    /// Anything else.
    Other,
}

/// The database failing: what was tried, of which kind the failure is, and the cause.
///
/// The text never carries SQL or values, so that it may be logged and shown to staff.
#[derive(Debug)]
pub struct Fault {
    kind: FaultKind,
    tried: Box<str>,
    cause: Option<Box<dyn Error + Send + Sync>>,
}

impl Fault {
    /// Describes a failure of `tried`, a lower-case phrase or the name of a statement.
    pub fn new(kind: FaultKind, tried: impl Into<Box<str>>) -> Self {
        Self { kind, tried: tried.into(), cause: None }
    }

    /// Keeps the cause. It must not carry SQL or values.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.cause = Some(cause.into());
        self
    }

    /// Sorts it anew, where the place it happened in says more than its code.
    pub(crate) fn with_kind(self, kind: FaultKind) -> Self {
        Self { kind, ..self }
    }

    /// The same fault for another who waited for the same work; the cause goes along as text.
    #[must_use]
    pub fn again(&self) -> Self {
        let fault = Self::new(self.kind, self.tried.clone());
        match &self.cause {
            Some(cause) => fault.caused_by(cause.to_string()),
            None => fault,
        }
    }

    /// A promise of our own code that was not kept.
    pub(crate) fn bug(what: &'static str) -> Self {
        Self::new(FaultKind::Other, what)
    }

    /// Says which cell of a row does not decode.
    pub(crate) fn cell(statement: &str, column: usize, expected: &str) -> Self {
        Self::new(FaultKind::Corrupt, format!("{statement}: column {column} is no {expected}"))
    }

    /// Gives the kind.
    pub const fn kind(&self) -> FaultKind {
        self.kind
    }

    /// Tells whether the same work may succeed when it is done again from its beginning, on a new
    /// connection if this one was lost. A commit that was [`FaultKind::Unavailable`] may have
    /// happened.
    pub const fn retryable(&self) -> bool {
        match self.kind {
            FaultKind::Unavailable | FaultKind::Serialization | FaultKind::ReadOnly => true,
            FaultKind::Conflict
            | FaultKind::Full
            | FaultKind::Corrupt
            | FaultKind::Schema
            | FaultKind::Check
            | FaultKind::Configuration
            | FaultKind::Other => false,
        }
    }

    /// Tells whether the same request may succeed some time later, when somebody has seen to the
    /// database: what is [`retryable`](Self::retryable), and a full disk.
    pub const fn passes(&self) -> bool {
        self.retryable() || matches!(self.kind, FaultKind::Full)
    }

    /// Gives the database's own error number, where it gave one.
    pub(crate) fn code(&self) -> Option<i32> {
        self.cause.as_ref()?.downcast_ref::<DatabaseError>().map(|error| error.code)
    }

    /// Tells whether the connection is of no further use.
    pub(crate) const fn breaks_connection(&self) -> bool {
        matches!(self.kind, FaultKind::Unavailable | FaultKind::ReadOnly)
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = match self.kind {
            FaultKind::Unavailable => "the database is unavailable",
            FaultKind::Conflict => "a key is taken",
            FaultKind::Serialization => "another transaction was in the way",
            FaultKind::ReadOnly => "the database takes no writes",
            FaultKind::Full => "the database is full",
            FaultKind::Corrupt => "the database is damaged",
            FaultKind::Schema => "the schema does not fit",
            FaultKind::Check => "a constraint refuses a value",
            FaultKind::Configuration => "the database is not set up rightly",
            FaultKind::Other => "the database failed",
        };
        write!(f, "{}: {kind}", self.tried)
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match &self.cause {
            Some(cause) => Some(&**cause),
            None => None,
        }
    }
}

/// What a database said, without SQL and values: its code and, where that is harmless, its text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("database error {code}{text}")]
pub struct DatabaseError {
    /// The server's error number, or SQLite's extended result code.
    pub code: i32,
    /// Empty, or `: ` and the text.
    pub(crate) text: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_says_what_was_tried_and_keeps_the_cause() {
        let cause = DatabaseError { code: 1213, text: ": deadlock".to_owned() };
        let fault = Fault::new(FaultKind::Serialization, "append journal").caused_by(cause);
        assert_eq!(fault.to_string(), "append journal: another transaction was in the way");
        let source = fault.source().map(ToString::to_string);
        assert_eq!(source.as_deref(), Some("database error 1213: deadlock"));
        assert!(fault.retryable(), "a deadlock can be tried again");
    }
}
