use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;

use crate::bonus::{Bonus, BonusFacts, Cause, Standing, Target};
use crate::claim::store::{
    find_claims, find_evidence, find_order_claims, find_purchases, save_claims, save_guarantees,
};
use crate::claim::{
    Claim, ClaimAction, ClaimChange, ClaimEvent, ClaimKind, ClaimRefusal, ClaimState, Evidence,
    Guarantee, Purchase, follow, word_of,
};
use crate::config::SiteConfig;
use crate::offer::Reward;
use access::Authenticated;
use access::audit_trail::{self, AuditEntry};
use ledger::ActorNumber;
use store::{Command, Fault, Posting, Reader, Recall, Tx};
use vocabulary::{Amount, CompanyNumber, Day, Id, Label, Reference, Timestamp, Zone, kind};

/// Sets what an offer promises when points are missing. A repeat changes nothing; a promise of the
/// same moment is replaced.
#[derive(Clone, Copy, Debug)]
pub struct SaveGuarantee {
    /// The company whose offer it is.
    pub company: CompanyNumber,
    /// What is promised.
    pub guarantee: Guarantee,
}

/// The promises of a slice.
#[derive(Debug, Default)]
pub struct GuaranteeFacts(BTreeMap<(Id<kind::Offer>, Timestamp), SaveGuarantee>);

impl Command for SaveGuarantee {
    type Facts = GuaranteeFacts;
    type Receipt = ();
    type Refusal = Infallible;

    const NAME: &'static str = "save guarantee";

    fn load(_slice: &[Self], _tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        Ok(GuaranteeFacts::default())
    }

    fn decide(&self, facts: &mut Self::Facts, _: &mut Posting<'_>) -> Result<(), Infallible> {
        facts.0.insert((self.guarantee.offer, self.guarantee.starts_at), *self);
        Ok(())
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        save_guarantees(tx, &facts.0.into_values().collect::<Vec<_>>())
    }
}

/// Files a claim. The same order on the same click, for the same reason, is the same claim: a
/// repeat gives its id again.
#[derive(Clone, Debug)]
pub struct FileClaim {
    /// The company whose site it is.
    pub company: CompanyNumber,
    /// Who files it.
    pub by: Authenticated,
    /// Whose click it is.
    pub member: Id<kind::Member>,
    /// The click that the purchase came from.
    pub click: Id<kind::Click>,
    /// The conversion that is late or rejected; `None` when nothing was recorded.
    pub conversion: Option<Id<kind::Conversion>>,
    /// The shop's order number.
    pub order: Reference,
    /// The day of the purchase.
    pub purchased_on: Day,
    /// What was paid.
    pub sale: Amount,
    /// What the member says; may be empty.
    pub details: String,
}

/// A click as claims are filed about it.
#[derive(Clone, Debug)]
pub(crate) struct ClaimedClick {
    pub(crate) member: Id<kind::Member>,
    pub(crate) shop: Id<kind::Shop>,
    pub(crate) shop_name: Label,
    pub(crate) reward: Reward,
    pub(crate) purchase: Purchase,
}

/// What claims are filed on.
#[derive(Debug)]
pub struct FileFacts {
    pub(crate) clicks: BTreeMap<Id<kind::Click>, ClaimedClick>,
    /// Claims of the same members about the same orders.
    pub(crate) known: BTreeMap<Id<kind::Claim>, Claim>,
    added: Vec<Claim>,
    events: Vec<ClaimEvent>,
    entries: Vec<AuditEntry>,
}

impl Command for FileClaim {
    type Facts = FileFacts;
    type Receipt = Id<kind::Claim>;
    type Refusal = ClaimRefusal;

