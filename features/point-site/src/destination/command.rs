use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;

use crate::config::SiteConfig;
use crate::destination::store::{
    SavedDestination, find_proposals, last_proposal, list_proposed, read_destinations,
    read_limit_groups, save_destinations, save_limit_groups, save_proposals,
};
use crate::destination::{
    DestinationChange, DestinationEntry, DestinationProposal, LimitGroup, ProposalState,
    TermsError, entries_in_force,
};
use access::audit_trail::{self, AuditEntry, Outcome};
use ledger::ActorNumber;
use store::{Command, Fault, Posting, Tx};
use vocabulary::{CompanyNumber, Day, Timestamp, Token, Zone};

/// The most destinations, and the most groups, of a company: all of them are read for every quote.
const DESTINATIONS_MAX: usize = 200;
/// Codes that are addresses of pages.
const RESERVED: [&str; 2] = ["new", "decide"];

/// Adds a version of a destination, or changes one that has not begun. Saving the same again
/// changes nothing.
#[derive(Clone, Debug)]
pub struct SaveDestination {
    /// The company whose destination it is.
    pub company: CompanyNumber,
    /// The version as it is to be.
    pub entry: DestinationEntry,
    /// Who asks.
    pub by: ActorNumber,
}

/// Why a destination is not saved.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DestinationRefusal {
    /// The version has begun, or would begin in the past of a destination that is in use: what was
    /// quoted under it must stay explained.
    #[error("a version that has begun stays as it is: add one from a later day")]
    Begun,
}

/// Tells whether a version may begin on its day: a later one of a destination only tomorrow or
/// after, so that what has begun stays as it is.
fn may_begin(known: &[DestinationEntry], entry: &DestinationEntry, today: Day) -> bool {
    let first = known.iter().all(|other| other.terms.code != entry.terms.code);
    first || today < entry.terms.effective_from
}

/// The versions that a slice is added to.
#[derive(Debug, Default)]
pub struct DestinationFacts {
    known: BTreeMap<CompanyNumber, Vec<DestinationEntry>>,
    saved: Vec<SavedDestination>,
}

impl Command for SaveDestination {
    type Facts = DestinationFacts;
    type Receipt = ();
    type Refusal = DestinationRefusal;

    const NAME: &'static str = "save destination";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let companies: Vec<CompanyNumber> = slice.iter().map(|command| command.company).collect();
        Ok(DestinationFacts { known: read_destinations(tx, &companies)?, saved: Vec::new() })
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<(), DestinationRefusal> {
        let (terms, known) = (&self.entry.terms, facts.known.entry(self.company).or_default());
        let today = Zone::JAPAN.day_of(posting.now());
        if known.contains(&self.entry) {
            return Ok(());
        }
        if !may_begin(known, &self.entry, today) {
            return Err(DestinationRefusal::Begun);
        }
        let key = (terms.code.clone(), terms.effective_from);
        known.retain(|entry| (&entry.terms.code, entry.terms.effective_from) != (&key.0, key.1));
        known.push(self.entry.clone());
        facts.saved.retain(|(command, _)| {
            let other = &command.entry.terms;
            (command.company, &other.code, other.effective_from) != (self.company, &key.0, key.1)
        });
        facts.saved.push((self.clone(), posting.now()));
        Ok(())
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        save_destinations(tx, &facts.saved)
    }
}

/// Sets the limits of a group of destinations; they hold from now on.
#[derive(Clone, Debug)]
pub struct SaveLimitGroup {
    /// The company whose group it is.
    pub company: CompanyNumber,
    /// The limits as they are to be.
    pub group: LimitGroup,
}

/// The groups that a slice saves.
pub(super) type LimitGroupFacts = BTreeMap<(CompanyNumber, Token), (LimitGroup, Timestamp)>;

impl Command for SaveLimitGroup {
    type Facts = LimitGroupFacts;
    type Receipt = ();
    type Refusal = Infallible;

    const NAME: &'static str = "save limit group";

    fn load(_slice: &[Self], _tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        Ok(BTreeMap::new())
    }

    fn decide(&self, facts: &mut Self::Facts, posting: &mut Posting<'_>) -> Result<(), Infallible> {
        let key = (self.company, self.group.code.clone());
        facts.insert(key, (self.group.clone(), posting.now()));
        Ok(())
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        save_limit_groups(tx, &facts)
    }
}

/// Whether somebody means to add something or to change what is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// It is to be added under a code that nothing else has.
    New,
    /// There is one of this code.
    Known,
}

/// Proposes a change: a version of a destination from a day on, or other limits of a group. Nothing
/// changes until somebody else approves it. The same again by the same person changes nothing.
#[derive(Clone, Debug)]
pub struct ProposeDestination {
    /// The settings, with the partners that there are.
    pub config: Arc<SiteConfig>,
    /// What it is to be.
    pub change: DestinationChange,
    /// Whether it is to be added.
    pub standing: Standing,
    /// Who proposes.
    pub by: ActorNumber,
}

