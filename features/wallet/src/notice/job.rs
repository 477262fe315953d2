use super::command::SendLetters;
use super::state::{Due, Notices, due};
use crate::expiry::{Job, JobRow, NoteProgress, find_jobs};
use ledger::{AccountNumber, Book};
use store::Fault;
use vocabulary::{Timestamp, Zone};

/// Accounts looked at under one lock of the book: a millisecond or two.
const SCAN: usize = 65_536;
/// Letters written in one transaction.
const SLICE: usize = 500;

/// What one call of the job did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Noticed {
    /// Letters written; some may have been there already.
    pub letters: u64,
    /// Whether today's round is done; otherwise call again.
    pub finished: bool,
}

/// Writes to members whose points expire in 30 or in 7 days, for at most `limit` letters and some.
/// There is one round a day; a call after it does nothing, and one that was interrupted goes on
/// where it was. A letter goes once, whatever is repeated.
///
/// # Errors
///
/// A [`Fault`] when the database fails; a repeat is safe.
pub fn send_notices(notices: &Notices, now: Timestamp, limit: u64) -> Result<Noticed, Fault> {
    let known = notices.store.database().read(find_jobs)?;
    let known = known.into_iter().find(|row| row.job == Job::Notices);
    let day = |moment: Timestamp| Zone::JAPAN.day_of(moment);
    if known.is_some_and(|row| row.finished_at.is_some() && day(row.began_at) >= day(now)) {
        return Ok(Noticed { letters: 0, finished: true });
    }
    let under_way = known.filter(|row| row.finished_at.is_none());
    let mut row = under_way.unwrap_or(JobRow::begin(Job::Notices, now));
    let mut next = Some(row.position);
    let mut letters = 0_u64;
    while let Some(from) = next.filter(|_| letters < limit) {
        let (found, after) = notices.store.look(|book| find(book, from, now));
        for slice in found.chunks(SLICE) {
            letters = letters.saturating_add(send(notices, slice)?);
        }
        next = after;
    }
    row.position = next.unwrap_or(0);
    row.posted = row.posted.saturating_add(letters);
    row.noted_at = now;
    row.finished_at = next.is_none().then_some(now);
    match notices.store.run(NoteProgress(row))? {
        Ok(()) => Ok(Noticed { letters, finished: next.is_none() }),
        Err(never) => match never {},
    }
}

/// Looks at one stretch of accounts; gives where the next begins.
fn find(book: &Book, from: u32, now: Timestamp) -> (Vec<Due>, Option<u32>) {
    let start = AccountNumber::new(from).index();
    let accounts = book.accounts().get(start..).unwrap_or_default();
    let found = accounts.iter().take(SCAN).flat_map(|account| {
        let unit = book.find_unit(account.spec().unit);
        unit.map(|unit| due(account, unit, unit.policy.zone.day_of(now))).unwrap_or_default()
    });
    let next = start.saturating_add(SCAN);
    let more = next < book.accounts().len();
    (found.collect(), more.then_some(next).and_then(|next| u32::try_from(next).ok()))
}

fn send(notices: &Notices, slice: &[Due]) -> Result<u64, Fault> {
    let members: Vec<_> = slice.iter().map(|due| due.member).collect();
    let languages = notices.readers.languages(&members)?;
    let letters: Vec<_> = slice
        .iter()
        .zip(languages)
        .filter_map(|(due, language)| {
            due.letter(notices.frame.texts().words(language?), &notices.address)
        })
        .collect();
    let count = u64::try_from(letters.len()).unwrap_or(u64::MAX);
    if letters.is_empty() {
        return Ok(0);
    }
    match notices.store.run(SendLetters(letters))? {
        Ok(()) => Ok(count),
        Err(never) => match never {},
    }
}