    const NAME: &'static str = "file claim";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let company = slice.first().map_or(CompanyNumber::OPERATOR, |first| first.company);
        let clicks: Vec<_> = slice.iter().map(|command| command.click).collect();
        let orders: Vec<_> = slice.iter().map(|command| command.order.clone()).collect();
        Ok(FileFacts {
            clicks: find_purchases(tx, company, &clicks)?,
            known: find_order_claims(tx, company, &orders)?,
            added: Vec::new(),
            events: Vec::new(),
            entries: Vec::new(),
        })
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<Id<kind::Claim>, ClaimRefusal> {
        let now = posting.now();
        let click = facts.clicks.get(&self.click).filter(|click| click.member == self.member);
        let click = click.ok_or(ClaimRefusal::NotFound)?;
        let ids = ClaimKind::ALL.map(|kind| Claim::id_of(self.click, kind, &self.order));
        let again = |kind: &ClaimKind| {
            let id = Claim::id_of(self.click, *kind, &self.order);
            facts.known.get(&id).is_some_and(|claim| claim.conversion == self.conversion)
        };
        if let Some(kind) = ClaimKind::ALL.iter().find(|kind| again(kind)) {
            return Ok(Claim::id_of(self.click, *kind, &self.order));
        }
        let kind = click.purchase.claimable(self.conversion, Some(&self.order), now)?;
        let clicked_on = Zone::JAPAN.day_of(click.purchase.clicked_at);
        if self.purchased_on < clicked_on || self.purchased_on > Zone::JAPAN.day_of(now) {
            return Err(ClaimRefusal::DayUnfit);
        }
        let elsewhere = |claim: &Claim| {
            let live = !matches!(claim.state, ClaimState::Withdrawn);
            claim.member == self.member
                && claim.shop == click.shop
                && live
                && !ids.contains(&claim.id)
        };
        if facts.known.values().any(elsewhere) {
            return Err(ClaimRefusal::OrderClaimed);
        }
        let guarantee = click.purchase.guarantee.ok_or(ClaimRefusal::NotGuaranteed)?;
        let claim = self.claim(click, kind, guarantee, now);
        let (id, at, actor) = (claim.id, now, self.by.actor());
        let action = ClaimAction::Filed;
        facts.events.push(ClaimEvent {
            claim: id,
            version: 1,
            at,
            actor,
            action,
            text: self.details.clone(),
        });
        let entry = AuditEntry::done(now, &self.by, action.audit());
        facts.entries.push(entry.of(self.company).about(id));
        facts.known.insert(id, claim.clone());
        facts.added.push(claim);
        Ok(id)
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        save_claims(tx, &facts.added.iter().collect::<Vec<_>>(), &facts.events)?;
        audit_trail::append(tx, facts.entries).map(drop)
    }
}

impl FileClaim {
    fn claim(
        &self,
        click: &ClaimedClick,
        kind: ClaimKind,
        guarantee: Guarantee,
        now: Timestamp,
    ) -> Claim {
        Claim {
            id: Claim::id_of(self.click, kind, &self.order),
            company: self.company,
            member: self.member,
            click: self.click,
            shop: click.shop,
            shop_name: click.shop_name.clone(),
            kind,
            conversion: self.conversion,
            order: self.order.clone(),
            purchased_on: self.purchased_on,
            sale: self.sale,
            estimate: click.reward.points(self.sale).unwrap_or(Amount::ZERO),
            details: self.details.clone(),
            return_days: guarantee.return_days,
            filed_at: now,
            due_at: now.plus_days(i64::from(guarantee.answer_days)),
            owner: None,
            version: 1,
            state: ClaimState::Open,
        }
    }
}

/// The claims that a slice concerns, with what the networks say by now.
#[derive(Debug)]
pub(crate) struct ClaimFacts {
    known: BTreeMap<Id<kind::Claim>, Claim>,
    evidence: Vec<Evidence>,
    changed: BTreeSet<Id<kind::Claim>>,
    events: Vec<ClaimEvent>,
}

impl ClaimFacts {
    /// Takes claims that were read, and reads the conversions that may be what they are about.
    pub(crate) fn load(
        known: BTreeMap<Id<kind::Claim>, Claim>,
        company: CompanyNumber,
        reader: &mut Reader<'_>,
    ) -> Result<Self, Fault> {
        let evidence = find_evidence(reader, company, known.values())?;
        Ok(Self { known, evidence, changed: BTreeSet::new(), events: Vec::new() })
    }

    /// Names the bonuses that the claims may become.
    pub(crate) fn bonuses(&self) -> Vec<Id<kind::Bonus>> {
        self.known.keys().map(|id| Cause::Claim(*id).bonus(*id)).collect()
    }

    fn word(&self, claim: &Claim) -> crate::claim::Word {
        word_of(self.evidence.iter().filter(|one| one.fits(claim)))
    }

    /// Lets claims follow what the networks say about them, and settles what that means.
    pub(crate) fn follow_all(
        &mut self,
        by: ActorNumber,
        bonuses: &mut BonusFacts,
        posting: &mut Posting<'_>,
    ) {
        let ids: Vec<_> = self.known.keys().copied().collect();
        for id in ids {
            let Some(claim) = self.known.get(&id).cloned() else { continue };
            let paid = bonuses.standing(Cause::Claim(id).bonus(id)).granted();
            let Some(next) = follow(claim.kind, claim.state, self.word(&claim), paid) else {
                continue;
            };
            if settle(&claim, next.target, bonuses, posting).is_ok() {
                let at = posting.now();
                let event = (next.action, String::new());
                self.note(Claim { state: next.state, ..claim }, by, event, at);
            }
        }
    }

