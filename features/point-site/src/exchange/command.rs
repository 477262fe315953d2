use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::config::SiteConfig;
use crate::destination::store::{read_destinations, read_limit_groups};
use crate::destination::{
    DestinationEntry, DestinationKind, LimitGroup, LimitRefusal, Opening, Quote, QuoteRefusal,
    Taken, entries_in_force, quote,
};
use crate::exchange::store::{
    TakenLines, add_versions, find_challenges, find_exchanges, read_taken, save_exchanges,
};
use crate::exchange::{
    Clearance, Effect, Exchange, ExchangeEvent, ExchangeState, Outcome, Plan, plan,
};
use crate::exchange_letter::store::add_ends;
use crate::exchange_letter::{End, EndKey};
use crate::finding::{Asked, Finding, Judge, looked_back_to};
use crate::fraud_case::CaseBook;
use crate::fraud_rule::Evaluation;
use crate::gift_code::Issue;
use crate::gift_code::store::{Stock, find_issues, read_stock, save_issues, shelf_of};
use crate::payee::store::{block_payees, find_payees};
use crate::payee::{Payee, PayeeState};
use crate::step_up::{Challenge, Decision, Proof};
use ledger::{
    AccountNumber, AccountSpec, ActorNumber, BalanceRule, Batch, CaptureRule, LotKind, NormalSide,
    Refusal, Remaining, Step, Transfer, TransferKind, Wanted,
};
use store::{Command, Fault, Posting, Recall, Tx, natural_id};
use vocabulary::{
    AccountRole, Amount, BankCalendar, CompanyNumber, Id, Timestamp, Token, Zone, kind,
};

/// What the movements of exchanges are for, in the company's numbering.
const CODE: u16 = 330;

/// When the hold of an exchange would be released by the clock: never, as far as anybody plans. An
/// exchange that was sent may be unknown for weeks, and its points must not be spent meanwhile;
/// what ends the hold is the exchange's own end. The first moment of the year 9000.
const HOLD_EXPIRES_AT: Timestamp = Timestamp::from_microseconds(221_845_392_000_000_000);

/// A state that an exchange came to, by what and by whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VersionLine {
    /// Which exchange.
    pub exchange: Id<kind::Exchange>,
    /// Which of its states, from 1.
    pub version: u32,
    /// When.
    pub at: Timestamp,
    /// The word of the state.
    pub state: String,
    /// The word of the event.
    pub event: String,
    /// Who.
    pub actor: ActorNumber,
    /// Why, as key of the texts.
    pub reason: Option<Token>,
}

/// Who changes an exchange, and why.
#[derive(Clone, Debug)]
pub struct Cause {
    /// Who.
    pub by: ActorNumber,
    /// Why, as key of the texts.
    pub reason: Option<Token>,
}

/// The batch that captures; it has the exchange's own bits, so that a reversal in the passbook is
/// known by what it reverses.
const fn capture_batch(id: Id<kind::Exchange>) -> Id<kind::Batch> {
    Id::from_bits(id.bits())
}

fn batch_of(id: Id<kind::Exchange>, effect: &str) -> Id<kind::Batch> {
    natural_id("site.exchange", &[&id.to_bytes(), effect.as_bytes()])
}

/// The exchanges that a slice of commands changes; shared by all commands that change any.
#[derive(Debug)]
pub struct ExchangeFacts {
    config: Option<Arc<SiteConfig>>,
    pub(crate) known: BTreeMap<Id<kind::Exchange>, Exchange>,
    issues: BTreeMap<Id<kind::Exchange>, Issue>,
    issued: BTreeSet<Id<kind::Exchange>>,
    changed: BTreeSet<Id<kind::Exchange>>,
    versions: Vec<VersionLine>,
    blocked: BTreeMap<Id<kind::Payee>, Timestamp>,
    cases: CaseBook,
}

