use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::bonus::{Bonus, BonusFacts, Cause, Standing, Unpaid};
use crate::campaign::store::{
    Parts, add_firsts, find_campaigns, find_firsts, find_in_force, find_parts, save_campaigns,
    save_parts, save_winners,
};
use crate::campaign::{
    Campaign, CampaignChange, CampaignRefusal, CampaignState, Case, Participation, Rules, award,
    target,
};
use crate::config::SiteConfig;
use crate::follow_up::Seen;
use access::Authenticated;
use access::audit_trail::{self, AuditEntry};
use ledger::{AccountSpec, BalanceRule, Batch, NormalSide, Step, Transfer, TransferKind, Wanted};
use store::{Command, Fault, Posting, Reader, Tx, natural_id};
use vocabulary::{AccountRole, Amount, CompanyNumber, Id, Label, Timestamp, kind};

/// What movements of a budget are for, in the company's numbering.
const CODE: u16 = 302;

/// Writes a campaign down, or another version of one that is a draft still. A repeat changes
/// nothing.
#[derive(Clone, Debug)]
pub struct SaveCampaign {
    /// The company whose site it is.
    pub company: CompanyNumber,
    /// Who writes it.
    pub by: Authenticated,
    /// Which; chosen by the caller.
    pub id: Id<kind::Campaign>,
    /// What members call it.
    pub name: Label,
    /// What members read about it, at most 2,000 characters.
    pub about: String,
    /// The rule.
    pub rules: Rules,
}

/// The campaigns that a slice concerns.
#[derive(Debug)]
pub struct SaveFacts {
    known: BTreeMap<Id<kind::Campaign>, Campaign>,
    changed: BTreeSet<Id<kind::Campaign>>,
    entries: Vec<AuditEntry>,
    at: Timestamp,
}

impl SaveFacts {
    fn load(
        company: Option<CompanyNumber>,
        ids: &[Id<kind::Campaign>],
        reader: &mut Reader<'_>,
    ) -> Result<Self, Fault> {
        let company = company.unwrap_or(CompanyNumber::OPERATOR);
        Ok(Self {
            known: find_campaigns(reader, company, ids)?,
            changed: BTreeSet::new(),
            entries: Vec::new(),
            at: Timestamp::from_microseconds(0),
        })
    }

    fn note(&mut self, next: Campaign, by: &Authenticated, action: &'static str, at: Timestamp) {
        let entry = AuditEntry::done(at, by, action);
        self.entries.push(entry.of(next.company).about(next.id));
        self.at = at;
        self.changed.insert(next.id);
        self.known.insert(next.id, next);
    }

    fn save(self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let changed = self.changed.iter().filter_map(|id| self.known.get(id));
        save_campaigns(tx, &changed.collect::<Vec<_>>(), self.at)?;
        audit_trail::append(tx, self.entries).map(drop)
    }
}

impl Command for SaveCampaign {
    type Facts = SaveFacts;
    type Receipt = ();
    type Refusal = CampaignRefusal;

