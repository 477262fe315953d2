//! An installation for the tests of this crate.

use std::sync::Arc;

use crate::{Build, Health, JobBoard, Ops, Probe, TEXTS, routes};
use access::Role;
use store::{Store, StoreOptions, migrate::Migration, testing::TestDatabase};
use vocabulary::{CompanyNumber, ManualClock, SeededIds, Timestamp};
use web::{
    Admission, Guard, Meter, Parts, Route, ServerOptions,
    testing::{Client, door_with, frame},
};

/// Lets everybody in as an engineer.
struct Engineer;

impl Guard for Engineer {
    fn admit(&self, _: &Route, parts: &mut Parts) -> Admission {
        parts.extensions.insert(access::testing::staff(1, CompanyNumber::OPERATOR, Role::Sre));
        Admission::Granted
    }
}

/// 2026-11-20 12:00 in Japan.
pub(crate) const NOON: Timestamp = Timestamp::from_microseconds(1_795_143_600_000_000);

pub(crate) fn migrations() -> Vec<Migration> {
    [store::MIGRATIONS, access::MIGRATIONS].concat()
}

pub(crate) struct House {
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) ops: Ops,
    pub(crate) probe: Probe,
}

impl House {
    pub(crate) fn over(database: &TestDatabase) -> Self {
        database.migrate(&migrations());
        let clock = Arc::new(ManualClock::new(NOON));
        let store = Store::open(
            database.database(),
            StoreOptions::default(),
            Arc::<ManualClock>::clone(&clock),
            SeededIds::new(1),
            |_progress| {},
        )
        .expect("an empty database opens");
        let health = Arc::new(Health::new());
        let probe = Probe {
            store: store.clone(),
            migrations: migrations().into(),
            folder: std::env::temp_dir(),
            clock: Arc::<ManualClock>::clone(&clock),
            health: Arc::clone(&health),
        };
        let ops = Ops {
            store,
            clock: Arc::<ManualClock>::clone(&clock),
            health,
            board: Arc::new(JobBoard::new()),
            meter: Arc::new(Meter::new()),
            build: Build { version: "0.1.0", started_at: NOON },
            nav: |_view, _needs| Vec::new(),
        };
        Self { clock, ops, probe }
    }

    /// An engineer's client; who may come in is tested where the guard is, in `daifuku`.
    pub(crate) fn client(&self) -> Client {
        let options = ServerOptions::default();
        let door = door_with(routes(&self.ops), options, frame(&[TEXTS]), Arc::new(Engineer));
        Client::new(Arc::new(door.expect("the routes fit together")))
    }
}
