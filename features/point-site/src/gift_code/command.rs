use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;

use crate::config::SiteConfig;
use crate::exchange::{Cause, ExchangeEvent, ExchangeFacts, Outcome};
use crate::gift_code::store::{
    add_imports, find_imports, find_known, list_free, save_codes, shelf_of,
};
use crate::gift_code::{Issue, PoolEvent, PoolState, StockedCode, plan_code};
use access::audit_trail::{self, AuditEntry, Outcome as Audited};
use ledger::ActorNumber;
use store::{Command, Fault, Posting, Recall, Tx};
use vocabulary::{Amount, CompanyNumber, Id, Label, Timestamp, Token, Zone, kind};

/// A list of codes that was taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Import {
    /// Which; follows from pool and file.
    pub id: Id<kind::Report>,
    /// The company that bought it.
    pub company: CompanyNumber,
    /// The pool it is for.
    pub pool: Token,
    /// The file's name, as it was sent.
    pub file_name: Label,
    /// How many codes it added.
    pub added: u32,
    /// How many were known before.
    pub known: u32,
    /// Who sent it.
    pub by: ActorNumber,
    /// When.
    pub at: Timestamp,
}

/// Adds codes to a pool, all of a list at once. Codes that are known stay as they are, and so does
/// a list that was taken in before.
#[derive(Clone, Debug)]
pub struct ImportCodes {
    /// The list, with its figures as they were tried out.
    pub import: Import,
    /// Its codes, each once.
    pub codes: Vec<StockedCode>,
}

/// What lists are added to.
#[derive(Debug, Default)]
pub struct ImportFacts {
    known: BTreeSet<[u8; 16]>,
    imports: BTreeMap<Id<kind::Report>, Import>,
    added: Vec<StockedCode>,
    opened: Vec<Import>,
    now: Timestamp,
}

impl Command for ImportCodes {
    type Facts = ImportFacts;
    type Receipt = Import;
    type Refusal = Infallible;

    const NAME: &'static str = "import gift codes";
    const BACKGROUND: Option<usize> = Some(1);

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let ids: Vec<_> = slice.iter().map(|command| command.import.id).collect();
        let codes = slice.iter().flat_map(|command| &command.codes);
        let codes: Vec<[u8; 16]> = codes.map(|code| code.id).collect();
        let known = find_known(tx, &codes)?;
        Ok(ImportFacts { known, imports: find_imports(tx, &ids)?, ..ImportFacts::default() })
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<Import, Infallible> {
        if let Some(known) = facts.imports.get(&self.import.id) {
            return Ok(known.clone());
        }
        facts.now = posting.now();
        let fresh = self.codes.iter().filter(|code| facts.known.insert(code.id));
        let fresh: Vec<StockedCode> = fresh.cloned().collect();
        let count = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        let import = Import {
            added: count(fresh.len()),
            known: count(self.codes.len().saturating_sub(fresh.len())),
            at: facts.now,
            ..self.import.clone()
        };
        facts.added.extend(fresh);
        facts.opened.push(import.clone());
        facts.imports.insert(import.id, import.clone());
        Ok(import)
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        save_codes(tx, &facts.added, facts.now)?;
        add_imports(tx, &facts.opened)?;
        let entries = facts.opened.iter().map(|import| AuditEntry {
            at: import.at,
            actor: import.by,
            company: import.company,
            action: "gift_code.import".to_owned(),
            subject: import.id.to_string(),
            outcome: Audited::Done,
            request: None,
        });
        audit_trail::append(tx, entries.collect()).map(drop)
    }
}

/// Gives each of some exchanges a code of one pool and value: the code, the points and the state go
/// in one transaction. Exchanges for which none is left are called off, and their points are free.
#[derive(Clone, Debug)]
pub struct GiveCodes {
    /// The settings.
    pub config: Arc<SiteConfig>,
    /// The pool.
    pub pool: Token,
    /// What each code is worth.
    pub value: Amount,
    /// The exchanges, held and of that pool and value.
    pub exchanges: Vec<Id<kind::Exchange>>,
    /// When it was asked for; codes that ended before that day are not given.
    pub asked_at: Timestamp,
}

/// What became of a slice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Given {
    /// Exchanges that got a code.
    pub given: u32,
    /// Exchanges for which none was left.
    pub sold_out: u32,
}

/// What codes are given from.
#[derive(Debug)]
pub struct GiveFacts {
    exchanges: ExchangeFacts,
    free: BTreeMap<[u8; 16], Vec<StockedCode>>,
    given: Vec<StockedCode>,
    now: Timestamp,
}

