use super::store::{Shown, list_cases, list_events};
use super::{CaseChange, CaseRefusal, CaseState, ChangeCase, FraudCase, count_overdue};
use crate::exchange::ExchangeEvent;
use crate::exchange::tests::stories::{
    accept, ask, change, checker, furnish, limit, maker, register, state, take,
};
use crate::finding::store::{count_hits, list_of_subject};
use crate::held::{DecideExchange, DecideRefusal, ProposeVerdict, Verdict};
use crate::tests::{HANA, OURS, Stage, THEIRS, at, play, tell};
use access::Role;
use access::testing::staff;
use expect_test::expect;
use vocabulary::{Id, Label, Timestamp, Zone, kind};

#[test]
fn a_state_has_a_moment_when_it_is_closed_and_only_then() {
    let at = Timestamp::from_microseconds(1);
    let states = [
        (CaseState::Open, true),
        (CaseState::Proposed, true),
        (CaseState::Released { at }, false),
        (CaseState::Denied { at }, false),
        (CaseState::Ended { at }, false),
    ];
    for (state, waits) in states {
        assert_eq!(state.waits(), waits);
        assert_eq!(state.closed_at().is_none(), waits);
        assert_eq!(CaseState::from_parts(state.code(), state.closed_at()), Some(state));
        let other = if waits { Some(at) } else { None };
        assert_eq!(CaseState::from_parts(state.code(), other), None, "{}", state.code());
    }
}

fn cases(stage: &Stage, shown: Shown) -> Vec<FraudCase> {
    let database = stage.site.store().database();
    database.read(|reader| list_cases(reader, (OURS, shown), None, None, 50)).unwrap()
}

fn story(stage: &Stage, subject: Id<kind::Exchange>) -> String {
    let events = stage.site.store().database().read(|reader| list_events(reader, subject)).unwrap();
    let line = |event: &super::CaseEvent| {
        let other = event.other.map_or_else(String::new, |other| format!(" → {}", other.ordinal()));
        let by = event.actor.ordinal();
        format!("{} {by}{other} {}", event.action.code(), event.text).trim().to_owned()
    };
    events.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// An exchange to an account that has just been named in place of another.
fn held(stage: &Stage) -> Id<kind::Exchange> {
    furnish(stage, 50_000);
    register(stage, "1234567");
    let second = register(stage, "7654321");
    let quoted = ask(stage, HANA, "cash", 1_000);
    let taps = vec![accept(stage, &quoted, Some(second)), accept(stage, &quoted, Some(second))];
    for answer in stage.site.store().run_all(taps).unwrap() {
        assert_eq!(answer.unwrap().state.code(), "held");
    }
    assert_eq!(take(stage, &quoted, Some(second)), "held");
    quoted.id
}

fn propose(stage: &Stage, exchange: Id<kind::Exchange>, verdict: Verdict) {
    let reason = Label::parse("本人に確認").unwrap();
    let command = ProposeVerdict { company: OURS, exchange, verdict, reason, by: maker() };
    stage.site.store().run(command).unwrap().unwrap();
}

fn decide(
    stage: &Stage,
    exchange: Id<kind::Exchange>,
    verdict: Verdict,
    by: ledger::ActorNumber,
) -> Result<(), &'static str> {
    let config = stage.site.shared_config();
    let command = DecideExchange { config, exchange, verdict, by };
    stage.site.store().run(command).unwrap().map_err(DecideRefusal::code)
}

fn act(stage: &Stage, subject: Id<kind::Exchange>, change: CaseChange) -> Result<(), &'static str> {
    let by = staff(30, OURS, Role::Supervisor);
    let command = ChangeCase { company: OURS, subject, change, by };
    stage.site.store().run(command).unwrap().map_err(CaseRefusal::code)
}

