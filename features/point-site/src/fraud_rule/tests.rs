use super::command::RuleVerdict;
use super::store::{find_versions, read_current};
use super::{
    Condition, Conditions, DecideRule, DecisionPoint, FraudRule, ProposeRule, RuleMode,
    RuleRefusal, RuleTerms, RuleVersion, TermsError, Trial, VersionState, evaluate, rules_in_force,
};
use crate::exchange::tests::stories::{ask, checker, furnish, maker, take};
use crate::finding::{Experience, Finding, FindingFacts, PayeeUse};
use crate::step_up::{Custom, Decision, Particular, Proof};
use crate::tests::{HANA, OURS, Stage, at, play, token};
use vocabulary::{Amount, Day, Id, Label, Timestamp};

const NOW: Timestamp = Timestamp::from_microseconds(1_800_000_000_000_000);

fn label(text: &str) -> Label {
    Label::parse(text).unwrap()
}

fn rule(id: &str, condition: Condition, decision: Decision) -> FraudRule {
    FraudRule::given(token(id), condition, decision, label(id))
}

fn facts(points: u32) -> FindingFacts {
    FindingFacts {
        at: NOW,
        points: Amount::from(points),
        custom: Custom::Known,
        experience: Experience::Seasoned,
        payee: PayeeUse::Own,
        member_since: None,
        changes: Vec::new(),
        taken: Vec::new(),
    }
}

fn rules() -> Vec<FraudRule> {
    let changed = Condition::ChangedWithin;
    vec![
        rule("large", Condition::AmountOver(Amount::from(10_000)), Decision::StepUp),
        rule("huge", Condition::AmountOver(Amount::from(100_000)), Decision::Hold),
        rule("first", Condition::FirstUse, Decision::StepUp),
        rule("phone", changed(Particular::Phone, 7), Decision::Deny),
        rule("mail", changed(Particular::Mail, 3), Decision::Hold),
        rule("bank", changed(Particular::BankAccount, 1), Decision::Hold),
    ]
}

fn told(rules: &[FraudRule], facts: &FindingFacts, proof: Proof) -> (Decision, String) {
    let evaluation = evaluate(rules, DecisionPoint::ExchangeAccept, facts, proof);
    let ids: Vec<&str> = evaluation.hits.iter().map(|hit| hit.rule.as_str()).collect();
    (evaluation.outcome, ids.join(" "))
}

#[test]
fn the_strictest_rule_decides_and_all_are_told() {
    use Custom::{Known, New};
    use Particular::{BankAccount, Mail, Phone};

    // Points, custom, what changed how many days ago; then without and with a proof.
    type Row = (u32, Custom, &'static [(Particular, i64)], &'static str);
    let table: [Row; 11] = [
        (10_000, Known, &[], "allow/allow []"),
        (10_001, Known, &[], "step_up/allow [large]"),
        // A case for a person asks for the proof of milder rules first.
        (100_001, Known, &[], "step_up/hold [huge large]"),
        (300, New, &[], "step_up/allow [first]"),
        (300, Known, &[(Phone, 6)], "deny/deny [phone]"),
        (300, Known, &[(Phone, 7)], "allow/allow []"),
        (300, New, &[(Mail, 2)], "step_up/hold [first mail]"),
        (300, Known, &[(BankAccount, 0), (BankAccount, 40)], "hold/hold [bank]"),
        (300, Known, &[(Phone, -1)], "deny/deny [phone]"),
        (10_001, Known, &[(Phone, 1)], "deny/deny [large phone]"),
        (300, Known, &[(Mail, 3), (Phone, 400)], "allow/allow []"),
    ];
    for (points, custom, changed, expected) in table {
        let changes = changed.iter().map(|(what, days)| (*what, NOW.plus_days(-days))).collect();
        let facts = FindingFacts { custom, changes, ..facts(points) };
        let (before, after) =
            (told(&rules(), &facts, Proof::None), told(&rules(), &facts, Proof::Given));
        assert_eq!(before.1, after.1);
        assert_eq!(format!("{}/{} [{}]", before.0.code(), after.0.code(), before.1), expected);
    }
    assert_eq!(told(&[], &facts(u32::MAX), Proof::None), (Decision::Allow, String::new()));
}

