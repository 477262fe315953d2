use crate::destination::{DestinationKind, Quote};
use vocabulary::{CompanyNumber, Day, Id, Timestamp, Token, kind};

/// Seconds until a partner is asked for the first time again; each time after that twice as long.
const ASK_AGAIN_SECONDS: i64 = 30;
/// The longest between two questions to a partner.
const ASK_AGAIN_SECONDS_MAX: i64 = 3_600;

/// Whether a person has to let an exchange go before it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Clearance {
    /// It goes by itself.
    Free,
    /// A person has to look first; the points are held meanwhile.
    Review,
}

impl Clearance {
    /// Gives the stable word, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Free => "free",
            Self::Review => "review",
        }
    }

    /// Finds it by its word.
    pub fn parse(code: &str) -> Option<Self> {
        [Self::Free, Self::Review].into_iter().find(|clearance| clearance.code() == code)
    }
}

/// Where an exchange stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExchangeState {
    /// The member has been told what it gives.
    Quoted {
        /// From when it cannot be accepted any more.
        expires_at: Timestamp,
    },
    /// Nobody accepted it in time.
    Expired {
        /// When that was noted.
        expired_at: Timestamp,
    },
    /// The member wants it; the ledger is asked to hold the points.
    Accepted {
        /// When.
        accepted_at: Timestamp,
        /// Whether it goes by itself.
        clearance: Clearance,
    },
    /// The points are held.
    Held {
        /// Since when.
        held_at: Timestamp,
        /// Whether it goes by itself.
        clearance: Clearance,
    },
    /// It is on its way, or may be: this is stored before anything leaves the house.
    Sent {
        /// When.
        sent_at: Timestamp,
    },
    /// Nobody can say whether it arrived. It waits for an answer, and for nothing else.
    Unknown {
        /// Since when.
        unknown_at: Timestamp,
    },
    /// It arrived, and the points are gone.
    Completed {
        /// When.
        completed_at: Timestamp,
    },
    /// It did not arrive, and the points are the member's again.
    Failed {
        /// When.
        failed_at: Timestamp,
    },
    /// It came back (組戻し), and so did the points.
    Returned {
        /// When.
        returned_at: Timestamp,
    },
    /// It was called off before it was sent.
    Cancelled {
        /// When.
        cancelled_at: Timestamp,
    },
}

impl ExchangeState {
    /// Gives the stable word, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Quoted { .. } => "quoted",
            Self::Expired { .. } => "expired",
            Self::Accepted { .. } => "accepted",
            Self::Held { .. } => "held",
            Self::Sent { .. } => "sent",
            Self::Unknown { .. } => "unknown",
            Self::Completed { .. } => "completed",
            Self::Failed { .. } => "failed",
            Self::Returned { .. } => "returned",
            Self::Cancelled { .. } => "cancelled",
        }
    }

    /// Gives a state back from its word, its moment and its clearance, as stored; of a quote the
    /// moment is its end. `None` when they make no state.
    pub fn from_parts(code: &str, at: Timestamp, clearance: Option<Clearance>) -> Option<Self> {
        Some(match code {
            "quoted" => Self::Quoted { expires_at: at },
            "expired" => Self::Expired { expired_at: at },
            "accepted" => Self::Accepted { accepted_at: at, clearance: clearance? },
            "held" => Self::Held { held_at: at, clearance: clearance? },
            "sent" => Self::Sent { sent_at: at },
            "unknown" => Self::Unknown { unknown_at: at },
            "completed" => Self::Completed { completed_at: at },
            "failed" => Self::Failed { failed_at: at },
            "returned" => Self::Returned { returned_at: at },
            "cancelled" => Self::Cancelled { cancelled_at: at },
            _ => return None,
        })
    }

    /// Gives its moment: since when, or of a quote until when.
    pub const fn at(self) -> Timestamp {
        match self {
            Self::Quoted { expires_at: at }
            | Self::Expired { expired_at: at }
            | Self::Accepted { accepted_at: at, .. }
            | Self::Held { held_at: at, .. }
            | Self::Sent { sent_at: at }
            | Self::Unknown { unknown_at: at }
            | Self::Completed { completed_at: at }
            | Self::Failed { failed_at: at }
            | Self::Returned { returned_at: at }
            | Self::Cancelled { cancelled_at: at } => at,
        }
    }

    /// Gives whether a person has to let it go, where that is a question.
    pub const fn clearance(self) -> Option<Clearance> {
        match self {
            Self::Accepted { clearance, .. } | Self::Held { clearance, .. } => Some(clearance),
            Self::Quoted { .. }
            | Self::Expired { .. }
            | Self::Sent { .. }
            | Self::Unknown { .. }
            | Self::Completed { .. }
            | Self::Failed { .. }
            | Self::Returned { .. }
            | Self::Cancelled { .. } => None,
        }
    }

    /// Tells whether it counts towards limits: it was accepted, and the points are not free again.
    pub const fn counts(self) -> bool {
        match self {
            Self::Accepted { .. }
            | Self::Held { .. }
            | Self::Sent { .. }
            | Self::Unknown { .. }
            | Self::Completed { .. } => true,
            Self::Quoted { .. }
            | Self::Expired { .. }
            | Self::Failed { .. }
            | Self::Returned { .. }
            | Self::Cancelled { .. } => false,
        }
    }
}

