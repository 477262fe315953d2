use core::ops::{Deref, DerefMut};

use crate::connection::Connection;
use crate::fault::{Fault, FaultKind};
use crate::mysql::BULK_ROWS_MAX;
use crate::statement::{Insert, Statement, Upsert, list_of_next, rows_of_next, rows_of_packet};
use crate::value::{Row, Value};

/// Asks questions on one connection.
#[derive(Debug)]
pub struct Reader<'c> {
    connection: &'c mut Connection,
}

impl<'c> Reader<'c> {
    pub(crate) const fn new(connection: &'c mut Connection) -> Self {
        Self { connection }
    }

    /// Lends the connection, for the journal's hot path.
    pub(crate) const fn connection(&mut self) -> &mut Connection {
        self.connection
    }

    /// Asks and gives all rows.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when the database fails.
    pub fn query(
        &mut self,
        statement: &Statement,
        values: &[Value],
    ) -> Result<Vec<Row<'static>>, Fault> {
        let text = statement.text(self.connection.dialect());
        let mut rows = Vec::new();
        self.collect(statement.name(), text, values.iter(), &mut rows)?;
        Ok(rows)
    }

    /// Asks for the one row there can be.
    ///
    /// # Errors
    ///
    /// [`FaultKind::Corrupt`] when there are more, or a [`Fault`] when the database fails.
    pub fn query_one(
        &mut self,
        statement: &Statement,
        values: &[Value],
    ) -> Result<Option<Row<'static>>, Fault> {
        let mut rows = self.query(statement, values)?;
        if rows.len() > 1 {
            let tried = format!("{}: more than one row", statement.name());
            return Err(Fault::new(FaultKind::Corrupt, tried));
        }
        Ok(rows.pop())
    }

    /// Asks for the rows of a list that stands for `(?*)`, with `before` bound to the placeholders
    /// before it; one statement for each 512 values, none for an empty list. Rows come in the
    /// statement's order within 512 values only; a value that is listed twice may answer twice.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when the database fails.
    pub fn query_list(
        &mut self,
        statement: &Statement,
        before: &[Value],
        list: &[Value],
    ) -> Result<Vec<Row<'static>>, Fault> {
        let mut rows = Vec::new();
        for part in Parts::new(list) {
            let text = statement.list_text(self.connection.dialect(), part.size);
            self.collect(statement.name(), &text, before.iter().chain(part.values()), &mut rows)?;
        }
        Ok(rows)
    }

    /// Asks and lends each row to `take` as it arrives, so that any number of rows can be gone
    /// through. Stops at the first fault of `take`; on a server the rest is still read, so bound a
    /// scan by its key.
    ///
    /// # Errors
    ///
    /// What `take` gives, or a [`Fault`] when the database fails.
    pub fn for_each(
        &mut self,
        statement: &Statement,
        values: &[Value],
        mut take: impl FnMut(&Row<'_>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let text = statement.text(self.connection.dialect());
        self.connection
            .for_each(statement.name(), text, values.iter(), &mut |row, _columns| take(row))
    }

    fn collect<'v>(
        &mut self,
        name: &'static str,
        text: &str,
        values: impl Iterator<Item = &'v Value>,
        rows: &mut Vec<Row<'static>>,
    ) -> Result<(), Fault> {
        self.connection.for_each(name, text, values, &mut |row, columns| {
            rows.push(row.to_owned(columns)?);
            Ok(())
        })
    }
}

/// An open database transaction. Dropping it rolls it back. It is also a [`Reader`], which sees
/// what was written so far.
///
/// After any fault, of a question too, it can only be rolled back: some databases undo the failed
/// statement alone, others all that was before (a deadlock on a server, which would commit the
/// statements after it one by one). Writing and committing are refused then.
#[derive(Debug)]
#[must_use = "a transaction that is dropped is rolled back"]
pub struct Tx<'c> {
    reader: Reader<'c>,
    committed: bool,
}

impl<'c> Deref for Tx<'c> {
    type Target = Reader<'c>;

    fn deref(&self) -> &Reader<'c> {
        &self.reader
    }
}

impl<'c> DerefMut for Tx<'c> {
    fn deref_mut(&mut self) -> &mut Reader<'c> {
        &mut self.reader
    }
}

impl<'c> Tx<'c> {
    pub(crate) const fn new(connection: &'c mut Connection) -> Self {
        Self { reader: Reader::new(connection), committed: false }
    }

    /// Writes; gives the number of rows it found to write, changed or not.
    ///
    /// # Errors
    ///
    /// [`FaultKind::Conflict`], [`FaultKind::Check`] or another [`Fault`]; [`FaultKind::Other`]
    /// after a fault.
    pub fn execute(&mut self, statement: &Statement, values: &[Value]) -> Result<u64, Fault> {
        let connection = self.reader.connection();
        connection.must_be_sound(statement.name())?;
        let text = statement.text(connection.dialect());
        connection.execute(statement.name(), text, values.iter())
    }

