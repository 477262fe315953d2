//! What both databases must do alike. Every test runs on each that there is here.

use std::cell::RefCell;

use crate::database::{Database, PoolOptions};
use crate::fault::{Fault, FaultKind};
use crate::migrate::{Migration, Phase};
use crate::statement::{Insert, Listed, Statement, Upsert};
use crate::testing::{TestDatabase, assert_same_schema, for_each_database, prepare_all};
use crate::tx::Tx;
use crate::url::DatabaseUrl;
use crate::value::Value;
use vocabulary::{Amount, Day, Id, Timestamp, kind};

const TABLES: &[Migration] = &[Migration {
    version: 1,
    name: "sample",
    phase: Phase::Expand,
    sqlite: "-- phase: expand
        CREATE TABLE sample (
          number INTEGER NOT NULL PRIMARY KEY,
          integer_value INTEGER,
          bytes_value BLOB,
          text_value TEXT CHECK (text_value <> 'forbidden')
        ) STRICT;",
    mysql: "-- phase: expand
        CREATE TABLE sample (
          number BIGINT NOT NULL PRIMARY KEY,
          integer_value BIGINT,
          bytes_value VARBINARY(100),
          text_value VARCHAR(100) CHECK (text_value <> 'forbidden')
        ) ENGINE = InnoDB CHARACTER SET utf8mb4 COLLATE utf8mb4_bin;",
}];

const COLUMNS: &[&str] = &["number", "integer_value", "bytes_value", "text_value"];

static ADD: Insert = Insert { name: "add sample", table: "sample", columns: COLUMNS };

static SAVE: Upsert = Upsert {
    name: "save sample",
    table: "sample",
    columns: COLUMNS,
    keys: &["number"],
    updates: &["integer_value", "text_value"],
};

static KEEP: Upsert = Upsert {
    name: "keep sample",
    table: "sample",
    columns: COLUMNS,
    keys: &["number"],
    updates: &[],
};

static FIND: Statement = Statement::new(
    "find sample",
    "SELECT integer_value, bytes_value, text_value FROM sample WHERE number = ?",
);

static LIST: Statement = Statement::new(
    "list samples",
    "SELECT number FROM sample WHERE number > ? AND number IN (?*) ORDER BY number",
);

static FORGET: Statement =
    Statement::new("forget samples", "DELETE FROM sample WHERE number IN (?*)");

static COUNT: Statement =
    Statement::new("count samples", "SELECT count(*), sum(number) FROM sample");

static SET: Statement =
    Statement::new("set sample", "UPDATE sample SET integer_value = ? WHERE number = ?");

static SCAN: Statement =
    Statement::new("scan samples", "SELECT number FROM sample ORDER BY number");

static LOCK: Statement = Statement::pair(
    "lock sample",
    "SELECT number FROM sample WHERE number = ?",
    "SELECT number FROM sample WHERE number = ? FOR UPDATE",
);

const STATEMENTS: &[Listed] = &[
    ADD.listed(),
    SAVE.listed(),
    KEEP.listed(),
    FIND.listed(),
    LIST.listed(),
    FORGET.listed(),
    COUNT.listed(),
    SET.listed(),
    SCAN.listed(),
    LOCK.listed(),
];

fn for_each_sample(body: impl Fn(&TestDatabase)) {
    for_each_database(|test| {
        test.migrate(TABLES);
        body(test);
    });
}

