use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::cap::Tallies;
use crate::cap::store::find_tallies;
use crate::config::SiteConfig;
use crate::conversion::store::{find_uses, load_by_id, load_facts, save_facts};
use crate::conversion::{
    Conversion, ConversionKey, ConversionState, Effect, Entries, NO_ENTRIES, Outcome, Plan, Review,
    Route, Sight, Source, Told, batch_id, expectation_id, plan,
};
use crate::offer::{Repeat, Reward};
use ledger::{
    AccountNumber, AccountSpec, BalanceRule, Batch, Lot, NormalSide, Remaining, Step, Transfer,
    TransferKind, Wanted,
};
use store::{Fault, Posting, Reader, Recall, Tx};
use vocabulary::{AccountRole, Amount, Id, Reference, Timestamp, Token, kind};

/// What the site's movements are for, in the company's numbering.
const CODE: u16 = 300;

/// What the batch of a version does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PostingKind {
    /// It only changes what is announced.
    Note,
    /// It grants.
    Grant,
    /// It grants more or takes some back.
    Correction,
    /// It takes all back.
    Reversal,
}

impl PostingKind {
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Note => "note",
            Self::Grant => "grant",
            Self::Correction => "correction",
            Self::Reversal => "reversal",
        }
    }

    pub(crate) fn parse(code: &str) -> Option<Self> {
        [Self::Note, Self::Grant, Self::Correction, Self::Reversal]
            .into_iter()
            .find(|kind| kind.code() == code)
    }
}

/// A version that posted a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PostingLine {
    pub(crate) version: u32,
    pub(crate) kind: PostingKind,
}

/// Where an order number is in use.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OrderUse {
    pub(crate) network: Token,
    pub(crate) account: Token,
    pub(crate) shop: Option<Id<kind::Shop>>,
}

/// The conversions that members have at offers which pay once: those that are not rejected, each
/// with its order.
pub(crate) type MemberUses =
    BTreeMap<(Id<kind::Member>, Id<kind::Offer>), BTreeMap<Id<kind::Conversion>, Option<String>>>;

/// A state that a conversion came to, and by what.
#[derive(Clone, Debug)]
pub(crate) struct VersionLine {
    pub(crate) conversion: Conversion,
    pub(crate) outcome: Outcome,
    pub(crate) source: Source,
    pub(crate) posting: Option<PostingKind>,
}

/// What the statements of a slice are decided on; shared by messages and reports.
#[derive(Debug)]
pub(crate) struct ConversionFacts {
    pub(crate) config: Arc<SiteConfig>,
    /// The id of every conversion that is named, also of those that are new.
    pub(crate) ids: BTreeMap<ConversionKey, Id<kind::Conversion>>,
    pub(crate) known: BTreeMap<Id<kind::Conversion>, Conversion>,
    pub(crate) routes: BTreeMap<Id<kind::Click>, Route>,
    pub(crate) orders: BTreeMap<String, Vec<OrderUse>>,
    /// What was posted for those that are approved, which may be taken back.
    pub(crate) lines: BTreeMap<Id<kind::Conversion>, Vec<PostingLine>>,
    /// The rows that add up to a conversion, at networks that restate by adding rows.
    pub(crate) entries: BTreeMap<Id<kind::Conversion>, Entries>,
    /// Those of them that are new.
    pub(crate) entries_added: Vec<(Id<kind::Conversion>, Reference)>,
    /// What members have at offers that pay once.
    pub(crate) uses: MemberUses,
    /// How much of capped versions is used.
    pub(crate) tallies: Tallies,
    /// How many statements of the slice name each conversion.
    pub(crate) asked: BTreeMap<Id<kind::Conversion>, u32>,
    /// Those that changed, and whether more of them than where they stand.
    pub(crate) changed: BTreeMap<Id<kind::Conversion>, bool>,
    pub(crate) versions: Vec<VersionLine>,
    /// Those that waited for a person when they were loaded.
    pub(crate) waiting: BTreeSet<Id<kind::Conversion>>,
}

