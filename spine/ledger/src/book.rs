use std::collections::{BTreeMap, VecDeque};

use hashbrown::{DefaultHashBuilder, HashMap, HashTable};

use crate::{
    Account, AccountNumber, AccountSpec, AccountState, ActivityKind, Expectation, ExpectationState,
    Hold, HoldPart, HoldState, Layer, Lot, Movement, MovementKind, Seq, Standing, Unit, UnitNumber,
};
use vocabulary::{Amount, Day, Id, Timestamp, Zone, kind};

/// A movement that does not fit the book: the journal is damaged or was written by somebody else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FoldError {
    /// Its seq is not the next one.
    #[error("seq {found} stands where {expected} should")]
    Seq {
        /// The seq it should have.
        expected: Seq,
        /// The seq it has.
        found: Seq,
    },
    /// It is earlier than the movement before it.
    #[error("time runs back")]
    Time,
    /// An account it names was never opened.
    #[error("an account it names is not open")]
    Account,
    /// Both accounts are one, or they count different units.
    #[error("its two accounts cannot face each other")]
    Accounts,
    /// The chain to an account's previous movement is broken.
    #[error("its link to the account's previous movement is wrong")]
    Chain,
    /// A lot would go below zero, or below what holds reserve of it.
    #[error("it takes more of a lot than there is")]
    Lot,
    /// A hold or expectation it names is not there, or has less.
    #[error("the hold or expectation it names does not allow it")]
    Subject,
    /// A figure does not fit.
    #[error("a figure does not fit 63 bits")]
    Overflow,
}

/// On what a movement is applied.
#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    /// On the state just before it.
    Replay,
    /// On parts that may have it already.
    CatchUp,
    /// On the state just before it, to be taken back perhaps.
    Undoably,
}

impl How {
    /// Whether a part whose last movement is `head` has this one already.
    fn has(self, head: Seq, movement: &Movement) -> bool {
        self == Self::CatchUp && head >= movement.seq
    }
}

#[derive(Debug)]
enum Undo {
    Account(AccountNumber, AccountState),
    Hold(u128, Option<Hold>),
    Expectation(u128, Option<Expectation>),
}

/// A state of the book to go back to.
#[derive(Clone, Copy, Debug)]
pub struct Mark {
    undo: usize,
    accounts: usize,
    next: Seq,
    last_at: Timestamp,
}

/// All accounts, holds and expectations of one book, as its journal adds up to them.
#[derive(Debug)]
pub struct Book {
    units: Vec<Option<Unit>>,
    accounts: Vec<Account>,
    by_id: HashTable<u32>,
    holds: HashMap<u128, Hold>,
    expectations: HashMap<u128, Expectation>,
    /// Holds by the second they expire in; entries of ended holds are skipped when they come up.
    due: BTreeMap<i64, Vec<u128>>,
    hasher: DefaultHashBuilder,
    next: Seq,
    last_at: Timestamp,
    undo: VecDeque<Undo>,
    /// How many accounts can no longer be undone.
    settled_accounts: usize,
}

/// Accounts by id, built beside their book: at ten million that takes as long as reading them.
#[derive(Debug)]
pub struct AccountIndex {
    by_id: HashTable<u32>,
    room: usize,
    hasher: DefaultHashBuilder,
}

impl AccountIndex {
    /// Adds the account of the next number; `None` beyond the count it was begun with.
    pub fn push(&mut self, id: Id<kind::Account>) -> Option<()> {
        let number = self.by_id.len();
        if number >= self.room {
            return None;
        }
        let hash = hash_id(&self.hasher, id.bits());
        // There is room, so that nothing is ever hashed again.
        self.by_id.insert_unique(hash, u32::try_from(number).ok()?, |_| hash);
        Some(())
    }
}

impl Default for Book {
    fn default() -> Self {
        Self::new()
    }
}

impl Book {
    /// Opens an empty book.
    pub fn new() -> Self {
        Self {
            units: Vec::new(),
            accounts: Vec::new(),
            by_id: HashTable::new(),
            holds: HashMap::new(),
            expectations: HashMap::new(),
            due: BTreeMap::new(),
            hasher: DefaultHashBuilder::default(),
            next: Seq::NONE.next(),
            last_at: Timestamp::from_microseconds(0),
            undo: VecDeque::new(),
            settled_accounts: 0,
        }
    }

