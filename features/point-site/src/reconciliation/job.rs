use std::collections::BTreeSet;

use sha2::{Digest as _, Sha256};

use crate::config::Partner;
use crate::reconciliation::store::{
    Place, count_overdue, list_open, list_since, list_undone, list_unnamed, read_bytes,
};
use crate::reconciliation::{
    CloseAgreed, Counts, DifferenceClass, FindMissing, KeepStatement, PartnerStatement,
    ReconcileLines, StatementError, StatementState, read_statement,
};
use crate::site::Site;
use access::Authenticated;
use answers::off_thread;
use store::{Fault, FaultKind, Reader, natural_id};
use vocabulary::{CompanyNumber, Day, Id, Label, Timestamp, Token, Zone, kind};
use web::{
    Bytes, HeaderMap, HeaderValue, Method, Outgoing, OutgoingRequest, OutgoingUrl, Reach, header,
};

/// Lines compared in one transaction.
const SLICE: usize = 500;
/// How many differences are looked at again in one run.
const AGAIN: u32 = 500;
/// How many days back a statement is asked for, and expected.
pub(crate) const EXPECTED_DAYS: i32 = 7;
/// Hours after midnight in Japan from which on the statement of the day before is asked for.
const ASKED_FROM_HOURS: i64 = 3;
/// Hours after midnight in Japan from which on it is overdue.
const OVERDUE_FROM_HOURS: i64 = 12;

/// A statement to take in.
#[derive(Clone, Debug)]
pub struct UploadedStatement {
    /// Whose.
    pub partner: Token,
    /// Of which day.
    pub day: Day,
    /// Its name, as it was sent.
    pub file_name: String,
    /// Its bytes; at most 8 MB.
    pub bytes: Vec<u8>,
    /// Who sent it; `None` when a job asked for it.
    pub by: Option<Authenticated>,
}

