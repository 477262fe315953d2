use std::collections::BTreeMap;

use crate::conversion::{ConversionFacts, paid_by, taken_by};
use crate::report::store::{find_reports, read_outcomes};
use crate::report::{Report, rows_of};
use crate::site::Site;
use crate::undo::command::{Step, step_of};
use crate::undo::store::{find_before, list_undos};
use crate::undo::{Expected, UndoRows, UndoState, UndoneRow};
use store::{Fault, Reader};
use vocabulary::{AccountRole, Amount, Id, kind};

/// Rows undone in one transaction, as many as are applied in one.
const SLICE: usize = 500;

/// Tells what undoing a report would do, from what is known now; changes nothing. Blocks while it
/// works. `None` when there is no such report.
///
/// # Errors
///
/// A [`Fault`] when the database fails or the file is damaged.
pub fn try_undo(site: &Site, report: Id<kind::Report>) -> Result<Option<Expected>, Fault> {
    let found = site.store().database().read(|reader| find_reports(reader, &[report]))?;
    let found = found.get(&report).filter(|report| report.company == site.config().company);
    let Some(report) = found else { return Ok(None) };
    let (config, now) = (site.shared_config(), site.now());
    let mut expected = Expected::default();
    let mut changes: BTreeMap<Id<kind::Member>, i64> = BTreeMap::new();
    for slice in changed_rows(site, report)?.chunks(SLICE) {
        let load = |reader: &mut Reader<'_>| {
            let told = slice.iter().map(|row| &row.told);
            let facts = ConversionFacts::load(&config, told, reader)?;
            let before = find_before(reader, &facts.known.keys().copied().collect())?;
            Ok((facts, before))
        };
        let (facts, before) = site.store().database().read(load)?;
        for row in slice {
            let current = facts.known.get(&facts.id_of(&row.told));
            match step_of(row, current, &before, now) {
                Step::Nothing => {}
                Step::Leave(_why) => expected.left = expected.left.saturating_add(1),
                Step::Undo(plan) => {
                    let granted = current.map_or(Amount::ZERO, |current| current.points);
                    let taken = taken_by(plan.effect, granted);
                    let paid = paid_by(plan.effect).unwrap_or(Amount::ZERO);
                    expected.add(taken, paid);
                    if let Some(route) = current.and_then(|current| current.route.as_ref()) {
                        let change = changes.entry(route.member).or_default();
                        let more = paid.minor_units().saturating_sub(taken.minor_units());
                        *change = change.saturating_add(more);
                    }
                }
            }
        }
    }
    expected.owed = owed(site, &changes);
    Ok(Some(expected))
}

/// Adds up what members would lack.
fn owed(site: &Site, changes: &BTreeMap<Id<kind::Member>, i64>) -> Amount {
    let unit = site.config().unit.get();
    site.store().look(|book| {
        let lacks = changes.iter().filter(|(_, change)| **change < 0).map(|(member, change)| {
            let number = book.find_account(Id::of(*member, unit, AccountRole::Member));
            let account = number.and_then(|number| book.account(number));
            let has = account.map_or(Amount::ZERO, ledger::Account::available);
            Amount::magnitude(*change).saturating_sub(has)
        });
        lacks.fold(Amount::ZERO, |sum, one| sum.checked_add(one).unwrap_or(Amount::MAX))
    })
}

/// Gives the rows of a report that changed a conversion, in its order.
fn changed_rows(site: &Site, report: &Report) -> Result<Vec<UndoneRow>, Fault> {
    let outcomes = site.store().database().read(|reader| read_outcomes(reader, report.id))?;
    let rows = rows_of(site, report)?;
    let changed = (0_u32..).zip(rows).zip(outcomes).filter(|(_, outcome)| outcome.version > 0);
    Ok(changed
        .map(|((place, told), outcome)| UndoneRow { place, told, version: outcome.version })
        .collect())
}

/// Goes on with the oldest undo that was approved, slice by slice, until none is left. How far it
/// came is written with each slice: after a crash it goes on from there, and two that do this at
/// once undo each row once.
///
/// Gives how many rows were looked at.
///
/// # Errors
///
/// A [`Fault`] when the database fails; what is done stays done.
pub fn undo_reports(site: &Site) -> Result<u32, Fault> {
    undo_slices(site, u32::MAX)
}

/// As [`undo_reports`], and stops after some slices, as a crash does.
pub(crate) fn undo_slices(site: &Site, slices_max: u32) -> Result<u32, Fault> {
    let company = site.config().company;
    let (mut looked, mut slices) = (0_u32, 0_u32);
    loop {
        let next = |reader: &mut Reader<'_>| list_undos(reader, company, UndoState::Undoing);
        let Some(undo) = site.store().database().read(next)?.into_iter().next() else {
            return Ok(looked);
        };
        let reports =
            site.store().database().read(|reader| find_reports(reader, &[undo.report]))?;
        let Some(report) = reports.get(&undo.report) else { return Ok(looked) };
        let changed = changed_rows(site, report)?;
        let mut first = undo.rows_done;
        while first < undo.rows {
            if slices == slices_max {
                return Ok(looked);
            }
            slices = slices.saturating_add(1);
            let count =
                u32::try_from(SLICE).unwrap_or(u32::MAX).min(undo.rows.saturating_sub(first));
            let begin = changed.partition_point(|row| row.place < first);
            let end = changed.partition_point(|row| row.place < first.saturating_add(count));
            let rows = changed.get(begin..end).unwrap_or_default().to_vec();
            let config = site.shared_config();
            let command = UndoRows { config, report: undo.report, first, count, rows };
            match site.store().run(command)? {
                Ok(done) => {
                    looked = looked.saturating_add(done.saturating_sub(first));
                    first = done;
                }
                // Another process goes on with it.
                Err(_elsewhere) => return Ok(looked),
            }
        }
    }
}
