use serde::{Deserialize, Serialize};

use super::{
    AskedOpening, OpenAccounts, OpeningRefusal, Past,
    state::{posted_change, seen_amount},
};
use crate::{
    bank::{Bank, reaches},
    batch::{Asked, AskedAccount, api::post_step},
    form::{Chosen, LotView, ReceiptView, Repeated},
    problems::{ACCOUNT_DIFFERS, LEDGER, TOO_FAR_BACK, UNIT_NOT_FOUND},
};
use access::{Authenticated, Need};
use ledger::{
    Account, AccountNumber, BalanceRule, Cell, Movement, NegativeBy, NormalSide, Seq, Standing,
};
use store::{Fault, Store, UnderWay, natural_id};
use vocabulary::{Amount, CompanyNumber, Id, Timestamp, UnitCode, kind};
use web::{
    Caller, Cursor, IdempotencyKey, IntoParams, IntoResponse as _, Json, Operation, PageRequest,
    Paged, Path, Problem, ProblemKind, Query, Response, Routes, State, ToSchema, get, post,
    problems, utoipa,
};

/// The most accounts of one request.
const ACCOUNTS_MAX: usize = 10_000;

/// How many movements one question about the past walks back at most: about a second on a small
/// machine.
const WALK_MAX: usize = 100_000;

/// How many movements are read at once on such a walk.
const WALK_PAGE: u32 = 1_000;

/// The side on which a balance is positive.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum SideWord {
    /// What is owned or spent.
    Debit,
    /// What is owed or earned: members' points, takings.
    Credit,
}

impl From<SideWord> for NormalSide {
    fn from(word: SideWord) -> Self {
        match word {
            SideWord::Debit => Self::Debit,
            SideWord::Credit => Self::Credit,
        }
    }
}

impl From<NormalSide> for SideWord {
    fn from(side: NormalSide) -> Self {
        match side {
            NormalSide::Debit => Self::Debit,
            NormalSide::Credit => Self::Credit,
        }
    }
}

/// How far an account may go.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
enum RuleWord {
    /// Never below zero.
    #[default]
    NonNegative,
    /// Below zero only by a capture.
    NegativeByCapture,
    /// Below zero only by a reversal.
    NegativeByReversal,
    /// Below zero by a capture or a reversal.
    NegativeByBoth,
    /// Anywhere.
    Unlimited,
}

impl From<RuleWord> for BalanceRule {
    fn from(word: RuleWord) -> Self {
        let negative = |capture, reversal| Self::Negative(NegativeBy { capture, reversal });
        match word {
            RuleWord::NonNegative => Self::NonNegative,
            RuleWord::NegativeByCapture => negative(true, false),
            RuleWord::NegativeByReversal => negative(false, true),
            RuleWord::NegativeByBoth => negative(true, true),
            RuleWord::Unlimited => Self::Unlimited,
        }
    }
}

impl From<BalanceRule> for RuleWord {
    fn from(rule: BalanceRule) -> Self {
        match rule {
            BalanceRule::NonNegative
            | BalanceRule::Negative(NegativeBy { capture: false, reversal: false }) => {
                Self::NonNegative
            }
            BalanceRule::Negative(NegativeBy { capture: true, reversal: false }) => {
                Self::NegativeByCapture
            }
            BalanceRule::Negative(NegativeBy { capture: false, reversal: true }) => {
                Self::NegativeByReversal
            }
            BalanceRule::Negative(NegativeBy { capture: true, reversal: true }) => {
                Self::NegativeByBoth
            }
            BalanceRule::Unlimited => Self::Unlimited,
        }
    }
}

/// An account to open.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AccountForm {
    /// The id you choose; for one account the header `Idempotency-Key` will do, and without both a
    /// new id is made.
    #[schema(value_type = Option<String>)]
    id: Option<Chosen<kind::Account>>,
    /// The code of a unit that your company issues.
    #[schema(value_type = String)]
    unit: UnitCode,
    /// The side on which its balance is positive.
    side: SideWord,
    /// How far it may go; never below zero unless told otherwise.
    #[serde(default)]
    rule: RuleWord,
    /// Whether its value is kept in lots: members' points. Only accounts of the side `credit` do.
    #[serde(default)]
    lots: bool,
}

/// Accounts to open.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct AccountsForm {
    /// Each is opened or refused alone; each has an `id`.
    #[schema(max_items = 10000)]
    accounts: Vec<AccountForm>,
}

