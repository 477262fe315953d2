use crate::finding::store::{Page, list_before};
use crate::fraud_rule::{RuleTerms, Trial};
use crate::site::Site;
use store::Fault;
use vocabulary::Id;

/// Findings read at once.
const SLICE: u32 = 1_000;
/// The most slices that are read, the newest first.
const SLICES_MAX: u32 = 10;
/// How far back a trial looks.
pub(super) const TRIAL_DAYS: i64 = 30;

/// Tells how often a rule would have applied in the last 30 days, to what was found in the last
/// ten thousand decisions of its point, in slices. Nothing is written. Blocks while it reads.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn try_rule(site: &Site, terms: &RuleTerms) -> Result<Trial, Fault> {
    let now = site.now();
    let (company, point) = (site.config().company, terms.point);
    let since = now.plus_days(TRIAL_DAYS.saturating_neg());
    let mut before = (now.plus_microseconds(1), Id::from_bits(0));
    let mut trial = Trial::default();
    for _ in 0..SLICES_MAX {
        let page = Page { company, point, since, before };
        let found = site.store().database().read(|reader| list_before(reader, page, SLICE))?;
        trial.look(terms, &found);
        match found.last().filter(|_| found.len() >= usize::try_from(SLICE).unwrap_or(usize::MAX)) {
            Some(last) => before = (last.facts.at, last.id),
            None => return Ok(trial),
        }
    }
    trial.cut();
    Ok(trial)
}
