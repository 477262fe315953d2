use crate::bonus::{
    Cause, Move, Standing, Target, batch_id, bonus_of_posting, expectation_id, next_move,
};
use crate::tests::at;
use vocabulary::{Amount, Id, Timestamp, kind};

fn standings(at: Timestamp) -> Vec<Standing> {
    let amounts = [1, 2].map(Amount::from);
    let mut all = vec![Standing::Nothing];
    for amount in amounts {
        all.push(Standing::Promised { amount, grant_at: at });
        for grant_at in [None, Some(at)] {
            all.push(Standing::Announced { amount, version: 1, grant_at });
        }
        for reserved in [false, true] {
            all.push(Standing::Granted { amount, version: 1, reserved });
        }
    }
    all
}

fn targets(at: Timestamp) -> Vec<Target> {
    let mut all = vec![Target::Nothing];
    for amount in [0, 1, 2].map(Amount::from) {
        all.push(Target::Promised { amount, grant_at: at });
        all.push(Target::Announced { amount, due_at: None, grant_at: None });
        all.push(Target::Announced { amount, due_at: None, grant_at: Some(at) });
        all.push(Target::Granted { amount });
    }
    all
}

/// Where a step leads.
fn after(next: Move) -> Standing {
    match next {
        Move::Note(standing) => standing,
        Move::Announce { amount, grant_at, .. } => {
            Standing::Announced { amount, version: 1, grant_at }
        }
        Move::Change { version, to, grant_at, .. } => {
            Standing::Announced { amount: to, version, grant_at }
        }
        Move::Drop { .. } | Move::TakeBack { .. } => Standing::Nothing,
        Move::Fulfil { amount, .. } => Standing::Granted { amount, version: 1, reserved: true },
        Move::Grant { amount } => Standing::Granted { amount, version: 1, reserved: false },
    }
}

#[test]
fn every_target_is_reached_from_everywhere_in_four_steps() {
    let now = at("2026-11-20 12:00");
    for start in standings(now) {
        for target in targets(now) {
            let mut standing = start;
            let mut steps = 0;
            while let Some(next) = next_move(standing, target) {
                standing = after(next);
                steps += 1;
                assert!(steps <= 4, "{start:?} → {target:?}");
            }
            assert_eq!(standing.amount(), target.amount(), "{start:?} → {target:?}");
            let granted = matches!(target.of(target.amount()), Target::Granted { .. });
            assert_eq!(standing.granted(), granted, "{start:?} → {target:?}");
        }
    }
}

#[test]
fn postings_lead_back_to_their_bonus() {
    let id = Cause::Campaign(Id::from_bits(7)).bonus(Id::<kind::Conversion>::from_bits(9));
    for version in [1, 2, 1 << 22] {
        assert_eq!(bonus_of_posting(batch_id(id, version).bits()), id);
        assert_eq!(bonus_of_posting(expectation_id(id, version).bits()), id);
    }
    assert_ne!(batch_id(id, 1).bits(), expectation_id(id, 1).bits());
    let other = Cause::Campaign(Id::from_bits(8)).bonus(Id::<kind::Conversion>::from_bits(9));
    assert_ne!(id, other);
    let member = Cause::Rank.bonus(Id::<kind::Conversion>::from_bits(9));
    assert_ne!(id, member);
}