impl Command for GiveCodes {
    type Facts = GiveFacts;
    type Receipt = Given;
    type Refusal = Infallible;

    const NAME: &'static str = "give gift codes";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let ids: Vec<_> = slice.iter().flat_map(|command| &command.exchanges).copied().collect();
        let mut free = BTreeMap::new();
        // The job asks for one shelf at a time, so that this is one statement.
        for command in slice {
            let shelf = shelf_of(command.config.company, &command.pool, command.value);
            let Entry::Vacant(place) = free.entry(shelf) else { continue };
            // The one that ends first is given first: taken off the end.
            let mut codes = list_free(tx, shelf, Zone::JAPAN.day_of(command.asked_at))?;
            codes.reverse();
            place.insert(codes);
        }
        let exchanges = ExchangeFacts::load(slice.first().map(|first| &first.config), &ids, tx)?;
        Ok(GiveFacts { exchanges, free, given: Vec::new(), now: Timestamp::default() })
    }

    fn recall(&self, facts: &Self::Facts, recall: &mut Recall) {
        for exchange in &self.exchanges {
            facts.exchanges.recall(*exchange, recall);
        }
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<Given, Infallible> {
        facts.now = posting.now();
        let mut counted = Given::default();
        for exchange in &self.exchanges {
            match self.give(*exchange, facts, posting) {
                Some(PoolState::Given { .. }) => counted.given = counted.given.saturating_add(1),
                Some(_void) => counted.sold_out = counted.sold_out.saturating_add(1),
                None => {}
            }
        }
        Ok(counted)
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        save_codes(tx, &facts.given, facts.now)?;
        facts.exchanges.save(tx)
    }
}

impl GiveCodes {
    /// Gives one exchange its code; says that it was given, or `Void` when none was left, and
    /// nothing when the exchange is further already.
    fn give(
        &self,
        id: Id<kind::Exchange>,
        facts: &mut GiveFacts,
        posting: &mut Posting<'_>,
    ) -> Option<PoolState> {
        let by = self.config.actor;
        let cause = Cause { by, reason: None };
        let shelf = shelf_of(self.config.company, &self.pool, self.value);
        let exchange = facts.exchanges.known.get(&id)?;
        let fits = exchange.quote.value == self.value && exchange.product == self.pool;
        if !fits || exchange.state.code() != "held" {
            return None;
        }
        let Some(mut stocked) = facts.free.get_mut(&shelf).and_then(Vec::pop) else {
            let reason = Token::parse("sold_out").ok();
            let cause = Cause { by, reason };
            let cancelled =
                facts.exchanges.apply(id, ExchangeEvent::Cancel, &cause, posting).ok()?;
            return (cancelled == Outcome::Changed).then_some(PoolState::Void);
        };
        let Some(code) = stocked.open(&self.config.exchange.vault) else {
            tracing::error!(pool = self.pool.as_str(), "a gift code of the pool does not open");
            return None;
        };
        for event in [PoolEvent::Reserve(id), PoolEvent::Give(id)] {
            if let Ok(Some(state)) = plan_code(stocked.code.state, event) {
                stocked.code.state = state;
            }
        }
        let events = [ExchangeEvent::Send, ExchangeEvent::Arrive];
        if !facts.exchanges.apply_all(id, &events, &cause, posting) {
            return None;
        }
        let (owner, until) = ((id, self.config.company), stocked.code.usable_until);
        let vault = &self.config.exchange.vault;
        facts.exchanges.issue(Issue::seal(owner, &code, until, vault, posting.now()));
        let state = stocked.code.state;
        facts.given.push(stocked);
        Some(state)
    }
}

/// Notes in the audit trail that a member had a code shown; each time.
#[derive(Clone, Copy, Debug)]
pub struct RevealCode {
    /// Whose code.
    pub exchange: Id<kind::Exchange>,
    /// The company whose site it is.
    pub company: CompanyNumber,
    /// Who looks.
    pub by: ActorNumber,
}

impl Command for RevealCode {
    type Facts = Vec<AuditEntry>;
    type Receipt = ();
    type Refusal = Infallible;

    const NAME: &'static str = "reveal gift code";

    fn load(slice: &[Self], _tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        Ok(Vec::with_capacity(slice.len()))
    }

    fn decide(&self, facts: &mut Self::Facts, posting: &mut Posting<'_>) -> Result<(), Infallible> {
        facts.push(AuditEntry {
            at: posting.now(),
            actor: self.by,
            company: self.company,
            action: "gift_code.reveal".to_owned(),
            subject: self.exchange.to_string(),
            outcome: Audited::Done,
            request: None,
        });
        Ok(())
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        audit_trail::append(tx, facts).map(drop)
    }
}