    const NAME: &'static str = "save campaign";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let ids: Vec<_> = slice.iter().map(|command| command.id).collect();
        SaveFacts::load(slice.first().map(|first| first.company), &ids, tx)
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<(), CampaignRefusal> {
        let now = posting.now();
        self.rules.check(now)?;
        let known = facts.known.get(&self.id);
        if known.is_some_and(|known| known.state != CampaignState::Draft) {
            return Err(CampaignRefusal::StateUnfit);
        }
        let next = Campaign {
            id: self.id,
            company: self.company,
            name: self.name.clone(),
            about: self.about.clone(),
            rules: self.rules.clone(),
            version: known.map_or(1, |known| known.version.saturating_add(1)),
            state: CampaignState::Draft,
            made_by: self.by.actor(),
            approved_by: None,
            winners: 0,
        };
        facts.note(next, &self.by, "campaign.save", now);
        Ok(())
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

/// Does something about a campaign. What was done already is refused as
/// [`CampaignRefusal::StateUnfit`].
#[derive(Clone, Debug)]
pub struct ChangeCampaign {
    /// The settings.
    pub config: Arc<SiteConfig>,
    /// Which.
    pub campaign: Id<kind::Campaign>,
    /// Who.
    pub by: Authenticated,
    /// What.
    pub change: CampaignChange,
}

/// What the changes of a slice are decided on.
#[derive(Debug)]
pub struct ChangeFacts(SaveFacts);

impl Command for ChangeCampaign {
    type Facts = ChangeFacts;
    type Receipt = ();
    type Refusal = CampaignRefusal;

    const NAME: &'static str = "change campaign";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let ids: Vec<_> = slice.iter().map(|command| command.campaign).collect();
        let company = slice.first().map(|first| first.config.company);
        SaveFacts::load(company, &ids, tx).map(ChangeFacts)
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<(), CampaignRefusal> {
        let now = posting.now();
        let known = facts.0.known.get(&self.campaign).cloned();
        let mut next = known.ok_or(CampaignRefusal::NotFound)?;
        next.state = next.change(self.change, self.by.actor(), now)?;
        next.version = next.version.saturating_add(1);
        match self.change {
            CampaignChange::Approve => {
                fund(&self.config, &next, posting)?;
                next.approved_by = Some(self.by.actor());
            }
            CampaignChange::Close => give_back(&self.config, &next, posting)?,
            CampaignChange::Propose | CampaignChange::SendBack | CampaignChange::Stop => {}
        }
        facts.0.note(next, &self.by, self.change.audit(), now);
        Ok(())
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.0.save(tx)
    }
}

/// Moves the whole budget from the company's costs to the campaign's own account.
fn fund(
    config: &SiteConfig,
    campaign: &Campaign,
    posting: &mut Posting<'_>,
) -> Result<(), CampaignRefusal> {
    move_budget(config, campaign, Direction::In(campaign.rules.budget), posting)
}

/// Moves what is left of the budget back; what is set aside stays, for it was announced.
fn give_back(
    config: &SiteConfig,
    campaign: &Campaign,
    posting: &mut Posting<'_>,
) -> Result<(), CampaignRefusal> {
    let id = Id::of(campaign.id, config.unit.get(), AccountRole::Budget);
    let account = posting.book().find_account(id).and_then(|number| posting.book().account(number));
    let left = account.map_or(Amount::ZERO, ledger::Account::available);
    if left.is_zero() {
        return Ok(());
    }
    move_budget(config, campaign, Direction::Out(left), posting)
}

#[derive(Clone, Copy)]
enum Direction {
    In(Amount),
    Out(Amount),
}

fn move_budget(
    config: &SiteConfig,
    campaign: &Campaign,
    direction: Direction,
    posting: &mut Posting<'_>,
) -> Result<(), CampaignRefusal> {
    let (unit, company) = (config.unit, config.company);
    let mut open = |id, side, rule| {
        let spec = AccountSpec { id, unit, company, side, rule, lots: false };
        match posting.book().find_account(id) {
            Some(number) => Ok(number),
            None => posting.open_account(spec).map_err(|_differs| CampaignRefusal::Unpayable),
        }
    };
    let cost = Id::of(config.company_id, unit.get(), AccountRole::Cost);
    let budget = Id::of(campaign.id, unit.get(), AccountRole::Budget);
    let cost = open(cost, NormalSide::Debit, BalanceRule::Unlimited)?;
    let budget = open(budget, NormalSide::Credit, BalanceRule::NonNegative)?;
    let (debit, credit, amount, domain) = match direction {
        Direction::In(amount) => (cost, budget, amount, "site.campaign.fund"),
        Direction::Out(amount) => (budget, cost, amount, "site.campaign.close"),
    };
    let (amount, kind) = (Wanted::Exactly(amount), TransferKind::Transfer);
    let step = Step::Transfer(Transfer { debit, credit, amount, kind, code: CODE, lot: None });
    let batch = Batch::single(natural_id(domain, &[&campaign.id.to_bytes()]), config.actor, step);
    posting.post(&batch).map(drop).map_err(|_refused| CampaignRefusal::Unpayable)
}

/// Enters a member into a campaign. A repeat keeps the first moment.
#[derive(Clone, Copy, Debug)]
pub struct EnterCampaign {
    /// The company whose site it is.
    pub company: CompanyNumber,
    /// Which.
    pub campaign: Id<kind::Campaign>,
    /// Who.
    pub member: Id<kind::Member>,
}

/// What entries are decided on.
#[derive(Debug)]
pub struct EntryFacts {
    campaigns: BTreeMap<Id<kind::Campaign>, Campaign>,
    parts: Parts,
    changed: BTreeSet<(Id<kind::Campaign>, Id<kind::Member>)>,
}

impl Command for EnterCampaign {
    type Facts = EntryFacts;
    /// When the member entered.
    type Receipt = Timestamp;
    type Refusal = CampaignRefusal;

    const NAME: &'static str = "enter campaign";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let company = slice.first().map_or(CompanyNumber::OPERATOR, |first| first.company);
        let ids: Vec<_> = slice.iter().map(|command| command.campaign).collect();
        let members: Vec<_> = slice.iter().map(|command| command.member).collect();
        Ok(EntryFacts {
            campaigns: find_campaigns(tx, company, &ids)?,
            parts: find_parts(tx, &members)?,
            changed: BTreeSet::new(),
        })
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<Timestamp, CampaignRefusal> {
        let now = posting.now();
        let campaign = facts.campaigns.get(&self.campaign).ok_or(CampaignRefusal::NotFound)?;
        let key = (self.campaign, self.member);
        if let Some(entered_at) = facts.parts.get(&key).and_then(|part| part.entered_at) {
            return Ok(entered_at);
        }
        if !campaign.runs(now) {
            return Err(CampaignRefusal::NotRunning);
        }
        if !campaign.rules.entry {
            return Err(CampaignRefusal::NoEntry);
        }
        facts.parts.entry(key).or_default().entered_at = Some(now);
        facts.changed.insert(key);
        Ok(now)
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        save_parts(tx, &facts.parts, &facts.changed)
    }
}

/// The campaigns that a slice of conversions may win by.
#[derive(Debug)]
pub(crate) struct CampaignFacts {
    company: CompanyNumber,
    campaigns: Vec<Campaign>,
    parts: Parts,
    firsts: BTreeMap<Id<kind::Member>, Id<kind::Conversion>>,
    changed: BTreeSet<Id<kind::Campaign>>,
    parts_changed: BTreeSet<(Id<kind::Campaign>, Id<kind::Member>)>,
    firsts_added: Vec<Id<kind::Member>>,
}

impl CampaignFacts {
    /// Reads what a slice needs, with a fixed number of statements.
    pub(crate) fn load(
        company: CompanyNumber,
        seen: &BTreeMap<Id<kind::Conversion>, Seen>,
        reader: &mut Reader<'_>,
    ) -> Result<Self, Fault> {
        let clicks = seen.values().map(|one| one.clicked_at);
        let campaigns = match clicks.clone().min().zip(clicks.max()) {
            Some(between) => find_in_force(reader, company, between)?,
            None => Vec::new(),
        };
        let members: BTreeSet<_> = seen.values().map(|one| one.member).collect();
        let members: Vec<_> = members.into_iter().collect();
        Ok(Self {
            company,
            parts: find_parts(reader, &members)?,
            firsts: find_firsts(reader, company, &members)?,
            campaigns,
            changed: BTreeSet::new(),
            parts_changed: BTreeSet::new(),
            firsts_added: Vec::new(),
        })
    }

    /// Names the bonuses that a conversion may win.
    pub(crate) fn bonuses(&self, seen: &Seen) -> Vec<Id<kind::Bonus>> {
        let concerned = self.campaigns.iter().filter(|campaign| campaign.rules.concerns(seen));
        concerned.map(|campaign| Cause::Campaign(campaign.id).bonus(seen.id)).collect()
    }

    /// Lets campaigns follow how a conversion stands, and settles what that means.
    pub(crate) fn follow(
        &mut self,
        seen: &Seen,
        bonuses: &mut BonusFacts,
        posting: &mut Posting<'_>,
    ) {
        let first = *self.firsts.entry(seen.member).or_insert_with(|| {
            self.firsts_added.push(seen.member);
            seen.id
        });
        for campaign in &mut self.campaigns {
            if !campaign.rules.concerns(seen) {
                continue;
            }
            let cause = Cause::Campaign(campaign.id);
            let id = cause.bonus(seen.id);
            let key = (campaign.id, seen.member);
            let part = self.parts.get(&key).copied().unwrap_or_default();
            let standing = bonuses.standing(id);
            let before = standing.amount();
            let case = Case {
                seen,
                first: first == seen.id,
                part,
                winners: campaign.winners,
                before,
                stopped: campaign.stopped(),
            };
            let amount = award(&campaign.rules, case);
            let target = target(&campaign.rules, seen, amount, standing, posting.now());
            let draft = Bonus {
                id,
                cause,
                member: seen.member,
                conversion: Some(seen.id),
                title: campaign.name.clone(),
                version: 0,
                standing: Standing::Nothing,
            };
            if bonuses.settle(draft, target, posting) == Err(Unpaid::Budget) {
                let (campaign, conversion) = (campaign.id, seen.id);
                tracing::info!(
                    campaign.id = %campaign,
                    conversion.id = %conversion,
                    "the budget of campaign {campaign} is too small for conversion {conversion}"
                );
            }
            let after = bonuses.standing(id).amount();
            if after != before {
                campaign.winners = count(campaign.winners, before, after);
                let part = Participation {
                    awards: count(part.awards, before, after),
                    points: part
                        .points
                        .saturating_sub(before)
                        .checked_add(after)
                        .unwrap_or(Amount::MAX),
                    ..part
                };
                self.changed.insert(campaign.id);
                self.parts.insert(key, part);
                self.parts_changed.insert(key);
            }
        }
    }

    /// Writes what changed, with a fixed number of statements.
    pub(crate) fn save(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<(), Fault> {
        let changed = self.campaigns.iter().filter(|one| self.changed.contains(&one.id));
        save_winners(tx, &changed.collect::<Vec<_>>(), now)?;
        save_parts(tx, &self.parts, &self.parts_changed)?;
        let added = self.firsts_added.iter();
        let added: Vec<_> =
            added.filter_map(|member| Some((*member, *self.firsts.get(member)?))).collect();
        add_firsts(tx, self.company, &added)
    }
}

/// Counts an award that came or went.
const fn count(known: u32, before: Amount, after: Amount) -> u32 {
    match (before.is_zero(), after.is_zero()) {
        (true, false) => known.saturating_add(1),
        (false, true) => known.saturating_sub(1),
        (true, true) | (false, false) => known,
    }
}
