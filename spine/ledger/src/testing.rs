//! Text tables that a domain person can review: one event a line, ending in the outcome expected.
//!
//! ```text
//! account NAME [lots] [debit] [unlimited] [negative capture reversal] [unit N]
//! policy transferable | payout_paid | idle RULE | no_breakage
//! policy order paid_before_free | order earliest
//! 2026-11-01 [12:00:00]                        sets the clock, in Japan
//! transfer A -> B [upto] N [kind K] [lot L] [as ID]   OUTCOME
//! hold H A -> B [upto] N [until DAY]           OUTCOME
//! increase H N | capture H [N] [final] [forced] | void H [N] | expire_hold H      OUTCOME
//! announce E A -> B N | change E N | grant E [N] [lot L] [final]                   OUTCOME
//! expire_lots A | expire_inactive A | reverse ID [shortfall A]                     OUTCOME
//! freeze A | thaw A | close A | touch A                                            OUTCOME
//! batch [as ID] { step ; step }                OUTCOME, `code@1` when the second step was refused
//! balance A N [held N] [incoming N] [expected N] [available N]
//! lots A [LOT=N …]            state H open|captured|voided|expired REMAINING CAPTURED
//! ```
//!
//! A lot is `free:2027-01-31` or `paid:never`, borne by company 1. An outcome is `ok`, `repeat`, or
//! the code of a refusal, with `=N` for its figure or for the amount that moved. After every line
//! the whole book is audited, and at the end of a table a replay of the journal must give the same
//! book.

use std::collections::BTreeMap;

use crate::{
    AccountNumber, AccountSpec, ActorNumber, BalanceRule, Batch, Book, CaptureRule, Few, HoldState,
    IdleRule, Lot, LotKind, Memory, Movement, MovementKind, NegativeBy, NormalSide, Original,
    Refusal, Remaining, SpendOrder, Step, Steps, Transfer, TransferKind, Unit, UnitNumber,
    UnitPolicy, Wanted, audit, digest,
};
use vocabulary::{
    Amount, CompanyNumber, Day, Id, IdSource, Scale, SeededIds, Timestamp, UnitCode, Zone, kind,
};

/// What went wrong with a line of a table.
type Wrong = String;

/// A book with names, for tables.
#[derive(Debug)]
pub struct Ledger {
    /// The book.
    pub book: Book,
    /// Every movement so far.
    pub journal: Vec<Movement>,
    now: Timestamp,
    policies: BTreeMap<u16, UnitPolicy>,
    specs: Vec<AccountSpec>,
    names: BTreeMap<String, AccountNumber>,
    asked: BTreeMap<Id<kind::Batch>, Steps>,
    ids: SeededIds,
}

struct JournalMemory<'a>(&'a [Movement]);

impl Memory for JournalMemory<'_> {
    fn hold_was_used(&self, id: Id<kind::Hold>) -> bool {
        self.used(MovementKind::Hold, id.bits())
    }

    fn expectation_was_used(&self, id: Id<kind::Expectation>) -> bool {
        self.used(MovementKind::Announcement, id.bits())
    }

    fn original(&self, id: Id<kind::Batch>) -> Option<Original> {
        let movements: Vec<Movement> =
            self.0.iter().filter(|movement| movement.batch == id).copied().collect();
        let reversed = self.used(MovementKind::Reversal, id.bits());
        (!movements.is_empty()).then_some(Original { movements, reversed })
    }
}

impl JournalMemory<'_> {
    fn used(&self, kind: MovementKind, subject: u128) -> bool {
        self.0.iter().any(|movement| movement.kind == kind && movement.subject == Some(subject))
    }
}

impl Default for Ledger {
    fn default() -> Self {
        Self::new()
    }
}

impl Ledger {
    /// Opens an empty book with one unit, `PT`, and its breakage account.
    pub fn new() -> Self {
        let mut ledger = Self {
            book: Book::new(),
            journal: Vec::new(),
            now: Timestamp::from_microseconds(1_790_000_000_000_000),
            policies: BTreeMap::new(),
            specs: Vec::new(),
            names: BTreeMap::new(),
            asked: BTreeMap::new(),
            ids: SeededIds::new(7),
        };
        ledger.set_policy(1, UnitPolicy::default());
        let breakage = ledger.open("breakage", |spec| spec.rule = BalanceRule::Unlimited);
        ledger.set_policy(1, UnitPolicy { breakage: Some(breakage), ..UnitPolicy::default() });
        ledger
    }

