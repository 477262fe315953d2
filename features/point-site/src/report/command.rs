use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;

use crate::config::SiteConfig;
use crate::conversion::{ConversionFacts, Told};
use crate::report::store::{
    Phase, find_reports, read_tally, save_errors, save_outcomes, save_parts, save_reports,
    save_tally,
};
use crate::report::{Report, ReportState, RowOutcome, Tally};
use crate::sheet::RowError;
use ledger::ActorNumber;
use store::{Command, Fault, Posting, Recall, Tx};
use vocabulary::{CompanyNumber, Id, kind};

/// Keeps a piece of a file. A repeat changes nothing.
#[derive(Clone, Debug)]
pub struct StoreReportPart {
    /// Which report it belongs to.
    pub report: Id<kind::Report>,
    /// Which piece, from 0.
    pub part: u32,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl Command for StoreReportPart {
    type Facts = Vec<Self>;
    type Receipt = ();
    type Refusal = Infallible;

    const NAME: &'static str = "store report part";
    const DEPENDS: bool = false;
    const BACKGROUND: Option<usize> = Some(1);

    fn load(slice: &[Self], _tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        Ok(Vec::with_capacity(slice.len()))
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        _posting: &mut Posting<'_>,
    ) -> Result<(), Infallible> {
        facts.push(self.clone());
        Ok(())
    }

    fn save(mut facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        // The same file sent twice at once has the same pieces.
        facts.sort_by_key(|part| (part.report, part.part));
        facts.dedup_by_key(|part| (part.report, part.part));
        save_parts(tx, &facts)
    }
}

/// Makes a file that was read and tried out known. The same file again is left as it is.
#[derive(Clone, Debug)]
pub struct OpenReport {
    /// The report.
    pub report: Report,
    /// The first rows that cannot be applied.
    pub errors: Vec<RowError>,
    /// What applying it would do.
    pub tally: Tally,
}

/// The reports that a slice concerns.
#[derive(Debug, Default)]
pub struct ReportFacts {
    known: BTreeMap<Id<kind::Report>, Report>,
    changed: Vec<Id<kind::Report>>,
    opened: Vec<OpenReport>,
}

impl Command for OpenReport {
    type Facts = ReportFacts;
    /// Whether it was not known before.
    type Receipt = bool;
    type Refusal = Infallible;

    const NAME: &'static str = "open report";
    const BACKGROUND: Option<usize> = Some(1);

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let ids: Vec<_> = slice.iter().map(|command| command.report.id).collect();
        Ok(ReportFacts { known: find_reports(tx, &ids)?, ..ReportFacts::default() })
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        _posting: &mut Posting<'_>,
    ) -> Result<bool, Infallible> {
        if facts.known.contains_key(&self.report.id) {
            return Ok(false);
        }
        facts.known.insert(self.report.id, self.report.clone());
        facts.opened.push(self.clone());
        Ok(true)
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let reports: Vec<&Report> = facts.opened.iter().map(|command| &command.report).collect();
        save_reports(tx, &reports)?;
        for command in &facts.opened {
            save_errors(tx, command.report.id, &command.errors)?;
            save_tally(tx, command.report.id, Phase::Checked, &command.tally)?;
        }
        Ok(())
    }
}

/// Why a report is not applied, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReportRefusal {
    /// There is no such report at this company.
    #[error("there is no such report")]
    NotFound,
    /// Somebody else goes on with it from another place.
    #[error("the report is further than these rows")]
    Elsewhere,
}

/// Has a report applied by the job. A repeat changes nothing.
#[derive(Clone, Copy, Debug)]
pub struct StartReport {
    /// Which.
    pub report: Id<kind::Report>,
    /// The company whose site it is for.
    pub company: CompanyNumber,
    /// Who asks.
    pub by: ActorNumber,
}

impl Command for StartReport {
    type Facts = ReportFacts;
    type Receipt = ();
    type Refusal = ReportRefusal;

