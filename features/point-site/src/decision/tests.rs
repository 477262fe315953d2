use core::fmt::Write as _;

use expect_test::expect;

use crate::conversion::{
    Authority, ConversionFacts, ConversionKey, ConversionState, Hand, Review, Source, Status, Told,
};
use crate::decision::{
    Action, Choice, DecisionRefusal, DecisionState, EndDecision, Figures, ProposeDecision, Verdict,
    allowed, settle,
};
use crate::tests::{HANA, OURS, Stage, THEIRS, at, play, tell, token, wait};
use access::testing::{member, staff};
use access::{Authenticated, Role, audit_trail};
use vocabulary::{Amount, Id, Label, Reference, kind};

fn support() -> Authenticated {
    staff(21, OURS, Role::Support)
}

fn supervisor() -> Authenticated {
    staff(22, OURS, Role::Supervisor)
}

/// A row of a report about the shop `books`.
fn row(external: &str, click: Option<Id<kind::Click>>, status: Status, sale: i64) -> Told {
    Told {
        key: ConversionKey {
            network: token("accesstrade"),
            account: token("main"),
            external: Reference::parse(external).unwrap(),
        },
        entry: None,
        click,
        order: Reference::parse(&format!("R-{external}")).ok(),
        item: None,
        occurred_at: at("2026-11-01 12:30"),
        sale,
        commission: (sale * 3).div_euclid(100),
        currency: None,
        status: Some(status),
        reason: None,
        test: false,
        authority: Authority::Decides,
        source: Source::Report(Id::from_bits(2)),
    }
}

fn id_of(told: &Told) -> Id<kind::Conversion> {
    told.key.first_id(told.occurred_at)
}

fn conversion(stage: &Stage, id: Id<kind::Conversion>) -> crate::conversion::Conversion {
    let config = stage.site.shared_config();
    let read = |reader: &mut store::Reader<'_>| {
        ConversionFacts::load_by_id(&config, &[id].into(), core::iter::empty(), reader)
    };
    stage.site.store().database().read(read).unwrap().known.remove(&id).unwrap()
}

fn choice(action: Action) -> Choice {
    let reason = Label::parse("確認のため").ok();
    Choice { action, click: None, figures: None, reason }
}

fn propose(
    stage: &Stage,
    number: u128,
    conversion: (Id<kind::Conversion>, u32),
    choice: Choice,
    who: Authenticated,
) -> Result<DecisionState, DecisionRefusal> {
    let command = ProposeDecision {
        config: stage.site.shared_config(),
        id: Id::from_bits(number),
        conversion: conversion.0,
        version: conversion.1,
        choice,
        who,
    };
    stage.site.store().run(command).unwrap()
}

fn end(
    stage: &Stage,
    number: u128,
    verdict: Verdict,
    who: Authenticated,
) -> Result<DecisionState, DecisionRefusal> {
    let (config, id) = (stage.site.shared_config(), Id::from_bits(number));
    stage.site.store().run(EndDecision { config, id, verdict, who }).unwrap()
}

fn trail(stage: &Stage) -> Vec<String> {
    let list = |reader: &mut store::Reader<'_>| {
        audit_trail::list(reader, &audit_trail::Search::All, None, 100)
    };
    let entries = stage.site.store().database().read(list).unwrap();
    entries
        .iter()
        .rev()
        .map(|one| format!("{} by {}", one.entry.action, one.entry.actor.ordinal()))
        .collect()
}

