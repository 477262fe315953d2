use crate::conversion::{
    Conversion, ConversionState, Effect, Hand, Outcome, Plan, Review, Route, announce, changed,
};
use ledger::ActorNumber;
use vocabulary::{Amount, CompanyNumber, Id, Label, Timestamp, kind};

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        /// What a person can do about a conversion. Codes are stored.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Action {
            $($(#[$doc])* $name,)*
        }

        impl Action {
            /// Every action.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Gives the stable code, as stored and as key of the texts.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

actions! {
    /// It counts: announces it, and the network decides.
    Announce = "announce";
    /// It counts and is owed: grants the member's part.
    Approve = "approve";
    /// Other amounts: changes what is announced, or corrects what was granted.
    Restate = "restate";
    /// It does not count: drops what is announced.
    Reject = "reject";
    /// It does not count after all: takes back what was granted.
    TakeBack = "take_back";
    /// Nothing is wrong with it: it stays as it is.
    Keep = "keep";
}

/// Whether one person is enough.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eyes {
    /// One person decides.
    Two,
    /// One person proposes and another one approves.
    Four,
}

impl Action {
    /// Finds an action by its code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|action| action.code() == code)
    }

    /// Tells who it takes. What pays, may pay by a later statement, or takes back, takes two
    /// people: announcing is all that stands between a chosen member and the network's approval.
    pub const fn eyes(self) -> Eyes {
        match self {
            Self::Announce | Self::Approve | Self::Restate | Self::TakeBack => Eyes::Four,
            Self::Reject | Self::Keep => Eyes::Two,
        }
    }
}

/// Gives what can be done about a conversion that waits for this reason.
pub const fn allowed(state: ConversionState, review: Review) -> &'static [Action] {
    use Action::{Announce, Approve, Keep, Reject, Restate, TakeBack};
    match state {
        ConversionState::NeedsReview => match review {
            Review::StatusUnknown
            | Review::CurrencyDiffers
            | Review::EntriesDiffer
            | Review::AmountNegative
            | Review::ClickUnknown
            | Review::RouteDiffers
            | Review::EventInFuture
            | Review::EventBeforeClick
            | Review::ClickTooOld
            | Review::DoubleRoute
            | Review::MemberAgain
            | Review::CommissionZero
            | Review::AmountOutOfRange
            | Review::ClickDiffers
            | Review::ItemDiffers
            | Review::PostingRefused => &[Announce, Approve, Reject],
            // They are about what was decided; nothing is here.
            Review::ClaimDiffers | Review::ApprovedAfterReversal | Review::HandDiffers => &[Reject],
        },
        ConversionState::Tracked { .. } => match review {
            Review::CurrencyDiffers
            | Review::EntriesDiffer
            | Review::AmountNegative
            | Review::AmountOutOfRange => &[Restate, Approve, Reject, Keep],
            Review::StatusUnknown
            | Review::ClickUnknown
            | Review::RouteDiffers
            | Review::EventInFuture
            | Review::EventBeforeClick
            | Review::ClickTooOld
            | Review::DoubleRoute
            | Review::MemberAgain
            | Review::CommissionZero
            | Review::ClickDiffers
            | Review::ItemDiffers
            | Review::ClaimDiffers
            | Review::ApprovedAfterReversal
            | Review::PostingRefused
            | Review::HandDiffers => &[Approve, Reject, Keep],
        },
        ConversionState::Approved { .. } => match review {
            Review::CurrencyDiffers
            | Review::EntriesDiffer
            | Review::AmountNegative
            | Review::AmountOutOfRange
            | Review::CommissionZero
            | Review::PostingRefused
            | Review::HandDiffers => &[Restate, TakeBack, Keep],
            Review::StatusUnknown
            | Review::ClickUnknown
            | Review::RouteDiffers
            | Review::EventInFuture
            | Review::EventBeforeClick
            | Review::ClickTooOld
            | Review::DoubleRoute
            | Review::MemberAgain
            | Review::ClickDiffers
            | Review::ItemDiffers
            | Review::ClaimDiffers
            | Review::ApprovedAfterReversal => &[TakeBack, Keep],
        },
        ConversionState::Rejected { .. } | ConversionState::Reversed { .. } => &[Approve, Keep],
    }
}

