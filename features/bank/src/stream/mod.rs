//! Transfers that arrive one a line, for as long as the sender likes, in bounded memory.

pub(crate) mod api;
