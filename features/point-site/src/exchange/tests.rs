use core::fmt::Write as _;
use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

use super::{Clearance, Effect, ExchangeEvent, ExchangeState, Outcome, Plan, plan};
use vocabulary::Timestamp;

const BEGIN: Timestamp = Timestamp::from_microseconds(1_800_000_000_000_000);

fn quoted() -> ExchangeState {
    ExchangeState::Quoted { expires_at: BEGIN.plus_seconds(600) }
}

/// Every state, with the cases of its contents that decide.
fn states() -> Vec<(&'static str, ExchangeState)> {
    let [free, review] = [Clearance::Free, Clearance::Review];
    let at = BEGIN;
    let over = ExchangeState::Quoted { expires_at: BEGIN };
    vec![
        ("quoted", quoted()),
        ("quoted, over", over),
        ("expired", ExchangeState::Expired { expired_at: at }),
        ("accepted", ExchangeState::Accepted { accepted_at: at, clearance: free }),
        ("accepted, review", ExchangeState::Accepted { accepted_at: at, clearance: review }),
        ("held", ExchangeState::Held { held_at: at, clearance: free }),
        ("held, review", ExchangeState::Held { held_at: at, clearance: review }),
        ("sent", ExchangeState::Sent { sent_at: at }),
        ("unknown", ExchangeState::Unknown { unknown_at: at }),
        ("completed", ExchangeState::Completed { completed_at: at }),
        ("failed", ExchangeState::Failed { failed_at: at }),
        ("returned", ExchangeState::Returned { returned_at: at }),
        ("cancelled", ExchangeState::Cancelled { cancelled_at: at }),
    ]
}