/// What became of one account of many.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
struct OpeningView {
    #[schema(value_type = String)]
    id: Id<kind::Account>,
    /// `opened`, `repeated` when it was open already and alike, or `refused`.
    status: &'static str,
    /// The code of the problem, when it was refused.
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<&'static str>,
}

/// What became of many accounts.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct OpeningResults {
    /// One for each, in the order they were asked for.
    results: Vec<OpeningView>,
}

/// Value of one lot.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
struct CellView {
    /// Which lot; absent for what is below zero.
    #[serde(flatten)]
    lot: Option<LotView>,
    /// How much of it there is, in minor units.
    posted: i64,
    /// How much of that open holds reserve.
    held: i64,
}

/// The figures of an account, in minor units, on its normal side.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct BalanceView {
    /// What is done.
    posted: i64,
    /// What open holds will take.
    #[schema(value_type = i64)]
    pending: Amount,
    /// What can be taken: posted less pending, never below zero.
    #[schema(value_type = i64)]
    available: Amount,
    /// What open holds will bring.
    #[schema(value_type = i64)]
    incoming: Amount,
    /// What is announced but not owed.
    expected: i64,
    /// The value by lot, for an account that keeps lots.
    lots: Vec<CellView>,
    /// The newest movement that is in these figures; 0 before the first.
    head_seq: u64,
}

/// What an account is and how it stands.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct AccountView {
    #[schema(value_type = String)]
    id: Id<kind::Account>,
    /// The code of the unit it counts.
    #[schema(value_type = String)]
    unit: Option<UnitCode>,
    /// The number of the company it belongs to.
    #[schema(value_type = u16)]
    company: CompanyNumber,
    side: SideWord,
    rule: RuleWord,
    /// Whether its value is kept in lots.
    keeps_lots: bool,
    /// `open`, `frozen` or `closed`.
    standing: &'static str,
    #[serde(flatten)]
    balance: BalanceView,
}