/// Does a piece of work in a transaction and commits it if it went well.
fn write(
    database: &Database,
    work: impl FnOnce(&mut Tx<'_>) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut connection = database.connect()?;
    let mut tx = connection.begin()?;
    work(&mut tx)?;
    tx.commit()
}

fn count(database: &Database) -> i64 {
    database.read(|reader| reader.query_one(&COUNT, &[])?.unwrap().integer(0)).unwrap()
}

fn rows(numbers: std::ops::Range<i64>) -> Vec<[Value; 4]> {
    numbers.map(|number| [number.into(), 1.into(), Value::Null, "text".into()]).collect()
}

#[test]
fn the_statements_fit_and_the_schemas_agree() {
    for_each_sample(|test| {
        prepare_all(test.database(), STATEMENTS);
        prepare_all(test.database(), crate::migrate::STATEMENTS);
    });
    assert_same_schema(TABLES);
}

#[test]
fn values_come_back() {
    let table: &[[Value; 3]] = &[
        [i64::MIN.into(), Value::Bytes(Vec::new()), "".into()],
        [i64::MAX.into(), Value::Bytes(vec![0]), "\u{0}".into()],
        [0.into(), Value::Bytes(vec![0, 255, 0]), "大福帳 🍡".into()],
        [(-1).into(), Value::Bytes(vec![b'%'; 100]), "it's \\ \"quoted\" ; --".into()],
        [Value::Null, Value::Null, Value::Null],
    ];
    for_each_sample(|test| {
        write(test.database(), |tx| {
            let row = |(number, [integer, bytes, text]): (usize, &[Value; 3])| {
                let number = Value::from(u32::try_from(number).unwrap());
                [number, integer.clone(), bytes.clone(), text.clone()]
            };
            tx.insert(&ADD, &table.iter().enumerate().map(row).collect::<Vec<_>>())
        })
        .unwrap();
        for (number, [integer, bytes, text]) in (0_u32..).zip(table) {
            let find = |reader: &mut crate::Reader<'_>| reader.query_one(&FIND, &[number.into()]);
            let row = test.database().read(find).unwrap().unwrap();
            assert_eq!(Value::from(row.optional_integer(0).unwrap()), *integer, "row {number}");
            assert_eq!(Value::from(row.optional_bytes(1).unwrap()), *bytes, "row {number}");
            assert_eq!(Value::from(row.optional_text(2).unwrap()), *text, "row {number}");
        }
    });
}

#[test]
fn our_types_come_back_and_others_are_refused() {
    let id = Id::<kind::Hold>::from_bits(0x0055_aaff << 96);
    let moment = Timestamp::from_microseconds(1_763_000_000_000_001);
    for_each_sample(|test| {
        write(test.database(), |tx| {
            tx.insert(&ADD, &[[1.into(), Amount::MAX.into(), id.into(), "open".into()]])?;
            tx.insert(&ADD, &[[2.into(), moment.into(), Value::Null, "".into()]])?;
            tx.insert(&ADD, &[[3.into(), Day::from_number(-1).into(), Value::Null, "".into()]])
        })
        .unwrap();
        let find = |number: i64| {
            let row = test.database().read(|reader| reader.query_one(&FIND, &[number.into()]));
            row.unwrap().unwrap()
        };
        let row = find(1);
        assert_eq!(row.amount(0).unwrap(), Amount::MAX);
        assert_eq!(row.id::<kind::Hold>(1).unwrap(), id);
        assert_eq!(row.parsed(2, |text| (text == "open").then_some(7)).unwrap(), 7);
        assert_eq!(find(2).timestamp(0).unwrap(), moment);
        assert_eq!(find(2).optional_id::<kind::Hold>(1).unwrap(), None);
        assert_eq!(find(3).day(0).unwrap(), Day::from_number(-1));
        let refused = [
            row.text(0).map(drop),
            row.bytes(2).map(drop),
            row.text(1).map(drop),
            row.day(0).map(drop),
            row.boolean(0).map(drop),
            row.digest(1).map(drop),
            row.integer(3).map(drop),
            row.parsed(2, |_text| None::<()>),
            find(2).id::<kind::Hold>(1).map(drop),
            find(3).amount(0).map(drop),
        ];
        for (line, result) in refused.into_iter().enumerate() {
            let fault = result.unwrap_err();
            assert_eq!(fault.kind(), FaultKind::Corrupt, "line {line}");
            assert!(fault.to_string().starts_with("find sample: column "), "{fault}");
        }
    });
}

#[test]
fn lists_of_any_length_are_asked_for() {
    for_each_sample(|test| {
        write(test.database(), |tx| tx.insert(&ADD, &rows(0..5_000))).unwrap();
        for length in [0, 1, 2, 9, 64, 512, 513, 600, 5_000] {
            let list: Vec<Value> = (0..length).map(Value::from).collect();
            let ask = |reader: &mut crate::Reader<'_>| reader.query_list(&LIST, &[0.into()], &list);
            let found = test.database().read(ask).unwrap();
            let numbers: Vec<i64> = found.iter().map(|row| row.integer(0).unwrap()).collect();
            assert_eq!(numbers, (1..length.max(1)).collect::<Vec<_>>(), "a list of {length}");
        }
        let list: Vec<Value> = (0..700).map(Value::from).collect();
        write(test.database(), |tx| {
            assert_eq!(tx.execute_list(&FORGET, &[], &list)?, 700);
            Ok(())
        })
        .unwrap();
        assert_eq!(count(test.database()), 4_300);
    });
}

#[test]
fn inserts_of_any_length_are_written() {
    for_each_sample(|test| {
        let mut next = 0;
        for length in [0, 1, 511, 512, 5_000] {
            let end = next + length;
            write(test.database(), |tx| tx.insert(&ADD, &rows(next..end))).unwrap();
            next = end;
            assert_eq!(count(test.database()), next, "after {length} more");
        }
        let sum =
            |reader: &mut crate::Reader<'_>| reader.query_one(&COUNT, &[])?.unwrap().integer(1);
        assert_eq!(test.database().read(sum).unwrap(), (0..next).sum::<i64>());
    });
}

#[test]
fn upserts_add_and_renew() {
    for_each_sample(|test| {
        let old = [1.into(), 10.into(), Value::from(&b"kept"[..]), "old".into()];
        let new = [1.into(), 20.into(), Value::from(&b"lost"[..]), "new".into()];
        let other = [2.into(), 30.into(), Value::Null, "other".into()];
        write(test.database(), |tx| {
            tx.insert(&ADD, &[old])?;
            tx.upsert(&SAVE, &[new, other.clone()])?;
            tx.upsert(&KEEP, &[[2.into(), 99.into(), Value::Null, "ignored".into()]])
        })
        .unwrap();
        let found = test.database().read(|reader| {
            let row = reader.query_one(&FIND, &[1.into()])?.unwrap();
            let other = reader.query_one(&FIND, &[2.into()])?.unwrap();
            assert_eq!((other.integer(0)?, other.text(2)?), (30, "other"));
            Ok((row.integer(0)?, row.bytes(1)?.to_vec(), row.text(2)?.to_owned()))
        });
        assert_eq!(found.unwrap(), (20, b"kept".to_vec(), "new".to_owned()));
    });
}

#[test]
fn an_update_counts_the_rows_it_found() {
    for_each_sample(|test| {
        write(test.database(), |tx| {
            tx.insert(&ADD, &rows(1..2))?;
            assert_eq!(tx.execute(&SET, &[1.into(), 1.into()])?, 1, "the value was 1 before");
            assert_eq!(tx.execute(&SET, &[1.into(), 9.into()])?, 0, "there is no such row");
            Ok(())
        })
        .unwrap();
    });
}

#[test]
fn refused_values_are_faults_of_their_kind() {
    let table: &[([Value; 4], FaultKind)] = &[
        ([1.into(), 1.into(), Value::Null, "".into()], FaultKind::Conflict),
        ([2.into(), 1.into(), Value::Null, "forbidden".into()], FaultKind::Check),
        ([2.into(), "secret".into(), Value::Null, "".into()], FaultKind::Check),
        ([Value::Null, "secret".into(), Value::Null, "".into()], FaultKind::Check),
    ];
    for_each_sample(|test| {
        write(test.database(), |tx| tx.insert(&ADD, &rows(1..2))).unwrap();
        for (line, (row, kind)) in table.iter().enumerate() {
            let fault = write(test.database(), |tx| tx.insert(&ADD, &[row])).unwrap_err();
            let text = crate::testing::chain(&fault);
            assert_eq!(fault.kind(), *kind, "line {line}: {text}");
            assert!(text.starts_with("add sample: "), "{text}");
            assert!(!text.contains("secret") && !text.contains("INSERT"), "{text}");
            assert!(!fault.retryable(), "it would be refused again");
        }
        let missing = Statement::new("find nothing", "SELECT a FROM nothing");
        let fault = test.database().read(|reader| reader.query(&missing, &[])).unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Schema);
    });
}

