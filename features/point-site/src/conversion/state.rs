use std::collections::BTreeMap;
use std::sync::Arc;

use crate::offer::{Repeat, Reward, Tier, reward_of_item};
use store::natural_id;
use vocabulary::{Amount, Currency, Id, Label, Reference, Timestamp, Token, kind};

/// How far a network's clock may be from ours.
const CLOCKS_APART_SECONDS: i64 = 900;

/// Names a conversion for ever: the network, our account there, the network's own id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConversionKey {
    /// The network.
    pub network: Token,
    /// Our account there.
    pub account: Token,
    /// The network's own id.
    pub external: Reference,
}

/// The lowest bits of a conversion's id, which are zero: room for a version and a role.
const VERSION_BITS: u32 = 23;
pub(crate) const VERSION_ROOM: u128 = (1 << (VERSION_BITS + 1)) - 1;
/// How far the ids of postings are turned, so that they meet no id made elsewhere.
const TURN: u32 = 43;

impl ConversionKey {
    /// Makes our id for a conversion that is first told to have occurred then. It sorts by that
    /// time, so that what is decided together is stored together; the rest follows from the key.
    pub fn first_id(&self, occurred_at: Timestamp) -> Id<kind::Conversion> {
        let parts = [self.network.as_str(), self.account.as_str(), self.external.as_str()];
        let hash: Id<kind::Conversion> = natural_id("site.conversion", &parts.map(str::as_bytes));
        let milliseconds = occurred_at.as_milliseconds().clamp(0, (1 << 48) - 1);
        let time = u128::from(milliseconds.unsigned_abs()) << 80;
        Id::from_bits(time | ((hash.bits() >> 48) & !VERSION_ROOM))
    }
}

/// Names what a version of a conversion has in the ledger.
fn posting_id<K>(conversion: Id<kind::Conversion>, version: u32, role: u128) -> Id<K> {
    let version = u128::from(version) & ((1 << VERSION_BITS) - 1);
    Id::from_bits((conversion.bits() | (role << VERSION_BITS) | version).rotate_left(TURN))
}

/// Names the batch that a version of a conversion posts.
pub(crate) fn batch_id(conversion: Id<kind::Conversion>, version: u32) -> Id<kind::Batch> {
    posting_id(conversion, version, 0)
}

/// Names the expectation that a version of a conversion announces.
pub(crate) fn expectation_id(
    conversion: Id<kind::Conversion>,
    version: u32,
) -> Id<kind::Expectation> {
    posting_id(conversion, version, 1)
}

/// Gives the conversion whose posting would have this id; whether there is one, its row tells.
pub(crate) fn conversion_of_posting(bits: u128) -> Id<kind::Conversion> {
    Id::from_bits(bits.rotate_right(TURN) & !VERSION_ROOM)
}

/// What a network says became of an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// It happened (発生).
    Occurred,
    /// The advertiser pays (承認).
    Approved,
    /// The advertiser does not pay (否認).
    Rejected,
}

impl Status {
    /// Gives the stable word, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Occurred => "occurred",
            Self::Approved => "approved",
            Self::Rejected => "rejected",
        }
    }

    /// Finds a status by its word.
    pub fn parse(code: &str) -> Option<Self> {
        [Self::Occurred, Self::Approved, Self::Rejected].into_iter().find(|s| s.code() == code)
    }
}

/// Whether a statement decides, or only tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Authority {
    /// A report, or a postback of a network whose postbacks are trusted.
    Decides,
    /// A postback that anyone could have sent who knows the address: it announces and no more.
    Tells,
}

/// Where a statement comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// A message to our address.
    Postback(Id<kind::Message>),
    /// A line of a file.
    Report(Id<kind::Report>),
    /// A person.
    Decision(Id<kind::Decision>),
    /// A file that was undone.
    Undo(Id<kind::Report>),
}

impl Source {
    /// Gives the stable word, as stored and as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Postback(_) => "postback",
            Self::Report(_) => "report",
            Self::Decision(_) => "decision",
            Self::Undo(_) => "undo",
        }
    }
}

/// Whether a person had a hand in a conversion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Hand {
    /// No: rules decided so far.
    None,
    /// A person said that it counts, and for which click; the network still decides.
    Linked,
    /// A person decided. A statement that says otherwise waits for a person again.
    Decided,
}

impl Hand {
    /// Gives the stable word, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Linked => "linked",
            Self::Decided => "decided",
        }
    }

    /// Finds it by its word.
    pub fn parse(code: &str) -> Option<Self> {
        [Self::None, Self::Linked, Self::Decided].into_iter().find(|hand| hand.code() == code)
    }
}