/// Why nothing is proposed or decided, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProposalRefusal {
    /// There is no such destination, group or proposal.
    #[error("there is no such thing")]
    NotFound,
    /// It was decided.
    #[error("this was decided")]
    Decided,
    /// Whoever proposed cannot approve.
    #[error("somebody else has to approve")]
    SamePerson,
    /// Something else has this code, or pages need it.
    #[error("this code is taken")]
    CodeTaken,
    /// The terms are none.
    #[error(transparent)]
    Terms(#[from] TermsError),
    /// Kind and unit of a destination are what members and records know it by.
    #[error("the kind and the unit of a destination stay")]
    KindFixed,
    /// We are not connected with a partner of this code.
    #[error("there is no partner of this code")]
    PartnerUnknown,
    /// There is no such limit group: nothing would limit it.
    #[error("there is no limit group of this code")]
    GroupUnknown,
    /// The first version would begin in the past.
    #[error("this day has passed")]
    DayPassed,
    /// A later version must begin tomorrow or after: what was quoted must stay explained.
    #[error("a change begins tomorrow or later")]
    Begun,
    /// More can be exchanged in a day than in a month.
    #[error("the limit of a day is at most that of a month")]
    LimitsUnfit,
    /// It is so already.
    #[error("this changes nothing")]
    Unchanged,
    /// Another proposal about it waits.
    #[error("another proposal waits to be approved")]
    Pending,
    /// There are as many as there may be.
    #[error("there are too many")]
    TooMany,
}

impl ProposalRefusal {
    /// Every refusal.
    pub const ALL: &'static [Self] = &[
        Self::NotFound,
        Self::Decided,
        Self::SamePerson,
        Self::CodeTaken,
        Self::Terms(TermsError::Unit),
        Self::Terms(TermsError::Minimum),
        Self::Terms(TermsError::Step),
        Self::Terms(TermsError::Rate),
        Self::Terms(TermsError::Fee),
        Self::Terms(TermsError::LeadDays),
        Self::Terms(TermsError::QuoteMinutes),
        Self::Terms(TermsError::Worthless),
        Self::KindFixed,
        Self::PartnerUnknown,
        Self::GroupUnknown,
        Self::DayPassed,
        Self::Begun,
        Self::LimitsUnfit,
        Self::Unchanged,
        Self::Pending,
        Self::TooMany,
    ];

    /// Gives the stable code, as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Decided => "decided",
            Self::SamePerson => "same_person",
            Self::CodeTaken => "code_taken",
            Self::Terms(error) => error.code(),
            Self::KindFixed => "kind_fixed",
            Self::PartnerUnknown => "partner_unknown",
            Self::GroupUnknown => "group_unknown",
            Self::DayPassed => "day_passed",
            Self::Begun => "begun",
            Self::LimitsUnfit => "limits_unfit",
            Self::Unchanged => "unchanged",
            Self::Pending => "pending",
            Self::TooMany => "too_many",
        }
    }
}

/// What is offered, and what was proposed about it.
#[derive(Debug, Default)]
pub struct ProposalFacts {
    entries: Vec<DestinationEntry>,
    groups: BTreeMap<Token, LimitGroup>,
    /// What waits, and what the slice names.
    proposals: BTreeMap<u32, DestinationProposal>,
    last: u32,
    changed: BTreeSet<u32>,
    saved: BTreeMap<(Token, Day), SavedDestination>,
    limits: LimitGroupFacts,
    trail: Vec<AuditEntry>,
}

impl ProposalFacts {
    fn load(tx: &mut Tx<'_>, company: CompanyNumber, numbers: &[u32]) -> Result<Self, Fault> {
        let waiting = list_proposed(tx, company)?;
        let mut proposals = find_proposals(tx, company, numbers)?;
        proposals.extend(waiting.into_iter().map(|proposal| (proposal.number, proposal)));
        let groups = read_limit_groups(tx, &[company])?;
        Ok(Self {
            entries: read_destinations(tx, &[company])?.remove(&company).unwrap_or_default(),
            groups: groups.into_iter().map(|((_, code), group)| (code, group)).collect(),
            proposals,
            last: last_proposal(tx, company)?,
            ..Self::default()
        })
    }

    /// The newest version of a destination, whether it has begun or not.
    fn newest(&self, code: &Token) -> Option<&DestinationEntry> {
        let of_code = self.entries.iter().filter(|entry| entry.terms.code == *code);
        of_code.max_by_key(|entry| entry.terms.effective_from)
    }

