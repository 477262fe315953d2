use store::natural_id;
use vocabulary::{Amount, CompanyNumber, Day, Id, Label, Reference, Timestamp, Zone, kind};

use crate::bonus::Target;
use crate::conversion::ConversionState;
use ledger::ActorNumber;

/// The most characters of a text that somebody writes about a claim.
pub(crate) const TEXT_MAX: usize = 2_000;

/// What an offer promises when points are missing, from a moment on. Days are civil days in Japan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guarantee {
    /// Which offer.
    pub offer: Id<kind::Offer>,
    /// For clicks from then on.
    pub starts_at: Timestamp,
    /// Whether it is promised from then on; an earlier promise ends where it is not.
    pub offered: bool,
    /// Days after the click from which on "not recorded" can be filed.
    pub file_after_days: u16,
    /// Days after the click until which "not recorded" can be filed.
    pub file_within_days: u16,
    /// Days after the promised day of the decision, or after a rejection, until which that can be
    /// filed.
    pub late_within_days: u16,
    /// Days after the purchase until which goods can be returned: a grant waits so long.
    pub return_days: u16,
    /// Days within which the member gets an answer.
    pub answer_days: u16,
}

/// What is missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClaimKind {
    /// The purchase was never recorded (通帳記載保証).
    Unrecorded,
    /// It was recorded and not decided by the promised day (判定期間保証).
    Undecided,
    /// It was recorded and rejected, and the member disagrees.
    Rejected,
}

impl ClaimKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Unrecorded, Self::Undecided, Self::Rejected];

    /// Gives the stable word, as stored and as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Unrecorded => "unrecorded",
            Self::Undecided => "undecided",
            Self::Rejected => "rejected",
        }
    }

    /// Finds a kind by its word.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

/// Where a claim stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClaimState {
    /// Staff are to look.
    Open,
    /// The member is to answer a question.
    Asked,
    /// The shop is to answer.
    Sent,
    /// Somebody of the staff proposes to grant it; somebody else is to approve.
    Proposed {
        /// How much.
        points: Amount,
        /// Who proposed.
        by: ActorNumber,
    },
    /// Granted: paid when goods can no longer be returned.
    Granted {
        /// How much.
        points: Amount,
        /// When it was decided.
        granted_at: Timestamp,
        /// From when on it is paid.
        pay_at: Timestamp,
    },
    /// Granted, and then the network recorded the purchase after all: its decision is awaited.
    Waiting {
        /// How much was granted.
        points: Amount,
        /// When it was decided.
        granted_at: Timestamp,
    },
    /// Refused; final.
    Refused,
    /// Taken back by the member; final.
    Withdrawn,
    /// The network's own report stands in its place; final.
    Merged,
}

impl ClaimState {
    /// The words of all states.
    pub const CODES: [&'static str; 9] = [
        "open",
        "asked",
        "sent",
        "proposed",
        "granted",
        "waiting",
        "refused",
        "withdrawn",
        "merged",
    ];

    /// Gives the stable word, as stored and as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Asked => "asked",
            Self::Sent => "sent",
            Self::Proposed { .. } => "proposed",
            Self::Granted { .. } => "granted",
            Self::Waiting { .. } => "waiting",
            Self::Refused => "refused",
            Self::Withdrawn => "withdrawn",
            Self::Merged => "merged",
        }
    }

    /// Tells whether staff still have to do something about it.
    pub const fn pending(self) -> bool {
        match self {
            Self::Open | Self::Asked | Self::Sent | Self::Proposed { .. } => true,
            Self::Granted { .. }
            | Self::Waiting { .. }
            | Self::Refused
            | Self::Withdrawn
            | Self::Merged => false,
        }
    }
}

