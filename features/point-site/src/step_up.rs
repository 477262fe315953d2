//! Whether an exchange goes through, needs one more proof, waits for a person, or is denied. The
//! rules are data; deciding is a pure function of them and of what is known of the member.

use vocabulary::{Amount, Timestamp, Token};

/// What is decided, from the mildest to the strictest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    /// It goes through.
    Allow,
    /// One more proof of identity is needed first (追加認証).
    StepUp,
    /// It is accepted, and a person looks before it is sent.
    Hold,
    /// It is not accepted.
    Deny,
}

impl Decision {
    /// Every decision.
    pub const ALL: &'static [Self] = &[Self::Allow, Self::StepUp, Self::Hold, Self::Deny];

    /// Gives the stable code, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::StepUp => "step_up",
            Self::Hold => "hold",
            Self::Deny => "deny",
        }
    }

    /// Finds a decision by its code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|decision| decision.code() == code)
    }
}

/// A particular of a member whose change is followed by some days of care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Particular {
    /// The telephone number.
    Phone,
    /// The mail address.
    Mail,
    /// The bank account that is paid.
    BankAccount,
}

/// When a rule applies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// More points than this are taken.
    AmountOver(Amount),
    /// The member has not completed an exchange with this destination yet.
    FirstUse,
    /// A particular changed less than so many days of 24 hours ago.
    ChangedWithin(Particular, u16),
}

/// A rule: what is decided when its condition applies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepUpRule {
    /// Names it, for the record of the decision.
    pub id: Token,
    /// When it applies.
    pub condition: Condition,
    /// What is decided then.
    pub decision: Decision,
}

/// Whether the member has just given one more proof of who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// They have not.
    None,
    /// They have, for this exchange.
    Given,
}

/// Whether the member has completed an exchange with the destination before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Custom {
    /// They have not.
    New,
    /// They have.
    Known,
}

/// What a decision stands on.
#[derive(Clone, Copy, Debug)]
pub struct StepUpFacts<'a> {
    /// What is taken from the member.
    pub points: Amount,
    /// Whether the destination is new to them.
    pub custom: Custom,
    /// When particulars last changed; one that never changed is not here.
    pub changes: &'a [(Particular, Timestamp)],
    /// Whether they have given one more proof.
    pub proof: Proof,
}

/// A decision, and the rules that it comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// What is decided.
    pub decision: Decision,
    /// The ids of the rules that applied, in their order, the milder ones among them.
    pub rules: Vec<Token>,
}

/// Decides by the strictest rule that applies. A proof that was given satisfies those that ask for
/// one, and no others.
pub fn decide(rules: &[StepUpRule], facts: StepUpFacts<'_>, now: Timestamp) -> Verdict {
    let applying: Vec<&StepUpRule> =
        rules.iter().filter(|rule| applies(rule.condition, facts, now)).collect();
    let weights = applying.iter().map(|rule| match (rule.decision, facts.proof) {
        (Decision::StepUp, Proof::Given) => Decision::Allow,
        (decision, Proof::None | Proof::Given) => decision,
    });
    Verdict {
        decision: weights.max().unwrap_or(Decision::Allow),
        rules: applying.iter().map(|rule| rule.id.clone()).collect(),
    }
}

fn applies(condition: Condition, facts: StepUpFacts<'_>, now: Timestamp) -> bool {
    match condition {
        Condition::AmountOver(amount) => facts.points > amount,
        Condition::FirstUse => facts.custom == Custom::New,
        Condition::ChangedWithin(particular, days) => facts
            .changes
            .iter()
            .any(|(changed, at)| *changed == particular && now < at.plus_days(i64::from(days))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_microseconds(1_800_000_000_000_000);

    fn rules() -> Vec<StepUpRule> {
        let rule = |id: &str, condition, decision| StepUpRule {
            id: Token::parse(id).unwrap(),
            condition,
            decision,
        };
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

    #[test]
    fn the_strictest_rule_decides_and_all_are_told() {
        use Custom::{Known, New};
        use Particular::{BankAccount, Mail, Phone};

        // Points, custom, what changed how many days ago; then without and with a proof.
        type Row = (u32, Custom, &'static [(Particular, i64)], &'static str);
        let table: [Row; 10] = [
            (10_000, Known, &[], "allow/allow []"),
            (10_001, Known, &[], "step_up/allow [large]"),
            (100_001, Known, &[], "hold/hold [large huge]"),
            (300, New, &[], "step_up/allow [first]"),
            (300, Known, &[(Phone, 6)], "deny/deny [phone]"),
            (300, Known, &[(Phone, 7)], "allow/allow []"),
            (300, New, &[(Mail, 2)], "hold/hold [first mail]"),
            (300, Known, &[(BankAccount, 0), (BankAccount, 40)], "hold/hold [bank]"),
            (300, Known, &[(Phone, -1)], "deny/deny [phone]"),
            (300, Known, &[(Mail, 3), (Phone, 400)], "allow/allow []"),
        ];
        for (points, custom, changed, expected) in table {
            let changes: Vec<_> =
                changed.iter().map(|(what, days)| (*what, NOW.plus_days(-days))).collect();
            let decide = |proof| {
                let points = Amount::from(points);
                let facts = StepUpFacts { points, custom, changes: &changes, proof };
                decide(&rules(), facts, NOW)
            };
            let (without, with) = (decide(Proof::None), decide(Proof::Given));
            assert_eq!(without.rules, with.rules);
            let ids: Vec<&str> = without.rules.iter().map(Token::as_str).collect();
            let (before, after) = (without.decision.code(), with.decision.code());
            assert_eq!(format!("{before}/{after} [{}]", ids.join(" ")), expected);
        }
    }

    #[test]
    fn without_rules_it_is_allowed() {
        let facts = StepUpFacts {
            points: Amount::MAX,
            custom: Custom::New,
            changes: &[],
            proof: Proof::None,
        };
        let allowed = Verdict { decision: Decision::Allow, rules: Vec::new() };
        assert_eq!(decide(&[], facts, NOW), allowed);
    }
}
