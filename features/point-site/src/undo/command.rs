use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::SiteConfig;
use crate::conversion::{Conversion, ConversionFacts, Source, paid_by, taken_by};
use crate::report::store::find_reports;
use crate::report::{Report, ReportState};
use crate::undo::store::{find_before, find_undos, save_left, save_undos};
use crate::undo::{Before, Expected, LeftRow, LeftWhy, Undo, UndoState, UndoneRow, plan_undo};
use access::{Authenticated, audit_trail, audit_trail::AuditEntry};
use store::{Command, Fault, Posting, Recall, Tx};
use vocabulary::{Amount, CompanyNumber, Id, kind};

/// What somebody wants with the undoing of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndoChange {
    /// Keeps what a trial found.
    Try(Expected),
    /// Asks another person for it.
    Propose,
    /// Has it done. Never by the one who proposed it.
    Approve,
    /// Says no; the one who proposed it may withdraw it so.
    Decline,
}

/// Why a report is not undone, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndoRefusal {
    /// There is no such report at this company, or nothing was asked for.
    NotFound,
    /// The report is not applied, or not to its end.
    NotApplied,
    /// Another step is due.
    Elsewhere,
    /// Who proposes does not approve.
    SamePerson,
}

impl UndoRefusal {
    /// Every refusal.
    pub const ALL: [Self; 4] =
        [Self::NotFound, Self::NotApplied, Self::Elsewhere, Self::SamePerson];

    /// Gives the stable code, as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::NotApplied => "not_applied",
            Self::Elsewhere => "elsewhere",
            Self::SamePerson => "same_person",
        }
    }
}

/// Takes the undoing of a report one step on. The same again by the same person gives the first
/// answer.
#[derive(Clone, Copy, Debug)]
pub struct ChangeUndo {
    /// Of which report.
    pub report: Id<kind::Report>,
    /// The company whose site it is for.
    pub company: CompanyNumber,
    /// What is wanted.
    pub change: UndoChange,
    /// Who wants it.
    pub who: Authenticated,
}

/// What such steps are decided on.
#[derive(Debug)]
pub struct ChangeUndoFacts {
    reports: BTreeMap<Id<kind::Report>, Report>,
    undos: BTreeMap<Id<kind::Report>, Undo>,
    trail: Vec<AuditEntry>,
}

impl ChangeUndo {
    /// Begins anew with what a trial found.
    fn tried(&self, report: &Report, expected: Expected, posting: &Posting<'_>) -> Undo {
        Undo {
            report: self.report,
            company: self.company,
            state: UndoState::Tried,
            rows: report.rows_done,
            rows_done: 0,
            expected,
            actual: Expected::default(),
            tried_at: posting.now(),
            proposed_by: None,
            ended_by: None,
            done_at: None,
        }
    }

    /// Gives the step's name in the audit trail; nothing when it was taken before.
    fn step(
        &self,
        undo: &mut Undo,
        posting: &Posting<'_>,
    ) -> Result<Option<&'static str>, UndoRefusal> {
        let by = self.who.actor();
        match (self.change, undo.state) {
            (UndoChange::Propose, UndoState::Tried) => {
                (undo.state, undo.proposed_by) = (UndoState::Proposed, Some(by));
                Ok(Some("report.undo_propose"))
            }
            (UndoChange::Propose, UndoState::Proposed) if undo.proposed_by == Some(by) => Ok(None),
            (UndoChange::Approve, UndoState::Proposed) if undo.proposed_by == Some(by) => {
                Err(UndoRefusal::SamePerson)
            }
            (UndoChange::Approve, UndoState::Proposed) => {
                (undo.state, undo.ended_by) = (UndoState::Undoing, Some(by));
                if undo.rows == 0 {
                    (undo.state, undo.done_at) = (UndoState::Done, Some(posting.now()));
                }
                Ok(Some("report.undo_approve"))
            }
            (UndoChange::Approve, UndoState::Undoing | UndoState::Done)
            | (UndoChange::Decline, UndoState::Declined)
                if undo.ended_by == Some(by) =>
            {
                Ok(None)
            }
            (UndoChange::Decline, UndoState::Proposed) => {
                (undo.state, undo.ended_by) = (UndoState::Declined, Some(by));
                Ok(Some("report.undo_decline"))
            }
            (
                UndoChange::Try(_)
                | UndoChange::Propose
                | UndoChange::Approve
                | UndoChange::Decline,
                UndoState::Tried
                | UndoState::Proposed
                | UndoState::Undoing
                | UndoState::Done
                | UndoState::Declined,
            ) => Err(UndoRefusal::Elsewhere),
        }
    }
}

impl Command for ChangeUndo {
    type Facts = ChangeUndoFacts;
    /// How far it is.
    type Receipt = UndoState;
    type Refusal = UndoRefusal;

