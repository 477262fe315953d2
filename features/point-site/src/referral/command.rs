use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;

use crate::bonus::{Bonus, BonusFacts, Cause, Standing, Target};
use crate::config::SiteConfig;
use crate::conversion::ConversionState;
use crate::follow_up::Seen;
use crate::payee::store::load_of_members;
use crate::referral::store::{
    Earnings, Rewarded, add_links, count_joined, count_rewarded, find_earnings, find_leading,
    find_links, find_links_of, find_mails, find_referrals, list_terms, save_earnings,
    save_referrals, save_terms,
};
use crate::referral::{
    JoinSignals, PlannedTerms, Proposal, Proposed, Referral, ReferralLink, ReferralRefusal,
    ReferralRule, ReferralState, ReferralTerms, Verdict, judge, mail_name,
};
use crate::vault::Vault;
use access::Authenticated;
use access::audit_trail::{self, AuditEntry};
use store::{Command, Fault, Posting, Reader, Recall, Tx};
use vocabulary::{Amount, CompanyNumber, Email, Id, Label, Timestamp, Token, kind};

/// What the passbook calls the points when nobody translates it.
const TITLE: &str = "友達紹介";
const AN_HOUR: i64 = 3_600;
const THE_BEGINNING: Timestamp = Timestamp::from_microseconds(0);

/// Plans terms from a moment on. Terms of that moment that nobody approved are replaced.
#[derive(Clone, Debug)]
pub struct ProposeReferralTerms {
    /// The company whose site it is.
    pub company: CompanyNumber,
    /// Who plans them.
    pub by: Authenticated,
    /// From when they hold; in the future.
    pub starts_at: Timestamp,
    /// The terms.
    pub terms: ReferralTerms,
}

/// Approves planned terms; a repeat by the same person changes nothing.
#[derive(Clone, Debug)]
pub struct ApproveReferralTerms {
    /// The company whose site it is.
    pub company: CompanyNumber,
    /// Who approves; not who planned.
    pub by: Authenticated,
    /// Which.
    pub starts_at: Timestamp,
}

/// The terms that a slice concerns.
#[derive(Debug, Default)]
pub struct TermsFacts {
    known: BTreeMap<Timestamp, PlannedTerms>,
    changed: BTreeSet<Timestamp>,
    entries: Vec<AuditEntry>,
    at: Timestamp,
}

impl TermsFacts {
    fn load(company: Option<CompanyNumber>, tx: &mut Tx<'_>) -> Result<Self, Fault> {
        let Some(company) = company else { return Ok(Self::default()) };
        let known = list_terms(tx, company)?;
        let known = known.into_iter().map(|planned| (planned.starts_at, planned)).collect();
        Ok(Self { known, ..Self::default() })
    }

    fn note(&mut self, planned: PlannedTerms, by: &Authenticated, action: &'static str) {
        self.entries.push(AuditEntry::done(self.at, by, action).of(planned.company));
        self.changed.insert(planned.starts_at);
        self.known.insert(planned.starts_at, planned);
    }

    fn save(self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let changed = self.changed.iter().filter_map(|at| self.known.get(at));
        save_terms(tx, &changed.collect::<Vec<_>>(), self.at)?;
        audit_trail::append(tx, self.entries).map(drop)
    }
}

impl Command for ProposeReferralTerms {
    type Facts = TermsFacts;
    type Receipt = ();
    type Refusal = ReferralRefusal;

