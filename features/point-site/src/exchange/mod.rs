//! A member turns points into something else. The points are held while it is on its way and
//! captured when it has arrived; what is not known is neither paid again nor given back.

mod command;
mod job;
mod page;
mod state;
pub(crate) mod store;
#[cfg(test)]
pub(crate) mod tests;

pub use command::{
    AcceptExchange, AcceptFacts, AcceptRefusal, Cause, ChangeExchange, ChangeRefusal,
    ExchangeFacts, QuoteExchange, QuoteFacts, QuotingRefusal, VersionLine,
};
pub(crate) use job::due;
pub use job::{deliver_codes, expire_quotes};
pub use page::{ExchangeStory, stories as exchange_stories};
pub(crate) use page::{
    day_text, name_of, name_of_exchange, own_member, points_text, refusal_notice, routes,
    state_badge, take_up, value_text,
};
pub use state::{Clearance, Effect, Exchange, ExchangeEvent, ExchangeState, Outcome, Plan, plan};