/// Which moment.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
struct MomentQuery {
    /// The moment, as RFC 3339.
    #[param(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// A line of a statement.
#[derive(Clone, Debug, Serialize, ToSchema)]
struct StatementLine {
    /// Its place in the journal.
    seq: u64,
    /// Why value moved, or what was noted.
    kind: &'static str,
    /// How much, in minor units, from the account's view: what it brings is positive.
    amount: i64,
    /// The posted balance after it, on the normal side.
    balance: i64,
    /// The lot of this account it concerns.
    lot: Option<LotView>,
    /// The other account.
    #[schema(value_type = Option<String>)]
    counter_account: Option<Id<kind::Account>>,
    /// The batch it belongs to.
    #[schema(value_type = String)]
    batch: Id<kind::Batch>,
    /// What for, in your own numbering.
    code: u16,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    at: Timestamp,
}

/// The routes of accounts.
pub(crate) fn routes() -> Routes<Bank> {
    let (read, write) = (Need::AccountRead.code(), Need::AccountOpen.code());
    let opening = Operation::new("Opens an account")
        .description("The same id with the same terms gives the first answer again.")
        .header("idempotency-key", "The id of the account, when the body has none.")
        .takes::<AccountForm>()
        .gives::<AccountView>(201)
        .gives::<AccountView>(200)
        .refuses(&[&UNIT_NOT_FOUND, &ACCOUNT_DIFFERS]);
    let opening_many = Operation::new("Opens up to 10,000 accounts, each on its own")
        .takes::<AccountsForm>()
        .gives::<OpeningResults>(200);
    let seeing = Operation::new("Shows an account as it durably stands").gives::<AccountView>(200);
    let past = Operation::new("Shows the figures of an account at a past moment")
        .description(
            "Walks the account's movements back from now and undoes them, a thousand a query: it costs as much \
             as there are movements since then, and says `too_far_back` after 100,000.",
        )
        .query::<MomentQuery>()
        .gives::<BalanceView>(200)
        .refuses(&[&TOO_FAR_BACK]);
    let statement = Operation::new("Lists an account's movements, the newest first")
        .query::<PageRequest>()
        .gives::<Paged<StatementLine>>(200);
    let standing = |path, summary, need: Need| {
        let operation = Operation::new(summary)
            .header("idempotency-key", "The id of this command; without one a repeat is refused.")
            .gives::<ReceiptView>(201)
            .gives::<ReceiptView>(200)
            .refuses(LEDGER);
        post(path, need.code()).idempotent().describe(operation)
    };
    let freezing = standing(
        "/api/v1/accounts/{id}/freeze",
        "Makes an account refuse new transfers and holds",
        Need::AccountFreeze,
    );
    let thawing = standing(
        "/api/v1/accounts/{id}/thaw",
        "Makes a frozen account take postings again",
        Need::AccountFreeze,
    );
    let closing =
        standing("/api/v1/accounts/{id}/close", "Ends an empty account", Need::AccountOpen);
    Routes::of("bank")
        .on(post("/api/v1/accounts", write).idempotent().describe(opening), open)
        .on(
            post("/api/v1/accounts/bulk", write)
                .idempotent()
                .body_max(4 << 20)
                .deadline_ms(30_000)
                .describe(opening_many),
            open_many,
        )
        .on(get("/api/v1/accounts/{id}", read).describe(seeing), show)
        .on(get("/api/v1/accounts/{id}/balance", read).describe(past), balance_at)
        .on(get("/api/v1/accounts/{id}/statement", read).describe(statement), list)
        .on(freezing, freeze)
        .on(thawing, thaw)
        .on(closing, close)
}

impl AccountForm {
    fn asked(&self, id: Id<kind::Account>, pointer: &str) -> Result<AskedOpening, Problem> {
        let side = NormalSide::from(self.side);
        if self.lots && side == NormalSide::Debit {
            return Err(Problem::new(&problems::INVALID_FIELD)
                .field(format!("{pointer}/lots"), "only accounts of the side `credit` keep lots"));
        }
        let AccountForm { unit, lots, .. } = *self;
        Ok(AskedOpening { id, unit, side, rule: self.rule.into(), lots })
    }
}

async fn open(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    key: IdempotencyKey,
    Json(form): Json<AccountForm>,
) -> Result<Response, Problem> {
    let id = match (form.id, key.0.as_deref()) {
        (None, None) => bank.next_id(),
        (id, key) => Chosen::choose(id, key)?.of(who.company()),
    };
    let asked = form.asked(id, "")?;
    let command = OpenAccounts { company: who.company(), accounts: vec![asked] };
    let Ok(results) = bank.run(command).await?;
    let result = results.first().ok_or(Problem::new(&problems::INTERNAL_FAULT))?;
    let (number, repeated) = result.map_err(|refusal| Problem::new(refused(refusal)))?;
    let account = durable(&bank, number).await?;
    Ok((repeated.status(), Json(AccountView::of(&bank, &account))).into_response())
}

async fn open_many(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    Json(form): Json<AccountsForm>,
) -> Result<Json<OpeningResults>, Problem> {
    if form.accounts.len() > ACCOUNTS_MAX {
        let detail = format!("must have at most {ACCOUNTS_MAX} accounts");
        return Err(Problem::new(&problems::INVALID_FIELD).field("/accounts", detail));
    }
    let mut accounts = Vec::with_capacity(form.accounts.len());
    for (place, account) in form.accounts.iter().enumerate() {
        let pointer = format!("/accounts/{place}");
        let missing =
            || Problem::new(&problems::INVALID_FIELD).field(format!("{pointer}/id"), "is missing");
        let id = account.id.ok_or_else(missing)?.of(who.company());
        accounts.push(account.asked(id, &pointer)?);
    }
    let ids: Vec<Id<kind::Account>> = accounts.iter().map(|asked| asked.id).collect();
    let Ok(results) = bank.run(OpenAccounts { company: who.company(), accounts }).await?;
    let view = |(id, result): (Id<kind::Account>, &Result<(AccountNumber, Repeated), _>)| {
        let (status, code) = match *result {
            Ok((_, Repeated::No)) => ("opened", None),
            Ok((_, Repeated::Yes)) => ("repeated", None),
            Err(refusal) => ("refused", Some(refused(refusal).code)),
        };
        OpeningView { id, status, code }
    };
    Ok(Json(OpeningResults { results: ids.into_iter().zip(&results).map(view).collect() }))
}

const fn refused(refusal: OpeningRefusal) -> &'static ProblemKind {
    match refusal {
        OpeningRefusal::UnitNotFound => &UNIT_NOT_FOUND,
        OpeningRefusal::Differs => &ACCOUNT_DIFFERS,
    }
}

impl BalanceView {
    fn of(past: &Past) -> Self {
        let view = |cell: Cell| CellView {
            lot: LotView::of(cell.lot),
            posted: cell.posted,
            held: cell.held,
        };
        Self {
            posted: past.balance(),
            pending: past.pending(),
            available: past.available(),
            incoming: past.incoming(),
            expected: past.expected(),
            lots: past.cells().map(view).collect(),
            head_seq: past.head().get(),
        }
    }
}

