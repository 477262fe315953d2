//! Files by which a bank is told to pay many people (総合振込, type 21), and the files that say
//! what became of it. A record has 120 bytes, each a character. Writing and reading are pure
//! functions; a file that is read can be written again, and is the same.

use crate::kana::BankText;
use vocabulary::{Amount, Day};

const RECORD_BYTES: usize = 120;
const LINE_END: &[u8] = b"\r\n";
/// What old programs put after the last record.
const END_OF_FILE: u8 = 0x1A;

/// So many decimal digits, leading zeros among them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digits<const N: usize>([u8; N]);

/// A text that is not so many digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this must have {0} digits")]
pub struct DigitsError(pub usize);

impl<const N: usize> Digits<N> {
    /// Reads exactly `N` digits.
    ///
    /// # Errors
    ///
    /// [`DigitsError`] when there are more or fewer, or something else.
    pub fn parse(text: &str) -> Result<Self, DigitsError> {
        Self::read(text.as_bytes()).ok_or(DigitsError(N))
    }

    /// Reads one to `N` digits, and puts zeros before them.
    ///
    /// # Errors
    ///
    /// [`DigitsError`] when there is none, more than `N`, or something else.
    pub fn padded(text: &str) -> Result<Self, DigitsError> {
        if text.is_empty() { Err(DigitsError(N)) } else { Self::parse(&format!("{text:0>N$}")) }
    }

    fn read(bytes: &[u8]) -> Option<Self> {
        let digits: [u8; N] = bytes.try_into().ok()?;
        digits.iter().all(u8::is_ascii_digit).then_some(Self(digits))
    }

    /// Gives the text.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(&self.0).unwrap_or("")
    }
}

impl<const N: usize> core::fmt::Display for Digits<N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

impl<const N: usize> core::fmt::Debug for Digits<N> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.as_str())
    }
}

macro_rules! coded {
    ($(#[$doc:meta])* $name:ident { $($(#[$case_doc:meta])* $case:ident = $byte:literal;)* }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name {
            $($(#[$case_doc])* $case,)*
        }

        impl $name {
            /// Every case.
            pub const ALL: &'static [Self] = &[$(Self::$case),*];

            /// Gives the byte that stands for it in a file.
            pub const fn byte(self) -> u8 {
                match self { $(Self::$case => $byte,)* }
            }

            /// Finds a case by its byte.
            pub fn of(byte: u8) -> Option<Self> {
                Self::ALL.iter().copied().find(|case| case.byte() == byte)
            }
        }
    };
}

coded! {
    /// What kind of account is paid (預金種目).
    AccountType {
        /// 普通.
        Ordinary = b'1';
        /// 当座.
        Current = b'2';
        /// 貯蓄; nobody pays from one.
        Savings = b'4';
        /// その他.
        Other = b'9';
    }
}

coded! {
    /// Whether the bank has been told of this payee before (新規コード).
    Novelty {
        /// The first payout to them.
        First = b'1';
        /// Their account changed since the last one.
        Changed = b'2';
        /// Neither, or not said.
        Other = b'0';
    }
}

coded! {
    /// How the banks send it (振込指定区分).
    Carriage {
        /// By wire (電信).
        Wire = b'7';
        /// By letter (文書).
        Letter = b'8';
    }
}

coded! {
    /// What the bank says became of a payout.
    PayoutOutcome {
        /// It was paid.
        Done = b'0';
        /// There is no such account.
        NoSuchAccount = b'1';
        /// The account has another name.
        NameDiffers = b'2';
        /// The owner of the account does not take it.
        CancelledByOwner = b'8';
        /// It was not paid for another reason.
        Other = b'9';
    }
}

/// An account at a bank of Japan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BankAccount {
    /// The bank (銀行番号).
    pub bank: Digits<4>,
    /// Its branch (支店番号).
    pub branch: Digits<3>,
    /// The kind of account.
    pub account_type: AccountType,
    /// The account's number.
    pub number: Digits<7>,
}

/// A sign and number that are none of Yucho's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum YuchoError {
    /// The sign has other than five digits, or begins with other than 0 or 1.
    #[error("Yucho's sign (記号) has 5 digits and begins with 0 or 1")]
    Sign,
    /// The number of an ordinary account has other than 2 to 8 digits, or ends in other than 1.
    #[error("Yucho's number (番号) has 2 to 8 digits and ends in 1")]
    Number,
    /// The number of a current account has other than 1 to 7 digits.
    #[error("the number (番号) of a transfer account has 1 to 7 digits")]
    CurrentNumber,
}

impl BankAccount {
    /// Gives the account that other banks know for a sign and number (記号番号) of Yucho.
    ///
    /// Signs that begin with 1 are ordinary accounts: their number loses its last digit, which is
    /// always 1. Signs that begin with 0 are current accounts: their number stays.
    ///
    /// # Errors
    ///
    /// [`YuchoError`] when sign or number has another shape.
    pub fn yucho(sign: &str, number: &str) -> Result<Self, YuchoError> {
        let sign = Digits::<5>::parse(sign).map_err(|_digits| YuchoError::Sign)?;
        let [kind, tens, ones, _, _] = sign.0;
        let (account_type, last, error) = match kind {
            b'1' => (AccountType::Ordinary, b'8', YuchoError::Number),
            b'0' => (AccountType::Current, b'9', YuchoError::CurrentNumber),
            _other => return Err(YuchoError::Sign),
        };
        let bare = match account_type {
            AccountType::Ordinary => number.strip_suffix('1').ok_or(error)?,
            AccountType::Current | AccountType::Savings | AccountType::Other => number,
        };
        let number = Digits::padded(bare).map_err(|_digits| error)?;
        let branch = Digits([tens, ones, last]);
        Ok(Self { bank: Digits(*b"9900"), branch, account_type, number })
    }
}