    const NAME: &'static str = "propose referral terms";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<TermsFacts, Fault> {
        TermsFacts::load(slice.first().map(|first| first.company), tx)
    }

    fn decide(
        &self,
        facts: &mut TermsFacts,
        posting: &mut Posting<'_>,
    ) -> Result<(), ReferralRefusal> {
        facts.at = posting.now();
        self.terms.check()?;
        let approved =
            facts.known.get(&self.starts_at).is_some_and(|known| known.approved_by.is_some());
        if approved || self.starts_at < facts.at {
            return Err(ReferralRefusal::TermsInForce);
        }
        let planned = PlannedTerms {
            company: self.company,
            starts_at: self.starts_at,
            terms: self.terms,
            made_by: self.by.actor(),
            approved_by: None,
        };
        facts.note(planned, &self.by, "referral_terms.propose");
        Ok(())
    }

    fn save(facts: TermsFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

impl Command for ApproveReferralTerms {
    type Facts = TermsFacts;
    type Receipt = ();
    type Refusal = ReferralRefusal;

    const NAME: &'static str = "approve referral terms";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<TermsFacts, Fault> {
        TermsFacts::load(slice.first().map(|first| first.company), tx)
    }

    fn decide(
        &self,
        facts: &mut TermsFacts,
        posting: &mut Posting<'_>,
    ) -> Result<(), ReferralRefusal> {
        facts.at = posting.now();
        let known = facts.known.get(&self.starts_at).copied();
        let planned = known.ok_or(ReferralRefusal::NotFound)?;
        let by = self.by.actor();
        match planned.approved_by {
            Some(before) if before == by => return Ok(()),
            Some(_) => return Err(ReferralRefusal::StateUnfit),
            None if planned.made_by == by => return Err(ReferralRefusal::SamePerson),
            None => {}
        }
        let planned = PlannedTerms { approved_by: Some(by), ..planned };
        facts.note(planned, &self.by, "referral_terms.approve");
        Ok(())
    }

    fn save(facts: TermsFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

/// Makes a member's link; a repeat gives the first one, for ever. A code that is another member's
/// is refused, so that nobody's friends are taken for somebody else's.
#[derive(Clone, Debug)]
pub struct MakeReferralLink {
    /// The company whose site it is.
    pub company: CompanyNumber,
    /// Whose.
    pub member: Id<kind::Member>,
    /// What it is to carry when there is none yet; chosen at random.
    pub code: Token,
}

/// The links that a slice concerns.
#[derive(Debug, Default)]
pub struct LinkFacts {
    known: BTreeMap<Id<kind::Member>, ReferralLink>,
    taken: BTreeSet<Token>,
    added: BTreeSet<Id<kind::Member>>,
}

impl Command for MakeReferralLink {
    type Facts = LinkFacts;
    type Receipt = ReferralLink;
    type Refusal = ReferralRefusal;

    const NAME: &'static str = "make referral link";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<LinkFacts, Fault> {
        let Some(first) = slice.first() else { return Ok(LinkFacts::default()) };
        let members = slice.iter().map(|command| command.member).collect();
        let codes: Vec<_> = slice.iter().map(|command| command.code.clone()).collect();
        let taken = find_links(tx, first.company, &codes)?.into_keys().collect();
        Ok(LinkFacts { known: find_links_of(tx, &members)?, taken, added: BTreeSet::new() })
    }

    fn decide(
        &self,
        facts: &mut LinkFacts,
        posting: &mut Posting<'_>,
    ) -> Result<ReferralLink, ReferralRefusal> {
        if let Some(link) = facts.known.get(&self.member) {
            return Ok(link.clone());
        }
        if !facts.taken.insert(self.code.clone()) {
            return Err(ReferralRefusal::CodeTaken);
        }
        let (company, member, code) = (self.company, self.member, self.code.clone());
        let link = ReferralLink { company, member, code, made_at: posting.now() };
        facts.known.insert(member, link.clone());
        facts.added.insert(member);
        Ok(link)
    }

    fn save(facts: LinkFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let added = facts.added.iter().filter_map(|member| facts.known.get(member));
        add_links(tx, &added.collect::<Vec<_>>())
    }
}

/// Notes that somebody joined by a link. The first link counts; a repeat changes nothing.
#[derive(Clone, Debug)]
pub struct JoinReferral {
    /// The company whose site it is.
    pub company: CompanyNumber,
    /// Who joined.
    pub member: Id<kind::Member>,
    /// What the link carried.
    pub code: Token,
    /// When the member joined.
    pub joined_at: Timestamp,
    /// The mail addresses, named by [`JoinReferral::name_mail`].
    pub mails: JoinMails,
    /// Whether who invites signed in before from the browser that who joined signs up with.
    pub same_device: bool,
}

/// What names the mail addresses of two members; `None` is not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct JoinMails {
    /// Of who joined.
    pub invited: Option<[u8; 32]>,
    /// Of who invites.
    pub inviter: Option<[u8; 32]>,
}

impl JoinReferral {
    /// Names a mail address but for tags and dots, by a hash that only this installation can make.
    pub fn name_mail(vault: &Vault, mail: &Email) -> [u8; 32] {
        vault.fingerprint("referral_mail", &[mail_name(mail).as_bytes()])
    }
}

