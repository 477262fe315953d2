use core::fmt;

use crate::fault::{Fault, FaultKind};
use vocabulary::{Amount, CompanyNumber, Day, Id, Label, Reference, Timestamp, UnitCode};

/// A value that is bound to a placeholder. There is no floating point.
#[derive(Clone, PartialEq, Eq, Hash)]
pub enum Value {
    /// Nothing.
    Null,
    /// A whole number, also an amount, a time (microseconds UTC) or a day (days since 1970).
    Integer(i64),
    /// Bytes, also an id (16 of them).
    Bytes(Vec<u8>),
    /// UTF-8 text.
    Text(String),
}

impl Value {
    /// Gives about how many bytes this takes on the wire.
    pub(crate) const fn size(&self) -> usize {
        match self {
            Self::Null => 1,
            Self::Integer(_) => 8,
            Self::Bytes(bytes) => bytes.len().saturating_add(4),
            Self::Text(text) => text.len().saturating_add(4),
        }
    }
}

/// Shows the type only: values may be personal data, and debug output ends in logs.
impl fmt::Debug for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => f.write_str("Null"),
            Self::Integer(_) => f.write_str("Integer(…)"),
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
        }
    }
}

macro_rules! from_integer {
    ($($integer:ty)*) => {$(
        impl From<$integer> for Value {
            fn from(integer: $integer) -> Self {
                Self::Integer(i64::from(integer))
            }
        }
    )*};
}

from_integer!(i64 i32 u32 i16 u16 u8 bool);

/// All 64 bits, as a signed integer: a number above 2⁶³ is stored as a negative one, and
/// `i64::cast_unsigned` gives it back.
impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Integer(number.cast_signed())
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Bytes(bytes)
    }
}

impl<const N: usize> From<[u8; N]> for Value {
    fn from(bytes: [u8; N]) -> Self {
        Self::Bytes(bytes.to_vec())
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl<K> From<Id<K>> for Value {
    fn from(id: Id<K>) -> Self {
        Self::from(id.to_bytes())
    }
}

impl From<Amount> for Value {
    fn from(amount: Amount) -> Self {
        Self::Integer(amount.minor_units())
    }
}

impl From<Timestamp> for Value {
    fn from(moment: Timestamp) -> Self {
        Self::Integer(moment.as_microseconds())
    }
}

impl From<Day> for Value {
    fn from(day: Day) -> Self {
        Self::from(day.number())
    }
}

impl From<CompanyNumber> for Value {
    fn from(company: CompanyNumber) -> Self {
        Self::from(company.get())
    }
}

macro_rules! from_text {
    ($($text:ty)*) => {$(
        impl From<&$text> for Value {
            fn from(text: &$text) -> Self {
                Self::from(text.as_str())
            }
        }
    )*};
}

from_text!(UnitCode Label Reference);

impl<T: Into<Self>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A cell of a row, borrowed.
#[derive(Clone, Copy)]
pub(crate) enum Cell<'a> {
    Null,
    Integer(i64),
    Bytes(&'a [u8]),
    Text(&'a [u8]),
}

/// Where a row's cells are.
pub(crate) enum Cells<'a> {
    Owned(Vec<Value>),
    Sqlite(&'a rusqlite::Row<'a>),
    MySql(&'a mysql::Row),
}

/// One row of an answer, read by column number from 0.
///
/// A scan lends each row (`Row<'_>`, nothing is copied); a query gives rows to keep
/// (`Row<'static>`). A cell of another type than asked for is a [`FaultKind::Corrupt`] that names
/// the statement and the column.
pub struct Row<'a> {
    pub(crate) statement: &'static str,
    pub(crate) cells: Cells<'a>,
}

impl fmt::Debug for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Row of {}", self.statement)
    }
}

