//! Cases that rules opened, in each state, one of them overdue; and a rule that waits for its
//! approval.

use anyhow::{Context as _, anyhow};

use super::{
    exchange::{exchange, grant, plant_destinations, register},
    seed::{PEOPLE, Person, SHOPPING},
};
use crate::house::House;
use access::{Authenticated, Subject, find_login_of};
use ledger::ActorNumber;
use point_site::{
    Site,
    fraud_case::{CaseChange, ChangeCase},
    fraud_rule::{
        Condition, Conditions, DecideRule, DecisionPoint, ProposeRule, RuleMode, RuleTerms,
        RuleVerdict,
    },
    held::{DecideExchange, ProposeVerdict, Verdict},
    payee::NoteChange,
    step_up::{Decision, Particular},
};
use vocabulary::{Amount, Id, Label, Token, kind};

/// Plants rules and cases of today.
pub(super) fn plant_fraud(house: &House) -> anyhow::Result<()> {
    let site = house.features()?.site.as_ref().context("the demo has a members' site")?;
    plant_rules(site)?;
    let taro = PEOPLE.iter().filter_map(Person::member).nth(1).context("the demo has a Taro")?;
    let at = (site, &house.world.chance);
    let held = |number: &str, points| -> anyhow::Result<Id<kind::Exchange>> {
        let bank = register(site, taro, number, "カイイン タロウ")?;
        Ok(exchange(at, taro, "bank", points, Some(bank))?.id)
    };
    let owned = held("5678901", 1_500)?;
    let supervisor = person(house, "supervisor@daifuku.example")?;
    hand_over(site, owned, supervisor)?;
    note(site, owned, "登録の電話番号にかけたが、つながらない。明日もう一度かける。")?;
    let proposed = held("6789012", 900)?;
    propose(site, proposed, Verdict::Release, "本人に電話で確認済み")?;
    let denied = held("7890123", 700)?;
    propose(site, denied, Verdict::Deny, "本人に覚えがない")?;
    let config = site.shared_config();
    let verdict = Verdict::Deny;
    let by = site.config().actor;
    let decide = DecideExchange { config, exchange: denied, verdict, by };
    site.store().run(decide)?.map_err(|refusal| anyhow!(refusal))
}

/// Plants what nobody has looked at in time: an exchange soon after another mail address, some days
/// before the past ends.
pub(super) fn plant_overdue(house: &House) -> anyhow::Result<()> {
    let site = house.features()?.site.as_ref().context("the demo has a members' site")?;
    let yuki = PEOPLE.iter().filter_map(Person::member).nth(2).context("the demo has a Yuki")?;
    plant_destinations(site)?;
    grant(house, site, yuki, ("demo.fraud", 500))?;
    let note = NoteChange { company: SHOPPING, member: yuki, particular: Particular::Mail };
    match site.store().run(note)? {
        Ok(()) => {}
        Err(never) => match never {},
    }
    exchange((site, &house.world.chance), yuki, "cafe-gift", 500, None).map(drop)
}

/// Who proposes; the site's own job is the second person.
fn maker() -> ActorNumber {
    ActorNumber::new(SHOPPING, 0)
}

fn person(house: &House, mail: &str) -> anyhow::Result<Id<kind::Staff>> {
    let person =
        PEOPLE.iter().find(|person| person.mail == mail).context("somebody of the demo")?;
    let login = house.store.database().read(|reader| find_login_of(reader, person.subject()))?;
    match login.context("they can sign in")?.subject() {
        Subject::Staff(id) => Ok(id),
        Subject::System | Subject::Job(_) | Subject::ApiKey(_) | Subject::Member(_) => {
            Err(anyhow!("{mail} is one of the staff"))
        }
    }
}

fn hand_over(site: &Site, subject: Id<kind::Exchange>, to: Id<kind::Staff>) -> anyhow::Result<()> {
    change(site, subject, CaseChange::HandOver(to))
}

fn note(site: &Site, subject: Id<kind::Exchange>, text: &str) -> anyhow::Result<()> {
    change(site, subject, CaseChange::Note(text.to_owned()))
}

fn change(site: &Site, subject: Id<kind::Exchange>, change: CaseChange) -> anyhow::Result<()> {
    let command = ChangeCase { company: SHOPPING, subject, change, by: Authenticated::SYSTEM };
    site.store().run(command)?.map_err(|refusal| anyhow!(refusal))
}

fn propose(
    site: &Site,
    exchange: Id<kind::Exchange>,
    verdict: Verdict,
    reason: &str,
) -> anyhow::Result<()> {
    let (company, reason, by) = (SHOPPING, Label::parse(reason)?, maker());
    let command = ProposeVerdict { company, exchange, verdict, reason, by };
    site.store().run(command)?.map_err(|refusal| anyhow!(refusal))
}

/// A rule that only takes notes, and a change that waits.
fn plant_rules(site: &Site) -> anyhow::Result<()> {
    let terms =
        |conditions: Vec<Condition>, decision, mode, note: &str| -> anyhow::Result<RuleTerms> {
            Ok(RuleTerms {
                point: DecisionPoint::ExchangeAccept,
                conditions: Conditions::try_new(conditions).context("conditions of a rule")?,
                decision,
                mode,
                answer_days: 1,
                note: Label::parse(note)?,
            })
        };
    let propose = |rule: &str, terms| -> anyhow::Result<u32> {
        let command = ProposeRule {
            config: site.shared_config(),
            rule: Token::parse(rule)?,
            terms,
            starts_on: None,
            asked_at: site.now(),
            by: maker(),
        };
        site.store().run(command)?.map_err(|refusal| anyhow!(refusal))
    };
    let many = vec![Condition::CountOver(2, 24)];
    let noted = terms(many, Decision::Hold, RuleMode::Observe, "1日に何度も交換（様子見）")?;
    let version = propose("many_a_day", noted)?;
    let rule = Token::parse("many_a_day")?;
    let (verdict, by) = (RuleVerdict::Approve, site.config().actor);
    let approve = DecideRule { company: SHOPPING, rule, version, verdict, by };
    site.store().run(approve)?.map_err(|refusal| anyhow!(refusal))?;
    let changed = vec![
        Condition::AmountOver(Amount::from(1_000)),
        Condition::ChangedWithin(Particular::BankAccount, 7),
    ];
    let note = "振込先を変えて7日以内の1,000ポイント超は確認";
    let waiting = terms(changed, Decision::Hold, RuleMode::Enforce, note)?;
    propose("bank_changed", waiting).map(drop)
}