/// One exchange of a member, as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Which; its hold has the same bits, and so has the batch that captures it.
    pub id: Id<kind::Exchange>,
    /// The company whose member it is.
    pub company: CompanyNumber,
    /// Whose.
    pub member: Id<kind::Member>,
    /// How many states it has been in.
    pub version: u32,
    /// Where it stands.
    pub state: ExchangeState,
    /// How value gets to the member.
    pub kind: DestinationKind,
    /// The pool or partner that delivers.
    pub product: Token,
    /// The group whose limits count it.
    pub limit_group: Token,
    /// What it gives; frozen.
    pub quote: Quote,
    /// When it was quoted.
    pub quoted_at: Timestamp,
    /// When the member wanted it.
    pub accepted_at: Option<Timestamp>,
    /// The day by which it is promised.
    pub due_on: Option<Day>,
    /// Where to.
    pub payee: Option<Id<kind::Payee>>,
    /// The payout that it is part of.
    pub payout: Option<Id<kind::Payout>>,
    /// The rules that applied when it was accepted, with blanks between.
    pub rules: String,
    /// Why it failed, came back or was called off, as key of the texts.
    pub reason: Option<Token>,
    /// How often a partner was asked.
    pub attempts: u32,
    /// When a job or the maker of payouts looks at it next.
    pub next_at: Option<Timestamp>,
}

impl Exchange {
    /// The hold that reserves its points.
    pub const fn hold(&self) -> Id<kind::Hold> {
        Id::from_bits(self.id.bits())
    }

    /// The moment from which its quote holds no more.
    pub fn expires_at(&self) -> Timestamp {
        self.quote.expires_at(self.quoted_at)
    }

    /// Says when somebody has to look at it next, as it stands now.
    pub fn look_at(&self, now: Timestamp) -> Option<Timestamp> {
        let partner = match self.kind {
            DestinationKind::GiftCode | DestinationKind::PartnerPoints => true,
            DestinationKind::Bank | DestinationKind::PooledCode => false,
        };
        match self.state {
            ExchangeState::Quoted { expires_at } => Some(expires_at),
            // What is part of a payout goes with it.
            ExchangeState::Held { clearance: Clearance::Free, .. } => {
                self.payout.is_none().then_some(now)
            }
            ExchangeState::Sent { .. } | ExchangeState::Unknown { .. } if partner => {
                let doubled = ASK_AGAIN_SECONDS.saturating_mul(1 << self.attempts.min(16));
                Some(now.plus_seconds(doubled.min(ASK_AGAIN_SECONDS_MAX)))
            }
            ExchangeState::Held { clearance: Clearance::Review, .. }
            | ExchangeState::Accepted { .. }
            | ExchangeState::Sent { .. }
            | ExchangeState::Unknown { .. }
            | ExchangeState::Expired { .. }
            | ExchangeState::Completed { .. }
            | ExchangeState::Failed { .. }
            | ExchangeState::Returned { .. }
            | ExchangeState::Cancelled { .. } => None,
        }
    }
}

