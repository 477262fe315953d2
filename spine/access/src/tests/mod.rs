//! Stories over a database, on each kind that there is: commands by load, decide and save, as the
//! writer does.

mod actors;
mod api_keys;
mod audit;
mod sessions;
mod sign_ins;
mod stage;
