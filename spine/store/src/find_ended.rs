//! Holds and expectations that ended long ago: memory forgot them, the journal has not.

use core::convert::Infallible;

use crate::{Command, Fault, Posting, Recall, Tx};
use ledger::{Expectation, Hold};
use vocabulary::{Id, kind};

/// Finds a hold, also one that ended long ago. Nothing changes.
#[derive(Clone, Copy, Debug)]
pub struct FindHold(pub Id<kind::Hold>);

impl Command for FindHold {
    type Facts = ();
    type Receipt = Option<Hold>;
    type Refusal = Infallible;

    const NAME: &'static str = "find hold";
    const DEPENDS: bool = false;

    fn load(_slice: &[Self], _tx: &mut Tx<'_>) -> Result<(), Fault> {
        Ok(())
    }

    fn recall(&self, (): &(), recall: &mut Recall) {
        recall.hold(self.0);
    }

    fn decide(&self, (): &mut (), posting: &mut Posting<'_>) -> Result<Option<Hold>, Infallible> {
        Ok(posting.book().hold(self.0).cloned())
    }

    fn save((): (), _tx: &mut Tx<'_>) -> Result<(), Fault> {
        Ok(())
    }
}

/// Finds an expectation, also one that ended long ago. Nothing changes.
#[derive(Clone, Copy, Debug)]
pub struct FindExpectation(pub Id<kind::Expectation>);

impl Command for FindExpectation {
    type Facts = ();
    type Receipt = Option<Expectation>;
    type Refusal = Infallible;

    const NAME: &'static str = "find expectation";
    const DEPENDS: bool = false;

    fn load(_slice: &[Self], _tx: &mut Tx<'_>) -> Result<(), Fault> {
        Ok(())
    }

    fn recall(&self, (): &(), recall: &mut Recall) {
        recall.expectation(self.0);
    }

    fn decide(
        &self,
        (): &mut (),
        posting: &mut Posting<'_>,
    ) -> Result<Option<Expectation>, Infallible> {
        Ok(posting.book().expectation(self.0).copied())
    }

    fn save((): (), _tx: &mut Tx<'_>) -> Result<(), Fault> {
        Ok(())
    }
}
