use store::{Database, Fault, Listed, Statement};

static PING: Statement = Statement::new("ping", "SELECT 1");

/// Every statement of the probe.
pub(crate) const STATEMENTS: &[Listed] = &[PING.listed()];

/// Asks the database for an answer, whatever it is.
pub(super) fn ping(database: &Database) -> Result<(), Fault> {
    database.read(|reader| reader.query_one(&PING, &[]).map(drop))
}
