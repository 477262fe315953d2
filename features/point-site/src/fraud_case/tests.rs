use expect_test::expect;

use super::store::{Shown, list_cases, list_events};
use super::{CaseChange, CaseRefusal, CaseState, ChangeCase, FraudCase, count_overdue};
use crate::exchange::ExchangeEvent;
use crate::exchange::tests::stories::{
    accept, ask, change, checker, furnish, limit, maker, register, state, take,
};
use crate::finding::store::{count_hits, list_of_subject};
use crate::fraud_rule::{DecisionPoint, RuleMode};
use crate::held::{DecideExchange, DecideRefusal, ProposeVerdict, Verdict};
use crate::step_up::{Decision, Particular};
use crate::tests::{HANA, OURS, Stage, THEIRS, at, play, tell, wait};
use access::Role;
use access::testing::staff;
use vocabulary::{Id, Label, Timestamp, Zone, kind};
use web::StatusCode;
use web::testing::Client;

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
            assert_eq!(
                case.rules.iter().map(vocabulary::Token::as_str).collect::<Vec<_>>(),
                ["bank"]
            );
            // Opened on a Sunday, due by the end of Monday.
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

#[test]
fn every_code_that_pages_show_has_its_text() {
    let frame = web::testing::frame(&[crate::TEXTS]);
    let at = Timestamp::from_microseconds(1);
    let states = [
        CaseState::Open,
        CaseState::Proposed,
        CaseState::Released { at },
        CaseState::Denied { at },
        CaseState::Ended { at },
    ];
    let dashed = |code: &str| code.replace('_', "-");
    let keys = super::CaseAction::ALL
        .iter()
        .map(|action| format!("fraud-event-{}", dashed(action.code())))
        .chain(states.map(|state| format!("fraud-state-{}", state.code())))
        .chain(["waiting", "mine", "nobodys", "closed"].map(|tab| format!("fraud-tab-{tab}")))
        .chain(Decision::ALL.iter().map(|one| format!("fraud-decision-{}", dashed(one.code()))))
        .chain(RuleMode::ALL.iter().map(|mode| format!("fraud-mode-{}", mode.code())))
        .chain(Particular::ALL.iter().flat_map(|one| {
            let code = dashed(one.code());
            [format!("fraud-changed-{code}"), format!("fraud-condition-changed-within-{code}")]
        }))
        .chain(
            DecisionPoint::ALL
                .iter()
                .map(|one| format!("fraud-point-{}", one.code().replace('.', "-"))),
        );
    for key in keys {
        let text = frame.texts().get(web::Language::Japanese, &key);
        assert!(!text.contains('⟦'), "{text}");
    }
}

fn page(client: &Client, path: &str) -> String {
    let mut first = String::new();
    for language in ["en", "ja"] {
        let between = if path.contains('?') { '&' } else { '?' };
        let answer = wait(client.get(&format!("{path}{between}lang={language}")));
        assert_eq!(answer.status, StatusCode::OK, "{path}: {}", answer.text);
        assert!(!answer.text.contains('⟦'), "{path}: {}", answer.text);
        assert!(answer.text.len() < 60_000, "{path}: {}", answer.text.len());
        if language == "en" {
            first = answer.text;
        }
    }
    first
}

fn send(client: &Client, path: &str, fields: &[(&str, &str)]) -> StatusCode {
    let answer = wait(client.post_form(path, fields));
    assert!(!answer.text.contains('⟦'), "{path}: {}", answer.text);
    answer.status
}

