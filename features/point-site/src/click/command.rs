use std::convert::Infallible;

use crate::click::Click;
use crate::click::store::save_clicks;
use store::{Command, Fault, Posting, Tx};

/// Keeps a click. A repeat changes nothing.
#[derive(Clone, Copy, Debug)]
pub struct RecordClick(pub Click);

/// The clicks of a slice.
#[derive(Debug, Default)]
pub struct ClickFacts(Vec<Click>);

impl Command for RecordClick {
    type Facts = ClickFacts;
    type Receipt = ();
    type Refusal = Infallible;

    const NAME: &'static str = "record click";
    const DEPENDS: bool = false;

    fn load(slice: &[Self], _tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        Ok(ClickFacts(Vec::with_capacity(slice.len())))
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        _posting: &mut Posting<'_>,
    ) -> Result<(), Infallible> {
        facts.0.push(self.0);
        Ok(())
    }

    fn save(mut facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        // A click may be in a slice twice: once from its member, once from the spool.
        facts.0.sort_by_key(|click| click.id);
        facts.0.dedup_by_key(|click| click.id);
        save_clicks(tx, &facts.0)
    }
}
