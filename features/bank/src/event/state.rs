use serde::Serialize;

use ledger::{Account, Book, Movement, MovementKind, Seq};
use store::natural_id;
use vocabulary::{Amount, CompanyNumber, Id, Timestamp, UnitCode, kind};
use web::{ToSchema, utoipa};

macro_rules! event_kinds {
    ($($(#[$doc:meta])* $name:ident $code:literal;)*) => {
        /// What can happen.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum EventKind {
            $($(#[$doc])* $name,)*
        }

        impl EventKind {
            /// All kinds.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Gives the stable word, as subscriptions name it.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// Finds a kind by its word.
            pub fn parse(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.code() == code)
            }
        }
    };
}

event_kinds! {
    /// Value moved from one account to another.
    TransferPosted "transfer.posted";
    /// Points were credited for an event.
    PointsGranted "points.granted";
    /// Points were spent.
    PointsRedeemed "points.redeemed";
    /// Points reached their last day.
    PointsExpired "points.expired";
    /// One leg of an exchange was posted.
    ExchangePosted "exchange.posted";
    /// Value left the books.
    PayoutPosted "payout.posted";
    /// Value was bought.
    TopUpPosted "top_up.posted";
    /// A correction was posted.
    AdjustmentPosted "adjustment.posted";
    /// A batch was undone.
    TransferReversed "transfer.reversed";
    /// A part of a reversal became a receivable.
    ShortfallPosted "shortfall.posted";
    /// An amount was reserved, at first or on top.
    HoldPlaced "hold.placed";
    /// Reserved value was posted.
    HoldCaptured "hold.captured";
    /// The rest of a hold was set free after its last capture.
    HoldReleased "hold.released";
    /// A hold was set free on request.
    HoldVoided "hold.voided";
    /// A hold was set free by the clock.
    HoldExpired "hold.expired";
    /// Value was announced, at first or on top.
    ExpectationAnnounced "expectation.announced";
    /// Announced value was lowered or dropped.
    ExpectationLowered "expectation.lowered";
    /// Announced value became a grant.
    ExpectationGranted "expectation.granted";
    /// An account refuses postings from now on.
    AccountFrozen "account.frozen";
    /// An account takes postings again.
    AccountThawed "account.thawed";
    /// An account was closed.
    AccountClosed "account.closed";
}

impl EventKind {
    /// Tells what a movement announces; activity alone is no event.
    pub const fn of(kind: MovementKind) -> Option<Self> {
        Some(match kind {
            MovementKind::Transfer => Self::TransferPosted,
            MovementKind::Grant => Self::PointsGranted,
            MovementKind::Redemption => Self::PointsRedeemed,
            MovementKind::Exchange => Self::ExchangePosted,
            MovementKind::Payout => Self::PayoutPosted,
            MovementKind::TopUp => Self::TopUpPosted,
            MovementKind::Adjustment => Self::AdjustmentPosted,
            MovementKind::Expiry => Self::PointsExpired,
            MovementKind::Reversal => Self::TransferReversed,
            MovementKind::Shortfall => Self::ShortfallPosted,
            MovementKind::Hold => Self::HoldPlaced,
            MovementKind::Capture | MovementKind::CaptureBeyond => Self::HoldCaptured,
            MovementKind::Release => Self::HoldReleased,
            MovementKind::Void => Self::HoldVoided,
            MovementKind::HoldExpiry => Self::HoldExpired,
            MovementKind::Announcement => Self::ExpectationAnnounced,
            MovementKind::Retraction => Self::ExpectationLowered,
            MovementKind::Fulfilment => Self::ExpectationGranted,
            MovementKind::Freeze => Self::AccountFrozen,
            MovementKind::Thaw => Self::AccountThawed,
            MovementKind::Close => Self::AccountClosed,
            MovementKind::Touch => return None,
        })
    }
}

/// Neighbouring movements of one batch that say one thing: several lots, one hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Occurrence {
    /// The first of them.
    pub first: Movement,
    /// The place of the last of them.
    pub last: Seq,
    /// How much in all.
    pub amount: Amount,
    /// What happened; `None` when it is nobody's matter.
    pub kind: Option<EventKind>,
}

impl Occurrence {
    fn begin(movement: &Movement) -> Self {
        Self {
            first: *movement,
            last: movement.seq,
            amount: movement.amount,
            kind: EventKind::of(movement.kind),
        }
    }

    fn continues(&self, movement: &Movement) -> bool {
        let same = |of: &Movement| (of.batch, of.debit, of.credit, of.subject);
        same(&self.first) == same(movement) && self.kind == EventKind::of(movement.kind)
    }
}

/// Gathers movements into occurrences. Whether the last one is whole only the next movement tells:
/// it is left out unless `complete` says that no more movements of its batch can come.
///
/// The movements begin where an occurrence does: at the first place, or after the last of another.
pub fn occurrences(movements: &[Movement], complete: bool) -> Vec<Occurrence> {
    let mut found: Vec<Occurrence> = Vec::new();
    for movement in movements {
        match found.last_mut() {
            Some(last) if last.continues(movement) => {
                last.last = movement.seq;
                last.amount = last.amount.checked_add(movement.amount).unwrap_or(Amount::MAX);
            }
            Some(_) | None => found.push(Occurrence::begin(movement)),
        }
    }
    if !complete {
        found.pop();
    }
    found
}

/// Something that happened to a company's accounts; the body of a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Happened {
    /// The same for every delivery of this event to this company.
    #[schema(value_type = String)]
    pub id: Id<kind::Event>,
    /// What: `hold.placed`, `points.granted`, …
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub timestamp: Timestamp,
    /// The rest.
    pub data: Particulars,
}