    fn knows(&self, change: &DestinationChange) -> bool {
        match change {
            DestinationChange::Version(entry) => self.newest(&entry.terms.code).is_some(),
            DestinationChange::Limits(group) => self.groups.contains_key(&group.code),
        }
    }

    /// Checks what must hold when it is proposed and when it is approved.
    fn check(
        &self,
        config: &SiteConfig,
        change: &DestinationChange,
        today: Day,
    ) -> Result<(), ProposalRefusal> {
        match change {
            DestinationChange::Version(entry) => self.check_version(config, entry, today),
            DestinationChange::Limits(group) => match (group.daily, group.monthly) {
                (Some(daily), Some(monthly)) if monthly < daily => {
                    Err(ProposalRefusal::LimitsUnfit)
                }
                (Some(_) | None, Some(_) | None) => Ok(()),
            },
        }
    }

    fn check_version(
        &self,
        config: &SiteConfig,
        entry: &DestinationEntry,
        today: Day,
    ) -> Result<(), ProposalRefusal> {
        let terms = &entry.terms;
        terms.check()?;
        let newest = self.newest(&terms.code).map(|newest| &newest.terms);
        if newest.is_some_and(|newest| (newest.kind, newest.unit) != (terms.kind, terms.unit)) {
            return Err(ProposalRefusal::KindFixed);
        }
        if terms.kind.needs_partner() && config.exchange.partner(&entry.product).is_none() {
            return Err(ProposalRefusal::PartnerUnknown);
        }
        if !self.groups.contains_key(&terms.limit_group) {
            return Err(ProposalRefusal::GroupUnknown);
        }
        if terms.effective_from < today {
            return Err(ProposalRefusal::DayPassed);
        }
        if !may_begin(&self.entries, entry, today) {
            return Err(ProposalRefusal::Begun);
        }
        Ok(())
    }

    /// Tells whether it would be as it is without the change.
    fn unchanged(&self, change: &DestinationChange) -> bool {
        match change {
            DestinationChange::Version(entry) => {
                let from = entry.terms.effective_from;
                let then = entries_in_force(&self.entries, from);
                let then = then.into_iter().find(|other| other.terms.code == entry.terms.code);
                then.is_some_and(|then| {
                    let mut then = then.clone();
                    then.terms.effective_from = from;
                    then == *entry
                })
            }
            DestinationChange::Limits(group) => self.groups.get(&group.code) == Some(group),
        }
    }

    /// Counts what there is of the same sort, proposed ones with it.
    fn full(&self, change: &DestinationChange) -> bool {
        let known: BTreeSet<&Token> = match change {
            DestinationChange::Version(_) => {
                self.entries.iter().map(|entry| &entry.terms.code).collect()
            }
            DestinationChange::Limits(_) => self.groups.keys().collect(),
        };
        let waiting = self.proposals.values().filter(|proposal| {
            proposal.state == ProposalState::Proposed
                && proposal.change.subject() == change.subject()
        });
        let all: BTreeSet<&Token> =
            known.into_iter().chain(waiting.map(|proposal| proposal.change.code())).collect();
        !all.contains(change.code()) && all.len() >= DESTINATIONS_MAX
    }

    fn note(&mut self, proposal: DestinationProposal, (by, action, at): Done) {
        let change = &proposal.change;
        let subject = match change {
            DestinationChange::Version(entry) => {
                format!("{} {}", entry.terms.code, entry.terms.effective_from)
            }
            DestinationChange::Limits(group) => group.code.to_string(),
        };
        self.trail.push(AuditEntry {
            at,
            actor: by,
            company: proposal.company,
            action: format!("{}.{action}", change.subject()),
            subject,
            outcome: Outcome::Done,
            request: None,
        });
        self.changed.insert(proposal.number);
        self.proposals.insert(proposal.number, proposal);
    }

    /// Has an approved change hold.
    fn apply(&mut self, proposal: &DestinationProposal, by: ActorNumber, now: Timestamp) {
        let company = proposal.company;
        match &proposal.change {
            DestinationChange::Version(entry) => {
                let key = (entry.terms.code.clone(), entry.terms.effective_from);
                self.entries.retain(|other| {
                    (&other.terms.code, other.terms.effective_from) != (&key.0, key.1)
                });
                self.entries.push(entry.clone());
                let command = SaveDestination { company, entry: entry.clone(), by };
                self.saved.insert(key, (command, now));
            }
            DestinationChange::Limits(group) => {
                self.groups.insert(group.code.clone(), group.clone());
                self.limits.insert((company, group.code.clone()), (group.clone(), now));
            }
        }
    }

    fn save(self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let changed = self.changed.iter().filter_map(|number| self.proposals.get(number));
        save_proposals(tx, &changed.collect::<Vec<_>>())?;
        save_destinations(tx, &self.saved.into_values().collect::<Vec<_>>())?;
        save_limit_groups(tx, &self.limits)?;
        audit_trail::append(tx, self.trail).map(drop)
    }
}

