//! The point site: members go out to shops, networks report what they bought, members get points.
//!
//! | noun | what it is | life |
//! |---|---|---|
//! | [`offer`] | a shop, what a member gets for buying there | versions, each with its period |
//! | [`cap`] | how far a version of an offer goes | counted up and down with its conversions |
//! | [`shelf`] | shops as members look through them: search, categories, orders | read only |
//! | [`favourite`] | a shop that a member keeps | kept, let go |
//! | [`rate_up`] | a letter when such a shop gives more | once for each version and member |
//! | [`popularity`] | how often offers are followed | counted by day |
//! | [`shop_editor`] | the staff's pages of shops, and how they save | shown or hidden |
//! | [`offer_editor`] | the staff's pages of an offer | every save is a new version |
//! | [`click`] | a member follows an offer | recorded once, in the database or first in the spool |
//! | [`message`] | what a network sends to our address | waiting → done, or unreadable |
//! | [`network`] | how each network speaks | read only: from what came to statements |
//! | [`network_account`] | our account with a network | added, edited, its secret rotated |
//! | [`pull`] | how far a network was asked | idle → asking → idle, or refused for a while |
//! | [`conversion`] | what the member did, what it is worth | tracked → approved or rejected → … |
//! | [`review`] | a conversion waits for a person | as long as it waits |
//! | [`decision`] | what a person decides about it | proposed → done, declined or overtaken |
//! | [`report`] | a network's file of decisions | checked → applying → done |
//! | [`follow_up`] | what follows from a conversion that changed | a row, until it is worked off |
//! | [`bonus`] | points beside a conversion | announced → granted → taken back |
//! | [`claim`] | a member says that points are missing | open → sent → proposed → granted … |
//! | [`campaign`] | points by a rule, out of a budget | draft → proposed → approved → stopped |
//! | [`referral`] | a member invites a friend | waiting → granted, held, refused or expired |
//! | [`rank`] | what members have for what was approved | by month; rules proposed → approved |
//! | [`undo`] | a report was wrong and is undone | tried → proposed → undoing → done |
//! | [`health`] | how networks do | read only |
//! | [`destination`] | what points can be turned into | versions, each from its day |
//! | `destination_editor` | the staff's pages of that | proposed → approved, or declined |
//! | [`exchange`] | a member turns points into something | quoted → accepted → held → sent → … |
//! | [`exchange_letter`] | a letter about an exchange that ended | a row, until it is written |
//! | [`proof`] | a code sent by mail before an exchange | sent → passed, or ended |
//! | [`held`] | what persons say of an exchange that waits | proposed → decided by another |
//! | [`fraud_rule`] | what makes an exchange ask, wait or stop | proposed → approved, or declined |
//! | [`finding`] | what the rules said of something | recorded once |
//! | [`fraud_case`] | what a rule holds, its owner and its day | open → proposed → closed |
//! | [`payee`] | where a member's exchanges go | active → replaced or blocked |
//! | [`payout`] | exchanges that a bank is told to pay | draft → approved → results |
//! | [`partner`] | who makes codes and takes points | asked with one id, for ever |
//! | [`reconciliation`] | a partner's statement of a day, and what differs | open → closed |
//! | [`partner_sandbox`] | a partner to try that with | |
//! | [`gift_code`] | a code that is worth an amount | free → reserved → given, or void |
//! | [`personal_data`] | what is kept about a member, to take along | read only |
//! | [`preferences`] | how a member wants to be written to | until the membership ends |
//! | [`leaving`] | a member who leaves | asked → taken back, or ending → ended |
//! | [`sandbox`] | a network and shops to try all of this with | |
//! | [`sandbox_network`] | networks of every form, which push and are asked | |
//!
//! Of what networks report, a conversion moves value and nothing else does: tracked announces an
//! expectation (判定中), approved turns it into a lot that the site's company bears, rejected drops
//! it, reversed takes the lot back.
//!
//! An exchange holds points when it is accepted and captures them when its destination says that it
//! arrived. What names a person or is worth money is sealed, in [`vault`]; when one more proof is
//! needed is data, in [`step_up`]; files of banks are in [`zengin`] and [`kana`].
//!
//! Start with `conversion/state.rs`, whose `plan` decides all of that; then `site.rs`.
//!
//! Deliberately absent: members' particulars (a member is an id), balances (the ledger has them),
//! any other feature.

pub mod bonus;
pub mod campaign;
pub mod cap;
pub mod claim;
pub mod click;
mod config;
pub mod conversion;
pub mod decision;
pub mod defects;
pub mod destination;
mod destination_editor;
pub mod exchange;
pub mod exchange_letter;
pub mod favourite;
mod figure;
pub mod finding;
pub mod follow_up;
pub mod fraud_case;
pub mod fraud_rule;
pub mod gift_code;
pub mod health;
pub mod held;
pub mod kana;
pub mod leaving;
pub mod message;
pub mod network;
pub mod network_account;
pub mod offer;
pub mod offer_editor;
pub mod partner;
pub mod partner_sandbox;
pub mod payee;
pub mod payout;
mod person;
pub mod personal_data;
pub mod phone;
pub mod popularity;
pub mod preferences;
pub mod proof;
pub mod pull;
pub mod rank;
mod rank_desk;
pub mod rate_up;
pub mod reconciliation;
pub mod referral;
mod referral_desk;
mod referral_terms;
pub mod report;
pub mod review;
pub mod sandbox;
pub mod sandbox_network;
pub mod search;
pub mod sheet;
pub mod shelf;
pub mod shop_editor;
mod site;
pub mod sms_sandbox;
mod spool;
pub mod step_up;
#[cfg(test)]
mod tests;
pub mod undo;
pub mod vault;
pub mod zengin;

