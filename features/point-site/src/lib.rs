//! The point site: members go out to shops, networks report what they bought, members get points.
//!
//! | noun | what it is | life |
//! |---|---|---|
//! | [`offer`] | a shop, what a member gets for buying there | versions, each with its period |
//! | [`click`] | a member follows an offer | recorded once, in the database or first in the spool |
//! | [`message`] | what a network sends to our address | waiting → done, or unreadable |
//! | [`network`] | how each network speaks | read only: from what came to statements |
//! | [`network_account`] | our account with a network | added, edited, its secret rotated |
//! | [`pull`] | how far a network was asked | idle → asking → idle, or refused for a while |
//! | [`conversion`] | what the member did, what it is worth | tracked → approved or rejected → … |
//! | [`report`] | a network's file of decisions | checked → applying → done |
//! | [`follow_up`] | what follows from a conversion that changed | a row, until it is worked off |
//! | [`bonus`] | points beside a conversion | announced → granted → taken back |
//! | [`claim`] | a member says that points are missing | open → sent → proposed → granted … |
//! | [`campaign`] | points by a rule, out of a budget | draft → proposed → approved → stopped |
//! | [`destination`] | what points can be turned into | versions, each from its day |
//! | [`exchange`] | a member turns points into something | quoted → accepted → held → sent → … |
//! | [`gift_code`] | a code that is worth an amount | free → reserved → given, or void |
//! | [`preferences`] | how a member wants to be written to | until the membership ends |
//! | [`leaving`] | a member who leaves | asked → taken back, or ending → ended |
//! | [`sandbox`] | a network and shops to try all of this with | |
//! | [`sandbox_network`] | networks of every form, which push and are asked | |
//!
//! Of what networks report, a conversion moves value and nothing else does: tracked announces an
//! expectation (判定中), approved turns it into a lot that the site's company bears, rejected drops
//! it, reversed takes the lot back.
//!
//! Of exchanges there is so far what is decided, in [`step_up`] as well, and the files that banks
//! take, in [`zengin`] and [`kana`]; no tables and no pages.
//!
//! Start with `conversion/state.rs`, whose `plan` decides all of that; then `site.rs`.
//!
//! Deliberately absent: members' particulars (a member is an id), balances (the ledger has them),
//! any other feature.

pub mod bonus;
pub mod campaign;
pub mod claim;
pub mod click;
mod config;
pub mod conversion;
pub mod destination;
pub mod exchange;
pub mod follow_up;
pub mod gift_code;
pub mod kana;
pub mod leaving;
pub mod message;
pub mod network;
pub mod network_account;
pub mod offer;
pub mod preferences;
pub mod pull;
pub mod report;
pub mod sandbox;
pub mod sandbox_network;
pub mod search;
pub mod sheet;
mod site;
mod spool;
pub mod step_up;
#[cfg(test)]
mod tests;
pub mod zengin;

use store::{Listed, migrate::Migration};
use web::{ProblemKind, Routes, TextSource};

pub use config::{Network, Networks, PathSecret, SiteConfig, Trust};
pub use conversion::{ConversionStory, stories};
pub use site::{OpenError, Site};
pub use spool::SpoolError;

/// The tables, 300 to 399.
pub const MIGRATIONS: &[Migration] = &[
    store::migration!(300, "point_site", Expand, "../migrations/0300_point_site"),
    store::migration!(340, "bonus", Expand, "../migrations/0340_bonus"),
    store::migration!(341, "claim", Expand, "../migrations/0341_claim"),
    store::migration!(342, "campaign", Expand, "../migrations/0342_campaign"),
    store::migration!(350, "membership", Expand, "../migrations/0350_membership"),
    store::migration!(360, "network_account", Expand, "../migrations/0360_network_account"),
];

/// The problems of this feature beside the door's own.
pub const PROBLEMS: &[&ProblemKind] = &[];

/// What people read.
pub const TEXTS: TextSource = TextSource {
    name: "point-site",
    japanese: include_str!("../texts/ja.ftl"),
    english: include_str!("../texts/en.ftl"),
};

/// Every statement, for the test that prepares them on both databases.
pub fn statements() -> Vec<Listed> {
    [
        offer::store::STATEMENTS,
        click::store::STATEMENTS,
        message::store::STATEMENTS,
        conversion::store::STATEMENTS,
        report::store::STATEMENTS,
        preferences::store::STATEMENTS,
        leaving::store::STATEMENTS,
        bonus::store::STATEMENTS,
        follow_up::store::STATEMENTS,
        claim::store::STATEMENTS,
        campaign::store::STATEMENTS,
        network_account::store::STATEMENTS,
        pull::store::STATEMENTS,
    ]
    .concat()
}

/// The doors of a site.
pub fn routes(site: &Site) -> Routes {
    Routes::of("point-site")
        .and(offer::routes())
        .and(click::go_routes())
        .and(click::page_routes())
        .and(message::routes())
        .and(report::routes())
        .and(claim::routes())
        .and(campaign::routes())
        .and(network_account::routes())
        .with_state(site)
}