    /// Makes a unit known, or changes its policy.
    pub fn set_unit(&mut self, unit: Unit) {
        let place = usize::from(unit.number.get());
        if self.units.len() <= place {
            self.units.resize(place.saturating_add(1), None);
        }
        if let Some(slot) = self.units.get_mut(place) {
            *slot = Some(unit);
        }
    }

    /// Finds a unit.
    pub fn find_unit(&self, number: UnitNumber) -> Option<&Unit> {
        self.units.get(usize::from(number.get())).and_then(Option::as_ref)
    }

    /// Opens an account under the next dense number. The caller has checked that the id is new.
    pub fn open_account(&mut self, spec: AccountSpec) -> AccountNumber {
        let number = u32::try_from(self.accounts.len()).unwrap_or(u32::MAX);
        self.accounts.push(Account { spec, state: AccountState::EMPTY });
        let (accounts, hasher) = (&self.accounts, &self.hasher);
        self.by_id.insert_unique(hash_id(hasher, spec.id.bits()), number, |&other| {
            let id = usize::try_from(other).ok().and_then(|place| accounts.get(place));
            hash_id(hasher, id.map_or(0, |account| account.spec.id.bits()))
        });
        AccountNumber::new(number)
    }

    /// Makes room for `count` more accounts.
    pub fn reserve_accounts(&mut self, count: usize) {
        self.accounts.reserve(count);
        let (accounts, hasher) = (&self.accounts, &self.hasher);
        self.by_id.reserve(count, |&other| {
            let id = usize::try_from(other).ok().and_then(|place| accounts.get(place));
            hash_id(hasher, id.map_or(0, |account| account.spec.id.bits()))
        });
    }

    /// Makes room for `count` accounts and begins their index, to be filled beside this book and
    /// [adopted](Self::adopt) by it.
    pub fn begin_index(&mut self, count: usize) -> AccountIndex {
        self.accounts.reserve(count);
        AccountIndex {
            by_id: HashTable::with_capacity(count),
            room: count,
            hasher: self.hasher.clone(),
        }
    }

    /// Puts an account under the next number as a checkpoint remembers it. It is not found by its
    /// id until an index that has it was [adopted](Self::adopt).
    pub fn restore_account(&mut self, spec: AccountSpec, state: AccountState) {
        self.accounts.push(Account { spec, state });
    }

    /// Takes the index of all accounts; `None` when it is of fewer or of more.
    pub fn adopt(&mut self, index: AccountIndex) -> Option<()> {
        (index.by_id.len() == self.accounts.len()).then(|| self.by_id = index.by_id)
    }

    /// Puts a hold as a checkpoint or the journal remembers it.
    pub fn restore_hold(&mut self, id: Id<kind::Hold>, hold: Hold) {
        if hold.state == HoldState::Open {
            self.note_due(id.bits(), hold.expires_at);
        }
        self.holds.insert(id.bits(), hold);
    }

    /// Puts an expectation as a checkpoint remembers it.
    pub fn restore_expectation(&mut self, id: Id<kind::Expectation>, expectation: Expectation) {
        self.expectations.insert(id.bits(), expectation);
    }

    /// Sets the place and time of the last movement, after checkpoints were restored.
    pub fn restore_position(&mut self, last: Seq, last_at: Timestamp) {
        self.next = last.next();
        self.last_at = last_at;
    }

    /// Finds an account's number by its id, as decided last; whoever is not the one who decides
    /// asks [`Book::find_settled_account`].
    pub fn find_account(&self, id: Id<kind::Account>) -> Option<AccountNumber> {
        let bits = id.bits();
        self.by_id
            .find(hash_id(&self.hasher, bits), |&number| {
                let account =
                    usize::try_from(number).ok().and_then(|place| self.accounts.get(place));
                account.is_some_and(|account| account.spec.id.bits() == bits)
            })
            .map(|&number| AccountNumber::new(number))
    }

    /// Finds an account's number by its id, unless its opening could still be undone and the number
    /// be given to another.
    pub fn find_settled_account(&self, id: Id<kind::Account>) -> Option<AccountNumber> {
        self.find_account(id).filter(|number| number.index() < self.settled_accounts)
    }