    /// Runs a table.
    ///
    /// # Panics
    ///
    /// When a line does not come out as it says, or an invariant does not hold after it.
    #[expect(clippy::panic, reason = "a table that fails must stop its test")]
    pub fn run(&mut self, table: &str) {
        for (number, line) in table.lines().enumerate() {
            let line = line.split('#').next().unwrap_or_default().trim();
            if line.is_empty() {
                continue;
            }
            if let Err(wrong) = self.line(line) {
                panic!(
                    "line {}: {line}\n{wrong}\n{:#?}",
                    number.saturating_add(1),
                    self.journal.last()
                );
            }
            let findings = audit(&self.book);
            assert!(findings.is_empty(), "after line {line}: {findings:?}");
        }
        assert_eq!(self.replay().accounts(), self.book.accounts(), "a replay gives another book");
    }

    /// Folds the journal into a new book.
    ///
    /// # Panics
    ///
    /// When a movement does not fit.
    #[expect(clippy::expect_used, reason = "a replay that fails must stop its test")]
    pub fn replay(&self) -> Book {
        let mut book = Book::new();
        for (&number, &policy) in &self.policies {
            book.set_unit(unit(number, policy));
        }
        for &spec in &self.specs {
            book.open_account(spec);
        }
        for movement in &self.journal {
            book.fold(movement).expect("a journal folds again");
        }
        book
    }

    /// Asks for steps under an id and gives the outcome as a table writes it.
    pub fn ask(&mut self, id: Id<kind::Batch>, steps: Vec<Step>) -> String {
        let Ok(batch) = Batch::try_new(id, ActorNumber::SYSTEM, steps) else {
            return "no batch".to_owned();
        };
        if let Some(before) = self.asked.get(&id) {
            let same = digest(before.as_slice()) == digest(batch.steps.as_slice());
            return if same { "repeat".to_owned() } else { Refusal::IdReused.code().to_owned() };
        }
        let known = self.journal.clone();
        let start = self.journal.len();
        match self.book.post(&batch, self.now, &JournalMemory(&known), &mut self.journal) {
            Ok(_posted) => {
                self.asked.insert(id, batch.steps);
                let written = self.journal.get(start..).unwrap_or_default();
                let moved: i64 = written
                    .iter()
                    .filter(|movement| movement.kind != MovementKind::Expiry)
                    .map(|movement| movement.amount.minor_units())
                    .sum();
                format!("ok={moved}")
            }
            Err(refused) => {
                let figure = refused.refusal.figure().map(|figure| format!("={figure}"));
                let figure = figure.unwrap_or_default();
                format!("{}{figure}@{}", refused.refusal.code(), refused.step)
            }
        }
    }

    /// Finds an account's number by its name in the table.
    pub fn number(&self, name: &str) -> Option<AccountNumber> {
        self.names.get(name).copied()
    }

