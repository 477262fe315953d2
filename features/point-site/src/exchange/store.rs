//! The tables `site_exchange`, `site_exchange_version`, `site_exchange_proposal` and
//! `site_step_up`.

use std::collections::{BTreeMap, BTreeSet};

use crate::destination::store::{parse_rounding, rate_of, rounding_code};
use crate::destination::{DestinationKind, Quote};
use crate::exchange::command::VersionLine;
use crate::exchange::{Clearance, Exchange, ExchangeState};
use crate::held::{Proposal, Verdict};
use crate::offer::store::days;
use crate::step_up::Challenge;
use ledger::ActorNumber;
use store::{Fault, Listed, Reader, Row, Statement, Tx, Upsert, Value};
use vocabulary::{Amount, CompanyNumber, Id, Label, Timestamp, Token, UnitCode, kind};

pub(crate) const STATEMENTS: &[Listed] = &[
    SAVE_EXCHANGES.listed(),
    FIND_EXCHANGES.listed(),
    LIST_OF_MEMBER.listed(),
    LIST_BY_STATE.listed(),
    LIST_DUE.listed(),
    LIST_OF_PAYOUT.listed(),
    LIST_TAKEN.listed(),
    LIST_CUSTOM.listed(),
    ADD_VERSIONS.listed(),
    LIST_VERSIONS.listed(),
    SAVE_PROPOSALS.listed(),
    FIND_PROPOSALS.listed(),
    SAVE_CHALLENGES.listed(),
    FIND_CHALLENGES.listed(),
];

macro_rules! columns {
    () => {
        "id, company, member, version, state, state_at, clearance, kind, destination,
            effective_from, product, limit_group, points, fee, turned, remainder, value, unit,
            rate_numerator, rate_denominator, rounding, valid_minutes, lead_days, quoted_at,
            accepted_at, due_on, payee, payout, rules, reason, attempts, next_at"
    };
}

static SAVE_EXCHANGES: Upsert = Upsert {
    name: "save exchanges",
    table: "site_exchange",
    columns: &[
        "id",
        "company",
        "member",
        "version",
        "state",
        "state_at",
        "clearance",
        "kind",
        "destination",
        "effective_from",
        "product",
        "limit_group",
        "points",
        "fee",
        "turned",
        "remainder",
        "value",
        "unit",
        "rate_numerator",
        "rate_denominator",
        "rounding",
        "valid_minutes",
        "lead_days",
        "quoted_at",
        "expires_at",
        "accepted_at",
        "due_on",
        "payee",
        "payout",
        "rules",
        "reason",
        "attempts",
        "next_at",
    ],
    keys: &["id"],
    updates: &[
        "version",
        "state",
        "state_at",
        "clearance",
        "accepted_at",
        "due_on",
        "payee",
        "payout",
        "rules",
        "reason",
        "attempts",
        "next_at",
    ],
};

static FIND_EXCHANGES: Statement = Statement::new(
    "find exchanges",
    concat!("SELECT ", columns!(), "\n     FROM site_exchange\n     WHERE id IN (?*)"),
);

// Index site_exchange_member.
static LIST_OF_MEMBER: Statement = Statement::new(
    "list exchanges of a member",
    concat!(
        "SELECT ",
        columns!(),
        "
     FROM site_exchange
     WHERE member = ? AND id < ?
     ORDER BY id DESC
     LIMIT ?"
    ),
);

// Index site_exchange_state.
static LIST_BY_STATE: Statement = Statement::new(
    "list exchanges by state",
    concat!(
        "SELECT ",
        columns!(),
        "
     FROM site_exchange
     WHERE company = ? AND state = ? AND id < ?
     ORDER BY id DESC
     LIMIT ?"
    ),
);

// Index site_exchange_due.
static LIST_DUE: Statement = Statement::new(
    "list due exchanges",
    concat!(
        "SELECT ",
        columns!(),
        "
     FROM site_exchange
     WHERE company = ? AND state = ? AND kind = ? AND next_at <= ?
     ORDER BY next_at, id
     LIMIT ?"
    ),
);

// Index site_exchange_payout; a payout has at most as many exchanges as one may have.
static LIST_OF_PAYOUT: Statement = Statement::new(
    "list exchanges of a payout",
    concat!(
        "SELECT ",
        columns!(),
        "
     FROM site_exchange
     WHERE payout = ?
     ORDER BY id
     LIMIT 10000"
    ),
);

// Index site_exchange_accepted; a member has a few a month.
static LIST_TAKEN: Statement = Statement::new(
    "list what members exchanged",
    "SELECT id, member, limit_group, accepted_at, turned, fee
     FROM site_exchange
     WHERE accepted_at >= ?
       AND state IN ('accepted', 'held', 'sent', 'unknown', 'completed')
       AND member IN (?*)",
);