/// A day of some year, as files have it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MonthDay {
    month: i8,
    day: i8,
}

impl MonthDay {
    /// Takes month and day; `None` when no year has it.
    pub fn try_new(month: i8, day: i8) -> Option<Self> {
        // 2024 is a leap year.
        Day::try_new(2024, month, day).map(|_day| Self { month, day })
    }

    /// Leaves out a day's year.
    pub fn of(day: Day) -> Self {
        let (_year, month, day) = day.civil();
        Self { month, day }
    }

    /// Gives the first day on or after `from` that this can be.
    pub fn first_from(self, from: Day) -> Option<Day> {
        let (year, _, _) = from.civil();
        // 29 February can be eight years away.
        (0..=8)
            .filter_map(|years| Day::try_new(year.checked_add(years)?, self.month, self.day))
            .find(|day| *day >= from)
    }

    fn parse(digits: Digits<4>) -> Option<Self> {
        let (month, day) = digits.as_str().split_at_checked(2)?;
        Self::try_new(month.parse().ok()?, day.parse().ok()?)
    }
}

/// Who pays, and from where (振込依頼人).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The code that the bank gave them.
    pub code: Digits<10>,
    /// Their name.
    pub name: BankText<40>,
    /// The account that is charged.
    pub account: BankAccount,
    /// The bank's name; may be empty.
    pub bank_name: BankText<15>,
    /// The branch's name; may be empty.
    pub branch_name: BankText<15>,
}

/// What the payer says beside the amount: 20 bytes for one use or the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PayoutNote {
    /// Two numbers of the payer's for the payee (顧客コード); either may be empty.
    Codes(BankText<10>, BankText<10>),
    /// A text that the payee's bank passes on (EDI情報).
    Edi(BankText<20>),
}

/// One payout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Payout {
    /// Where to.
    pub account: BankAccount,
    /// The bank's name; may be empty.
    pub bank_name: BankText<15>,
    /// The branch's name; may be empty.
    pub branch_name: BankText<15>,
    /// Whose account it is.
    pub name: BankText<30>,
    /// Yen.
    pub amount: Amount,
    /// Whether the payee is new.
    pub novelty: Novelty,
    /// What is said beside.
    pub note: PayoutNote,
    /// How it is sent.
    pub carriage: Carriage,
}

/// A file of payouts of one sender on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayoutFile {
    /// Who pays.
    pub sender: Sender,
    /// On which business day.
    pub pay_on: MonthDay,
    /// Whom.
    pub payouts: Vec<Payout>,
}

/// A payout, and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PayoutResult {
    /// The payout, as it was asked for.
    pub payout: Payout,
    /// What the bank says.
    pub outcome: PayoutOutcome,
}

/// A file in which the bank says what became of a file of payouts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResultFile {
    /// Who pays.
    pub sender: Sender,
    /// On which business day.
    pub pay_on: MonthDay,
    /// What became of each.
    pub results: Vec<PayoutResult>,
}

/// What stands after each record. Banks take both of these and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LineEnd {
    /// Nothing.
    None,
    /// Carriage return and line feed.
    CrLf,
}

macro_rules! fields {
    ($($(#[$doc:meta])* $name:ident = $code:literal $from:literal $length:literal;)*) => {
        /// A field of a record: where it begins, from 1, and how long it is.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Field {
            $($(#[$doc])* $name,)*
        }

        impl Field {
            /// Every field.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Gives the stable code, as key of the texts.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// Gives the position of its first byte, from 1.
            pub const fn position(self) -> usize {
                match self { $(Self::$name => $from,)* }
            }

            /// Gives its length in bytes.
            pub const fn length(self) -> usize {
                match self { $(Self::$name => $length,)* }
            }
        }
    };
}

fields! {
    /// Which record it is.
    RecordKind = "record_kind" 1 1;
    /// Header: what kind of file it is.
    FileType = "file_type" 2 2;
    /// Header: in which code it is.
    CodeType = "code_type" 4 1;
    /// Header: the sender's code.
    SenderCode = "sender_code" 5 10;
    /// Header: the sender's name.
    SenderName = "sender_name" 15 40;
    /// Header: the day.
    PayOn = "pay_on" 55 4;
    /// Header: the sender's bank.
    SenderBank = "sender_bank" 59 4;
    /// Header: its name.
    SenderBankName = "sender_bank_name" 63 15;
    /// Header: the sender's branch.
    SenderBranch = "sender_branch" 78 3;
    /// Header: its name.
    SenderBranchName = "sender_branch_name" 81 15;
    /// Header: the kind of the sender's account.
    SenderAccountType = "sender_account_type" 96 1;
    /// Header: the sender's account.
    SenderAccount = "sender_account" 97 7;
    /// Payout: the bank.
    Bank = "bank" 2 4;
    /// Payout: its name.
    BankName = "bank_name" 6 15;
    /// Payout: the branch.
    Branch = "branch" 21 3;
    /// Payout: its name.
    BranchName = "branch_name" 24 15;
    /// Payout: the clearing house, which nobody uses any more.
    ClearingHouse = "clearing_house" 39 4;
    /// Payout: the kind of account.
    AccountType = "account_type" 43 1;
    /// Payout: the account.
    Account = "account" 44 7;
    /// Payout: whose account it is.
    Name = "name" 51 30;
    /// Payout: the amount.
    Amount = "amount" 81 10;
    /// Payout: whether the payee is new.
    Novelty = "novelty" 91 1;
    /// Payout: the payer's first number for the payee.
    FirstCode = "first_code" 92 10;
    /// Payout: the second.
    SecondCode = "second_code" 102 10;
    /// Payout: a text instead of both.
    Edi = "edi" 92 20;
    /// Payout: how it is sent.
    Carriage = "carriage" 112 1;
    /// Payout: whether there is a text instead of numbers.
    EdiMark = "edi_mark" 113 1;
    /// Payout: what became of it, in files from the bank.
    Outcome = "outcome" 114 1;
    /// Trailer: how many payouts.
    Count = "count" 2 6;
    /// Trailer: how much together.
    Total = "total" 8 12;
}

/// Where in a file that cannot be written something is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In what is said of the sender.
    Sender,
    /// In a payout, from 1.
    Payout(usize),
    /// In the sums.
    Sums,
}

impl core::fmt::Display for Place {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        match self {
            Self::Sender => f.write_str("sender"),
            Self::Payout(number) => write!(f, "payout {number}"),
            Self::Sums => f.write_str("sums"),
        }
    }
}

/// Why a field cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WriteProblem {
    /// There is nothing, or none.
    #[error("there is nothing")]
    Empty,
    /// The figure has more digits than the field.
    #[error("more digits than the field has")]
    TooLarge,
    /// An account of this kind cannot be here.
    #[error("an account of this kind cannot pay")]
    AccountType,
}

