use crate::bonus::GrantDue;
use crate::bonus::store::find_due;
use crate::site::Site;
use store::Fault;

/// Bonuses granted in one transaction.
const SLICE: u32 = 500;

/// Grants the bonuses whose day has come, a slice of them, the longest due first; gives how many
/// were due. After a crash the rest is due still.
///
/// # Errors
///
/// A [`Fault`] when the database fails; what is done stays done.
pub fn grant_due(site: &Site) -> Result<usize, Fault> {
    let (company, now) = (site.config().company, site.now());
    let bonuses = site.store().database().read(|reader| find_due(reader, company, now, SLICE))?;
    let due = bonuses.len();
    if due > 0 {
        match site.store().run(GrantDue { config: site.shared_config(), bonuses })? {
            Ok(_granted) => {}
            Err(never) => match never {},
        }
    }
    Ok(due)
}