/// One statement about a conversion, in our words, whatever the network's form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// Which conversion.
    pub key: ConversionKey,
    /// Which row of the conversion, at networks that restate by adding rows. Then `sale` and
    /// `commission` are the row's own, with their sign, and the conversion's are the sums over its
    /// rows.
    pub entry: Option<Reference>,
    /// The click that we gave the network; `None` when what came back is none of ours.
    pub click: Option<Id<kind::Click>>,
    /// The shop's order number.
    pub order: Option<Reference>,
    /// Which item of the order.
    pub item: Option<Reference>,
    /// When the member acted.
    pub occurred_at: Timestamp,
    /// What was sold, minor units; below zero where a network takes back by a negative row.
    pub sale: i64,
    /// What the network pays, minor units.
    pub commission: i64,
    /// The currency of both; `None` when it is not told, and then it is the network's.
    pub currency: Option<Currency>,
    /// What became of it; `None` for a word that we do not know.
    pub status: Option<Status>,
    /// Why, in the network's words.
    pub reason: Option<Label>,
    /// The network says that this is a test.
    pub test: bool,
    /// Whether it decides.
    pub authority: Authority,
    /// Where it comes from.
    pub source: Source,
}

/// The click that a conversion belongs to, with the terms of the version it was made under.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// The click.
    pub click: Id<kind::Click>,
    /// Who clicked.
    pub member: Id<kind::Member>,
    /// Where to.
    pub shop: Id<kind::Shop>,
    /// By which offer.
    pub offer: Id<kind::Offer>,
    /// In which version.
    pub offer_version: u32,
    /// When.
    pub clicked_at: Timestamp,
    /// The network that was to track it.
    pub network: Token,
    /// Our account there.
    pub account: Token,
    /// What is paid for all items but those of the tiers.
    pub reward: Reward,
    /// What items pay by themselves.
    pub tiers: Arc<[Tier]>,
    /// How often the member is paid.
    pub repeat: Repeat,
    /// Whether what it leads to counts towards a cap.
    pub capped: bool,
    /// Days until it is to be decided.
    pub decide_by_days: u16,
    /// Days within which a purchase counts.
    pub cookie_days: u16,
}

impl Route {
    /// Gives what is paid for an item, or for one that is not known.
    pub fn reward_of(&self, item: Option<&Reference>) -> Reward {
        reward_of_item(self.reward, &self.tiers, item)
    }

    /// When the decision is to be expected.
    pub fn due_at(&self) -> Timestamp {
        self.clicked_at.plus_days(i64::from(self.decide_by_days))
    }
}

macro_rules! reviews {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        /// Why a person has to look, in the order of the checks. Codes are stored.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Review {
            $($(#[$doc])* $name,)*
        }

        impl Review {
            /// Every reason.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Gives the stable code, as stored and as key of the texts.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

reviews! {
    /// The network used a word for the status that we do not know.
    StatusUnknown = "status_unknown";
    /// The amounts are in another currency than the network's programmes; nothing is converted.
    CurrencyDiffers = "currency_differs";
    /// A row that was added up comes again with other figures, or one comes after the total was
    /// nothing.
    EntriesDiffer = "entries_differ";
    /// The sale or the reward is below zero.
    AmountNegative = "amount_negative";
    /// What came back is no click of ours.
    ClickUnknown = "click_unknown";
    /// The click went out by another network or account.
    RouteDiffers = "route_differs";
    /// The purchase lies in the future: often a matter of time zones.
    EventInFuture = "event_in_future";
    /// The purchase was before the click.
    EventBeforeClick = "event_before_click";
    /// The purchase was after the cookie's days.
    ClickTooOld = "click_too_old";
    /// Another network reports the same order at this shop.
    DoubleRoute = "double_route";
    /// The offer pays a member once, and this member has another conversion there that is not
    /// rejected. Items of one order that pay by their price are one act.
    MemberAgain = "member_again";
    /// The network pays nothing.
    CommissionZero = "commission_zero";
    /// The member's part does not fit.
    AmountOutOfRange = "amount_out_of_range";
    /// A later statement names another click.
    ClickDiffers = "click_differs";
    /// A later statement names another item under the same id.
    ItemDiffers = "item_differs";
    /// A postback says otherwise than what was decided.
    ClaimDiffers = "claim_differs";
    /// Approved again after it was taken back.
    ApprovedAfterReversal = "approved_after_reversal";
    /// The ledger refused what it means (a frozen account, for instance).
    PostingRefused = "posting_refused";
    /// The network says otherwise than what a person decided.
    HandDiffers = "hand_differs";
}

impl Review {
    /// Finds a reason by its code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|review| review.code() == code)
    }
}

/// Where a conversion stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConversionState {
    /// A person has to look before anything is announced.
    NeedsReview,
    /// Announced (判定中); without an expectation when the member's part is nothing.
    Tracked {
        /// What stands in the ledger.
        expectation: Option<Id<kind::Expectation>>,
    },
    /// Granted (有効).
    Approved {
        /// When.
        decided_at: Timestamp,
    },
    /// Dropped (無効).
    Rejected {
        /// When.
        decided_at: Timestamp,
    },
    /// Granted once and taken back.
    Reversed {
        /// When it was taken back.
        decided_at: Timestamp,
    },
}

impl ConversionState {
    /// Gives the stable word, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NeedsReview => "needs_review",
            Self::Tracked { .. } => "tracked",
            Self::Approved { .. } => "approved",
            Self::Rejected { .. } => "rejected",
            Self::Reversed { .. } => "reversed",
        }
    }

    /// When it was decided.
    pub const fn decided_at(self) -> Option<Timestamp> {
        match self {
            Self::NeedsReview | Self::Tracked { .. } => None,
            Self::Approved { decided_at }
            | Self::Rejected { decided_at }
            | Self::Reversed { decided_at } => Some(decided_at),
        }
    }
}