/// Joining is decided on this.
#[derive(Debug, Default)]
pub struct JoinFacts {
    terms: Vec<PlannedTerms>,
    links: BTreeMap<Token, ReferralLink>,
    known: BTreeMap<Id<kind::Member>, Referral>,
    /// Who led to a member, over several steps.
    led: BTreeMap<Id<kind::Member>, BTreeSet<Id<kind::Member>>>,
    /// The addresses by which somebody joined before.
    mails: BTreeSet<[u8; 32]>,
    joined: BTreeMap<Id<kind::Member>, u32>,
    added: BTreeSet<Id<kind::Member>>,
    at: Timestamp,
}

impl Command for JoinReferral {
    type Facts = JoinFacts;
    /// The referral; `None` when no terms hold, so that nothing was promised.
    type Receipt = Option<Referral>;
    type Refusal = ReferralRefusal;

    const NAME: &'static str = "join by referral";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<JoinFacts, Fault> {
        let Some(first) = slice.first() else { return Ok(JoinFacts::default()) };
        let company = first.company;
        let codes: Vec<_> = slice.iter().map(|command| command.code.clone()).collect();
        let links = find_links(tx, company, &codes)?;
        let inviters: BTreeSet<_> = links.values().map(|link| link.member).collect();
        let earliest = slice.iter().map(|command| command.joined_at).min();
        let since = earliest.unwrap_or(first.joined_at).plus_seconds(-AN_HOUR);
        let members: BTreeSet<_> = slice.iter().map(|command| command.member).collect();
        let mails: BTreeSet<_> = slice.iter().filter_map(|command| command.mails.invited).collect();
        Ok(JoinFacts {
            terms: list_terms(tx, company)?,
            known: find_referrals(tx, company, &members)?,
            led: find_leading(tx, &inviters)?,
            mails: find_mails(tx, company, &mails)?,
            joined: count_joined(tx, since, &inviters)?,
            links,
            ..JoinFacts::default()
        })
    }

    fn decide(
        &self,
        facts: &mut JoinFacts,
        posting: &mut Posting<'_>,
    ) -> Result<Option<Referral>, ReferralRefusal> {
        facts.at = posting.now();
        if let Some(known) = facts.known.get(&self.member) {
            return Ok(Some(known.clone()));
        }
        let link = facts.links.get(&self.code).ok_or(ReferralRefusal::NotFound)?;
        let Some(terms) = in_force(&facts.terms, self.joined_at) else { return Ok(None) };
        let joined = facts.joined.entry(link.member).or_default();
        *joined = joined.saturating_add(1);
        let seconds = self.joined_at.microseconds_since(link.made_at).div_euclid(1_000_000);
        let mut led = facts.led.get(&link.member).cloned().unwrap_or_default();
        let JoinMails { invited: mail, inviter: inviters } = self.mails;
        let rules = judge(JoinSignals {
            own_link: link.member == self.member,
            circle: led.contains(&self.member),
            same_mail: mail.is_some_and(|own| facts.mails.contains(&own) || inviters == mail),
            same_device: self.same_device,
            seconds_after_link: seconds,
            joined_in_hour: *joined,
            ..JoinSignals::default()
        });
        let verdict = Verdict::of(&rules);
        let referral = Referral {
            company: self.company,
            invited: self.member,
            inviter: link.member,
            joined_at: self.joined_at,
            ends_at: self.joined_at.plus_days(i64::from(terms.within_days)),
            terms,
            rules,
            verdict,
            state: match verdict {
                Verdict::Allow | Verdict::Hold => ReferralState::Waiting,
                Verdict::Deny => ReferralState::Refused,
            },
            earned: Amount::ZERO,
            rewarded_month: None,
            proposed: None,
            decided_by: None,
            mail,
        };
        led.insert(link.member);
        facts.led.insert(self.member, led);
        facts.mails.extend(mail);
        facts.added.insert(self.member);
        facts.known.insert(self.member, referral.clone());
        Ok(Some(referral))
    }

    fn save(facts: JoinFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let added = facts.added.iter().filter_map(|member| facts.known.get(member));
        save_referrals(tx, &added.collect::<Vec<_>>(), facts.at)
    }
}

/// Gives the terms that hold at a moment: the latest that were approved and have begun.
pub(crate) fn in_force(all: &[PlannedTerms], at: Timestamp) -> Option<ReferralTerms> {
    let begun = all.iter().filter(|one| one.approved_by.is_some() && one.starts_at <= at);
    begun.max_by_key(|one| one.starts_at).map(|one| one.terms)
}