impl ExchangeFacts {
    pub(crate) fn load(
        config: Option<&Arc<SiteConfig>>,
        ids: &[Id<kind::Exchange>],
        tx: &mut Tx<'_>,
    ) -> Result<Self, Fault> {
        Ok(Self {
            config: config.map(Arc::clone),
            known: find_exchanges(tx, ids)?,
            issues: find_issues(tx, ids)?,
            issued: BTreeSet::new(),
            changed: BTreeSet::new(),
            versions: Vec::new(),
            blocked: BTreeMap::new(),
            cases: CaseBook::load(tx, ids)?,
        })
    }

    /// Names what a change of an exchange may ask the ledger about.
    pub(crate) fn recall(&self, id: Id<kind::Exchange>, recall: &mut Recall) {
        let Some(config) = &self.config else { return };
        recall.hold(Id::from_bits(id.bits()));
        recall.batch(config.company, capture_batch(id));
        recall.original(config.company, capture_batch(id));
        for effect in ["hold", "void", "give_back"] {
            recall.batch(config.company, batch_of(id, effect));
        }
    }

    /// Decides an event, posts what it means and notes what changed. What is refused or repeated
    /// changes nothing; nor does what the ledger refuses.
    pub(crate) fn apply(
        &mut self,
        id: Id<kind::Exchange>,
        event: ExchangeEvent,
        cause: &Cause,
        posting: &mut Posting<'_>,
    ) -> Result<Outcome, Refusal> {
        let Some(before) = self.known.get(&id) else { return Ok(Outcome::Refused) };
        let now = posting.now();
        let Plan { next, effect, outcome } = plan(before.state, event, now);
        let Some(state) = next else { return Ok(outcome) };
        let mut after = before.clone();
        after.state = state;
        after.version = after.version.saturating_add(1);
        after.reason.clone_from(&cause.reason);
        after.next_at = after.look_at(now);
        self.post(&after, effect, posting)?;
        self.note(after, event.code(), cause, now);
        Ok(outcome)
    }

    /// Applies events one after the other, all of them or none.
    pub(crate) fn apply_all(
        &mut self,
        id: Id<kind::Exchange>,
        events: &[ExchangeEvent],
        cause: &Cause,
        posting: &mut Posting<'_>,
    ) -> bool {
        let (before, versions) = (self.known.get(&id).cloned(), self.versions.len());
        let case = self.cases.mark(id);
        let all = events
            .iter()
            .all(|event| self.apply(id, *event, cause, posting) == Ok(Outcome::Changed));
        if let Some(before) = before.filter(|_| !all) {
            self.known.insert(id, before);
            self.versions.truncate(versions);
            self.cases.undo(id, case);
        }
        all
    }

    /// Takes a new quote in.
    pub(crate) fn add(&mut self, exchange: Exchange, by: ActorNumber, now: Timestamp) {
        self.note(exchange, "quote", &Cause { by, reason: None }, now);
    }

    /// Opens the case of an exchange that rules hold.
    fn open_case(
        &mut self,
        id: Id<kind::Exchange>,
        evaluation: &Evaluation,
        whose: (ActorNumber, Timestamp),
    ) {
        if let Some(exchange) = self.known.get(&id) {
            self.cases.open(exchange, evaluation, whose);
        }
    }

    /// Changes what an exchange carries beside its state.
    pub(crate) fn amend(&mut self, id: Id<kind::Exchange>, amend: impl FnOnce(&mut Exchange)) {
        if let Some(exchange) = self.known.get_mut(&id) {
            amend(exchange);
            self.changed.insert(id);
        }
    }

    /// Tells whether an exchange has another code than this. Sealing the same code for the same
    /// exchange gives the same, unless the key was replaced in between.
    fn differs(&self, issue: &Issue) -> bool {
        self.issues.get(&issue.exchange).is_some_and(|known| {
            let same_key = known.sealed.key == issue.sealed.key;
            known.last_four != issue.last_four || (same_key && known.sealed != issue.sealed)
        })
    }

    /// Gives an exchange its code; it has at most one, for ever.
    pub(crate) fn issue(&mut self, issue: Issue) {
        if let Entry::Vacant(place) = self.issues.entry(issue.exchange) {
            self.issued.insert(issue.exchange);
            place.insert(issue);
        }
    }

