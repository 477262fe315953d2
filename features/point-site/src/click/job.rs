use crate::click::{Click, RecordClick};
use crate::site::{OpenError, Site};
use crate::spool::{read_lines, remove};
use store::Fault;

/// How many clicks are given to the writer at once.
const SLICE: usize = 2_000;

/// Brings clicks from the spool into the database, in slices. A file goes when all its clicks are
/// there; after a crash they are brought again, which changes nothing.
///
/// Gives how many were brought.
///
/// # Errors
///
/// [`OpenError`] when the database or the folder fails; what is not there yet stays in the spool.
pub fn feed_spool(site: &Site) -> Result<usize, OpenError> {
    let mut fed = 0_usize;
    for path in site.spool().complete()? {
        let lines = read_lines(&path)?;
        let clicks: Vec<Click> = lines.iter().filter_map(|line| Click::from_line(line)).collect();
        if clicks.len() < lines.len() {
            let count = lines.len().saturating_sub(clicks.len());
            tracing::error!(count, "{count} lines of the spool are no clicks");
        }
        for slice in clicks.chunks(SLICE) {
            bring(site, slice)?;
        }
        fed = fed.saturating_add(clicks.len());
        remove(&path)?;
    }
    Ok(fed)
}

fn bring(site: &Site, clicks: &[Click]) -> Result<(), Fault> {
    let commands = clicks.iter().copied().map(RecordClick).collect();
    site.store().run_all(commands).map(drop)
}