/// The referrals of a slice; shared by all that grant for them.
#[derive(Debug)]
pub(crate) struct ReferralFacts {
    known: BTreeMap<Id<kind::Member>, Referral>,
    earnings: Earnings,
    same_account: BTreeSet<Id<kind::Member>>,
    rewarded: Rewarded,
    links: BTreeMap<Id<kind::Member>, ReferralLink>,
    changed: BTreeSet<Id<kind::Member>>,
    earned: Earnings,
}

impl ReferralFacts {
    /// Reads the referrals of members who may have been invited, with five statements.
    pub(crate) fn load(
        company: CompanyNumber,
        members: &BTreeSet<Id<kind::Member>>,
        reader: &mut Reader<'_>,
    ) -> Result<Self, Fault> {
        let known = find_referrals(reader, company, members)?;
        let invited: BTreeSet<_> = known.keys().copied().collect();
        let inviters: BTreeSet<_> = known.values().map(|one| one.inviter).collect();
        let both: Vec<_> = invited.union(&inviters).copied().collect();
        let payees = load_of_members(reader, &both)?;
        let shares = |one: &&Referral| {
            let of = |member| payees.get(member).into_iter().flatten();
            of(&one.invited).any(|a| {
                of(&one.inviter).any(|b| a.kind == b.kind && a.fingerprint == b.fingerprint)
            })
        };
        Ok(Self {
            earnings: find_earnings(reader, &invited)?,
            same_account: known.values().filter(shares).map(|one| one.invited).collect(),
            rewarded: count_rewarded(reader, &inviters)?,
            links: find_links_of(reader, &inviters)?,
            known,
            changed: BTreeSet::new(),
            earned: Earnings::new(),
        })
    }

    /// Names the bonuses that may be settled.
    pub(crate) fn bonuses(&self) -> Vec<Id<kind::Bonus>> {
        self.known.values().flat_map(|one| both(one).map(|(id, ..)| id)).collect()
    }

    /// Lets a referral follow how a conversion of the invited member stands.
    pub(crate) fn follow(
        &mut self,
        config: &SiteConfig,
        seen: &Seen,
        bonuses: &mut BonusFacts,
        posting: &mut Posting<'_>,
    ) {
        let Some(referral) = self.known.get(&seen.member) else { return };
        let counts = match seen.state {
            ConversionState::Approved { decided_at } => decided_at <= referral.ends_at,
            ConversionState::NeedsReview
            | ConversionState::Tracked { .. }
            | ConversionState::Rejected { .. }
            | ConversionState::Reversed { .. } => false,
        };
        let points = if counts { seen.points } else { Amount::ZERO };
        let key = (seen.member, seen.id);
        if self.earnings.get(&key).copied().unwrap_or(Amount::ZERO) != points {
            self.earnings.insert(key, points);
            self.earned.insert(key, points);
        }
        self.settle(config, seen.member, bonuses, posting);
    }

    /// Brings a referral to where it stands by now, and both bonuses with it.
    fn settle(
        &mut self,
        config: &SiteConfig,
        invited: Id<kind::Member>,
        bonuses: &mut BonusFacts,
        posting: &mut Posting<'_>,
    ) {
        let Some(before) = self.known.get(&invited) else { return };
        let mut next = before.clone();
        let of_invited = self
            .earnings
            .iter()
            .filter(|((member, _), points)| *member == invited && !points.is_zero());
        let (mut purchases, mut earned) = (0_u32, Amount::ZERO);
        for (_, points) in of_invited {
            purchases = purchases.saturating_add(1);
            earned = earned.checked_add(*points).unwrap_or(Amount::MAX);
        }
        next.earned = earned;
        // What a person released stays released: only a rule that is new holds.
        if self.same_account.contains(&invited) && next.rules.insert(ReferralRule::SameAccount) {
            next.verdict = Verdict::of(&next.rules);
        }
        next.state = next.after(purchases, posting.now());
        if next.state != ReferralState::Held {
            next.proposed = None;
        }
        self.reward(config, before.state, &mut next, posting);
        for (id, cause, member, points) in both(&next) {
            let granted = matches!(next.state, ReferralState::Granted { .. });
            let due = granted && (member == invited || next.rewarded_month.is_some());
            let target = if due { Target::Granted { amount: points } } else { Target::Nothing };
            let Ok(title) = Label::parse(TITLE) else { continue };
            let (version, standing) = (0, Standing::Nothing);
            let draft = Bonus { id, cause, member, conversion: None, title, version, standing };
            if bonuses.settle(draft, target, posting).is_err() {
                tracing::info!(bonus.id = %id, "the bonus {id} of a referral is tried again later");
            }
        }
        self.changed.insert(invited);
        self.known.insert(invited, next);
    }