/// Every reason in every state with every action: what comes of it for the member.
#[test]
fn every_reason_has_what_can_be_done_about_it() {
    let test = store::testing::TestDatabase::sqlite();
    let stage = Stage::open(&test, crate::Trust::Reports);
    let click = stage.click(1, stage.books);
    stage.clock.advance_seconds(3_600);
    stage.say(vec![row("1", Some(click), Status::Occurred, 10_000)]);
    let whole = conversion(&stage, id_of(&row("1", None, Status::Occurred, 0)));
    let now = at("2026-11-20 12:00");
    let ConversionState::Tracked { expectation } = whole.state else { panic!("{whole:?}") };
    let states = [
        ConversionState::NeedsReview,
        ConversionState::Tracked { expectation },
        ConversionState::Approved { decided_at: now },
        ConversionState::Rejected { decided_at: now },
        ConversionState::Reversed { decided_at: now },
    ];
    let mut text = String::new();
    for review in Review::ALL {
        let mut cells = Vec::new();
        for state in states {
            let current =
                crate::conversion::Conversion { state, review: Some(*review), ..whole.clone() };
            let mut cell = Vec::new();
            for action in Action::ALL {
                let can = allowed(state, *review).contains(action);
                let bare = settle(&current, &choice(*action), None, now);
                assert_eq!(can, bare != Err(DecisionRefusal::NotAllowed), "{review:?} {state:?}");
                let figures =
                    Some(Figures { sale: Amount::from(2_000_u32), commission: Amount::ZERO });
                let whole = settle(&current, &Choice { figures, ..choice(*action) }, None, now);
                if can {
                    let plan = whole.unwrap();
                    let next = plan.next.unwrap();
                    assert_eq!(next.review, None, "the mark is gone");
                    assert_eq!(next.version, current.version + 1);
                    let mark = if bare.is_err() { "*" } else { "" };
                    cell.push(format!("{}{mark}", action.code()));
                }
            }
            cells.push(cell.join(" "));
        }
        writeln!(text, "{}: {}", review.code(), cells.join(" | ")).unwrap();
    }
    expect![[r#"
        status_unknown: announce approve reject | approve reject keep | take_back keep | approve keep | approve keep
        currency_differs: announce* approve* reject | approve restate* reject keep | restate* take_back keep | approve keep | approve keep
        entries_differ: announce* approve* reject | approve restate* reject keep | restate* take_back keep | approve keep | approve keep
        amount_negative: announce* approve* reject | approve restate* reject keep | restate* take_back keep | approve keep | approve keep
        click_unknown: announce approve reject | approve reject keep | take_back keep | approve keep | approve keep
        route_differs: announce approve reject | approve reject keep | take_back keep | approve keep | approve keep
        event_in_future: announce approve reject | approve reject keep | take_back keep | approve keep | approve keep
        event_before_click: announce approve reject | approve reject keep | take_back keep | approve keep | approve keep
        click_too_old: announce approve reject | approve reject keep | take_back keep | approve keep | approve keep
        double_route: announce approve reject | approve reject keep | take_back keep | approve keep | approve keep
        member_again: announce approve reject | approve reject keep | take_back keep | approve keep | approve keep
        commission_zero: announce approve reject | approve reject keep | restate* take_back keep | approve keep | approve keep
        amount_out_of_range: announce* approve* reject | approve restate* reject keep | restate* take_back keep | approve keep | approve keep
        click_differs: announce approve reject | approve reject keep | take_back keep | approve keep | approve keep
        item_differs: announce approve reject | approve reject keep | take_back keep | approve keep | approve keep
        claim_differs: reject | approve reject keep | take_back keep | approve keep | approve keep
        approved_after_reversal: reject | approve reject keep | take_back keep | approve keep | approve keep
        posting_refused: announce approve reject | approve reject keep | restate* take_back keep | approve keep | approve keep
        hand_differs: reject | approve reject keep | restate* take_back keep | approve keep | approve keep
    "#]].assert_eq(&text);
}

#[test]
fn a_proposal_takes_two_people_and_pays_once() {
    let expected = expect![[r#"
        unmatched
        without a click: click_needed, has 0 expects 0 owes 0
        proposed: proposed, has 0 expects 0 owes 0
        proposed again: proposed, has 0 expects 0 owes 0
        another: already_proposed, has 0 expects 0 owes 0
        other contents: id_taken, has 0 expects 0 owes 0
        same person: same_person, has 0 expects 0 owes 0
        other company: not_found, has 0 expects 0 owes 0
        approved: done, has 150 expects 0 owes 0
        approved again: done, has 150 expects 0 owes 0
        declined after: ended, has 150 expects 0 owes 0
        unknown: not_found, has 150 expects 0 owes 0
        conversion.propose by 21
        conversion.approve by 22
    "#]];
    tell(&expected, |stage| {
        let click = stage.click(1, stage.books);
        stage.clock.advance_seconds(3_600);
        let told = row("1", None, Status::Approved, 10_000);
        let outcome = stage.say(vec![told.clone()])[0].0;
        let mut text = format!("{}\n", outcome.code());
        let id = id_of(&told);
        let link = Choice { click: Some(click), ..choice(Action::Approve) };
        let mut note = |what: &str, state: Result<DecisionState, DecisionRefusal>| {
            let state = state.map_or_else(DecisionRefusal::code, DecisionState::code);
            writeln!(text, "{what}: {state}, {}", stage.purse()).unwrap();
        };
        note("without a click", propose(stage, 1, (id, 1), choice(Action::Approve), support()));
        note("proposed", propose(stage, 2, (id, 1), link.clone(), support()));
        note("proposed again", propose(stage, 2, (id, 1), link.clone(), support()));
        note("another", propose(stage, 3, (id, 1), choice(Action::Reject), supervisor()));
        note("other contents", propose(stage, 2, (id, 1), choice(Action::Reject), support()));
        note("same person", end(stage, 2, Verdict::Approve, support()));
        note("other company", {
            let mut config = (*stage.site.shared_config()).clone();
            config.company = THEIRS;
            let (config, id) = (std::sync::Arc::new(config), Id::from_bits(2));
            let who = staff(9, THEIRS, Role::Supervisor);
            let command = EndDecision { config, id, verdict: Verdict::Approve, who };
            stage.site.store().run(command).unwrap()
        });
        note("approved", end(stage, 2, Verdict::Approve, supervisor()));
        note("approved again", end(stage, 2, Verdict::Approve, supervisor()));
        note("declined after", end(stage, 2, Verdict::Decline, supervisor()));
        note("unknown", end(stage, 9, Verdict::Approve, supervisor()));
        for line in trail(stage) {
            writeln!(text, "{line}").unwrap();
        }
        text
    });
}

#[test]
fn what_changed_meanwhile_is_not_carried_out() {
    play(|stage| {
        let click = stage.click(1, stage.books);
        stage.clock.advance_seconds(3_600);
        let mut told = row("1", Some(click), Status::Occurred, 10_000);
        told.commission = 0;
        stage.say(vec![told.clone()]);
        let id = id_of(&told);
        let seen = (id, 1);
        propose(stage, 1, seen, choice(Action::Approve), support()).unwrap();
        told.sale = 20_000;
        stage.say(vec![told]);
        let ended = end(stage, 1, Verdict::Approve, supervisor()).unwrap();
        assert_eq!(ended.code(), "overtaken");
        assert_eq!(stage.purse(), "has 0 expects 0 owes 0");
        let stale = propose(stage, 2, seen, choice(Action::Reject), support());
        assert_eq!(stale, Err(DecisionRefusal::Changed));
        let declined = propose(stage, 3, (id, 2), choice(Action::Announce), support()).unwrap();
        assert_eq!(declined.code(), "proposed");
        let withdrawn = end(stage, 3, Verdict::Decline, support()).unwrap();
        assert_eq!(withdrawn.code(), "declined", "the maker may withdraw");
        let done = propose(stage, 4, (id, 2), choice(Action::Reject), support()).unwrap();
        assert_eq!(done.code(), "done", "one person rejects what never paid");
        assert_eq!(conversion(stage, id).hand, Hand::Decided);
    });
}

/// What the network says of a conversion after a person decided is neither lost nor obeyed blindly.
#[test]
fn a_later_statement_about_a_decision_is_kept_for_a_person() {
    let expected = expect![[r#"
        approved by hand, then occurred 10000: stale then stale → approved 150 (-)
        approved by hand, then approved 10000: duplicate then duplicate → approved 150 (-)
        approved by hand, then approved 5000: needs_review then duplicate → approved 150 (hand_differs)
        approved by hand, then rejected 10000: needs_review then duplicate → approved 150 (hand_differs)
        announced by hand, then occurred 10000: duplicate then duplicate → tracked 150 (-)
        announced by hand, then approved 10000: approved then duplicate → approved 150 (-)
        announced by hand, then approved 5000: approved_changed then duplicate → approved 75 (-)
        announced by hand, then rejected 10000: rejected then duplicate → rejected 150 (-)
        rejected by hand, then occurred 10000: stale then stale → rejected 0 (-)
        rejected by hand, then approved 10000: needs_review then duplicate → rejected 0 (hand_differs)
        rejected by hand, then approved 5000: needs_review then duplicate → rejected 0 (hand_differs)
        rejected by hand, then rejected 10000: duplicate then duplicate → rejected 0 (-)
        rejected though approved, then occurred 10000: stale then stale → rejected 0 (-)
        rejected though approved, then approved 10000: duplicate then duplicate → rejected 0 (-)
        rejected though approved, then approved 5000: needs_review then duplicate → rejected 0 (hand_differs)
        rejected though approved, then rejected 10000: duplicate then duplicate → rejected 0 (-)
    "#]];
    tell(&expected, |stage| {
        let click = stage.click(1, stage.books);
        stage.clock.advance_seconds(3_600);
        let mut text = String::new();
        let mut number = 10;
        for (name, first, action) in [
            ("approved by hand", Status::Occurred, Action::Approve),
            ("announced by hand", Status::Occurred, Action::Announce),
            ("rejected by hand", Status::Occurred, Action::Reject),
            ("rejected though approved", Status::Approved, Action::Reject),
        ] {
            for (later, sale) in [
                (Status::Occurred, 10_000),
                (Status::Approved, 10_000),
                (Status::Approved, 5_000),
                (Status::Rejected, 10_000),
            ] {
                number += 1;
                let mut told = row(&number.to_string(), None, first, 10_000);
                stage.say(vec![told.clone()]);
                let id = id_of(&told);
                let with_click = (action != Action::Reject).then_some(click);
                let wanted = Choice { click: with_click, ..choice(action) };
                let state = propose(stage, number, (id, 1), wanted, support()).unwrap();
                if state == DecisionState::Proposed {
                    end(stage, number, Verdict::Approve, supervisor()).unwrap();
                }
                (told.status, told.sale) = (Some(later), sale);
                told.commission = (sale * 3).div_euclid(100);
                // The network goes on naming what is no click of ours.
                told.click = Some(Id::from_bits(77 << 80));
                let (outcome, _) = stage.say(vec![told.clone()])[0];
                let (again, _) = stage.say(vec![told])[0];
                let now = conversion(stage, id);
                let review = now.review.map_or("-", Review::code);
                let (state, later) = (now.state.code(), later.code());
                writeln!(
                    text,
                    "{name}, then {later} {sale}: {} then {} → {state} {} ({review})",
                    outcome.code(),
                    again.code(),
                    now.points,
                )
                .unwrap();
            }
        }
        text
    });
}

#[test]
fn granted_points_are_taken_back_by_two_people() {
    play(|stage| {
        let click = stage.click(1, stage.books);
        stage.clock.advance_seconds(3_600);
        let told = row("1", Some(click), Status::Approved, 10_000);
        stage.say(vec![told.clone()]);
        let mut claim = row("1", Some(click), Status::Rejected, 10_000);
        (claim.authority, claim.source) = (Authority::Tells, Source::Postback(Id::from_bits(3)));
        stage.say(vec![claim]);
        stage.spend(100);
        let id = id_of(&told);
        let version = conversion(stage, id).version;
        let back = choice(Action::TakeBack);
        let bare = Choice { reason: None, ..back.clone() };
        let refused = propose(stage, 1, (id, version), bare, support());
        assert_eq!(refused, Err(DecisionRefusal::ReasonNeeded));
        propose(stage, 2, (id, version), back, support()).unwrap();
        assert_eq!(stage.purse(), "has 50 expects 0 owes 0", "nothing is taken yet");
        end(stage, 2, Verdict::Approve, supervisor()).unwrap();
        assert_eq!(stage.purse(), "has 0 expects 0 owes 100");
        let known = conversion(stage, id);
        assert_eq!((known.state.code(), known.review), ("reversed", None));
    });
}

#[test]
fn many_of_one_reason_are_rejected_together() {
    play(|stage| {
        let other = stage.click(2, stage.second);
        stage.clock.advance_seconds(3_600);
        let unmatched: Vec<Told> =
            (1..=3).map(|n| row(&n.to_string(), None, Status::Occurred, 10_000)).collect();
        let late = row("9", Some(other), Status::Approved, 10_000);
        stage.say([unmatched.clone(), vec![late.clone()]].concat());
        let maker = stage.client(Some(support())).browser();
        let list = wait(maker.get("/staff/conversions")).text;
        assert!(list.contains("クリックが見つからない (3)") && list.contains("別のASPのクリック"));
        let by_reason = wait(maker.get("/staff/conversions?reason=click_unknown&days=1")).text;
        assert!(by_reason.contains("条件に合う成果はありません"), "none waits for a day");
        let by_reason = wait(maker.get("/staff/conversions?reason=click_unknown")).text;
        assert!(by_reason.contains("まとめて判断する"), "many of one reason");
        // Two are rejected together, with a reason.
        let form = Id::<kind::Decision>::from_bits(5).to_string();
        let pick = |told: &Told| format!("{}:1", id_of(told));
        let (one, two) = (pick(&unmatched[0]), pick(&unmatched[1]));
        let fields = [
            ("form", form.as_str()),
            ("back", "/staff/conversions?reason=click_unknown"),
            ("action", "reject"),
            ("cv", &one),
            ("cv", &two),
        ];
        let missing = wait(maker.post_form("/staff/conversions", &fields));
        assert_eq!(missing.status.as_u16(), 422);
        assert!(missing.text.contains("理由を入力してください"), "{}", missing.text);
        let fields = [fields.as_slice(), &[("note", "クリックなし")]].concat();
        for _repeat in 0..2 {
            let answer = wait(maker.post_form("/staff/conversions", &fields));
            assert_eq!(answer.status.as_u16(), 303, "{}", answer.text);
            let address = answer.header("location").to_owned();
            assert!(address.contains("done=2") && address.contains("reason=click_unknown"));
            assert!(wait(maker.get(&address)).text.contains("2件に反映しました"));
        }
    });
}

#[test]
fn what_pays_is_proposed_and_approved_on_the_pages() {
    play(|stage| {
        let click = stage.click(1, stage.books);
        let other = stage.click(2, stage.second);
        stage.clock.advance_seconds(3_600);
        let unmatched = vec![row("3", None, Status::Occurred, 10_000)];
        let late = row("9", Some(other), Status::Approved, 10_000);
        stage.say([unmatched.clone(), vec![late.clone()]].concat());
        let maker = stage.client(Some(support())).browser();
        let checker = stage.client(Some(supervisor())).browser();
        // One is linked to Hana's click and announced.
        let page = format!("/staff/conversions/{}", id_of(&unmatched[0]));
        let text = wait(maker.get(&format!("{page}?member={HANA}"))).text;
        let reference = crate::click::reference(click);
        assert!(text.contains(&reference), "{text}");
        let form = Id::<kind::Decision>::from_bits(6).to_string();
        let mut fields = vec![
            ("form", form.as_str()),
            ("version", "1"),
            ("action", "announce"),
            ("click", ""),
            ("sale", ""),
            ("commission", ""),
            ("note", ""),
        ];
        let answer = wait(maker.post_form(&page, &fields));
        assert_eq!(answer.status.as_u16(), 422);
        assert!(answer.text.contains("クリックが結びついていません"), "{}", answer.text);
        fields[3].1 = &reference;
        let answer = wait(maker.post_form(&page, &fields));
        assert_eq!(answer.status.as_u16(), 303, "{}", answer.text);
        assert!(wait(maker.get(&page)).text.contains("申請を取り下げる"), "it is one's own");
        // The maker may not approve: neither by the role, nor as a supervisor.
        let proposals = wait(checker.get("/staff/decisions")).text;
        let id = crate::review::decision_id(Id::from_bits(6), id_of(&unmatched[0])).to_string();
        assert!(proposals.contains(&id), "{proposals}");
        let approve = [("id", id.as_str()), ("verdict", "approve")];
        let forbidden = wait(maker.post_form("/staff/decisions", &approve));
        assert_eq!(forbidden.status.as_u16(), 403);
        for _repeat in 0..2 {
            let answer = wait(checker.post_form("/staff/decisions", &approve));
            assert_eq!(answer.status.as_u16(), 303);
            assert!(
                answer.header("location").contains("done=1"),
                "{:?}",
                answer.header("location")
            );
        }
        assert_eq!(stage.purse(), "has 0 expects 150 owes 0");
        let own = format!("/staff/conversions/{}", id_of(&late));
        let form = Id::<kind::Decision>::from_bits(7).to_string();
        let fields = [("form", form.as_str()), ("version", "1"), ("action", "approve")];
        let answer = wait(checker.post_form(&own, &fields));
        assert_eq!(answer.status.as_u16(), 303, "{}", answer.text);
        let id = crate::review::decision_id(Id::from_bits(7), id_of(&late)).to_string();
        let approve = [("id", id.as_str()), ("verdict", "approve")];
        let answer = wait(checker.post_form("/staff/decisions", &approve));
        let address = answer.header("location").to_owned();
        assert!(address.contains("refused=1&why=same_person"), "{address}");
        assert!(wait(checker.get(&address)).text.contains("別の担当者に承認を依頼"), "what to do");
        assert_eq!(stage.purse(), "has 0 expects 150 owes 0", "nothing is paid by one person");
    });
}

#[test]
fn who_may_not_decide_sees_nothing() {
    play(|stage| {
        let told = row("1", None, Status::Occurred, 10_000);
        stage.clock.advance_seconds(3_600);
        stage.say(vec![told.clone()]);
        let page = format!("/staff/conversions/{}", id_of(&told));
        let table = [
            (None, 401),
            (Some(member(1, OURS, HANA)), 403),
            (Some(staff(2, OURS, Role::Sre)), 403),
            (Some(staff(3, THEIRS, Role::Supervisor)), 404),
        ];
        for (who, status) in table {
            let client = stage.client(who);
            for path in ["/staff/conversions", "/staff/decisions", &page] {
                assert_eq!(wait(client.get(path)).status.as_u16(), status, "{path} {who:?}");
            }
            let answer = wait(client.post_form(&page, &[("action", "reject")]));
            assert_eq!(answer.status.as_u16(), status, "{who:?}");
        }
        let auditor = stage.client(Some(staff(4, OURS, Role::Auditor)));
        assert!(!wait(auditor.get(&page)).text.contains("判断する"), "they look and do not decide");
        let unknown = wait(auditor.get("/staff/conversions/cv_01JD3T6Z8M3V5K1W9QXY2ABCDE"));
        assert_eq!(unknown.status.as_u16(), 404);
    });
}
