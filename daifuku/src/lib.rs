//! The program itself: configuration, command line, wiring. It holds no rule.
pub mod chance;
pub mod clock;
pub mod config;
pub mod notify;
pub mod secrets;
pub mod terminal;
