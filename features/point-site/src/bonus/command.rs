use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::sync::Arc;

use crate::bonus::store::{find_bonuses, save_bonuses};
use crate::bonus::{Bonus, Cause, Move, Standing, Target, batch_id, expectation_id, next_move};
use crate::config::SiteConfig;
use ledger::{
    AccountNumber, AccountSpec, BalanceRule, Batch, Lot, NormalSide, Refusal, Remaining, Step,
    Transfer, TransferKind, Wanted,
};
use store::{Command, Fault, Posting, Reader, Recall, Tx};
use vocabulary::{AccountRole, Amount, Id, Timestamp, kind};

/// The most steps from any standing to any target: take back, note, announce, fulfil.
const MOVES_MAX: u32 = 4;
/// How long the clock waits before it tries again to grant what the ledger refused.
const AGAIN_DAYS: i64 = 1;

/// Why a bonus is not what it is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unpaid {
    /// The budget has too little left.
    Budget,
    /// The ledger refuses (a frozen account, for instance); what was to be granted is tried again.
    Refused,
}

/// The bonuses that a slice concerns; shared by all that grant them.
#[derive(Debug)]
pub(crate) struct BonusFacts {
    config: Arc<SiteConfig>,
    known: BTreeMap<Id<kind::Bonus>, Bonus>,
    changed: BTreeSet<Id<kind::Bonus>>,
}

impl BonusFacts {
    /// Reads bonuses, with one statement.
    pub(crate) fn load(
        config: &Arc<SiteConfig>,
        ids: &[Id<kind::Bonus>],
        reader: &mut Reader<'_>,
    ) -> Result<Self, Fault> {
        let config = Arc::clone(config);
        Ok(Self {
            known: find_bonuses(reader, config.company, ids)?,
            config,
            changed: BTreeSet::new(),
        })
    }

    /// Finds a bonus that was ever something.
    pub(crate) fn find(&self, id: Id<kind::Bonus>) -> Option<&Bonus> {
        self.known.get(&id)
    }

    /// Tells where a bonus stands.
    pub(crate) fn standing(&self, id: Id<kind::Bonus>) -> Standing {
        self.find(id).map_or(Standing::Nothing, |bonus| bonus.standing)
    }

    /// Names what settling may ask the ledger about.
    pub(crate) fn recall(&self, recall: &mut Recall) {
        let company = self.config.company;
        for bonus in self.known.values() {
            match bonus.standing {
                Standing::Nothing | Standing::Promised { .. } => {}
                Standing::Announced { version, .. } => {
                    recall.expectation(expectation_id(bonus.id, version));
                }
                Standing::Granted { version, .. } => {
                    recall.original(company, batch_id(bonus.id, version));
                }
            }
        }
    }

    /// Brings a bonus to its target: posts what that takes, under ids that follow from the bonus
    /// and its version. `draft` says what it is for when it is new. A repeat changes nothing.
    ///
    /// # Errors
    ///
    /// [`Unpaid`]; the bonus then stands as far as it came.
    pub(crate) fn settle(
        &mut self,
        draft: Bonus,
        target: Target,
        posting: &mut Posting<'_>,
    ) -> Result<(), Unpaid> {
        let id = draft.id;
        let title = draft.title.clone();
        let mut bonus = self.known.get(&id).cloned().unwrap_or(draft);
        if !bonus.standing.granted() {
            bonus.title = title;
        }
        let mut target = target;
        let mut result = Ok(());
        for _ in 0..MOVES_MAX {
            let Some(next) = next_move(bonus.standing, target) else { break };
            match self.carry_out(&bonus, next, posting) {
                Ok(standing) => {
                    bonus.version = bonus.version.saturating_add(1);
                    bonus.standing = standing;
                    self.changed.insert(id);
                    self.known.insert(id, bonus.clone());
                }
                Err(Refusal::BalanceInsufficient { .. }) if bonus.cause.has_budget() => {
                    // What was announced stays promised; only what is more does not fit any more.
                    match next {
                        Move::Change { from, .. } => target = target.of(from),
                        Move::Note(_)
                        | Move::Announce { .. }
                        | Move::Drop { .. }
                        | Move::Fulfil { .. }
                        | Move::Grant { .. }
                        | Move::TakeBack { .. } => return Err(Unpaid::Budget),
                    }
                }
                Err(refusal) => {
                    result = Err(Unpaid::Refused);
                    target = put_off(&bonus, target, refusal, posting.now());
                }
            }
        }
        result
    }

