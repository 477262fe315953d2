use core::convert::Infallible;

use crate::popularity::store::save_days;
use store::{Command, Fault, Posting, Tx};
use vocabulary::{CompanyNumber, Day, Id, kind};

/// How often an offer was followed on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClickDay {
    /// The company whose site it was on.
    pub company: CompanyNumber,
    /// The day in Japan.
    pub on: Day,
    /// The offer.
    pub offer: Id<kind::Offer>,
    /// How often.
    pub clicks: u64,
}

/// Writes counts down in place of those that were there. A repeat changes nothing.
#[derive(Clone, Debug)]
pub struct NoteClickDays(pub Vec<ClickDay>);

impl Command for NoteClickDays {
    type Facts = Vec<ClickDay>;
    type Receipt = ();
    type Refusal = Infallible;

    const NAME: &'static str = "note click days";
    const BACKGROUND: Option<usize> = Some(1);

    fn load(_slice: &[Self], _tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        Ok(Vec::new())
    }

    fn decide(&self, facts: &mut Self::Facts, _: &mut Posting<'_>) -> Result<(), Infallible> {
        facts.extend_from_slice(&self.0);
        Ok(())
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        save_days(tx, &facts)
    }
}
