//! The tables `site_referral_terms`, `site_referral_link`, `site_referral` and
//! `site_referral_earning`.

use std::collections::{BTreeMap, BTreeSet};

use crate::referral::{
    PlannedTerms, Proposal, Proposed, Referral, ReferralLink, ReferralRule, ReferralState,
    ReferralTerms, Verdict,
};
use ledger::ActorNumber;
use store::{Fault, Listed, Reader, Row, Statement, Tx, Upsert, Value};
use vocabulary::{Amount, CompanyNumber, Id, Label, Timestamp, Token, kind};

pub(crate) const STATEMENTS: &[Listed] = &[
    LIST_TERMS.listed(),
    SAVE_TERMS.listed(),
    FIND_LINKS.listed(),
    FIND_LINKS_OF.listed(),
    ADD_LINKS.listed(),
    FIND_REFERRALS.listed(),
    LIST_INVITED.listed(),
    LIST_HELD.listed(),
    LIST_ENDED.listed(),
    COUNT_JOINED.listed(),
    FIND_LEADING.listed(),
    FIND_MAILS.listed(),
    LIST_DECIDED.listed(),
    COUNT_STATES.listed(),
    REMOVE_LINKS.listed(),
    END_OF_LEFT.listed(),
    FORGET_MAILS.listed(),
    COUNT_REWARDED.listed(),
    SUM_REWARDS.listed(),
    SAVE_REFERRALS.listed(),
    FIND_EARNINGS.listed(),
    SAVE_EARNINGS.listed(),
];

// By the primary key. Terms change a few times a year; the newest decide.
static LIST_TERMS: Statement = Statement::new(
    "list referral terms",
    "SELECT company, starts_at, inviter_points, invited_points, mark, within_days, month_max,
            recall_days, made_by, approved_by
     FROM site_referral_terms
     WHERE company = ?
     ORDER BY starts_at DESC
     LIMIT 100",
);

static SAVE_TERMS: Upsert = Upsert {
    name: "save referral terms",
    table: "site_referral_terms",
    columns: &[
        "company",
        "starts_at",
        "inviter_points",
        "invited_points",
        "mark",
        "within_days",
        "month_max",
        "recall_days",
        "made_by",
        "approved_by",
        "changed_at",
    ],
    keys: &["company", "starts_at"],
    updates: &[
        "inviter_points",
        "invited_points",
        "mark",
        "within_days",
        "month_max",
        "recall_days",
        "made_by",
        "approved_by",
        "changed_at",
    ],
};

// Index site_referral_link_code.
static FIND_LINKS: Statement = Statement::new(
    "find referral links",
    "SELECT company, member, code, made_at
     FROM site_referral_link
     WHERE company = ? AND code IN (?*)",
);

static FIND_LINKS_OF: Statement = Statement::new(
    "find referral links of members",
    "SELECT company, member, code, made_at
     FROM site_referral_link
     WHERE member IN (?*)",
);

static ADD_LINKS: Upsert = Upsert {
    name: "add referral links",
    table: "site_referral_link",
    columns: &["member", "company", "code", "made_at"],
    keys: &["member"],
    updates: &[],
};

macro_rules! referrals_where {
    ($condition:literal) => {
        concat!(
            "SELECT invited, company, inviter, joined_at, ends_at, inviter_points, invited_points,
            mark, within_days, month_max, recall_days, rules, verdict, state, granted_at, earned,
            rewarded_month, proposed, proposed_by, reason, decided_by, mail
     FROM site_referral
     ",
            $condition
        )
    };
}

static FIND_REFERRALS: Statement =
    Statement::new("find referrals", referrals_where!("WHERE +company = ? AND invited IN (?*)"));

// Index site_referral_inviter.
static LIST_INVITED: Statement = Statement::new(
    "list whom a member invited",
    referrals_where!(
        "WHERE inviter = ?
     ORDER BY joined_at DESC, invited DESC
     LIMIT ?"
    ),
);

// Index site_referral_state.
static LIST_HELD: Statement = Statement::new(
    "list held referrals",
    referrals_where!(
        "WHERE company = ? AND state = 'held'
     ORDER BY ends_at, invited
     LIMIT ?"
    ),
);

// Index site_referral_state. What two persons decided in these days, and how it ended.
static LIST_DECIDED: Statement = Statement::new(
    "list decided referrals",
    referrals_where!(
        "WHERE company = ? AND state IN ('granted', 'refused') AND ends_at > ?
       AND decided_by IS NOT NULL
     ORDER BY ends_at DESC, invited DESC
     LIMIT ?"
    ),
);