// Index site_exchange_custom.
static LIST_CUSTOM: Statement = Statement::new(
    "list destinations that members know",
    "SELECT DISTINCT member, destination
     FROM site_exchange
     WHERE state = 'completed' AND member IN (?*)",
);

static ADD_VERSIONS: Upsert = Upsert {
    name: "add versions of exchanges",
    table: "site_exchange_version",
    columns: &["exchange", "version", "at", "state", "event", "actor", "reason"],
    keys: &["exchange", "version"],
    updates: &[],
};

static LIST_VERSIONS: Statement = Statement::new(
    "list versions of an exchange",
    "SELECT version, at, state, event, actor, reason
     FROM site_exchange_version
     WHERE exchange = ?
     ORDER BY version
     LIMIT 1000",
);

static SAVE_PROPOSALS: Upsert = Upsert {
    name: "save proposals about exchanges",
    table: "site_exchange_proposal",
    columns: &[
        "exchange",
        "verdict",
        "reason",
        "proposed_by",
        "proposed_at",
        "decided_by",
        "decided_at",
    ],
    keys: &["exchange"],
    updates: &["verdict", "reason", "proposed_by", "proposed_at", "decided_by", "decided_at"],
};

static FIND_PROPOSALS: Statement = Statement::new(
    "find proposals about exchanges",
    "SELECT exchange, verdict, reason, proposed_by, proposed_at, decided_by, decided_at
     FROM site_exchange_proposal
     WHERE exchange IN (?*)",
);

static SAVE_CHALLENGES: Upsert = Upsert {
    name: "save one-time codes",
    table: "site_step_up",
    columns: &["exchange", "code_hash", "sends", "tries", "sent_at", "passed_at"],
    keys: &["exchange"],
    updates: &["code_hash", "sends", "tries", "sent_at", "passed_at"],
};

static FIND_CHALLENGES: Statement = Statement::new(
    "find one-time codes",
    "SELECT exchange, code_hash, sends, tries, sent_at, passed_at
     FROM site_step_up
     WHERE exchange IN (?*)",
);

pub(crate) fn save_exchanges<'a>(
    tx: &mut Tx<'_>,
    exchanges: impl Iterator<Item = &'a Exchange>,
) -> Result<(), Fault> {
    let rows: Vec<[Value; 33]> = exchanges.map(row_of).collect();
    tx.upsert(&SAVE_EXCHANGES, &rows)
}

fn row_of(exchange: &Exchange) -> [Value; 33] {
    let quote = &exchange.quote;
    [
        exchange.id.into(),
        exchange.company.into(),
        exchange.member.into(),
        exchange.version.into(),
        exchange.state.code().into(),
        exchange.state.at().into(),
        exchange.state.clearance().map(Clearance::code).into(),
        exchange.kind.code().into(),
        quote.destination.as_str().into(),
        quote.effective_from.into(),
        exchange.product.as_str().into(),
        exchange.limit_group.as_str().into(),
        quote.points.into(),
        quote.fee.into(),
        quote.turned.into(),
        quote.remainder.into(),
        quote.value.into(),
        (&quote.unit).into(),
        quote.rate.numerator().into(),
        quote.rate.denominator().into(),
        rounding_code(quote.rounding).into(),
        quote.valid_minutes.into(),
        quote.lead_days.into(),
        exchange.quoted_at.into(),
        exchange.expires_at().into(),
        exchange.accepted_at.into(),
        exchange.due_on.into(),
        exchange.payee.into(),
        exchange.payout.into(),
        exchange.rules.as_str().into(),
        exchange.reason.as_ref().map(Token::as_str).into(),
        exchange.attempts.into(),
        exchange.next_at.into(),
    ]
}