fn told(plan: Plan) -> String {
    let outcome = match plan.outcome {
        Outcome::Changed => "",
        Outcome::Repeated => "repeated",
        Outcome::Refused => "refused",
        Outcome::Contradicted => "contradicted",
    };
    let next = plan.next.map_or("", ExchangeState::code);
    let waits = matches!(
        plan.next,
        Some(
            ExchangeState::Accepted { clearance: Clearance::Review, .. }
                | ExchangeState::Held { clearance: Clearance::Review, .. }
        )
    );
    let effect = match plan.effect {
        Effect::None => "",
        Effect::Hold => "+ hold",
        Effect::Capture => "+ capture",
        Effect::Void => "+ void",
        Effect::GiveBack => "+ give back",
    };
    let words = [outcome, next, if waits { "(review)" } else { "" }, effect];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Lists what each event does in a state: changes one by one, the others by their outcome.
fn write_decided(text: &mut String, state: ExchangeState) {
    let mut others: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for event in ExchangeEvent::ALL {
        let plan = plan(state, *event, BEGIN.plus_seconds(1));
        match plan.outcome {
            Outcome::Changed => writeln!(text, "  {} → {}", event.code(), told(plan)).unwrap(),
            Outcome::Repeated | Outcome::Refused | Outcome::Contradicted => {
                others.entry(told(plan)).or_default().push(event.code());
            }
        }
    }
    for (outcome, events) in others {
        writeln!(text, "  {outcome}: {}", events.join(" ")).unwrap();
    }
}

/// Compares what every event does in each of these states.
fn check(states: &[(&str, ExchangeState)], expected: &Expect) {
    let mut text = String::new();
    for (name, state) in states {
        writeln!(text, "{name}").unwrap();
        write_decided(&mut text, *state);
    }
    expected.assert_eq(&text);
}

#[test]
fn every_event_is_decided_before_it_is_sent() {
    check(
        &states()[..7],
        &expect![[r#"
        quoted
          accept → accepted + hold
          accept_for_review → accepted (review) + hold
          cancel → cancelled
          contradicted: hold_placed hold_refused arrive lose_sight fail return
          refused: expire release send
        quoted, over
          expire → expired
          cancel → cancelled
          contradicted: hold_placed hold_refused arrive lose_sight fail return
          refused: release send
          refused expired: accept accept_for_review
        expired
          contradicted: hold_placed hold_refused arrive lose_sight fail return
          refused: accept accept_for_review release send
          repeated: expire cancel
        accepted
          hold_placed → held
          hold_refused → failed
          contradicted: arrive lose_sight fail return
          refused: release cancel send
          repeated: accept accept_for_review expire
        accepted, review
          hold_placed → held (review)
          hold_refused → failed
          contradicted: arrive lose_sight fail return
          refused: release cancel send
          repeated: accept accept_for_review expire
        held
          cancel → cancelled + void
          send → sent
          contradicted: hold_refused arrive lose_sight fail return
          repeated: accept accept_for_review expire hold_placed release
        held, review
          release → held
          cancel → cancelled + void
          contradicted: hold_refused arrive lose_sight fail return
          refused: send
          repeated: accept accept_for_review expire hold_placed
    "#]],
    );
}

#[test]
fn every_event_is_decided_after_it_is_sent_or_over() {
    check(
        &states()[7..],
        &expect![[r#"
        sent
          arrive → completed + capture
          lose_sight → unknown
          fail → failed + void
          return → returned + void
          contradicted: hold_refused
          refused: cancel
          repeated: accept accept_for_review expire hold_placed release send
        unknown
          arrive → completed + capture
          fail → failed + void
          return → returned + void
          contradicted: hold_refused
          refused: cancel
          repeated: accept accept_for_review expire hold_placed release send lose_sight
        completed
          return → returned + give back
          contradicted: hold_refused fail
          refused: cancel
          repeated: accept accept_for_review expire hold_placed release send arrive lose_sight
        failed
          contradicted: arrive
          refused: cancel
          repeated: accept accept_for_review expire hold_placed hold_refused release send lose_sight fail return
        returned
          contradicted: hold_refused
          refused: cancel
          repeated: accept accept_for_review expire hold_placed release send arrive lose_sight fail return
        cancelled
          contradicted: hold_refused arrive lose_sight fail return
          refused: accept accept_for_review release send
          repeated: expire hold_placed cancel
    "#]],
    );
}

#[test]
fn a_quote_ends_at_its_moment() {
    let accept = ExchangeEvent::Accept(Clearance::Free);
    let end = BEGIN.plus_seconds(600);
    let late = plan(quoted(), accept, end);
    assert_eq!((late.outcome, late.effect), (Outcome::Refused, Effect::None));
    assert_eq!(late.next, Some(ExchangeState::Expired { expired_at: end }));
    let just = plan(quoted(), accept, end.plus_microseconds(-1));
    assert_eq!((just.outcome, just.effect), (Outcome::Changed, Effect::Hold));
}

#[test]
fn what_is_unknown_is_not_paid_again_and_not_given_back() {
    let unknown = ExchangeState::Unknown { unknown_at: BEGIN };
    for event in ExchangeEvent::ALL {
        let plan = plan(unknown, *event, BEGIN);
        let answers =
            [ExchangeEvent::Arrive, ExchangeEvent::Fail, ExchangeEvent::Return].contains(event);
        assert_eq!(plan.next.is_some(), answers, "{event:?}");
        assert_eq!(plan.effect != Effect::None, answers, "{event:?}");
    }
}

/// What the ledger has done for one exchange of one point.
#[derive(Debug, Default, PartialEq, Eq)]
struct Done {
    held: u32,
    captured: u32,
    voided: u32,
    given_back: u32,
}

impl Done {
    fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::None => {}
            Effect::Hold => self.held += 1,
            Effect::Capture => self.captured += 1,
            Effect::Void => self.voided += 1,
            Effect::GiveBack => self.given_back += 1,
        }
    }
}

proptest! {
    #[test]
    fn no_history_takes_more_than_was_held_or_gives_back_what_was_not_taken(
        events in proptest::collection::vec(
            (proptest::sample::select(ExchangeEvent::ALL), 0_i64..200), 0..40,
        ),
    ) {
        let mut state = quoted();
        let mut now = BEGIN;
        let mut done = Done::default();
        for (event, seconds) in events {
            now = now.plus_seconds(seconds);
            let plan = plan(state, event, now);
            done.apply(plan.effect);
            prop_assert_eq!(plan.outcome == Outcome::Contradicted, told(plan) == "contradicted");
            state = plan.next.unwrap_or(state);
            prop_assert!(done.held <= 1, "{done:?}");
            prop_assert!(done.captured + done.voided <= done.held, "{done:?}");
            prop_assert!(done.given_back <= done.captured, "{done:?}");
            let expected = match state {
                ExchangeState::Quoted { .. } | ExchangeState::Expired { .. } => (0, 0, 0, 0),
                ExchangeState::Accepted { .. }
                | ExchangeState::Held { .. }
                | ExchangeState::Sent { .. }
                | ExchangeState::Unknown { .. } => (1, 0, 0, 0),
                ExchangeState::Completed { .. } => (1, 1, 0, 0),
                ExchangeState::Failed { .. }
                | ExchangeState::Returned { .. }
                | ExchangeState::Cancelled { .. } => {
                    // The member has the points: nothing was taken, or as much was given back; a
                    // hold that was refused left nothing to set free.
                    prop_assert_eq!(done.captured, done.given_back);
                    continue;
                }
            };
            let found = (done.held, done.captured, done.voided, done.given_back);
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn an_event_told_twice_is_told_once(
        events in proptest::collection::vec(proptest::sample::select(ExchangeEvent::ALL), 1..12),
    ) {
        let mut state = quoted();
        for event in events {
            let first = plan(state, event, BEGIN);
            state = first.next.unwrap_or(state);
            if first.outcome == Outcome::Changed {
                let again = plan(state, event, BEGIN);
                prop_assert_eq!((again.next, again.effect), (None, Effect::None));
                prop_assert_eq!(again.outcome, Outcome::Repeated);
            }
        }
    }
}
