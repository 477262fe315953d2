//! The invariants of the ledger, over random histories.

use proptest::prelude::*;

use crate::{
    AccountNumber, AccountSpec, ActorNumber, BalanceRule, Batch, Book, CaptureRule, Few, IdleRule,
    Lot, LotKind, Memory, Movement, MovementKind, NegativeBy, NormalSide, Original, Remaining,
    Step, Transfer, TransferKind, Unit, UnitNumber, UnitPolicy, Wanted, audit,
};
use vocabulary::{Amount, CompanyNumber, Day, Id, Timestamp, kind};

struct Known<'a>(&'a [Movement]);

impl Memory for Known<'_> {
    fn hold_was_used(&self, id: Id<kind::Hold>) -> bool {
        self.0.iter().any(|m| m.kind == MovementKind::Hold && m.subject == Some(id.bits()))
    }

    fn expectation_was_used(&self, id: Id<kind::Expectation>) -> bool {
        self.0.iter().any(|m| m.kind == MovementKind::Announcement && m.subject == Some(id.bits()))
    }

    fn original(&self, id: Id<kind::Batch>) -> Option<Original> {
        let movements: Vec<Movement> = self.0.iter().filter(|m| m.batch == id).copied().collect();
        let reversed =
            self.0.iter().any(|m| m.kind == MovementKind::Reversal && m.subject == Some(id.bits()));
        (!movements.is_empty()).then_some(Original { movements, reversed })
    }
}

fn book() -> Book {
    let mut book = Book::new();
    let policy = UnitPolicy {
        breakage: Some(AccountNumber::new(0)),
        transferable: true,
        idle_rules: Few::<IdleRule>::parse("earn,use,visit 30 days from 2020-01-01").unwrap(),
        ..UnitPolicy::default()
    };
    book.set_unit(Unit {
        number: UnitNumber::new(1),
        code: vocabulary::UnitCode::parse("PT").unwrap(),
        scale: vocabulary::Scale::default(),
        issuer: CompanyNumber::new(1),
        policy,
    });
    let by = |capture, reversal| BalanceRule::Negative(NegativeBy { capture, reversal });
    let rules = [
        (BalanceRule::Unlimited, NormalSide::Credit, false),
        (BalanceRule::Unlimited, NormalSide::Debit, false),
        (BalanceRule::NonNegative, NormalSide::Credit, false),
        (BalanceRule::NonNegative, NormalSide::Debit, false),
        (BalanceRule::NonNegative, NormalSide::Credit, true),
        (by(true, false), NormalSide::Credit, true),
        (by(false, true), NormalSide::Credit, true),
    ];
    for (place, (rule, side, lots)) in rules.into_iter().enumerate() {
        book.open_account(AccountSpec {
            id: Id::from_bits(place as u128 + 1),
            unit: UnitNumber::new(1),
            company: CompanyNumber::new(1),
            side,
            rule,
            lots,
        });
    }
    book
}

fn account() -> impl Strategy<Value = AccountNumber> {
    (0_u32..7).prop_map(AccountNumber::new)
}

fn amount() -> impl Strategy<Value = Amount> {
    prop_oneof![
        20 => (0_u32..200).prop_map(Amount::from),
        1 => Just(Amount::MAX),
        1 => Just(Amount::try_new(i64::MAX / 2).unwrap()),
    ]
}

fn lot() -> impl Strategy<Value = Option<Lot>> {
    let day =
        prop_oneof![Just(None), (20_600_i32..20_680).prop_map(|day| Some(Day::from_number(day))),];
    let kind = prop_oneof![Just(LotKind::Free), Just(LotKind::Paid)];
    proptest::option::weighted(
        0.8,
        (0_u16..3, kind, day).prop_map(|(bearer, kind, day)| {
            Lot::try_new(CompanyNumber::new(bearer), kind, day).unwrap()
        }),
    )
}

fn wanted() -> impl Strategy<Value = Wanted> {
    prop_oneof![amount().prop_map(Wanted::Exactly), amount().prop_map(Wanted::UpTo)]
}

fn remaining() -> impl Strategy<Value = Remaining> {
    prop_oneof![Just(Remaining::Keep), Just(Remaining::Release)]
}