    /// Notes that a payee is not to be paid any more.
    pub(crate) fn block(&mut self, payee: Id<kind::Payee>, now: Timestamp) {
        self.blocked.insert(payee, now);
    }

    fn note(&mut self, after: Exchange, event: &str, cause: &Cause, now: Timestamp) {
        self.versions.push(VersionLine {
            exchange: after.id,
            version: after.version,
            at: now,
            state: after.state.code().to_owned(),
            event: event.to_owned(),
            actor: cause.by,
            reason: cause.reason.clone(),
        });
        self.cases.follow(&after, (cause.by, now));
        self.changed.insert(after.id);
        self.known.insert(after.id, after);
    }

    fn post(
        &self,
        exchange: &Exchange,
        effect: Effect,
        posting: &mut Posting<'_>,
    ) -> Result<(), Refusal> {
        let Some(config) = &self.config else { return Ok(()) };
        let id = exchange.id;
        let (batch, steps) = match effect {
            Effect::None => return Ok(()),
            Effect::Hold => (batch_of(id, "hold"), vec![hold_step(config, exchange, posting)?]),
            Effect::Capture => (capture_batch(id), capture_steps(config, exchange, posting)?),
            Effect::Void => {
                (batch_of(id, "void"), vec![Step::Void { hold: exchange.hold(), amount: None }])
            }
            Effect::GiveBack => {
                let original = capture_batch(id);
                let step = Step::Reverse { original, shortfall: None, code: CODE };
                (batch_of(id, "give_back"), vec![step])
            }
        };
        // Two steps at most, and one at least.
        let asked = Batch::try_new(batch, config.actor, steps).map_err(|_few| Refusal::Overflow)?;
        posting.post(&asked).map(drop).map_err(|refused| refused.refusal)
    }

    /// Gives the ends that members are to be written about.
    fn ends(&self) -> Vec<(CompanyNumber, EndKey, End)> {
        let end = |line: &VersionLine| {
            let exchange = self.known.get(&line.exchange)?;
            Some((exchange.company, (line.exchange, line.version), End::parse(&line.state)?))
        };
        self.versions.iter().filter_map(end).collect()
    }

    pub(crate) fn save(self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        save_exchanges(tx, self.changed.iter().filter_map(|id| self.known.get(id)))?;
        add_versions(tx, &self.versions)?;
        add_ends(tx, &self.ends())?;
        self.cases.save(tx)?;
        save_issues(tx, self.issued.iter().filter_map(|id| self.issues.get(id)))?;
        if let Some(now) = self.blocked.values().max() {
            block_payees(tx, &self.blocked.keys().copied().collect::<Vec<_>>(), *now)?;
        }
        Ok(())
    }
}

fn open(
    config: &SiteConfig,
    role: AccountRole,
    side: NormalSide,
    posting: &mut Posting<'_>,
) -> Result<AccountNumber, Refusal> {
    let id = Id::of(config.company_id, config.unit.get(), role);
    if let Some(number) = posting.book().find_account(id) {
        return Ok(number);
    }
    let (unit, company, rule) = (config.unit, config.company, BalanceRule::Unlimited);
    let spec = AccountSpec { id, unit, company, side, rule, lots: false };
    posting.open_account(spec).map_err(|_differs| Refusal::CreditAccountNotFound)
}

fn hold_step(
    config: &SiteConfig,
    exchange: &Exchange,
    posting: &mut Posting<'_>,
) -> Result<Step, Refusal> {
    let member = Id::of(exchange.member, config.unit.get(), AccountRole::Member);
    let debit = posting.book().find_account(member).ok_or(Refusal::DebitAccountNotFound)?;
    let credit = open(config, AccountRole::Outside, NormalSide::Debit, posting)?;
    Ok(Step::Hold {
        id: exchange.hold(),
        debit,
        credit,
        amount: Wanted::Exactly(exchange.quote.taken()),
        expires_at: HOLD_EXPIRES_AT,
        code: CODE,
    })
}