/// What happens to an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ExchangeEvent {
    /// The member wants it.
    Accept(Clearance),
    /// The clock says that a quote is over.
    Expire,
    /// The ledger holds the points.
    HoldPlaced,
    /// The ledger does not hold the points: there are too few, or the account is frozen.
    HoldRefused,
    /// A person lets it go.
    Release,
    /// The member or a person calls it off.
    Cancel,
    /// It is about to leave the house, under the one id that it has.
    Send,
    /// The destination says that it arrived.
    Arrive,
    /// The destination does not answer, or its answer says nothing.
    LoseSight,
    /// The destination says that it did not take it.
    Fail,
    /// What was sent came back.
    Return,
}

impl ExchangeEvent {
    /// Every event.
    pub const ALL: &'static [Self] = &[
        Self::Accept(Clearance::Free),
        Self::Accept(Clearance::Review),
        Self::Expire,
        Self::HoldPlaced,
        Self::HoldRefused,
        Self::Release,
        Self::Cancel,
        Self::Send,
        Self::Arrive,
        Self::LoseSight,
        Self::Fail,
        Self::Return,
    ];

    /// Gives the stable word.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Accept(Clearance::Free) => "accept",
            Self::Accept(Clearance::Review) => "accept_for_review",
            Self::Expire => "expire",
            Self::HoldPlaced => "hold_placed",
            Self::HoldRefused => "hold_refused",
            Self::Release => "release",
            Self::Cancel => "cancel",
            Self::Send => "send",
            Self::Arrive => "arrive",
            Self::LoseSight => "lose_sight",
            Self::Fail => "fail",
            Self::Return => "return",
        }
    }
}

/// What the ledger is to do, each time with all that the quote takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    None,
    /// Reserves the points.
    Hold,
    /// Takes the reserved points for good.
    Capture,
    /// Sets the reserved points free.
    Void,
    /// Credits the captured points again.
    GiveBack,
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The state changed.
    Changed,
    /// It says what is known already, or comes after its time; nothing changed.
    Repeated,
    /// It cannot be done; whoever asked is told so. Only a quote that is over changes by it.
    Refused,
    /// It cannot be true together with what is known; a person must look, and nothing changed.
    Contradicted,
}

/// What is to be done about an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The state as it is to be; `None` when nothing changes.
    pub next: Option<ExchangeState>,
    /// What it means to the ledger.
    pub effect: Effect,
    /// What to tell.
    pub outcome: Outcome,
}

impl Plan {
    const REPEATED: Self = Self::nothing(Outcome::Repeated);
    const REFUSED: Self = Self::nothing(Outcome::Refused);
    const CONTRADICTED: Self = Self::nothing(Outcome::Contradicted);

    const fn nothing(outcome: Outcome) -> Self {
        Self { next: None, effect: Effect::None, outcome }
    }

    const fn go(next: ExchangeState, effect: Effect) -> Self {
        Self { next: Some(next), effect, outcome: Outcome::Changed }
    }
}

/// Decides what an event means; the one place that changes an exchange's state.
///
/// Points are captured only when the destination says that it arrived, and set free only when it
/// never left or the destination says that it did not take it.
pub fn plan(state: ExchangeState, event: ExchangeEvent, now: Timestamp) -> Plan {
    match state {
        ExchangeState::Quoted { expires_at } => plan_quoted(expires_at, event, now),
        ExchangeState::Accepted { clearance, .. } => plan_accepted(clearance, event, now),
        ExchangeState::Held { clearance, .. } => plan_held(clearance, event, now),
        ExchangeState::Sent { .. } => plan_sent(event, now),
        ExchangeState::Unknown { .. } => plan_unknown(event, now),
        ExchangeState::Completed { .. } => plan_completed(event, now),
        ExchangeState::Failed { .. } => plan_failed(event),
        ExchangeState::Returned { .. } => plan_returned(event),
        ExchangeState::Expired { .. } | ExchangeState::Cancelled { .. } => plan_ended(state, event),
    }
}

