use crate::favourite::store::list_keepers;
use crate::rate_up::SendRateUps;
use crate::rate_up::state::{Raise, RateUp, RateUps, raises};
use crate::rate_up::store::list_rate_ups;
use store::Fault;
use vocabulary::{Id, kind};

/// Members written to in one transaction.
const SLICE: u32 = 500;
/// For how many days a raise that was written about is looked up; more than it may come late.
const KNOWN_DAYS: i64 = 7;

/// What one call of the job did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Letters written.
    pub letters: u64,
    /// Whether nobody is left; otherwise call again.
    pub finished: bool,
}

/// Writes to members who keep a shop whose reward was raised, for at most `slices` slices of 500.
/// One that was interrupted goes on where it was; a letter goes once, whatever is repeated.
///
/// # Errors
///
/// A [`Fault`] when the database fails; a repeat is safe.
pub fn write_rate_ups(tools: &RateUps, slices: u32) -> Result<Written, Fault> {
    let (site, company) = (&tools.site, tools.site.config().company);
    let now = site.now();
    let shelf = site.catalogue().shelf();
    let since = now.plus_days(-KNOWN_DAYS);
    let known = site.store().database().read(|reader| list_rate_ups(reader, company, since))?;
    let mut written = Written { letters: 0, finished: true };
    let mut left = slices;
    for raise in raises(&shelf, now) {
        let same =
            |row: &&RateUp| row.offer == raise.offer.id && row.version == raise.version.version;
        let mut row = known.iter().find(same).copied().unwrap_or(RateUp {
            offer: raise.offer.id,
            version: raise.version.version,
            shop: raise.shop.id(),
            position: None,
            letters: 0,
            began_at: now,
            finished_at: None,
        });
        while row.finished_at.is_none() {
            if left == 0 {
                written.finished = false;
                return Ok(written);
            }
            left = left.saturating_sub(1);
            let letters = write_slice(tools, &raise, &mut row)?;
            written.letters = written.letters.saturating_add(letters);
        }
    }
    Ok(written)
}

/// Writes to the next members, and notes that in the same transaction.
fn write_slice(tools: &RateUps, raise: &Raise<'_>, row: &mut RateUp) -> Result<u64, Fault> {
    let (shop, after) = (row.shop, row.position);
    let site = &tools.site;
    let members: Vec<Id<kind::Member>> =
        site.store().database().read(|reader| list_keepers(reader, shop, after, SLICE))?;
    let languages = (tools.languages)(&members)?;
    let letters: Vec<mail::Letter> = members
        .iter()
        .zip(languages)
        .filter_map(|(member, language)| {
            raise.letter(tools, tools.frame.texts().words(language?), *member)
        })
        .collect();
    let count = u32::try_from(letters.len()).unwrap_or(u32::MAX);
    row.letters = row.letters.saturating_add(count);
    row.position = members.last().copied().or(row.position);
    let last = u32::try_from(members.len()).is_ok_and(|found| found < SLICE);
    row.finished_at = last.then(|| site.now());
    let command = SendRateUps { company: site.config().company, progress: *row, letters };
    match site.store().run(command)? {
        Ok(()) => Ok(u64::from(count)),
        Err(never) => match never {},
    }
}