// Index site_referral_inviter.
static COUNT_STATES: Statement = Statement::new(
    "count whom a member invited",
    "SELECT state, COUNT(*)
     FROM site_referral
     WHERE inviter = ?
     GROUP BY state",
);

static REMOVE_LINKS: Statement =
    Statement::new("remove referral links", "DELETE FROM site_referral_link WHERE member IN (?*)");

// By the primary key.
static END_OF_LEFT: Statement = Statement::new(
    "end referrals of who left",
    "UPDATE site_referral
     SET state = 'expired'
     WHERE state IN ('waiting', 'held') AND invited IN (?*)",
);

// By the primary key.
static FORGET_MAILS: Statement = Statement::new(
    "forget addresses of who left",
    "UPDATE site_referral
     SET mail = NULL
     WHERE invited IN (?*)",
);

// Index site_referral_state.
static LIST_ENDED: Statement = Statement::new(
    "list referrals whose time is over",
    "SELECT invited
     FROM site_referral
     WHERE company = ? AND state = 'waiting' AND ends_at <= ?
     ORDER BY ends_at, invited
     LIMIT ?",
);

// Index site_referral_inviter.
static COUNT_JOINED: Statement = Statement::new(
    "count who joined by links",
    "SELECT inviter, COUNT(*)
     FROM site_referral
     WHERE joined_at > ? AND inviter IN (?*)
     GROUP BY inviter",
);

// By the primary key, step by step upward; who led to whom beyond eight steps is not looked at.
static FIND_LEADING: Statement = Statement::new(
    "find who led to members",
    "WITH RECURSIVE upward (start, inviter, steps) AS (
       SELECT invited, inviter, 1
       FROM site_referral
       WHERE invited IN (?*)
       UNION ALL
       SELECT u.start, r.inviter, u.steps + 1
       FROM upward AS u
       JOIN site_referral AS r ON r.invited = u.inviter
       WHERE u.steps < 8
     )
     SELECT start, inviter
     FROM upward",
);

// Index site_referral_mail.
static FIND_MAILS: Statement = Statement::new(
    "find addresses that joined before",
    "SELECT DISTINCT mail
     FROM site_referral
     WHERE company = ? AND mail IN (?*)",
);

// Index site_referral_month.
static COUNT_REWARDED: Statement = Statement::new(
    "count rewards of inviters",
    "SELECT inviter, rewarded_month, COUNT(*)
     FROM site_referral
     WHERE rewarded_month > 0 AND inviter IN (?*)
     GROUP BY inviter, rewarded_month",
);

// Index site_referral_month. A sum of nothing is no row.
static SUM_REWARDS: Statement = Statement::new(
    "sum rewards of an inviter",
    "SELECT COUNT(*), SUM(inviter_points)
     FROM site_referral
     WHERE inviter = ? AND rewarded_month > 0
     GROUP BY inviter",
);

static SAVE_REFERRALS: Upsert = Upsert {
    name: "save referrals",
    table: "site_referral",
    columns: &[
        "invited",
        "company",
        "inviter",
        "joined_at",
        "ends_at",
        "inviter_points",
        "invited_points",
        "mark",
        "within_days",
        "month_max",
        "recall_days",
        "rules",
        "verdict",
        "state",
        "granted_at",
        "earned",
        "rewarded_month",
        "proposed",
        "proposed_by",
        "reason",
        "decided_by",
        "mail",
        "changed_at",
    ],
    keys: &["invited"],
    updates: &[
        "rules",
        "verdict",
        "state",
        "granted_at",
        "earned",
        "rewarded_month",
        "proposed",
        "proposed_by",
        "reason",
        "decided_by",
        "changed_at",
    ],
};

// By the primary key; only purchases within the days of the terms are written.
static FIND_EARNINGS: Statement = Statement::new(
    "find earnings of invited members",
    "SELECT invited, conversion, points
     FROM site_referral_earning
     WHERE invited IN (?*)",
);

static SAVE_EARNINGS: Upsert = Upsert {
    name: "save earnings of invited members",
    table: "site_referral_earning",
    columns: &["invited", "conversion", "points"],
    keys: &["invited", "conversion"],
    updates: &["points"],
};

fn ids<'a>(members: impl IntoIterator<Item = &'a Id<kind::Member>>) -> Vec<Value> {
    members.into_iter().map(|member| (*member).into()).collect()
}