fn plan_quoted(expires_at: Timestamp, event: ExchangeEvent, now: Timestamp) -> Plan {
    let expired = Plan::go(ExchangeState::Expired { expired_at: now }, Effect::None);
    match event {
        ExchangeEvent::Accept(_) if now >= expires_at => {
            Plan { outcome: Outcome::Refused, ..expired }
        }
        ExchangeEvent::Accept(clearance) => {
            Plan::go(ExchangeState::Accepted { accepted_at: now, clearance }, Effect::Hold)
        }
        ExchangeEvent::Expire if now >= expires_at => expired,
        ExchangeEvent::Cancel => {
            Plan::go(ExchangeState::Cancelled { cancelled_at: now }, Effect::None)
        }
        ExchangeEvent::Expire | ExchangeEvent::Release | ExchangeEvent::Send => Plan::REFUSED,
        ExchangeEvent::HoldPlaced
        | ExchangeEvent::HoldRefused
        | ExchangeEvent::Arrive
        | ExchangeEvent::LoseSight
        | ExchangeEvent::Fail
        | ExchangeEvent::Return => Plan::CONTRADICTED,
    }
}

/// Until the ledger has answered, nobody knows whether there is a hold to set free.
fn plan_accepted(clearance: Clearance, event: ExchangeEvent, now: Timestamp) -> Plan {
    match event {
        ExchangeEvent::HoldPlaced => {
            Plan::go(ExchangeState::Held { held_at: now, clearance }, Effect::None)
        }
        ExchangeEvent::HoldRefused => {
            Plan::go(ExchangeState::Failed { failed_at: now }, Effect::None)
        }
        ExchangeEvent::Accept(_) | ExchangeEvent::Expire => Plan::REPEATED,
        ExchangeEvent::Release | ExchangeEvent::Cancel | ExchangeEvent::Send => Plan::REFUSED,
        ExchangeEvent::Arrive
        | ExchangeEvent::LoseSight
        | ExchangeEvent::Fail
        | ExchangeEvent::Return => Plan::CONTRADICTED,
    }
}

fn plan_held(clearance: Clearance, event: ExchangeEvent, now: Timestamp) -> Plan {
    match (event, clearance) {
        (ExchangeEvent::Release, Clearance::Review) => {
            let clearance = Clearance::Free;
            Plan::go(ExchangeState::Held { held_at: now, clearance }, Effect::None)
        }
        (ExchangeEvent::Send, Clearance::Free) => {
            Plan::go(ExchangeState::Sent { sent_at: now }, Effect::None)
        }
        (ExchangeEvent::Send, Clearance::Review) => Plan::REFUSED,
        (ExchangeEvent::Cancel, Clearance::Free | Clearance::Review) => {
            Plan::go(ExchangeState::Cancelled { cancelled_at: now }, Effect::Void)
        }
        (ExchangeEvent::Release, Clearance::Free)
        | (
            ExchangeEvent::Accept(_) | ExchangeEvent::Expire | ExchangeEvent::HoldPlaced,
            Clearance::Free | Clearance::Review,
        ) => Plan::REPEATED,
        (
            ExchangeEvent::HoldRefused
            | ExchangeEvent::Arrive
            | ExchangeEvent::LoseSight
            | ExchangeEvent::Fail
            | ExchangeEvent::Return,
            Clearance::Free | Clearance::Review,
        ) => Plan::CONTRADICTED,
    }
}

fn plan_sent(event: ExchangeEvent, now: Timestamp) -> Plan {
    match event {
        ExchangeEvent::LoseSight => {
            Plan::go(ExchangeState::Unknown { unknown_at: now }, Effect::None)
        }
        ExchangeEvent::Accept(_)
        | ExchangeEvent::Expire
        | ExchangeEvent::HoldPlaced
        | ExchangeEvent::HoldRefused
        | ExchangeEvent::Release
        | ExchangeEvent::Cancel
        | ExchangeEvent::Send
        | ExchangeEvent::Arrive
        | ExchangeEvent::Fail
        | ExchangeEvent::Return => plan_unknown(event, now),
    }
}

