//! The house rules that no other tool knows: one pass over the files of the checkout.
//!
//! A rule is a function from what it looks at to its findings, with a table of good and bad inputs
//! as its test. `check.rs` lists all rules; to add one, write the function, its table and its line.

mod check;
mod code_map;
mod dependencies;
mod features;
mod files;
mod finding;
mod layers;
mod manifests;
mod markdown;
mod migrations;
mod source;
mod tree;
mod words;
mod workspace;

pub(crate) use check::{rewrite_layer_table, run};
