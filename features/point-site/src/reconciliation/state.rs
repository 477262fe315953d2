use crate::destination::DestinationKind;
use crate::exchange::{Exchange, ExchangeEvent, ExchangeState};
use crate::sheet::{LineCount, decode, narrow};
use ledger::ActorNumber;
use vocabulary::{
    Amount, BankCalendar, CompanyNumber, Day, Id, Label, Timestamp, Token, UnitCode, Zone, kind,
};

/// The most lines of a statement.
pub(crate) const LINES_MAX: usize = 60_000;
/// The most lines that cannot be read; with more, the file has another form.
const BAD_MAX: usize = 1_000;
/// The longest request id that is kept of a line.
pub(crate) const REFERENCE_MAX: usize = 64;
/// Business days until somebody has to have closed a difference.
const ANSWER_DAYS: u16 = 2;
/// The headings, in their order.
const HEADINGS: [&str; 6] = ["request_id", "processed_on", "product", "amount", "unit", "status"];

/// What a partner says became of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Told {
    /// It was done.
    Done,
    /// It was refused, and will not be done under its id.
    Refused,
}

impl Told {
    /// Gives the stable word, as files have it and as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Done => "success",
            Self::Refused => "failure",
        }
    }

    /// Finds it by its word.
    pub fn parse(code: &str) -> Option<Self> {
        [Self::Done, Self::Refused].into_iter().find(|told| told.code() == code)
    }
}

/// A line of a statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementLine {
    /// Where it stands in the file, from 1.
    pub line: u32,
    /// The request id.
    pub reference: String,
    /// The day on which the partner worked on it.
    pub processed_on: Day,
    /// The partner's product.
    pub product: String,
    /// How much.
    pub amount: Amount,
    /// In which unit.
    pub unit: String,
    /// What became of it.
    pub told: Told,
}

/// What is wrong with a line; the texts say what to do about each.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LineProblem {
    /// There are not six cells.
    Cells,
    /// The request id is empty or longer than 64 characters.
    Reference,
    /// The day is none.
    Day,
    /// The amount is no whole number from 0.
    Amount,
    /// The status is neither `success` nor `failure`.
    Status,
}

impl LineProblem {
    /// Gives the stable code, as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Cells => "cells",
            Self::Reference => "reference",
            Self::Day => "day",
            Self::Amount => "amount",
            Self::Status => "status",
        }
    }
}

/// A line that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BadLine {
    /// Where it stands in the file, from 1.
    pub line: u32,
    /// What is wrong with it.
    pub problem: LineProblem,
    /// Its beginning, for whoever asks the partner.
    pub text: String,
}

/// A statement as it was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reading {
    /// The lines, in the order of the file.
    pub lines: Vec<StatementLine>,
    /// Those that cannot be read.
    pub bad: Vec<BadLine>,
    /// The sum of the amounts, as the file says.
    pub sum: i64,
}

impl Reading {
    /// Counts all lines between the headings and the total.
    pub fn count(&self) -> u32 {
        let count = self.lines.len().saturating_add(self.bad.len());
        u32::try_from(count).unwrap_or(u32::MAX)
    }
}

/// A file that is no statement, or not all of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StatementError {
    /// The first line has other headings.
    #[error("the first line must be: request_id,processed_on,product,amount,unit,status")]
    Headings,
    /// The last line is not the total: the rest may have been cut off.
    #[error("the last line must be: total,,,SUM,,COUNT")]
    TotalMissing,
    /// The total says another count or sum than the lines have.
    #[error("the total says {count} lines and a sum of {sum}, which the lines do not have")]
    TotalDiffers {
        /// The count that it says.
        count: i64,
        /// The sum that it says.
        sum: i64,
    },
    /// More than 1,000 lines cannot be read: it has another form.
    #[error("too many lines cannot be read")]
    Unreadable,
    /// There are more than 60,000 lines.
    #[error("a statement has at most 60000 lines")]
    Long,
}

impl StatementError {
    /// Gives the stable code, as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Headings => "headings",
            Self::TotalMissing => "total_missing",
            Self::TotalDiffers { .. } => "total_differs",
            Self::Unreadable => "unreadable",
            Self::Long => "long",
        }
    }
}

