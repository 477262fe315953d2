//! How members want to be written to: in which language, and whether notices at all.

mod command;
mod state;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use command::SavePreferences;
pub use state::Preferences;
pub use store::find_preferences;