    /// Counts the inviter's reward in the month of the grant, and gives the place back when it is
    /// taken back. Whoever left, and so has no link any more, is not rewarded.
    fn reward(
        &mut self,
        config: &SiteConfig,
        before: ReferralState,
        next: &mut Referral,
        posting: &Posting<'_>,
    ) {
        let granted = |state| matches!(state, ReferralState::Granted { .. });
        if granted(before) == granted(next.state) {
            return;
        }
        if let Some(month) = next.rewarded_month.take() {
            let count = self.rewarded.entry((next.inviter, month)).or_default();
            *count = count.saturating_sub(1);
        }
        if granted(next.state) && self.links.contains_key(&next.inviter) {
            let month = month_of(config, posting);
            let count = self.rewarded.entry((next.inviter, month)).or_default();
            if *count < next.terms.month_max {
                *count = count.saturating_add(1);
                next.rewarded_month = Some(month);
            }
        }
    }

    /// Writes what changed, with two statements.
    pub(crate) fn save(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<(), Fault> {
        let changed = self.changed.iter().filter_map(|member| self.known.get(member));
        save_referrals(tx, &changed.collect::<Vec<_>>(), now)?;
        save_earnings(tx, &self.earned)
    }
}

/// The calendar month of a moment in the unit's zone, as 202611.
fn month_of(config: &SiteConfig, posting: &Posting<'_>) -> u32 {
    let policy = posting.book().find_unit(config.unit).map(|unit| unit.policy).unwrap_or_default();
    let (year, month, _) = policy.zone.day_of(posting.now()).civil();
    let year = u32::try_from(year).unwrap_or(0);
    year.saturating_mul(100).saturating_add(u32::try_from(month).unwrap_or(0))
}

type Half = (Id<kind::Bonus>, Cause, Id<kind::Member>, Amount);

/// Names the two bonuses of a referral, which follow from the two members.
fn both(referral: &Referral) -> [Half; 2] {
    let (inviter, invited) = (referral.inviter, referral.invited);
    let half = |member, other, points| {
        let cause = Cause::Referral(other);
        (cause.bonus::<kind::Member>(member), cause, member, points)
    };
    [half(inviter, invited, referral.terms.inviter), half(invited, inviter, referral.terms.invited)]
}

/// Proposes what becomes of a held referral, or confirms what somebody else proposed. Another
/// proposal replaces the first; a repeat by the same person changes nothing.
#[derive(Clone, Debug)]
pub struct DecideReferral {
    /// The settings.
    pub config: Arc<SiteConfig>,
    /// Who decides.
    pub by: Authenticated,
    /// Who was invited.
    pub invited: Id<kind::Member>,
    /// What is to become of it.
    pub proposal: Proposal,
    /// Which of the two steps.
    pub step: DecisionStep,
}

/// The two steps of a decision, each taken by another person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DecisionStep {
    /// Proposes it.
    Propose {
        /// Why.
        reason: Label,
    },
    /// Confirms what was proposed.
    Confirm,
}

/// The referrals and bonuses of a slice.
#[derive(Debug, Default)]
pub struct DecisionFacts {
    loaded: Option<(ReferralFacts, BonusFacts)>,
    entries: Vec<AuditEntry>,
    at: Timestamp,
}

impl Command for DecideReferral {
    type Facts = DecisionFacts;
    /// Where it stands then.
    type Receipt = ReferralState;
    type Refusal = ReferralRefusal;

