//! The staff's editor of what points can be turned into: versions of destinations and limits of
//! groups, which one person proposes and another one approves.

mod page;
#[cfg(test)]
mod tests;

pub(crate) use page::routes;