/// A conversion as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversion {
    /// Our id.
    pub id: Id<kind::Conversion>,
    /// Which.
    pub key: ConversionKey,
    /// Grows with every change.
    pub version: u32,
    /// The click it belongs to; `None` while it is unknown.
    pub route: Option<Route>,
    /// The shop's order number.
    pub order: Option<Reference>,
    /// Which item of the order.
    pub item: Option<Reference>,
    /// When the member acted.
    pub occurred_at: Timestamp,
    /// When we learned of it.
    pub tracked_at: Timestamp,
    /// When it last changed.
    pub changed_at: Timestamp,
    /// What was sold.
    pub sale: Amount,
    /// What the network pays.
    pub commission: Amount,
    /// The member's part.
    pub points: Amount,
    /// Where it stands.
    pub state: ConversionState,
    /// What a postback said that did not decide.
    pub claimed: Option<Status>,
    /// Why a person has to look.
    pub review: Option<Review>,
    /// Why it was rejected, in the network's words.
    pub reason: Option<Label>,
    /// Whether a person had a hand in it.
    pub hand: Hand,
}

impl Conversion {
    /// Tells whether click, order, item and time are as they were.
    pub(crate) fn same_origin(&self, before: &Self) -> bool {
        let click = |one: &Self| one.route.as_ref().map(|route| route.click);
        click(self) == click(before)
            && self.order == before.order
            && self.item == before.item
            && self.occurred_at == before.occurred_at
    }

    /// Tells whether a person has to look.
    pub(crate) const fn waits(&self) -> bool {
        self.review.is_some() || matches!(self.state, ConversionState::NeedsReview)
    }

    fn amounts(&self) -> (i64, i64) {
        (self.sale.minor_units(), self.commission.minor_units())
    }
}

/// What a change means to the ledger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Nothing.
    None,
    /// Announces the member's part.
    Announce { expectation: Id<kind::Expectation>, points: Amount },
    /// Announces another amount; zero drops it.
    Change { expectation: Id<kind::Expectation>, points: Amount },
    /// Turns what was announced into a lot.
    Fulfil { expectation: Id<kind::Expectation>, announced: Amount, points: Amount },
    /// Grants what was not announced, or not any more.
    Grant { points: Amount },
    /// Grants more or takes some back after the grant.
    Correct { from: Amount, to: Amount },
    /// Takes back all that was granted.
    TakeBack,
    /// Takes back all that was granted and announces it again.
    TakeBackToAnnounced { expectation: Id<kind::Expectation>, points: Amount },
}

impl Effect {
    /// Tells whether value may be taken from the member.
    pub(crate) fn takes(self) -> bool {
        match self {
            Self::TakeBack | Self::TakeBackToAnnounced { .. } => true,
            Self::Correct { from, to } => to < from,
            Self::None
            | Self::Announce { .. }
            | Self::Change { .. }
            | Self::Fulfil { .. }
            | Self::Grant { .. } => false,
        }
    }
}