/// What cannot be written: where, which field, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{place}, {}: {problem}", field.code())]
pub struct WriteError {
    /// Where.
    pub place: Place,
    /// Which field.
    pub field: Field,
    /// Why.
    pub problem: WriteProblem,
}

/// Writes a file.
///
/// # Errors
///
/// [`WriteError`] with the first payout and field that cannot be written.
pub fn write(file: &PayoutFile, line_end: LineEnd) -> Result<Vec<u8>, WriteError> {
    let mut records = vec![write_header(&file.sender, file.pay_on)?];
    let mut total = Amount::ZERO;
    let sums = |field, problem| WriteError { place: Place::Sums, field, problem };
    for (number, payout) in (1..).zip(&file.payouts) {
        records.push(write_payout(payout, Place::Payout(number))?);
        let too_large = || sums(Field::Total, WriteProblem::TooLarge);
        total = total.checked_add(payout.amount).ok_or_else(too_large)?;
    }
    if file.payouts.is_empty() {
        return Err(sums(Field::Count, WriteProblem::Empty));
    }
    let mut trailer = Written::begin(b'8', Place::Sums);
    trailer.put_figure(Field::Count, file.payouts.len())?;
    trailer.put_figure(Field::Total, total)?;
    records.extend([trailer, Written::begin(b'9', Place::Sums)]);
    let after = match line_end {
        LineEnd::None => &[],
        LineEnd::CrLf => LINE_END,
    };
    Ok(records.iter().flat_map(|record| [&record.bytes[..], after]).flatten().copied().collect())
}

fn write_header(sender: &Sender, pay_on: MonthDay) -> Result<Written, WriteError> {
    let mut record = Written::begin(b'1', Place::Sender);
    record.put(Field::FileType, *b"21");
    record.put(Field::CodeType, *b"0");
    record.put(Field::SenderCode, sender.code.0);
    record.put_name(Field::SenderName, &sender.name)?;
    record.put(Field::PayOn, format!("{:02}{:02}", pay_on.month, pay_on.day).bytes());
    record.put(Field::SenderBank, sender.account.bank.0);
    record.put(Field::SenderBankName, sender.bank_name.bytes());
    record.put(Field::SenderBranch, sender.account.branch.0);
    record.put(Field::SenderBranchName, sender.branch_name.bytes());
    if sender.account.account_type == AccountType::Savings {
        return Err(record.error(Field::SenderAccountType, WriteProblem::AccountType));
    }
    record.put(Field::SenderAccountType, [sender.account.account_type.byte()]);
    record.put(Field::SenderAccount, sender.account.number.0);
    Ok(record)
}

fn write_payout(payout: &Payout, place: Place) -> Result<Written, WriteError> {
    let mut record = Written::begin(b'2', place);
    record.put(Field::Bank, payout.account.bank.0);
    record.put(Field::BankName, payout.bank_name.bytes());
    record.put(Field::Branch, payout.account.branch.0);
    record.put(Field::BranchName, payout.branch_name.bytes());
    record.put(Field::ClearingHouse, *b"0000");
    record.put(Field::AccountType, [payout.account.account_type.byte()]);
    record.put(Field::Account, payout.account.number.0);
    record.put_name(Field::Name, &payout.name)?;
    if payout.amount.is_zero() {
        return Err(record.error(Field::Amount, WriteProblem::Empty));
    }
    record.put_figure(Field::Amount, payout.amount)?;
    record.put(Field::Novelty, [payout.novelty.byte()]);
    match &payout.note {
        PayoutNote::Codes(first, second) => {
            record.put(Field::FirstCode, first.bytes());
            record.put(Field::SecondCode, second.bytes());
        }
        PayoutNote::Edi(text) => {
            record.put(Field::Edi, text.bytes());
            record.put(Field::EdiMark, *b"Y");
        }
    }
    record.put(Field::Carriage, [payout.carriage.byte()]);
    Ok(record)
}

/// A record that is being written; what is not put stays blank.
struct Written {
    bytes: [u8; RECORD_BYTES],
    place: Place,
}

impl Written {
    fn begin(kind: u8, place: Place) -> Self {
        let mut record = Self { bytes: [b' '; RECORD_BYTES], place };
        record.put(Field::RecordKind, [kind]);
        record
    }