/// Tells whether the figures that are kept must not be used, so that a person has to give them.
pub const fn figures_needed(action: Action, state: ConversionState, review: Review) -> bool {
    let unusable = match review {
        Review::CurrencyDiffers
        | Review::EntriesDiffer
        | Review::AmountNegative
        | Review::AmountOutOfRange => matches!(state, ConversionState::NeedsReview),
        Review::StatusUnknown
        | Review::ClickUnknown
        | Review::RouteDiffers
        | Review::EventInFuture
        | Review::EventBeforeClick
        | Review::ClickTooOld
        | Review::DoubleRoute
        | Review::MemberAgain
        | Review::CommissionZero
        | Review::ClickDiffers
        | Review::ItemDiffers
        | Review::ClaimDiffers
        | Review::ApprovedAfterReversal
        | Review::PostingRefused
        | Review::HandDiffers => false,
    };
    match action {
        Action::Restate => true,
        Action::Announce | Action::Approve => unusable,
        Action::Reject | Action::TakeBack | Action::Keep => false,
    }
}

/// What was sold, and what the network pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figures {
    /// What was sold.
    pub sale: Amount,
    /// What the network pays.
    pub commission: Amount,
}

/// What a person wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Choice {
    /// What to do.
    pub action: Action,
    /// The click that it belongs to; `None` leaves it as it is.
    pub click: Option<Id<kind::Click>>,
    /// The figures that count; `None` leaves them as they are.
    pub figures: Option<Figures>,
    /// Why. For what is rejected or taken back the member reads it.
    pub reason: Option<Label>,
}

/// How far a decision is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecisionState {
    /// It waits for another person.
    Proposed,
    /// It was carried out.
    Done {
        /// By whom: another person, or the same one where one is enough.
        by: ActorNumber,
        /// When.
        at: Timestamp,
    },
    /// Another person said no, or it was withdrawn.
    Declined {
        /// By whom.
        by: ActorNumber,
        /// When.
        at: Timestamp,
    },
    /// The conversion had changed before another person looked; nothing was done.
    Overtaken {
        /// Who looked.
        by: ActorNumber,
        /// When.
        at: Timestamp,
    },
}

impl DecisionState {
    /// Gives the stable word, as stored and as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Proposed => "proposed",
            Self::Done { .. } => "done",
            Self::Declined { .. } => "declined",
            Self::Overtaken { .. } => "overtaken",
        }
    }

    /// Who ended it, and when.
    pub const fn ended(self) -> Option<(ActorNumber, Timestamp)> {
        match self {
            Self::Proposed => None,
            Self::Done { by, at } | Self::Declined { by, at } | Self::Overtaken { by, at } => {
                Some((by, at))
            }
        }
    }
}

/// What a person decided or proposes to decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Which.
    pub id: Id<kind::Decision>,
    /// The company whose site it is.
    pub company: CompanyNumber,
    /// About which conversion.
    pub conversion: Id<kind::Conversion>,
    /// In which version the person saw it.
    pub version: u32,
    /// Why it waited.
    pub review: Option<Review>,
    /// What is to be done.
    pub choice: Choice,
    /// How far it is.
    pub state: DecisionState,
    /// Who decided or proposes.
    pub proposed_by: ActorNumber,
    /// When.
    pub proposed_at: Timestamp,
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        /// Why a decision is not taken, in the order of the checks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum DecisionRefusal {
            $($(#[$doc])* $name,)*
            /// The ledger refuses what it means.
            Ledger(&'static str),
        }

        impl DecisionRefusal {
            /// The codes of all refusals, as keys of the texts.
            pub const CODES: &'static [&'static str] = &[$($code,)* "ledger"];

            /// Gives the stable code, as key of the texts.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)*
                    Self::Ledger(_) => "ledger",
                }
            }
        }
    };
}

