//! What the packages bring, gathered: a feature is one line in each of these lists, and one in
//! `routes.rs`.

use std::sync::Arc;

use access::{ForgetEnded, Need, NoteUse};
use store::{Listed, migrate::Migration};
use web::{Assets, ProblemKind, TextSource};

use crate::{
    answers::ACCESS_PROBLEMS,
    house::House,
    jobs::{Job, Next},
};

/// Every step of the schema, by number.
pub fn migrations() -> Vec<Migration> {
    let mut all = [store::MIGRATIONS, access::MIGRATIONS].concat();
    all.sort_by_key(|migration| migration.version);
    all
}

/// Every statement, for the test that prepares them on both databases.
pub fn statements() -> Vec<Listed> {
    [store::statements(), access::STATEMENTS.to_vec(), ops::statements()].concat()
}

/// What people read.
pub fn texts() -> Vec<TextSource> {
    vec![web::TEXTS, TEXTS, ops::TEXTS]
}

/// Every kind of problem.
pub fn problems() -> Vec<&'static [&'static ProblemKind]> {
    vec![web::PROBLEMS, ACCESS_PROBLEMS.as_slice(), ops::PROBLEMS]
}

/// Static files: the frame's, and what features add to them.
pub fn assets() -> Assets {
    Assets::new()
}

/// The entries of the staff's home: who needs what to see it, where it is, the key of its text.
pub const STAFF_PAGES: &[StaffPage] = &[
    StaffPage { need: Need::KeyRead, href: "/staff/keys", text: "staff-page-keys" },
    StaffPage { need: Need::OpsRead, href: "/staff/ops", text: "staff-page-ops" },
];

/// What the clock starts.
pub fn jobs(house: &House) -> Vec<Job> {
    vec![probe(house), refresh_keys(house), note_use(house), forget_ended(house)]
}

/// A page of the staff console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaffPage {
    /// Who sees it.
    pub need: Need,
    /// Where it is.
    pub href: &'static str,
    /// The key of its name; the same with `-about` says what it is for.
    pub text: &'static str,
}

/// What people read on the pages of this package.
pub const TEXTS: TextSource = TextSource {
    name: "daifuku",
    japanese: include_str!("../texts/ja.ftl"),
    english: include_str!("../texts/en.ftl"),
};

fn probe(house: &House) -> Job {
    let probe = house.probe();
    Job::new("probe", 2, move || {
        probe.look();
        Ok(Next::Rest)
    })
}

/// Learns of keys that other nodes changed.
fn refresh_keys(house: &House) -> Job {
    let (keys, store) = (Arc::clone(&house.keys), house.store.clone());
    Job::new("refresh-keys", 5, move || {
        keys.refresh(store.database())?;
        Ok(Next::Rest)
    })
}

fn note_use(house: &House) -> Job {
    let house = house.clone();
    Job::new("note-use", 60, move || {
        let now = house.world.clock.now();
        if let Some(note) = NoteUse::take(&house.sessions, &house.keys, now) {
            match house.store.run(note)? {
                Ok(()) => {}
                Err(never) => match never {},
            }
        }
        Ok(Next::Rest)
    })
}

fn forget_ended(house: &House) -> Job {
    let (store, clock) = (house.store.clone(), Arc::clone(&house.world.clock));
    Job::new("forget-ended", 3_600, move || {
        let forgotten = match store.run(ForgetEnded { now: clock.now() })? {
            Ok(forgotten) => forgotten,
            Err(never) => match never {},
        };
        Ok(if forgotten.more { Next::Again } else { Next::Rest })
    })
}