/// Takes all that is held to the outside, and the fee from there to the company: one hold pays
/// both, and a reversal of the batch undoes both.
fn capture_steps(
    config: &SiteConfig,
    exchange: &Exchange,
    posting: &mut Posting<'_>,
) -> Result<Vec<Step>, Refusal> {
    let mut steps = vec![Step::Capture {
        hold: exchange.hold(),
        amount: None,
        rule: CaptureRule::WithinHold,
        remaining: Remaining::Release,
        code: CODE,
    }];
    if !exchange.quote.fee.is_zero() {
        steps.push(Step::Transfer(Transfer {
            debit: open(config, AccountRole::Outside, NormalSide::Debit, posting)?,
            credit: open(config, AccountRole::Fee, NormalSide::Credit, posting)?,
            amount: Wanted::Exactly(exchange.quote.fee),
            kind: TransferKind::Transfer,
            code: CODE,
            lot: None,
        }));
    }
    Ok(steps)
}

/// Lets something happen to an exchange. A repeat changes nothing.
#[derive(Clone, Debug)]
pub struct ChangeExchange {
    /// The settings.
    pub config: Arc<SiteConfig>,
    /// Which.
    pub exchange: Id<kind::Exchange>,
    /// The member who asks, whose own it must be; `None` when nobody's own is asked about.
    pub member: Option<Id<kind::Member>>,
    /// What happens.
    pub event: ExchangeEvent,
    /// The code that came with it.
    pub issue: Option<Issue>,
    /// Who and why.
    pub cause: Cause,
}

/// Why an exchange stays as it is, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ChangeRefusal {
    /// There is no such exchange here.
    #[error("there is no such exchange")]
    NotFound,
    /// It cannot be done as it stands.
    #[error("this cannot be done any more")]
    TooLate,
    /// It cannot be true together with what is known; a person must look.
    #[error("this contradicts what is known")]
    Contradicted,
    /// The ledger says no.
    #[error("the ledger refuses: {0}")]
    Ledger(Refusal),
}

impl Command for ChangeExchange {
    type Facts = ExchangeFacts;
    /// The exchange as it stands now.
    type Receipt = Exchange;
    type Refusal = ChangeRefusal;

    const NAME: &'static str = "change exchange";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let ids: Vec<_> = slice.iter().map(|command| command.exchange).collect();
        ExchangeFacts::load(slice.first().map(|first| &first.config), &ids, tx)
    }

    fn recall(&self, facts: &Self::Facts, recall: &mut Recall) {
        facts.recall(self.exchange, recall);
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<Exchange, ChangeRefusal> {
        let own = facts.known.get(&self.exchange).filter(|exchange| {
            exchange.company == self.config.company
                && self.member.is_none_or(|member| member == exchange.member)
        });
        let own = own.ok_or(ChangeRefusal::NotFound)?;
        // What is put together for the bank is looked at by somebody, and stays as they see it.
        if self.event == ExchangeEvent::Cancel && own.payout.is_some() {
            return Err(ChangeRefusal::TooLate);
        }
        // Before anything is noted: a refusal must leave the facts as they were.
        if self.issue.as_ref().is_some_and(|issue| facts.differs(issue)) {
            return Err(ChangeRefusal::Contradicted);
        }
        let outcome = facts.apply(self.exchange, self.event, &self.cause, posting);
        match outcome.map_err(ChangeRefusal::Ledger)? {
            Outcome::Changed | Outcome::Repeated => {}
            Outcome::Refused => return Err(ChangeRefusal::TooLate),
            Outcome::Contradicted => return Err(ChangeRefusal::Contradicted),
        }
        if let Some(issue) = self.issue.clone() {
            facts.issue(issue);
        }
        if self.event == ExchangeEvent::LoseSight {
            let now = posting.now();
            facts.amend(self.exchange, |exchange| {
                exchange.attempts = exchange.attempts.saturating_add(1);
                exchange.next_at = exchange.look_at(now);
            });
        }
        facts.known.get(&self.exchange).cloned().ok_or(ChangeRefusal::NotFound)
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

/// Tells a member what points give, and freezes it. The same id again gives the first quote.
#[derive(Clone, Debug)]
pub struct QuoteExchange {
    /// The settings.
    pub config: Arc<SiteConfig>,
    /// Chosen by the caller.
    pub id: Id<kind::Exchange>,
    /// Who asks.
    pub member: Id<kind::Member>,
    /// Where to.
    pub destination: Token,
    /// The points offered.
    pub points: Amount,
    /// In whose name.
    pub by: ActorNumber,
}

/// Why there is no quote to keep, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum QuotingRefusal {
    /// There is no such destination.
    #[error("there is no such destination")]
    NotFound,
    /// The destination gives nothing for these points.
    #[error(transparent)]
    Quote(#[from] QuoteRefusal),
    /// No code of this value is left.
    #[error("no code of this value is left")]
    SoldOut,
}

impl QuotingRefusal {
    /// Gives the stable code, as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotFound => "destination_not_found",
            Self::Quote(refusal) => refusal.code(),
            Self::SoldOut => "sold_out",
        }
    }
}