macro_rules! outcomes {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        /// What became of a statement. Codes are stored.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Outcome {
            $($(#[$doc])* $name,)*
        }

        impl Outcome {
            /// Every outcome.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Gives the stable code, as stored and as key of the texts.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

outcomes! {
    /// Announced for the first time.
    Tracked = "tracked";
    /// Announced with another amount.
    Changed = "changed";
    /// Granted as announced.
    Approved = "approved";
    /// Granted with another amount than announced.
    ApprovedChanged = "approved_changed";
    /// Granted though the postback never came.
    ApprovedUnannounced = "approved_unannounced";
    /// Granted though it was rejected before.
    Reopened = "reopened";
    /// The amount changed after the grant.
    Corrected = "corrected";
    /// Dropped.
    Rejected = "rejected";
    /// Taken back after the grant.
    Reversed = "reversed";
    /// Noted what a postback says; the report will decide.
    Claimed = "claimed";
    /// A person has to look.
    NeedsReview = "needs_review";
    /// A person has to look because no click of ours belongs to it.
    Unmatched = "unmatched";
    /// Nothing new.
    Duplicate = "duplicate";
    /// Older than what is known.
    Stale = "stale";
    /// A test of the network's.
    Test = "test";
    /// A person looked: it stays as it is.
    Kept = "kept";
    /// As it was before a file that was undone.
    Undone = "undone";
}

impl Outcome {
    /// Finds an outcome by its code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|outcome| outcome.code() == code)
    }

    /// Tells whether the member's account is credited.
    pub const fn pays(self) -> bool {
        match self {
            Self::Approved
            | Self::ApprovedChanged
            | Self::ApprovedUnannounced
            | Self::Reopened
            | Self::Corrected => true,
            Self::Tracked
            | Self::Changed
            | Self::Rejected
            | Self::Reversed
            | Self::Claimed
            | Self::NeedsReview
            | Self::Unmatched
            | Self::Duplicate
            | Self::Stale
            | Self::Test
            | Self::Kept
            | Self::Undone => false,
        }
    }
}

/// What is to be done about a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Plan {
    /// The conversion as it is to be; `None` when nothing changes.
    pub(crate) next: Option<Conversion>,
    /// What it means to the ledger.
    pub(crate) effect: Effect,
    /// What to tell.
    pub(crate) outcome: Outcome,
}

impl Plan {
    const fn nothing(outcome: Outcome) -> Self {
        Self { next: None, effect: Effect::None, outcome }
    }
}

/// The rows of a conversion that are known, each with its sale and commission.
pub(crate) type Entries = BTreeMap<Reference, (i64, i64)>;

/// Rows of a conversion of which none is known.
pub(crate) static NO_ENTRIES: Entries = BTreeMap::new();

/// What a decision stands on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sight<'a> {
    /// The conversion's id.
    pub(crate) id: Id<kind::Conversion>,
    /// The conversion as it stands.
    pub(crate) conversion: Option<&'a Conversion>,
    /// The click that the statement names.
    pub(crate) route: Option<&'a Route>,
    /// Another network reports the same order at the same shop.
    pub(crate) rival: bool,
    /// The offer pays once, and the member has another conversion there.
    pub(crate) again: bool,
    /// The currency of the network's programmes.
    pub(crate) currency: Option<Currency>,
    /// The conversion's rows known so far, at networks that restate by adding rows.
    pub(crate) entries: &'a Entries,
}

/// Decides what a statement means; the one place that changes a conversion's state.
///
/// Whoever carries the plan out also adds the statement's entry to those known, whatever the
/// outcome; not after [`Review::CurrencyDiffers`] and [`Review::EntriesDiffer`].
pub(crate) fn plan(sight: Sight<'_>, told: &Told, now: Timestamp) -> Plan {
    let decide = |told: &Told| match sight.conversion {
        None => plan_new(sight, told, now),
        Some(current) => plan_known(sight, current, told, now),
    };
    match netted(sight, told) {
        Net::Told(told) => decide(told),
        Net::Sum(told) => decide(&told),
        Net::Known(outcome) => Plan::nothing(outcome),
        Net::Doubt(review) => match sight.conversion {
            None => plan_unusable(sight, told, review, now),
            Some(current) => flag(current, review, now),
        },
    }
}

/// What is left of a statement when the rows of its conversion are added up.
enum Net<'a> {
    /// A statement with the conversion's own figures.
    Told(&'a Told),
    /// A statement whose figures are sums.
    Sum(Box<Told>),
    /// It says nothing that is not known.
    Known(Outcome),
    /// A person has to look before any figure is used.
    Doubt(Review),
}