    const NAME: &'static str = "start report";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let ids: Vec<_> = slice.iter().map(|command| command.report).collect();
        Ok(ReportFacts { known: find_reports(tx, &ids)?, ..ReportFacts::default() })
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<(), ReportRefusal> {
        let report = facts.known.get_mut(&self.report);
        let report = report.filter(|report| report.company == self.company);
        let report = report.ok_or(ReportRefusal::NotFound)?;
        match report.state {
            ReportState::Applying | ReportState::Done { .. } => return Ok(()),
            ReportState::Checked => {}
        }
        report.applied_by = Some(self.by);
        report.state = if report.rows == 0 {
            ReportState::Done { done_at: posting.now() }
        } else {
            ReportState::Applying
        };
        facts.changed.push(self.report);
        Ok(())
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let changed = facts.changed.iter().filter_map(|id| facts.known.get(id));
        save_reports(tx, &changed.collect::<Vec<_>>())
    }
}

/// Applies rows of a report, all in one transaction with how far it came.
#[derive(Clone, Debug)]
pub struct ApplyRows {
    /// The settings.
    pub config: Arc<SiteConfig>,
    /// Which report.
    pub report: Id<kind::Report>,
    /// How many rows are applied before these; a report that is further is left alone.
    pub first: u32,
    /// What the rows say.
    pub rows: Vec<Told>,
}

/// What the rows of a slice are decided on.
#[derive(Debug)]
pub struct ApplyFacts {
    conversions: Option<ConversionFacts>,
    known: BTreeMap<Id<kind::Report>, Report>,
    tallies: BTreeMap<Id<kind::Report>, Tally>,
    /// What became of the rows, by the place of the first.
    outcomes: BTreeMap<(Id<kind::Report>, u32), Vec<RowOutcome>>,
}

impl Command for ApplyRows {
    type Facts = ApplyFacts;
    /// How many rows are applied now.
    type Receipt = u32;
    type Refusal = ReportRefusal;

    const NAME: &'static str = "apply report rows";
    const BACKGROUND: Option<usize> = Some(1);

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let ids: Vec<_> = slice.iter().map(|command| command.report).collect();
        let known = find_reports(tx, &ids)?;
        let mut tallies = BTreeMap::new();
        for id in known.keys() {
            tallies.insert(*id, read_tally(tx, *id, Phase::Applied)?);
        }
        let told = slice.iter().flat_map(|command| &command.rows);
        let conversions = match slice.first() {
            Some(first) => Some(ConversionFacts::load(&first.config, told, tx)?),
            None => None,
        };
        Ok(ApplyFacts { conversions, known, tallies, outcomes: BTreeMap::new() })
    }

    fn recall(&self, facts: &Self::Facts, recall: &mut Recall) {
        for told in &self.rows {
            if let Some(conversions) = &facts.conversions {
                conversions.recall(told, recall);
            }
        }
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<u32, ReportRefusal> {
        let (Some(report), Some(conversions)) =
            (facts.known.get_mut(&self.report), facts.conversions.as_mut())
        else {
            return Err(ReportRefusal::NotFound);
        };
        if report.state != ReportState::Applying || report.rows_done != self.first {
            return Err(ReportRefusal::Elsewhere);
        }
        let tally = facts.tallies.entry(self.report).or_default();
        let mut outcomes = Vec::with_capacity(self.rows.len());
        for told in &self.rows {
            let before = conversions.version_of(told);
            let (outcome, points) = conversions.apply(told, posting);
            let after = conversions.version_of(told);
            let version = if after == before { 0 } else { after };
            outcomes.push(RowOutcome { outcome, points, version });
            tally.add(outcome, points);
        }
        facts.outcomes.insert((self.report, self.first), outcomes);
        let count = u32::try_from(self.rows.len()).unwrap_or(u32::MAX);
        report.rows_done = report.rows_done.saturating_add(count);
        if report.rows_done >= report.rows {
            report.state = ReportState::Done { done_at: posting.now() };
        }
        Ok(report.rows_done)
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        save_reports(tx, &facts.known.values().collect::<Vec<_>>())?;
        for (id, tally) in &facts.tallies {
            save_tally(tx, *id, Phase::Applied, tally)?;
        }
        save_outcomes(tx, &facts.outcomes)?;
        match facts.conversions {
            Some(conversions) => conversions.save(tx),
            None => Ok(()),
        }
    }
}