impl AccountView {
    fn of(bank: &Bank, account: &Account) -> Self {
        let spec = account.spec();
        let unit = bank.store().look(|book| book.find_unit(spec.unit).map(|unit| unit.code));
        Self {
            id: spec.id,
            unit,
            company: spec.company,
            side: spec.side.into(),
            rule: spec.rule.into(),
            keeps_lots: spec.lots,
            standing: match account.state().standing() {
                Standing::Open => "open",
                Standing::Frozen => "frozen",
                Standing::Closed => "closed",
            },
            balance: BalanceView::of(&Past::of(account)),
        }
    }
}

/// Finds an account of the caller's company.
fn find(bank: &Bank, who: &Authenticated, id: Id<kind::Account>) -> Result<AccountNumber, Problem> {
    let found = bank.store().look(|book| {
        let number = book.find_settled_account(id)?;
        Some((number, book.account(number)?.spec().company))
    });
    let own = found.filter(|&(_, company)| reaches(who, Need::AccountRead, company));
    own.map(|(number, _)| number).ok_or(Problem::new(&problems::NOT_FOUND))
}

/// Gives an account as it durably stands; waits off the answering threads when a commit changes it.
async fn durable(bank: &Bank, number: AccountNumber) -> Result<Account, Problem> {
    let account = match bank.store().try_account(number) {
        Ok(account) => account,
        Err(UnderWay) => bank.blocking(move |store| Ok(store.account(number))).await?,
    };
    account.ok_or(Problem::new(&problems::NOT_FOUND))
}

async fn show(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Account>>,
) -> Result<Json<AccountView>, Problem> {
    let account = durable(&bank, find(&bank, &who, id)?).await?;
    Ok(Json(AccountView::of(&bank, &account)))
}

async fn balance_at(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Account>>,
    Query(moment): Query<MomentQuery>,
) -> Result<Json<BalanceView>, Problem> {
    let number = find(&bank, &who, id)?;
    let past = bank.blocking(move |store| walk_back(store, number, moment.at)).await?;
    let past = past.ok_or(Problem::new(&TOO_FAR_BACK))?;
    Ok(Json(BalanceView::of(&past)))
}

/// Undoes an account's movements since a moment; `None` when they are too many.
fn walk_back(store: &Store, number: AccountNumber, at: Timestamp) -> Result<Option<Past>, Fault> {
    let Some(account) = store.account(number) else { return Ok(None) };
    let mut past = Past::of(&account);
    let mut before = None;
    let mut walked = 0_usize;
    loop {
        let page = store.history(number, before, WALK_PAGE)?;
        for movement in &page {
            // What was posted after the account was read is not in its figures.
            if movement.seq > past.head() {
                continue;
            }
            if movement.at <= at {
                return Ok(Some(past));
            }
            past.undo(number, movement);
        }
        walked = walked.saturating_add(page.len());
        before = page.last().map(|movement| movement.seq);
        if before.is_none() || past.head() == Seq::NONE {
            return Ok(Some(past));
        }
        if walked >= WALK_MAX {
            return Ok(None);
        }
    }
}

async fn list(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Account>>,
    Query(page): Query<PageRequest>,
) -> Result<Json<Paged<StatementLine>>, Problem> {
    let number = find(&bank, &who, id)?;
    let from = match &page.after {
        None => None,
        Some(cursor) => {
            let wrong = || {
                Problem::new(&problems::INVALID_FIELD)
                    .field("query:after", "is no cursor of this statement")
            };
            Some(Bookmark::of(cursor).ok_or_else(wrong)?)
        }
    };
    let limit = page.limit;
    let read = bank.blocking(move |store| statement(store, number, from, limit.and_one())).await?;
    let lines = bank.store().look(|book| {
        let counter = |movement: &Movement| {
            let other = if movement.debit == number { movement.credit } else { movement.debit };
            let account = book.account(other).filter(|_| other != number);
            account.map(|account| account.spec().id)
        };
        let side = book.account(number).map_or(NormalSide::Credit, |account| account.spec().side);
        let line = |(movement, balance): &(Movement, i64)| {
            StatementLine::of(movement, *balance, (number, side), counter(movement))
        };
        read.iter().map(line).collect::<Vec<_>>()
    });
    let size = usize::try_from(limit.get()).unwrap_or(usize::MAX);
    let more = lines.len() > size;
    let items: Vec<StatementLine> = lines.into_iter().take(size).collect();
    let last = read.get(items.len().saturating_sub(1)).filter(|_| more);
    let next = last.map(|(movement, balance)| {
        let side = bank.store().look(|book| book.account(number).map(|a| a.spec().side));
        let side = side.unwrap_or(NormalSide::Credit);
        let earlier = balance.saturating_sub(posted_change(side, number, movement));
        Bookmark { seq: movement.seq, balance: earlier }.cursor()
    });
    Ok(Json(Paged { items, next }))
}

