//! What waits for the writer.

use core::any::{Any, TypeId};
use core::fmt;

use crate::command::{Command, Posting, Recall};
use crate::{Fault, Tx};
use ledger::{Batch, Movement, MovementKind, Posted, Refused};
use vocabulary::Amount;

/// What became of a batch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is in the journal.
    Posted(Receipt),
    /// Nothing of it was done.
    Refused(Refused),
}

/// Where a batch stands in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Its movements.
    pub posted: Posted,
    /// How much was moved, reserved or announced in all; what expired on the way is not in it.
    pub moved: Amount,
    /// Whether this is the first answer again: the batch was posted before.
    pub repeated: bool,
}

/// What a batch moved, reserved or announced.
pub(crate) fn moved(movements: &[Movement]) -> Amount {
    movements
        .iter()
        .filter(|movement| {
            !matches!(
                movement.kind,
                MovementKind::Expiry
                    | MovementKind::Release
                    | MovementKind::Retraction
                    | MovementKind::Fulfilment
            )
        })
        .fold(Amount::ZERO, |sum, movement| sum.checked_add(movement.amount).unwrap_or(Amount::MAX))
}

/// Called once with the answer, on a thread of the writer's: hand it over, do no work.
pub type Reply<T> = Box<dyn FnOnce(Result<T, Fault>) + Send>;

/// Batches that arrived together and are answered together; each succeeds or is refused alone.
pub(crate) struct Ask {
    pub(crate) batches: Vec<Batch>,
    pub(crate) outcomes: Vec<Outcome>,
    pub(crate) reply: Reply<Vec<Outcome>>,
}

impl Ask {
    pub(crate) fn answer(self) {
        (self.reply)(Ok(self.outcomes));
    }

    pub(crate) fn fail(self, fault: Fault) {
        (self.reply)(Err(fault));
    }
}

/// One entry of the queue.
pub(crate) enum Submission {
    Batches(Ask),
    Command(Box<dyn Waiting>),
    Checkpoint(Reply<()>),
    Stop,
    /// Stop without another write.
    #[cfg(any(test, feature = "testing"))]
    Die,
}

impl Submission {
    /// How many decisions it takes.
    pub(crate) fn weight(&self) -> usize {
        match self {
            Self::Batches(ask) => ask.batches.len(),
            Self::Command(_) => 1,
            Self::Checkpoint(_) | Self::Stop => 0,
            #[cfg(any(test, feature = "testing"))]
            Self::Die => 0,
        }
    }

    /// How many alike a group of their own takes, where it is work in the background.
    pub(crate) fn background(&self) -> Option<usize> {
        if let Self::Command(waiting) = self { waiting.background() } else { None }
    }

    /// Whether both are commands of one kind.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        matches!((self, other), (Self::Command(one), Self::Command(two)) if one.kind() == two.kind())
    }

    pub(crate) fn fail(self, fault: Fault) {
        match self {
            Self::Batches(ask) => ask.fail(fault),
            Self::Command(waiting) => {
                let mut slice = waiting.into_slice();
                slice.answer(Err(fault));
            }
            Self::Checkpoint(reply) => reply(Err(fault)),
            Self::Stop => {}
            #[cfg(any(test, feature = "testing"))]
            Self::Die => {}
        }
    }
}

/// What a command is told: its receipt or its refusal.
pub type Decision<C> = Result<<C as Command>::Receipt, <C as Command>::Refusal>;

/// A command in the queue.
pub(crate) trait Waiting: Send {
    fn kind(&self) -> TypeId;
    fn background(&self) -> Option<usize>;
    fn into_slice(self: Box<Self>) -> Box<dyn Slice>;
    fn join(self: Box<Self>, slice: &mut dyn Slice);
}