/// A claim as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claim {
    /// Which; follows from the click, what is missing and the order.
    pub id: Id<kind::Claim>,
    /// The company whose site it is.
    pub company: CompanyNumber,
    /// Whose.
    pub member: Id<kind::Member>,
    /// The click that the purchase came from.
    pub click: Id<kind::Click>,
    /// Where.
    pub shop: Id<kind::Shop>,
    /// The shop's name.
    pub shop_name: Label,
    /// What is missing.
    pub kind: ClaimKind,
    /// The conversion that is late or rejected.
    pub conversion: Option<Id<kind::Conversion>>,
    /// The shop's order number.
    pub order: Reference,
    /// The day of the purchase.
    pub purchased_on: Day,
    /// What was paid, minor units of the site's currency.
    pub sale: Amount,
    /// What the terms of the click give for that.
    pub estimate: Amount,
    /// What the member says.
    pub details: String,
    /// Days after the purchase until which a grant waits, as promised at the click.
    pub return_days: u16,
    /// When it was filed.
    pub filed_at: Timestamp,
    /// By when the member was promised an answer.
    pub due_at: Timestamp,
    /// Who of the staff takes care of it.
    pub owner: Option<ActorNumber>,
    /// Grows with every change.
    pub version: u32,
    /// Where it stands.
    pub state: ClaimState,
}

impl Claim {
    /// Names a claim: the same order on the same click, for the same reason, is the same claim.
    pub fn id_of(click: Id<kind::Click>, kind: ClaimKind, order: &Reference) -> Id<kind::Claim> {
        let order = order.as_str().trim().to_ascii_lowercase();
        natural_id("site.claim", &[&click.to_bytes(), kind.code().as_bytes(), order.as_bytes()])
    }

    /// From when on a grant may be paid: the day after goods can be returned for the last time.
    fn pay_at(&self, now: Timestamp) -> Timestamp {
        let day = self.purchased_on.plus_days(i32::from(self.return_days).saturating_add(1));
        Zone::JAPAN.start_of(day).max(now)
    }
}

/// A conversion that a purchase led to, as a claim sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recorded {
    pub(crate) id: Id<kind::Conversion>,
    pub(crate) state: ConversionState,
    pub(crate) order: Option<Reference>,
    /// When the decision was to be expected.
    pub(crate) due_at: Option<Timestamp>,
}