/// Who did what, and when.
type Done = (ActorNumber, &'static str, Timestamp);

impl Command for ProposeDestination {
    type Facts = ProposalFacts;
    /// The number of the proposal.
    type Receipt = u32;
    type Refusal = ProposalRefusal;

    const NAME: &'static str = "propose destination";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<ProposalFacts, Fault> {
        let Some(first) = slice.first() else { return Ok(ProposalFacts::default()) };
        ProposalFacts::load(tx, first.config.company, &[])
    }

    fn decide(
        &self,
        facts: &mut ProposalFacts,
        posting: &mut Posting<'_>,
    ) -> Result<u32, ProposalRefusal> {
        let (now, change) = (posting.now(), &self.change);
        let pending = facts.proposals.values().find(|proposal| {
            proposal.state == ProposalState::Proposed && proposal.change.concerns_same(change)
        });
        if let Some(same) = pending.filter(|p| p.change == *change && p.proposed_by == self.by) {
            return Ok(same.number);
        }
        match (self.standing, facts.knows(change)) {
            (Standing::New, true) => return Err(ProposalRefusal::CodeTaken),
            (Standing::New, false) if RESERVED.contains(&change.code().as_str()) => {
                return Err(ProposalRefusal::CodeTaken);
            }
            (Standing::Known, false) => return Err(ProposalRefusal::NotFound),
            (Standing::New, false) | (Standing::Known, true) => {}
        }
        facts.check(&self.config, change, Zone::JAPAN.day_of(now))?;
        if facts.unchanged(change) {
            return Err(ProposalRefusal::Unchanged);
        }
        if pending.is_some() {
            return Err(ProposalRefusal::Pending);
        }
        if facts.full(change) {
            return Err(ProposalRefusal::TooMany);
        }
        facts.last = facts.last.saturating_add(1);
        let number = facts.last;
        let proposal = DestinationProposal {
            company: self.config.company,
            number,
            change: change.clone(),
            proposed_by: self.by,
            proposed_at: now,
            state: ProposalState::Proposed,
        };
        facts.note(proposal, (self.by, "propose", now));
        Ok(number)
    }

    fn save(facts: ProposalFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

/// What becomes of a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProposalVerdict {
    /// It holds: a version from its day on, limits at once.
    Approve,
    /// It does not; its maker may say so as well.
    Decline,
}

/// Decides what somebody proposed. The same decision of the same person again changes nothing.
#[derive(Clone, Debug)]
pub struct DecideDestination {
    /// The settings, with the partners that there are.
    pub config: Arc<SiteConfig>,
    /// The proposal that was read.
    pub number: u32,
    /// What becomes of it.
    pub verdict: ProposalVerdict,
    /// Who decides.
    pub by: ActorNumber,
}

impl Command for DecideDestination {
    type Facts = ProposalFacts;
    type Receipt = ();
    type Refusal = ProposalRefusal;

    const NAME: &'static str = "decide destination";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<ProposalFacts, Fault> {
        let Some(first) = slice.first() else { return Ok(ProposalFacts::default()) };
        let numbers: Vec<u32> = slice.iter().map(|command| command.number).collect();
        ProposalFacts::load(tx, first.config.company, &numbers)
    }

    fn decide(
        &self,
        facts: &mut ProposalFacts,
        posting: &mut Posting<'_>,
    ) -> Result<(), ProposalRefusal> {
        let (by, now) = (self.by, posting.now());
        let proposal = facts.proposals.get(&self.number).ok_or(ProposalRefusal::NotFound)?.clone();
        match (proposal.state, self.verdict) {
            (ProposalState::Proposed, _) => {}
            (ProposalState::Approved { by: before, .. }, ProposalVerdict::Approve)
            | (ProposalState::Declined { by: before, .. }, ProposalVerdict::Decline)
                if before == by =>
            {
                return Ok(());
            }
            (ProposalState::Approved { .. } | ProposalState::Declined { .. }, _) => {
                return Err(ProposalRefusal::Decided);
            }
        }
        let (state, action) = match self.verdict {
            ProposalVerdict::Decline => (ProposalState::Declined { by, at: now }, "decline"),
            ProposalVerdict::Approve => {
                if proposal.proposed_by == by {
                    return Err(ProposalRefusal::SamePerson);
                }
                // What was right when it was proposed may not be any more.
                facts.check(&self.config, &proposal.change, Zone::JAPAN.day_of(now))?;
                facts.apply(&proposal, by, now);
                (ProposalState::Approved { by, at: now }, "approve")
            }
        };
        facts.note(DestinationProposal { state, ..proposal }, (by, action, now));
        Ok(())
    }

    fn save(facts: ProposalFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}