/// What quotes are decided on.
#[derive(Debug)]
pub struct QuoteFacts {
    exchanges: ExchangeFacts,
    entries: Vec<DestinationEntry>,
    stock: Stock,
}

impl Command for QuoteExchange {
    type Facts = QuoteFacts;
    type Receipt = Exchange;
    type Refusal = QuotingRefusal;

    const NAME: &'static str = "quote exchange";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let ids: Vec<_> = slice.iter().map(|command| command.id).collect();
        let config = slice.first().map(|first| &first.config);
        let companies: Vec<CompanyNumber> = config.iter().map(|config| config.company).collect();
        let entries = read_destinations(tx, &companies)?.into_values().flatten().collect();
        let company = config.map_or(CompanyNumber::OPERATOR, |config| config.company);
        let stock = read_stock(tx, company)?;
        Ok(QuoteFacts { exchanges: ExchangeFacts::load(config, &ids, tx)?, entries, stock })
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<Exchange, QuotingRefusal> {
        if let Some(known) = facts.exchanges.known.get(&self.id) {
            let own = known.member == self.member;
            return if own { Ok(known.clone()) } else { Err(QuotingRefusal::NotFound) };
        }
        let now = posting.now();
        let today = Zone::JAPAN.day_of(now);
        let entries = entries_in_force(&facts.entries, today);
        let entry = entries.into_iter().find(|entry| entry.terms.code == self.destination);
        let entry = entry.ok_or(QuotingRefusal::NotFound)?;
        let quote = quote(&entry.terms, self.points, today)?;
        if sold_out(&facts.stock, self.config.company, entry.terms.kind, &entry.product, &quote) {
            return Err(QuotingRefusal::SoldOut);
        }
        let expires_at = quote.expires_at(now);
        let exchange = Exchange {
            id: self.id,
            company: self.config.company,
            member: self.member,
            version: 1,
            state: ExchangeState::Quoted { expires_at },
            kind: entry.terms.kind,
            product: entry.product.clone(),
            limit_group: entry.terms.limit_group.clone(),
            quote,
            quoted_at: now,
            accepted_at: None,
            due_on: None,
            payee: None,
            payout: None,
            rules: String::new(),
            reason: None,
            attempts: 0,
            next_at: Some(expires_at),
        };
        facts.exchanges.add(exchange.clone(), self.by, now);
        Ok(exchange)
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.exchanges.save(tx)
    }
}

fn sold_out(
    stock: &Stock,
    company: CompanyNumber,
    kind: DestinationKind,
    pool: &Token,
    quote: &Quote,
) -> bool {
    kind == DestinationKind::PooledCode
        && stock.get(&shelf_of(company, pool, quote.value)).is_none_or(|left| left.free == 0)
}

/// Takes a quote up: the points are held, and it goes by itself unless a rule has a person look
/// first. The rate is the quote's, whatever became of the destination's. A repeat gives the
/// exchange as it stands.
#[derive(Clone, Debug)]
pub struct AcceptExchange {
    /// The settings.
    pub config: Arc<SiteConfig>,
    /// Which quote.
    pub exchange: Id<kind::Exchange>,
    /// Whose it must be.
    pub member: Id<kind::Member>,
    /// Where to, for destinations that need it.
    pub payee: Option<Id<kind::Payee>>,
    /// When it was asked for: what was exchanged since the beginning of that month is read.
    pub asked_at: Timestamp,
    /// In whose name.
    pub by: ActorNumber,
}