/// What a claim is filed about: a click with the terms it was made under, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Purchase {
    pub(crate) clicked_at: Timestamp,
    pub(crate) guarantee: Option<Guarantee>,
    pub(crate) recorded: Vec<Recorded>,
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        /// Why something about a claim is refused, in the order of the checks. Codes are keys of
        /// the texts.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum ClaimRefusal {
            $($(#[$doc])* $name,)*
        }

        impl ClaimRefusal {
            /// Every refusal.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Gives the stable code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

refusals! {
    /// There is no such click or claim of this member.
    NotFound = "not_found";
    /// The offer does not promise it.
    NotGuaranteed = "not_guaranteed";
    /// The shop may still report by itself.
    TooEarly = "too_early";
    /// The last day for it is over.
    TooLate = "too_late";
    /// The purchase is recorded already.
    Recorded = "recorded";
    /// A person looks at it already.
    UnderReview = "under_review";
    /// The points are granted already.
    AlreadyGranted = "already_granted";
    /// The purchase was before the click, or is yet to come.
    DayUnfit = "day_unfit";
    /// Another claim is about the same order at this shop.
    OrderClaimed = "order_claimed";
    /// The claim is not at a point where this can be done.
    StateUnfit = "state_unfit";
    /// Who proposed it cannot approve it.
    SamePerson = "same_person";
    /// A grant is more than nothing.
    PointsUnfit = "points_unfit";
    /// The network has decided meanwhile.
    Overtaken = "overtaken";
    /// The ledger refuses it now (a frozen account, for instance).
    Unpayable = "unpayable";
}

/// From when until when a claim can be filed.
pub(crate) fn window(
    kind: ClaimKind,
    purchase: &Purchase,
    recorded: Option<&Recorded>,
) -> Option<(Timestamp, Timestamp)> {
    let guarantee = purchase.guarantee.filter(|guarantee| guarantee.offered)?;
    let after = |moment, days: u16| {
        let day = Zone::JAPAN.day_of(moment);
        Zone::JAPAN.start_of(day.plus_days(i32::from(days)))
    };
    // The last day counts in full.
    let until = |moment, days: u16| after(moment, days.saturating_add(1));
    Some(match kind {
        ClaimKind::Unrecorded => {
            let at = purchase.clicked_at;
            (after(at, guarantee.file_after_days), until(at, guarantee.file_within_days))
        }
        ClaimKind::Undecided => {
            let due_at = recorded?.due_at?;
            (after(due_at, 1), until(due_at, guarantee.late_within_days))
        }
        ClaimKind::Rejected => {
            let decided_at = recorded?.state.decided_at()?;
            (decided_at, until(decided_at, guarantee.late_within_days))
        }
    })
}

impl Purchase {
    /// Finds out what can be claimed about it now: about one of its conversions, or that there is
    /// none.
    ///
    /// # Errors
    ///
    /// The first [`ClaimRefusal`] that applies.
    pub(crate) fn claimable(
        &self,
        conversion: Option<Id<kind::Conversion>>,
        order: Option<&Reference>,
        now: Timestamp,
    ) -> Result<ClaimKind, ClaimRefusal> {
        if self.guarantee.is_none_or(|guarantee| !guarantee.offered) {
            return Err(ClaimRefusal::NotGuaranteed);
        }
        let recorded = match conversion {
            Some(id) => {
                let found = self.recorded.iter().find(|recorded| recorded.id == id);
                Some(found.ok_or(ClaimRefusal::NotFound)?)
            }
            None => None,
        };
        let same_order = |recorded: &&Recorded| {
            recorded.order.is_none() || order.is_none() || recorded.order.as_ref() == order
        };
        let kind = match recorded.map(|recorded| recorded.state) {
            None if self.recorded.iter().any(|recorded| same_order(&recorded)) => {
                return Err(ClaimRefusal::Recorded);
            }
            None => ClaimKind::Unrecorded,
            Some(ConversionState::Tracked { .. }) => ClaimKind::Undecided,
            Some(ConversionState::Rejected { .. }) => ClaimKind::Rejected,
            Some(ConversionState::NeedsReview) => return Err(ClaimRefusal::UnderReview),
            Some(ConversionState::Approved { .. } | ConversionState::Reversed { .. }) => {
                return Err(ClaimRefusal::AlreadyGranted);
            }
        };
        let (opens_at, closes_at) =
            window(kind, self, recorded).ok_or(ClaimRefusal::NotGuaranteed)?;
        if now < opens_at {
            return Err(ClaimRefusal::TooEarly);
        }
        if now >= closes_at {
            return Err(ClaimRefusal::TooLate);
        }
        Ok(kind)
    }
}

/// What somebody does about a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimChange {
    /// The member answers.
    Answer(String),
    /// The member takes it back.
    Withdraw,
    /// Somebody of the staff takes care of it.
    Take,
    /// The member is asked something.
    Ask(String),
    /// The shop is asked.
    Send,
    /// A grant is proposed, with the reason.
    Propose(Amount, String),
    /// The proposal goes back, with the reason.
    SendBack(String),
    /// The proposal is approved.
    Approve,
    /// It is refused, with the reason, which the member reads.
    Refuse(String),
}

macro_rules! actions {
    ($($(#[$doc:meta])* $name:ident = $code:literal $audit:literal;)*) => {
        /// What was done about a claim. Codes are stored.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum ClaimAction {
            $($(#[$doc])* $name,)*
        }

        impl ClaimAction {
            /// Every action.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Gives the stable code, as stored and as key of the texts.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// Gives the word of the audit trail.
            pub const fn audit(self) -> &'static str {
                match self { $(Self::$name => $audit,)* }
            }

            /// Finds an action by its code.
            pub fn parse(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|action| action.code() == code)
            }
        }
    };
}

actions! {
    /// The member filed it.
    Filed = "filed" "claim.file";
    /// The member answered.
    Answered = "answered" "claim.answer";
    /// The member took it back.
    Withdrew = "withdrew" "claim.withdraw";
    /// Somebody took care of it.
    Took = "took" "claim.take";
    /// The member was asked.
    Asked = "asked" "claim.ask";
    /// The shop was asked.
    Sent = "sent" "claim.send";
    /// A grant was proposed.
    Proposed = "proposed" "claim.propose";
    /// The proposal went back.
    SentBack = "sent_back" "claim.send_back";
    /// It was granted.
    Granted = "granted" "claim.grant";
    /// It was refused.
    Refused = "refused" "claim.refuse";
    /// The network recorded the purchase; its decision is awaited.
    Waited = "waited" "claim.wait";
    /// The network decided against it after the grant: staff look again.
    Reopened = "reopened" "claim.reopen";
    /// The network's report took its place.
    Merged = "merged" "claim.merge";
}

impl ClaimAction {
    /// Tells whether the member reads of it, and of what was written.
    pub const fn shown_to_member(self) -> bool {
        match self {
            Self::Filed
            | Self::Answered
            | Self::Withdrew
            | Self::Asked
            | Self::Sent
            | Self::Granted
            | Self::Refused
            | Self::Waited
            | Self::Reopened
            | Self::Merged => true,
            Self::Took | Self::Proposed | Self::SentBack => false,
        }
    }
}

/// Something that was done about a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimEvent {
    /// Which claim.
    pub claim: Id<kind::Claim>,
    /// The version that it came to.
    pub version: u32,
    /// When.
    pub at: Timestamp,
    /// By whom.
    pub actor: ActorNumber,
    /// What.
    pub action: ClaimAction,
    /// What was written; may be empty.
    pub text: String,
}

/// What the network says by now about a claimed purchase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// Nothing.
    None,
    /// It is recorded.
    Tracked,
    /// It is approved, so that the points are granted by that.
    Approved,
    /// It is rejected.
    Rejected {
        /// When.
        decided_at: Timestamp,
    },
}