/// Adds up the rows of a conversion; a statement about the whole stays as it is.
fn netted<'a>(sight: Sight<'_>, told: &'a Told) -> Net<'a> {
    if told.test {
        return Net::Told(told);
    }
    if sight.currency.zip(told.currency).is_some_and(|(ours, theirs)| ours != theirs) {
        return Net::Doubt(Review::CurrencyDiffers);
    }
    let Some(entry) = &told.entry else {
        // What was preliminary is late when the rows that count are there.
        let late = told.status == Some(Status::Occurred) && !sight.entries.is_empty();
        return if late { Net::Known(Outcome::Stale) } else { Net::Told(told) };
    };
    let Some((sale, commission)) = sum(sight.entries.values().copied()) else {
        return Net::Doubt(Review::AmountOutOfRange);
    };
    match sight.entries.get(entry) {
        Some(known) if *known != (told.sale, told.commission) => Net::Doubt(Review::EntriesDiffer),
        Some(_) if told.status == Some(Status::Occurred) => Net::Known(Outcome::Duplicate),
        // The same row again, and now it is decided.
        Some(_) => {
            let cancelled = commission == 0 && was_positive(sight);
            let status = if cancelled { rejected(told.status) } else { told.status };
            Net::Sum(Box::new(Told { sale, commission, status, ..told.clone() }))
        }
        None => added(sight, told, (sale, commission)),
    }
}

/// Adds a new row to what is known. A total that comes to nothing is a cancellation.
fn added<'a>(sight: Sight<'_>, told: &'a Told, known: (i64, i64)) -> Net<'a> {
    let Some((sale, commission)) = sum([known, (told.sale, told.commission)]) else {
        return Net::Doubt(Review::AmountOutOfRange);
    };
    let occurred = told.status == Some(Status::Occurred);
    let status = match sight.conversion.map(|current| current.state) {
        _ if commission == 0 && was_positive(sight) => rejected(told.status),
        // A row that restates what was granted changes its amount and decides nothing else.
        Some(ConversionState::Approved { .. }) if occurred => Some(Status::Approved),
        Some(ConversionState::Rejected { .. } | ConversionState::Reversed { .. }) if occurred => {
            return Net::Doubt(Review::EntriesDiffer);
        }
        Some(_) | None => told.status,
    };
    Net::Sum(Box::new(Told { sale, commission, status, ..told.clone() }))
}

/// Tells whether the network ever paid something for this conversion.
fn was_positive(sight: Sight<'_>) -> bool {
    sight.entries.values().any(|(_, commission)| *commission > 0)
        || sight.conversion.is_some_and(|current| !current.commission.is_zero())
}

/// Rejects, unless the network's word is not known, which only a person may read.
const fn rejected(status: Option<Status>) -> Option<Status> {
    match status {
        Some(_) => Some(Status::Rejected),
        None => None,
    }
}

fn sum(figures: impl IntoIterator<Item = (i64, i64)>) -> Option<(i64, i64)> {
    figures.into_iter().try_fold((0_i64, 0_i64), |(sale, commission), (more, and_more)| {
        Some((sale.checked_add(more)?, commission.checked_add(and_more)?))
    })
}

/// A new conversion whose figures must not be used: it is kept without them, for a person.
fn plan_unusable(sight: Sight<'_>, told: &Told, review: Review, now: Timestamp) -> Plan {
    let bare = Told { sale: 0, commission: 0, ..told.clone() };
    let mut next = fresh(sight, &bare, Amount::ZERO, now);
    next.review = Some(review);
    Plan { next: Some(next), effect: Effect::None, outcome: Outcome::NeedsReview }
}

/// A conversion that is new, or whose click was not known before.
fn plan_new(sight: Sight<'_>, told: &Told, now: Timestamp) -> Plan {
    let sale = Amount::magnitude(told.sale);
    let points = sight
        .route
        .map_or(Some(Amount::ZERO), |route| route.reward_of(told.item.as_ref()).points(sale));
    let mut next = fresh(sight, told, points.unwrap_or(Amount::ZERO), now);
    let decided = if told.authority == Authority::Decides { told.status } else { None };
    if told.test || decided == Some(Status::Rejected) {
        next.state = ConversionState::Rejected { decided_at: now };
        let outcome = if told.test { Outcome::Test } else { Outcome::Rejected };
        return Plan { next: Some(next), effect: Effect::None, outcome };
    }
    let out_of_range = points.is_none().then_some(Review::AmountOutOfRange);
    if let Some(review) = doubt(sight, told, now).or(out_of_range) {
        next.review = Some(review);
        let unmatched = review == Review::ClickUnknown;
        let outcome = if unmatched { Outcome::Unmatched } else { Outcome::NeedsReview };
        return Plan { next: Some(next), effect: Effect::None, outcome };
    }
    if decided == Some(Status::Approved) {
        next.state = ConversionState::Approved { decided_at: now };
        let effect = Effect::Grant { points: next.points };
        return Plan { next: Some(next), effect, outcome: Outcome::ApprovedUnannounced };
    }
    next.claimed = told.status.filter(|status| *status != Status::Occurred);
    let effect = announce(&mut next);
    Plan { next: Some(next), effect, outcome: Outcome::Tracked }
}