/// Why a quote is not taken up, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AcceptRefusal {
    /// There is no such quote of this member.
    #[error("there is no such quote")]
    NotFound,
    /// The quote is over, or was called off.
    #[error("the quote is over")]
    QuoteOver,
    /// The destination is paused.
    #[error("this cannot be chosen at the moment")]
    Paused,
    /// The member has to say where to.
    #[error("a place to send it to is missing")]
    PayeeMissing,
    /// A payout to that place came back.
    #[error("a payout to this account came back")]
    PayeeBlocked,
    /// No code of this value is left.
    #[error("no code of this value is left")]
    SoldOut,
    /// A limit would be passed.
    #[error(transparent)]
    Limit(#[from] LimitRefusal),
    /// A rule says no.
    #[error("a rule does not allow this at the moment")]
    Denied,
    /// One more proof is needed.
    #[error("one more proof is needed")]
    ProofNeeded,
    /// The points would be bought ones, which are not paid out.
    #[error("points that were bought cannot be exchanged")]
    PointsBought,
    /// The ledger says no.
    #[error("the ledger refuses: {0}")]
    Ledger(Refusal),
}

impl AcceptRefusal {
    /// Gives the stable code, as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotFound => "exchange_not_found",
            Self::QuoteOver => "quote_over",
            Self::Paused => "destination_paused",
            Self::PayeeMissing => "payee_missing",
            Self::PayeeBlocked => "payee_blocked",
            Self::SoldOut => "sold_out",
            Self::Limit(_) => "limit",
            Self::Denied => "denied",
            Self::ProofNeeded => "proof_needed",
            Self::PointsBought => "points_bought",
            Self::Ledger(refusal) => refusal.code(),
        }
    }
}

/// What acceptances are decided on.
#[derive(Debug)]
pub struct AcceptFacts {
    exchanges: ExchangeFacts,
    entries: Vec<DestinationEntry>,
    groups: BTreeMap<(CompanyNumber, Token), LimitGroup>,
    payees: BTreeMap<Id<kind::Payee>, Payee>,
    challenges: BTreeMap<Id<kind::Exchange>, Challenge>,
    taken: TakenLines,
    judge: Judge,
    stock: Stock,
}

impl Command for AcceptExchange {
    type Facts = AcceptFacts;
    type Receipt = Exchange;
    type Refusal = AcceptRefusal;

    const NAME: &'static str = "accept exchange";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let ids: Vec<_> = slice.iter().map(|command| command.exchange).collect();
        let members: Vec<_> = slice.iter().map(|command| command.member).collect();
        let payees: Vec<_> = slice.iter().filter_map(|command| command.payee).collect();
        let asked_at = slice.iter().map(|command| command.asked_at).min().unwrap_or_default();
        let config = slice.first().map(|first| &first.config);
        let companies: Vec<CompanyNumber> = config.iter().map(|config| config.company).collect();
        let company = config.map_or(CompanyNumber::OPERATOR, |config| config.company);
        let taken = read_taken(tx, &members, month_start(asked_at).min(looked_back_to(asked_at)))?;
        let asked = Asked { company, members: &members, payees: &payees, at: asked_at };
        Ok(AcceptFacts {
            exchanges: ExchangeFacts::load(config, &ids, tx)?,
            entries: read_destinations(tx, &companies)?.into_values().flatten().collect(),
            groups: read_limit_groups(tx, &companies)?,
            payees: find_payees(tx, &payees)?,
            challenges: find_challenges(tx, &ids)?,
            judge: Judge::load(&asked, &taken, tx)?,
            taken,
            stock: read_stock(tx, company)?,
        })
    }

    fn recall(&self, facts: &Self::Facts, recall: &mut Recall) {
        facts.exchanges.recall(self.exchange, recall);
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<Exchange, AcceptRefusal> {
        let now = posting.now();
        let known = facts.exchanges.known.get(&self.exchange);
        let known = known.filter(|exchange| {
            exchange.member == self.member && exchange.company == self.config.company
        });
        let exchange = known.ok_or(AcceptRefusal::NotFound)?.clone();
        match exchange.state {
            ExchangeState::Quoted { expires_at } if now < expires_at => {}
            ExchangeState::Quoted { .. }
            | ExchangeState::Expired { .. }
            | ExchangeState::Cancelled { .. } => {
                // What was called off after it was accepted is a repeat of an old request.
                let accepted = exchange.accepted_at.is_some();
                return if accepted { Ok(exchange) } else { Err(AcceptRefusal::QuoteOver) };
            }
            ExchangeState::Accepted { .. }
            | ExchangeState::Held { .. }
            | ExchangeState::Sent { .. }
            | ExchangeState::Unknown { .. }
            | ExchangeState::Completed { .. }
            | ExchangeState::Failed { .. }
            | ExchangeState::Returned { .. } => return Ok(exchange),
        }
        self.check(&exchange, facts, now)?;
        let (clearance, said) = self.judge(&exchange, facts, now)?;
        self.take_up(&exchange, facts, (clearance, said), posting)
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.judge.save(tx)?;
        facts.exchanges.save(tx)
    }
}