    fn line(&mut self, line: &str) -> Result<(), Wrong> {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            ["account", name, options @ ..] => self.account(name, options),
            ["policy", rest @ ..] => self.policy(rest),
            ["balance", name, rest @ ..] => self.check_balance(name, rest),
            ["lots", name, rest @ ..] => self.check_lots(name, rest),
            ["state", hold, rest @ ..] => self.check_hold(hold, rest),
            [day] => self.clock(day, "12:00:00"),
            [day, time] if time.contains(':') => self.clock(day, time),
            [asked @ .., outcome] => self.event(asked, outcome),
            [] => Ok(()),
        }
    }

    fn clock(&mut self, day: &str, time: &str) -> Result<(), Wrong> {
        let moment = Zone::JAPAN.parse_local(&format!("{day} {time}"));
        self.now = moment.map_err(|error| error.to_string())?;
        Ok(())
    }

    fn event(&mut self, asked: &[&str], outcome: &str) -> Result<(), Wrong> {
        let (words, id) = match asked {
            [words @ .., "as", id] => (words, named_id(id)),
            ["batch", "as", id, words @ ..] => {
                return self.batch(words, named_id(id), outcome);
            }
            ["batch", words @ ..] => {
                let id = self.ids.next_id(self.now);
                return self.batch(words, id, outcome);
            }
            words => (words, self.ids.next_id(self.now)),
        };
        let step = self.step(words)?;
        let got = self.ask(id, vec![step]);
        compare(&got, outcome)
    }

    fn batch(&mut self, words: &[&str], id: Id<kind::Batch>, outcome: &str) -> Result<(), Wrong> {
        let inner: Vec<&str> =
            words.iter().copied().filter(|word| !["{", "}"].contains(word)).collect();
        let steps: Result<Vec<Step>, Wrong> =
            inner.split(|word| *word == ";").map(|words| self.step(words)).collect();
        let got = self.ask(id, steps?);
        compare(&got, outcome)
    }

    fn find(&self, name: &str) -> AccountNumber {
        // A name nobody opened stands for an account that does not exist.
        self.number(name).unwrap_or(AccountNumber::new(u32::MAX))
    }

    fn step(&self, words: &[&str]) -> Result<Step, Wrong> {
        let options = Options::parse(words)?;
        let amount = options.amount;
        Ok(match words {
            ["transfer", debit, "->", credit, ..] => Step::Transfer(Transfer {
                debit: self.find(debit),
                credit: self.find(credit),
                amount: options.wanted(),
                kind: options.kind,
                code: options.code,
                lot: options.lot,
            }),
            ["hold", id, debit, "->", credit, ..] => Step::Hold {
                id: named_id(id),
                debit: self.find(debit),
                credit: self.find(credit),
                amount: options.wanted(),
                expires_at: options.until.unwrap_or(self.now.plus_days(7)),
                code: options.code,
            },
            ["increase", id, ..] => {
                Step::IncreaseHold { hold: named_id(id), amount: amount.unwrap_or_default() }
            }
            ["capture", id, ..] => Step::Capture {
                hold: named_id(id),
                amount,
                rule: if options.forced { CaptureRule::Forced } else { CaptureRule::WithinHold },
                remaining: options.remaining,
                code: options.code,
            },
            ["void", id, ..] => Step::Void { hold: named_id(id), amount },
            ["expire_hold", id] => Step::ExpireHold { hold: named_id(id) },
            ["announce", id, debit, "->", credit, ..] => Step::Announce {
                id: named_id(id),
                debit: self.find(debit),
                credit: self.find(credit),
                amount: amount.unwrap_or_default(),
                due_at: options.until,
                code: options.code,
            },
            ["change", id, ..] => Step::ChangeExpectation {
                expectation: named_id(id),
                amount: amount.unwrap_or_default(),
            },
            ["grant", id, ..] => Step::GrantExpectation {
                expectation: named_id(id),
                amount,
                lot: options.lot,
                remaining: options.remaining,
                code: options.code,
            },
            ["expire_lots", name] => Step::ExpireLots { account: self.find(name) },
            ["expire_inactive", name] => Step::ExpireInactive { account: self.find(name) },
            ["reverse", id, rest @ ..] => Step::Reverse {
                original: named_id(id),
                shortfall: match rest {
                    ["shortfall", name] => Some(self.find(name)),
                    _none => None,
                },
                code: 0,
            },
            ["freeze", name] => Step::Freeze { account: self.find(name) },
            ["thaw", name] => Step::Thaw { account: self.find(name) },
            ["close", name] => Step::Close { account: self.find(name) },
            ["touch", name] => Step::Touch { account: self.find(name) },
            other => return Err(format!("no such step: {other:?}")),
        })
    }

    fn account(&mut self, name: &str, options: &[&str]) -> Result<(), Wrong> {
        let mut number = 1;
        for pair in options.windows(2) {
            if let ["unit", text] = pair {
                number = text.parse::<u16>().map_err(|error| error.to_string())?;
            }
        }
        if !self.policies.contains_key(&number) {
            self.set_policy(number, UnitPolicy::default());
        }
        let has = |word: &str| options.contains(&word);
        self.open(name, |spec| {
            spec.unit = UnitNumber::new(number);
            spec.lots = has("lots");
            if has("debit") {
                spec.side = NormalSide::Debit;
            }
            if has("unlimited") {
                spec.rule = BalanceRule::Unlimited;
            }
            if has("negative") {
                let by = NegativeBy { capture: has("capture"), reversal: has("reversal") };
                spec.rule = BalanceRule::Negative(by);
            }
        });
        Ok(())
    }

    fn open(&mut self, name: &str, change: impl Fn(&mut AccountSpec)) -> AccountNumber {
        let mut spec = AccountSpec {
            id: named_id(name),
            unit: UnitNumber::new(1),
            company: CompanyNumber::new(1),
            side: NormalSide::Credit,
            rule: BalanceRule::NonNegative,
            lots: false,
        };
        change(&mut spec);
        let number = self.book.open_account(spec);
        self.specs.push(spec);
        self.names.insert(name.to_owned(), number);
        number
    }

    fn policy(&mut self, words: &[&str]) -> Result<(), Wrong> {
        let mut policy = self.policies.get(&1).copied().unwrap_or_default();
        match words {
            ["transferable"] => policy.transferable = true,
            ["payout_paid"] => policy.paid_may_be_paid_out = true,
            ["idle", rule @ ..] => {
                policy.idle_rules =
                    Few::<IdleRule>::parse(&rule.join(" ")).ok_or("no such rule")?;
            }
            ["order", "paid_before_free"] => policy.spend_order = SpendOrder::PaidBeforeFree,
            ["order", "earliest"] => policy.spend_order = SpendOrder::Earliest,
            ["no_breakage"] => policy.breakage = None,
            other => return Err(format!("no such policy: {other:?}")),
        }
        self.set_policy(1, policy);
        Ok(())
    }

    fn set_policy(&mut self, number: u16, policy: UnitPolicy) {
        self.policies.insert(number, policy);
        self.book.set_unit(unit(number, policy));
    }

    fn check_balance(&self, name: &str, rest: &[&str]) -> Result<(), Wrong> {
        let account = self.book.account(self.find(name)).ok_or("no such account")?;
        let [balance, pairs @ ..] = rest else { return Err("no figure".to_owned()) };
        check_figure("balance", account.balance(), balance)?;
        for pair in pairs.chunks(2) {
            match pair {
                ["held", figure] => check_figure("held", account.pending().minor_units(), figure)?,
                ["incoming", figure] => {
                    check_figure("incoming", account.incoming().minor_units(), figure)?;
                }
                ["expected", figure] => check_figure("expected", account.expected(), figure)?,
                ["available", figure] => {
                    check_figure("available", account.available().minor_units(), figure)?;
                }
                other => return Err(format!("no such figure: {other:?}")),
            }
        }
        Ok(())
    }

    fn check_lots(&self, name: &str, expected: &[&str]) -> Result<(), Wrong> {
        let account = self.book.account(self.find(name)).ok_or("no such account")?;
        let mut got: Vec<String> = account
            .state()
            .cells()
            .iter()
            .map(|cell| format!("{}={}", cell.lot.to_string().replace(":1:", ":"), cell.posted))
            .collect();
        let mut wanted: Vec<String> = expected.iter().map(ToString::to_string).collect();
        got.sort();
        wanted.sort();
        if got == wanted { Ok(()) } else { Err(format!("lots are {got:?}")) }
    }

    fn check_hold(&self, name: &str, expected: &[&str]) -> Result<(), Wrong> {
        let hold = self.book.hold(named_id(name)).ok_or("no such hold")?;
        let state = match hold.state {
            HoldState::Open => "open",
            HoldState::Captured => "captured",
            HoldState::Voided => "voided",
            HoldState::Expired => "expired",
        };
        let got = format!("{state} {} {}", hold.remaining(), hold.captured);
        if got == expected.join(" ") { Ok(()) } else { Err(format!("the hold is {got}")) }
    }
}