refusals! {
    /// There is none at this company.
    NotFound = "not_found";
    /// The same id was used for another decision.
    IdTaken = "id_taken";
    /// It is ended already, otherwise than asked now.
    Ended = "ended";
    /// The conversion changed since the person saw it.
    Changed = "changed";
    /// Another decision about it waits for a second person.
    AlreadyProposed = "already_proposed";
    /// Who proposes does not approve.
    SamePerson = "same_person";
    /// That cannot be done about it.
    NotAllowed = "not_allowed";
    /// There is no such click.
    ClickUnknown = "click_unknown";
    /// The click is another member's than the conversion.
    OtherMember = "other_member";
    /// It belongs to no click, and nobody can be paid.
    ClickNeeded = "click_needed";
    /// The figures have to be given.
    FiguresNeeded = "figures_needed";
    /// Why, has to be said.
    ReasonNeeded = "reason_needed";
    /// The member's part does not fit.
    OutOfRange = "out_of_range";
}

/// Decides what a choice means for a conversion, without I/O; the counterpart for people of the
/// `plan` for networks. `click` is the click that the choice names, with its terms.
pub(crate) fn settle(
    current: &Conversion,
    choice: &Choice,
    click: Option<&Route>,
    now: Timestamp,
) -> Result<Plan, DecisionRefusal> {
    let review = current.review.ok_or(DecisionRefusal::NotAllowed)?;
    if !allowed(current.state, review).contains(&choice.action) {
        return Err(DecisionRefusal::NotAllowed);
    }
    let mut next = changed(current, now);
    next.review = None;
    if choice.click.is_some() {
        link(&mut next, choice, click)?;
    }
    if choice.figures.is_none() && figures_needed(choice.action, current.state, review) {
        return Err(DecisionRefusal::FiguresNeeded);
    }
    if choice.reason.is_none() && matches!(choice.action, Action::Reject | Action::TakeBack) {
        return Err(DecisionRefusal::ReasonNeeded);
    }
    revalue(&mut next, choice)?;
    Ok(match choice.action {
        Action::Announce => announced(next)?,
        Action::Approve => approved(current, next, now)?,
        Action::Restate => restated(current, next),
        Action::Reject => rejected(current, next, choice, now),
        Action::TakeBack => {
            next.state = ConversionState::Reversed { decided_at: now };
            next.reason.clone_from(&choice.reason);
            next.hand = Hand::Decided;
            Plan { next: Some(next), effect: Effect::TakeBack, outcome: Outcome::Reversed }
        }
        Action::Keep => Plan { next: Some(next), effect: Effect::None, outcome: Outcome::Kept },
    })
}

/// Ties a conversion that nothing was posted for to a click.
fn link(
    next: &mut Conversion,
    choice: &Choice,
    click: Option<&Route>,
) -> Result<(), DecisionRefusal> {
    match choice.action {
        Action::Announce | Action::Approve
            if matches!(next.state, ConversionState::NeedsReview) => {}
        Action::Announce
        | Action::Approve
        | Action::Restate
        | Action::Reject
        | Action::TakeBack
        | Action::Keep => return Err(DecisionRefusal::NotAllowed),
    }
    let click = click.ok_or(DecisionRefusal::ClickUnknown)?;
    if next.route.as_ref().is_some_and(|route| route.member != click.member) {
        return Err(DecisionRefusal::OtherMember);
    }
    let elsewhere = (&click.network, &click.account) != (&next.key.network, &next.key.account);
    if elsewhere && choice.reason.is_none() {
        return Err(DecisionRefusal::ReasonNeeded);
    }
    next.route = Some(click.clone());
    Ok(())
}