    /// Gives an account.
    pub fn account(&self, number: AccountNumber) -> Option<&Account> {
        self.accounts.get(number.index())
    }

    /// Gives all accounts by number.
    pub fn accounts(&self) -> &[Account] {
        &self.accounts
    }

    /// Gives a hold, also one that ended lately.
    pub fn hold(&self, id: Id<kind::Hold>) -> Option<&Hold> {
        self.holds.get(&id.bits())
    }

    /// Gives an expectation, also one that ended lately.
    pub fn expectation(&self, id: Id<kind::Expectation>) -> Option<&Expectation> {
        self.expectations.get(&id.bits())
    }

    /// Rebuilds a hold from its movements, in order; `None` when they do not make one.
    pub fn rebuild_hold(id: Id<kind::Hold>, movements: &[Movement]) -> Option<Hold> {
        let mut scratch = Self::new();
        for movement in movements {
            scratch.apply_to_hold(id.bits(), movement).ok()?;
        }
        scratch.holds.remove(&id.bits())
    }

    /// Rebuilds an expectation from its movements, in order; `None` when they do not make one.
    pub fn rebuild_expectation(
        id: Id<kind::Expectation>,
        movements: &[Movement],
    ) -> Option<Expectation> {
        let mut scratch = Self::new();
        for movement in movements.iter().filter(|movement| movement.kind.concerns_expectation()) {
            scratch.apply_to_expectation(id.bits(), movement).ok()?;
        }
        scratch.expectations.remove(&id.bits())
    }

    /// Gives all remembered holds, in order of id.
    pub fn holds(&self) -> Vec<(Id<kind::Hold>, &Hold)> {
        let mut all: Vec<_> =
            self.holds.iter().map(|(&id, hold)| (Id::from_bits(id), hold)).collect();
        all.sort_unstable_by_key(|(id, _)| *id);
        all
    }

    /// Gives all remembered expectations, in order of id.
    pub fn expectations(&self) -> Vec<(Id<kind::Expectation>, &Expectation)> {
        let mut all: Vec<_> =
            self.expectations.iter().map(|(&id, expected)| (Id::from_bits(id), expected)).collect();
        all.sort_unstable_by_key(|(id, _)| *id);
        all
    }

    /// Gives up to `limit` open holds whose time is over at `now`, the earliest first.
    pub fn due_holds(&self, now: Timestamp, limit: usize) -> Vec<Id<kind::Hold>> {
        self.due
            .range(..=now.as_seconds())
            .flat_map(|(_, ids)| ids)
            .filter(|id| {
                self.holds
                    .get(*id)
                    .is_some_and(|hold| hold.state == HoldState::Open && hold.expires_at <= now)
            })
            .take(limit)
            .map(|&id| Id::from_bits(id))
            .collect()
    }

    /// Forgets holds and expectations that ended at `last` or before; the journal still knows them,
    /// and [`Book::restore_hold`] and [`Book::restore_expectation`] bring one back. What could
    /// still be undone must be settled.
    pub fn forget_ended(&mut self, last: Seq) {
        self.holds.retain(|_, hold| hold.state == HoldState::Open || hold.head > last);
        self.expectations
            .retain(|_, expected| expected.state == ExpectationState::Open || expected.head > last);
        let holds = &self.holds;
        self.due.retain(|_, ids| {
            ids.retain(|id| holds.contains_key(id));
            !ids.is_empty()
        });
    }

    /// The place the next movement takes.
    pub const fn next_seq(&self) -> Seq {
        self.next
    }

    /// The time of the last movement; the next one is not earlier.
    pub const fn last_at(&self) -> Timestamp {
        self.last_at
    }

    /// Where days begin for a unit.
    pub(crate) fn zone(&self, unit: UnitNumber) -> Zone {
        self.find_unit(unit).map_or(Zone::JAPAN, |unit| unit.policy.zone)
    }

    /// Marks the state to go back to with [`Book::undo_to`].
    pub fn mark(&self) -> Mark {
        Mark {
            undo: self.undo.len(),
            accounts: self.accounts.len(),
            next: self.next,
            last_at: self.last_at,
        }
    }

