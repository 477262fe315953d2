//! The story of a line: what happened when, where it stands, what comes.

mod page;
#[cfg(test)]
mod tests;

pub(crate) use page::routes;