#[test]
fn a_case_is_found_on_the_board_worked_on_and_decided_by_another() {
    play(|stage| {
        let empty = stage.client(Some(staff(30, OURS, Role::Auditor)));
        assert!(page(&empty, "/staff/fraud").contains("No cases here"));
        let id = held(stage);
        let maker = stage.client(Some(staff(30, OURS, Role::Supervisor)));
        let checker = stage.client(Some(staff(31, OURS, Role::Supervisor)));
        let case = format!("/staff/fraud/cases/{id}");
        let board = page(&maker, "/staff/fraud");
        assert!(board.contains(&case) && !board.contains("overdue"), "{board}");
        assert!(page(&maker, "/staff/fraud?rule=bank").contains(&case));
        assert!(!page(&maker, "/staff/fraud?rule=ban").contains(&case), "a whole name");
        assert!(!page(&maker, "/staff/fraud?show=mine").contains(&case));
        assert_eq!(send(&maker, &case, &[("act", "take")]), StatusCode::SEE_OTHER);
        assert!(page(&maker, "/staff/fraud?show=mine").contains(&case));
        assert!(!page(&maker, "/staff/fraud?show=nobodys").contains(&case));
        let wrong = [("act", "hand_over"), ("mail", "nobody@daifuku.example")];
        assert_eq!(send(&maker, &case, &wrong), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(send(&maker, &case, &[("act", "note")]), StatusCode::UNPROCESSABLE_ENTITY);
        let note = [("act", "note"), ("text", "電話した")];
        assert_eq!(send(&maker, &case, &note), StatusCode::SEE_OTHER);
        let (propose, decide) = (format!("{case}/propose"), format!("{case}/decide"));
        let release = [("verdict", "release"), ("reason", "本人に確認")];
        assert_eq!(send(&maker, &propose, &release[..1]), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(send(&maker, &propose, &release), StatusCode::SEE_OTHER);
        assert_eq!(send(&maker, &decide, &release[..1]), StatusCode::UNPROCESSABLE_ENTITY);
        stage.clock.set(at("2026-11-05 09:00"));
        assert!(page(&maker, "/staff/fraud").contains("Overdue cases: 1"));
        let shown = page(&checker, &case);
        for text in ["電話した", "本人に確認", "bank (version 0)", "This case is overdue"]
        {
            assert!(shown.contains(text), "{text}: {shown}");
        }
        assert_eq!(send(&checker, &decide, &release[..1]), StatusCode::SEE_OTHER);
        assert!(page(&checker, "/staff/fraud").contains("No cases here"));
        assert!(page(&checker, "/staff/fraud?show=closed").contains(&case));
        assert!(page(&checker, &case).contains("Released"));
        assert_eq!(change(stage, id, ExchangeEvent::Send), Ok("sent".to_owned()));
        let reader = stage.client(Some(staff(32, OURS, Role::Support)));
        assert!(page(&reader, &case).contains("Released"));
        assert_eq!(send(&reader, &case, &note), StatusCode::FORBIDDEN);
        let sales = stage.client(Some(staff(33, OURS, Role::Sales)));
        assert_eq!(wait(sales.get("/staff/fraud")).status, StatusCode::FORBIDDEN);
        let theirs = stage.client(Some(staff(34, THEIRS, Role::Supervisor)));
        assert_eq!(wait(theirs.get(&case)).status, StatusCode::NOT_FOUND);
    });
}

#[test]
fn a_rule_is_proposed_tried_out_and_approved_by_another() {
    play(|stage| {
        let id = held(stage);
        let maker = stage.client(Some(staff(30, OURS, Role::Supervisor)));
        let checker = stage.client(Some(staff(31, OURS, Role::Supervisor)));
        let list = page(&maker, "/staff/fraud/rules");
        assert!(list.contains("/staff/fraud/rules/bank") && list.contains("In force"), "{list}");
        page(&maker, "/staff/fraud/rules/new");
        page(&maker, "/staff/fraud/rules/bank/edit");
        let fields = |amount, days| {
            [
                ("rule", "bank"),
                ("note", "振込先の変更"),
                ("decision", "deny"),
                ("mode", "enforce"),
                ("answer_days", "1"),
                ("amount_over", amount),
                ("bank_days", days),
            ]
        };
        let rules = "/staff/fraud/rules";
        for (amount, days) in [("", ""), ("x", "3"), ("900", "366")] {
            let status = send(&maker, rules, &fields(amount, days));
            assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{amount} {days}");
        }
        assert_eq!(send(&maker, rules, &fields("1,900", "3")), StatusCode::SEE_OTHER);
        let status = send(&maker, rules, &fields("800", "3"));
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "one waits");
        let decide = "/staff/fraud/rules/bank/decide";
        let verdict = |verdict| [("verdict", verdict), ("version", "1")];
        assert_eq!(send(&maker, decide, &verdict("approve")), StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(send(&maker, decide, &verdict("decline")), StatusCode::SEE_OTHER);
        assert_eq!(send(&maker, rules, &fields("900", "3")), StatusCode::SEE_OTHER);
        let tried = page(&checker, "/staff/fraud/rules/bank");
        assert!(tried.contains("more than 900 pt and bank account changed"), "{tried}");
        // The one exchange that is known, which was held then.
        let figures: Vec<&str> = tried
            .split("Tried out")
            .nth(1)
            .unwrap_or_default()
            .split("<dd>")
            .skip(1)
            .take(4)
            .filter_map(|part| part.split("</dd>").next())
            .collect();
        assert_eq!(figures, ["1", "1", "1", "0"]);
        let approve = [("verdict", "approve"), ("version", "2")];
        assert_eq!(send(&checker, decide, &approve), StatusCode::SEE_OTHER);
        limit(stage, None);
        let payee = register(stage, "1112223");
        assert_eq!(take(stage, &ask(stage, HANA, "cash", 1_000), Some(payee)), "denied");
        assert_eq!(take(stage, &ask(stage, HANA, "cash", 500), Some(payee)), "held");
        assert!(page(&checker, "/staff/fraud").contains(&id.to_string()));
        assert_eq!(cases(stage, Shown::Waiting).len(), 1, "the small one waits for nobody");
        let missing = wait(checker.get("/staff/fraud/rules/none"));
        assert_eq!(missing.status, StatusCode::NOT_FOUND);
    });
}