macro_rules! getters {
    ($($name:ident $optional:ident $type:ty, $what:literal, $read:expr;)*) => {$(
        #[doc = concat!("Reads ", $what, ".")]
        ///
        /// # Errors
        ///
        /// [`FaultKind::Corrupt`] when the cell is null, holds something else or is missing.
        pub fn $name(&self, column: usize) -> Result<$type, Fault> {
            self.$optional(column)?.ok_or_else(|| Fault::cell(self.statement, column, $what))
        }

        #[doc = concat!("Reads ", $what, " or null.")]
        ///
        /// # Errors
        ///
        /// [`FaultKind::Corrupt`] when the cell holds something else or is missing.
        pub fn $optional(&self, column: usize) -> Result<Option<$type>, Fault> {
            let read: fn(Cell<'_>) -> Option<$type> = $read;
            match self.cell(column)? {
                Cell::Null => Ok(None),
                cell @ (Cell::Integer(_) | Cell::Bytes(_) | Cell::Text(_)) => match read(cell) {
                    Some(value) => Ok(Some(value)),
                    None => Err(Fault::cell(self.statement, column, $what)),
                },
            }
        }
    )*};
}

impl Row<'_> {
    getters! {
        integer optional_integer i64, "integer", integer_of;
        unsigned optional_unsigned u64, "integer from 0", |cell| u64::try_from(integer_of(cell)?).ok();
        small optional_small u32, "integer of 32 bits", |cell| u32::try_from(integer_of(cell)?).ok();
        boolean optional_boolean bool, "truth value (0 or 1)", |cell| match integer_of(cell)? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        };
        amount optional_amount Amount, "amount", |cell| Amount::try_new(integer_of(cell)?).ok();
        timestamp optional_timestamp Timestamp, "time",
            |cell| integer_of(cell).map(Timestamp::from_microseconds);
        day optional_day Day, "day", |cell| i32::try_from(integer_of(cell)?).ok().map(Day::from_number);
        company optional_company CompanyNumber, "company number",
            |cell| u16::try_from(integer_of(cell)?).ok().map(CompanyNumber::new);
        sixteen optional_sixteen [u8; 16], "16 bytes", sixteen_of;
        digest optional_digest [u8; 32], "32 bytes", |cell| bytes_of(cell)?.try_into().ok();
    }

    /// Reads an id.
    ///
    /// # Errors
    ///
    /// [`FaultKind::Corrupt`] when the cell is not 16 bytes.
    pub fn id<K>(&self, column: usize) -> Result<Id<K>, Fault> {
        self.sixteen(column).map(Id::from_bytes)
    }

    /// Reads an id or null.
    ///
    /// # Errors
    ///
    /// [`FaultKind::Corrupt`] when the cell is neither null nor 16 bytes.
    pub fn optional_id<K>(&self, column: usize) -> Result<Option<Id<K>>, Fault> {
        Ok(self.optional_sixteen(column)?.map(Id::from_bytes))
    }

    /// Reads text.
    ///
    /// # Errors
    ///
    /// [`FaultKind::Corrupt`] when the cell is null or no UTF-8 text.
    pub fn text(&self, column: usize) -> Result<&str, Fault> {
        self.optional_text(column)?.ok_or_else(|| Fault::cell(self.statement, column, "text"))
    }

    /// Reads text or null.
    ///
    /// # Errors
    ///
    /// [`FaultKind::Corrupt`] when the cell is neither null nor UTF-8 text.
    pub fn optional_text(&self, column: usize) -> Result<Option<&str>, Fault> {
        let wrong = || Fault::cell(self.statement, column, "text");
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Text(bytes) => {
                core::str::from_utf8(bytes).map(Some).map_err(|error| wrong().caused_by(error))
            }
            Cell::Integer(_) | Cell::Bytes(_) => Err(wrong()),
        }
    }

    /// Reads bytes.
    ///
    /// # Errors
    ///
    /// [`FaultKind::Corrupt`] when the cell is null or holds no bytes.
    pub fn bytes(&self, column: usize) -> Result<&[u8], Fault> {
        self.optional_bytes(column)?.ok_or_else(|| Fault::cell(self.statement, column, "bytes"))
    }

    /// Reads bytes or null.
    ///
    /// # Errors
    ///
    /// [`FaultKind::Corrupt`] when the cell is neither null nor bytes.
    pub fn optional_bytes(&self, column: usize) -> Result<Option<&[u8]>, Fault> {
        match self.cell(column)? {
            Cell::Null => Ok(None),
            Cell::Bytes(bytes) => Ok(Some(bytes)),
            Cell::Integer(_) | Cell::Text(_) => Err(Fault::cell(self.statement, column, "bytes")),
        }
    }

    /// Reads text through a parser, such as a state's short code.
    ///
    /// # Errors
    ///
    /// [`FaultKind::Corrupt`] when the cell is no text or `parse` gives nothing.
    pub fn parsed<T>(
        &self,
        column: usize,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, Fault> {
        parse(self.text(column)?)
            .ok_or_else(|| Fault::cell(self.statement, column, "text known here"))
    }

    /// Makes the fault for a row whose cells do not fit together; `expected` names what it is not.
    pub fn corrupt(&self, expected: &str) -> Fault {
        Fault::new(FaultKind::Corrupt, format!("{}: a row is no {expected}", self.statement))
    }

    fn cell(&self, column: usize) -> Result<Cell<'_>, Fault> {
        let missing = || Fault::cell(self.statement, column, "column of this statement");
        match &self.cells {
            Cells::Owned(values) => match values.get(column).ok_or_else(missing)? {
                Value::Null => Ok(Cell::Null),
                Value::Integer(integer) => Ok(Cell::Integer(*integer)),
                Value::Bytes(bytes) => Ok(Cell::Bytes(bytes)),
                Value::Text(text) => Ok(Cell::Text(text.as_bytes())),
            },
            Cells::Sqlite(row) => crate::sqlite::cell(row, column)
                .ok_or_else(|| Fault::cell(self.statement, column, "value of a known type")),
            Cells::MySql(row) => crate::mysql::cell(row, column)
                .ok_or_else(|| Fault::cell(self.statement, column, "value of a known type")),
        }
    }

    /// Copies the first `columns` cells, so that the row outlives the answer it came in.
    pub(crate) fn to_owned(&self, columns: usize) -> Result<Row<'static>, Fault> {
        let mut values = Vec::with_capacity(columns);
        for column in 0..columns {
            values.push(match self.cell(column)? {
                Cell::Null => Value::Null,
                Cell::Integer(integer) => Value::Integer(integer),
                Cell::Bytes(bytes) => Value::Bytes(bytes.to_vec()),
                Cell::Text(_) => Value::from(self.text(column)?),
            });
        }
        Ok(Row { statement: self.statement, cells: Cells::Owned(values) })
    }
}

const fn integer_of(cell: Cell<'_>) -> Option<i64> {
    match cell {
        Cell::Integer(integer) => Some(integer),
        Cell::Null | Cell::Bytes(_) | Cell::Text(_) => None,
    }
}

const fn bytes_of(cell: Cell<'_>) -> Option<&[u8]> {
    match cell {
        Cell::Bytes(bytes) => Some(bytes),
        Cell::Null | Cell::Integer(_) | Cell::Text(_) => None,
    }
}

fn sixteen_of(cell: Cell<'_>) -> Option<[u8; 16]> {
    bytes_of(cell)?.try_into().ok()
}