/// Why a statement is not taken in.
#[derive(Debug, thiserror::Error)]
pub enum ReceiveError {
    /// There is no such partner.
    #[error("there is no such partner")]
    PartnerUnknown,
    /// The day is not over yet.
    #[error("this day is not over")]
    DayAhead,
    /// It cannot be read.
    #[error(transparent)]
    File(#[from] StatementError),
    /// The database failed.
    #[error(transparent)]
    Database(#[from] Fault),
}

/// Takes a statement in: reads it and keeps it; its lines are compared by
/// [`reconcile_statements`]. Gives its id and whether it is new: the same file of the same day
/// again changes nothing. Blocks while it works.
///
/// # Errors
///
/// [`ReceiveError`] when it is no statement or the database fails; nothing is kept then.
pub fn receive_statement(
    site: &Site,
    upload: &UploadedStatement,
) -> Result<(Id<kind::Report>, bool), ReceiveError> {
    let (config, now) = (site.config(), site.now());
    config.exchange.partner(&upload.partner).ok_or(ReceiveError::PartnerUnknown)?;
    if upload.day >= Zone::JAPAN.day_of(now) {
        return Err(ReceiveError::DayAhead);
    }
    let reading = read_statement(&upload.bytes)?;
    let digest: [u8; 32] = Sha256::digest(&upload.bytes).into();
    let company = config.company.get().to_be_bytes();
    let day = upload.day.to_string();
    let named = [&company[..], upload.partner.as_str().as_bytes(), day.as_bytes(), &digest];
    let name: String = upload.file_name.chars().filter(|c| !c.is_control()).take(60).collect();
    let name = Label::parse(name.trim()).or_else(|_empty| Label::parse(&day));
    let fault = |error| Fault::new(FaultKind::Corrupt, "name a statement").caused_by(error);
    let id = natural_id("site.partner_statement", &named);
    let statement = PartnerStatement {
        id,
        company: config.company,
        partner: upload.partner.clone(),
        day: upload.day,
        file_name: name.map_err(fault)?,
        lines: reading.count(),
        sum: reading.sum,
        state: StatementState::Reading { done: 0 },
        counts: Counts::default(),
        received_by: upload.by.as_ref().map_or(config.actor, Authenticated::actor),
        received_at: now,
    };
    let (bytes, bad, by) = (upload.bytes.clone(), reading.bad, upload.by.clone());
    let Ok(new) = site.store().run(KeepStatement { statement, bytes, bad, by })?;
    Ok((id, new))
}

/// Compares the statements that wait for it, slice by slice, and looks again at what waits for an
/// answer. How far it came is in the rows: after a crash it goes on from there. Gives how many
/// statements were compared. Blocks while it works.
///
/// # Errors
///
/// A [`Fault`] when the database fails; what is done stays done.
pub fn reconcile_statements(site: &Site) -> Result<usize, Fault> {
    let company = site.config().company;
    let undone = site.store().database().read(|reader| list_undone(reader, company, 10))?;
    let count = undone.len();
    for statement in undone {
        let statement = match statement.state {
            StatementState::Reading { done } => read_lines(site, statement, done)?,
            StatementState::Searching | StatementState::Done => statement,
        };
        if statement.state == StatementState::Searching {
            search(site, &statement)?;
        }
    }
    look_again(site)?;
    Ok(count)
}

fn read_lines(
    site: &Site,
    mut statement: PartnerStatement,
    mut done: u32,
) -> Result<PartnerStatement, Fault> {
    let id = statement.id;
    let Some(partner) = site.config().exchange.partner(&statement.partner) else {
        let name = statement.partner.as_str();
        tracing::error!(statement.id = %id, "statement {id} is of {name}, which is not set up");
        return Ok(statement);
    };
    let bytes = site.store().database().read(|reader| read_bytes(reader, id))?.unwrap_or_default();
    let reading = read_statement(&bytes);
    let damaged = |error| Fault::new(FaultKind::Corrupt, "read a kept statement").caused_by(error);
    let lines = reading.map_err(damaged)?.lines;
    loop {
        let from = usize::try_from(done).unwrap_or(usize::MAX);
        let rest = lines.get(from..).unwrap_or_default();
        let (next, after) = rest.split_at_checked(SLICE).unwrap_or((rest, &[]));
        let command = ReconcileLines {
            config: site.shared_config(),
            statement: id,
            prefix: partner.prefix.clone(),
            from: done,
            lines: next.to_vec(),
            last: after.is_empty(),
        };
        let Ok(advanced) = site.store().run(command)?;
        let Some(advanced) = advanced else { return Ok(statement) };
        statement = advanced;
        match statement.state {
            StatementState::Reading { done: now } if now > done => done = now,
            StatementState::Reading { .. } | StatementState::Searching | StatementState::Done => {
                return Ok(statement);
            }
        }
    }
}

/// Looks for what no statement names. What was done on a day stands in the statement of that day or
/// of the next: a day is searched when both are there, whichever came last.
fn search(site: &Site, statement: &PartnerStatement) -> Result<(), Fault> {
    let (company, partner, day) = (statement.company, &statement.partner, statement.day);
    let around = (day.plus_days(-1), day.plus_days(1));
    let known = site.store().database().read(|reader| list_since(reader, company, around))?;
    let has = |day: Day| {
        let reads = |state| matches!(state, StatementState::Reading { .. });
        known.iter().any(|one| one.partner == *partner && one.day == day && !reads(one.state))
    };
    let days = [around.0, day].into_iter().filter(|day| has(*day) && has(day.plus_days(1)));
    for day in days {
        let until = Zone::JAPAN.start_of(day.plus_days(1));
        let mut place: Place = (Zone::JAPAN.start_of(day).plus_microseconds(-1), Id::from_bits(0));
        loop {
            let limit = u32::try_from(SLICE).unwrap_or(u32::MAX);
            let found = site
                .store()
                .database()
                .read(|reader| list_unnamed(reader, (company, partner), (place, until), limit))?;
            let Some(last) = found.last() else { break };
            place = *last;
            let exchanges = found.iter().map(|(_, id)| *id).collect();
            let command = FindMissing { statement: statement.id, exchanges, last: false };
            let Ok(()) = site.store().run(command)?;
        }
    }
    let command = FindMissing { statement: statement.id, exchanges: Vec::new(), last: true };
    let Ok(()) = site.store().run(command)?;
    Ok(())
}

/// Lets differences go away that the partner's answer or a later statement has ended.
fn look_again(site: &Site) -> Result<(), Fault> {
    let company = site.config().company;
    let first = (Timestamp::default(), Id::from_bits(0));
    let open = site.store().database().read(|reader| list_open(reader, company, first, AGAIN))?;
    let waiting = open.iter().filter(|one| one.class == DifferenceClass::StatusDiffers);
    let differences: Vec<_> = waiting.filter_map(|one| Some((one.id, one.exchange?))).collect();
    if !differences.is_empty() {
        let Ok(()) = site.store().run(CloseAgreed { differences })?;
    }
    Ok(())
}

/// The days of whose statements something is expected now: as many as [`EXPECTED_DAYS`], and that
/// of yesterday only from some hours after midnight on.
fn expected_days(now: Timestamp, from_hours: i64) -> impl Iterator<Item = Day> {
    let today = Zone::JAPAN.day_of(now.plus_seconds(from_hours.saturating_mul(-3_600)));
    (1..=EXPECTED_DAYS).map(move |back| today.plus_days(back.saturating_neg()))
}

/// The partners and days of which there are statements, of the days that are expected.
pub(crate) fn known_days(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    now: Timestamp,
) -> Result<BTreeSet<(Token, Day)>, Fault> {
    let today = Zone::JAPAN.day_of(now);
    let days = (today.plus_days(EXPECTED_DAYS.saturating_add(1).saturating_neg()), today);
    let known = list_since(reader, company, days)?;
    Ok(known.into_iter().map(|one| (one.partner, one.day)).collect())
}

/// Asks partners for the statements of the last days that are not there. Gives how many came that
/// are new.
///
/// # Errors
///
/// A [`Fault`] when the database fails. What a partner does wrong is no fault: it is in the log, and
/// the day is asked for again.
pub async fn fetch_statements(site: &Site, outgoing: &Outgoing) -> Result<usize, Fault> {
    let (shared, now) = (site.clone(), site.now());
    let known = off_thread(move || {
        let company = shared.config().company;
        shared.store().database().read(|reader| known_days(reader, company, now))
    });
    let known = known.await??;
    let mut new = 0_usize;
    for partner in &site.config().exchange.partners {
        let Some(address) = &partner.statements else { continue };
        for day in expected_days(now, ASKED_FROM_HOURS) {
            if known.contains(&(partner.code.clone(), day)) {
                continue;
            }
            let Some(bytes) = ask(partner, address, outgoing, day).await else { continue };
            let upload = UploadedStatement {
                partner: partner.code.clone(),
                day,
                file_name: format!("{}-{day}.csv", partner.code),
                bytes: bytes.to_vec(),
                by: None,
            };
            let shared = site.clone();
            let received = off_thread(move || receive_statement(&shared, &upload)).await?;
            match received {
                Ok((_, added)) => new = new.saturating_add(usize::from(added)),
                Err(ReceiveError::Database(fault)) => return Err(fault),
                Err(
                    error @ (ReceiveError::PartnerUnknown
                    | ReceiveError::DayAhead
                    | ReceiveError::File(_)),
                ) => tracing::warn!("partner {} gave no statement of {day}: {error}", partner.code),
            }
        }
    }
    Ok(new)
}

async fn ask(
    partner: &Partner,
    address: &OutgoingUrl,
    outgoing: &Outgoing,
    day: Day,
) -> Option<Bytes> {
    let text = address.text();
    let mark = if text.contains('?') { '&' } else { '?' };
    // The address was allowed by the installation; a day does not lead elsewhere.
    let url = OutgoingUrl::parse(&format!("{text}{mark}day={day}"), Reach::PublicAndLoopback);
    let mut headers = HeaderMap::new();
    if let Ok(key) = HeaderValue::from_str(&format!("Bearer {}", partner.key)) {
        headers.insert(header::AUTHORIZATION, key);
    }
    let (method, body) = (Method::GET, Bytes::new());
    let request = OutgoingRequest { method, url: url.ok()?, headers, body };
    let code = &partner.code;
    match outgoing.send(request).await {
        Ok(answer) if answer.status.is_success() => Some(answer.body),
        // There is none yet.
        Ok(answer) if answer.status.as_u16() == 404 => None,
        Ok(answer) => {
            let status = answer.status.as_u16();
            tracing::warn!(status, "partner {code} gave no statement of {day}: HTTP {status}");
            None
        }
        Err(error) => {
            tracing::warn!(error = error.code(), "partner {code} gave no statement: {error}");
            None
        }
    }
}

/// Counts what persons should have done by now: differences that are open for too long, and
/// statements that should be there. A partner that never gave one counts from its first.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn overdue(site: &Site) -> Result<u32, Fault> {
    let (config, now) = (site.config(), site.now());
    let (open, known) = site.store().database().read(|reader| {
        let open = count_overdue(reader, config.company, now)?;
        Ok((open, known_days(reader, config.company, now)?))
    })?;
    let partners = config.exchange.partners.iter().filter(|one| one.statements.is_some());
    let missing: usize = partners.map(|one| missing_days(&one.code, &known, now).len()).sum();
    Ok(open.saturating_add(u32::try_from(missing).unwrap_or(u32::MAX)))
}

/// The days of which a partner's statement should be there by now and is not: those after the first
/// one that is.
pub(crate) fn missing_days(
    partner: &Token,
    known: &BTreeSet<(Token, Day)>,
    now: Timestamp,
) -> Vec<Day> {
    let has = |day: Day| known.contains(&(partner.clone(), day));
    let mut days: Vec<Day> = expected_days(now, OVERDUE_FROM_HOURS).collect();
    days.sort();
    days.into_iter().skip_while(|day| !has(*day)).filter(|day| !has(*day)).collect()
}
