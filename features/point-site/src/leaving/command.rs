use core::convert::Infallible;
use std::collections::{BTreeMap, BTreeSet};

use crate::leaving::store::{find_leavings, save_leavings};
use crate::leaving::{GRACE_DAYS, Leaving, LeavingRefusal, LeavingState, loss_of};
use crate::payee::store::remove_payees;
use crate::phone::store::forget_phones;
use crate::preferences::store::remove_preferences;
use crate::rank::store::remove_ranks;
use crate::referral::store::forget_members;
use ledger::{AccountNumber, ActorNumber, Batch, Step, Transfer, TransferKind, UnitNumber, Wanted};
use mail::Letter;
use store::{Command, Fault, Posting, Recall, Tx, natural_id};
use vocabulary::{AccountRole, CompanyNumber, Id, Timestamp, kind};

/// What movements of a membership's end are marked with.
const CODE: u16 = 350;

/// The leavings that a slice concerns.
#[derive(Debug)]
pub struct LeavingFacts {
    known: BTreeMap<Id<kind::Member>, Leaving>,
    changed: BTreeSet<Id<kind::Member>>,
    forgotten: Vec<Id<kind::Member>>,
    letters: Vec<Letter>,
    now: Timestamp,
}

impl LeavingFacts {
    fn load(members: &[Id<kind::Member>], tx: &mut Tx<'_>) -> Result<Self, Fault> {
        Ok(Self {
            known: find_leavings(tx, members)?,
            changed: BTreeSet::new(),
            forgotten: Vec::new(),
            letters: Vec::new(),
            now: Timestamp::default(),
        })
    }

    fn put(&mut self, leaving: Leaving) {
        self.changed.insert(leaving.member);
        self.known.insert(leaving.member, leaving);
    }

    fn save(self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let changed = self.changed.iter().filter_map(|member| self.known.get(member));
        save_leavings(tx, changed)?;
        remove_preferences(tx, &self.forgotten)?;
        remove_payees(tx, &self.forgotten)?;
        forget_phones(tx, &self.forgotten)?;
        forget_members(tx, &self.forgotten)?;
        let of = |member: &Id<kind::Member>| self.known.get(member).map(|known| known.company);
        let companies: BTreeSet<_> = self.forgotten.iter().filter_map(of).collect();
        for company in companies {
            remove_ranks(tx, company, &self.forgotten)?;
        }
        mail::enqueue(tx, &self.letters, self.now)
    }
}

/// Asks to leave. A repeat while the days run changes nothing and gives the same end.
#[derive(Clone, Debug)]
pub struct AskToLeave {
    /// The member.
    pub member: Id<kind::Member>,
    /// The company of whose site it is a member.
    pub company: CompanyNumber,
    /// What the member's points are counted in.
    pub unit: UnitNumber,
    /// The letter that confirms it and says how to take it back.
    pub letter: Letter,
}

impl Command for AskToLeave {
    type Facts = LeavingFacts;
    type Receipt = Leaving;
    type Refusal = LeavingRefusal;