    /// Writes the rows of a list that stands for `(?*)`, as [`Reader::query_list`] reads them;
    /// gives the number of rows found to write.
    ///
    /// # Errors
    ///
    /// As [`Tx::execute`].
    pub fn execute_list(
        &mut self,
        statement: &Statement,
        before: &[Value],
        list: &[Value],
    ) -> Result<u64, Fault> {
        let connection = self.reader.connection();
        connection.must_be_sound(statement.name())?;
        let mut count = 0_u64;
        for part in Parts::new(list) {
            let text = statement.list_text(connection.dialect(), part.size);
            let values = before.iter().chain(part.values());
            count = count.saturating_add(connection.execute(statement.name(), &text, values)?);
        }
        Ok(count)
    }

    /// Adds rows, each with a value for every column, in a few statements however many they are.
    ///
    /// # Errors
    ///
    /// [`FaultKind::Conflict`] when a key is taken, or as [`Tx::execute`].
    pub fn insert<R: AsRef<[Value]>>(&mut self, insert: &Insert, rows: &[R]) -> Result<(), Fault> {
        self.write_rows(insert.name, insert.columns.len(), rows, |count| insert.text(count))
    }

    /// Adds rows or renews those whose key is taken. A key must not come twice in `rows`.
    ///
    /// # Errors
    ///
    /// As [`Tx::execute`].
    pub fn upsert<R: AsRef<[Value]>>(&mut self, upsert: &Upsert, rows: &[R]) -> Result<(), Fault> {
        let dialect = self.reader.connection().dialect();
        let text = |count| upsert.text(dialect, count);
        self.write_rows(upsert.name, upsert.columns.len(), rows, text)
    }

    fn write_rows<R: AsRef<[Value]>>(
        &mut self,
        name: &'static str,
        columns: usize,
        rows: &[R],
        text: impl Fn(usize) -> String,
    ) -> Result<(), Fault> {
        let size = |row: &R| row.as_ref().iter().map(Value::size).sum::<usize>();
        for row in rows {
            assert_eq!(row.as_ref().len(), columns, "{name} has a value for each column");
        }
        let sizes: Vec<usize> = rows.iter().map(size).collect();
        let connection = self.reader.connection();
        connection.must_be_sound(name)?;
        let mut rest = rows;
        let mut sizes = sizes.as_slice();
        while !rest.is_empty() {
            let (packet, _later) = rest.split_at(rows_of_packet(BULK_ROWS_MAX, sizes));
            let mut count = packet.len();
            if count == 1 || !connection.execute_bulk(name, &text(1), packet)? {
                count = rows_of_next(connection.dialect(), columns, sizes);
                let values = rest.iter().take(count).flat_map(AsRef::as_ref);
                connection.execute(name, &text(count), values)?;
            }
            (rest, sizes) = (rest.split_at(count).1, sizes.split_at(count).1);
        }
        Ok(())
    }

    /// Makes all of it lasting, and visible to others.
    ///
    /// # Errors
    ///
    /// [`FaultKind::Other`] after a fault; [`FaultKind::Serialization`] when it was refused (in
    /// both cases nothing is written); [`FaultKind::Unavailable`] when the answer was lost: it may
    /// be written or not, look it up.
    pub fn commit(mut self) -> Result<(), Fault> {
        let connection = self.reader.connection();
        connection.must_be_sound("commit")?;
        connection.run("commit", "COMMIT")?;
        connection.note_log();
        self.committed = true;
        Ok(())
    }

    /// Undoes all of it; the same as dropping it, said aloud.
    pub fn rollback(self) {
        drop(self);
    }
}

impl Drop for Tx<'_> {
    fn drop(&mut self) {
        let connection = self.reader.connection();
        let open = !self.committed && connection.usable();
        if open && connection.run("roll back", "ROLLBACK").is_err() {
            // Closing it ends the transaction as well.
            connection.close();
        }
    }
}

/// A list in the parts that go into one statement each.
struct Parts<'v> {
    rest: &'v [Value],
}

struct Part<'v> {
    some: &'v [Value],
    size: usize,
}

impl<'v> Parts<'v> {
    const fn new(list: &'v [Value]) -> Self {
        Self { rest: list }
    }
}

impl<'v> Iterator for Parts<'v> {
    type Item = Part<'v>;

    fn next(&mut self) -> Option<Part<'v>> {
        if self.rest.is_empty() {
            return None;
        }
        let (count, size) = list_of_next(self.rest.len());
        let (some, rest) = self.rest.split_at(count);
        self.rest = rest;
        Some(Part { some, size })
    }
}

impl<'v> Part<'v> {
    /// Gives the values, the last one repeated until the size is reached.
    fn values(&self) -> impl Iterator<Item = &'v Value> + use<'v> {
        let padding = self.size.saturating_sub(self.some.len());
        let last = self.some.last().into_iter();
        self.some.iter().chain(last.cycle().take(padding))
    }
}