fn step() -> impl Strategy<Value = Step> {
    let id = || 1_u128..12;
    let kinds = proptest::sample::select(TransferKind::ALL.to_vec());
    prop_oneof![
        8 => (account(), account(), wanted(), kinds, lot()).prop_map(
            |(debit, credit, amount, kind, lot)| Step::Transfer(Transfer {
                debit, credit, amount, kind, code: 0, lot
            })
        ),
        4 => (id(), account(), account(), wanted(), 1_i64..40).prop_map(
            |(id, debit, credit, amount, days)| Step::Hold {
                id: Id::from_bits(id), debit, credit, amount, code: 0,
                expires_at: Timestamp::from_microseconds(START).plus_days(days),
            }
        ),
        1 => (id(), amount()).prop_map(|(id, amount)| Step::IncreaseHold { hold: Id::from_bits(id), amount }),
        4 => (id(), proptest::option::of(amount()), any::<bool>(), remaining()).prop_map(
            |(id, amount, forced, remaining)| Step::Capture {
                hold: Id::from_bits(id), amount, remaining, code: 0,
                rule: if forced { CaptureRule::Forced } else { CaptureRule::WithinHold },
            }
        ),
        2 => (id(), proptest::option::of(amount()))
            .prop_map(|(id, amount)| Step::Void { hold: Id::from_bits(id), amount }),
        2 => id().prop_map(|id| Step::ExpireHold { hold: Id::from_bits(id) }),
        3 => (id(), account(), account(), amount()).prop_map(|(id, debit, credit, amount)| {
            Step::Announce { id: Id::from_bits(id), debit, credit, amount, due_at: None, code: 0 }
        }),
        2 => (id(), amount()).prop_map(|(id, amount)| Step::ChangeExpectation {
            expectation: Id::from_bits(id), amount
        }),
        3 => (id(), proptest::option::of(amount()), lot(), remaining()).prop_map(
            |(id, amount, lot, remaining)| Step::GrantExpectation {
                expectation: Id::from_bits(id), amount, lot, remaining, code: 0
            }
        ),
        2 => account().prop_map(|account| Step::ExpireLots { account }),
        1 => account().prop_map(|account| Step::ExpireInactive { account }),
        3 => (1_u128..60, proptest::option::of(account())).prop_map(|(id, shortfall)| Step::Reverse {
            original: Id::from_bits(id), shortfall, code: 0
        }),
        1 => account().prop_map(|account| Step::Freeze { account }),
        1 => account().prop_map(|account| Step::Thaw { account }),
        1 => account().prop_map(|account| Step::Touch { account }),
        1 => account().prop_map(|account| Step::Close { account }),
    ]
}

const START: i64 = 1_780_000_000_000_000;

/// What a book looks like from outside.
fn picture(book: &Book) -> String {
    format!("{:?}\n{:?}\n{:?}", book.accounts(), book.holds(), book.expectations())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn every_history_keeps_the_invariants(
        history in proptest::collection::vec(
            (proptest::collection::vec(step(), 1..4), -1_i64..3), 1..60
        )
    ) {
        let mut book = book();
        let mut journal: Vec<Movement> = Vec::new();
        let mut now = Timestamp::from_microseconds(START);
        for (place, (steps, days)) in history.into_iter().enumerate() {
            now = now.plus_days(days);
            let known = journal.clone();
            let id = Id::from_bits(place as u128 + 1);
            let batch = Batch::try_new(id, ActorNumber::SYSTEM, steps).unwrap();
            let before = picture(&book);
            let mark = book.mark();
            let outcome = book.post(&batch, now, &Known(&known), &mut journal);
            if let Ok(posted) = outcome {
                let written = journal.len() - known.len();
                prop_assert_eq!(written, usize::try_from(posted.count).unwrap());
            } else {
                prop_assert_eq!(&journal, &known, "a refused batch wrote something");
                prop_assert_eq!(picture(&book), before.clone(), "a refused batch changed something");
            }
            prop_assert_eq!(audit(&book), vec![]);
            // Undone is as if it had never been; done again it comes out the same.
            if place % 5 == 0 && outcome.is_ok() {
                let after = picture(&book);
                book.undo_to(mark);
                prop_assert_eq!(picture(&book), before, "undoing left something");
                let mut again = known.clone();
                prop_assert_eq!(book.post(&batch, now, &Known(&known), &mut again), outcome);
                prop_assert_eq!(&again, &journal);
                prop_assert_eq!(picture(&book), after);
            }
        }
        check_journal(&book, &journal)?;
    }
}

fn check_journal(posted: &Book, journal: &[Movement]) -> Result<(), TestCaseError> {
    let mut replayed = book();
    for (place, movement) in journal.iter().enumerate() {
        prop_assert_eq!(movement.seq.get(), place as u64 + 1, "seq has a gap");
        prop_assert_eq!(replayed.fold(movement), Ok(()));
        prop_assert_eq!(audit(&replayed), vec![], "at {}", movement.seq);
    }
    prop_assert_eq!(picture(&replayed), picture(posted), "a replay gives another book");
    for pair in journal.windows(2) {
        prop_assert!(pair[0].at <= pair[1].at, "time runs back");
    }
    Ok(())
}