    const NAME: &'static str = "decide referral";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<DecisionFacts, Fault> {
        let Some(first) = slice.first() else { return Ok(DecisionFacts::default()) };
        let members = slice.iter().map(|command| command.invited).collect();
        let referrals = ReferralFacts::load(first.config.company, &members, tx)?;
        let bonuses = BonusFacts::load(&first.config, &referrals.bonuses(), tx)?;
        Ok(DecisionFacts { loaded: Some((referrals, bonuses)), ..DecisionFacts::default() })
    }

    fn recall(&self, facts: &DecisionFacts, recall: &mut Recall) {
        if let Some((_, bonuses)) = &facts.loaded {
            bonuses.recall(recall);
        }
    }

    fn decide(
        &self,
        facts: &mut DecisionFacts,
        posting: &mut Posting<'_>,
    ) -> Result<ReferralState, ReferralRefusal> {
        facts.at = posting.now();
        let (referrals, bonuses) = facts.loaded.as_mut().ok_or(ReferralRefusal::NotFound)?;
        let known = referrals.known.get_mut(&self.invited).ok_or(ReferralRefusal::NotFound)?;
        let Some(action) = self.apply(known)? else { return Ok(known.state) };
        let entry = AuditEntry::done(facts.at, &self.by, action);
        facts.entries.push(entry.of(known.company).about(self.invited));
        referrals.settle(&self.config, self.invited, bonuses, posting);
        Ok(referrals.known.get(&self.invited).map_or(ReferralState::Held, |one| one.state))
    }

    fn save(facts: DecisionFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        if let Some((referrals, bonuses)) = &facts.loaded {
            referrals.save(tx, facts.at)?;
            bonuses.save(tx, facts.at)?;
        }
        audit_trail::append(tx, facts.entries).map(drop)
    }
}

impl DecideReferral {
    /// Notes the step on a referral; gives the action for the audit trail, `None` for a repeat.
    fn apply(&self, known: &mut Referral) -> Result<Option<&'static str>, ReferralRefusal> {
        let by = self.by.actor();
        let settled = match self.proposal {
            Proposal::Release => Verdict::Allow,
            Proposal::Deny => Verdict::Deny,
        };
        if known.state != ReferralState::Held {
            let repeat = self.step == DecisionStep::Confirm
                && known.decided_by == Some(by)
                && known.verdict == settled;
            return if repeat { Ok(None) } else { Err(ReferralRefusal::StateUnfit) };
        }
        match &self.step {
            DecisionStep::Propose { reason } => {
                let wanted = Proposed { proposal: self.proposal, by, reason: reason.clone() };
                if known.proposed.as_ref() == Some(&wanted) {
                    return Ok(None);
                }
                known.proposed = Some(wanted);
                Ok(Some("referral.propose"))
            }
            DecisionStep::Confirm => {
                let proposed = known.proposed.as_ref().ok_or(ReferralRefusal::StateUnfit)?;
                if proposed.proposal != self.proposal {
                    return Err(ReferralRefusal::StateUnfit);
                }
                if proposed.by == by {
                    return Err(ReferralRefusal::SamePerson);
                }
                known.verdict = settled;
                known.decided_by = Some(by);
                Ok(Some(match self.proposal {
                    Proposal::Release => "referral.release",
                    Proposal::Deny => "referral.deny",
                }))
            }
        }
    }
}

/// Ends referrals whose time is over. What does not wait any more is left alone.
#[derive(Clone, Debug)]
pub struct ExpireReferrals {
    /// The company whose site it is.
    pub company: CompanyNumber,
    /// Who was invited.
    pub invited: Vec<Id<kind::Member>>,
}

/// The referrals of a slice.
#[derive(Debug, Default)]
pub struct ExpireFacts {
    known: BTreeMap<Id<kind::Member>, Referral>,
    changed: BTreeSet<Id<kind::Member>>,
    at: Timestamp,
}

impl Command for ExpireReferrals {
    type Facts = ExpireFacts;
    type Receipt = ();
    type Refusal = Infallible;

    const NAME: &'static str = "expire referrals";
    const BACKGROUND: Option<usize> = Some(1);

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<ExpireFacts, Fault> {
        let Some(first) = slice.first() else { return Ok(ExpireFacts::default()) };
        let invited = slice.iter().flat_map(|command| command.invited.iter().copied()).collect();
        let known = find_referrals(tx, first.company, &invited)?;
        Ok(ExpireFacts { known, changed: BTreeSet::new(), at: THE_BEGINNING })
    }

    fn decide(&self, facts: &mut ExpireFacts, posting: &mut Posting<'_>) -> Result<(), Infallible> {
        facts.at = posting.now();
        for invited in &self.invited {
            let Some(referral) = facts.known.get_mut(invited) else { continue };
            if referral.state == ReferralState::Waiting && referral.ends_at <= facts.at {
                referral.state = ReferralState::Expired;
                facts.changed.insert(*invited);
            }
        }
        Ok(())
    }

    fn save(facts: ExpireFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let changed = facts.changed.iter().filter_map(|member| facts.known.get(member));
        save_referrals(tx, &changed.collect::<Vec<_>>(), facts.at)
    }
}