    /// Goes back to a mark, the newest marks first.
    pub fn undo_to(&mut self, mark: Mark) {
        while self.undo.len() > mark.undo {
            match self.undo.pop_back() {
                Some(Undo::Account(number, state)) => {
                    if let Some(account) = self.accounts.get_mut(number.index()) {
                        account.state = state;
                    }
                }
                Some(Undo::Hold(id, Some(hold))) => drop(self.holds.insert(id, hold)),
                Some(Undo::Hold(id, None)) => drop(self.holds.remove(&id)),
                Some(Undo::Expectation(id, Some(expected))) => {
                    self.expectations.insert(id, expected);
                }
                Some(Undo::Expectation(id, None)) => {
                    self.expectations.remove(&id);
                }
                None => break,
            }
        }
        while self.accounts.len() > mark.accounts {
            self.drop_last_account();
        }
        self.next = mark.next;
        self.last_at = mark.last_at;
    }

    fn drop_last_account(&mut self) {
        let Some(account) = self.accounts.pop() else { return };
        let number = u32::try_from(self.accounts.len()).unwrap_or(u32::MAX);
        let hash = hash_id(&self.hasher, account.spec.id.bits());
        if let Ok(entry) = self.by_id.find_entry(hash, |&other| other == number) {
            entry.remove();
        }
    }

    /// Forgets how to go back before `mark`: what was done until then is durable. Marks taken later
    /// stay good after [`Mark::after_settling`].
    pub fn settle(&mut self, mark: Mark) {
        self.undo.drain(..mark.undo.min(self.undo.len()));
        self.settled_accounts = self.settled_accounts.max(mark.accounts);
    }

    /// Applies one movement of a journal, deciding nothing.
    ///
    /// # Errors
    ///
    /// [`FoldError`] when it does not fit; the book is then half changed and must be dropped, or
    /// taken back to a mark.
    pub fn fold(&mut self, movement: &Movement) -> Result<(), FoldError> {
        self.apply(movement, How::Replay)
    }

    /// Applies one movement to what a checkpoint restored: to each account, hold and expectation
    /// that does not have it yet. Checkpoints are taken piece by piece, so that some are newer than
    /// others; each knows its last movement. A hold or expectation that is not there ended in a
    /// newer piece.
    ///
    /// # Errors
    ///
    /// As [`Book::fold`].
    pub fn catch_up(&mut self, movement: &Movement) -> Result<(), FoldError> {
        self.apply(movement, How::CatchUp)
    }

    /// Applies one movement and remembers how to undo it.
    pub(crate) fn fold_undoably(&mut self, movement: &Movement) -> Result<(), FoldError> {
        self.apply(movement, How::Undoably)
    }

    fn apply(&mut self, movement: &Movement, how: How) -> Result<(), FoldError> {
        if movement.seq != self.next {
            return Err(FoldError::Seq { expected: self.next, found: movement.seq });
        }
        if movement.at < self.last_at {
            return Err(FoldError::Time);
        }
        let layer = movement.kind.layer();
        match layer {
            Layer::Memo => self.apply_memo(movement, how)?,
            Layer::Posted
            | Layer::Reserve
            | Layer::Release
            | Layer::CaptureHeld
            | Layer::Announce
            | Layer::Retract => self.apply_pair(movement, layer, how)?,
        }
        if movement.subject.is_some() {
            self.apply_subject(movement, how)?;
        }
        self.next = self.next.next();
        self.last_at = movement.at;
        Ok(())
    }

    fn apply_memo(&mut self, movement: &Movement, how: How) -> Result<(), FoldError> {
        let today = self.activity(movement);
        let account = self.accounts.get_mut(movement.debit.index()).ok_or(FoldError::Account)?;
        if movement.debit != movement.credit {
            return Err(FoldError::Accounts);
        }
        if how.has(account.state.head, movement) {
            return Ok(());
        }
        if account.state.head != movement.debit_prev {
            return Err(FoldError::Chain);
        }
        if how == How::Undoably {
            self.undo.push_back(Undo::Account(movement.debit, account.state.clone()));
        }
        if movement.kind == MovementKind::Freeze {
            account.state.standing = Standing::Frozen;
        } else if movement.kind == MovementKind::Thaw {
            account.state.standing = Standing::Open;
        } else if movement.kind == MovementKind::Close {
            account.state.standing = Standing::Closed;
        } else {
            account.state.activity.note(ActivityKind::Visit, today.unwrap_or_default());
        }
        account.state.head = movement.seq;
        Ok(())
    }