fn exchange_of(row: &Row<'_>) -> Result<Exchange, Fault> {
    let token = |column| row.parsed(column, |text| Token::parse(text).ok());
    let clearance = row.optional_text(6)?.and_then(Clearance::parse);
    let at = row.timestamp(5)?;
    Ok(Exchange {
        id: row.id(0)?,
        company: row.company(1)?,
        member: row.id(2)?,
        version: row.small(3)?,
        state: row.parsed(4, |code| ExchangeState::from_parts(code, at, clearance))?,
        kind: row.parsed(7, DestinationKind::parse)?,
        product: token(10)?,
        limit_group: token(11)?,
        quote: Quote {
            destination: token(8)?,
            effective_from: row.day(9)?,
            points: row.amount(12)?,
            fee: row.amount(13)?,
            turned: row.amount(14)?,
            remainder: row.amount(15)?,
            value: row.amount(16)?,
            unit: row.parsed(17, |text| UnitCode::parse(text).ok())?,
            rate: rate_of(row, 18)?,
            rounding: row.parsed(20, parse_rounding)?,
            valid_minutes: days(row, 21)?,
            lead_days: days(row, 22)?,
        },
        quoted_at: row.timestamp(23)?,
        accepted_at: row.optional_timestamp(24)?,
        due_on: row.optional_day(25)?,
        payee: row.optional_id(26)?,
        payout: row.optional_id(27)?,
        rules: row.text(28)?.to_owned(),
        reason: row.optional_text(29)?.and_then(|text| Token::parse(text).ok()),
        attempts: row.small(30)?,
        next_at: row.optional_timestamp(31)?,
    })
}

pub(crate) fn find_exchanges(
    reader: &mut Reader<'_>,
    ids: &[Id<kind::Exchange>],
) -> Result<BTreeMap<Id<kind::Exchange>, Exchange>, Fault> {
    let rows = reader.query_list(&FIND_EXCHANGES, &[], &list_of(ids))?;
    rows.iter().map(|row| exchange_of(row).map(|found| (found.id, found))).collect()
}

fn list_of<K>(ids: &[Id<K>]) -> Vec<Value> {
    ids.iter().map(|id| Value::from(id.to_bytes())).collect()
}

/// Lists a member's exchanges before one, the newest first.
pub(crate) fn list_of_member(
    reader: &mut Reader<'_>,
    member: Id<kind::Member>,
    before: Option<Id<kind::Exchange>>,
    limit: u32,
) -> Result<Vec<Exchange>, Fault> {
    let before = before.unwrap_or(Id::from_bits(u128::MAX));
    let rows = reader.query(&LIST_OF_MEMBER, &[member.into(), before.into(), limit.into()])?;
    rows.iter().map(exchange_of).collect()
}

/// Lists a company's exchanges in a state before one, the newest first.
pub(crate) fn list_by_state(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    state: &str,
    before: Option<Id<kind::Exchange>>,
    limit: u32,
) -> Result<Vec<Exchange>, Fault> {
    let before = before.unwrap_or(Id::from_bits(u128::MAX));
    let values = [company.into(), state.into(), before.into(), limit.into()];
    let rows = reader.query(&LIST_BY_STATE, &values)?;
    rows.iter().map(exchange_of).collect()
}

/// What is asked for of what is due.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Due {
    pub(crate) company: CompanyNumber,
    pub(crate) state: &'static str,
    pub(crate) kind: DestinationKind,
    pub(crate) now: Timestamp,
}

/// Lists what is due, the longest due first.
pub(crate) fn list_due(
    reader: &mut Reader<'_>,
    due: Due,
    limit: u32,
) -> Result<Vec<Exchange>, Fault> {
    let Due { company, state, kind, now } = due;
    let values = [company.into(), state.into(), kind.code().into(), now.into(), limit.into()];
    let rows = reader.query(&LIST_DUE, &values)?;
    rows.iter().map(exchange_of).collect()
}

/// Lists the exchanges of a payout in the order of its file.
pub(crate) fn list_of_payout(
    reader: &mut Reader<'_>,
    payout: Id<kind::Payout>,
) -> Result<Vec<Exchange>, Fault> {
    let rows = reader.query(&LIST_OF_PAYOUT, &[payout.into()])?;
    rows.iter().map(exchange_of).collect()
}

/// What a member exchanged in a group of limits: when and how much, each once.
pub(crate) type TakenLines =
    BTreeMap<(Id<kind::Member>, Token), BTreeMap<Id<kind::Exchange>, (Timestamp, Amount)>>;

/// Reads what some members exchanged since a moment.
pub(crate) fn read_taken(
    reader: &mut Reader<'_>,
    members: &[Id<kind::Member>],
    since: Timestamp,
) -> Result<TakenLines, Fault> {
    let mut taken = TakenLines::new();
    for row in reader.query_list(&LIST_TAKEN, &[since.into()], &list_of(members))? {
        let key = (row.id(1)?, row.parsed(2, |text| Token::parse(text).ok())?);
        let amount = row.amount(4)?.checked_add(row.amount(5)?).unwrap_or(Amount::MAX);
        taken.entry(key).or_default().insert(row.id(0)?, (row.timestamp(3)?, amount));
    }
    Ok(taken)
}