#[test]
fn a_transaction_is_whole_or_not_there() {
    for_each_sample(|test| {
        let mut connection = test.database().connect().unwrap();
        let mut tx = connection.begin().unwrap();
        tx.insert(&ADD, &rows(0..10)).unwrap();
        assert_eq!(tx.query(&SCAN, &[]).unwrap().len(), 10, "it sees its own rows");
        assert_eq!(count(test.database()), 0, "nobody else does");
        tx.rollback();
        assert_eq!(count(test.database()), 0);
        let mut tx = connection.begin().unwrap();
        tx.insert(&ADD, &rows(0..10)).unwrap();
        drop(tx);
        let mut tx = connection.begin().unwrap();
        tx.insert(&ADD, &rows(5..9)).unwrap();
        tx.commit().unwrap();
        assert_eq!(count(test.database()), 4);
    });
}

#[test]
fn a_scan_lends_rows_and_stops_when_told() {
    for_each_sample(|test| {
        write(test.database(), |tx| tx.insert(&ADD, &rows(0..3_000))).unwrap();
        let seen = RefCell::new(Vec::new());
        let scan = |last: i64| {
            seen.borrow_mut().clear();
            test.database().read(|reader| {
                reader.for_each(&SCAN, &[], |row| {
                    seen.borrow_mut().push(row.integer(0)?);
                    if row.integer(0)? == last {
                        return Err(row.corrupt("row to go on from"));
                    }
                    Ok(())
                })
            })
        };
        scan(-1).unwrap();
        assert_eq!(*seen.borrow(), (0..3_000).collect::<Vec<_>>());
        assert_eq!(scan(10).unwrap_err().kind(), FaultKind::Corrupt);
        assert_eq!(seen.borrow().len(), 11);
        assert_eq!(count(test.database()), 3_000, "the connection is still of use");
    });
}