/// Reads a statement: UTF-8 or CP932, a line of headings, one line for each request, and a total
/// that says how many lines there are and what their amounts make together. A line that cannot be
/// read is told, and does not keep the others from being read; its amount counts if it has one.
///
/// # Errors
///
/// [`StatementError`] when the file as a whole cannot be relied on.
pub fn read_statement(bytes: &[u8]) -> Result<Reading, StatementError> {
    let text = decode(bytes);
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut records = reader.records().filter_map(Result::ok);
    let cells = |record: &csv::StringRecord| -> Vec<String> {
        record.iter().map(|cell| narrow(cell).trim().to_owned()).collect()
    };
    let first = records.next().map(|record| cells(&record));
    if !first.is_some_and(|first| first == HEADINGS) {
        return Err(StatementError::Headings);
    }
    let (mut reading, mut places) = (Reading::default(), LineCount::new(&text));
    let mut total = None;
    for record in records {
        // What comes after the total is no part of the statement it closes.
        if total.is_some() {
            return Err(StatementError::TotalMissing);
        }
        let cells = cells(&record);
        if let [mark, _, _, sum, _, count] = cells.as_slice()
            && mark == "total"
        {
            total = count.parse::<i64>().ok().zip(sum.parse::<i64>().ok());
            total.ok_or(StatementError::TotalMissing)?;
            continue;
        }
        let line = places.at(record.position().map_or(0, csv::Position::byte));
        reading.take(line, &cells);
        if reading.lines.len().saturating_add(reading.bad.len()) > LINES_MAX {
            return Err(StatementError::Long);
        }
        if reading.bad.len() > BAD_MAX {
            return Err(StatementError::Unreadable);
        }
    }
    let (count, sum) = total.ok_or(StatementError::TotalMissing)?;
    if (count, sum) != (i64::from(reading.count()), reading.sum) {
        return Err(StatementError::TotalDiffers { count, sum });
    }
    Ok(reading)
}

impl Reading {
    fn take(&mut self, line: u32, cells: &[String]) {
        let amount = cells.get(3).and_then(|cell| cell.parse::<i64>().ok());
        self.sum = self.sum.saturating_add(amount.unwrap_or(0));
        match line_of(line, cells) {
            Ok(read) => self.lines.push(read),
            Err(problem) => {
                let text: String = cells.join(",").chars().take(80).collect();
                self.bad.push(BadLine { line, problem, text });
            }
        }
    }
}

fn line_of(line: u32, cells: &[String]) -> Result<StatementLine, LineProblem> {
    let [reference, day, product, amount, unit, status] = cells else {
        return Err(LineProblem::Cells);
    };
    if reference.is_empty() || reference.chars().count() > REFERENCE_MAX {
        return Err(LineProblem::Reference);
    }
    let amount = amount.parse::<i64>().ok().and_then(|amount| Amount::try_new(amount).ok());
    Ok(StatementLine {
        line,
        reference: reference.clone(),
        processed_on: Day::parse(day).map_err(|_none| LineProblem::Day)?,
        product: product.clone(),
        amount: amount.ok_or(LineProblem::Amount)?,
        unit: unit.clone(),
        told: Told::parse(status).ok_or(LineProblem::Status)?,
    })
}

/// Where an exchange was named before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mention {
    /// Which exchange.
    pub exchange: Id<kind::Exchange>,
    /// In which statement.
    pub statement: Id<kind::Report>,
    /// In which of its lines.
    pub line: u32,
    /// Of which day.
    pub processed_on: Day,
    /// What it said.
    pub told: Told,
}

/// What does not agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DifferenceClass {
    /// We never sent it, or not to this partner.
    TheirsOnly,
    /// Product, amount or unit are others than those that we sent.
    AmountDiffers,
    /// It is done for one of us and not for the other.
    StatusDiffers,
    /// The same request stands there once more.
    Duplicate,
    /// It is done for us, and no statement of its day or the next names it.
    OursOnly,
    /// The line cannot be read.
    Unreadable,
}

impl DifferenceClass {
    /// Every class.
    pub const ALL: &'static [Self] = &[
        Self::TheirsOnly,
        Self::AmountDiffers,
        Self::StatusDiffers,
        Self::Duplicate,
        Self::OursOnly,
        Self::Unreadable,
    ];

    /// Gives the stable word, as stored and as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::TheirsOnly => "theirs_only",
            Self::AmountDiffers => "amount_differs",
            Self::StatusDiffers => "status_differs",
            Self::Duplicate => "duplicate",
            Self::OursOnly => "ours_only",
            Self::Unreadable => "unreadable",
        }
    }

    /// Finds it by its word.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|class| class.code() == code)
    }
}