/// Reads the destinations with which some members have completed an exchange.
pub(crate) fn read_custom(
    reader: &mut Reader<'_>,
    members: &[Id<kind::Member>],
) -> Result<BTreeSet<(Id<kind::Member>, Token)>, Fault> {
    let rows = reader.query_list(&LIST_CUSTOM, &[], &list_of(members))?;
    rows.iter()
        .map(|row| Ok((row.id(0)?, row.parsed(1, |text| Token::parse(text).ok())?)))
        .collect()
}

pub(crate) fn add_versions(tx: &mut Tx<'_>, lines: &[VersionLine]) -> Result<(), Fault> {
    let rows: Vec<[Value; 7]> = lines
        .iter()
        .map(|line| {
            [
                line.exchange.into(),
                line.version.into(),
                line.at.into(),
                line.state.as_str().into(),
                line.event.as_str().into(),
                line.actor.get().into(),
                line.reason.as_ref().map(Token::as_str).into(),
            ]
        })
        .collect();
    tx.upsert(&ADD_VERSIONS, &rows)
}

/// Lists all states that an exchange was in.
pub(crate) fn list_versions(
    reader: &mut Reader<'_>,
    exchange: Id<kind::Exchange>,
) -> Result<Vec<VersionLine>, Fault> {
    let rows = reader.query(&LIST_VERSIONS, &[exchange.into()])?;
    rows.iter()
        .map(|row| {
            Ok(VersionLine {
                exchange,
                version: row.small(0)?,
                at: row.timestamp(1)?,
                state: row.text(2)?.to_owned(),
                event: row.text(3)?.to_owned(),
                actor: ActorNumber::from_number(row.unsigned(4)?),
                reason: row.optional_text(5)?.and_then(|text| Token::parse(text).ok()),
            })
        })
        .collect()
}

pub(crate) fn save_proposals<'a>(
    tx: &mut Tx<'_>,
    proposals: impl Iterator<Item = &'a Proposal>,
) -> Result<(), Fault> {
    let rows: Vec<[Value; 7]> = proposals
        .map(|proposal| {
            [
                proposal.exchange.into(),
                proposal.verdict.code().into(),
                (&proposal.reason).into(),
                proposal.proposed_by.get().into(),
                proposal.proposed_at.into(),
                proposal.decided.map(|(by, _)| by.get()).into(),
                proposal.decided.map(|(_, at)| at).into(),
            ]
        })
        .collect();
    tx.upsert(&SAVE_PROPOSALS, &rows)
}

pub(crate) fn find_proposals(
    reader: &mut Reader<'_>,
    exchanges: &[Id<kind::Exchange>],
) -> Result<BTreeMap<Id<kind::Exchange>, Proposal>, Fault> {
    let rows = reader.query_list(&FIND_PROPOSALS, &[], &list_of(exchanges))?;
    rows.iter()
        .map(|row| {
            let decided_by = row.optional_unsigned(5)?.map(ActorNumber::from_number);
            let proposal = Proposal {
                exchange: row.id(0)?,
                verdict: row.parsed(1, Verdict::parse)?,
                reason: row.parsed(2, |text| Label::parse(text).ok())?,
                proposed_by: ActorNumber::from_number(row.unsigned(3)?),
                proposed_at: row.timestamp(4)?,
                decided: decided_by.zip(row.optional_timestamp(6)?),
            };
            Ok((proposal.exchange, proposal))
        })
        .collect()
}

pub(crate) fn save_challenges(
    tx: &mut Tx<'_>,
    challenges: &BTreeMap<Id<kind::Exchange>, Challenge>,
) -> Result<(), Fault> {
    let rows: Vec<[Value; 6]> = challenges
        .iter()
        .map(|(exchange, challenge)| {
            [
                (*exchange).into(),
                challenge.code_hash.into(),
                challenge.sends.into(),
                challenge.tries.into(),
                challenge.sent_at.into(),
                challenge.passed_at.into(),
            ]
        })
        .collect();
    tx.upsert(&SAVE_CHALLENGES, &rows)
}

pub(crate) fn find_challenges(
    reader: &mut Reader<'_>,
    exchanges: &[Id<kind::Exchange>],
) -> Result<BTreeMap<Id<kind::Exchange>, Challenge>, Fault> {
    let rows = reader.query_list(&FIND_CHALLENGES, &[], &list_of(exchanges))?;
    rows.iter()
        .map(|row| {
            let challenge = Challenge {
                code_hash: row.digest(1)?,
                sends: row.small(2)?,
                tries: row.small(3)?,
                sent_at: row.timestamp(4)?,
                passed_at: row.optional_timestamp(5)?,
            };
            Ok((row.id(0)?, challenge))
        })
        .collect()
}