#[test]
fn what_a_rule_holds_has_one_case_until_two_persons_have_decided() {
    tell(
        &expect![[r#"
            opened 21
            took 30
            noted 30 電話した
            proposed_release 21 本人に確認
            released 22
            noted 30 あとから"#]],
        |stage| {
            let id = held(stage);
            let found = cases(stage, Shown::Waiting);
            let [case] = found.as_slice() else { panic!("{found:?}") };
            assert_eq!((case.subject, case.member, case.owner), (id, HANA, None));
            assert_eq!(case.amount.minor_units(), 950);
            assert_eq!(case.rules.iter().map(|r| r.as_str()).collect::<Vec<_>>(), ["bank"]);
            // Opened on a Sunday; Tuesday is a holiday.
            assert_eq!(Zone::JAPAN.format_minute(case.due_at), "2026-11-03 00:00");
            assert_eq!(act(stage, id, CaseChange::Take), Ok(()));
            assert_eq!(act(stage, id, CaseChange::Take), Ok(()), "a repeat");
            assert_eq!(act(stage, id, CaseChange::Note("電話した".to_owned())), Ok(()));
            propose(stage, id, Verdict::Release);
            assert_eq!(cases(stage, Shown::Waiting)[0].state, CaseState::Proposed);
            assert_eq!(decide(stage, id, Verdict::Release, maker()), Err("same_person"));
            assert_eq!(cases(stage, Shown::Waiting)[0].state, CaseState::Proposed);
            assert_eq!(decide(stage, id, Verdict::Release, checker()), Ok(()));
            assert_eq!(change(stage, id, ExchangeEvent::Send), Ok("sent".to_owned()));
            assert!(cases(stage, Shown::Waiting).is_empty());
            let closed = cases(stage, Shown::ClosedSince(Timestamp::default()));
            assert_eq!(closed[0].state, CaseState::Released { at: stage.site.now() });
            assert_eq!(act(stage, id, CaseChange::Take), Err("closed"));
            assert_eq!(act(stage, id, CaseChange::Note("あとから".to_owned())), Ok(()));
            story(stage, id)
        },
    );
}

#[test]
fn a_case_ends_as_its_exchange_does() {
    play(|stage| {
        let id = held(stage);
        propose(stage, id, Verdict::Deny);
        assert_eq!(decide(stage, id, Verdict::Deny, checker()), Ok(()));
        assert_eq!(state(stage, id), "cancelled");
        assert!(story(stage, id).ends_with("proposed_denial 21 本人に確認\ndenied 22"));
        // The member's own second thoughts.
        limit(stage, None);
        let payee = register(stage, "1112223");
        let quoted = ask(stage, HANA, "cash", 1_000);
        assert_eq!(take(stage, &quoted, Some(payee)), "held");
        assert_eq!(change(stage, quoted.id, ExchangeEvent::Cancel), Ok("cancelled".to_owned()));
        assert!(story(stage, quoted.id).ends_with("ended 21"));
        assert!(cases(stage, Shown::Waiting).is_empty());
    });
}

#[test]
fn what_the_ledger_refuses_or_a_rule_denies_has_no_case() {
    play(|stage| {
        furnish(stage, 500);
        register(stage, "1234567");
        let second = register(stage, "7654321");
        let quoted = ask(stage, HANA, "cash", 1_000);
        assert_eq!(take(stage, &quoted, Some(second)), "balance_insufficient");
        assert!(cases(stage, Shown::Waiting).is_empty());
        let database = stage.site.store().database();
        let subject = quoted.id.to_bytes();
        let findings = database.read(|reader| list_of_subject(reader, subject, 10)).unwrap();
        assert!(findings.is_empty(), "{findings:?}");
    });
}

#[test]
fn what_rules_said_is_kept_once_however_often_they_are_asked() {
    play(|stage| {
        furnish(stage, 50_000);
        let quoted = ask(stage, HANA, "gift", 20_000);
        for _again in 0..3 {
            assert_eq!(take(stage, &quoted, None), "proof_needed");
            stage.clock.advance_seconds(1);
        }
        assert_eq!(take(stage, &ask(stage, HANA, "gift", 300), None), "held");
        let database = stage.site.store().database();
        let subject = quoted.id.to_bytes();
        let findings = database.read(|reader| list_of_subject(reader, subject, 10)).unwrap();
        let [finding] = findings.as_slice() else { panic!("{findings:?}") };
        assert_eq!((finding.outcome.code(), finding.member), ("step_up", HANA));
        assert_eq!(finding.facts.points.minor_units(), 20_000);
        let (day, hour) = (stage.site.now().plus_days(-1), stage.site.now().plus_seconds(-2));
        let hits = database.read(|reader| count_hits(reader, OURS, (day, hour))).unwrap();
        assert_eq!(hits.into_values().collect::<Vec<_>>(), [(1, 0)]);
    });
}

#[test]
fn overdue_cases_are_counted_and_owners_have_lists_of_their_own() {
    play(|stage| {
        let id = held(stage);
        let overdue = |now| {
            let database = stage.site.store().database();
            database.read(|reader| count_overdue(reader, OURS, now)).unwrap()
        };
        assert_eq!(overdue(at("2026-11-02 23:59")), 0);
        assert_eq!(overdue(at("2026-11-03 00:00")), 1);
        assert_eq!(cases(stage, Shown::Of(None)).len(), 1);
        let unknown = CaseChange::HandOver(Id::from_bits(7));
        assert_eq!(act(stage, id, unknown), Err("colleague_unfit"));
        assert_eq!(act(stage, id, CaseChange::Take), Ok(()));
        assert!(cases(stage, Shown::Of(None)).is_empty());
        let mine = staff(30, OURS, Role::Supervisor).actor();
        assert_eq!(cases(stage, Shown::Of(Some(mine))).len(), 1);
        let by = staff(30, THEIRS, Role::Supervisor);
        let theirs = ChangeCase { company: THEIRS, subject: id, change: CaseChange::Take, by };
        let refused = stage.site.store().run(theirs).unwrap();
        assert_eq!(refused, Err(CaseRefusal::NotFound));
    });
}