impl ConversionFacts {
    /// Reads what all statements need, with a fixed number of statements.
    pub(crate) fn load<'a>(
        config: &Arc<SiteConfig>,
        told: impl Iterator<Item = &'a Told>,
        reader: &mut Reader<'_>,
    ) -> Result<Self, Fault> {
        load_facts(config, told, reader)?.with_terms(reader)
    }

    /// Reads what the terms of the clicks ask for: what members have at offers that pay once, how
    /// much of capped versions is used. Nothing is read where no click has such terms.
    fn with_terms(mut self, reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let of_known = self.known.values().filter_map(|known| known.route.as_ref());
        let routes: Vec<&Route> = self.routes.values().chain(of_known).collect();
        let once = routes.iter().filter(|route| route.repeat == Repeat::Once);
        let members: BTreeSet<Id<kind::Member>> = once.map(|route| route.member).collect();
        let capped = routes.iter().filter(|route| route.capped);
        let capped: BTreeSet<Id<kind::Offer>> = capped.map(|route| route.offer).collect();
        self.uses = find_uses(reader, self.config.company, members.into_iter())?;
        self.tallies = find_tallies(reader, capped.into_iter())?;
        Ok(self)
    }

    /// Reads conversions that are known already; `clicks` are those they may come to belong to.
    pub(crate) fn load_by_id(
        config: &Arc<SiteConfig>,
        conversions: &BTreeSet<Id<kind::Conversion>>,
        clicks: impl Iterator<Item = Id<kind::Click>>,
        reader: &mut Reader<'_>,
    ) -> Result<Self, Fault> {
        load_by_id(config, conversions, clicks, reader)?.with_terms(reader)
    }

    /// Begins with what is known, without anything around it.
    pub(crate) fn of(
        config: Arc<SiteConfig>,
        known: BTreeMap<Id<kind::Conversion>, Conversion>,
    ) -> Self {
        let waiting = known.values().filter(|conversion| conversion.waits());
        let waiting = waiting.map(|conversion| conversion.id).collect();
        Self {
            config,
            uses: MemberUses::new(),
            tallies: Tallies::default(),
            ids: BTreeMap::new(),
            known,
            routes: BTreeMap::new(),
            orders: BTreeMap::new(),
            lines: BTreeMap::new(),
            entries: BTreeMap::new(),
            entries_added: Vec::new(),
            asked: BTreeMap::new(),
            changed: BTreeMap::new(),
            versions: Vec::new(),
            waiting,
        }
    }

    /// Gives the id of a conversion that a statement of the slice names.
    pub(crate) fn id_of(&self, told: &Told) -> Id<kind::Conversion> {
        let first = || told.key.first_id(told.occurred_at);
        self.ids.get(&told.key).copied().unwrap_or_else(first)
    }

    /// Gives the version in which the conversion of a statement stands; 0 when it is not known.
    pub(crate) fn version_of(&self, told: &Told) -> u32 {
        self.known.get(&self.id_of(told)).map_or(0, |known| known.version)
    }

    /// Names what posting may ask the ledger about.
    pub(crate) fn recall(&self, told: &Told, recall: &mut Recall) {
        self.recall_id(self.id_of(told), recall);
    }

    /// Names what posting for a conversion may ask the ledger about.
    pub(crate) fn recall_id(&self, id: Id<kind::Conversion>, recall: &mut Recall) {
        let (company, version) =
            (self.config.company, self.known.get(&id).map_or(0, |known| known.version));
        let count = self.asked.get(&id).copied().unwrap_or(1);
        for next in (1..=count).map(|step| version.saturating_add(step)) {
            recall.batch(company, batch_id(id, next));
            recall.original(company, batch_id(id, next));
            recall.expectation(expectation_id(id, next));
        }
        for line in self.lines.get(&id).map_or(&[][..], Vec::as_slice) {
            match line.kind {
                PostingKind::Grant | PostingKind::Correction => {
                    recall.original(company, batch_id(id, line.version));
                }
                PostingKind::Note | PostingKind::Reversal => {}
            }
        }
    }

    /// Tells what a statement would do, without doing it.
    pub(crate) fn preview(&self, told: &Told, now: Timestamp) -> Plan {
        plan(self.sight(told), told, now)
    }

    /// Decides a statement, posts what it means and notes what changed. What the ledger refuses
    /// leaves the conversion as it was, for a person to look at.
    pub(crate) fn apply(&mut self, told: &Told, posting: &mut Posting<'_>) -> (Outcome, Amount) {
        let now = posting.now();
        let planned = plan(self.sight(told), told, now);
        self.add_entry(told, &planned);
        let Some(next) = planned.next else { return (planned.outcome, Amount::ZERO) };
        match self.change(&next, planned.effect, (planned.outcome, told.source), posting) {
            Ok(()) => {
                let paid = if planned.outcome.pays() { paid_by(planned.effect) } else { None };
                (planned.outcome, paid.unwrap_or(Amount::ZERO))
            }
            Err(code) => {
                let conversion = next.id;
                tracing::warn!(
                    conversion.id = %conversion,
                    refusal = code,
                    "the ledger refuses conversion {conversion}: {code}"
                );
                self.hold_back(next, told.source, now);
                (Outcome::NeedsReview, Amount::ZERO)
            }
        }
    }

    /// Posts what a change means and notes it.
    ///
    /// # Errors
    ///
    /// The code of the ledger's refusal; then nothing is changed.
    pub(crate) fn change(
        &mut self,
        next: &Conversion,
        effect: Effect,
        (outcome, source): (Outcome, Source),
        posting: &mut Posting<'_>,
    ) -> Result<(), &'static str> {
        let posted = self.post(next, effect, posting)?;
        if let Some(kind) = posted {
            let line = PostingLine { version: next.version, kind };
            self.lines.entry(next.id).or_default().push(line);
        }
        self.note(next.clone(), outcome, source, posted);
        Ok(())
    }

    /// Writes what changed, with a fixed number of statements.
    pub(crate) fn save(self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        save_facts(&self, tx)
    }

    /// Notes a row that counts from now on, whatever became of what it says.
    fn add_entry(&mut self, told: &Told, planned: &Plan) {
        let unused = [Some(Review::CurrencyDiffers), Some(Review::EntriesDiffer)];
        let refused = planned.next.as_ref().is_some_and(|next| unused.contains(&next.review));
        let Some(entry) = told.entry.as_ref().filter(|_| !told.test && !refused) else { return };
        let id = self.id_of(told);
        let entries = self.entries.entry(id).or_default();
        if !entries.contains_key(entry) {
            entries.insert(entry.clone(), (told.sale, told.commission));
            self.entries_added.push((id, entry.clone()));
        }
    }

    fn sight(&self, told: &Told) -> Sight<'_> {
        let id = self.id_of(told);
        let route = told.click.and_then(|click| self.routes.get(&click));
        let shop = route.map(|route| route.shop);
        let uses = told.order.as_ref().and_then(|order| self.orders.get(order.as_str()));
        let rival = uses.is_some_and(|uses| {
            uses.iter().any(|other| {
                let elsewhere =
                    (&other.network, &other.account) != (&told.key.network, &told.key.account);
                elsewhere && shop.is_some() && other.shop == shop
            })
        });
        let known = self.known.get(&id);
        let again = self.again(id, told, known.and_then(|known| known.route.as_ref()).or(route));
        let network = self.config.network(&told.key.network, &told.key.account);
        let currency = network.map(|network| network.currency);
        let entries = self.entries.get(&id).unwrap_or(&NO_ENTRIES);
        Sight { id, conversion: known, route, rival, again, currency, entries }
    }

    /// Tells whether the offer pays once and the member has another conversion there that is not
    /// rejected. Items of one order are parts of one act where each pays by its price; what is
    /// fixed is paid for the act.
    fn again(&self, id: Id<kind::Conversion>, told: &Told, route: Option<&Route>) -> bool {
        let Some(route) = route.filter(|route| route.repeat == Repeat::Once) else { return false };
        let order = match route.reward_of(told.item.as_ref()) {
            Reward::Rate { .. } => told.order.as_ref().map(Reference::as_str),
            Reward::Fixed { .. } => None,
        };
        let uses = self.uses.get(&(route.member, route.offer));
        let other = |(other, of_order): (&Id<kind::Conversion>, &Option<String>)| {
            *other != id && (order.is_none() || of_order.as_deref() != order)
        };
        uses.is_some_and(|uses| uses.iter().any(other))
    }

    /// Notes that a member has, or does not have any more, a conversion at an offer that pays once.
    fn note_use(&mut self, next: &Conversion) {
        let once = |route: &&Route| route.repeat == Repeat::Once;
        let Some(route) = next.route.as_ref().filter(once) else { return };
        let uses = self.uses.entry((route.member, route.offer)).or_default();
        match next.state {
            ConversionState::NeedsReview
            | ConversionState::Tracked { .. }
            | ConversionState::Approved { .. } => {
                let order = next.order.as_ref().map(|order| order.as_str().to_owned());
                uses.insert(next.id, order);
            }
            ConversionState::Rejected { .. } | ConversionState::Reversed { .. } => {
                uses.remove(&next.id);
            }
        }
    }

    fn note(
        &mut self,
        next: Conversion,
        outcome: Outcome,
        source: Source,
        posting: Option<PostingKind>,
    ) {
        let id = next.id;
        let rejected = matches!(next.state, ConversionState::Rejected { .. });
        if let Some(order) = next.order.as_ref().filter(|_| !rejected) {
            let own = OrderUse {
                network: next.key.network.clone(),
                account: next.key.account.clone(),
                shop: next.route.as_ref().map(|route| route.shop),
            };
            let uses = self.orders.entry(order.as_str().to_owned()).or_default();
            if !uses.contains(&own) {
                uses.push(own);
            }
        }
        self.note_use(&next);
        self.tallies.change(self.known.get(&id), &next);
        let more = self.known.get(&id).is_none_or(|before| !next.same_origin(before));
        let changed = self.changed.entry(id).or_default();
        *changed = *changed || more;
        self.versions.push(VersionLine { conversion: next.clone(), outcome, source, posting });
        self.known.insert(id, next);
    }

    fn hold_back(&mut self, next: Conversion, source: Source, now: Timestamp) {
        let kept = match self.known.get(&next.id) {
            Some(known) if known.review == Some(Review::PostingRefused) => return,
            Some(known) => Conversion {
                version: next.version,
                changed_at: now,
                review: Some(Review::PostingRefused),
                ..known.clone()
            },
            None => Conversion {
                state: ConversionState::NeedsReview,
                review: Some(Review::PostingRefused),
                ..next
            },
        };
        self.note(kept, Outcome::NeedsReview, source, None);
    }

    /// Posts one batch for the change, under an id that follows from the conversion and its
    /// version.
    fn post(
        &self,
        next: &Conversion,
        effect: Effect,
        posting: &mut Posting<'_>,
    ) -> Result<Option<PostingKind>, &'static str> {
        let Some(route) = &next.route else { return Ok(None) };
        let Some(kind) = kind_of(effect) else { return Ok(None) };
        let accounts = Accounts::open(&self.config, route.member, effect, posting)?;
        let steps = self.steps(next, effect, &accounts, posting)?;
        if steps.is_empty() {
            return Ok(None);
        }
        let batch = batch_id(next.id, next.version);
        let asked = Batch::try_new(batch, self.config.actor, steps);
        let asked = asked.map_err(|_too_many| "batch_too_long")?;
        posting.post(&asked).map_err(|refused| refused.refusal.code())?;
        Ok(Some(kind))
    }

    fn steps(
        &self,
        next: &Conversion,
        effect: Effect,
        accounts: &Accounts,
        posting: &Posting<'_>,
    ) -> Result<Vec<Step>, &'static str> {
        let lot = self.config.lot(posting)?;
        Ok(match effect {
            Effect::None => Vec::new(),
            Effect::Announce { expectation, points } => {
                vec![announce(next, expectation, points, accounts)]
            }
            Effect::Change { expectation, points } => {
                vec![Step::ChangeExpectation { expectation, amount: points }]
            }
            Effect::Fulfil { expectation, announced, points } => {
                fulfil(expectation, announced, points, lot)
            }
            Effect::Grant { points } if points.is_zero() => Vec::new(),
            Effect::Grant { points } => vec![accounts.grant(points, lot)],
            Effect::Correct { from, to } => match to.checked_sub(from) {
                Some(more) => vec![accounts.grant(more, lot)],
                None => accounts.take(from.saturating_sub(to), posting),
            },
            Effect::TakeBack => self.take_back(next.id, accounts),
            Effect::TakeBackToAnnounced { expectation, points } => {
                let mut steps = self.take_back(next.id, accounts);
                steps.push(announce(next, expectation, points, accounts));
                steps
            }
        })
    }

    /// Undoes all that was granted and corrected since the last reversal, the newest first.
    fn take_back(&self, id: Id<kind::Conversion>, accounts: &Accounts) -> Vec<Step> {
        let lines = self.lines.get(&id).map_or(&[][..], Vec::as_slice);
        let since = lines.iter().filter(|line| line.kind == PostingKind::Reversal);
        let since = since.map(|line| line.version).max().unwrap_or(0);
        let mut granted: Vec<&PostingLine> = lines
            .iter()
            .filter(|line| {
                line.version > since
                    && matches!(line.kind, PostingKind::Grant | PostingKind::Correction)
            })
            .collect();
        granted.sort_by_key(|line| core::cmp::Reverse(line.version));
        let undo = |line: &&PostingLine| Step::Reverse {
            original: batch_id(id, line.version),
            shortfall: accounts.receivable,
            code: CODE,
        };
        granted.iter().map(undo).collect()
    }
}