pub(crate) fn list_terms(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
) -> Result<Vec<PlannedTerms>, Fault> {
    let planned = |row: &Row<'_>| {
        Ok(PlannedTerms {
            company: row.company(0)?,
            starts_at: row.timestamp(1)?,
            terms: terms_of(row, 2)?,
            made_by: ActorNumber::from_number(row.unsigned(8)?),
            approved_by: row.optional_unsigned(9)?.map(ActorNumber::from_number),
        })
    };
    reader.query(&LIST_TERMS, &[company.into()])?.iter().map(planned).collect()
}

fn terms_of(row: &Row<'_>, first: usize) -> Result<ReferralTerms, Fault> {
    let at = |further: usize| first.saturating_add(further);
    let days = |column| {
        row.small(column)
            .and_then(|days| u16::try_from(days).map_err(|_range| row.corrupt("a number of days")))
    };
    Ok(ReferralTerms {
        inviter: row.amount(at(0))?,
        invited: row.amount(at(1))?,
        mark: row.amount(at(2))?,
        within_days: days(at(3))?,
        month_max: row.small(at(4))?,
        recall_days: days(at(5))?,
    })
}

pub(crate) fn save_terms(
    tx: &mut Tx<'_>,
    all: &[&PlannedTerms],
    now: Timestamp,
) -> Result<(), Fault> {
    let row = |planned: &&PlannedTerms| {
        [
            planned.company.into(),
            planned.starts_at.into(),
            planned.terms.inviter.into(),
            planned.terms.invited.into(),
            planned.terms.mark.into(),
            planned.terms.within_days.into(),
            planned.terms.month_max.into(),
            planned.terms.recall_days.into(),
            planned.made_by.get().into(),
            planned.approved_by.map(ActorNumber::get).into(),
            now.into(),
        ]
    };
    tx.upsert(&SAVE_TERMS, &all.iter().map(row).collect::<Vec<[Value; 11]>>())
}

fn link_of(row: &Row<'_>) -> Result<ReferralLink, Fault> {
    Ok(ReferralLink {
        company: row.company(0)?,
        member: row.id(1)?,
        code: row.parsed(2, |text| Token::parse(text).ok())?,
        made_at: row.timestamp(3)?,
    })
}

/// Finds links by their codes; codes of nobody are left out.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn find_links(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    codes: &[Token],
) -> Result<BTreeMap<Token, ReferralLink>, Fault> {
    let list: Vec<Value> = codes.iter().map(|code| code.as_str().into()).collect();
    let rows = reader.query_list(&FIND_LINKS, &[company.into()], &list)?;
    rows.iter().map(|row| link_of(row).map(|link| (link.code.clone(), link))).collect()
}

pub(crate) fn find_links_of(
    reader: &mut Reader<'_>,
    members: &BTreeSet<Id<kind::Member>>,
) -> Result<BTreeMap<Id<kind::Member>, ReferralLink>, Fault> {
    let rows = reader.query_list(&FIND_LINKS_OF, &[], &ids(members))?;
    rows.iter().map(|row| link_of(row).map(|link| (link.member, link))).collect()
}

/// Finds a member's own link; `None` when it was never made.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn find_link_of(
    reader: &mut Reader<'_>,
    member: Id<kind::Member>,
) -> Result<Option<ReferralLink>, Fault> {
    find_links_of(reader, &[member].into()).map(|mut found| found.remove(&member))
}

pub(crate) fn add_links(tx: &mut Tx<'_>, links: &[&ReferralLink]) -> Result<(), Fault> {
    let row = |link: &&ReferralLink| {
        [link.member.into(), link.company.into(), link.code.as_str().into(), link.made_at.into()]
    };
    tx.upsert(&ADD_LINKS, &links.iter().map(row).collect::<Vec<[Value; 4]>>())
}

