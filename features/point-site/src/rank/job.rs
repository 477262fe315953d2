use std::collections::BTreeMap;

use crate::conversion::ConversionState;
use crate::follow_up::FOLLOWED_AT_ONCE;
use crate::follow_up::store::{find_seen, next_rows};
use crate::rank::store::{find_months, list_sets, sum_in_order};
use crate::rank::{Month, RankTerms, WriteRanks, set_of};
use crate::site::Site;
use store::{Fault, Reader};
use vocabulary::{CompanyNumber, Id, Timestamp};

/// Members looked at in one transaction.
const SLICE: u32 = 500;
/// How long into a month its ranks wait for what was approved before it.
const WAIT_SECONDS: i64 = 3_600;
/// The most slices that a preview looks at.
const SLICES_MAX: u32 = 2_000;

/// Writes the ranks of this month, a slice of members, and first of the last one when it was not
/// finished; tells whether there is more to do at once. It begins an hour into the month, once all
/// that was approved before is counted; until then a member's rank follows from the same sums when
/// it is asked for. After a crash it goes on where it was.
///
/// # Errors
///
/// A [`Fault`] when the database fails; a repeat is safe.
pub fn write_ranks(site: &Site) -> Result<bool, Fault> {
    let (company, now) = (site.config().company, site.now());
    let next = site.store().database().read(|reader| next_month(reader, company, now))?;
    let Some(month) = next else { return Ok(false) };
    let Ok(_done) = site.store().run(WriteRanks { company, month, limit: SLICE })?;
    Ok(true)
}

/// Finds the month to write; what was begun is finished without looking again.
fn next_month(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    now: Timestamp,
) -> Result<Option<Month>, Fault> {
    let this = Month::of(now);
    let months = [this.plus(-1), this];
    let sets = list_sets(reader, company)?;
    let known = find_months(reader, company, (this.plus(-1), this))?;
    for month in months.into_iter().filter(|month| set_of(&sets, *month).is_some()) {
        match known.get(&month) {
            Some(progress) if progress.done_at.is_some() => {}
            Some(_begun) => return Ok(Some(month)),
            None => {
                let ready = month.starts_at().plus_seconds(WAIT_SECONDS) <= now
                    && all_counted(reader, company, month)?;
                return Ok(ready.then_some(month));
            }
        }
    }
    Ok(None)
}

/// Tells whether nothing that was approved before a month waits to be counted.
fn all_counted(
    reader: &mut Reader<'_>,
    company: CompanyNumber,
    month: Month,
) -> Result<bool, Fault> {
    let limit = u32::try_from(FOLLOWED_AT_ONCE).unwrap_or(u32::MAX);
    let rows = next_rows(reader, company, limit)?;
    if rows.len() >= FOLLOWED_AT_ONCE {
        return Ok(false);
    }
    let waiting = find_seen(reader, company, &rows.iter().map(|row| row.conversion()).collect())?;
    Ok(!waiting.values().any(|seen| match seen.state {
        ConversionState::Approved { decided_at } => decided_at < month.starts_at(),
        ConversionState::NeedsReview
        | ConversionState::Tracked { .. }
        | ConversionState::Rejected { .. }
        | ConversionState::Reversed { .. } => false,
    }))
}

/// A preview that did not come to an end.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// The database failed.
    #[error("read what members earned")]
    Database(#[from] Fault),
    /// More members have purchases than are looked at.
    #[error("more than {max} members have purchases in these months", max = SLICE * SLICES_MAX)]
    TooMany,
}

/// Counts by place the members who would have a rank above the lowest in this month, were it
/// decided by these terms; with the same sums and decisions as ranks are written by. Nothing is
/// written. Blocks while it reads.
///
/// # Errors
///
/// [`PreviewError`] when the database fails or there are more than a million members to look at.
pub fn preview_ranks(site: &Site, terms: &RankTerms) -> Result<BTreeMap<u8, u64>, PreviewError> {
    let (company, month) = (site.config().company, Month::of(site.now()));
    let window = (month.plus(-i32::from(terms.months)), month);
    let mut places: BTreeMap<u8, u64> = BTreeMap::new();
    let mut after = Id::from_bits(0);
    for _ in 0..SLICES_MAX {
        let part = (after, SLICE);
        let sums =
            site.store().database().read(|reader| sum_in_order(reader, company, window, part))?;
        for (_, approved) in &sums {
            let place = terms.place_of(*approved);
            if place > 0 {
                let count = places.entry(place).or_default();
                *count = count.saturating_add(1);
            }
        }
        match sums.last() {
            Some((last, _)) if u32::try_from(sums.len()).is_ok_and(|count| count >= SLICE) => {
                after = *last;
            }
            Some(_) | None => return Ok(places),
        }
    }
    Err(PreviewError::TooMany)
}
