use super::{
    Asked, AskedCapture, AskedChange, AskedExpiry, AskedGrant, AskedIncrease, AskedVoid, StepFault,
};
use access::Authenticated;
use ledger::{Batch, Refused, Step};
use store::{Command, Fault, Posting, Recall, Receipt, Tx};
use vocabulary::{Id, kind};

/// Posts steps that succeed or fail together, for one caller.
///
/// Ids become numbers inside the decision, so that what the steps name is looked at as everything
/// decided before left it, and holds that ended long ago are there. The same id with the same steps
/// gives the first receipt again.
#[derive(Clone, Debug)]
pub struct PostBatch {
    /// Who asks.
    pub who: Authenticated,
    /// The id of the batch.
    pub id: Id<kind::Batch>,
    /// What to do, 1 to [`Batch::STEPS_MAX`] steps.
    pub steps: Vec<Asked>,
}

/// A step that could not be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StepRefused {
    /// Which, from 0.
    pub step: usize,
    /// Why.
    pub fault: StepFault,
}

impl From<Refused> for StepRefused {
    fn from(refused: Refused) -> Self {
        Self { step: refused.step, fault: StepFault::Refused(refused.refusal) }
    }
}

impl Command for PostBatch {
    type Facts = ();
    type Receipt = Receipt;
    type Refusal = StepRefused;

    const NAME: &'static str = "post batch";

    fn load(_slice: &[Self], _tx: &mut Tx<'_>) -> Result<(), Fault> {
        Ok(())
    }

    fn recall(&self, _facts: &(), recall: &mut Recall) {
        let company = self.who.company();
        recall.batch(self.who.actor().company(), self.id);
        for asked in &self.steps {
            match *asked {
                Asked::Hold(hold) => {
                    if let Some(id) = hold.id {
                        recall.hold(id.of(company));
                    }
                }
                Asked::IncreaseHold(AskedIncrease { hold, .. })
                | Asked::Capture(AskedCapture { hold, .. })
                | Asked::Void(AskedVoid { hold, .. })
                | Asked::ExpireHold(AskedExpiry { hold }) => recall.hold(hold),
                Asked::Announce(expected) => {
                    if let Some(id) = expected.id {
                        recall.expectation(id.of(company));
                    }
                }
                Asked::ChangeExpectation(AskedChange { expectation, .. })
                | Asked::GrantExpectation(AskedGrant { expectation, .. }) => {
                    recall.expectation(expectation);
                }
                Asked::Reverse(asked) => {
                    recall.original(self.who.actor().company(), asked.original.of(company));
                }
                Asked::Transfer(_)
                | Asked::ExpireLots(_)
                | Asked::ExpireInactive(_)
                | Asked::Freeze(_)
                | Asked::Thaw(_)
                | Asked::Close(_)
                | Asked::Touch(_) => {}
            }
        }
    }

    fn decide(&self, _facts: &mut (), posting: &mut Posting<'_>) -> Result<Receipt, StepRefused> {
        let mut steps: Vec<Step> = Vec::with_capacity(self.steps.len());
        for (step, asked) in self.steps.iter().enumerate() {
            let resolved = asked.resolve(posting.book(), &self.who);
            steps.push(resolved.map_err(|fault| StepRefused { step, fault })?);
        }
        let batch =
            Batch { id: self.id, actor: self.who.actor(), steps: ledger::Steps::Many(steps) };
        posting.post(&batch).map_err(StepRefused::from)
    }

    fn save(_facts: (), _tx: &mut Tx<'_>) -> Result<(), Fault> {
        Ok(())
    }
}