    /// Writes what changed, with one statement.
    pub(crate) fn save(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<(), Fault> {
        let changed = self.changed.iter().filter_map(|id| self.known.get(id));
        save_bonuses(tx, self.config.company, &changed.collect::<Vec<_>>(), now)
    }

    /// Does one step, under the bonus's next version; gives where it stands then.
    fn carry_out(
        &self,
        bonus: &Bonus,
        next: Move,
        posting: &mut Posting<'_>,
    ) -> Result<Standing, Refusal> {
        let version = bonus.version.saturating_add(1);
        let standing = match next {
            Move::Note(standing) => return Ok(standing),
            Move::Announce { amount, grant_at, .. } => {
                Standing::Announced { amount, version, grant_at }
            }
            Move::Change { version, to, grant_at, .. } => {
                Standing::Announced { amount: to, version, grant_at }
            }
            Move::Fulfil { amount, .. } => Standing::Granted { amount, version, reserved: true },
            Move::Grant { amount } => Standing::Granted { amount, version, reserved: false },
            Move::Drop { .. } | Move::TakeBack { .. } => Standing::Nothing,
        };
        let accounts = Accounts::open(&self.config, bonus, next, posting)?;
        let steps = accounts.steps(
            bonus,
            version,
            next,
            self.config.lot(posting).map_err(|_range| Refusal::LotExpired)?,
        );
        let batch = Batch::try_new(batch_id(bonus.id, version), self.config.actor, steps);
        let batch = batch.map_err(|_never| Refusal::Overflow)?;
        posting.post(&batch).map_err(|refused| refused.refusal)?;
        Ok(standing)
    }
}

/// Says what happens instead of what the ledger refused: what is to be granted is tried again
/// by the clock, all else stays as it is until something new is known.
fn put_off(bonus: &Bonus, target: Target, refusal: Refusal, now: Timestamp) -> Target {
    let (id, refusal) = (bonus.id, refusal.code());
    tracing::warn!(bonus.id = %id, refusal, "the ledger refuses bonus {id}: {refusal}");
    let again = now.plus_days(AGAIN_DAYS);
    match (bonus.standing, target) {
        (Standing::Nothing | Standing::Promised { .. }, Target::Granted { amount }) => {
            Target::Promised { amount, grant_at: again }
        }
        (Standing::Announced { amount, .. }, Target::Granted { .. }) => {
            Target::Announced { amount, due_at: None, grant_at: Some(again) }
        }
        (standing, _) => standing.kept(),
    }
}

impl Standing {
    /// Gives the target that changes nothing.
    const fn kept(self) -> Target {
        match self {
            Self::Nothing => Target::Nothing,
            Self::Promised { amount, grant_at } => Target::Promised { amount, grant_at },
            Self::Announced { amount, grant_at, .. } => {
                Target::Announced { amount, due_at: None, grant_at }
            }
            Self::Granted { amount, .. } => Target::Granted { amount },
        }
    }
}

impl Cause {
    /// Tells whether it is paid out of a budget of its own.
    pub(crate) const fn has_budget(self) -> bool {
        match self {
            Self::Campaign(_) => true,
            Self::Claim(_) | Self::Rank | Self::Referral(_) => false,
        }
    }
}

/// The accounts that a bonus moves value between.
struct Accounts {
    member: AccountNumber,
    /// What grants come out of when nothing was set aside.
    source: AccountNumber,
    /// Where a campaign sets aside what it announced.
    reserve: Option<AccountNumber>,
    receivable: Option<AccountNumber>,
}

impl Accounts {
    fn open(
        config: &SiteConfig,
        bonus: &Bonus,
        next: Move,
        posting: &mut Posting<'_>,
    ) -> Result<Self, Refusal> {
        let (unit, company) = (config.unit, config.company);
        let mut open = |id, side, rule, lots| {
            if let Some(number) = posting.book().find_account(id) {
                return Ok(number);
            }
            let spec = AccountSpec { id, unit, company, side, rule, lots };
            posting.open_account(spec).map_err(|_differs| Refusal::DebitAccountNotFound)
        };
        let (any, never_below) = (BalanceRule::Unlimited, BalanceRule::NonNegative);
        let owned = Id::of(bonus.member, unit.get(), AccountRole::Member);
        let member = open(owned, NormalSide::Credit, config.member_rule, true)?;
        let (source, reserve) = match bonus.cause {
            Cause::Campaign(campaign) => {
                let budget = Id::of(campaign, unit.get(), AccountRole::Budget);
                let reserve = Id::of(campaign, unit.get(), AccountRole::Reserve);
                let budget = open(budget, NormalSide::Credit, never_below, false)?;
                (budget, Some(open(reserve, NormalSide::Credit, never_below, false)?))
            }
            Cause::Claim(_) | Cause::Rank | Cause::Referral(_) => {
                let cost = Id::of(config.company_id, unit.get(), AccountRole::Cost);
                (open(cost, NormalSide::Debit, any, false)?, None)
            }
        };
        let receivable = match next {
            Move::TakeBack { .. } => {
                let id = Id::of(bonus.member, unit.get(), AccountRole::Receivable);
                Some(open(id, NormalSide::Debit, any, false)?)
            }
            Move::Note(_)
            | Move::Announce { .. }
            | Move::Change { .. }
            | Move::Drop { .. }
            | Move::Fulfil { .. }
            | Move::Grant { .. } => None,
        };
        Ok(Self { member, source, reserve, receivable })
    }

