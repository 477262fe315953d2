use crate::referral::ExpireReferrals;
use crate::referral::store::list_ended;
use crate::site::Site;
use store::Fault;

/// Referrals ended in one transaction.
const SLICE: u32 = 500;
/// How long after its time a referral ends: what was approved in time is followed by then, also
/// after a job stood still for a day.
const GRACE_DAYS: i64 = 3;

/// Ends referrals whose time is over, a slice of them; gives how many were looked at.
///
/// # Errors
///
/// A [`Fault`] when the database fails; a repeat is safe.
pub fn expire_referrals(site: &Site) -> Result<usize, Fault> {
    let company = site.config().company;
    let before = site.now().plus_days(-GRACE_DAYS);
    let invited =
        site.store().database().read(|reader| list_ended(reader, company, before, SLICE))?;
    let count = invited.len();
    if count > 0 {
        match site.store().run(ExpireReferrals { company, invited })? {
            Ok(()) => {}
            Err(never) => match never {},
        }
    }
    Ok(count)
}