impl StatementLine {
    fn of(
        movement: &Movement,
        balance: i64,
        (number, side): (AccountNumber, NormalSide),
        counter_account: Option<Id<kind::Account>>,
    ) -> Self {
        let debited = movement.debit == number;
        Self {
            seq: movement.seq.get(),
            kind: movement.kind.name(),
            amount: seen_amount(side, number, movement),
            balance,
            lot: LotView::of(if debited { movement.debit_lot } else { movement.credit_lot }),
            counter_account,
            batch: movement.batch,
            code: movement.code,
            at: movement.at,
        }
    }
}

/// Where a statement goes on: after this movement, at this balance. The balance travels along
/// because nothing stores it; a forged one misleads only the forger.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Bookmark {
    seq: Seq,
    balance: i64,
}

impl Bookmark {
    fn cursor(self) -> Cursor {
        let mut key = self.seq.get().to_be_bytes().to_vec();
        key.extend_from_slice(&self.balance.to_be_bytes());
        Cursor::new(key)
    }

    fn of(cursor: &Cursor) -> Option<Self> {
        let (seq, balance) = cursor.key().split_first_chunk::<8>()?;
        let seq = Seq::new(u64::from_be_bytes(*seq));
        Some(Self { seq, balance: i64::from_be_bytes(balance.try_into().ok()?) })
    }
}

/// Reads a page of movements, each with the posted balance after it. A cursor that is not on the
/// account's chain gives nothing.
fn statement(
    store: &Store,
    number: AccountNumber,
    from: Option<Bookmark>,
    limit: u32,
) -> Result<Vec<(Movement, i64)>, Fault> {
    let own = |movement: &Movement| movement.debit == number || movement.credit == number;
    let Some(account) = store.account(number) else { return Ok(Vec::new()) };
    let side = account.spec().side;
    // The newest line is the account's head when it was read, whatever was posted meanwhile.
    let head = account.state().head();
    let first = store.movements(from.map_or(head, |bookmark| bookmark.seq), 1)?;
    let Some(first) = first.into_iter().find(own) else { return Ok(Vec::new()) };
    let mut movements = Vec::new();
    let mut balance = from.map_or(account.balance(), |bookmark| bookmark.balance);
    if from.is_none() {
        movements.push(first);
    }
    let left = limit.saturating_sub(u32::from(from.is_none()));
    movements.extend(store.history(number, Some(first.seq), left)?);
    let mut lines = Vec::with_capacity(movements.len());
    for movement in movements {
        lines.push((movement, balance));
        balance = balance.saturating_sub(posted_change(side, number, &movement));
    }
    Ok(lines)
}

async fn freeze(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Account>>,
    key: IdempotencyKey,
) -> Result<Response, Problem> {
    note(&bank, who, Asked::Freeze(AskedAccount { account: id }), key).await
}

async fn thaw(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Account>>,
    key: IdempotencyKey,
) -> Result<Response, Problem> {
    note(&bank, who, Asked::Thaw(AskedAccount { account: id }), key).await
}

async fn close(
    State(bank): State<Bank>,
    Caller(who): Caller<Authenticated>,
    Path(id): Path<Id<kind::Account>>,
    key: IdempotencyKey,
) -> Result<Response, Problem> {
    let step = Asked::Close(AskedAccount { account: id });
    if key.0.is_some() {
        return note(&bank, who, step, key).await;
    }
    // An account is closed once, so that the id of the batch can follow from it.
    post_step(&bank, who, natural_id("api.account.close", &[&id.to_bytes()]), step).await
}

async fn note(
    bank: &Bank,
    who: Authenticated,
    step: Asked,
    key: IdempotencyKey,
) -> Result<Response, Problem> {
    let id = match key.0.as_deref() {
        Some(text) => Chosen::choose(None, Some(text))?.of(who.company()),
        None => bank.next_id(),
    };
    post_step(bank, who, id, step).await
}