    fn error(&self, field: Field, problem: WriteProblem) -> WriteError {
        WriteError { place: self.place, field, problem }
    }

    /// Puts bytes at the left of a field. The types of what is put are never longer than it.
    fn put(&mut self, field: Field, bytes: impl IntoIterator<Item = u8>) {
        let before = field.position().saturating_sub(1);
        let places = self.bytes.iter_mut().skip(before).take(field.length());
        for (place, byte) in places.zip(bytes) {
            *place = byte;
        }
    }

    fn put_name<const MAX: usize>(
        &mut self,
        field: Field,
        name: &BankText<MAX>,
    ) -> Result<(), WriteError> {
        if name.is_empty() {
            return Err(self.error(field, WriteProblem::Empty));
        }
        self.put(field, name.bytes());
        Ok(())
    }

    /// Puts a figure at the right of a field, with zeros before it.
    fn put_figure(
        &mut self,
        field: Field,
        figure: impl core::fmt::Display,
    ) -> Result<(), WriteError> {
        let digits = format!("{:0>width$}", figure.to_string(), width = field.length());
        if digits.len() > field.length() {
            return Err(self.error(field, WriteProblem::TooLarge));
        }
        self.put(field, digits.bytes());
        Ok(())
    }
}

macro_rules! read_problems {
    ($($(#[$doc:meta])* $name:ident = $code:literal $text:literal;)*) => {
        /// What is wrong with a file that was read.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
        pub enum ReadProblem {
            $($(#[$doc])* #[error($text)] $name,)*
        }

        impl ReadProblem {
            /// Every problem.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Gives the stable code, as key of the texts.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

read_problems! {
    /// The file ends inside the record, or before it.
    Truncated = "truncated" "the file ends too early";
    /// After the record stands something else than in the others.
    LineEnd = "line_end" "records end in CR LF, all of them, or in nothing";
    /// It is another record than can be here.
    RecordKind = "record_kind" "another record must be here";
    /// The file is of another type than 21.
    FileType = "file_type" "this is no file of payouts (21)";
    /// The file is not in JIS.
    CodeType = "code_type" "the file must be in JIS";
    /// Something else than digits.
    NotDigits = "not_digits" "only digits can be here";
    /// A byte that is no character banks take.
    NotText = "not_text" "banks do not take this character";
    /// A mark that means nothing here.
    NotCode = "not_code" "this code is not known";
    /// No day of any year.
    NotDay = "not_day" "there is no such day";
    /// Nothing where something must be.
    Empty = "empty" "something must be here";
    /// The number of payouts is another than the trailer says.
    CountDiffers = "count_differs" "there are more or fewer payouts";
    /// The sum of the payouts is another than the trailer says.
    TotalDiffers = "total_differs" "the amounts add up to something else";
    /// There is more after the end record.
    AfterEnd = "after_end" "nothing can be after the end";
}

/// What is wrong in a file: in which record and at which position, both from 1, and what.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("record {record}, position {position}: {problem}")]
pub struct ReadError {
    /// The record.
    pub record: usize,
    /// The byte in it.
    pub position: usize,
    /// What.
    pub problem: ReadProblem,
}

/// Reads a file of payouts, in both line forms.
///
/// # Errors
///
/// [`ReadError`] with the first record and position that is wrong.
pub fn read(bytes: &[u8]) -> Result<PayoutFile, ReadError> {
    let found = read_records(bytes)?;
    let payouts = found.payouts.into_iter().map(|(payout, _record)| payout).collect();
    Ok(PayoutFile { sender: found.sender, pay_on: found.pay_on, payouts })
}

/// Reads a file that says what became of payouts. A payout without a known result is an error:
/// nothing is taken to be done that is not said to be.
///
/// # Errors
///
/// [`ReadError`] with the first record and position that is wrong.
pub fn read_results(bytes: &[u8]) -> Result<ResultFile, ReadError> {
    let found = read_records(bytes)?;
    let result = |(payout, record): (Payout, Record<'_>)| {
        let outcome = record.code(Field::Outcome, PayoutOutcome::of)?;
        Ok(PayoutResult { payout, outcome })
    };
    let results = found.payouts.into_iter().map(result).collect::<Result<_, _>>()?;
    Ok(ResultFile { sender: found.sender, pay_on: found.pay_on, results })
}

struct Found<'a> {
    sender: Sender,
    pay_on: MonthDay,
    payouts: Vec<(Payout, Record<'a>)>,
}

fn read_records(bytes: &[u8]) -> Result<Found<'_>, ReadError> {
    let mut lines = Lines::of(bytes);
    let (sender, pay_on) = lines.next()?.header()?;
    let mut payouts = Vec::new();
    let mut total = Amount::ZERO;
    let trailer = loop {
        let record = lines.next()?;
        match record.kind() {
            Some(b'2') => {
                let payout = record.payout()?;
                let sum = total.checked_add(payout.amount);
                total = sum.ok_or(record.error(Field::Amount, ReadProblem::TotalDiffers))?;
                payouts.push((payout, record));
            }
            Some(b'8') => break record,
            _other => return Err(record.error(Field::RecordKind, ReadProblem::RecordKind)),
        }
    };
    if payouts.is_empty() {
        return Err(trailer.error(Field::Count, ReadProblem::Empty));
    }
    if Ok(trailer.figure(Field::Count)?) != i64::try_from(payouts.len()) {
        return Err(trailer.error(Field::Count, ReadProblem::CountDiffers));
    }
    if trailer.figure(Field::Total)? != total.minor_units() {
        return Err(trailer.error(Field::Total, ReadProblem::TotalDiffers));
    }
    lines.next()?.expect_kind(b'9')?;
    lines.finish()?;
    Ok(Found { sender, pay_on, payouts })
}

/// Takes a file apart into records. Their end is decided by what stands after the first.
struct Lines<'a> {
    rest: &'a [u8],
    line_end: Option<&'static [u8]>,
    number: usize,
}

impl<'a> Lines<'a> {
    fn of(bytes: &'a [u8]) -> Self {
        let rest = bytes.strip_suffix(&[END_OF_FILE]).unwrap_or(bytes);
        Self { rest, line_end: None, number: 0 }
    }

    fn next(&mut self) -> Result<Record<'a>, ReadError> {
        self.number = self.number.saturating_add(1);
        let Some((bytes, rest)) = self.rest.split_at_checked(RECORD_BYTES) else {
            return Err(self.error(self.rest.len().saturating_add(1), ReadProblem::Truncated));
        };
        let found = if rest.starts_with(LINE_END) { LINE_END } else { &[] };
        let line_end = *self.line_end.get_or_insert(found);
        // The last record may stand without its end.
        self.rest = match rest.strip_prefix(line_end) {
            Some(after) if !after.starts_with(b"\r") && !after.starts_with(b"\n") => after,
            None if rest.is_empty() => rest,
            Some(_) | None => {
                return Err(self.error(RECORD_BYTES.saturating_add(1), ReadProblem::LineEnd));
            }
        };
        Ok(Record { bytes, number: self.number })
    }

    fn finish(self) -> Result<(), ReadError> {
        if self.rest.is_empty() {
            return Ok(());
        }
        let record = self.number.saturating_add(1);
        Err(ReadError { record, position: 1, problem: ReadProblem::AfterEnd })
    }

    fn error(&self, position: usize, problem: ReadProblem) -> ReadError {
        ReadError { record: self.number, position, problem }
    }
}

/// A record that is being read; it has its 120 bytes.
#[derive(Clone, Copy)]
struct Record<'a> {
    bytes: &'a [u8],
    number: usize,
}

impl Record<'_> {
    fn header(self) -> Result<(Sender, MonthDay), ReadError> {
        self.expect_kind(b'1')?;
        self.expect(Field::FileType, b"21", ReadProblem::FileType)?;
        self.expect(Field::CodeType, b"0", ReadProblem::CodeType)?;
        let code = self.digits(Field::SenderCode)?;
        let name = self.name(Field::SenderName)?;
        let pay_on = MonthDay::parse(self.digits(Field::PayOn)?)
            .ok_or(self.error(Field::PayOn, ReadProblem::NotDay))?;
        let bank = self.digits(Field::SenderBank)?;
        let bank_name = self.text(Field::SenderBankName)?;
        let branch = self.digits(Field::SenderBranch)?;
        let branch_name = self.text(Field::SenderBranchName)?;
        let account_type = self.code(Field::SenderAccountType, |byte| {
            AccountType::of(byte).filter(|account_type| *account_type != AccountType::Savings)
        })?;
        let number = self.digits(Field::SenderAccount)?;
        let account = BankAccount { bank, branch, account_type, number };
        Ok((Sender { code, name, account, bank_name, branch_name }, pay_on))
    }

    fn payout(self) -> Result<Payout, ReadError> {
        let bank = self.digits(Field::Bank)?;
        let bank_name = self.text(Field::BankName)?;
        let branch = self.digits(Field::Branch)?;
        let branch_name = self.text(Field::BranchName)?;
        let account_type = self.code(Field::AccountType, AccountType::of)?;
        let number = self.digits(Field::Account)?;
        let account = BankAccount { bank, branch, account_type, number };
        let name = self.name(Field::Name)?;
        let amount = Amount::magnitude(self.figure(Field::Amount)?);
        if amount.is_zero() {
            return Err(self.error(Field::Amount, ReadProblem::Empty));
        }
        let novelty = self.code(Field::Novelty, Novelty::of)?;
        let note = match self.field(Field::EdiMark) {
            b"Y" => PayoutNote::Edi(self.text(Field::Edi)?),
            b" " => PayoutNote::Codes(self.text(Field::FirstCode)?, self.text(Field::SecondCode)?),
            _other => return Err(self.error(Field::EdiMark, ReadProblem::NotCode)),
        };
        let carriage = self.code(Field::Carriage, Carriage::of)?;
        Ok(Payout { account, bank_name, branch_name, name, amount, novelty, note, carriage })
    }

    fn error(self, field: Field, problem: ReadProblem) -> ReadError {
        ReadError { record: self.number, position: field.position(), problem }
    }

    fn field(&self, field: Field) -> &[u8] {
        let before = field.position().saturating_sub(1);
        self.bytes.get(before..before.saturating_add(field.length())).unwrap_or(&[])
    }

    fn kind(self) -> Option<u8> {
        self.bytes.first().copied()
    }

    fn expect_kind(self, kind: u8) -> Result<(), ReadError> {
        self.expect(Field::RecordKind, &[kind], ReadProblem::RecordKind)
    }

    fn expect(self, field: Field, bytes: &[u8], problem: ReadProblem) -> Result<(), ReadError> {
        if self.field(field) == bytes { Ok(()) } else { Err(self.error(field, problem)) }
    }

    fn digits<const N: usize>(self, field: Field) -> Result<Digits<N>, ReadError> {
        let bytes = self.field(field);
        let wrong = bytes.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(0);
        let position = field.position().saturating_add(wrong);
        let problem = ReadProblem::NotDigits;
        Digits::read(bytes).ok_or(ReadError { record: self.number, position, problem })
    }

    fn figure(self, field: Field) -> Result<i64, ReadError> {
        let bytes = self.field(field);
        if let Some(wrong) = bytes.iter().position(|byte| !byte.is_ascii_digit()) {
            let position = field.position().saturating_add(wrong);
            let problem = ReadProblem::NotDigits;
            return Err(ReadError { record: self.number, position, problem });
        }
        let figure = core::str::from_utf8(bytes).ok().and_then(|text| text.parse().ok());
        figure.ok_or(self.error(field, ReadProblem::NotDigits))
    }

    fn text<const MAX: usize>(self, field: Field) -> Result<BankText<MAX>, ReadError> {
        BankText::read(self.field(field)).map_err(|wrong| ReadError {
            record: self.number,
            position: field.position().saturating_add(wrong),
            problem: ReadProblem::NotText,
        })
    }

    fn name<const MAX: usize>(self, field: Field) -> Result<BankText<MAX>, ReadError> {
        let name: BankText<MAX> = self.text(field)?;
        if name.is_empty() { Err(self.error(field, ReadProblem::Empty)) } else { Ok(name) }
    }

    fn code<T>(self, field: Field, of: impl FnOnce(u8) -> Option<T>) -> Result<T, ReadError> {
        let byte = self.field(field).first().copied();
        byte.and_then(of).ok_or(self.error(field, ReadProblem::NotCode))
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use proptest::prelude::{
        Just, Strategy, any, prop_assert, prop_assert_eq, prop_oneof, proptest,
    };

    use super::*;

    fn account(bank: &str, branch: &str, number: &str) -> BankAccount {
        BankAccount {
            bank: Digits::parse(bank).unwrap(),
            branch: Digits::parse(branch).unwrap(),
            account_type: AccountType::Ordinary,
            number: Digits::padded(number).unwrap(),
        }
    }

    fn text<const MAX: usize>(text: &str) -> BankText<MAX> {
        BankText::parse(text).unwrap()
    }

    fn sender() -> Sender {
        Sender {
            code: Digits::padded("12345").unwrap(),
            name: text("株式会社ダイフク"),
            account: account("0001", "100", "7654321"),
            bank_name: text("ミズホ"),
            branch_name: text("ホンテン"),
        }
    }

    fn payout(name: &str, yen: u32) -> Payout {
        Payout {
            account: account("0005", "021", "12345"),
            bank_name: text("ミツビシユーエフジェイ"),
            branch_name: BankText::default(),
            name: text(name),
            amount: Amount::from(yen),
            novelty: Novelty::Other,
            note: PayoutNote::Codes(text("0000000001"), BankText::default()),
            carriage: Carriage::Wire,
        }
    }

    fn file() -> PayoutFile {
        let with_text = PayoutNote::Edi(text("EX-000001"));
        let mut second =
            Payout { note: with_text, ..payout("キョウコ　カブシキガイシャ", 10_000) };
        second.account = BankAccount::yucho("12340", "12345671").unwrap();
        PayoutFile {
            sender: sender(),
            pay_on: MonthDay::of(Day::parse("2026-11-25").unwrap()),
            payouts: vec![payout("ヤマダ　ハナコ", 300), second],
        }
    }

    fn shown(bytes: &[u8]) -> String {
        let text = encoding_rs::SHIFT_JIS.decode(bytes).0.into_owned();
        text.replace(' ', "_").replace("\r\n", "⏎\n")
    }

    #[test]
    fn a_file_has_these_bytes() {
        let bytes = write(&file(), LineEnd::CrLf).unwrap();
        assert_eq!(bytes.len(), 5 * 122);
        expect![[r#"
            12100000012345ｶ)ﾀﾞｲﾌｸ_________________________________11250001ﾐｽﾞﾎ___________100ﾎﾝﾃﾝ___________17654321_________________⏎
            20005ﾐﾂﾋﾞｼﾕ-ｴﾌｼﾞｴｲ__021_______________000010012345ﾔﾏﾀﾞ_ﾊﾅｺ______________________000000030000000000001__________7________⏎
            29900ﾐﾂﾋﾞｼﾕ-ｴﾌｼﾞｴｲ__238_______________000011234567ｷﾖｳｺ(ｶ________________________00000100000EX-000001___________7Y_______⏎
            8000002000000010300_____________________________________________________________________________________________________⏎
            9_______________________________________________________________________________________________________________________⏎
        "#]].assert_eq(&shown(&bytes));
        let bare = write(&file(), LineEnd::None).unwrap();
        assert_eq!(bare.len(), 5 * 120);
        assert_eq!(shown(&bare), shown(&bytes).replace("⏎\n", ""));
        // The name of the first payout, byte for byte.
        assert_eq!(bare[170..180], *b"\xD4\xCF\xC0\xDE \xCA\xC5\xBA  ");
        assert!(bare.iter().all(|byte| matches!(byte, b' '..=b'_' | 0xB1..=0xDF)), "JIS X 0201");
    }

    #[test]
    fn fields_fill_their_records_without_a_gap() {
        let ends = |field: &Field| field.position() + field.length();
        for (first, last, end) in [
            (Field::FileType, Field::SenderAccount, 104),
            (Field::Bank, Field::Outcome, 115),
            (Field::Count, Field::Total, 20),
        ] {
            let mut at = 2;
            for field in Field::ALL.iter().filter(|field| (first..=last).contains(field)) {
                if *field != Field::Edi {
                    assert_eq!(field.position(), at, "{}", field.code());
                    at = ends(field);
                }
            }
            assert_eq!(at, end);
        }
    }

    #[test]
    fn what_cannot_be_written_is_named() {
        let check = |change: fn(&mut PayoutFile), expected: &str| {
            let mut file = file();
            change(&mut file);
            assert_eq!(write(&file, LineEnd::None).unwrap_err().to_string(), expected);
        };
        check(|file| file.payouts.clear(), "sums, count: there is nothing");
        check(|file| file.payouts[1].amount = Amount::ZERO, "payout 2, amount: there is nothing");
        check(
            |file| file.payouts[1].amount = Amount::try_new(10_000_000_000).unwrap(),
            "payout 2, amount: more digits than the field has",
        );
        check(
            |file| file.payouts[0].name = BankText::default(),
            "payout 1, name: there is nothing",
        );
        check(
            |file| file.sender.name = BankText::default(),
            "sender, sender_name: there is nothing",
        );
        check(
            |file| file.sender.account.account_type = AccountType::Savings,
            "sender, sender_account_type: an account of this kind cannot pay",
        );
        check(
            |file| {
                let large = Amount::try_new(9_999_999_999).unwrap();
                file.payouts = vec![Payout { amount: large, ..file.payouts[0].clone() }; 101];
            },
            "sums, total: more digits than the field has",
        );
    }

    #[test]
    fn each_wrong_byte_of_a_file_is_named() {
        let bytes = write(&file(), LineEnd::None).unwrap();
        let lines = write(&file(), LineEnd::CrLf).unwrap();
        let with = |record: usize, position: usize, byte: u8| {
            let mut bytes = bytes.clone();
            bytes[(record - 1) * RECORD_BYTES + position - 1] = byte;
            bytes
        };
        let table = [
            (Vec::new(), "1:1 truncated"),
            (b"name,amount\r\n".to_vec(), "1:14 truncated"),
            (bytes[..119].to_vec(), "1:120 truncated"),
            (bytes[..599].to_vec(), "5:120 truncated"),
            (bytes[..480].to_vec(), "5:1 truncated"),
            (lines[..605].to_vec(), "5:118 truncated"),
            ([&lines[..], &lines[..]].concat(), "6:1 after_end"),
            ([&bytes[..], b"\r\n"].concat(), "5:121 line_end"),
            (lines.iter().copied().filter(|byte| *byte != b'\r').collect(), "1:121 line_end"),
            (lines.iter().copied().filter(|byte| *byte != b'\n').collect(), "1:121 line_end"),
            ([&lines[..244], &bytes[240..]].concat(), "3:121 line_end"),
            (with(1, 1, b'2'), "1:1 record_kind"),
            (with(1, 2, b'1'), "1:2 file_type"),
            (with(1, 4, b'1'), "1:4 code_type"),
            (with(1, 9, b' '), "1:9 not_digits"),
            (with(1, 15, b'a'), "1:15 not_text"),
            (with(1, 55, b'2'), "1:55 not_day"),
            (with(1, 96, b'4'), "1:96 not_code"),
            (with(2, 1, b'3'), "2:1 record_kind"),
            (with(2, 5, b'x'), "2:5 not_digits"),
            (with(2, 43, b'3'), "2:43 not_code"),
            (with(3, 52, 0x81), "3:52 not_text"),
            (with(3, 52, 0xA6), "3:52 not_text"),
            (with(3, 52, 0xFF), "3:52 not_text"),
            (with(3, 90, b'1'), "4:8 total_differs"),
            (with(3, 85, b'-'), "3:85 not_digits"),
            (with(3, 91, b' '), "3:91 not_code"),
            (with(3, 112, b' '), "3:112 not_code"),
            (with(3, 113, b'N'), "3:113 not_code"),
            (with(4, 7, b'3'), "4:2 count_differs"),
            (with(4, 2, b'9'), "4:2 count_differs"),
            (with(4, 19, b'1'), "4:8 total_differs"),
            (with(5, 1, b'8'), "5:1 record_kind"),
            ([&bytes[..120], &bytes[360..]].concat(), "2:2 empty"),
        ];
        for (bytes, expected) in table {
            let error = read(&bytes).unwrap_err();
            let found = format!("{}:{} {}", error.record, error.position, error.problem.code());
            assert_eq!(found, expected);
        }
        assert_eq!(read(&[&lines[..], &[END_OF_FILE]].concat()), Ok(file()));
        assert_eq!(read(&lines[..608]), Ok(file()), "the last line end may be missing");
    }

    #[test]
    fn results_are_read_and_none_is_guessed() {
        let mut bytes = write(&file(), LineEnd::CrLf).unwrap();
        let mut results = |first: u8, second: u8| {
            bytes[122 + 113] = first;
            bytes[244 + 113] = second;
            read_results(&bytes)
        };
        let cases = [
            (b'0', PayoutOutcome::Done),
            (b'1', PayoutOutcome::NoSuchAccount),
            (b'2', PayoutOutcome::NameDiffers),
            (b'8', PayoutOutcome::CancelledByOwner),
            (b'9', PayoutOutcome::Other),
        ];
        for (byte, outcome) in cases {
            let found = results(b'0', byte).unwrap();
            assert_eq!(found.results[0].outcome, PayoutOutcome::Done);
            assert_eq!(found.results[1].outcome, outcome);
            assert_eq!(found.results[1].payout, file().payouts[1]);
        }
        for byte in [b' ', b'3', 0xFF] {
            let error = results(b'0', byte).unwrap_err();
            assert_eq!((error.record, error.position), (3, 114));
        }
    }

    #[test]
    fn accounts_of_yucho_become_those_that_other_banks_know() {
        let table = [
            ("12340", "12345671", "9900-238-Ordinary-1234567"),
            ("10320", "11", "9900-038-Ordinary-0000001"),
            ("17300", "19927651", "9900-738-Ordinary-1992765"),
            ("00120", "123456", "9900-019-Current-0123456"),
            ("22340", "12345671", "Sign"),
            ("1234", "12345671", "Sign"),
            ("1234a", "12345671", "Sign"),
            ("１２３４０", "12345671", "Sign"),
            ("12340", "12345678", "Number"),
            ("12340", "1", "Number"),
            ("12340", "", "Number"),
            ("12340", "123456781", "Number"),
            ("12340", "1234x671", "Number"),
            ("00120", "12345678", "CurrentNumber"),
            ("00120", "", "CurrentNumber"),
        ];
        for (sign, number, expected) in table {
            let found = match BankAccount::yucho(sign, number) {
                Err(error) => format!("{error:?}"),
                Ok(found) => format!(
                    "{}-{}-{:?}-{}",
                    found.bank, found.branch, found.account_type, found.number
                ),
            };
            assert_eq!(found, expected, "{sign} {number}");
        }
    }

    #[test]
    fn a_day_without_its_year_is_the_next_one() {
        let day = |text: &str| Day::parse(text).unwrap();
        let table = [
            ("2026-12-28", 1, 4, "2027-01-04"),
            ("2026-12-28", 12, 28, "2026-12-28"),
            ("2026-12-28", 12, 27, "2027-12-27"),
            ("2025-03-01", 2, 29, "2028-02-29"),
        ];
        for (from, month, date, expected) in table {
            let found = MonthDay::try_new(month, date).unwrap().first_from(day(from));
            assert_eq!(found, Some(day(expected)), "{month}-{date} from {from}");
        }
        assert_eq!([MonthDay::try_new(2, 30), MonthDay::try_new(13, 1)], [None, None]);
    }

    fn texts<const MAX: usize>() -> impl Strategy<Value = BankText<MAX>> {
        "[ｱ-ﾝﾞﾟA-Z0-9 ().-]{0,45}".prop_map(|text| BankText::parse(&text).unwrap_or_default())
    }

    fn names<const MAX: usize>() -> impl Strategy<Value = BankText<MAX>> {
        "[ァ-ヶー]{1,45}".prop_filter_map("a name", |text| BankText::parse(&text).ok())
    }

    fn digits<const N: usize>() -> impl Strategy<Value = Digits<N>> {
        (0_u64..10_u64.pow(u32::try_from(N).unwrap()))
            .prop_map(|number| Digits::padded(&number.to_string()).unwrap())
    }

    fn accounts(types: &'static [AccountType]) -> impl Strategy<Value = BankAccount> {
        (digits(), digits(), proptest::sample::select(types), digits()).prop_map(
            |(bank, branch, account_type, number)| BankAccount {
                bank,
                branch,
                account_type,
                number,
            },
        )
    }

    fn payouts() -> impl Strategy<Value = Payout> {
        let notes = prop_oneof![
            (texts(), texts()).prop_map(|(first, second)| PayoutNote::Codes(first, second)),
            texts().prop_map(PayoutNote::Edi),
        ];
        let rest = (
            1_i64..=9_999_999_999,
            proptest::sample::select(Novelty::ALL),
            notes,
            proptest::sample::select(Carriage::ALL),
        );
        (accounts(AccountType::ALL), texts(), texts(), names(), rest).prop_map(
            |(account, bank_name, branch_name, name, (amount, novelty, note, carriage))| Payout {
                account,
                bank_name,
                branch_name,
                name,
                amount: Amount::try_new(amount).unwrap(),
                novelty,
                note,
                carriage,
            },
        )
    }

    fn files() -> impl Strategy<Value = PayoutFile> {
        const PAYING: &[AccountType] =
            &[AccountType::Ordinary, AccountType::Current, AccountType::Other];
        let senders = (digits(), names(), accounts(PAYING), texts(), texts()).prop_map(
            |(code, name, account, bank_name, branch_name)| Sender {
                code,
                name,
                account,
                bank_name,
                branch_name,
            },
        );
        let days = (0_i32..40_000).prop_map(|day| MonthDay::of(Day::from_number(day)));
        (senders, days, proptest::collection::vec(payouts(), 1..6))
            .prop_map(|(sender, pay_on, payouts)| PayoutFile { sender, pay_on, payouts })
    }

    proptest! {
        #[test]
        fn a_file_that_is_written_is_read_again(
            file in files(),
            line_end in prop_oneof![Just(LineEnd::None), Just(LineEnd::CrLf)],
        ) {
            let bytes = write(&file, line_end).unwrap();
            prop_assert_eq!(read(&bytes), Ok(file));
        }

        #[test]
        fn a_changed_file_is_refused_or_written_again(
            file in files(),
            changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
            end in any::<proptest::sample::Index>(),
            cut in any::<bool>(),
        ) {
            let mut bytes = write(&file, LineEnd::CrLf).unwrap();
            for (place, byte) in changes {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            if cut {
                bytes.truncate(end.index(bytes.len()));
            }
            match read(&bytes) {
                Ok(file) => {
                    let again = write(&file, LineEnd::None).unwrap();
                    prop_assert_eq!(read(&again), Ok(file));
                }
                Err(error) => {
                    prop_assert!(error.record <= 8, "{error}");
                    prop_assert!((1..=121).contains(&error.position), "{error}");
                }
            }
        }

        #[test]
        fn any_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
            prop_assert!(read(&bytes).is_err(), "chance makes no file");
            prop_assert!(read_results(&bytes).is_err(), "chance makes no file");
        }
    }
}
