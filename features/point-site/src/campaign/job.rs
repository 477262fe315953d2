use crate::campaign::store::{find_firsts, read_past};
use crate::campaign::{Rules, Simulation};
use crate::site::Site;
use store::Fault;
use vocabulary::Id;

/// Conversions read at once.
const SLICE: u32 = 1_000;
/// The most conversions that are looked at.
const SLICES_MAX: u32 = 200;

/// A simulation that did not come to an end.
#[derive(Debug, thiserror::Error)]
pub enum SimulateError {
    /// The database failed.
    #[error("read past conversions")]
    Database(#[from] Fault),
    /// There are more conversions than are looked at; take a shorter time.
    #[error("there are more than {max} conversions in that time", max = SLICE * SLICES_MAX)]
    TooMany,
}

/// Tells what a rule would have cost in the time as long as its own that ends now, with the same
/// decisions as it is worked by, in slices. Nothing is written. Blocks while it reads.
///
/// # Errors
///
/// [`SimulateError`] when the database fails or the time has too many conversions.
pub fn simulate_past(site: &Site, rules: &Rules) -> Result<Simulation, SimulateError> {
    let (company, now) = (site.config().company, site.now());
    let length = rules.ends_at.microseconds_since(rules.starts_at);
    let starts_at = now.plus_microseconds(length.saturating_neg());
    let past = Rules { starts_at, ends_at: now, ..rules.clone() };
    let mut simulation = Simulation::default();
    // A purchase is never before its click, and ids sort by purchase.
    let milliseconds = starts_at.as_milliseconds().max(0).unsigned_abs();
    let mut after = Id::from_bits(u128::from(milliseconds) << 80);
    for _ in 0..SLICES_MAX {
        let (seen, firsts) = site.store().database().read(|reader| {
            let seen = read_past(reader, company, after, SLICE)?;
            let members: Vec<_> = seen.iter().map(|one| one.member).collect();
            let firsts = find_firsts(reader, company, &members)?;
            Ok((seen, firsts))
        })?;
        for one in &seen {
            let first = firsts.get(&one.member).is_none_or(|first| *first == one.id);
            simulation.add(&past, one, first);
        }
        match seen.last() {
            Some(last) if seen.len() >= usize::try_from(SLICE).unwrap_or(usize::MAX) => {
                after = last.id;
            }
            Some(_) | None => return Ok(simulation),
        }
    }
    Err(SimulateError::TooMany)
}