/// Only an answer ends this: it is not sent under another id, and nothing is set free meanwhile.
fn plan_unknown(event: ExchangeEvent, now: Timestamp) -> Plan {
    match event {
        ExchangeEvent::Arrive => {
            Plan::go(ExchangeState::Completed { completed_at: now }, Effect::Capture)
        }
        ExchangeEvent::Fail => Plan::go(ExchangeState::Failed { failed_at: now }, Effect::Void),
        // The points were not captured yet: what came back needs no crediting again.
        ExchangeEvent::Return => {
            Plan::go(ExchangeState::Returned { returned_at: now }, Effect::Void)
        }
        ExchangeEvent::Accept(_)
        | ExchangeEvent::Expire
        | ExchangeEvent::HoldPlaced
        | ExchangeEvent::Release
        | ExchangeEvent::Send
        | ExchangeEvent::LoseSight => Plan::REPEATED,
        ExchangeEvent::Cancel => Plan::REFUSED,
        ExchangeEvent::HoldRefused => Plan::CONTRADICTED,
    }
}

fn plan_completed(event: ExchangeEvent, now: Timestamp) -> Plan {
    match event {
        ExchangeEvent::Return => {
            Plan::go(ExchangeState::Returned { returned_at: now }, Effect::GiveBack)
        }
        ExchangeEvent::Accept(_)
        | ExchangeEvent::Expire
        | ExchangeEvent::HoldPlaced
        | ExchangeEvent::Release
        | ExchangeEvent::Send
        | ExchangeEvent::Arrive
        | ExchangeEvent::LoseSight => Plan::REPEATED,
        ExchangeEvent::Cancel => Plan::REFUSED,
        ExchangeEvent::HoldRefused | ExchangeEvent::Fail => Plan::CONTRADICTED,
    }
}

fn plan_failed(event: ExchangeEvent) -> Plan {
    match event {
        ExchangeEvent::Accept(_)
        | ExchangeEvent::Expire
        | ExchangeEvent::HoldPlaced
        | ExchangeEvent::HoldRefused
        | ExchangeEvent::Release
        | ExchangeEvent::Send
        | ExchangeEvent::LoseSight
        | ExchangeEvent::Fail
        | ExchangeEvent::Return => Plan::REPEATED,
        ExchangeEvent::Cancel => Plan::REFUSED,
        // The points are the member's again, and the value is said to be as well.
        ExchangeEvent::Arrive => Plan::CONTRADICTED,
    }
}

fn plan_returned(event: ExchangeEvent) -> Plan {
    match event {
        ExchangeEvent::Accept(_)
        | ExchangeEvent::Expire
        | ExchangeEvent::HoldPlaced
        | ExchangeEvent::Release
        | ExchangeEvent::Send
        // What arrived before it came back may be told late.
        | ExchangeEvent::Arrive
        | ExchangeEvent::LoseSight
        | ExchangeEvent::Fail
        | ExchangeEvent::Return => Plan::REPEATED,
        ExchangeEvent::Cancel => Plan::REFUSED,
        ExchangeEvent::HoldRefused => Plan::CONTRADICTED,
    }
}

/// Expired or cancelled: it was never sent.
fn plan_ended(state: ExchangeState, event: ExchangeEvent) -> Plan {
    match event {
        ExchangeEvent::Expire | ExchangeEvent::Cancel => Plan::REPEATED,
        // The answer to a hold may be told again after the cancellation.
        ExchangeEvent::HoldPlaced if matches!(state, ExchangeState::Cancelled { .. }) => {
            Plan::REPEATED
        }
        ExchangeEvent::Accept(_) | ExchangeEvent::Release | ExchangeEvent::Send => Plan::REFUSED,
        ExchangeEvent::HoldPlaced
        | ExchangeEvent::HoldRefused
        | ExchangeEvent::Arrive
        | ExchangeEvent::LoseSight
        | ExchangeEvent::Fail
        | ExchangeEvent::Return => Plan::CONTRADICTED,
    }
}
