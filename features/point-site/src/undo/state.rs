use crate::conversion::{
    Conversion, ConversionState, Effect, Outcome, Plan, Told, announce, changed,
};
use ledger::ActorNumber;
use vocabulary::{Amount, CompanyNumber, Id, Reference, Timestamp, kind};

/// How far undoing a report is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UndoState {
    /// It was tried out; nothing is asked for yet.
    Tried,
    /// It waits for another person.
    Proposed,
    /// A job goes on with it.
    Undoing,
    /// It is undone.
    Done,
    /// Another person said no, or it was withdrawn.
    Declined,
}

impl UndoState {
    /// Every state.
    pub const ALL: [Self; 5] =
        [Self::Tried, Self::Proposed, Self::Undoing, Self::Done, Self::Declined];

    /// Gives the stable word, as stored and as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Tried => "tried",
            Self::Proposed => "proposed",
            Self::Undoing => "undoing",
            Self::Done => "done",
            Self::Declined => "declined",
        }
    }

    /// Finds a state by its word.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.code() == code)
    }
}

/// What undoing would do, or did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expected {
    /// Rows that are undone.
    pub undone: u32,
    /// Rows that are left alone and listed.
    pub left: u32,
    /// What is taken back from members.
    pub taken: Amount,
    /// What is granted again.
    pub granted: Amount,
    /// How much of what is taken back members do not have and owe from then on.
    pub owed: Amount,
}

impl Expected {
    /// Counts a row that is undone.
    pub(crate) fn add(&mut self, taken: Amount, granted: Amount) {
        self.undone = self.undone.saturating_add(1);
        self.taken = self.taken.checked_add(taken).unwrap_or(Amount::MAX);
        self.granted = self.granted.checked_add(granted).unwrap_or(Amount::MAX);
    }
}

/// The undoing of a report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undo {
    /// Of which report.
    pub report: Id<kind::Report>,
    /// The company whose site it is.
    pub company: CompanyNumber,
    /// How far it is.
    pub state: UndoState,
    /// How many rows the report applied.
    pub rows: u32,
    /// How many of them were looked at.
    pub rows_done: u32,
    /// What the trial found.
    pub expected: Expected,
    /// What was done so far; what members came to owe is in their accounts.
    pub actual: Expected,
    /// When it was tried out.
    pub tried_at: Timestamp,
    /// Who proposed it.
    pub proposed_by: Option<ActorNumber>,
    /// Who approved or declined it.
    pub ended_by: Option<ActorNumber>,
    /// When it was done.
    pub done_at: Option<Timestamp>,
}

/// A row of the report that changed a conversion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndoneRow {
    /// Its place among the rows of the report, from 0.
    pub place: u32,
    /// What it said.
    pub told: Told,
    /// The version that its conversion came to by it.
    pub version: u32,
}

/// Why a row is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LeftWhy {
    /// Something changed the conversion later.
    Changed,
    /// It waits for a person, who decides about it.
    Waits,
    /// The ledger refuses (a frozen account, for instance).
    Refused,
}

impl LeftWhy {
    /// Gives the stable word, as stored and as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Changed => "changed",
            Self::Waits => "waits",
            Self::Refused => "refused",
        }
    }

    /// Finds it by its word.
    pub fn parse(code: &str) -> Option<Self> {
        [Self::Changed, Self::Waits, Self::Refused].into_iter().find(|why| why.code() == code)
    }
}

/// A row that is left alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeftRow {
    /// Its place among the rows of the report, from 0.
    pub place: u32,
    /// The conversion.
    pub conversion: Id<kind::Conversion>,
    /// The network's id of it.
    pub external: Reference,
    /// Why.
    pub why: LeftWhy,
}

/// Where a conversion stood in a version, without what only mattered then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stood {
    NeedsReview,
    Tracked,
    Approved,
    Rejected,
    Reversed,
}

impl Stood {
    /// Finds it by the word of the state.
    pub(crate) fn parse(code: &str) -> Option<Self> {
        match code {
            "needs_review" => Some(Self::NeedsReview),
            "tracked" => Some(Self::Tracked),
            "approved" => Some(Self::Approved),
            "rejected" => Some(Self::Rejected),
            "reversed" => Some(Self::Reversed),
            _other => None,
        }
    }
}

/// A conversion before the report changed it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Before {
    pub(crate) stood: Stood,
    pub(crate) sale: Amount,
    pub(crate) commission: Amount,
    pub(crate) points: Amount,
}