#[test]
fn a_snapshot_sees_one_moment() {
    for_each_sample(|test| {
        let database = test.database();
        let (before, after) = database
            .read_snapshot(|reader| {
                let before = reader.query(&SCAN, &[])?.len();
                write(database, |tx| tx.insert(&ADD, &rows(0..1)))?;
                Ok((before, reader.query(&SCAN, &[])?.len()))
            })
            .unwrap();
        assert_eq!((before, after), (0, 0));
        assert_eq!(count(database), 1);
    });
}

#[test]
fn a_pooled_connection_only_reads() {
    let add = Statement::new("add wrongly", "INSERT INTO sample (number) VALUES (1)");
    for_each_sample(|test| {
        let database = test.database();
        let fault = database.read(|reader| reader.query(&add, &[])).unwrap_err();
        assert_eq!(fault.kind(), FaultKind::ReadOnly);
        let fault = database.read_snapshot(|reader| reader.query(&add, &[])).unwrap_err();
        assert_eq!(fault.kind(), FaultKind::ReadOnly);
        assert_eq!(count(database), 0);
    });
}

#[test]
fn a_transaction_with_a_fault_can_only_be_rolled_back() {
    for_each_sample(|test| {
        let mut connection = test.database().connect().unwrap();
        let mut tx = connection.begin().unwrap();
        tx.insert(&ADD, &rows(0..2)).unwrap();
        tx.insert(&ADD, &rows(1..2)).unwrap_err();
        assert_eq!(tx.insert(&ADD, &rows(2..3)).unwrap_err().kind(), FaultKind::Other);
        assert_eq!(tx.commit().unwrap_err().kind(), FaultKind::Other);
        let mut tx = connection.begin().unwrap();
        tx.insert(&ADD, &rows(5..6)).unwrap();
        tx.commit().unwrap();
        assert_eq!(count(test.database()), 1);
    });
}

#[test]
fn rows_of_many_shapes_go_together() {
    for_each_sample(|test| {
        let text = |number: i64| match number % 3 {
            0 => Value::Null,
            1 => "".into(),
            _ => "大福".into(),
        };
        let some: Vec<[Value; 4]> = (0..2_500)
            .map(|number| {
                let integer = (number % 2 == 1).then_some(-number);
                let bytes = (number > 2_000).then_some([0_u8; 3]);
                [number.into(), integer.into(), bytes.into(), text(number)]
            })
            .collect();
        write(test.database(), |tx| tx.insert(&ADD, &some)).unwrap();
        for number in [0, 1, 2, 999, 1_000, 1_001, 2_499_i64] {
            let ask = |reader: &mut crate::Reader<'_>| reader.query_one(&FIND, &[number.into()]);
            let row = test.database().read(ask).unwrap().unwrap();
            let found: [Value; 3] = [
                row.optional_integer(0).unwrap().into(),
                row.optional_bytes(1).unwrap().into(),
                row.optional_text(2).unwrap().into(),
            ];
            let row = &some[usize::try_from(number).unwrap()];
            assert_eq!(found, row[1..], "row {number}");
        }
        // The column is an integer: text among the integers must be refused, not be read as one.
        let mixed = [
            [9_001.into(), 1.into(), Value::Null, Value::Null],
            [9_002.into(), "secret text".into(), Value::Null, Value::Null],
            [9_003.into(), 3.into(), Value::Null, Value::Null],
        ];
        let fault = write(test.database(), |tx| tx.insert(&ADD, &mixed)).unwrap_err();
        assert_eq!(fault.kind(), FaultKind::Check);
    });
}