/// A conversion that may be the claimed purchase.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Evidence {
    pub(crate) click: Option<Id<kind::Click>>,
    pub(crate) member: Option<Id<kind::Member>>,
    pub(crate) shop: Option<Id<kind::Shop>>,
    pub(crate) order: Option<Reference>,
    pub(crate) state: ConversionState,
}

impl Evidence {
    /// Tells whether it is the purchase of a claim: the member's own order at the shop, or what the
    /// click led to if no order is told.
    pub(crate) fn fits(&self, claim: &Claim) -> bool {
        let own = self.member == Some(claim.member) && self.shop == Some(claim.shop);
        own && match &self.order {
            Some(order) => order.as_str().eq_ignore_ascii_case(claim.order.as_str()),
            None => self.click == Some(claim.click),
        }
    }
}

/// Sums up what the network says: an order may be several conversions, and what is good for the
/// member counts first.
pub(crate) fn word_of<'a>(evidence: impl Iterator<Item = &'a Evidence>) -> Word {
    let rank = |word: Word| match word {
        Word::None => 0,
        Word::Rejected { .. } => 1,
        Word::Tracked => 2,
        Word::Approved => 3,
    };
    evidence.fold(Word::None, |best, one| {
        let word = match one.state {
            // A person looks at it; until then it is as good as not there.
            ConversionState::NeedsReview => Word::None,
            ConversionState::Tracked { .. } => Word::Tracked,
            ConversionState::Approved { .. } => Word::Approved,
            ConversionState::Rejected { decided_at } | ConversionState::Reversed { decided_at } => {
                Word::Rejected { decided_at }
            }
        };
        if rank(word) > rank(best) { word } else { best }
    })
}

/// What follows for a claim from the network's word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Followed {
    pub(crate) state: ClaimState,
    pub(crate) action: ClaimAction,
    pub(crate) target: Target,
}

/// Decides what the network's word means to a claim, whichever came first; `None` when nothing
/// changes. Once the network grants, the claim gives way: what it announced is dropped, what it
/// paid is taken back. `paid` tells whether the grant was paid out already.
pub(crate) fn follow(
    kind: ClaimKind,
    state: ClaimState,
    word: Word,
    paid: bool,
) -> Option<Followed> {
    let merged = Followed {
        state: ClaimState::Merged,
        action: ClaimAction::Merged,
        target: Target::Nothing,
    };
    let reopened = Followed {
        state: ClaimState::Open,
        action: ClaimAction::Reopened,
        target: Target::Nothing,
    };
    match (state, word) {
        (ClaimState::Refused | ClaimState::Withdrawn | ClaimState::Merged, _) | (_, Word::None) => {
            None
        }
        (_, Word::Approved) => Some(merged),
        // What was missing is there: nothing is left to claim.
        (
            ClaimState::Open | ClaimState::Asked | ClaimState::Sent | ClaimState::Proposed { .. },
            Word::Tracked,
        ) => (kind == ClaimKind::Unrecorded).then_some(merged),
        (
            ClaimState::Open | ClaimState::Asked | ClaimState::Sent | ClaimState::Proposed { .. },
            Word::Rejected { .. },
        )
        | (ClaimState::Waiting { .. }, Word::Tracked) => None,
        // The network announces it now and will decide; two announcements would be one too many.
        (ClaimState::Granted { points, granted_at, .. }, Word::Tracked) => {
            (kind != ClaimKind::Undecided && !paid).then_some(Followed {
                state: ClaimState::Waiting { points, granted_at },
                action: ClaimAction::Waited,
                target: Target::Nothing,
            })
        }
        // What is paid stays paid; before that, staff look at what the network knows.
        (
            ClaimState::Granted { granted_at, .. } | ClaimState::Waiting { granted_at, .. },
            Word::Rejected { decided_at },
        ) => (decided_at > granted_at && !paid).then_some(reopened),
    }
}