    fn steps(&self, bonus: &Bonus, version: u32, next: Move, lot: Lot) -> Vec<Step> {
        let code = bonus.cause.movement_code();
        let change = |version, amount| Step::ChangeExpectation {
            expectation: expectation_id(bonus.id, version),
            amount,
        };
        let mut steps = Vec::with_capacity(2);
        match next {
            Move::Note(_) => {}
            Move::Announce { amount, due_at, grant_at } => {
                steps.extend(self.set_aside(amount, code));
                steps.push(Step::Announce {
                    id: expectation_id(bonus.id, version),
                    debit: self.reserve.unwrap_or(self.source),
                    credit: self.member,
                    amount,
                    due_at: due_at.or(grant_at),
                    code,
                });
            }
            Move::Change { version, from, to, .. } => {
                steps.extend(to.checked_sub(from).and_then(|more| self.set_aside(more, code)));
                steps.push(change(version, to));
                steps.extend(from.checked_sub(to).and_then(|less| self.give_back(less, code)));
            }
            Move::Drop { version, from } => {
                steps.push(change(version, Amount::ZERO));
                steps.extend(self.give_back(from, code));
            }
            Move::Fulfil { version, .. } => steps.push(Step::GrantExpectation {
                expectation: expectation_id(bonus.id, version),
                amount: None,
                lot: Some(lot),
                remaining: Remaining::Release,
                code,
            }),
            Move::Grant { amount } => {
                let lot = Some(lot);
                steps.push(transfer(
                    self.source,
                    self.member,
                    amount,
                    TransferKind::Grant,
                    (code, lot),
                ));
            }
            Move::TakeBack { version, amount, reserved } => {
                let (original, shortfall) = (batch_id(bonus.id, version), self.receivable);
                steps.push(Step::Reverse { original, shortfall, code });
                // What was set aside comes back to where it was set aside.
                if reserved {
                    steps.extend(self.give_back(amount, code));
                }
            }
        }
        steps
    }

    /// Takes an amount out of the budget, which cannot go below zero; nothing without a budget.
    fn set_aside(&self, amount: Amount, code: u16) -> Option<Step> {
        let reserve = self.reserve.filter(|_| !amount.is_zero())?;
        Some(transfer(self.source, reserve, amount, TransferKind::Transfer, (code, None)))
    }

    fn give_back(&self, amount: Amount, code: u16) -> Option<Step> {
        let reserve = self.reserve.filter(|_| !amount.is_zero())?;
        Some(transfer(reserve, self.source, amount, TransferKind::Transfer, (code, None)))
    }
}

fn transfer(
    debit: AccountNumber,
    credit: AccountNumber,
    amount: Amount,
    kind: TransferKind,
    (code, lot): (u16, Option<Lot>),
) -> Step {
    let amount = Wanted::Exactly(amount);
    Step::Transfer(Transfer { debit, credit, amount, kind, code, lot })
}

/// Grants bonuses whose day has come. What is not due any more is left alone, so that a repeat
/// changes nothing.
#[derive(Clone, Debug)]
pub struct GrantDue {
    /// The settings.
    pub config: Arc<SiteConfig>,
    /// Which.
    pub bonuses: Vec<Id<kind::Bonus>>,
}

/// The bonuses of a slice.
#[derive(Debug)]
pub struct GrantFacts(Option<(BonusFacts, Timestamp)>);

impl Command for GrantDue {
    type Facts = GrantFacts;
    /// How many were granted.
    type Receipt = usize;
    type Refusal = Infallible;

    const NAME: &'static str = "grant due bonuses";
    const BACKGROUND: Option<usize> = Some(1);

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let ids: Vec<_> = slice.iter().flat_map(|command| command.bonuses.clone()).collect();
        let Some(first) = slice.first() else { return Ok(GrantFacts(None)) };
        let bonuses = BonusFacts::load(&first.config, &ids, tx)?;
        Ok(GrantFacts(Some((bonuses, Timestamp::from_microseconds(0)))))
    }

    fn recall(&self, facts: &Self::Facts, recall: &mut Recall) {
        if let Some((bonuses, _)) = &facts.0 {
            bonuses.recall(recall);
        }
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<usize, Infallible> {
        let Some((bonuses, at)) = &mut facts.0 else { return Ok(0) };
        let now = posting.now();
        *at = now;
        let mut granted = 0_usize;
        for id in &self.bonuses {
            let due = |bonus: &&Bonus| bonus.standing.grant_at().is_some_and(|at| at <= now);
            let Some(bonus) = bonuses.find(*id).filter(due).cloned() else { continue };
            let amount = bonus.standing.amount();
            if bonuses.settle(bonus, Target::Granted { amount }, posting).is_ok() {
                granted = granted.saturating_add(1);
            }
        }
        Ok(granted)
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.0.map_or(Ok(()), |(bonuses, at)| bonuses.save(tx, at))
    }
}