fn check_figure(what: &str, got: i64, expected: &str) -> Result<(), Wrong> {
    if got.to_string() == expected { Ok(()) } else { Err(format!("{what} is {got}")) }
}

fn unit(number: u16, policy: UnitPolicy) -> Unit {
    let code = UnitCode::parse(if number == 1 { "PT" } else { "JPY" });
    Unit {
        number: UnitNumber::new(number),
        code: code.unwrap_or_else(|_| unreachable_code()),
        scale: Scale::default(),
        issuer: CompanyNumber::new(1),
        policy,
    }
}

#[expect(clippy::expect_used, reason = "`XX` is a code")]
fn unreachable_code() -> UnitCode {
    UnitCode::parse("XX").expect("two capital letters are a code")
}

/// The same name, the same id.
fn named_id<K>(name: &str) -> Id<K> {
    let bits =
        name.bytes().fold(0_u128, |bits, byte| (bits << 7) ^ (bits >> 90) ^ u128::from(byte));
    Id::from_bits(bits)
}

/// Compares `code=figure@step` with what a table says, which may leave out figure and step.
fn compare(got: &str, expected: &str) -> Result<(), Wrong> {
    let (code_and_figure, step) = got.split_once('@').unwrap_or((got, "0"));
    let (expected_code, expected_step) = expected.split_once('@').unwrap_or((expected, step));
    let (code, _figure) = code_and_figure.split_once('=').unwrap_or((code_and_figure, ""));
    let fits = if expected_code.contains('=') {
        code_and_figure == expected_code
    } else {
        code == expected_code
    };
    if fits && step == expected_step { Ok(()) } else { Err(format!("it came out as {got}")) }
}

