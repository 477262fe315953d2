use std::collections::BTreeMap;

use crate::exchange::ExchangeState;
use crate::vault::Sealed;
use crate::zengin::{BankAccount, PayoutNote, PayoutOutcome, ResultFile};
use ledger::ActorNumber;
use store::natural_id;
use vocabulary::{Amount, CompanyNumber, Day, Id, Label, Timestamp, kind};

/// The most exchanges of one payout: few enough to be sent in one transaction, and for a person to
/// look over. What is beyond goes into the next.
pub const LINES_MAX: u32 = 1_000;

/// Where a payout stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PayoutState {
    /// Put together; nothing is paid.
    Draft,
    /// Somebody else approved it: its file is made, its exchanges are sent.
    Approved {
        /// Who.
        by: ActorNumber,
        /// When.
        at: Timestamp,
    },
    /// Called off; its exchanges wait for another payout.
    Discarded {
        /// Who.
        by: ActorNumber,
        /// When.
        at: Timestamp,
    },
}

impl PayoutState {
    /// Gives the stable code, as stored and as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Approved { .. } => "approved",
            Self::Discarded { .. } => "discarded",
        }
    }

    /// Who decided, and when.
    pub const fn decided(self) -> Option<(ActorNumber, Timestamp)> {
        match self {
            Self::Draft => None,
            Self::Approved { by, at } | Self::Discarded { by, at } => Some((by, at)),
        }
    }
}

/// Exchanges that are paid together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayoutRun {
    /// Which; follows from company and number.
    pub id: Id<kind::Payout>,
    /// The company that pays.
    pub company: CompanyNumber,
    /// Counts the company's payouts, from 1; stands in the file.
    pub number: u32,
    /// Where it stands.
    pub state: PayoutState,
    /// The business day on which the bank pays.
    pub pay_on: Day,
    /// How many exchanges.
    pub lines: u32,
    /// How much together, yen.
    pub total: Amount,
    /// Who put it together.
    pub made_by: ActorNumber,
    /// When.
    pub made_at: Timestamp,
    /// The file: its SHA-256 and itself.
    pub file: Option<([u8; 32], Sealed)>,
}

impl PayoutRun {
    /// Names a company's payout.
    pub fn id_of(company: CompanyNumber, number: u32) -> Id<kind::Payout> {
        natural_id("site.payout", &[&company.get().to_be_bytes(), &number.to_be_bytes()])
    }
}

/// Names the file of a payout: the same payout always has the same.
pub fn file_name(run: &PayoutRun) -> String {
    let day = run.pay_on.to_string().replace('-', "");
    format!("furikomi-{day}-{:04}.txt", run.number)
}

/// Whether what the bank said was applied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ResultState {
    /// Read and compared; nothing is changed yet.
    Checked,
    /// Applied.
    Applied {
        /// Who had it applied.
        by: ActorNumber,
        /// When.
        at: Timestamp,
    },
}

impl ResultState {
    /// Gives the stable code, as stored and as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Checked => "checked",
            Self::Applied { .. } => "applied",
        }
    }
}

/// A file in which the bank says what became of a payout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultUpload {
    /// Which; follows from payout and file.
    pub id: Id<kind::Report>,
    /// Of which payout.
    pub payout: Id<kind::Payout>,
    /// Its name, as it was sent.
    pub file_name: Label,
    /// The file.
    pub sealed: Sealed,
    /// Whether it was applied.
    pub state: ResultState,
    /// Who sent it.
    pub uploaded_by: ActorNumber,
    /// When.
    pub uploaded_at: Timestamp,
}

/// An exchange as it stands in a file: its line from 1, and what the file says of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RunLine {
    /// Which exchange.
    pub exchange: Id<kind::Exchange>,
    /// Where to.
    pub account: BankAccount,
    /// Yen.
    pub amount: Amount,
    /// Where it stands now.
    pub state: ExchangeState,
}

/// What a record of the bank's file is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Match {
    /// It is one of the payout's.
    Line {
        /// Which.
        exchange: Id<kind::Exchange>,
        /// What the bank says.
        outcome: PayoutOutcome,
    },
    /// Its line is one of the payout's, and its amount or account another.
    Differs {
        /// Which line, from 1.
        line: u32,
        /// What the bank paid.
        amount: Amount,
    },
    /// It is none of the payout's.
    Unknown {
        /// Which record, from 1.
        record: u32,
    },
    /// The same line came before.
    Again {
        /// Which line, from 1.
        line: u32,
    },
}

/// A bank's file compared with a payout.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ResultCheck {
    /// The records in their order.
    pub matches: Vec<Match>,
    /// Lines of the payout that the file does not name, and that are not at their end.
    pub missing: Vec<Id<kind::Exchange>>,
}

impl ResultCheck {
    /// Counts the records that were paid, that were not, and that are to be looked at.
    pub fn counts(&self) -> (u32, u32, u32) {
        let mut counts = (0_u32, 0_u32, 0_u32);
        for found in &self.matches {
            let count = match found {
                Match::Line { outcome: PayoutOutcome::Done, .. } => &mut counts.0,
                Match::Line { .. } => &mut counts.1,
                Match::Differs { .. } | Match::Unknown { .. } | Match::Again { .. } => {
                    &mut counts.2
                }
            };
            *count = count.saturating_add(1);
        }
        counts
    }

    /// Gives what can be applied.
    pub fn applicable(&self) -> Vec<(Id<kind::Exchange>, PayoutOutcome)> {
        let lines = self.matches.iter().filter_map(|found| match *found {
            Match::Line { exchange, outcome } => Some((exchange, outcome)),
            Match::Differs { .. } | Match::Unknown { .. } | Match::Again { .. } => None,
        });
        lines.collect()
    }
}

/// Compares what the bank says with the payout of a number. A record is one of ours when it carries
/// our two numbers; then account and amount must be ours too.
pub fn compare_results(number: u32, lines: &[RunLine], file: &ResultFile) -> ResultCheck {
    let mut check = ResultCheck::default();
    let numbered: BTreeMap<u32, &RunLine> = (1_u32..).zip(lines).collect();
    let mut seen = BTreeMap::new();
    for (record, result) in (1_u32..).zip(&file.results) {
        let payout = &result.payout;
        let place = match &payout.note {
            PayoutNote::Codes(line, run) if run.as_str().parse() == Ok(number) => {
                line.as_str().parse::<u32>().ok()
            }
            PayoutNote::Codes(..) | PayoutNote::Edi(_) => None,
        };
        let found = place.and_then(|place| Some((place, *numbered.get(&place)?)));
        check.matches.push(match found {
            None => Match::Unknown { record },
            Some((line, _)) if seen.insert(line, record).is_some() => Match::Again { line },
            Some((line, ours))
                if (ours.account, ours.amount) != (payout.account, payout.amount) =>
            {
                Match::Differs { line, amount: payout.amount }
            }
            Some((_, ours)) => Match::Line { exchange: ours.exchange, outcome: result.outcome },
        });
    }
    let open = |state: ExchangeState| {
        matches!(state, ExchangeState::Sent { .. } | ExchangeState::Unknown { .. })
    };
    let missing =
        numbered.iter().filter(|(line, ours)| !seen.contains_key(line) && open(ours.state));
    check.missing = missing.map(|(_, ours)| ours.exchange).collect();
    check
}