/// Makes a conversion of a statement, for a person to look at until something else is decided.
fn fresh(sight: Sight<'_>, told: &Told, points: Amount, now: Timestamp) -> Conversion {
    Conversion {
        id: sight.id,
        key: told.key.clone(),
        version: sight.conversion.map_or(1, |before| before.version.saturating_add(1)),
        route: sight.route.cloned(),
        order: told.order.clone(),
        item: told.item.clone(),
        occurred_at: told.occurred_at,
        tracked_at: sight.conversion.map_or(now, |before| before.tracked_at),
        changed_at: now,
        sale: Amount::magnitude(told.sale),
        commission: Amount::magnitude(told.commission),
        points,
        state: ConversionState::NeedsReview,
        claimed: told.status,
        review: None,
        reason: told.reason.clone(),
        hand: Hand::None,
    }
}

/// Finds the first reason why a new conversion is not announced by rule.
fn doubt(sight: Sight<'_>, told: &Told, now: Timestamp) -> Option<Review> {
    if told.status.is_none() {
        return Some(Review::StatusUnknown);
    }
    if told.sale < 0 || told.commission < 0 {
        return Some(Review::AmountNegative);
    }
    let Some(route) = sight.route else { return Some(Review::ClickUnknown) };
    if route.network != told.key.network || route.account != told.key.account {
        return Some(Review::RouteDiffers);
    }
    if told.occurred_at > now.plus_seconds(CLOCKS_APART_SECONDS) {
        return Some(Review::EventInFuture);
    }
    if told.occurred_at.plus_seconds(CLOCKS_APART_SECONDS) < route.clicked_at {
        return Some(Review::EventBeforeClick);
    }
    if told.occurred_at > route.clicked_at.plus_days(i64::from(route.cookie_days)) {
        return Some(Review::ClickTooOld);
    }
    if sight.rival {
        return Some(Review::DoubleRoute);
    }
    if sight.again {
        return Some(Review::MemberAgain);
    }
    (told.commission == 0).then_some(Review::CommissionZero)
}

/// Sets a conversion to announced, under an id that follows from its version.
pub(crate) fn announce(next: &mut Conversion) -> Effect {
    if next.points.is_zero() {
        next.state = ConversionState::Tracked { expectation: None };
        return Effect::None;
    }
    let expectation = expectation_id(next.id, next.version);
    next.state = ConversionState::Tracked { expectation: Some(expectation) };
    Effect::Announce { expectation, points: next.points }
}

fn plan_known(sight: Sight<'_>, current: &Conversion, told: &Told, now: Timestamp) -> Plan {
    if told.test {
        return Plan::nothing(Outcome::Test);
    }
    if let Some(review) = contradiction(current, told) {
        return flag(current, review, now);
    }
    let Some(status) = told.status else { return flag(current, Review::StatusUnknown, now) };
    if let Some(plan) = plan_by_hand(current, told, status, now) {
        return plan;
    }
    match (current.state, told.authority) {
        // The click came after its conversion: it was in the spool.
        (ConversionState::NeedsReview, _) if current.route.is_none() && sight.route.is_some() => {
            plan_new(sight, told, now)
        }
        (ConversionState::NeedsReview, _) => plan_waiting(current, told, status, now),
        (ConversionState::Tracked { expectation }, Authority::Decides) => {
            plan_tracked(current, expectation, told, status, now)
        }
        (ConversionState::Tracked { expectation }, Authority::Tells) => {
            plan_claim(current, expectation, told, status, now)
        }
        (_, Authority::Tells) => plan_late_claim(current, status, now),
        (ConversionState::Approved { .. }, Authority::Decides) => {
            plan_approved(current, told, status, now)
        }
        (ConversionState::Rejected { .. }, Authority::Decides) => {
            let seen = Sight { route: current.route.as_ref(), ..sight };
            plan_rejected(seen, current, told, status, now)
        }
        (ConversionState::Reversed { .. }, Authority::Decides) => match status {
            Status::Occurred => Plan::nothing(Outcome::Stale),
            Status::Rejected => Plan::nothing(Outcome::Duplicate),
            Status::Approved => flag(current, Review::ApprovedAfterReversal, now),
        },
    }
}

