use crate::pages::place;
use crate::stage::{HANA, OURS, POINTS, Stage, TARO, company_id, play};
use ledger::{BalanceRule, NegativeBy};
use store::{Store, StoreOptions};
use vocabulary::{AccountRole, Amount, Clock as _, Id, SeededIds, kind};
use wallet::{
    expiry::{Job, JobRow, Progress, expire_due, expire_holds, expire_inactive, find_jobs},
    member::{OpenWallet, member_account},
};

fn done(posted: u64, finished: bool) -> Progress {
    Progress { posted, refused: 0, finished }
}

fn row(store: &Store, job: Job) -> Option<JobRow> {
    store.database().read(find_jobs).unwrap().into_iter().find(|row| row.job == job)
}

fn balance(stage: &Stage, member: Id<kind::Member>) -> i64 {
    stage.store.account(stage.account_of(member)).unwrap().balance()
}

fn breakage(stage: &Stage) -> i64 {
    let id = Id::of(company_id(OURS), POINTS.get(), AccountRole::Breakage);
    stage.store.account(stage.store.find_account(id).unwrap()).unwrap().balance()
}

/// Opens accounts of members 100, 101, …, each with a lot.
fn crowd(stage: &Stage, count: u128, until: &str) {
    let members = (0..count).map(|place| Id::from_bits(0x0192_AAAA << 64 | (100 + place)));
    for (place, member) in members.enumerate() {
        let open = OpenWallet { member, company: OURS, unit: POINTS };
        stage.store.run(open).unwrap().unwrap();
        stage.grant_to(member, &format!("crowd {place}"), 10, until);
    }
}

#[test]
fn lots_expire_on_the_day_after_their_last_in_rounds_that_go_on_where_they_stopped() {
    play(|stage| {
        stage.grant("a", 300, "2026-11-30");
        stage.grant("b", 200, "2026-12-31");
        crowd(stage, 25, "2026-11-30");
        let run = |limit| expire_due(&stage.store, stage.clock.now(), limit).unwrap();
        stage.at("2026-11-30");
        assert_eq!(run(100), done(0, true), "usable on the last day");
        stage.at("2026-12-01");
        assert_eq!(run(10), done(10, false));
        let half = row(&stage.store, Job::Lots).unwrap();
        assert_eq!((half.posted, half.finished_at), (10, None));
        assert!(half.position > 0, "{half:?}");
        assert_eq!(run(10), done(10, false));
        assert_eq!(run(10), done(6, true));
        let whole = row(&stage.store, Job::Lots).unwrap();
        assert_eq!((whole.posted, whole.position), (26, 0));
        assert_eq!(whole.finished_at, Some(stage.clock.now()));
        assert_eq!((balance(stage, HANA), breakage(stage)), (200, 550));
        assert_eq!(run(100), done(0, true), "a repeat finds nothing");
    });
}

#[test]
fn a_reserved_lot_expires_once_it_is_released() {
    play(|stage| {
        stage.at("2026-11-28").grant("a", 300, "2026-11-30");
        place(stage, &stage.till(OURS), 1, 100, "喫茶ひなた");
        stage.at("2026-12-02");
        let now = || stage.clock.now();
        let lots = || expire_due(&stage.store, now(), 100).unwrap();
        assert_eq!((lots(), breakage(stage)), (done(1, true), 200));
        assert_eq!(expire_holds(&stage.store, now(), 100).unwrap(), done(0, true), "not due");
        stage.at("2026-12-06");
        assert_eq!(lots(), done(0, true), "the hold keeps it");
        assert_eq!(expire_holds(&stage.store, now(), 100).unwrap(), done(1, true));
        // On the same day as a run before, and all the same.
        assert_eq!((lots(), breakage(stage)), (done(1, true), 300));
        assert_eq!((balance(stage, HANA), balance(stage, TARO)), (0, 0));
        assert_eq!(row(&stage.store, Job::Holds).unwrap().posted, 1);
        let page = stage.page(&stage.hana(), "/passbook?lang=ja");
        assert!(page.contains("時間切れ") && page.contains("ポイント失効"), "{page}");
    });
}

#[test]
fn holds_are_released_in_portions() {
    play(|stage| {
        stage.grant("a", 300, "2027-11-30");
        for number in 1..=5 {
            place(stage, &stage.till(OURS), number, 10, "喫茶ひなた");
        }
        stage.clock.advance_seconds(8 * 86_400);
        let run = |limit| expire_holds(&stage.store, stage.clock.now(), limit).unwrap();
        assert_eq!(run(2), done(2, false));
        assert_eq!(run(9), done(3, true));
        let account = stage.store.account(stage.account_of(HANA)).unwrap();
        assert_eq!(account.available(), Amount::from(300));
    });
}

#[test]
fn free_points_of_who_stays_away_expire() {
    play(|stage| {
        stage.at("2026-07-01").grant("a", 300, "2029-12-31");
        stage.grant_to(TARO, "b", 200, "2029-12-31");
        let run = || expire_inactive(&stage.store, stage.clock.now(), 100).unwrap();
        stage.at("2027-01-10");
        let account = stage.account_of(TARO);
        stage.post("login", vec![ledger::Step::Touch { account }]);
        stage.at("2027-07-01");
        assert_eq!(run(), done(0, true), "365 days are allowed");
        stage.at("2027-07-02");
        assert_eq!(run(), done(1, true));
        assert_eq!((balance(stage, HANA), balance(stage, TARO)), (0, 200));
        assert_eq!(row(&stage.store, Job::Inactive).unwrap().posted, 1);
    });
}

#[test]
fn a_round_goes_on_after_a_restart() {
    store::testing::for_each_database(|test| {
        let stage = Stage::open(test);
        crowd(&stage, 6, "2026-11-30");
        stage.at("2026-12-01");
        assert_eq!(expire_due(&stage.store, stage.clock.now(), 4).unwrap(), done(4, false));
        stage.store.close();
        let (options, clock) = (StoreOptions::default(), stage.clock.clone());
        let ids = SeededIds::new(2);
        let store = Store::open(test.database(), options, clock, ids, |_| {}).unwrap();
        assert_eq!(expire_due(&store, stage.clock.now(), 4).unwrap(), done(2, true));
        assert_eq!(row(&store, Job::Lots).unwrap().posted, 6);
    });
}

#[test]
fn a_members_account_is_what_grants_and_captures_need() {
    let spec = member_account(HANA, OURS, POINTS);
    assert_eq!(spec.id, Id::of(HANA, POINTS.get(), AccountRole::Member));
    assert!(spec.lots, "points expire");
    assert_eq!(spec.rule, BalanceRule::Negative(NegativeBy { capture: true, reversal: true }));
}