    fn note(
        &mut self,
        next: Claim,
        actor: ActorNumber,
        (action, text): (ClaimAction, String),
        at: Timestamp,
    ) {
        let version = next.version.saturating_add(1);
        self.events.push(ClaimEvent { claim: next.id, version, at, actor, action, text });
        self.changed.insert(next.id);
        self.known.insert(next.id, Claim { version, ..next });
    }

    /// Writes what changed, with a fixed number of statements.
    pub(crate) fn save(&self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let changed = self.changed.iter().filter_map(|id| self.known.get(id));
        save_claims(tx, &changed.collect::<Vec<_>>(), &self.events)
    }
}

/// Brings a claim's bonus to its target.
fn settle(
    claim: &Claim,
    target: Target,
    bonuses: &mut BonusFacts,
    posting: &mut Posting<'_>,
) -> Result<(), ClaimRefusal> {
    let cause = Cause::Claim(claim.id);
    let draft = Bonus {
        id: cause.bonus(claim.id),
        cause,
        member: claim.member,
        conversion: claim.conversion,
        title: claim.shop_name.clone(),
        version: 0,
        standing: Standing::Nothing,
    };
    bonuses.settle(draft, target, posting).map_err(|_unpaid| ClaimRefusal::Unpayable)
}

/// Does something about a claim: by its member, or by somebody of the staff. What was done already
/// is refused as [`ClaimRefusal::StateUnfit`].
#[derive(Clone, Debug)]
pub struct ChangeClaim {
    /// The settings.
    pub config: Arc<SiteConfig>,
    /// Which.
    pub claim: Id<kind::Claim>,
    /// Who.
    pub by: Authenticated,
    /// What.
    pub change: ClaimChange,
}

/// What the changes of a slice are decided on.
#[derive(Debug)]
pub struct ChangeFacts {
    loaded: Option<(ClaimFacts, BonusFacts)>,
    entries: Vec<AuditEntry>,
    at: Timestamp,
}

impl Command for ChangeClaim {
    type Facts = ChangeFacts;
    type Receipt = ();
    type Refusal = ClaimRefusal;

    const NAME: &'static str = "change claim";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let at = Timestamp::from_microseconds(0);
        let Some(first) = slice.first() else {
            return Ok(ChangeFacts { loaded: None, entries: Vec::new(), at });
        };
        let ids: Vec<_> = slice.iter().map(|command| command.claim).collect();
        let company = first.config.company;
        let known = find_claims(tx, company, &ids)?;
        let claims = ClaimFacts::load(known, company, tx)?;
        let bonuses = BonusFacts::load(&first.config, &claims.bonuses(), tx)?;
        Ok(ChangeFacts { loaded: Some((claims, bonuses)), entries: Vec::new(), at })
    }

    fn recall(&self, facts: &Self::Facts, recall: &mut Recall) {
        if let Some((_, bonuses)) = &facts.loaded {
            bonuses.recall(recall);
        }
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<(), ClaimRefusal> {
        let Some((claims, bonuses)) = &mut facts.loaded else {
            return Err(ClaimRefusal::NotFound);
        };
        let now = posting.now();
        let claim = claims.known.get(&self.claim).cloned();
        let own = |claim: &Claim| self.by.member().is_none_or(|member| member == claim.member);
        let mut claim = claim.filter(own).ok_or(ClaimRefusal::NotFound)?;
        let actor = self.by.actor();
        let changed = claim.change(&self.change, actor, claims.word(&claim), now)?;
        settle(&claim, changed.target, bonuses, posting)?;
        claim.state = changed.state;
        if changed.action == ClaimAction::Took {
            claim.owner = Some(actor);
        }
        let (id, company) = (claim.id, claim.company);
        claims.note(claim, actor, (changed.action, self.change.text()), now);
        let entry = AuditEntry::done(now, &self.by, changed.action.audit());
        facts.entries.push(entry.of(company).about(id));
        facts.at = now;
        Ok(())
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        if let Some((claims, bonuses)) = &facts.loaded {
            claims.save(tx)?;
            bonuses.save(tx, facts.at)?;
        }
        audit_trail::append(tx, facts.entries).map(drop)
    }
}

impl ClaimChange {
    fn text(&self) -> String {
        match self {
            Self::Answer(text)
            | Self::Ask(text)
            | Self::Propose(_, text)
            | Self::SendBack(text)
            | Self::Refuse(text) => text.clone(),
            Self::Withdraw | Self::Take | Self::Send | Self::Approve => String::new(),
        }
    }
}
