use std::collections::BTreeMap;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};

use crate::config::SiteConfig;
use crate::destination::DestinationKind;
use crate::exchange::store::{Due, list_due, list_of_payout};
use crate::exchange::{
    Cause, Clearance, Exchange, ExchangeEvent, ExchangeFacts, ExchangeState, Outcome,
};
use crate::kana::BankText;
use crate::payee::Payee;
use crate::payee::store::find_payees;
use crate::payout::store::{find_payouts, find_results, last_number, save_payouts, save_results};
use crate::payout::{LINES_MAX, PayoutRun, PayoutState, ResultState, ResultUpload};
use crate::vault::{Place, Sealed};
use crate::zengin::{
    Carriage, LineEnd, MonthDay, Novelty, Payout, PayoutFile, PayoutNote, PayoutOutcome, write,
};
use access::audit_trail::{self, AuditEntry, Outcome as Audited};
use ledger::ActorNumber;
use store::{Command, Fault, Posting, Recall, Tx};
use vocabulary::{
    Amount, BankCalendar, BankDay, CompanyNumber, Day, Id, Timestamp, Token, Zone, kind,
};

/// The word for files of payouts that are sealed.
pub(crate) const PURPOSE: &str = "payout_file";

/// Why a payout stays as it is, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayoutRefusal {
    /// There is no such payout here.
    #[error("there is no such payout")]
    NotFound,
    /// The bank does not work on that day, or it is over.
    #[error("choose a business day from today on")]
    NoBusinessDay,
    /// Nothing is due.
    #[error("nothing is due")]
    NothingDue,
    /// It was decided before.
    #[error("this payout was decided before")]
    Decided,
    /// Whoever put it together cannot approve it.
    #[error("somebody else has to approve it")]
    SamePerson,
    /// Its exchanges are others than those that were put together.
    #[error("the payout is not what it was")]
    Changed,
    /// A place to pay to cannot be read, or cannot stand in a file.
    #[error("the file cannot be written: {line}")]
    Unwritable {
        /// The line, from 1.
        line: u32,
    },
}

impl PayoutRefusal {
    /// Gives the stable code, as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::NotFound => "payout_not_found",
            Self::NoBusinessDay => "no_business_day",
            Self::NothingDue => "nothing_due",
            Self::Decided => "payout_decided",
            Self::SamePerson => "same_person",
            Self::Changed => "payout_changed",
            Self::Unwritable { .. } => "unwritable",
        }
    }
}

/// What commands about payouts decide on.
#[derive(Debug)]
pub struct PayoutFacts {
    exchanges: ExchangeFacts,
    runs: BTreeMap<Id<kind::Payout>, PayoutRun>,
    lines: BTreeMap<Id<kind::Payout>, Vec<Id<kind::Exchange>>>,
    payees: BTreeMap<Id<kind::Payee>, Payee>,
    due: Vec<Id<kind::Exchange>>,
    last: u32,
    changed: BTreeMap<Id<kind::Payout>, PayoutRun>,
    results: BTreeMap<Id<kind::Report>, ResultUpload>,
    applied: BTreeMap<Id<kind::Report>, ResultUpload>,
    entries: Vec<AuditEntry>,
}

impl PayoutFacts {
    /// Reads some payouts with their exchanges and where those go. One payout at a time is what
    /// people ask for; each is one statement more.
    fn load(
        config: Option<&Arc<SiteConfig>>,
        ids: &[Id<kind::Payout>],
        tx: &mut Tx<'_>,
    ) -> Result<Self, Fault> {
        let runs = find_payouts(tx, ids)?;
        let mut lines: BTreeMap<Id<kind::Payout>, Vec<Id<kind::Exchange>>> = BTreeMap::new();
        let mut all: Vec<Exchange> = Vec::new();
        for id in runs.keys() {
            let found = list_of_payout(tx, *id)?;
            lines.insert(*id, found.iter().map(|exchange| exchange.id).collect());
            all.extend(found);
        }
        Self::with(config, &all, tx).map(|facts| Self { runs, lines, ..facts })
    }