#[derive(Debug)]
struct Options {
    amount: Option<Amount>,
    upto: bool,
    kind: TransferKind,
    code: u16,
    lot: Option<Lot>,
    until: Option<Timestamp>,
    forced: bool,
    remaining: Remaining,
}

impl Options {
    fn parse(words: &[&str]) -> Result<Self, Wrong> {
        let mut options = Self {
            amount: None,
            upto: false,
            kind: TransferKind::Transfer,
            code: 0,
            lot: None,
            until: None,
            forced: false,
            remaining: Remaining::Keep,
        };
        let mut words = words.iter().skip(1);
        while let Some(&word) = words.next() {
            match word {
                "upto" => options.upto = true,
                "forced" => options.forced = true,
                "final" => options.remaining = Remaining::Release,
                "kind" => options.kind = transfer_kind(words.next().copied())?,
                "lot" => options.lot = Some(lot(words.next().copied().unwrap_or_default())?),
                "code" => {
                    options.code = words.next().and_then(|text| text.parse().ok()).unwrap_or(0);
                }
                "until" => {
                    let day = Day::parse(words.next().copied().unwrap_or_default());
                    let day = day.map_err(|error| error.to_string())?;
                    options.until = Some(Zone::JAPAN.start_of(day));
                }
                other => {
                    if let Ok(amount) = other.parse::<i64>() {
                        options.amount = Amount::try_new(amount).ok();
                    }
                }
            }
        }
        Ok(options)
    }

    fn wanted(&self) -> Wanted {
        let amount = self.amount.unwrap_or_default();
        if self.upto { Wanted::UpTo(amount) } else { Wanted::Exactly(amount) }
    }
}

fn transfer_kind(name: Option<&str>) -> Result<TransferKind, Wrong> {
    TransferKind::ALL
        .into_iter()
        .find(|kind| Some(kind.movement().name()) == name)
        .ok_or_else(|| format!("no such kind: {name:?}"))
}

fn lot(text: &str) -> Result<Lot, Wrong> {
    let (kind, expiry) = text.split_once(':').ok_or("a lot is kind:expiry")?;
    let kind = if kind == "paid" { LotKind::Paid } else { LotKind::Free };
    let expires_on = match expiry {
        "never" => None,
        day => Some(Day::parse(day).map_err(|error| error.to_string())?),
    };
    Lot::try_new(CompanyNumber::new(1), kind, expires_on).map_err(|error| error.to_string())
}