/// What a person decided is not decided again by a rule: what agrees, or says again what the person
/// knew, is nothing new; anything else waits for a person. `None` where no person decided.
fn plan_by_hand(current: &Conversion, told: &Told, status: Status, now: Timestamp) -> Option<Plan> {
    if current.hand != Hand::Decided {
        return None;
    }
    let agrees = match current.state {
        // Not decided after all: undone since.
        ConversionState::NeedsReview | ConversionState::Tracked { .. } => return None,
        ConversionState::Approved { .. } => {
            status == Status::Approved && same_amounts(current, told)
        }
        ConversionState::Rejected { .. } | ConversionState::Reversed { .. } => {
            status == Status::Rejected
        }
    };
    // Other amounts under the status that was known are new.
    let known = current.claimed == Some(status)
        && (same_amounts(current, told) || !matches!(status, Status::Approved));
    Some(match status {
        Status::Occurred => Plan::nothing(Outcome::Stale),
        Status::Approved | Status::Rejected if agrees || known => Plan::nothing(Outcome::Duplicate),
        Status::Approved | Status::Rejected => {
            let mut plan = flag(current, Review::HandDiffers, now);
            if let Some(next) = &mut plan.next {
                next.claimed = Some(status);
            }
            plan
        }
    })
}

/// Finds what a later statement cannot mean under the same id.
fn contradiction(current: &Conversion, told: &Told) -> Option<Review> {
    if told.sale < 0 || told.commission < 0 {
        return Some(Review::AmountNegative);
    }
    // A click that a person chose is another one than the network names, each time.
    let click = current.route.as_ref().filter(|_| current.hand == Hand::None);
    let click = click.map(|route| route.click);
    if click.is_some() && told.click.is_some() && click != told.click {
        return Some(Review::ClickDiffers);
    }
    let items_differ = current.item.is_some() && told.item.is_some() && current.item != told.item;
    items_differ.then_some(Review::ItemDiffers)
}

/// Leaves everything as it is and asks a person to look; once for each reason.
fn flag(current: &Conversion, review: Review, now: Timestamp) -> Plan {
    if current.review == Some(review) {
        return Plan::nothing(Outcome::Duplicate);
    }
    let mut next = changed(current, now);
    next.review = Some(review);
    Plan { next: Some(next), effect: Effect::None, outcome: Outcome::NeedsReview }
}

pub(crate) fn changed(current: &Conversion, now: Timestamp) -> Conversion {
    let version = current.version.saturating_add(1);
    Conversion { version, changed_at: now, ..current.clone() }
}

/// Takes over the amounts of a statement, and the item where it becomes known; `None` when the
/// member's part does not fit.
fn revalued(current: &Conversion, told: &Told, now: Timestamp) -> Option<Conversion> {
    let mut next = changed(current, now);
    next.sale = Amount::magnitude(told.sale);
    next.commission = Amount::magnitude(told.commission);
    next.item = next.item.or_else(|| told.item.clone());
    if let Some(route) = &next.route {
        next.points = route.reward_of(next.item.as_ref()).points(next.sale)?;
    }
    Some(next)
}

/// Tells whether a statement leaves the member's part as it is: the same amounts, and no item that
/// pays by itself and was not known before.
fn same_amounts(current: &Conversion, told: &Told) -> bool {
    let reward = |item| current.route.as_ref().map(|route| route.reward_of(item));
    let learned = current.item.is_none() && reward(told.item.as_ref()) != reward(None);
    current.amounts() == (told.sale, told.commission) && !learned
}

/// A person has to look already: what is said meanwhile is kept for them.
fn plan_waiting(current: &Conversion, told: &Told, status: Status, now: Timestamp) -> Plan {
    if current.claimed == Some(status) && same_amounts(current, told) {
        return Plan::nothing(Outcome::Duplicate);
    }
    let Some(mut next) = revalued(current, told, now) else {
        return flag(current, Review::AmountOutOfRange, now);
    };
    next.claimed = Some(status);
    let unmatched = current.review == Some(Review::ClickUnknown);
    let outcome = if unmatched { Outcome::Unmatched } else { Outcome::NeedsReview };
    Plan { next: Some(next), effect: Effect::None, outcome }
}

fn plan_tracked(
    current: &Conversion,
    expectation: Option<Id<kind::Expectation>>,
    told: &Told,
    status: Status,
    now: Timestamp,
) -> Plan {
    match status {
        Status::Occurred => plan_amount(current, expectation, told, now),
        Status::Rejected => {
            let mut next = changed(current, now);
            next.state = ConversionState::Rejected { decided_at: now };
            next.reason.clone_from(&told.reason);
            let effect = expectation.map_or(Effect::None, |expectation| Effect::Change {
                expectation,
                points: Amount::ZERO,
            });
            Plan { next: Some(next), effect, outcome: Outcome::Rejected }
        }
        Status::Approved if told.commission == 0 => flag(current, Review::CommissionZero, now),
        Status::Approved => {
            let Some(mut next) = revalued(current, told, now) else {
                return flag(current, Review::AmountOutOfRange, now);
            };
            next.state = ConversionState::Approved { decided_at: now };
            let effect = match expectation {
                Some(expectation) => {
                    Effect::Fulfil { expectation, announced: current.points, points: next.points }
                }
                None => Effect::Grant { points: next.points },
            };
            let same = next.points == current.points;
            let outcome = if same { Outcome::Approved } else { Outcome::ApprovedChanged };
            Plan { next: Some(next), effect, outcome }
        }
    }
}