fn announce(
    next: &Conversion,
    expectation: Id<kind::Expectation>,
    points: Amount,
    accounts: &Accounts,
) -> Step {
    Step::Announce {
        id: expectation,
        debit: accounts.cost,
        credit: accounts.member,
        amount: points,
        due_at: next.route.as_ref().map(Route::due_at),
        code: CODE,
    }
}

fn fulfil(
    expectation: Id<kind::Expectation>,
    announced: Amount,
    points: Amount,
    lot: Lot,
) -> Vec<Step> {
    let mut steps = Vec::with_capacity(2);
    if points != announced {
        steps.push(Step::ChangeExpectation { expectation, amount: points });
    }
    if !points.is_zero() {
        steps.push(Step::GrantExpectation {
            expectation,
            amount: None,
            lot: Some(lot),
            remaining: Remaining::Release,
            code: CODE,
        });
    }
    steps
}

/// Gives what the batch of a change does.
const fn kind_of(effect: Effect) -> Option<PostingKind> {
    match effect {
        Effect::None => None,
        Effect::Announce { .. } | Effect::Change { .. } => Some(PostingKind::Note),
        // What was announced and turns out to be nothing is only dropped.
        Effect::Fulfil { points, .. } if points.is_zero() => Some(PostingKind::Note),
        Effect::Fulfil { .. } | Effect::Grant { .. } => Some(PostingKind::Grant),
        Effect::Correct { .. } => Some(PostingKind::Correction),
        Effect::TakeBack | Effect::TakeBackToAnnounced { .. } => Some(PostingKind::Reversal),
    }
}