/// What an event tells beyond its type and time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct Particulars {
    /// The place of its last movement: events come in this order, and a list goes on after it.
    pub seq: u64,
    /// The place of its first movement.
    pub first_seq: u64,
    /// The batch.
    #[schema(value_type = String)]
    pub batch: Id<kind::Batch>,
    /// The code of the unit.
    #[schema(value_type = Option<String>)]
    pub unit: Option<UnitCode>,
    /// The account debited, or the one whose standing changed.
    #[schema(value_type = Option<String>)]
    pub debit: Option<Id<kind::Account>>,
    /// The account credited.
    #[schema(value_type = Option<String>)]
    pub credit: Option<Id<kind::Account>>,
    /// How much, in minor units.
    #[schema(value_type = i64)]
    pub amount: Amount,
    /// What for, in the company's own numbering.
    pub code: u16,
    /// The hold it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub hold: Option<Id<kind::Hold>>,
    /// The expectation it concerns.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub expectation: Option<Id<kind::Expectation>>,
    /// The batch that was undone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub original: Option<Id<kind::Batch>>,
}

/// Tells an occurrence to a company; `None` when it is no event, or not this company's matter.
pub fn happened(book: &Book, company: CompanyNumber, occurrence: &Occurrence) -> Option<Happened> {
    let kind = occurrence.kind?;
    let first = &occurrence.first;
    let [debit, credit] =
        [first.debit, first.credit].map(|number| book.account(number).map(Account::spec));
    let concerned = |spec: Option<&ledger::AccountSpec>| spec.is_some_and(|s| s.company == company);
    if !concerned(debit) && !concerned(credit) {
        return None;
    }
    let unit = debit.and_then(|spec| book.find_unit(spec.unit));
    let subject = |concerns: bool| first.subject.filter(|_| concerns);
    let of_batch = !first.kind.concerns_hold() && kind == EventKind::TransferReversed;
    let place = first.seq.get().to_be_bytes();
    Some(Happened {
        id: natural_id("bank.event", &[&company.get().to_be_bytes(), &place]),
        kind: kind.code(),
        timestamp: first.at,
        data: Particulars {
            seq: occurrence.last.get(),
            first_seq: first.seq.get(),
            batch: first.batch,
            unit: unit.map(|unit| unit.code),
            debit: debit.map(|spec| spec.id),
            credit: credit.map(|spec| spec.id).filter(|_| first.debit != first.credit),
            amount: occurrence.amount,
            code: first.code,
            hold: subject(first.kind.concerns_hold()).map(Id::from_bits),
            expectation: subject(first.kind.concerns_expectation()).map(Id::from_bits),
            original: subject(of_batch).map(Id::from_bits),
        },
    })
}

#[cfg(test)]
mod tests {
    use ledger::testing::Ledger;

    use super::*;

    fn journal() -> Ledger {
        let mut ledger = Ledger::new();
        ledger.run(
            "
            account issuer unlimited debit
            account wallet lots
            account shop unlimited
            2026-11-01
            transfer issuer -> wallet 300 kind grant lot free:2027-01-31   ok
            transfer issuer -> wallet 50 kind grant lot free:2027-02-28    ok
            hold h1 wallet -> shop 320                                     ok
            capture h1 310 final                                           ok
            freeze wallet                                                  ok
            ",
        );
        ledger
    }

    #[test]
    fn movements_of_several_lots_are_one_event() {
        let ledger = journal();
        let told: Vec<String> = occurrences(&ledger.journal, true)
            .iter()
            .map(|o| {
                let kind = o.kind.map_or("", EventKind::code);
                format!("{}-{} {kind} {}", o.first.seq, o.last, o.amount)
            })
            .collect();
        let expected = [
            "1-1 points.granted 300",
            "2-2 points.granted 50",
            "3-4 hold.placed 320",
            "5-6 hold.captured 310",
            "7-7 hold.released 10",
            "8-8 account.frozen 0",
        ];
        assert_eq!(told, expected);
    }

    #[test]
    fn a_page_that_ends_inside_an_event_leaves_it_for_the_next() {
        let journal = journal().journal;
        for size in 3..journal.len() {
            let (mut all, mut from) = (Vec::new(), 0);
            while from < journal.len() {
                let end = (from + size).min(journal.len());
                let page = occurrences(&journal[from..end], end == journal.len());
                let Some(last) = page.last() else {
                    panic!("a page of {size} gives no event");
                };
                from = usize::try_from(last.last.get()).unwrap();
                all.extend(page);
            }
            assert_eq!(all, occurrences(&journal, true), "pages of {size}");
        }
    }

    #[test]
    fn an_event_is_told_to_those_it_concerns() {
        let ledger = journal();
        let held = &occurrences(&ledger.journal, true)[2];
        let ours = CompanyNumber::new(1);
        let told = happened(&ledger.book, ours, held).unwrap();
        assert_eq!((told.kind, told.data.amount.minor_units()), ("hold.placed", 320));
        assert!(told.data.hold.is_some(), "the hold is named");
        assert_eq!(told, happened(&ledger.book, ours, held).unwrap());
        assert_eq!(happened(&ledger.book, CompanyNumber::new(9), held), None);
    }

    #[test]
    fn codes_come_back() {
        for kind in EventKind::ALL {
            assert_eq!(EventKind::parse(kind.code()), Some(*kind));
        }
    }
}