/// Commands of one kind that are decided together.
pub(crate) trait Slice: Send {
    fn kind(&self) -> TypeId;
    fn as_any(&mut self) -> &mut dyn Any;
    fn load(&mut self, tx: &mut Tx<'_>) -> Result<(), Fault>;
    fn recall(&self, recall: &mut Recall);
    fn len(&self) -> usize;
    /// Whether what it saves depends on what it loaded, and it saves something.
    fn depends(&self) -> bool;
    /// Decides the command at `place`; tells whether what it posted stays.
    fn decide(&mut self, place: usize, posting: &mut Posting<'_>) -> bool;
    fn save(&mut self, tx: &mut Tx<'_>) -> Result<(), Fault>;
    fn answer(&mut self, result: Result<(), Fault>);
}

pub(crate) struct Waiter<C: Command> {
    pub(crate) command: C,
    pub(crate) reply: Reply<Decision<C>>,
}

struct TypedSlice<C: Command> {
    commands: Vec<C>,
    replies: Vec<Reply<Decision<C>>>,
    decisions: Vec<Option<Decision<C>>>,
    facts: Option<C::Facts>,
}

impl<C: Command> Waiting for Waiter<C> {
    fn kind(&self) -> TypeId {
        TypeId::of::<C>()
    }

    fn background(&self) -> Option<usize> {
        C::BACKGROUND
    }

    fn into_slice(self: Box<Self>) -> Box<dyn Slice> {
        Box::new(TypedSlice {
            commands: vec![self.command],
            replies: vec![self.reply],
            decisions: Vec::new(),
            facts: None,
        })
    }

    fn join(self: Box<Self>, slice: &mut dyn Slice) {
        if let Some(slice) = slice.as_any().downcast_mut::<TypedSlice<C>>() {
            slice.commands.push(self.command);
            slice.replies.push(self.reply);
        }
    }
}

impl<C: Command> Slice for TypedSlice<C> {
    fn kind(&self) -> TypeId {
        TypeId::of::<C>()
    }

    fn as_any(&mut self) -> &mut dyn Any {
        self
    }

    fn load(&mut self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        self.decisions.clear();
        self.decisions.resize_with(self.commands.len(), || None);
        self.facts = Some(C::load(&self.commands, tx)?);
        Ok(())
    }

    fn recall(&self, recall: &mut Recall) {
        if let Some(facts) = &self.facts {
            for command in &self.commands {
                command.recall(facts, recall);
            }
        }
    }

    fn len(&self) -> usize {
        self.commands.len()
    }

    fn depends(&self) -> bool {
        C::DEPENDS && self.decisions.iter().any(|decision| matches!(decision, Some(Ok(_))))
    }

    fn decide(&mut self, place: usize, posting: &mut Posting<'_>) -> bool {
        let (Some(command), Some(facts), Some(decision)) =
            (self.commands.get(place), self.facts.as_mut(), self.decisions.get_mut(place))
        else {
            return false;
        };
        let decided = command.decide(facts, posting);
        let stays = decided.is_ok();
        *decision = Some(decided);
        stays
    }

    fn save(&mut self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        match self.facts.take() {
            Some(facts) => C::save(facts, tx),
            None => Ok(()),
        }
    }

    fn answer(&mut self, result: Result<(), Fault>) {
        let decisions = core::mem::take(&mut self.decisions);
        let mut decisions = decisions.into_iter();
        for reply in core::mem::take(&mut self.replies) {
            let decision = decisions.next().flatten();
            match (&result, decision) {
                (Ok(()), Some(decision)) => reply(Ok(decision)),
                (Ok(()), None) => reply(Err(Fault::bug("command was not decided"))),
                (Err(fault), _) => reply(Err(fault.again())),
            }
        }
    }
}

impl fmt::Debug for Submission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            Self::Batches(_) => "Batches",
            Self::Command(_) => "Command",
            Self::Checkpoint(_) => "Checkpoint",
            Self::Stop => "Stop",
            #[cfg(any(test, feature = "testing"))]
            Self::Die => "Die",
        };
        f.debug_struct(name).field("weight", &self.weight()).finish()
    }
}
