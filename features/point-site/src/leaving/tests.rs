use crate::leaving::{
    EndMembership, LeavingLoss, LeavingRefusal, LeavingState, TakeLeavingBack, due_leavings,
    find_leaving, loss_of,
};
use crate::preferences::{SavePreferences, find_preferences};
use crate::tests::{HANA, OURS, Stage, ask_to_leave, at, play};
use ledger::{
    AccountSpec, BalanceRule, Batch, Lot, LotKind, NormalSide, Step, Transfer, TransferKind, Wanted,
};
use store::testing::Setup;
use vocabulary::{AccountRole, Amount, Day, Id};
use web::Language;

/// Gives Hana points of a kind, or takes them on hold.
fn give(stage: &Stage, number: u128, kind: LotKind, amount: u32) {
    let spec = |id, rule, lots| AccountSpec {
        id,
        unit: crate::tests::UNIT,
        company: OURS,
        side: NormalSide::Credit,
        rule,
        lots,
    };
    let unit = crate::tests::UNIT.get();
    let cost = Id::of(crate::tests::COMPANY, unit, AccountRole::Cost);
    let hana = Id::of(HANA, unit, AccountRole::Member);
    let accounts =
        vec![spec(cost, BalanceRule::Unlimited, false), spec(hana, BalanceRule::NonNegative, true)];
    let opened = stage.site.store().run(Setup { units: Vec::new(), accounts }).unwrap().unwrap();
    let lot = Lot::try_new(OURS, kind, Some(Day::parse("2027-05-31").unwrap())).unwrap();
    let step = Step::Transfer(Transfer {
        debit: opened[0],
        credit: opened[1],
        amount: Wanted::Exactly(Amount::from(amount)),
        kind: if kind == LotKind::Paid { TransferKind::TopUp } else { TransferKind::Grant },
        code: 0,
        lot: Some(lot),
    });
    let batch = Batch::single(Id::from_bits(number), stage.site.config().actor, step);
    let outcome = stage.site.store().post(vec![batch]).unwrap()[0];
    assert!(matches!(outcome, store::Outcome::Posted(_)), "{outcome:?}");
}

fn end(stage: &Stage, erased: bool) -> Option<LeavingState> {
    let by = stage.site.config().actor;
    let command = EndMembership { member: HANA, unit: crate::tests::UNIT, by, erased };
    let Ok(leaving) = stage.site.store().run(command).unwrap();
    leaving.map(|leaving| leaving.state)
}

fn breakage(stage: &Stage) -> i64 {
    let unit = crate::tests::UNIT.get();
    let id = Id::of(crate::tests::COMPANY, unit, AccountRole::Breakage);
    let store = stage.site.store();
    store.account(store.find_account(id).unwrap()).unwrap().balance()
}

#[test]
fn a_member_leaves_after_the_days_and_loses_what_was_said() {
    play(|stage| {
        give(stage, 1, LotKind::Free, 300);
        let account = stage.account(AccountRole::Member).unwrap();
        assert_eq!(
            loss_of(&account),
            LeavingLoss { free: Amount::from(300_u32), ..LeavingLoss::default() }
        );
        let (language, member, company) = (Some(Language::English), HANA, OURS);
        let chosen = SavePreferences { member, company, language, notices: None, invited_by: None };
        let Ok(_chosen) = stage.site.store().run(chosen).unwrap();
        let asked = stage.site.store().run(ask_to_leave()).unwrap().unwrap();
        assert_eq!(asked.ends_at, at("2026-11-15 12:00"));
        assert_eq!(stage.site.store().run(ask_to_leave()).unwrap(), Ok(asked), "a repeat");

        let due = |stage: &Stage| {
            let now = stage.site.now();
            let read = stage.site.store().database().read(|r| due_leavings(r, now, 10));
            read.unwrap().len()
        };
        stage.clock.set(at("2026-11-15 11:59"));
        assert_eq!((due(stage), end(stage, false)), (0, Some(LeavingState::Asked)), "too early");
        stage.clock.set(at("2026-11-15 12:00"));
        assert_eq!((due(stage), end(stage, false)), (1, Some(LeavingState::Ending)));
        assert_eq!((stage.purse(), breakage(stage)), ("has 0 expects 0 owes 0".to_owned(), 300));
        let store = stage.site.store();
        let kept = store.database().read(|r| find_preferences(r, &[HANA])).unwrap();
        assert!(kept.is_empty(), "what was chosen is forgotten");
        assert_eq!(end(stage, false), Some(LeavingState::Ending), "the login is still there");
        assert_eq!(end(stage, true), Some(LeavingState::Ended));
        assert_eq!((due(stage), end(stage, true)), (0, Some(LeavingState::Ended)));
        assert_eq!(breakage(stage), 300, "written off once");
        let Ok(taken_back) = store.run(TakeLeavingBack { member: HANA }).unwrap();
        assert!(!taken_back, "the end is the end");
        assert_eq!(store.run(ask_to_leave()).unwrap(), Err(LeavingRefusal::Ended));
    });
}

#[test]
fn signing_in_takes_it_back_and_asking_again_begins_anew() {
    play(|stage| {
        give(stage, 1, LotKind::Free, 300);
        let store = stage.site.store();
        store.run(ask_to_leave()).unwrap().unwrap();
        let Ok(taken_back) = store.run(TakeLeavingBack { member: HANA }).unwrap();
        let Ok(again) = store.run(TakeLeavingBack { member: HANA }).unwrap();
        assert!(taken_back && !again, "once");
        stage.clock.set(at("2026-12-01 12:00"));
        assert_eq!(end(stage, false), None);
        assert_eq!(stage.purse(), "has 300 expects 0 owes 0");
        let asked = store.run(ask_to_leave()).unwrap().unwrap();
        assert_eq!(asked.ends_at, at("2026-12-15 12:00"));
        let found = store.database().read(|r| find_leaving(r, HANA)).unwrap();
        assert_eq!(found, Some(asked));
    });
}

#[test]
fn value_that_was_paid_for_keeps_a_member_here() {
    play(|stage| {
        give(stage, 1, LotKind::Paid, 500);
        let refused = stage.site.store().run(ask_to_leave()).unwrap();
        assert_eq!(refused, Err(LeavingRefusal::Paid));
    });
}
