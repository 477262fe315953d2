//! Transfers: one, many at once, or a line each as they come.
//!
//! The way of many is kept short: the body is read straight into the forms below, all ids are
//! looked up under one lock of the book, and the writer takes the batches as one submission.

pub(crate) mod api;
pub(crate) mod state;
