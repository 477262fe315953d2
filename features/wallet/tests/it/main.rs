//! Stories of the wallet, as a member, a till and the clock tell them.

mod pages;
mod stage;