#[test]
fn each_condition_holds_beyond_its_bound_and_not_at_it() {
    let hours = |hours: i64| NOW.plus_seconds(-hours * 3_600);
    let points = Amount::from(400);
    let some = FindingFacts {
        experience: Experience::First,
        payee: PayeeUse::Shared,
        member_since: Some(NOW.plus_days(-6)),
        taken: vec![(hours(1), points), (hours(24), points), (hours(24 * 30), points)],
        ..facts(300)
    };
    let amount = |points: u32| Amount::from(points);
    let table = [
        (Condition::AmountOver(amount(299)), true),
        (Condition::AmountOver(amount(300)), false),
        // This one and the one of an hour ago; one of just 24 hours ago is out.
        (Condition::SumOver(amount(699), 1), true),
        (Condition::SumOver(amount(700), 1), false),
        (Condition::SumOver(amount(1_499), 31), true),
        (Condition::SumOver(amount(1_500), 31), false),
        (Condition::CountOver(1, 24), true),
        (Condition::CountOver(2, 24), false),
        (Condition::CountOver(2, 25), true),
        (Condition::MemberYounger(7), true),
        (Condition::MemberYounger(6), false),
        (Condition::SharedPayee, true),
        (Condition::FirstExchange, true),
        (Condition::FirstUse, false),
        (Condition::ChangedWithin(Particular::Mail, 365), false),
    ];
    for (condition, expected) in table {
        assert_eq!(condition.holds(&some), expected, "{condition}");
        assert_eq!(Condition::parse(&condition.to_string()), Some(condition));
    }
    assert!(!Condition::MemberYounger(365).holds(&facts(1)), "nobody noted since when");
    for wrong in [
        "",
        "amount_over",
        "amount_over -1",
        "sum_over 1 32",
        "sum_over 1 0",
        "count_over 0 1",
        "count_over 1 745",
        "changed_within password 3",
        "changed_within mail 366",
        "shared_payee 1",
    ] {
        assert_eq!(Condition::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn all_conditions_of_a_rule_must_hold() {
    let text = "amount_over 1000; changed_within mail 3";
    let conditions = Conditions::parse(text).unwrap();
    assert_eq!(conditions.to_string(), text);
    let both = FraudRule {
        terms: RuleTerms { conditions, ..rules().remove(0).terms },
        ..rules().remove(0)
    };
    let both = [both];
    let changed = vec![(Particular::Mail, NOW)];
    for (points, changes, expected) in [
        (1_001, changed.clone(), Decision::StepUp),
        (1_000, changed, Decision::Allow),
        (1_001, Vec::new(), Decision::Allow),
    ] {
        let facts = FindingFacts { changes, ..facts(points) };
        assert_eq!(told(&both, &facts, Proof::None).0, expected);
    }
    for wrong in ["", "first_use; first_use", "first_use;shared_payee"] {
        assert_eq!(Conditions::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn a_rule_that_is_noted_only_changes_nothing_and_one_that_is_off_is_not_asked() {
    let condition = Condition::AmountOver(Amount::ZERO);
    let mut all =
        vec![rule("held", condition, Decision::Hold), rule("seen", condition, Decision::Deny)];
    all[1].terms.mode = RuleMode::Observe;
    assert_eq!(told(&all, &facts(1), Proof::None), (Decision::Hold, "held seen".to_owned()));
    all[0].terms.mode = RuleMode::Off;
    assert_eq!(told(&all, &facts(1), Proof::None), (Decision::Allow, "seen".to_owned()));
}

#[test]
fn a_case_is_due_at_the_end_of_the_soonest_business_day() {
    let condition = Condition::AmountOver(Amount::ZERO);
    let mut all = vec![rule("a", condition, Decision::Hold), rule("b", condition, Decision::Hold)];
    all[0].terms.answer_days = 3;
    // Friday; Monday is a holiday.
    let now = at("2026-11-20 12:00");
    for (days, due) in [(1, "2026-11-25 00:00"), (0, "2026-11-21 00:00")] {
        all[1].terms.answer_days = days;
        let evaluation = evaluate(&all, DecisionPoint::ExchangeAccept, &facts(1), Proof::None);
        assert_eq!(evaluation.due_at(now), at(due));
    }
}

fn version(number: u32, starts_at: i64, ends_at: Option<i64>) -> RuleVersion {
    let condition = Condition::AmountOver(Amount::from(number));
    let moment = |days: i64| NOW.plus_days(days);
    RuleVersion {
        company: OURS,
        rule: FraudRule { version: number, ..rule("large", condition, Decision::Hold) },
        starts_on: None,
        proposed_by: maker(),
        proposed_at: NOW,
        state: VersionState::Approved {
            by: checker(),
            at: NOW,
            starts_at: moment(starts_at),
            ends_at: ends_at.map(moment),
        },
    }
}

#[test]
fn a_version_takes_the_place_of_the_one_before_from_its_moment_on() {
    let given = rules();
    let versions = [version(1, 0, Some(5)), version(2, 5, None), version(3, 9, Some(9))];
    let in_force = |days: i64| {
        let found = rules_in_force(&given, &versions, NOW.plus_days(days));
        assert_eq!(found.len(), given.len(), "the others stay as they were given");
        found.iter().find(|rule| rule.id.as_str() == "large").map(|rule| rule.version)
    };
    for (days, expected) in [(-1, 0), (0, 1), (4, 1), (5, 2), (9, 2), (400, 2)] {
        assert_eq!(in_force(days), Some(expected), "{days}");
    }
}

#[test]
fn a_trial_looks_at_each_exchange_once() {
    let finding = |subject: u8, points, outcome| Finding {
        id: Id::from_bits(u128::from(subject)),
        company: OURS,
        point: DecisionPoint::ExchangeAccept,
        subject: [subject; 16],
        member: HANA,
        outcome,
        hits: Vec::new(),
        facts: facts(points),
    };
    let mut trial = Trial::default();
    let terms = rules().remove(0).terms;
    trial.look(&terms, &[finding(1, 10_001, Decision::Hold), finding(1, 10_001, Decision::StepUp)]);
    trial
        .look(&terms, &[finding(1, 10_001, Decision::StepUp), finding(2, 10_001, Decision::Allow)]);
    trial.look(&terms, &[finding(3, 10_000, Decision::Allow)]);
    let Trial { looked_at, matched, members, allowed, .. } = trial;
    assert_eq!((looked_at, matched, members, allowed), (3, 2, 1, 1));
}

#[test]
fn terms_that_decide_nothing_are_refused() {
    let mut terms = rules().remove(0).terms;
    assert_eq!(terms.check(), Ok(()));
    terms.answer_days = 21;
    assert_eq!(terms.check(), Err(TermsError::AnswerDays));
    terms.answer_days = 20;
    terms.decision = Decision::Allow;
    assert_eq!(terms.check(), Err(TermsError::AllowsOnly));
}

fn propose(stage: &Stage, id: &str, terms: RuleTerms, starts_on: Option<Day>) -> ProposeRule {
    ProposeRule {
        config: stage.site.shared_config(),
        rule: token(id),
        terms,
        starts_on,
        asked_at: stage.site.now(),
        by: maker(),
    }
}

fn decide(
    stage: &Stage,
    id: &str,
    version: u32,
    verdict: RuleVerdict,
    by: ledger::ActorNumber,
) -> Result<(), &'static str> {
    let command = DecideRule { company: OURS, rule: token(id), version, verdict, by };
    stage.site.store().run(command).unwrap().map_err(RuleRefusal::code)
}

#[test]
fn a_change_of_a_rule_is_asked_once_somebody_else_approved_it() {
    play(|stage| {
        furnish(stage, 50_000);
        let run = |command| stage.site.store().run(command).unwrap().map_err(RuleRefusal::code);
        let mut terms = stage.site.config().exchange.rules[0].terms.clone();
        terms.conditions = Condition::AmountOver(Amount::from(500)).into();
        assert_eq!(run(propose(stage, "large", terms.clone(), None)), Ok(1));
        assert_eq!(run(propose(stage, "large", terms.clone(), None)), Ok(1), "a repeat");
        let other = RuleTerms { answer_days: 2, ..terms.clone() };
        assert_eq!(run(propose(stage, "large", other.clone(), None)), Err("pending"));
        assert_eq!(take(stage, &ask(stage, HANA, "gift", 600), None), "held", "not asked yet");
        let (approve, decline) = (RuleVerdict::Approve, RuleVerdict::Decline);
        assert_eq!(decide(stage, "large", 1, approve, maker()), Err("same_person"));
        assert_eq!(decide(stage, "large", 2, approve, checker()), Err("not_found"));
        assert_eq!(decide(stage, "large", 1, approve, checker()), Ok(()));
        assert_eq!(decide(stage, "large", 1, approve, checker()), Ok(()), "a repeat");
        assert_eq!(decide(stage, "large", 1, decline, checker()), Err("decided"));
        assert_eq!(take(stage, &ask(stage, HANA, "gift", 600), None), "proof_needed");
        // A version for later, and one before it that takes its place.
        let day = |text: &str| Some(Day::parse(text).unwrap());
        assert_eq!(
            run(propose(stage, "large", other.clone(), day("2026-10-31"))),
            Err("day_passed")
        );
        assert_eq!(run(propose(stage, "large", other.clone(), day("2026-11-20"))), Ok(2));
        assert_eq!(decide(stage, "large", 2, approve, checker()), Ok(()));
        let off = RuleTerms { mode: RuleMode::Off, ..terms };
        assert_eq!(run(propose(stage, "large", off, day("2026-11-10"))), Ok(3));
        assert_eq!(decide(stage, "large", 3, approve, checker()), Ok(()));
        assert_eq!(take(stage, &ask(stage, HANA, "gift", 600), None), "proof_needed");
        stage.clock.set(at("2026-11-10 00:00"));
        assert_eq!(take(stage, &ask(stage, HANA, "gift", 600), None), "held");
        stage.clock.set(at("2026-11-21 00:00"));
        assert_eq!(take(stage, &ask(stage, HANA, "gift", 600), None), "held");
        assert_eq!(run(propose(stage, "large", other, None)), Ok(4));
        assert_eq!(decide(stage, "large", 4, decline, maker()), Ok(()), "taken back");
        let database = stage.site.store().database();
        let now = stage.site.now();
        let current = database.read(|reader| read_current(reader, OURS, now)).unwrap();
        assert_eq!(current.iter().map(|version| version.rule.version).collect::<Vec<_>>(), [3]);
        let all = database.read(|reader| find_versions(reader, OURS, &[token("large")])).unwrap();
        let states: Vec<&str> = all.iter().map(|version| version.state.code()).collect();
        assert_eq!(states, ["approved", "approved", "approved", "declined"]);
    });
}

#[test]
fn a_new_rule_can_be_added_with_a_short_name() {
    play(|stage| {
        furnish(stage, 5_000);
        let terms = RuleTerms {
            conditions: Condition::CountOver(1, 24).into(),
            ..stage.site.config().exchange.rules[1].terms.clone()
        };
        let run = |command| stage.site.store().run(command).unwrap().map_err(RuleRefusal::code);
        let long = "a.name.of.twenty-five-chr";
        assert_eq!(run(propose(stage, long, terms.clone(), None)), Err("name_long"));
        assert_eq!(run(propose(stage, "twice_a_day", terms, None)), Ok(1));
        assert_eq!(decide(stage, "twice_a_day", 1, RuleVerdict::Approve, checker()), Ok(()));
        let first = ask(stage, HANA, "gift", 300);
        let second = ask(stage, HANA, "miles", 300);
        // Both at once: the second one of a slice sees the first.
        let accept = |quoted| crate::exchange::tests::stories::accept(stage, quoted, None);
        let answers = stage.site.store().run_all(vec![accept(&first), accept(&second)]).unwrap();
        let rules: Vec<String> = answers.into_iter().map(|answer| answer.unwrap().rules).collect();
        assert_eq!(rules, ["", "twice_a_day"]);
    });
}
