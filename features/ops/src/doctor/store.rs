use super::state::{SystemFacts, UnknownStep};
use store::{
    Database, Fault, FaultKind, Listed, Reader, Statement,
    migrate::{self, Migration},
};
use vocabulary::Timestamp;

static LIST_STEPS: Statement = Statement::new(
    "list migrations",
    "SELECT version, name, phase
     FROM schema_migration
     WHERE applied_at IS NOT NULL
     ORDER BY version
     LIMIT 65536",
);

static CLOCK: Statement = Statement::pair(
    "read clock of database",
    "SELECT CAST(strftime('%s', 'now') AS INTEGER) * 1000000",
    "SELECT CAST(unix_timestamp() AS SIGNED) * 1000000",
);

/// Every statement of the doctor.
pub(crate) const STATEMENTS: &[Listed] = &[LIST_STEPS.listed(), CLOCK.listed()];

/// Lists applied migrations that are not among `known`.
///
/// # Errors
///
/// A [`Fault`] when the database fails; an empty database has none.
pub fn find_unknown_steps(
    reader: &mut Reader<'_>,
    known: &[Migration],
) -> Result<Vec<UnknownStep>, Fault> {
    let rows = match reader.query(&LIST_STEPS, &[]) {
        // There is no table of steps yet.
        Err(fault) if fault.kind() == FaultKind::Schema => return Ok(Vec::new()),
        result => result?,
    };
    let mut unknown = Vec::new();
    for row in &rows {
        let version = row.small(0)?;
        if known.iter().all(|migration| migration.version != version) {
            let (name, phase) = (row.text(1)?.to_owned(), row.text(2)?.to_owned());
            unknown.push(UnknownStep { version, name, phase });
        }
    }
    Ok(unknown)
}

/// Asks the database about itself. Changes nothing.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn load_facts(database: &Database, migrations: &[Migration]) -> Result<SystemFacts, Fault> {
    let schema = migrate::status(database, migrations)?;
    let durability = database.connect()?.durability()?;
    database.read(|reader| {
        let clock = match reader.query_one(&CLOCK, &[])? {
            Some(row) => row.timestamp(0)?,
            None => Timestamp::default(),
        };
        let unknown = find_unknown_steps(reader, migrations)?;
        Ok(SystemFacts { schema: schema.clone(), unknown, durability: durability.clone(), clock })
    })
}
