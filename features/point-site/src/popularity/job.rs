use crate::popularity::NoteClickDays;
use crate::popularity::store::count_day;
use crate::site::Site;
use store::Fault;
use vocabulary::Zone;

/// Counts the clicks of today and yesterday anew and writes them down; gives how many offers were
/// followed. The rows say how far it has come: a call more changes nothing.
///
/// A click that stayed in the spool for more than a day is not counted. What is popular may be a
/// little wrong; what is paid never depends on it.
///
/// # Errors
///
/// A [`Fault`] when the database fails; a repeat is safe.
pub fn count_clicks(site: &Site) -> Result<usize, Fault> {
    let company = site.config().company;
    let today = Zone::JAPAN.day_of(site.now());
    let mut counted = 0_usize;
    for day in [today.plus_days(-1), today] {
        let days = site.store().database().read(|reader| count_day(reader, company, day))?;
        counted = counted.saturating_add(days.len());
        if days.is_empty() {
            continue;
        }
        match site.store().run(NoteClickDays(days))? {
            Ok(()) => {}
            Err(never) => match never {},
        }
    }
    Ok(counted)
}