    fn apply_pair(&mut self, movement: &Movement, layer: Layer, how: How) -> Result<(), FoldError> {
        let (debit, credit) = (movement.debit.index(), movement.credit.index());
        let Ok([payer, payee]) = self.accounts.get_disjoint_mut([debit, credit]) else {
            let both = debit < self.accounts.len() && credit < self.accounts.len();
            return Err(if both { FoldError::Accounts } else { FoldError::Account });
        };
        if payer.spec.unit != payee.spec.unit {
            return Err(FoldError::Accounts);
        }
        let change = Change::of(layer, movement.amount.minor_units());
        if !how.has(payer.state.head, movement) {
            if payer.state.head != movement.debit_prev {
                return Err(FoldError::Chain);
            }
            if how == How::Undoably {
                self.undo.push_back(Undo::Account(movement.debit, payer.state.clone()));
            }
            change.debit(payer, movement.debit_lot)?;
            payer.state.head = movement.seq;
        }
        if !how.has(payee.state.head, movement) {
            if payee.state.head != movement.credit_prev {
                return Err(FoldError::Chain);
            }
            if how == How::Undoably {
                self.undo.push_back(Undo::Account(movement.credit, payee.state.clone()));
            }
            change.credit(payee, movement.credit_lot)?;
            payee.state.head = movement.seq;
        }
        if payer.spec.lots || payee.spec.lots {
            self.note_activity(movement);
        }
        Ok(())
    }

    /// Tells on which day a movement counts as activity of the accounts with lots.
    fn activity(&self, movement: &Movement) -> Option<Day> {
        let counts = match movement.kind {
            MovementKind::Transfer
            | MovementKind::Grant
            | MovementKind::Redemption
            | MovementKind::Exchange
            | MovementKind::Payout
            | MovementKind::TopUp
            | MovementKind::Capture
            | MovementKind::CaptureBeyond
            | MovementKind::Touch => true,
            MovementKind::Adjustment
            | MovementKind::Expiry
            | MovementKind::Reversal
            | MovementKind::Shortfall
            | MovementKind::Hold
            | MovementKind::Release
            | MovementKind::Void
            | MovementKind::HoldExpiry
            | MovementKind::Announcement
            | MovementKind::Retraction
            | MovementKind::Fulfilment
            | MovementKind::Freeze
            | MovementKind::Thaw
            | MovementKind::Close => false,
        };
        let unit = self.accounts.get(movement.debit.index())?.spec.unit;
        counts.then(|| self.zone(unit).day_of(movement.at))
    }

    fn note_activity(&mut self, movement: &Movement) {
        let Some(today) = self.activity(movement) else { return };
        let sides = [(movement.debit, ActivityKind::Use), (movement.credit, ActivityKind::Earn)];
        for (number, kind) in sides {
            if let Some(account) = self.accounts.get_mut(number.index())
                && account.spec.lots
            {
                account.state.activity.note(kind, today);
            }
        }
    }

    fn apply_subject(&mut self, movement: &Movement, how: How) -> Result<(), FoldError> {
        let Some(subject) = movement.subject else { return Ok(()) };
        if movement.kind.concerns_hold() {
            let head = self.holds.get(&subject).map_or(Seq::NONE, |hold| hold.head);
            let ended_later = how == How::CatchUp
                && movement.kind != MovementKind::Hold
                && !self.holds.contains_key(&subject);
            if how.has(head, movement) || ended_later {
                return Ok(());
            }
            if how == How::Undoably {
                self.undo.push_back(Undo::Hold(subject, self.holds.get(&subject).cloned()));
            }
            return self.apply_to_hold(subject, movement);
        }
        if movement.kind.concerns_expectation() {
            let known = self.expectations.get(&subject).copied();
            let ended_later = how == How::CatchUp
                && movement.kind != MovementKind::Announcement
                && known.is_none();
            if ended_later || how.has(known.map_or(Seq::NONE, |expected| expected.head), movement) {
                return Ok(());
            }
            if how == How::Undoably {
                self.undo.push_back(Undo::Expectation(subject, known));
            }
            return self.apply_to_expectation(subject, movement);
        }
        Ok(())
    }