fn referral_of(row: &Row<'_>) -> Result<Referral, Fault> {
    let rules = |text: &str| {
        text.split_whitespace().map(ReferralRule::parse).collect::<Option<BTreeSet<_>>>()
    };
    let state = match row.text(13)? {
        "waiting" => ReferralState::Waiting,
        "held" => ReferralState::Held,
        "granted" => ReferralState::Granted { at: row.timestamp(14)? },
        "refused" => ReferralState::Refused,
        "expired" => ReferralState::Expired,
        _ => return Err(row.corrupt("state of a referral")),
    };
    let proposed = if row.optional_text(17)?.is_some() {
        Some(Proposed {
            proposal: row.parsed(17, Proposal::parse)?,
            by: ActorNumber::from_number(row.unsigned(18)?),
            reason: row.parsed(19, |text| Label::parse(text).ok())?,
        })
    } else {
        None
    };
    let mail = row.optional_bytes(21)?.map(<[u8; 32]>::try_from).transpose();
    Ok(Referral {
        invited: row.id(0)?,
        company: row.company(1)?,
        inviter: row.id(2)?,
        joined_at: row.timestamp(3)?,
        ends_at: row.timestamp(4)?,
        terms: terms_of(row, 5)?,
        rules: row.parsed(11, rules)?,
        verdict: row.parsed(12, Verdict::parse)?,
        state,
        earned: row.amount(15)?,
        rewarded_month: row.optional_small(16)?,
        proposed,
        decided_by: row.optional_unsigned(20)?.map(ActorNumber::from_number),
        mail: mail.map_err(|_length| row.corrupt("a hash"))?,
    })
}

/// Finds referrals by who was invited; who was not is left out.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn find_referrals(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    invited: &BTreeSet<Id<kind::Member>>,
) -> Result<BTreeMap<Id<kind::Member>, Referral>, Fault> {
    let rows = reader.query_list(&FIND_REFERRALS, &[company.into()], &ids(invited))?;
    rows.iter().map(|row| referral_of(row).map(|one| (one.invited, one))).collect()
}

/// Lists whom a member invited, the latest first.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn list_invited(
    reader: &mut Reader<'_>,
    inviter: Id<kind::Member>,
    limit: u32,
) -> Result<Vec<Referral>, Fault> {
    let rows = reader.query(&LIST_INVITED, &[inviter.into(), limit.into()])?;
    rows.iter().map(referral_of).collect()
}

/// Lists the referrals that wait for a person, the oldest first.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn list_held(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    limit: u32,
) -> Result<Vec<Referral>, Fault> {
    let rows = reader.query(&LIST_HELD, &[company.into(), limit.into()])?;
    rows.iter().map(referral_of).collect()
}

/// Lists the referrals that two persons decided and whose days ended after a moment, the latest
/// first.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn list_decided(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    since: Timestamp,
    limit: u32,
) -> Result<Vec<Referral>, Fault> {
    let rows = reader.query(&LIST_DECIDED, &[company.into(), since.into(), limit.into()])?;
    rows.iter().map(referral_of).collect()
}

/// Counts whom a member invited, by the word of the state.
pub(crate) fn count_states(
    reader: &mut Reader<'_>,
    inviter: Id<kind::Member>,
) -> Result<BTreeMap<String, u32>, Fault> {
    let rows = reader.query(&COUNT_STATES, &[inviter.into()])?;
    rows.iter().map(|row| Ok((row.text(0)?.to_owned(), row.small(1)?))).collect()
}

/// Forgets what names members who left: their links and addresses. What they had still to reach is
/// over; what was granted stays for the books.
pub(crate) fn forget_members(tx: &mut Tx<'_>, members: &[Id<kind::Member>]) -> Result<(), Fault> {
    tx.execute_list(&REMOVE_LINKS, &[], &ids(members))?;
    tx.execute_list(&END_OF_LEFT, &[], &ids(members))?;
    tx.execute_list(&FORGET_MAILS, &[], &ids(members)).map(drop)
}

/// Finds who led to members: who invited them, who invited those, and so on for eight steps.
pub(crate) fn find_leading(
    reader: &mut Reader<'_>,
    members: &BTreeSet<Id<kind::Member>>,
) -> Result<BTreeMap<Id<kind::Member>, BTreeSet<Id<kind::Member>>>, Fault> {
    let mut led: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for row in &reader.query_list(&FIND_LEADING, &[], &ids(members))? {
        led.entry(row.id(0)?).or_default().insert(row.id(1)?);
    }
    Ok(led)
}

/// Finds which addresses joined before.
pub(crate) fn find_mails(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    mails: &BTreeSet<[u8; 32]>,
) -> Result<BTreeSet<[u8; 32]>, Fault> {
    let list: Vec<Value> = mails.iter().map(|mail| mail.to_vec().into()).collect();
    let rows = reader.query_list(&FIND_MAILS, &[company.into()], &list)?;
    rows.iter().map(|row| row.digest(0)).collect()
}

