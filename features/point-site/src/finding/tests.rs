use super::{Experience, FindingFacts, PayeeUse, RuleHit};
use crate::fraud_rule::RuleMode;
use crate::step_up::{Custom, Decision, Particular};
use crate::tests::token;
use vocabulary::{Amount, Timestamp};

const NOW: Timestamp = Timestamp::from_microseconds(1_800_000_000_000_000);

fn facts(exchanges: i64) -> FindingFacts {
    FindingFacts {
        at: NOW,
        points: Amount::from(2_500),
        custom: Custom::Known,
        experience: Experience::Seasoned,
        payee: PayeeUse::Shared,
        member_since: Some(NOW.plus_days(-40)),
        changes: vec![(Particular::Mail, NOW.plus_days(-2)), (Particular::BankAccount, NOW)],
        taken: (0..exchanges).map(|n| (NOW.plus_seconds(-n), Amount::from(300))).collect(),
    }
}

#[test]
fn facts_are_read_as_they_were_written() {
    let plain = FindingFacts {
        custom: Custom::New,
        experience: Experience::First,
        payee: PayeeUse::Own,
        member_since: None,
        changes: Vec::new(),
        ..facts(0)
    };
    for facts in [plain, facts(0), facts(3)] {
        assert_eq!(FindingFacts::parse(&facts.to_text()), Some(facts));
    }
    for wrong in ["", "at=1 points", "at=1 points=-1", "at=1 custom=old", "at=1 password=1"] {
        assert_eq!(FindingFacts::parse(wrong), None, "{wrong}");
    }
}

#[test]
fn facts_fit_in_their_column_however_many_exchanges_there_were() {
    let mut many = facts(1_000);
    for line in &mut many.taken {
        line.1 = Amount::from(u32::MAX);
    }
    let text = many.to_text();
    assert!(text.len() <= 2_000, "{}", text.len());
    let kept = FindingFacts::parse(&text).unwrap().taken;
    assert_eq!(kept, many.taken.get(..60).unwrap(), "the newest");
}

#[test]
fn hits_are_read_as_they_were_written() {
    let hit =
        |rule, version, mode, decision| RuleHit { rule: token(rule), version, mode, decision };
    let hits = vec![
        hit("amount_large", 0, RuleMode::Enforce, Decision::StepUp),
        hit("shared.bank", 12, RuleMode::Observe, Decision::Deny),
    ];
    let text = RuleHit::list_text(&hits);
    assert_eq!(text, "amount_large:0:enforce:step_up shared.bank:12:observe:deny");
    assert_eq!(RuleHit::parse_list(&text), Some(hits));
    assert_eq!(RuleHit::parse_list(""), Some(Vec::new()));
    for wrong in ["a", "a:0:enforce", "a:x:enforce:hold", "a:0:enforce:hold:more"] {
        assert_eq!(RuleHit::parse_list(wrong), None, "{wrong}");
    }
}