/// A claim as it is after somebody did something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Changed {
    pub(crate) state: ClaimState,
    pub(crate) action: ClaimAction,
    pub(crate) target: Target,
}

impl Claim {
    /// Decides what somebody does about the claim. Who may do it at all is checked before.
    ///
    /// # Errors
    ///
    /// The first [`ClaimRefusal`] that applies; nothing changes then.
    pub(crate) fn change(
        &self,
        change: &ClaimChange,
        by: ActorNumber,
        word: Word,
        now: Timestamp,
    ) -> Result<Changed, ClaimRefusal> {
        let to = |state, action| Ok(Changed { state, action, target: Target::Nothing });
        let unfit = Err(ClaimRefusal::StateUnfit);
        let state = self.state;
        let handled = matches!(state, ClaimState::Open | ClaimState::Asked | ClaimState::Sent);
        match change {
            ClaimChange::Answer(_) if state == ClaimState::Asked => {
                to(ClaimState::Open, ClaimAction::Answered)
            }
            ClaimChange::Withdraw if handled => to(ClaimState::Withdrawn, ClaimAction::Withdrew),
            ClaimChange::Take if state.pending() => to(state, ClaimAction::Took),
            ClaimChange::Ask(_) if handled => to(ClaimState::Asked, ClaimAction::Asked),
            ClaimChange::Send if handled => to(ClaimState::Sent, ClaimAction::Sent),
            ClaimChange::Refuse(_) if handled => to(ClaimState::Refused, ClaimAction::Refused),
            ClaimChange::Propose(points, _) if handled => {
                if points.is_zero() {
                    return Err(ClaimRefusal::PointsUnfit);
                }
                to(ClaimState::Proposed { points: *points, by }, ClaimAction::Proposed)
            }
            ClaimChange::SendBack(_) if matches!(state, ClaimState::Proposed { .. }) => {
                to(ClaimState::Open, ClaimAction::SentBack)
            }
            ClaimChange::Approve => self.approve(by, word, now),
            ClaimChange::Answer(_)
            | ClaimChange::Withdraw
            | ClaimChange::Take
            | ClaimChange::Ask(_)
            | ClaimChange::Send
            | ClaimChange::Refuse(_)
            | ClaimChange::Propose(..)
            | ClaimChange::SendBack(_) => unfit,
        }
    }

    fn approve(
        &self,
        by: ActorNumber,
        word: Word,
        now: Timestamp,
    ) -> Result<Changed, ClaimRefusal> {
        let ClaimState::Proposed { points, by: maker } = self.state else {
            return Err(ClaimRefusal::StateUnfit);
        };
        if maker == by {
            return Err(ClaimRefusal::SamePerson);
        }
        if follow(self.kind, self.state, word, false).is_some() {
            return Err(ClaimRefusal::Overtaken);
        }
        let pay_at = self.pay_at(now);
        let target = match self.kind {
            // The conversion's own announcement stands as long as nothing is decided.
            ClaimKind::Undecided => Target::Promised { amount: points, grant_at: pay_at },
            ClaimKind::Unrecorded | ClaimKind::Rejected => {
                Target::Announced { amount: points, due_at: Some(pay_at), grant_at: Some(pay_at) }
            }
        };
        let state = ClaimState::Granted { points, granted_at: now, pay_at };
        Ok(Changed { state, action: ClaimAction::Granted, target })
    }
}
