use crate::{Activity, Lot, Seq, UnitNumber};
use vocabulary::{Amount, CompanyNumber, Id, kind};

/// The dense number of an account inside its book, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AccountNumber(u32);

impl AccountNumber {
    /// Takes a dense number.
    pub const fn new(number: u32) -> Self {
        Self(number)
    }

    /// Gives the dense number.
    pub const fn get(self) -> u32 {
        self.0
    }

    /// Gives the place in the book's array.
    pub fn index(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }
}

/// The side on which an account's balance is positive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NormalSide {
    /// What is owned or spent: float, receivables, cost of points.
    Debit,
    /// What is owed or earned: members' points, shops' takings, breakage.
    Credit,
}

/// The named kinds that may take an account below zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct NegativeBy {
    /// A capture: the card network has paid already.
    pub capture: bool,
    /// A reversal of value that is spent by now.
    pub reversal: bool,
}

/// How far an account may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BalanceRule {
    /// Never below zero.
    NonNegative,
    /// Below zero only by the named kinds.
    Negative(NegativeBy),
    /// Anywhere: the outside world, cost of points, clearing.
    Unlimited,
}

/// Whether an account takes postings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// Takes all postings.
    Open,
    /// Refuses new transfers and holds; what was promised (captures, voids, expiries) and reversals
    /// still post, as a card network's capture always wins.
    Frozen,
    /// Takes nothing; it was empty when it was closed.
    Closed,
}

/// What an account is, from its opening on; never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct AccountSpec {
    /// The id its owner chose.
    pub id: Id<kind::Account>,
    /// The unit it counts.
    pub unit: UnitNumber,
    /// The company whose service keeps it; rights are checked against this.
    pub company: CompanyNumber,
    /// The side on which its balance is positive.
    pub side: NormalSide,
    /// How far it may go.
    pub rule: BalanceRule,
    /// Whether its value is kept in lots; only accounts with a normal side of credit do.
    pub lots: bool,
}

/// Value of one lot on one account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cell {
    /// Which lot; [`Lot::NONE`] carries what is below zero.
    pub lot: Lot,
    /// Credits less debits, minor units.
    pub posted: i64,
    /// The part that open holds reserve.
    pub held: i64,
}

/// The cells of an account, in order of lot; most have none or one.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub(crate) enum Cells {
    #[default]
    None,
    One(Cell),
    Many(Vec<Cell>),
}

impl Cells {
    pub(crate) fn as_slice(&self) -> &[Cell] {
        match self {
            Self::None => &[],
            Self::One(cell) => core::slice::from_ref(cell),
            Self::Many(cells) => cells,
        }
    }

    /// Adds to a cell, making or removing it as needed; `None` when a figure does not fit.
    pub(crate) fn add(&mut self, lot: Lot, posted: i64, held: i64) -> Option<()> {
        match self {
            Self::None => *self = Self::One(Cell { lot, posted, held }),
            Self::One(cell) if cell.lot == lot => {
                cell.posted = cell.posted.checked_add(posted)?;
                cell.held = cell.held.checked_add(held)?;
                if cell.posted == 0 && cell.held == 0 {
                    *self = Self::None;
                }
            }
            Self::One(cell) => {
                let other = Cell { lot, posted, held };
                let pair = if cell.lot < lot { vec![*cell, other] } else { vec![other, *cell] };
                *self = Self::Many(pair);
            }
            Self::Many(cells) => add_to_many(cells, Cell { lot, posted, held })?,
        }
        if let Self::Many(cells) = self
            && cells.len() < 2
        {
            *self = cells.first().map_or(Self::None, |cell| Self::One(*cell));
        }
        Some(())
    }
}

fn add_to_many(cells: &mut Vec<Cell>, change: Cell) -> Option<()> {
    match cells.binary_search_by_key(&change.lot, |cell| cell.lot) {
        Ok(place) => {
            let cell = cells.get_mut(place)?;
            cell.posted = cell.posted.checked_add(change.posted)?;
            cell.held = cell.held.checked_add(change.held)?;
            if cell.posted == 0 && cell.held == 0 {
                cells.remove(place);
            }
        }
        Err(place) => cells.insert(place, change),
    }
    Some(())
}

