//! A member's wallet: the passbook, payments at shops, and what expires.
//!
//! | noun | what it is |
//! |---|---|
//! | [`member`] | the account in which a member's points are counted |
//! | [`passbook`] | 通帳: what a member has, line by line, and the story of each line |
//! | [`payment`] | points reserved, captured and given back at a shop's till |
//! | [`expiry`] | the jobs that write off what is past its last day |
//! | [`notice`] | letters before that |
//!
//! A **line** is what a member reads of one thing that happened; it is made of movements and of
//! nothing else, so that the passbook can never say other than the journal. A **story** is all
//! lines about one hold or expectation.
//!
//! Start reading at `passbook/state.rs`. `daifuku` makes a [`Wallet`] and takes [`routes`],
//! [`home`], [`MIGRATIONS`], [`PROBLEMS`], [`TEXTS`] and [`STYLE`].
//!
//! Deliberately absent: shops, offers and conversions (an [`Explains`] tells of them), cards,
//! top-ups, the names of members.

pub mod expiry;
mod explain;
pub mod member;
pub mod notice;
pub mod passbook;
pub mod payment;
mod story;
mod wallet;
mod wording;

use store::{Listed, migrate::Migration};
use web::{ProblemKind, Routes, TextSource};

pub use explain::{Explained, Explains};
pub use wallet::Wallet;

/// The steps of this crate's tables, 400 to 499.
pub const MIGRATIONS: &[Migration] =
    &[store::migration!(400, "wallet", Expand, "../migrations/0400_wallet")];

/// The texts of the pages.
pub const TEXTS: TextSource = TextSource {
    name: "wallet",
    japanese: include_str!("../texts/ja.ftl"),
    english: include_str!("../texts/en.ftl"),
};

/// The stylesheet of the pages, for [`web::Assets::with`]: name, media type, contents.
pub const STYLE: (&str, &str, &[u8]) =
    ("wallet.css", "text/css; charset=utf-8", include_bytes!("../static/wallet.css"));

/// Every way in which this crate says no to a request.
pub const PROBLEMS: &[&ProblemKind] = payment::PROBLEMS;

/// All statements, for the test that prepares them on both databases.
pub fn statements() -> Vec<Listed> {
    [payment::STATEMENTS, expiry::STATEMENTS].concat()
}

/// The routes of the passbook and of payments.
pub fn routes(wallet: &Wallet) -> Routes {
    passbook::routes()
        .and(passbook::file_routes())
        .and(story::routes())
        .and(payment::routes())
        .with_state(wallet)
}

/// The home page of a signed-in member at `/`, for an installation that has no other.
pub fn home(wallet: &Wallet) -> Routes {
    passbook::home_routes().with_state(wallet)
}

#[cfg(test)]
mod tests;