impl AcceptExchange {
    fn check(
        &self,
        exchange: &Exchange,
        facts: &AcceptFacts,
        now: Timestamp,
    ) -> Result<(), AcceptRefusal> {
        let today = Zone::JAPAN.day_of(now);
        let entries = entries_in_force(&facts.entries, today);
        let entry = entries.iter().find(|entry| entry.terms.code == exchange.quote.destination);
        if entry.is_none_or(|entry| entry.terms.opening == Opening::Paused) {
            return Err(AcceptRefusal::Paused);
        }
        if exchange.kind.needs_target() {
            let payee = self.payee.and_then(|id| facts.payees.get(&id));
            let payee = payee.filter(|payee| payee.member == self.member);
            match payee.map(|payee| payee.state) {
                None | Some(PayeeState::Replaced) => return Err(AcceptRefusal::PayeeMissing),
                Some(PayeeState::Blocked) => return Err(AcceptRefusal::PayeeBlocked),
                Some(PayeeState::Active) => {}
            }
        }
        let (kind, pool) = (exchange.kind, &exchange.product);
        if sold_out(&facts.stock, exchange.company, kind, pool, &exchange.quote) {
            return Err(AcceptRefusal::SoldOut);
        }
        if let Some(group) = facts.groups.get(&(exchange.company, exchange.limit_group.clone())) {
            let key = (exchange.member, exchange.limit_group.clone());
            let taken = taken_of(facts.taken.get(&key).into_iter().flat_map(BTreeMap::values), now);
            group.check(taken, exchange.quote.taken())?;
        }
        Ok(())
    }

    /// Asks the rules. What is denied, or asked one more proof for, is written down here; what is
    /// accepted, with the acceptance.
    fn judge(
        &self,
        exchange: &Exchange,
        facts: &mut AcceptFacts,
        now: Timestamp,
    ) -> Result<(Clearance, Said), AcceptRefusal> {
        let passed = facts.challenges.get(&exchange.id).and_then(|challenge| challenge.passed_at);
        let proof = if passed.is_some() { Proof::Given } else { Proof::None };
        let payee = self.payee.filter(|_| exchange.kind.needs_target());
        let given = &self.config.exchange.rules;
        let (evaluation, finding) = facts.judge.ask(given, exchange, payee, (proof, now));
        let (clearance, refusal) = match evaluation.outcome {
            Decision::Allow => (Clearance::Free, None),
            Decision::Hold => (Clearance::Review, None),
            Decision::StepUp => (Clearance::Review, Some(AcceptRefusal::ProofNeeded)),
            Decision::Deny => (Clearance::Review, Some(AcceptRefusal::Denied)),
        };
        match refusal {
            None => Ok((clearance, Said { evaluation, finding })),
            Some(refusal) => {
                facts.judge.keep(finding);
                Err(refusal)
            }
        }
    }