    fn with(
        config: Option<&Arc<SiteConfig>>,
        exchanges: &[Exchange],
        tx: &mut Tx<'_>,
    ) -> Result<Self, Fault> {
        let payees: Vec<_> = exchanges.iter().filter_map(|exchange| exchange.payee).collect();
        let payees = find_payees(tx, &payees)?;
        let ids: Vec<_> = exchanges.iter().map(|exchange| exchange.id).collect();
        Ok(Self {
            exchanges: ExchangeFacts::load(config, &ids, tx)?,
            runs: BTreeMap::new(),
            lines: BTreeMap::new(),
            payees,
            due: ids,
            last: 0,
            changed: BTreeMap::new(),
            results: BTreeMap::new(),
            applied: BTreeMap::new(),
            entries: Vec::new(),
        })
    }

    fn draft(
        &self,
        company: CompanyNumber,
        id: Id<kind::Payout>,
    ) -> Result<PayoutRun, PayoutRefusal> {
        let run = self.runs.get(&id).filter(|run| run.company == company);
        let run = run.ok_or(PayoutRefusal::NotFound)?;
        match run.state {
            PayoutState::Draft => Ok(run.clone()),
            PayoutState::Approved { .. } | PayoutState::Discarded { .. } => {
                Err(PayoutRefusal::Decided)
            }
        }
    }

    fn note(&mut self, run: PayoutRun) {
        self.runs.insert(run.id, run.clone());
        self.changed.insert(run.id, run);
    }

    fn audit(
        &mut self,
        whose: (CompanyNumber, ActorNumber),
        action: &str,
        subject: String,
        at: Timestamp,
    ) {
        let (company, actor) = whose;
        let action = action.to_owned();
        let outcome = Audited::Done;
        self.entries.push(AuditEntry {
            at,
            actor,
            company,
            action,
            subject,
            outcome,
            request: None,
        });
    }

    fn save(self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        save_payouts(tx, self.changed.values())?;
        save_results(tx, self.applied.values())?;
        audit_trail::append(tx, self.entries)?;
        self.exchanges.save(tx)
    }
}

/// Puts together what is due. A second time finds only what has become due since.
#[derive(Clone, Debug)]
pub struct MakePayout {
    /// The settings.
    pub config: Arc<SiteConfig>,
    /// On which business day the bank is to pay.
    pub pay_on: Day,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// Who asks.
    pub by: ActorNumber,
}

impl Command for MakePayout {
    type Facts = PayoutFacts;
    type Receipt = PayoutRun;
    type Refusal = PayoutRefusal;