    const NAME: &'static str = "ask to leave";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<LeavingFacts, Fault> {
        let members: Vec<_> = slice.iter().map(|command| command.member).collect();
        LeavingFacts::load(&members, tx)
    }

    fn decide(
        &self,
        facts: &mut LeavingFacts,
        posting: &mut Posting<'_>,
    ) -> Result<Leaving, LeavingRefusal> {
        let now = posting.now();
        if let Some(known) = facts.known.get(&self.member).copied() {
            match known.state {
                LeavingState::Asked => return Ok(known),
                LeavingState::Ending | LeavingState::Ended => return Err(LeavingRefusal::Ended),
                LeavingState::TakenBack => {}
            }
        }
        let loss = member_account(posting, self.member, self.unit).map(|(_, loss)| loss);
        let loss = loss.unwrap_or_default();
        if !loss.held.is_zero() {
            return Err(LeavingRefusal::Held);
        }
        if !loss.paid.is_zero() {
            return Err(LeavingRefusal::Paid);
        }
        let leaving = Leaving {
            member: self.member,
            company: self.company,
            state: LeavingState::Asked,
            asked_at: now,
            ends_at: now.plus_days(GRACE_DAYS),
            done_at: None,
        };
        facts.put(leaving);
        facts.letters.push(self.letter.clone());
        facts.now = now;
        Ok(leaving)
    }

    fn save(facts: LeavingFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

fn member_account(
    posting: &Posting<'_>,
    member: Id<kind::Member>,
    unit: UnitNumber,
) -> Option<(AccountNumber, crate::leaving::LeavingLoss)> {
    let number = posting.book().find_account(Id::of(member, unit.get(), AccountRole::Member))?;
    Some((number, loss_of(posting.book().account(number)?)))
}

/// Takes a leaving back, because the member signed in. Whoever did not ask is not concerned.
#[derive(Clone, Copy, Debug)]
pub struct TakeLeavingBack {
    /// The member.
    pub member: Id<kind::Member>,
}

impl Command for TakeLeavingBack {
    type Facts = LeavingFacts;
    /// Whether there was something to take back.
    type Receipt = bool;
    type Refusal = Infallible;

    const NAME: &'static str = "take leaving back";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<LeavingFacts, Fault> {
        let members: Vec<_> = slice.iter().map(|command| command.member).collect();
        LeavingFacts::load(&members, tx)
    }

    fn decide(
        &self,
        facts: &mut LeavingFacts,
        posting: &mut Posting<'_>,
    ) -> Result<bool, Infallible> {
        let now = posting.now();
        let asked = |leaving: &Leaving| leaving.state == LeavingState::Asked;
        let Some(known) = facts.known.get(&self.member).copied().filter(asked) else {
            return Ok(false);
        };
        facts.put(Leaving { state: LeavingState::TakenBack, done_at: Some(now), ..known });
        Ok(true)
    }

    fn save(facts: LeavingFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

/// Goes one step on with the end of a membership whose days are over: writes free points off and
/// forgets what was chosen and where the member was paid; said again once the login is erased,
/// notes that all is done. Points that are announced stay with the network; should they come, they
/// expire on their last day.
#[derive(Clone, Copy, Debug)]
pub struct EndMembership {
    /// The member.
    pub member: Id<kind::Member>,
    /// What the member's points are counted in.
    pub unit: UnitNumber,
    /// In whose name.
    pub by: ActorNumber,
    /// Whether the login is erased.
    pub erased: bool,
}

impl EndMembership {
    /// Names the batch after the asking that it ends, so that it is posted once.
    fn batch(&self, leaving: &Leaving) -> Id<kind::Batch> {
        let asked_at = leaving.asked_at.as_microseconds().to_be_bytes();
        natural_id("site.leaving", &[&self.member.to_bytes(), &asked_at])
    }
}

impl Command for EndMembership {
    type Facts = LeavingFacts;
    /// The leaving as it is now; `None` when there is none or it was taken back.
    type Receipt = Option<Leaving>;
    type Refusal = Infallible;

    const NAME: &'static str = "end membership";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<LeavingFacts, Fault> {
        let members: Vec<_> = slice.iter().map(|command| command.member).collect();
        LeavingFacts::load(&members, tx)
    }

    fn recall(&self, facts: &LeavingFacts, recall: &mut Recall) {
        if let Some(leaving) = facts.known.get(&self.member) {
            recall.batch(self.by.company(), self.batch(leaving));
        }
    }

    fn decide(
        &self,
        facts: &mut LeavingFacts,
        posting: &mut Posting<'_>,
    ) -> Result<Option<Leaving>, Infallible> {
        let now = posting.now();
        let Some(known) = facts.known.get(&self.member).copied() else { return Ok(None) };
        let after = match known.state {
            LeavingState::Asked if known.ends_at <= now => {
                self.write_off(&known, posting);
                facts.forgotten.push(self.member);
                Leaving { state: LeavingState::Ending, ..known }
            }
            LeavingState::Ending if self.erased => {
                Leaving { state: LeavingState::Ended, done_at: Some(now), ..known }
            }
            LeavingState::TakenBack => return Ok(None),
            LeavingState::Asked | LeavingState::Ending | LeavingState::Ended => {
                return Ok(Some(known));
            }
        };
        facts.put(after);
        Ok(Some(after))
    }

    fn save(facts: LeavingFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

impl EndMembership {
    /// Moves free points to the unit's breakage account.
    fn write_off(&self, leaving: &Leaving, posting: &mut Posting<'_>) {
        let Some((debit, loss)) = member_account(posting, self.member, self.unit) else { return };
        let breakage = posting.book().find_unit(self.unit).and_then(|unit| unit.policy.breakage);
        let Some(credit) = breakage.filter(|_| !loss.free.is_zero()) else { return };
        let step = Step::Transfer(Transfer {
            debit,
            credit,
            amount: Wanted::UpTo(loss.free),
            kind: TransferKind::Transfer,
            code: CODE,
            lot: None,
        });
        let batch = Batch::single(self.batch(leaving), self.by, step);
        // A frozen account keeps its points, which expire on their last day; the person goes all
        // the same.
        if let Err(refused) = posting.post(&batch) {
            let refusal = refused.refusal.code();
            tracing::warn!(refusal, "the points of a member who left stay on the books");
        }
    }
}