    fn take_up(
        &self,
        exchange: &Exchange,
        facts: &mut AcceptFacts,
        (clearance, said): (Clearance, Said),
        posting: &mut Posting<'_>,
    ) -> Result<Exchange, AcceptRefusal> {
        let now = posting.now();
        // The hold is posted first: what the ledger refuses leaves the facts as they were.
        facts.exchanges.post(exchange, Effect::Hold, posting).map_err(AcceptRefusal::Ledger)?;
        let bought = posting
            .book()
            .hold(exchange.hold())
            .is_some_and(|hold| hold.parts.iter().any(|part| part.lot.kind() == LotKind::Paid));
        if bought {
            return Err(AcceptRefusal::PointsBought);
        }
        let cause = Cause { by: self.by, reason: None };
        let due_on = due_on(&self.config, &exchange.quote, now);
        let (id, payee) = (exchange.id, self.payee);
        for event in [ExchangeEvent::Accept(clearance), ExchangeEvent::HoldPlaced] {
            // A repeat of the same batch gives the first answer, so that nothing is held twice.
            let applied = facts.exchanges.apply(id, event, &cause, posting);
            applied.map_err(AcceptRefusal::Ledger)?;
        }
        facts.exchanges.amend(id, |exchange| {
            exchange.accepted_at = Some(now);
            exchange.payee = payee.filter(|_| exchange.kind.needs_target());
            exchange.rules = said.rules();
            exchange.due_on = due_on;
        });
        if clearance == Clearance::Review {
            facts.exchanges.open_case(id, &said.evaluation, (self.by, now));
        }
        facts.judge.keep(said.finding);
        facts.judge.note_taken(exchange, now);
        let key = (exchange.member, exchange.limit_group.clone());
        facts.taken.entry(key).or_default().insert(id, (now, exchange.quote.taken()));
        facts.exchanges.known.get(&id).cloned().ok_or(AcceptRefusal::NotFound)
    }
}

/// What the rules said of an exchange that may go on.
struct Said {
    evaluation: Evaluation,
    finding: Finding,
}

/// The most characters of rules beside an exchange.
const RULES_MAX: usize = 240;

impl Said {
    /// Names the rules that counted, as many as fit; the finding has them all.
    fn rules(&self) -> String {
        let mut text = String::new();
        for rule in self.evaluation.enforced().map(Token::as_str) {
            if text.len().saturating_add(rule.len()) < RULES_MAX {
                text.push_str(if text.is_empty() { "" } else { " " });
                text.push_str(rule);
            }
        }
        text
    }
}

/// Says by which day an exchange accepted at `now` is there; `None` beyond the known holidays.
pub(crate) fn due_on(
    config: &SiteConfig,
    quote: &Quote,
    now: Timestamp,
) -> Option<vocabulary::Day> {
    let calendar = BankCalendar::JAPAN;
    let taken_in_on = calendar.taken_in_on(now, config.exchange.cut_off).ok()?;
    if quote.lead_days == 0 {
        // What needs no bank is there at once, on whatever day.
        return Some(Zone::JAPAN.day_of(now));
    }
    quote.due_on(calendar, taken_in_on).ok()
}

/// The beginning of the calendar month of a moment, in Japan.
pub(crate) fn month_start(now: Timestamp) -> Timestamp {
    let today = Zone::JAPAN.day_of(now);
    Zone::JAPAN.start_of(today.plus_months(-1).month_end().plus_days(1))
}

/// Adds up what was taken today and this month.
pub(crate) fn taken_of<'a>(
    lines: impl Iterator<Item = &'a (Timestamp, Amount)>,
    now: Timestamp,
) -> Taken {
    let (today, month) = (Zone::JAPAN.start_of(Zone::JAPAN.day_of(now)), month_start(now));
    lines.fold(Taken::default(), |mut taken, (at, amount)| {
        let add = |sum: Amount| sum.checked_add(*amount).unwrap_or(Amount::MAX);
        if *at >= today {
            taken.today = add(taken.today);
        }
        if *at >= month {
            taken.month = add(taken.month);
        }
        taken
    })
}
