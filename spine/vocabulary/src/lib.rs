//! The field's words as types: amounts, currencies, ids, units, rates, time and bounded texts.
//!
//! Everything that comes from outside becomes one of these types at the edge or is refused there,
//! so that the rest of the house never holds a raw string or a bare integer. Start with [`Amount`]
//! and [`Id`].
//!
//! Deliberately absent: I/O, SQL, HTTP, a wall clock, a random source and floating point.

mod amount;
mod calendar;
mod company;
mod currency;
mod id;
mod rate;
mod text;
mod time;
mod unit;

pub use amount::{Amount, AmountError};
pub use calendar::{BankCalendar, BankDay, CalendarError, CutOff, Weekday};
pub use company::CompanyNumber;
pub use currency::{Currency, CurrencyError};
pub use id::{AccountRole, Id, IdError, IdSource, Kind, SeededIds, SharedIds, kind};
pub use rate::{Rate, RateError, Rounding};
pub use text::{Email, Label, Reference, TextError, Token};
pub use time::{Clock, Day, ManualClock, TimeError, Timestamp, Zone};
pub use unit::{Scale, UnitCode, UnitCodeError};