/// The changing part of an account: what checkpoints keep and replays rebuild.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountState {
    /// Credits less debits of posted value, minor units.
    pub(crate) posted: i64,
    /// Open holds that will debit it.
    pub(crate) held_debits: i64,
    /// Open holds that will credit it.
    pub(crate) held_credits: i64,
    /// Expected credits less expected debits.
    pub(crate) expected: i64,
    /// The seq of its newest movement; 0 before the first.
    pub(crate) head: Seq,
    pub(crate) cells: Cells,
    /// When its owner was last active, for the rules about who is not.
    pub(crate) activity: Activity,
    pub(crate) standing: Standing,
}

impl AccountState {
    /// Nothing posted, nothing held, never active.
    pub const EMPTY: Self = Self {
        posted: 0,
        held_debits: 0,
        held_credits: 0,
        expected: 0,
        head: Seq::NONE,
        cells: Cells::None,
        activity: Activity::NONE,
        standing: Standing::Open,
    };

    /// Rebuilds a state from a checkpoint's figures.
    #[must_use]
    pub fn restore(
        figures: [i64; 4],
        head: Seq,
        cells: &[Cell],
        activity: Activity,
        standing: Standing,
    ) -> Self {
        let [posted, held_debits, held_credits, expected] = figures;
        let cells = match cells {
            [] => Cells::None,
            [one] => Cells::One(*one),
            many => Cells::Many(many.to_vec()),
        };
        Self { posted, held_debits, held_credits, expected, head, cells, activity, standing }
    }

    /// Gives posted, held debits, held credits and expected, as [`AccountState::restore`] takes
    /// them.
    pub const fn figures(&self) -> [i64; 4] {
        [self.posted, self.held_debits, self.held_credits, self.expected]
    }

    /// Credits less debits of posted value.
    pub const fn posted(&self) -> i64 {
        self.posted
    }

    /// The seq of the newest movement.
    pub const fn head(&self) -> Seq {
        self.head
    }

    /// The cells, in order of lot.
    pub fn cells(&self) -> &[Cell] {
        self.cells.as_slice()
    }

    /// When its owner was last active.
    pub const fn activity(&self) -> Activity {
        self.activity
    }

    /// Whether it takes postings.
    pub const fn standing(&self) -> Standing {
        self.standing
    }
}

/// An account as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub(crate) spec: AccountSpec,
    pub(crate) state: AccountState,
}

impl Account {
    /// What it is.
    pub const fn spec(&self) -> &AccountSpec {
        &self.spec
    }

    /// How it stands.
    pub const fn state(&self) -> &AccountState {
        &self.state
    }

    /// The posted balance on its normal side; below zero only where the rule allows.
    pub const fn balance(&self) -> i64 {
        match self.spec.side {
            NormalSide::Credit => self.state.posted,
            NormalSide::Debit => self.state.posted.saturating_neg(),
        }
    }

    /// What open holds will take from it.
    pub fn pending(&self) -> Amount {
        Amount::magnitude(match self.spec.side {
            NormalSide::Credit => self.state.held_debits,
            NormalSide::Debit => self.state.held_credits,
        })
    }

    /// What open holds will bring; not spendable.
    pub fn incoming(&self) -> Amount {
        Amount::magnitude(match self.spec.side {
            NormalSide::Credit => self.state.held_credits,
            NormalSide::Debit => self.state.held_debits,
        })
    }

    /// What is announced but not owed (判定中), on the normal side.
    pub const fn expected(&self) -> i64 {
        match self.spec.side {
            NormalSide::Credit => self.state.expected,
            NormalSide::Debit => self.state.expected.saturating_neg(),
        }
    }

    /// What can be taken now: the balance less open holds; never below zero.
    pub fn available(&self) -> Amount {
        let free = self.balance().saturating_sub(self.pending().minor_units());
        Amount::try_new(free).unwrap_or(Amount::ZERO)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_stays_small() {
        // The target is 200 bytes an account with one lot, its place in the id table included.
        assert!(size_of::<Account>() <= 128, "{} bytes", size_of::<Account>());
    }

    #[test]
    fn cells_come_and_go() {
        let lots = [3, 1, 2].map(Lot::from_bits);
        let mut cells = Cells::None;
        for lot in lots {
            cells.add(lot, 5, 0).unwrap();
        }
        let order: Vec<u32> = cells.as_slice().iter().map(|cell| cell.lot.bits()).collect();
        assert_eq!(order, [1, 2, 3]);
        for lot in lots {
            cells.add(lot, -5, 0).unwrap();
        }
        assert_eq!(cells, Cells::None);
        cells.add(lots[0], i64::MAX, 0).unwrap();
        assert_eq!(cells.add(lots[0], 1, 0), None);
    }
}