/// Gives what a change takes from the member.
pub(crate) fn taken_by(effect: Effect, granted: Amount) -> Amount {
    match effect {
        Effect::TakeBack | Effect::TakeBackToAnnounced { .. } => granted,
        Effect::Correct { from, to } => from.saturating_sub(to),
        Effect::None
        | Effect::Announce { .. }
        | Effect::Change { .. }
        | Effect::Fulfil { .. }
        | Effect::Grant { .. } => Amount::ZERO,
    }
}

/// Gives what a change credits to the member.
pub(crate) fn paid_by(effect: Effect) -> Option<Amount> {
    match effect {
        Effect::Fulfil { points, .. } | Effect::Grant { points } => Some(points),
        Effect::Correct { from, to } => to.checked_sub(from),
        Effect::None
        | Effect::Announce { .. }
        | Effect::Change { .. }
        | Effect::TakeBack
        | Effect::TakeBackToAnnounced { .. } => None,
    }
}

/// The accounts that a conversion moves value between.
struct Accounts {
    member: AccountNumber,
    cost: AccountNumber,
    /// What the member owes; opened only when something is taken back.
    receivable: Option<AccountNumber>,
}

impl Accounts {
    /// Finds the accounts, and opens those that nobody has opened yet.
    fn open(
        config: &SiteConfig,
        member: Id<kind::Member>,
        effect: Effect,
        posting: &mut Posting<'_>,
    ) -> Result<Self, &'static str> {
        let (unit, company) = (config.unit, config.company);
        let mut open = |id, side, rule, lots| {
            if let Some(number) = posting.book().find_account(id) {
                return Ok(number);
            }
            let spec = AccountSpec { id, unit, company, side, rule, lots };
            posting.open_account(spec).map_err(|_differs| "account_differs")
        };
        let unlimited = BalanceRule::Unlimited;
        let cost = Id::of(config.company_id, unit.get(), AccountRole::Cost);
        let owned = Id::of(member, unit.get(), AccountRole::Member);
        let cost = open(cost, NormalSide::Debit, unlimited, false)?;
        let owned = open(owned, NormalSide::Credit, config.member_rule, true)?;
        let receivable = if effect.takes() {
            // The member's own: who owes what is part of the truth.
            let id = Id::of(member, unit.get(), AccountRole::Receivable);
            Some(open(id, NormalSide::Debit, unlimited, false)?)
        } else {
            None
        };
        Ok(Self { member: owned, cost, receivable })
    }

    fn grant(&self, amount: Amount, lot: Lot) -> Step {
        let (debit, credit) = (self.cost, self.member);
        transfer(debit, credit, amount, TransferKind::Grant, Some(lot))
    }

    /// Takes an amount back from what the member has; the rest is owed.
    fn take(&self, amount: Amount, posting: &Posting<'_>) -> Vec<Step> {
        let account = posting.book().account(self.member);
        let available = account.map_or(Amount::ZERO, ledger::Account::available);
        let taken = amount.min(available);
        let owed = amount.saturating_sub(taken);
        let parts = [(Some(self.member), taken), (self.receivable, owed)];
        let parts = parts.into_iter().filter(|(_, part)| !part.is_zero());
        parts
            .filter_map(|(from, part)| {
                Some(transfer(from?, self.cost, part, TransferKind::Adjustment, None))
            })
            .collect()
    }
}

fn transfer(
    debit: AccountNumber,
    credit: AccountNumber,
    amount: Amount,
    kind: TransferKind,
    lot: Option<Lot>,
) -> Step {
    let amount = Wanted::Exactly(amount);
    Step::Transfer(Transfer { debit, credit, amount, kind, code: CODE, lot })
}