/// What a line is to us.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It agrees; `late` when it is of another day than ours.
    Agrees {
        /// Whether the partner's day is another than that of our answer.
        late: bool,
    },
    /// An earlier statement of this partner said the same of the same day.
    Known,
    /// The partner has decided and we have not: this happens to the exchange.
    Settles(ExchangeEvent),
    /// A person has to look.
    Differs(DifferenceClass),
}

/// Compares a line with the exchange that it names. `before` is where the exchange was named
/// already. A code is never made up: a gift code that a partner calls done and we do not have is a
/// difference until the partner gives it.
pub fn compare(
    line: &StatementLine,
    partner: &Token,
    exchange: Option<&Exchange>,
    before: Option<&Mention>,
    statement: Id<kind::Report>,
) -> Verdict {
    let ours = exchange.filter(|exchange| exchange.product == *partner);
    let Some(exchange) = ours else {
        return Verdict::Differs(DifferenceClass::TheirsOnly);
    };
    let quote = &exchange.quote;
    let same = line.product == quote.destination.as_str()
        && line.amount == quote.value
        && line.unit == quote.unit.as_str();
    if !same {
        return Verdict::Differs(DifferenceClass::AmountDiffers);
    }
    if let Some(before) = before {
        let resent = before.statement != statement
            && (before.processed_on, before.told) == (line.processed_on, line.told);
        return if resent { Verdict::Known } else { Verdict::Differs(DifferenceClass::Duplicate) };
    }
    compare_state(line, exchange)
}

fn compare_state(line: &StatementLine, exchange: &Exchange) -> Verdict {
    let differs = Verdict::Differs(DifferenceClass::StatusDiffers);
    let agrees = |at| Verdict::Agrees { late: Zone::JAPAN.day_of(at) != line.processed_on };
    match (exchange.state, line.told) {
        (ExchangeState::Completed { completed_at: at }, Told::Done)
        | (ExchangeState::Failed { failed_at: at }, Told::Refused) => agrees(at),
        (ExchangeState::Sent { .. } | ExchangeState::Unknown { .. }, Told::Refused) => {
            Verdict::Settles(ExchangeEvent::Fail)
        }
        (ExchangeState::Sent { .. } | ExchangeState::Unknown { .. }, Told::Done)
            if exchange.kind == DestinationKind::PartnerPoints =>
        {
            Verdict::Settles(ExchangeEvent::Arrive)
        }
        (
            ExchangeState::Sent { .. }
            | ExchangeState::Unknown { .. }
            | ExchangeState::Failed { .. },
            Told::Done,
        )
        | (ExchangeState::Completed { .. }, Told::Refused)
        | (
            ExchangeState::Quoted { .. }
            | ExchangeState::Expired { .. }
            | ExchangeState::Accepted { .. }
            | ExchangeState::Held { .. }
            | ExchangeState::Returned { .. }
            | ExchangeState::Cancelled { .. },
            Told::Done | Told::Refused,
        ) => differs,
    }
}

/// Tells whether an exchange agrees by now with what was said of it.
pub(crate) fn agrees_now(exchange: &Exchange, told: Told) -> bool {
    matches!(
        (exchange.state, told),
        (ExchangeState::Completed { .. }, Told::Done)
            | (ExchangeState::Failed { .. }, Told::Refused)
    )
}

/// How far a statement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatementState {
    /// Its lines are compared; so many are.
    Reading {
        /// How many lines were compared.
        done: u32,
    },
    /// It is looked for what no statement names.
    Searching,
    /// All of it was compared.
    Done,
}

impl StatementState {
    /// Gives the stable word, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Reading { .. } => "reading",
            Self::Searching => "searching",
            Self::Done => "done",
        }
    }
}

/// How many lines of a statement are what.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// They agree.
    pub agreed: u32,
    /// Of them, of another day.
    pub late: u32,
    /// An earlier statement had them.
    pub known: u32,
    /// They ended an exchange that waited for the partner.
    pub settled: u32,
    /// They are differences.
    pub different: u32,
}