pub(crate) fn list_ended(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    before: Timestamp,
    limit: u32,
) -> Result<Vec<Id<kind::Member>>, Fault> {
    let rows = reader.query(&LIST_ENDED, &[company.into(), before.into(), limit.into()])?;
    rows.iter().map(|row| row.id(0)).collect()
}

/// Counts who joined by the links of members since a moment.
pub(crate) fn count_joined(
    reader: &mut Reader<'_>,
    since: Timestamp,
    inviters: &BTreeSet<Id<kind::Member>>,
) -> Result<BTreeMap<Id<kind::Member>, u32>, Fault> {
    let rows = reader.query_list(&COUNT_JOINED, &[since.into()], &ids(inviters))?;
    rows.iter().map(|row| Ok((row.id(0)?, row.small(1)?))).collect()
}

/// How many friends members were rewarded for, by calendar month.
pub(crate) type Rewarded = BTreeMap<(Id<kind::Member>, u32), u32>;

pub(crate) fn count_rewarded(
    reader: &mut Reader<'_>,
    inviters: &BTreeSet<Id<kind::Member>>,
) -> Result<Rewarded, Fault> {
    let rows = reader.query_list(&COUNT_REWARDED, &[], &ids(inviters))?;
    rows.iter().map(|row| Ok(((row.id(0)?, row.small(1)?), row.small(2)?))).collect()
}

/// What a member got for inviting, in all.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Rewards {
    /// For how many friends.
    pub(crate) friends: u32,
    /// How many points.
    pub(crate) points: Amount,
}

pub(crate) fn sum_rewards(
    reader: &mut Reader<'_>,
    inviter: Id<kind::Member>,
) -> Result<Rewards, Fault> {
    let rows = reader.query(&SUM_REWARDS, &[inviter.into()])?;
    let rewards = |row: &Row<'_>| Ok(Rewards { friends: row.small(0)?, points: row.amount(1)? });
    rows.first().map_or(Ok(Rewards::default()), rewards)
}

pub(crate) fn save_referrals(
    tx: &mut Tx<'_>,
    referrals: &[&Referral],
    now: Timestamp,
) -> Result<(), Fault> {
    let row = |one: &&Referral| {
        let rules: Vec<&str> = one.rules.iter().map(|rule| rule.code()).collect();
        let granted_at = match one.state {
            ReferralState::Granted { at } => Some(at),
            ReferralState::Waiting
            | ReferralState::Held
            | ReferralState::Refused
            | ReferralState::Expired => None,
        };
        [
            one.invited.into(),
            one.company.into(),
            one.inviter.into(),
            one.joined_at.into(),
            one.ends_at.into(),
            one.terms.inviter.into(),
            one.terms.invited.into(),
            one.terms.mark.into(),
            one.terms.within_days.into(),
            one.terms.month_max.into(),
            one.terms.recall_days.into(),
            rules.join(" ").into(),
            one.verdict.code().into(),
            one.state.code().into(),
            granted_at.into(),
            one.earned.into(),
            one.rewarded_month.into(),
            one.proposed.as_ref().map(|proposed| proposed.proposal.code()).into(),
            one.proposed.as_ref().map(|proposed| proposed.by.get()).into(),
            one.proposed.as_ref().map(|proposed| proposed.reason.as_str()).into(),
            one.decided_by.map(ActorNumber::get).into(),
            one.mail.map(Vec::from).into(),
            now.into(),
        ]
    };
    tx.upsert(&SAVE_REFERRALS, &referrals.iter().map(row).collect::<Vec<[Value; 23]>>())
}

/// What purchases of an invited member count.
pub(crate) type Earnings = BTreeMap<(Id<kind::Member>, Id<kind::Conversion>), Amount>;

pub(crate) fn find_earnings(
    reader: &mut Reader<'_>,
    invited: &BTreeSet<Id<kind::Member>>,
) -> Result<Earnings, Fault> {
    let rows = reader.query_list(&FIND_EARNINGS, &[], &ids(invited))?;
    rows.iter().map(|row| Ok(((row.id(0)?, row.id(1)?), row.amount(2)?))).collect()
}

pub(crate) fn save_earnings(tx: &mut Tx<'_>, changed: &Earnings) -> Result<(), Fault> {
    let row = |(&(invited, conversion), &points): (&(_, _), &Amount)| {
        let (invited, conversion): (Id<kind::Member>, Id<kind::Conversion>) = (invited, conversion);
        [invited.into(), conversion.into(), points.into()]
    };
    tx.upsert(&SAVE_EARNINGS, &changed.iter().map(row).collect::<Vec<[Value; 3]>>())
}
