//! Who of the staff did something, as pages say it.

use ledger::ActorNumber;
use vocabulary::{Timestamp, Zone};
use web::Words;

/// Names an actor by its number; the system is nobody's number.
pub(crate) fn person(words: Words<'_>, actor: ActorNumber) -> String {
    words.with("fraud-person", &[("number", actor.ordinal().into())])
}

/// Names an actor and the minute in Japan at which something was done.
pub(crate) fn person_at(words: Words<'_>, (actor, at): (ActorNumber, Timestamp)) -> String {
    let at = Zone::JAPAN.format_minute(at);
    words.with("payout-by", &[("person", person(words, actor).into()), ("time", at.into())])
}