    const NAME: &'static str = "make payout";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let config = slice.first().map(|first| &first.config);
        let company = config.map_or(CompanyNumber::OPERATOR, |config| config.company);
        let now = slice.iter().map(|command| command.asked_at).max().unwrap_or_default();
        let due = Due { company, state: "held", kind: DestinationKind::Bank, now };
        let due = list_due(tx, due, LINES_MAX)?;
        let last = last_number(tx, company)?;
        Ok(PayoutFacts { last, ..PayoutFacts::with(config, &due, tx)? })
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<PayoutRun, PayoutRefusal> {
        let now = posting.now();
        let open = BankCalendar::JAPAN.day(self.pay_on) == Ok(BankDay::Open);
        if !open || self.pay_on < Zone::JAPAN.day_of(now) {
            return Err(PayoutRefusal::NoBusinessDay);
        }
        let due = core::mem::take(&mut facts.due);
        if due.is_empty() {
            return Err(PayoutRefusal::NothingDue);
        }
        let values = due.iter().filter_map(|id| facts.exchanges.known.get(id));
        let total = values.map(|exchange| exchange.quote.value);
        let total =
            total.fold(Amount::ZERO, |sum, one| sum.checked_add(one).unwrap_or(Amount::MAX));
        facts.last = facts.last.saturating_add(1);
        let id = PayoutRun::id_of(self.config.company, facts.last);
        for exchange in &due {
            facts.exchanges.amend(*exchange, |exchange| {
                exchange.payout = Some(id);
                exchange.next_at = None;
            });
        }
        let run = PayoutRun {
            id,
            company: self.config.company,
            number: facts.last,
            state: PayoutState::Draft,
            pay_on: self.pay_on,
            lines: u32::try_from(due.len()).unwrap_or(u32::MAX),
            total,
            made_by: self.by,
            made_at: now,
            file: None,
        };
        facts.note(run.clone());
        facts.audit((run.company, self.by), "payout.make", run.id.to_string(), now);
        Ok(run)
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

/// Approves what somebody else put together: the file is made and its exchanges are sent, in one
/// transaction. Whoever approves says what they saw.
#[derive(Clone, Debug)]
pub struct ApprovePayout {
    /// The settings.
    pub config: Arc<SiteConfig>,
    /// Which.
    pub payout: Id<kind::Payout>,
    /// How many exchanges and how much the one who approves saw.
    pub seen: (u32, Amount),
    /// Who approves.
    pub by: ActorNumber,
}

impl Command for ApprovePayout {
    type Facts = PayoutFacts;
    type Receipt = PayoutRun;
    type Refusal = PayoutRefusal;

    const NAME: &'static str = "approve payout";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let ids: Vec<_> = slice.iter().map(|command| command.payout).collect();
        PayoutFacts::load(slice.first().map(|first| &first.config), &ids, tx)
    }

    fn recall(&self, facts: &Self::Facts, recall: &mut Recall) {
        for exchange in facts.lines.get(&self.payout).into_iter().flatten() {
            facts.exchanges.recall(*exchange, recall);
        }
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<PayoutRun, PayoutRefusal> {
        let run = facts.draft(self.config.company, self.payout)?;
        if run.made_by == self.by {
            return Err(PayoutRefusal::SamePerson);
        }
        let now = posting.now();
        if run.pay_on < Zone::JAPAN.day_of(now) {
            return Err(PayoutRefusal::NoBusinessDay);
        }
        let ids = facts.lines.get(&run.id).cloned().unwrap_or_default();
        let lines: Vec<&Exchange> =
            ids.iter().filter_map(|id| facts.exchanges.known.get(id)).collect();
        let held = lines.iter().all(|exchange| {
            matches!(exchange.state, ExchangeState::Held { clearance: Clearance::Free, .. })
        });
        let total = lines.iter().map(|exchange| exchange.quote.value);
        let total =
            total.fold(Amount::ZERO, |sum, one| sum.checked_add(one).unwrap_or(Amount::MAX));
        let found = (u32::try_from(lines.len()).unwrap_or(u32::MAX), total);
        if !held || found != self.seen || found != (run.lines, run.total) {
            return Err(PayoutRefusal::Changed);
        }
        let file = self.file(&run, &lines, facts)?;
        let cause = Cause { by: self.by, reason: None };
        for id in &ids {
            let sent = facts.exchanges.apply(*id, ExchangeEvent::Send, &cause, posting);
            assert_eq!(sent, Ok(Outcome::Changed), "what is held and free can be sent");
        }
        let digest: [u8; 32] = Sha256::digest(&file).into();
        let place = Place { purpose: PURPOSE, row: &run.id.to_bytes() };
        let sealed = self.config.exchange.vault.seal(place, &file);
        let state = PayoutState::Approved { by: self.by, at: now };
        let run = PayoutRun { state, file: Some((digest, sealed)), ..run };
        facts.note(run.clone());
        facts.audit((run.company, self.by), "payout.approve", run.id.to_string(), now);
        Ok(run)
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

impl ApprovePayout {
    fn file(
        &self,
        run: &PayoutRun,
        lines: &[&Exchange],
        facts: &PayoutFacts,
    ) -> Result<Vec<u8>, PayoutRefusal> {
        let mut payouts = Vec::with_capacity(lines.len());
        for (line, exchange) in (1_u32..).zip(lines) {
            let payee = exchange.payee.and_then(|id| facts.payees.get(&id));
            let bank = payee.and_then(|payee| payee.open_bank(&self.config.exchange.vault));
            let bank = bank.ok_or(PayoutRefusal::Unwritable { line })?;
            let code = |number: u32| {
                BankText::parse(&number.to_string())
                    .map_err(|_never| PayoutRefusal::Unwritable { line })
            };
            payouts.push(Payout {
                account: bank.account,
                bank_name: BankText::default(),
                branch_name: BankText::default(),
                name: bank.name,
                amount: exchange.quote.value,
                novelty: Novelty::Other,
                note: PayoutNote::Codes(code(line)?, code(run.number)?),
                carriage: Carriage::Wire,
            });
        }
        let sender = self.config.exchange.sender.clone();
        let file = PayoutFile { sender, pay_on: MonthDay::of(run.pay_on), payouts };
        write(&file, LineEnd::CrLf).map_err(|_field| PayoutRefusal::Unwritable { line: 0 })
    }
}

/// Calls a draft off; its exchanges wait for another payout.
#[derive(Clone, Debug)]
pub struct DiscardPayout {
    /// The settings.
    pub config: Arc<SiteConfig>,
    /// Which.
    pub payout: Id<kind::Payout>,
    /// Who asks.
    pub by: ActorNumber,
}

impl Command for DiscardPayout {
    type Facts = PayoutFacts;
    type Receipt = ();
    type Refusal = PayoutRefusal;

    const NAME: &'static str = "discard payout";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let ids: Vec<_> = slice.iter().map(|command| command.payout).collect();
        PayoutFacts::load(slice.first().map(|first| &first.config), &ids, tx)
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<(), PayoutRefusal> {
        let run = facts.draft(self.config.company, self.payout)?;
        let now = posting.now();
        for id in facts.lines.get(&run.id).cloned().unwrap_or_default() {
            facts.exchanges.amend(id, |exchange| {
                exchange.payout = None;
                exchange.next_at = exchange.look_at(now);
            });
        }
        let state = PayoutState::Discarded { by: self.by, at: now };
        facts.audit((run.company, self.by), "payout.discard", run.id.to_string(), now);
        facts.note(PayoutRun { state, ..run });
        Ok(())
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

/// Notes in the audit trail that a payout's file was taken; each time.
#[derive(Clone, Debug)]
pub struct NoteDownload {
    /// The settings.
    pub config: Arc<SiteConfig>,
    /// Which.
    pub payout: Id<kind::Payout>,
    /// Who took it.
    pub by: ActorNumber,
}

impl Command for NoteDownload {
    type Facts = PayoutFacts;
    /// The file.
    type Receipt = (PayoutRun, Sealed);
    type Refusal = PayoutRefusal;

    const NAME: &'static str = "note download of payout";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let ids: Vec<_> = slice.iter().map(|command| command.payout).collect();
        PayoutFacts::load(slice.first().map(|first| &first.config), &ids, tx)
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<(PayoutRun, Sealed), PayoutRefusal> {
        let run = facts.runs.get(&self.payout).filter(|run| run.company == self.config.company);
        let run = run.ok_or(PayoutRefusal::NotFound)?.clone();
        let (_, sealed) = run.file.clone().ok_or(PayoutRefusal::NotFound)?;
        let subject = run.id.to_string();
        facts.audit((run.company, self.by), "payout.download", subject, posting.now());
        Ok((run, sealed))
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

/// Makes a bank's file known that was read and compared. The same file again is left as it is.
#[derive(Clone, Debug)]
pub struct OpenResult {
    /// The company whose payout it is of.
    pub company: CompanyNumber,
    /// The file.
    pub result: ResultUpload,
}

impl Command for OpenResult {
    type Facts = PayoutFacts;
    /// Whether it was not known before.
    type Receipt = bool;
    type Refusal = core::convert::Infallible;

    const NAME: &'static str = "open payout result";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let ids: Vec<_> = slice.iter().map(|command| command.result.id).collect();
        let results = find_results(tx, &ids)?;
        PayoutFacts::with(None, &[], tx).map(|facts| PayoutFacts { results, ..facts })
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<bool, core::convert::Infallible> {
        if facts.results.contains_key(&self.result.id) {
            return Ok(false);
        }
        facts.results.insert(self.result.id, self.result.clone());
        facts.applied.insert(self.result.id, self.result.clone());
        let subject = self.result.id.to_string();
        let whose = (self.company, self.result.uploaded_by);
        facts.audit(whose, "payout.result_open", subject, posting.now());
        Ok(true)
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

/// Applies what a bank says of some exchanges. Applying it again changes nothing: each event is one
/// that the exchange knows already.
#[derive(Clone, Debug)]
pub struct ApplyResults {
    /// The settings.
    pub config: Arc<SiteConfig>,
    /// What the bank says.
    pub rows: Vec<(Id<kind::Exchange>, PayoutOutcome)>,
    /// The file, when these are its last rows.
    pub last_of: Option<Id<kind::Report>>,
    /// Who has it applied.
    pub by: ActorNumber,
}

impl Command for ApplyResults {
    type Facts = PayoutFacts;
    /// How many exchanges changed.
    type Receipt = u32;
    type Refusal = core::convert::Infallible;

    const NAME: &'static str = "apply payout results";
    const BACKGROUND: Option<usize> = Some(1);

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let files: Vec<_> = slice.iter().filter_map(|command| command.last_of).collect();
        let rows = slice.iter().flat_map(|command| &command.rows);
        let ids: Vec<_> = rows.map(|(exchange, _)| *exchange).collect();
        let config = slice.first().map(|first| &first.config);
        let results = find_results(tx, &files)?;
        let facts = PayoutFacts::with(config, &[], tx)?;
        Ok(PayoutFacts { results, exchanges: ExchangeFacts::load(config, &ids, tx)?, ..facts })
    }

    fn recall(&self, facts: &Self::Facts, recall: &mut Recall) {
        for (exchange, _) in &self.rows {
            facts.exchanges.recall(*exchange, recall);
        }
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<u32, core::convert::Infallible> {
        let now = posting.now();
        let mut changed = 0_u32;
        for (id, outcome) in &self.rows {
            let (event, reason) = event_of(*outcome);
            let cause =
                Cause { by: self.by, reason: reason.and_then(|code| Token::parse(code).ok()) };
            match facts.exchanges.apply(*id, event, &cause, posting) {
                Ok(Outcome::Changed) => changed = changed.saturating_add(1),
                Ok(Outcome::Repeated) => continue,
                Ok(Outcome::Refused | Outcome::Contradicted) | Err(_) => {
                    tracing::error!(exchange.id = %id, "what the bank says of exchange {id} cannot be");
                    continue;
                }
            }
            let payee = facts.exchanges.known.get(id).and_then(|exchange| exchange.payee);
            if let Some(payee) = payee.filter(|_| reason.is_some()) {
                facts.exchanges.block(payee, now);
            }
        }
        let file = self.last_of.and_then(|file| facts.results.get(&file).cloned());
        if let Some(file) = file.filter(|file| file.state == ResultState::Checked) {
            let state = ResultState::Applied { by: self.by, at: now };
            let subject = file.id.to_string();
            facts.applied.insert(file.id, ResultUpload { state, ..file });
            facts.audit((self.config.company, self.by), "payout.result_apply", subject, now);
        }
        Ok(changed)
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

/// What a bank's word means: paid is arrived, everything else came back.
const fn event_of(outcome: PayoutOutcome) -> (ExchangeEvent, Option<&'static str>) {
    match outcome {
        PayoutOutcome::Done => (ExchangeEvent::Arrive, None),
        PayoutOutcome::NoSuchAccount => (ExchangeEvent::Return, Some("bank_no_such_account")),
        PayoutOutcome::NameDiffers => (ExchangeEvent::Return, Some("bank_name_differs")),
        PayoutOutcome::CancelledByOwner => (ExchangeEvent::Return, Some("bank_owner_refused")),
        PayoutOutcome::Other => (ExchangeEvent::Return, Some("bank_other")),
    }
}