    fn apply_to_hold(&mut self, id: u128, movement: &Movement) -> Result<(), FoldError> {
        if movement.kind == MovementKind::Hold && !self.holds.contains_key(&id) {
            let expires_at = movement.due_at.ok_or(FoldError::Subject)?;
            self.note_due(id, expires_at);
            let hold = Hold {
                debit: movement.debit,
                credit: movement.credit,
                placed: movement.amount,
                captured: Amount::ZERO,
                parts: vec![HoldPart { lot: movement.debit_lot, amount: movement.amount }],
                expires_at,
                changed_at: movement.at,
                head: movement.seq,
                state: HoldState::Open,
            };
            self.holds.insert(id, hold);
            return Ok(());
        }
        let hold = self.holds.get_mut(&id).ok_or(FoldError::Subject)?;
        if (hold.debit, hold.credit) != (movement.debit, movement.credit) {
            return Err(FoldError::Subject);
        }
        hold.changed_at = movement.at;
        hold.head = movement.seq;
        if movement.kind == MovementKind::Hold {
            return hold.reserve(movement.debit_lot, movement.amount);
        }
        if movement.kind == MovementKind::CaptureBeyond {
            hold.state = HoldState::Captured;
            return hold.capture(movement.amount);
        }
        if movement.kind == MovementKind::Capture {
            hold.capture(movement.amount)?;
        }
        let end = if movement.kind == MovementKind::Void {
            HoldState::Voided
        } else if movement.kind == MovementKind::HoldExpiry {
            HoldState::Expired
        } else {
            HoldState::Captured
        };
        hold.release(movement.debit_lot, movement.amount, end)
    }

    fn apply_to_expectation(&mut self, id: u128, movement: &Movement) -> Result<(), FoldError> {
        let announces = movement.kind == MovementKind::Announcement;
        if announces && !self.expectations.contains_key(&id) {
            let expected = Expectation {
                debit: movement.debit,
                credit: movement.credit,
                amount: movement.amount,
                granted: Amount::ZERO,
                due_at: movement.due_at,
                changed_at: movement.at,
                head: movement.seq,
                state: ExpectationState::Open,
            };
            self.expectations.insert(id, expected);
            return Ok(());
        }
        let expected = self.expectations.get_mut(&id).ok_or(FoldError::Subject)?;
        if expected.state == ExpectationState::Ended
            || (expected.debit, expected.credit) != (movement.debit, movement.credit)
        {
            return Err(FoldError::Subject);
        }
        expected.changed_at = movement.at;
        expected.head = movement.seq;
        if announces {
            expected.amount =
                expected.amount.checked_add(movement.amount).ok_or(FoldError::Overflow)?;
            return Ok(());
        }
        expected.amount = expected.amount.checked_sub(movement.amount).ok_or(FoldError::Subject)?;
        if movement.kind == MovementKind::Fulfilment {
            expected.granted =
                expected.granted.checked_add(movement.amount).ok_or(FoldError::Overflow)?;
        }
        if expected.amount.is_zero() {
            expected.state = ExpectationState::Ended;
        }
        Ok(())
    }

    fn note_due(&mut self, id: u128, expires_at: Timestamp) {
        self.due.entry(expires_at.as_seconds()).or_default().push(id);
    }
}

impl Mark {
    /// The same state, counted from `settled`, once that is durable.
    #[must_use]
    pub const fn after_settling(self, settled: Self) -> Self {
        Self { undo: self.undo.saturating_sub(settled.undo), ..self }
    }
}

impl Hold {
    fn reserve(&mut self, lot: Lot, amount: Amount) -> Result<(), FoldError> {
        if self.state != HoldState::Open {
            return Err(FoldError::Subject);
        }
        self.placed = self.placed.checked_add(amount).ok_or(FoldError::Overflow)?;
        match self.parts.iter_mut().find(|part| part.lot == lot) {
            Some(part) => {
                part.amount = part.amount.checked_add(amount).ok_or(FoldError::Overflow)?;
            }
            None => self.parts.push(HoldPart { lot, amount }),
        }
        Ok(())
    }