/// Takes over the figures, and the member's part by the terms of the click.
fn revalue(next: &mut Conversion, choice: &Choice) -> Result<(), DecisionRefusal> {
    if let Some(Figures { sale, commission }) = choice.figures {
        (next.sale, next.commission) = (sale, commission);
    }
    if choice.figures.is_none() && choice.click.is_none() {
        return Ok(());
    }
    if let Some(route) = &next.route {
        next.points = route
            .reward_of(next.item.as_ref())
            .points(next.sale)
            .ok_or(DecisionRefusal::OutOfRange)?;
    }
    Ok(())
}

fn announced(mut next: Conversion) -> Result<Plan, DecisionRefusal> {
    if next.route.is_none() {
        return Err(DecisionRefusal::ClickNeeded);
    }
    next.hand = Hand::Linked;
    let effect = announce(&mut next);
    Ok(Plan { next: Some(next), effect, outcome: Outcome::Tracked })
}

fn approved(
    current: &Conversion,
    mut next: Conversion,
    now: Timestamp,
) -> Result<Plan, DecisionRefusal> {
    if next.route.is_none() {
        return Err(DecisionRefusal::ClickNeeded);
    }
    next.state = ConversionState::Approved { decided_at: now };
    next.reason = None;
    next.hand = Hand::Decided;
    let points = next.points;
    let (effect, outcome) = match current.state {
        ConversionState::Tracked { expectation } => {
            let effect = match expectation {
                Some(expectation) => {
                    Effect::Fulfil { expectation, announced: current.points, points }
                }
                None => Effect::Grant { points },
            };
            let same = points == current.points;
            (effect, if same { Outcome::Approved } else { Outcome::ApprovedChanged })
        }
        ConversionState::NeedsReview | ConversionState::Approved { .. } => {
            (Effect::Grant { points }, Outcome::ApprovedUnannounced)
        }
        ConversionState::Rejected { .. } | ConversionState::Reversed { .. } => {
            (Effect::Grant { points }, Outcome::Reopened)
        }
    };
    Ok(Plan { next: Some(next), effect, outcome })
}

fn restated(current: &Conversion, mut next: Conversion) -> Plan {
    let (from, to) = (current.points, next.points);
    let (effect, outcome) = match current.state {
        ConversionState::Tracked { expectation: None } => (announce(&mut next), Outcome::Changed),
        ConversionState::Tracked { expectation: Some(expectation) } => {
            if to.is_zero() {
                next.state = ConversionState::Tracked { expectation: None };
            }
            (Effect::Change { expectation, points: to }, Outcome::Changed)
        }
        ConversionState::NeedsReview
        | ConversionState::Approved { .. }
        | ConversionState::Rejected { .. }
        | ConversionState::Reversed { .. } => {
            next.hand = Hand::Decided;
            (Effect::Correct { from, to }, Outcome::Corrected)
        }
    };
    let effect = if from == to && !matches!(effect, Effect::Announce { .. }) {
        Effect::None
    } else {
        effect
    };
    Plan { next: Some(next), effect, outcome }
}

fn rejected(current: &Conversion, mut next: Conversion, choice: &Choice, now: Timestamp) -> Plan {
    next.state = ConversionState::Rejected { decided_at: now };
    next.reason.clone_from(&choice.reason);
    next.hand = Hand::Decided;
    let effect = match current.state {
        ConversionState::Tracked { expectation: Some(expectation) } => {
            Effect::Change { expectation, points: Amount::ZERO }
        }
        ConversionState::Tracked { expectation: None }
        | ConversionState::NeedsReview
        | ConversionState::Approved { .. }
        | ConversionState::Rejected { .. }
        | ConversionState::Reversed { .. } => Effect::None,
    };
    Plan { next: Some(next), effect, outcome: Outcome::Rejected }
}