impl Counts {
    /// Counts a line.
    pub fn count(&mut self, verdict: Verdict) {
        let more = |count: &mut u32| *count = count.saturating_add(1);
        match verdict {
            Verdict::Agrees { late } => {
                more(&mut self.agreed);
                if late {
                    more(&mut self.late);
                }
            }
            Verdict::Known => more(&mut self.known),
            Verdict::Settles(_) => more(&mut self.settled),
            Verdict::Differs(_) => more(&mut self.different),
        }
    }
}

/// A partner's statement of a day, without its bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartnerStatement {
    /// Follows from company, partner, day and the file's SHA-256: the same file is the same
    /// statement.
    pub id: Id<kind::Report>,
    /// Whose partner.
    pub company: CompanyNumber,
    /// Which.
    pub partner: Token,
    /// Of which day, in Japan.
    pub day: Day,
    /// What the file is called.
    pub file_name: Label,
    /// How many lines it has, those that cannot be read among them.
    pub lines: u32,
    /// What their amounts make together.
    pub sum: i64,
    /// How far it is.
    pub state: StatementState,
    /// What its lines were.
    pub counts: Counts,
    /// Who brought it.
    pub received_by: ActorNumber,
    /// When.
    pub received_at: Timestamp,
}

/// How far a difference is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DifferenceState {
    /// Somebody has to look.
    Open,
    /// It went away by itself: a later statement or answer agrees.
    Settled {
        /// When.
        at: Timestamp,
    },
    /// A person has closed it.
    Closed {
        /// Who.
        by: ActorNumber,
        /// When.
        at: Timestamp,
    },
}

impl DifferenceState {
    /// Gives the stable word, as stored and as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Settled { .. } => "settled",
            Self::Closed { .. } => "closed",
        }
    }
}

/// Something that a partner and we do not agree on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Follows from what it is about: found again it is the same.
    pub id: Id<kind::Difference>,
    /// Whose partner.
    pub company: CompanyNumber,
    /// Which.
    pub partner: Token,
    /// The statement in which it was found, or after which it was missed.
    pub statement: Id<kind::Report>,
    /// The line; 0 for what is missing.
    pub line: u32,
    /// What does not agree.
    pub class: DifferenceClass,
    /// The exchange, when we know it.
    pub exchange: Option<Id<kind::Exchange>>,
    /// What the line says, or what we expected it to say.
    pub text: String,
    /// What the partner says became of it.
    pub told: Option<Told>,
    /// When it was found.
    pub opened_at: Timestamp,
    /// Until when somebody should have closed it.
    pub due_at: Timestamp,
    /// Whose it is to look after.
    pub owner: Option<ActorNumber>,
    /// How far it is.
    pub state: DifferenceState,
    /// What whoever closed it found out.
    pub note: String,
    /// Grows with each change.
    pub version: u32,
}

impl Difference {
    /// Tells whether it waits for longer than it should.
    pub fn overdue(&self, now: Timestamp) -> bool {
        self.state == DifferenceState::Open && self.due_at <= now
    }
}

/// Until when somebody should have closed what is found now: the end of the second business day.
/// Beyond the holidays that are known, days are counted as they are.
pub(crate) fn due_at(now: Timestamp) -> Timestamp {
    let today = Zone::JAPAN.day_of(now);
    let due_on = BankCalendar::JAPAN.add_business_days(today, ANSWER_DAYS);
    let due_on = due_on.unwrap_or_else(|_unknown| today.plus_days(i32::from(ANSWER_DAYS)));
    Zone::JAPAN.start_of(due_on.plus_days(1))
}

/// Writes what is known of a line in a few words.
pub(crate) fn line_text(line: &StatementLine) -> String {
    let StatementLine { reference, processed_on, product, amount, unit, told, .. } = line;
    let amount = amount.minor_units();
    let text = format!("{reference},{processed_on},{product},{amount},{unit},{}", told.code());
    text.chars().take(200).collect()
}

/// Writes what we expected to find of an exchange.
pub(crate) fn expected_text(exchange: &Exchange) -> String {
    let quote = &exchange.quote;
    let (amount, unit): (i64, &UnitCode) = (quote.value.minor_units(), &quote.unit);
    format!("{},{amount},{}", quote.destination.as_str(), unit.as_str())
}