    fn capture(&mut self, amount: Amount) -> Result<(), FoldError> {
        self.captured = self.captured.checked_add(amount).ok_or(FoldError::Overflow)?;
        Ok(())
    }

    fn release(&mut self, lot: Lot, amount: Amount, end: HoldState) -> Result<(), FoldError> {
        let part = self.parts.iter_mut().find(|part| part.lot == lot).ok_or(FoldError::Subject)?;
        part.amount = part.amount.checked_sub(amount).ok_or(FoldError::Subject)?;
        self.parts.retain(|part| !part.amount.is_zero());
        if self.parts.is_empty() {
            self.state = end;
        }
        Ok(())
    }
}

/// What a layer's movement does to the figures of its two accounts.
#[derive(Clone, Copy)]
struct Change {
    posted: i64,
    held: i64,
    expected: i64,
}

impl Change {
    const fn of(layer: Layer, amount: i64) -> Self {
        let less = amount.saturating_neg();
        let (posted, held, expected) = match layer {
            Layer::Posted => (amount, 0, 0),
            Layer::Reserve => (0, amount, 0),
            Layer::Release => (0, less, 0),
            Layer::CaptureHeld => (amount, less, 0),
            Layer::Announce => (0, 0, amount),
            Layer::Retract => (0, 0, less),
            Layer::Memo => (0, 0, 0),
        };
        Self { posted, held, expected }
    }

    fn debit(self, account: &mut Account, lot: Lot) -> Result<(), FoldError> {
        let state = &mut account.state;
        state.posted = fitting(state.posted.checked_sub(self.posted))?;
        state.held_debits = state.held_debits.checked_add(self.held).ok_or(FoldError::Overflow)?;
        state.expected = fitting(state.expected.checked_sub(self.expected))?;
        if state.held_debits < 0 {
            return Err(FoldError::Subject);
        }
        if !account.spec.lots {
            return if lot.is_some() { Err(FoldError::Lot) } else { Ok(()) };
        }
        let posted = self.posted.saturating_neg();
        if posted == 0 && self.held == 0 {
            return Ok(());
        }
        state.cells.add(lot, posted, self.held).ok_or(FoldError::Overflow)?;
        check_cell(state, lot)
    }

    fn credit(self, account: &mut Account, lot: Lot) -> Result<(), FoldError> {
        let state = &mut account.state;
        state.posted = fitting(state.posted.checked_add(self.posted))?;
        state.held_credits =
            state.held_credits.checked_add(self.held).ok_or(FoldError::Overflow)?;
        state.expected = fitting(state.expected.checked_add(self.expected))?;
        if state.held_credits < 0 {
            return Err(FoldError::Subject);
        }
        if !account.spec.lots {
            return if lot.is_some() { Err(FoldError::Lot) } else { Ok(()) };
        }
        if self.posted == 0 {
            return Ok(());
        }
        state.cells.add(lot, self.posted, 0).ok_or(FoldError::Overflow)?;
        check_cell(state, lot)
    }
}

/// A figure must have its opposite, so that both sides of an account can show it.
const fn fitting(figure: Option<i64>) -> Result<i64, FoldError> {
    match figure {
        None | Some(i64::MIN) => Err(FoldError::Overflow),
        Some(figure) => Ok(figure),
    }
}

/// A lot is never below what holds reserve of it; what is below zero stands under no lot.
fn check_cell(state: &AccountState, lot: Lot) -> Result<(), FoldError> {
    let Some(cell) = state.cells().iter().find(|cell| cell.lot == lot) else { return Ok(()) };
    let fits = if lot.is_some() {
        cell.held >= 0 && cell.posted >= cell.held
    } else {
        cell.posted <= 0 && cell.held == 0
    };
    if fits { Ok(()) } else { Err(FoldError::Lot) }
}

fn hash_id(hasher: &DefaultHashBuilder, bits: u128) -> u64 {
    core::hash::BuildHasher::hash_one(hasher, bits)
}