use store::{Listed, migrate::Migration};
use web::{ProblemKind, Routes, TextSource};

pub use config::{
    ExchangeConfig, Network, Networks, Partner, PathSecret, SiteConfig, SmsDoor, Trust,
};
pub use conversion::{ConversionStory, stories};
pub use exchange::{ExchangeStory, exchange_stories};
pub use site::{OpenError, Site};
pub use spool::SpoolError;

/// The tables, 300 to 399.
pub const MIGRATIONS: &[Migration] = &[
    store::migration!(300, "point_site", Expand, "../migrations/0300_point_site"),
    store::migration!(310, "offer_terms", Expand, "../migrations/0310_offer_terms"),
    store::migration!(311, "popularity", Expand, "../migrations/0311_popularity"),
    store::migration!(312, "favourite", Expand, "../migrations/0312_favourite"),
    store::migration!(320, "decision", Expand, "../migrations/0320_decision"),
    store::migration!(321, "report_undo", Expand, "../migrations/0321_report_undo"),
    store::migration!(330, "exchange", Expand, "../migrations/0330_exchange"),
    store::migration!(331, "reconciliation", Expand, "../migrations/0331_reconciliation"),
    store::migration!(
        332,
        "destination_proposal",
        Expand,
        "../migrations/0332_destination_proposal"
    ),
    store::migration!(333, "exchange_letter", Expand, "../migrations/0333_exchange_letter"),
    store::migration!(340, "bonus", Expand, "../migrations/0340_bonus"),
    store::migration!(341, "claim", Expand, "../migrations/0341_claim"),
    store::migration!(342, "campaign", Expand, "../migrations/0342_campaign"),
    store::migration!(350, "membership", Expand, "../migrations/0350_membership"),
    store::migration!(360, "network_account", Expand, "../migrations/0360_network_account"),
    store::migration!(370, "rank", Expand, "../migrations/0370_rank"),
    store::migration!(380, "referral", Expand, "../migrations/0380_referral"),
    store::migration!(390, "fraud", Expand, "../migrations/0390_fraud"),
    store::migration!(391, "phone", Expand, "../migrations/0391_phone"),
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
        cap::store::STATEMENTS,
        favourite::store::STATEMENTS,
        popularity::store::STATEMENTS,
        rate_up::store::STATEMENTS,
        click::store::STATEMENTS,
        message::store::STATEMENTS,
        conversion::store::STATEMENTS,
        report::store::STATEMENTS,
        personal_data::store::STATEMENTS,
        preferences::store::STATEMENTS,
        leaving::store::STATEMENTS,
        bonus::store::STATEMENTS,
        follow_up::store::STATEMENTS,
        claim::store::STATEMENTS,
        campaign::store::STATEMENTS,
        network_account::store::STATEMENTS,
        pull::store::STATEMENTS,
        review::store::STATEMENTS,
        decision::store::STATEMENTS,
        undo::store::STATEMENTS,
        health::store::STATEMENTS,
        destination::store::STATEMENTS,
        exchange::store::STATEMENTS,
        exchange_letter::store::STATEMENTS,
        gift_code::store::STATEMENTS,
        payee::store::STATEMENTS,
        phone::store::STATEMENTS,
        payout::store::STATEMENTS,
        referral::store::STATEMENTS,
        rank::store::STATEMENTS,
        reconciliation::store::STATEMENTS,
        fraud_rule::store::STATEMENTS,
        finding::store::STATEMENTS,
        fraud_case::store::STATEMENTS,
    ]
    .concat()
}

/// The doors of a site.
pub fn routes(site: &Site) -> Routes {
    Routes::of("point-site")
        .and(shelf::routes())
        .and(offer::routes())
        .and(favourite::routes())
        .and(shop_editor::routes())
        .and(offer_editor::routes())
        .and(click::go_routes())
        .and(click::page_routes())
        .and(message::routes())
        .and(report::routes())
        .and(claim::routes())
        .and(campaign::routes())
        .and(network_account::routes())
        .and(review::routes())
        .and(decision::routes())
        .and(report::file_routes())
        .and(undo::routes())
        .and(health::routes())
        .and(exchange::routes())
        .and(proof::routes())
        .and(payee::routes())
        .and(phone::routes())
        .and(held::routes())
        .and(payout::routes())
        .and(gift_code::routes())
        .and(destination_editor::routes())
        .and(referral::routes())
        .and(referral_desk::routes())
        .and(referral_terms::routes())
        .and(rank::routes())
        .and(rank_desk::routes())
        .and(reconciliation::routes())
        .and(fraud_rule::routes())
        .and(fraud_case::routes())
        .with_state(site)
}
