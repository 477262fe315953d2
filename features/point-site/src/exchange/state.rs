use vocabulary::Timestamp;

/// Whether a person has to let an exchange go before it is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Clearance {
    /// It goes by itself.
    Free,
    /// A person has to look first; the points are held meanwhile.
    Review,
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
