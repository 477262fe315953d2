use crate::follow_up::FollowConversions;
use crate::follow_up::store::next_rows;
use crate::site::Site;
use store::Fault;

/// Rows worked off in one transaction, at most.
pub const FOLLOWED_AT_ONCE: usize = 250;

/// Lets follow what follows from conversions that changed, a slice of them; gives how many rows
/// there were. Rows go in the transaction of what followed: after a crash the rest is there still,
/// and two that do this at once do it once.
///
/// # Errors
///
/// A [`Fault`] when the database fails; what is done stays done.
pub fn follow_conversions(site: &Site) -> Result<usize, Fault> {
    let company = site.config().company;
    let limit = u32::try_from(FOLLOWED_AT_ONCE).unwrap_or(u32::MAX);
    let rows = site.store().database().read(|reader| next_rows(reader, company, limit))?;
    let count = rows.len();
    if count > 0 {
        match site.store().run(FollowConversions { config: site.shared_config(), rows })? {
            Ok(()) => {}
            Err(never) => match never {},
        }
    }
    Ok(count)
}