#[test]
fn readers_wait_for_a_place_and_give_up() {
    let test = TestDatabase::sqlite();
    test.migrate(TABLES);
    let options = PoolOptions { readers_max: 1, wait: std::time::Duration::from_millis(1) };
    let database = Database::open(test.database().url(), options).unwrap();
    let inner = database.read(|_reader| Ok(database.read(|_reader| Ok(())))).unwrap();
    assert_eq!(inner.unwrap_err().kind(), FaultKind::Unavailable);
    database.read(|_reader| Ok(())).unwrap();
}

#[test]
fn a_panic_in_a_reader_gives_its_place_back() {
    let test = TestDatabase::sqlite();
    let options = PoolOptions { readers_max: 1, wait: std::time::Duration::from_millis(1) };
    let database = Database::open(test.database().url(), options).unwrap();
    let work = std::panic::AssertUnwindSafe(|| {
        database.read(|_reader| -> Result<(), Fault> { panic!("on purpose") })
    });
    assert!(std::panic::catch_unwind(work).is_err(), "it panicked");
    database.read(|_reader| Ok(())).unwrap();
}

#[test]
fn a_full_file_is_a_full_disk() {
    let test = TestDatabase::sqlite();
    test.migrate(TABLES);
    let mut connection = test.database().connect().unwrap();
    connection.run("limit file", "PRAGMA max_page_count = 20").unwrap();
    let mut tx = connection.begin().unwrap();
    let fault = tx.insert(&ADD, &rows(0..50_000)).unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Full);
    drop(tx);
    let mut tx = connection.begin().unwrap();
    tx.insert(&ADD, &rows(0..10)).unwrap();
    tx.commit().unwrap();
    assert_eq!(count(test.database()), 10);
}

#[test]
fn another_programs_file_is_refused() {
    let test = TestDatabase::sqlite();
    let DatabaseUrl::Sqlite(path) = test.database().url().clone() else { panic!("it is a file") };
    let other = path.with_file_name("other.db");
    rusqlite::Connection::open(&other).unwrap().execute_batch("CREATE TABLE a (b)").unwrap();
    let garbage = path.with_file_name("garbage.db");
    std::fs::write(&garbage, [b'x'; 9_000]).unwrap();
    let table = [
        (other, FaultKind::Configuration),
        (garbage, FaultKind::Corrupt),
        (path.join("no").join("folder.db"), FaultKind::Configuration),
    ];
    for (path, kind) in table {
        let url = DatabaseUrl::Sqlite(path);
        let fault = Database::open(&url, PoolOptions::default()).unwrap_err();
        assert_eq!(fault.kind(), kind, "{url}");
    }
}

#[test]
fn a_second_writer_of_a_file_is_in_the_way() {
    let test = TestDatabase::sqlite();
    test.migrate(TABLES);
    let mut first = test.database().connect().unwrap();
    let mut second = test.database().connect().unwrap();
    second.run("wait less", "PRAGMA busy_timeout = 1").unwrap();
    let tx = first.begin().unwrap();
    let fault = second.begin().unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Serialization);
    drop(tx);
    drop(second.begin().unwrap());
}

#[test]
fn a_lock_that_is_not_given_up_is_a_serialization_fault() {
    let Some(test) = TestDatabase::mysql() else { return };
    test.migrate(TABLES);
    write(test.database(), |tx| tx.insert(&ADD, &rows(1..2))).unwrap();
    let mut first = test.database().connect().unwrap();
    let mut second = test.database().connect().unwrap();
    second.run("wait less", "SET innodb_lock_wait_timeout = 0").unwrap();
    let mut tx = first.begin().unwrap();
    assert_eq!(tx.query(&LOCK, &[1.into()]).unwrap().len(), 1);
    let mut late = second.begin().unwrap();
    let fault = late.query(&LOCK, &[1.into()]).unwrap_err();
    assert_eq!((fault.kind(), fault.retryable()), (FaultKind::Serialization, true));
    drop(late);
    tx.commit().unwrap();
    let mut tx = second.begin().unwrap();
    assert_eq!(tx.query(&LOCK, &[1.into()]).unwrap().len(), 1);
}