    const NAME: &'static str = "change undo";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let ids: Vec<_> = slice.iter().map(|command| command.report).collect();
        let reports = find_reports(tx, &ids)?;
        Ok(ChangeUndoFacts { reports, undos: find_undos(tx, &ids)?, trail: Vec::new() })
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<UndoState, UndoRefusal> {
        let report = facts.reports.get(&self.report);
        let report = report.filter(|report| report.company == self.company);
        let report = report.ok_or(UndoRefusal::NotFound)?;
        if !matches!(report.state, ReportState::Done { .. }) {
            return Err(UndoRefusal::NotApplied);
        }
        let known = facts.undos.get(&self.report).cloned();
        if let UndoChange::Try(expected) = self.change {
            return match known.map(|undo| undo.state) {
                None | Some(UndoState::Tried | UndoState::Declined) => {
                    facts.undos.insert(self.report, self.tried(report, expected, posting));
                    Ok(UndoState::Tried)
                }
                // A trial changes nothing, also when it comes late.
                Some(state @ (UndoState::Proposed | UndoState::Undoing | UndoState::Done)) => {
                    Ok(state)
                }
            };
        }
        let mut undo = known.ok_or(UndoRefusal::NotFound)?;
        if let Some(action) = self.step(&mut undo, posting)? {
            let entry = AuditEntry::done(posting.now(), &self.who, action).of(self.company);
            facts.trail.push(entry.about(self.report));
        }
        let state = undo.state;
        facts.undos.insert(self.report, undo);
        Ok(state)
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        save_undos(tx, &facts.undos.values().collect::<Vec<_>>())?;
        if !facts.trail.is_empty() {
            audit_trail::append(tx, facts.trail)?;
        }
        Ok(())
    }
}

/// Undoes rows of a report, all in one transaction with how far it came.
#[derive(Clone, Debug)]
pub struct UndoRows {
    /// The settings.
    pub config: Arc<SiteConfig>,
    /// Which report.
    pub report: Id<kind::Report>,
    /// How many rows were looked at before these; one that is further is left alone.
    pub first: u32,
    /// How many rows are looked at.
    pub count: u32,
    /// Those of them that changed a conversion.
    pub rows: Vec<UndoneRow>,
}

/// What the rows of a slice are decided on.
#[derive(Debug)]
pub struct UndoFacts {
    conversions: Option<ConversionFacts>,
    before: BTreeMap<(Id<kind::Conversion>, u32), Before>,
    undos: BTreeMap<Id<kind::Report>, Undo>,
    left: Vec<(Id<kind::Report>, LeftRow)>,
}

/// What undoing means for a row.
pub(crate) enum Step {
    /// It is undone.
    Undo(Box<crate::conversion::Plan>),
    /// It is left alone.
    Leave(LeftWhy),
    /// It changed nothing that could be undone.
    Nothing,
}

/// Decides about a row; for the trial and for the truth.
pub(crate) fn step_of(
    row: &UndoneRow,
    current: Option<&Conversion>,
    before: &BTreeMap<(Id<kind::Conversion>, u32), Before>,
    now: vocabulary::Timestamp,
) -> Step {
    let Some(current) = current else { return Step::Nothing };
    if current.version != row.version {
        return Step::Leave(LeftWhy::Changed);
    }
    let before = before.get(&(current.id, row.version.saturating_sub(1)));
    match plan_undo(current, before, now) {
        Some(plan) => Step::Undo(Box::new(plan)),
        None if current.waits() => Step::Leave(LeftWhy::Waits),
        None => Step::Nothing,
    }
}

impl Command for UndoRows {
    type Facts = UndoFacts;
    /// How many rows were looked at now.
    type Receipt = u32;
    type Refusal = UndoRefusal;

    const NAME: &'static str = "undo report rows";
    const BACKGROUND: Option<usize> = Some(1);

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let ids: Vec<_> = slice.iter().map(|command| command.report).collect();
        let undos = find_undos(tx, &ids)?;
        let told = slice.iter().flat_map(|command| &command.rows).map(|row| &row.told);
        let conversions = match slice.first() {
            Some(first) => Some(ConversionFacts::load(&first.config, told, tx)?),
            None => None,
        };
        let known = conversions.iter().flat_map(|facts| facts.known.keys().copied()).collect();
        Ok(UndoFacts { conversions, before: find_before(tx, &known)?, undos, left: Vec::new() })
    }

    fn recall(&self, facts: &Self::Facts, recall: &mut Recall) {
        if let Some(conversions) = &facts.conversions {
            for row in &self.rows {
                conversions.recall(&row.told, recall);
            }
        }
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<u32, UndoRefusal> {
        let (Some(undo), Some(conversions)) =
            (facts.undos.get_mut(&self.report), facts.conversions.as_mut())
        else {
            return Err(UndoRefusal::NotFound);
        };
        if undo.state != UndoState::Undoing || undo.rows_done != self.first {
            return Err(UndoRefusal::Elsewhere);
        }
        for row in &self.rows {
            let id = conversions.id_of(&row.told);
            let current = conversions.known.get(&id);
            let why = match step_of(row, current, &facts.before, posting.now()) {
                Step::Nothing => continue,
                Step::Leave(why) => why,
                Step::Undo(plan) => {
                    let granted = current.map_or(Amount::ZERO, |current| current.points);
                    let Some(next) = &plan.next else { continue };
                    let cause = (plan.outcome, Source::Undo(self.report));
                    match conversions.change(next, plan.effect, cause, posting) {
                        Ok(()) => {
                            let paid = paid_by(plan.effect).unwrap_or(Amount::ZERO);
                            undo.actual.add(taken_by(plan.effect, granted), paid);
                            continue;
                        }
                        Err(_refusal) => LeftWhy::Refused,
                    }
                }
            };
            let external = row.told.key.external.clone();
            let left = LeftRow { place: row.place, conversion: id, external, why };
            undo.actual.left = undo.actual.left.saturating_add(1);
            facts.left.push((self.report, left));
        }
        undo.rows_done = undo.rows_done.saturating_add(self.count);
        if undo.rows_done >= undo.rows {
            (undo.state, undo.done_at) = (UndoState::Done, Some(posting.now()));
        }
        Ok(undo.rows_done)
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        save_undos(tx, &facts.undos.values().collect::<Vec<_>>())?;
        save_left(tx, &facts.left)?;
        match facts.conversions {
            Some(conversions) => conversions.save(tx),
            None => Ok(()),
        }
    }
}