/// Decides what undoing means for a conversion that stands as the report left it; without I/O.
///
/// It comes to stand as before. What the report was the first to tell, or what waited for a person
/// before, ends as rejected: a later report that approves it opens it again. `None` when the report
/// only asked for a person.
pub(crate) fn plan_undo(
    current: &Conversion,
    before: Option<&Before>,
    now: Timestamp,
) -> Option<Plan> {
    let mut next = changed(current, now);
    let stood = before.map_or(Stood::NeedsReview, |before| before.stood);
    if let Some(before) = before {
        (next.sale, next.commission) = (before.sale, before.commission);
        next.points = before.points;
    }
    let effect = match stood {
        Stood::NeedsReview => end(current, &mut next, now)?,
        Stood::Tracked => track(current, &mut next)?,
        Stood::Approved => approve(current, &mut next, now)?,
        Stood::Rejected => {
            let effect = take_back(current)?;
            next.state = ConversionState::Rejected { decided_at: now };
            effect
        }
        Stood::Reversed => {
            let effect = take_back(current)?;
            next.state = ConversionState::Reversed { decided_at: now };
            effect
        }
    };
    Some(Plan { next: Some(next), effect, outcome: Outcome::Undone })
}

const fn drop_expected(state: ConversionState) -> Effect {
    match state {
        ConversionState::Tracked { expectation: Some(expectation) } => {
            Effect::Change { expectation, points: Amount::ZERO }
        }
        ConversionState::Tracked { expectation: None }
        | ConversionState::NeedsReview
        | ConversionState::Approved { .. }
        | ConversionState::Rejected { .. }
        | ConversionState::Reversed { .. } => Effect::None,
    }
}

/// Ends what nothing was decided about before.
fn end(current: &Conversion, next: &mut Conversion, now: Timestamp) -> Option<Effect> {
    let effect = match current.state {
        ConversionState::NeedsReview => return None,
        ConversionState::Tracked { .. } => drop_expected(current.state),
        ConversionState::Approved { .. } => Effect::TakeBack,
        ConversionState::Rejected { .. } | ConversionState::Reversed { .. } => Effect::None,
    };
    next.points = current.points;
    next.state = ConversionState::Rejected { decided_at: now };
    Some(effect)
}

fn track(current: &Conversion, next: &mut Conversion) -> Option<Effect> {
    next.reason = None;
    match current.state {
        ConversionState::NeedsReview => None,
        ConversionState::Tracked { expectation: Some(expectation) } => {
            if next.points == current.points && next.sale == current.sale {
                return None;
            }
            if next.points.is_zero() {
                next.state = ConversionState::Tracked { expectation: None };
            }
            Some(Effect::Change { expectation, points: next.points })
        }
        ConversionState::Tracked { expectation: None } if next.points == current.points => None,
        ConversionState::Tracked { expectation: None }
        | ConversionState::Rejected { .. }
        | ConversionState::Reversed { .. } => Some(announce(next)),
        ConversionState::Approved { .. } => Some(match announce(next) {
            Effect::Announce { expectation, points } => {
                Effect::TakeBackToAnnounced { expectation, points }
            }
            Effect::None
            | Effect::Change { .. }
            | Effect::Fulfil { .. }
            | Effect::Grant { .. }
            | Effect::Correct { .. }
            | Effect::TakeBack
            | Effect::TakeBackToAnnounced { .. } => Effect::TakeBack,
        }),
    }
}

fn approve(current: &Conversion, next: &mut Conversion, now: Timestamp) -> Option<Effect> {
    match current.state {
        ConversionState::Approved { .. } if current.points == next.points => {
            (current.sale != next.sale).then_some(Effect::None)
        }
        ConversionState::Approved { .. } => {
            Some(Effect::Correct { from: current.points, to: next.points })
        }
        ConversionState::NeedsReview | ConversionState::Tracked { .. } => None,
        ConversionState::Rejected { .. } | ConversionState::Reversed { .. } => {
            next.reason = None;
            next.state = ConversionState::Approved { decided_at: now };
            Some(Effect::Grant { points: next.points })
        }
    }
}

/// Takes back what the report opened again.
const fn take_back(current: &Conversion) -> Option<Effect> {
    match current.state {
        ConversionState::Approved { .. } => Some(Effect::TakeBack),
        ConversionState::NeedsReview
        | ConversionState::Tracked { .. }
        | ConversionState::Rejected { .. }
        | ConversionState::Reversed { .. } => None,
    }
}