/// Has the server end all of a database's connections but the one that asks.
fn kill_connections(database: &Database) {
    let list = Statement::new(
        "list connections",
        "SELECT id FROM information_schema.processlist WHERE db = database() AND id <> connection_id()",
    );
    let mut connection = database.connect().unwrap();
    for row in connection.reader().unwrap().query(&list, &[]).unwrap() {
        let kill = format!("KILL CONNECTION {}", row.integer(0).unwrap());
        connection.run("kill connection", &kill).unwrap();
    }
}

#[test]
fn a_lost_connection_fails_its_transaction_and_is_opened_anew() {
    let Some(test) = TestDatabase::mysql() else { return };
    test.migrate(TABLES);
    let mut connection = test.database().connect().unwrap();
    let mut tx = connection.begin().unwrap();
    tx.insert(&ADD, &rows(0..1)).unwrap();
    kill_connections(test.database());
    let fault = tx.insert(&ADD, &rows(1..2)).unwrap_err();
    assert_eq!((fault.kind(), fault.retryable()), (FaultKind::Unavailable, true));
    let fault = tx.insert(&ADD, &rows(2..3)).unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Unavailable, "a transaction never changes its connection");
    assert_eq!(tx.commit().unwrap_err().kind(), FaultKind::Unavailable);
    let mut tx = connection.begin().unwrap();
    tx.insert(&ADD, &rows(3..4)).unwrap();
    tx.commit().unwrap();
    assert_eq!(count(test.database()), 1);
    // Idle: the loss is found at the next begin, and mended there.
    kill_connections(test.database());
    drop(connection.begin().unwrap());
    assert_eq!(count(test.database()), 1, "pooled readers are replaced as well");
}

#[test]
fn a_server_that_takes_no_writes_says_so() {
    let Some(test) = TestDatabase::mysql() else { return };
    test.migrate(TABLES);
    let mut connection = test.database().connect().unwrap();
    connection.run("read only", "SET SESSION TRANSACTION READ ONLY").unwrap();
    let mut tx = connection.begin().unwrap();
    let fault = tx.insert(&ADD, &rows(0..1)).unwrap_err();
    assert_eq!(fault.kind(), FaultKind::ReadOnly);
    drop(tx);
    let mut tx = connection.begin().unwrap();
    tx.insert(&ADD, &rows(0..1)).unwrap();
    tx.commit().unwrap();
}

#[test]
fn a_server_that_is_not_there_is_unavailable_and_a_wrong_name_a_setting() {
    let url = DatabaseUrl::parse("mysql://root@localhost/x?socket=/nowhere/socket").unwrap();
    let fault = Database::open(&url, PoolOptions::default()).unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Unavailable);
    let Some(test) = TestDatabase::mysql() else { return };
    let DatabaseUrl::MySql(mut server) = test.database().url().clone() else { panic!("a server") };
    server.name = "no_such_database".to_owned();
    let fault = Database::open(&DatabaseUrl::MySql(server), PoolOptions::default()).unwrap_err();
    assert_eq!(fault.kind(), FaultKind::Configuration);
}

#[test]
fn test_databases_are_as_durable_as_production() {
    for_each_database(|test| {
        let report = test.database().durability().unwrap();
        assert_eq!(report.warnings, Vec::<String>::new(), "{:?}", report.settings);
        assert!(!report.settings.is_empty(), "it says what it looked at");
    });
    let Some(test) = TestDatabase::mysql() else { return };
    let mut connection = test.database().connect().unwrap();
    connection.run("weaken", "SET GLOBAL innodb_flush_log_at_trx_commit = 2").unwrap();
    let warnings = connection.durability().unwrap().warnings;
    connection.run("mend", "SET GLOBAL innodb_flush_log_at_trx_commit = 1").unwrap();
    assert_eq!(warnings.len(), 1, "{warnings:?}");
}

#[test]
fn the_log_is_moved_when_asked() {
    let test = TestDatabase::sqlite();
    test.migrate(TABLES);
    // While it is open, closing the writer's connection moves nothing.
    let mut connection = test.database().connect().unwrap();
    connection.checkpoint_wal().unwrap();
    write(test.database(), |tx| tx.insert(&ADD, &rows(0..5_000))).unwrap();
    let log = connection.checkpoint_wal().unwrap();
    assert!(log.pages > 10, "{log:?}");
    assert_eq!(log.moved, log.pages);
}