/// The amount may change as long as nothing is decided.
fn plan_amount(
    current: &Conversion,
    expectation: Option<Id<kind::Expectation>>,
    told: &Told,
    now: Timestamp,
) -> Plan {
    if same_amounts(current, told) {
        return Plan::nothing(Outcome::Duplicate);
    }
    let Some(mut next) = revalued(current, told, now) else {
        return flag(current, Review::AmountOutOfRange, now);
    };
    let effect = match expectation {
        None => announce(&mut next),
        Some(_) if next.points == current.points => Effect::None,
        Some(expectation) => {
            if next.points.is_zero() {
                next.state = ConversionState::Tracked { expectation: None };
            }
            Effect::Change { expectation, points: next.points }
        }
    };
    Plan { next: Some(next), effect, outcome: Outcome::Changed }
}

/// A postback that does not decide: the amount is believed until something is claimed, and a claim
/// is noted.
fn plan_claim(
    current: &Conversion,
    expectation: Option<Id<kind::Expectation>>,
    told: &Told,
    status: Status,
    now: Timestamp,
) -> Plan {
    match status {
        Status::Occurred if current.claimed.is_some() => Plan::nothing(Outcome::Stale),
        Status::Occurred => plan_amount(current, expectation, told, now),
        Status::Approved | Status::Rejected if current.claimed == Some(status) => {
            Plan::nothing(Outcome::Duplicate)
        }
        Status::Approved | Status::Rejected => {
            let mut next = changed(current, now);
            next.claimed = Some(status);
            next.reason.clone_from(&told.reason);
            Plan { next: Some(next), effect: Effect::None, outcome: Outcome::Claimed }
        }
    }
}

/// A postback after the decision: agreeing, it is late; otherwise a person has to look.
fn plan_late_claim(current: &Conversion, status: Status, now: Timestamp) -> Plan {
    let agrees = match current.state {
        ConversionState::Approved { .. } => status == Status::Approved,
        ConversionState::Rejected { .. } | ConversionState::Reversed { .. } => {
            status == Status::Rejected
        }
        ConversionState::NeedsReview | ConversionState::Tracked { .. } => false,
    };
    match status {
        Status::Occurred => Plan::nothing(Outcome::Stale),
        Status::Approved | Status::Rejected if agrees || current.claimed == Some(status) => {
            Plan::nothing(Outcome::Duplicate)
        }
        Status::Approved | Status::Rejected => {
            let mut plan = flag(current, Review::ClaimDiffers, now);
            if let Some(next) = &mut plan.next {
                next.claimed = Some(status);
            }
            plan
        }
    }
}

fn plan_approved(current: &Conversion, told: &Told, status: Status, now: Timestamp) -> Plan {
    match status {
        Status::Occurred => Plan::nothing(Outcome::Stale),
        Status::Approved if same_amounts(current, told) => Plan::nothing(Outcome::Duplicate),
        Status::Approved if told.commission == 0 => flag(current, Review::CommissionZero, now),
        Status::Approved => {
            let Some(next) = revalued(current, told, now) else {
                return flag(current, Review::AmountOutOfRange, now);
            };
            let effect = if next.points == current.points {
                Effect::None
            } else {
                Effect::Correct { from: current.points, to: next.points }
            };
            Plan { next: Some(next), effect, outcome: Outcome::Corrected }
        }
        Status::Rejected => {
            let mut next = changed(current, now);
            next.state = ConversionState::Reversed { decided_at: now };
            next.reason.clone_from(&told.reason);
            Plan { next: Some(next), effect: Effect::TakeBack, outcome: Outcome::Reversed }
        }
    }
}

/// The advertiser changed its mind; what was not checked when it was rejected is checked now.
fn plan_rejected(
    sight: Sight<'_>,
    current: &Conversion,
    told: &Told,
    status: Status,
    now: Timestamp,
) -> Plan {
    match status {
        Status::Occurred => return Plan::nothing(Outcome::Stale),
        Status::Rejected => return Plan::nothing(Outcome::Duplicate),
        Status::Approved => {}
    }
    if let Some(review) = doubt(sight, told, now) {
        return flag(current, review, now);
    }
    let Some(mut next) = revalued(current, told, now) else {
        return flag(current, Review::AmountOutOfRange, now);
    };
    next.state = ConversionState::Approved { decided_at: now };
    next.reason = None;
    let effect = Effect::Grant { points: next.points };
    Plan { next: Some(next), effect, outcome: Outcome::Reopened }
}
