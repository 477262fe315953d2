//! What the packages bring, gathered: a feature is one line in each of these lists, and one in
//! `routes.rs`.

use std::sync::Arc;

use tokio::runtime;

use crate::{
    config::{Config, PageAddress},
    exchange,
    features::Features,
    house::House,
    jobs::{Job, Next},
    membership,
    reactions::MemberReaders,
};
use access::{ForgetEnded, Need, NoteUse};
use answers::ACCESS_PROBLEMS;
use point_site::{
    Site,
    bonus::grant_due,
    click::feed_spool,
    exchange_letter::{ExchangeLetters, write_exchange_letters},
    follow_up::{FOLLOWED_AT_ONCE, follow_conversions},
    message::{MESSAGES_AT_ONCE, process_messages},
    popularity::count_clicks,
    pull::{Puller, pull_due},
    rank::write_ranks,
    rate_up::{RateUps, write_rate_ups},
    referral::expire_referrals,
    report::apply_reports,
    undo::undo_reports,
};
use store::{Fault, Listed, Store, migrate::Migration};
use vocabulary::Timestamp;
use wallet::{
    expiry::Progress,
    notice::{Notices, Readers as _},
};
use web::{Assets, FooterLink, Outgoing, OutgoingOptions, ProblemKind, Reach, TextSource};

/// Every step of the schema, by number.
pub fn migrations() -> Vec<Migration> {
    let mut all = [
        store::MIGRATIONS,
        access::MIGRATIONS,
        mail::MIGRATIONS,
        bank::MIGRATIONS,
        point_site::MIGRATIONS,
        wallet::MIGRATIONS,
    ]
    .concat();
    all.sort_by_key(|migration| migration.version);
    all
}

/// Every statement, for the test that prepares them on both databases.
pub fn statements() -> Vec<Listed> {
    [
        store::statements(),
        access::STATEMENTS.to_vec(),
        mail::STATEMENTS.to_vec(),
        bank::STATEMENTS.to_vec(),
        point_site::statements(),
        wallet::statements(),
        ops::statements(),
    ]
    .concat()
}

/// What people read.
pub fn texts() -> Vec<TextSource> {
    vec![web::TEXTS, TEXTS, wallet::TEXTS, point_site::TEXTS, ops::TEXTS]
}

/// Every kind of problem.
pub fn problems() -> Vec<&'static [&'static ProblemKind]> {
    vec![
        web::PROBLEMS,
        ACCESS_PROBLEMS.as_slice(),
        bank::PROBLEMS,
        wallet::PROBLEMS,
        point_site::PROBLEMS,
        ops::PROBLEMS,
    ]
}

/// Gives the links at the foot of every page: the site's terms and its privacy policy.
pub(crate) fn footer(config: &Config) -> Vec<FooterLink> {
    let pages = [("footer-terms", &config.site_terms), ("footer-privacy", &config.site_privacy)];
    let link = |(text, page): (&'static str, &PageAddress)| {
        Some(FooterLink { text, href: page.href()?.to_owned() })
    };
    pages.into_iter().filter_map(link).collect()
}

/// Static files: the frame's, and what features add to them.
pub fn assets() -> Assets {
    let files = [wallet::STYLE, membership::SCRIPT];
    files.into_iter().fold(Assets::new(), |assets, (name, media_type, contents)| {
        assets.with(name, media_type, contents)
    })
}

/// The entries of the staff's home: who needs what to see it, where it is, the key of its text.
// By what the people of the site's own company may do: developers of other companies may read as
// well, and have no shops, campaigns or conversions here.
pub const STAFF_PAGES: &[StaffPage] = &[
    StaffPage { need: Need::KeyRead, href: "/staff/keys", text: "staff-page-keys" },
    StaffPage { need: Need::ReportImport, href: "/staff/shops", text: "staff-page-shops" },
    StaffPage { need: Need::ReportImport, href: "/staff/reports", text: "staff-page-reports" },
    StaffPage { need: Need::ClaimDecide, href: "/staff/claims", text: "staff-page-claims" },
    StaffPage { need: Need::ReportImport, href: "/staff/campaigns", text: "staff-page-campaigns" },
    StaffPage {
        need: Need::OfferManage,
        href: "/staff/networks/accounts",
        text: "staff-page-network-accounts",
    },
    StaffPage {
        need: Need::ConversionDecide,
        href: "/staff/conversions",
        text: "staff-page-conversions",
    },
    StaffPage {
        need: Need::ConversionApprove,
        href: "/staff/decisions",
        text: "staff-page-decisions",
    },
    StaffPage {
        need: Need::ConversionDecide,
        href: "/staff/networks",
        text: "staff-page-networks",
    },
    StaffPage { need: Need::ExchangeRead, href: "/staff/exchanges", text: "staff-page-exchanges" },
    StaffPage { need: Need::ExchangeRead, href: "/staff/payouts", text: "staff-page-payouts" },
    StaffPage {
        need: Need::ExchangeRead,
        href: "/staff/gift-codes",
        text: "staff-page-gift-codes",
    },
    StaffPage { need: Need::ReportImport, href: "/staff/ranks", text: "staff-page-ranks" },
    StaffPage {
        need: Need::ExchangeRead,
        href: "/staff/destinations",
        text: "staff-page-destinations",
    },
    StaffPage { need: Need::ExchangeRead, href: "/staff/referrals", text: "staff-page-referrals" },
    StaffPage {
        need: Need::CampaignManage,
        href: "/staff/referrals/terms",
        text: "staff-page-referral-terms",
    },
    StaffPage {
        need: Need::ExchangeRead,
        href: "/staff/reconciliation",
        text: "staff-page-reconciliation",
    },
    StaffPage { need: Need::FraudRead, href: "/staff/fraud", text: "staff-page-fraud" },
    StaffPage { need: Need::OpsRead, href: "/staff/ops", text: "staff-page-ops" },
];

/// What the clock starts.
///
/// # Errors
///
/// When a feature cannot be opened.
pub fn jobs(house: &House) -> anyhow::Result<Vec<Job>> {
    let mut jobs = vec![
        probe(house),
        refresh_keys(house),
        note_use(house),
        note_visits(house),
        forget_ended(house),
        send_notices(house),
    ];
    jobs.extend([
        expiry(house, "expire-lots", 60, wallet::expiry::expire_due),
        expiry(house, "expire-inactive", 3_600, wallet::expiry::expire_inactive),
        expiry(house, "expire-holds", 5, wallet::expiry::expire_holds),
    ]);
    let features = house.features()?;
    if let Some(site) = &features.site {
        jobs.extend(site_jobs(site));
        jobs.push(write_rate_ups_of(house, site));
        jobs.push(write_exchange_letters_of(house, site));
        jobs.push(pull_networks(site)?);
        jobs.extend(exchange::jobs(site)?);
        jobs.push(exchange::watch_cases(house, site));
        jobs.push(exchange::reconcile(house, site)?);
    }
    jobs.push(deliver_webhooks(features)?);
    jobs.extend(membership::deliver_mail(house)?);
    jobs.extend(membership::end_memberships(house)?);
    jobs.push(membership::finish_joinings(house));
    Ok(jobs)
}

/// Tells companies' endpoints what happened, on a runtime of the job's own.
fn deliver_webhooks(features: &Features) -> anyhow::Result<Job> {
    let bank = features.bank.clone();
    let options = OutgoingOptions { reach: Reach::PublicAndLoopback, ..OutgoingOptions::default() };
    let outgoing = Outgoing::try_new(options, &[])?;
    let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    Ok(Job::new("deliver-webhooks", 2, move || {
        let run = runtime.block_on(bank::deliver_due(&bank, &outgoing))?;
        Ok(if run.idle() { Next::Rest } else { Next::Again })
    }))
}

/// The longest page of a network that is taken; a row holds twice as much.
const PAGE_BYTES_MAX: usize = 8 << 20;

/// Asks networks what became of clicks, on a runtime of the job's own.
fn pull_networks(site: &Site) -> anyhow::Result<Job> {
    let options = OutgoingOptions {
        reach: Reach::PublicAndLoopback,
        timeout_ms: 45_000,
        body_max: PAGE_BYTES_MAX,
        ..OutgoingOptions::default()
    };
    let puller = Puller::new(site, Outgoing::try_new(options, &[])?);
    let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    Ok(Job::new("pull-networks", 10, move || {
        let run = runtime.block_on(pull_due(&puller))?;
        Ok(if run.idle() { Next::Rest } else { Next::Again })
    }))
}

type Expire = fn(&Store, Timestamp, usize) -> Result<Progress, Fault>;

/// A job that brings to an end what is over, some at a time.
fn expiry(house: &House, name: &'static str, every_seconds: u32, expire: Expire) -> Job {
    const AT_ONCE: usize = 50_000;
    let (store, clock) = (house.store.clone(), Arc::clone(&house.world.clock));
    Job::new(name, every_seconds, move || {
        let progress = expire(&store, clock.now(), AT_ONCE)?;
        Ok(if progress.finished { Next::Rest } else { Next::Again })
    })
}

/// The jobs of the site, one line each.
fn site_jobs(site: &Site) -> Vec<Job> {
    vec![
        // What comes one by one is read once a second, not one by one.
        site_job(site, "process-messages", 1, |site| {
            Ok(process_messages(site)? >= MESSAGES_AT_ONCE)
        }),
        site_job(site, "feed-spool", 5, |site| Ok(feed_spool(site)? > 0)),
        site_job(site, "apply-reports", 2, |site| Ok(apply_reports(site)? > 0)),
        site_job(site, "count-clicks", 600, |site| Ok(count_clicks(site).map(|_| false)?)),
        site_job(site, "follow-conversions", 1, |site| {
            Ok(follow_conversions(site)? >= FOLLOWED_AT_ONCE)
        }),
        site_job(site, "write-ranks", 600, |site| Ok(write_ranks(site)?)),
        site_job(site, "expire-referrals", 600, |site| Ok(expire_referrals(site)? > 0)),
        site_job(site, "grant-bonuses", 60, |site| Ok(grant_due(site)? > 0)),
        site_job(site, "undo-reports", 2, |site| Ok(undo_reports(site)? > 0)),
        site_job(site, "refresh-shelf", 30, |site| Ok(site.refresh().map(|()| false)?)),
    ]
}

/// A job of the site; `work` tells whether there is more to do at once.
fn site_job(
    site: &Site,
    name: &'static str,
    every_seconds: u32,
    work: fn(&Site) -> anyhow::Result<bool>,
) -> Job {
    let site = site.clone();
    Job::new(name, every_seconds, move || Ok(if work(&site)? { Next::Again } else { Next::Rest }))
}

/// Writes to members when a shop that they keep gives more.
fn write_rate_ups_of(house: &House, site: &Site) -> Job {
    const SLICES: u32 = 100;
    let readers = MemberReaders(house.store.clone());
    let tools = RateUps {
        site: site.clone(),
        frame: Arc::clone(&house.frame),
        languages: Arc::new(move |members| readers.languages(members)),
        address: house.config.site_address.or_of(house.config.server_listen),
    };
    Job::new("write-rate-ups", 60, move || {
        let written = write_rate_ups(&tools, SLICES)?;
        Ok(if written.finished { Next::Rest } else { Next::Again })
    })
}

/// Writes to members when their exchanges came to an end.
fn write_exchange_letters_of(house: &House, site: &Site) -> Job {
    let readers = MemberReaders(house.store.clone());
    let tools = ExchangeLetters {
        site: site.clone(),
        frame: Arc::clone(&house.frame),
        languages: Arc::new(move |members| readers.languages_of_all(members)),
        address: house.config.site_address.or_of(house.config.server_listen),
    };
    Job::new("write-exchange-letters", 5, move || {
        Ok(if write_exchange_letters(&tools)? > 0 { Next::Again } else { Next::Rest })
    })
}

/// A page of the staff console.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StaffPage {
    /// Who sees it.
    pub need: Need,
    /// Where it is.
    pub href: &'static str,
    /// The key of its name; the same with `-about` says what it is for.
    pub text: &'static str,
}

/// What people read on the pages of this package.
pub const TEXTS: TextSource = TextSource {
    name: "daifuku",
    japanese: include_str!("../texts/ja.ftl"),
    english: include_str!("../texts/en.ftl"),
};

fn probe(house: &House) -> Job {
    let probe = house.probe();
    Job::new("probe", 2, move || {
        probe.look();
        Ok(Next::Rest)
    })
}

/// Learns of keys that other nodes changed.
fn refresh_keys(house: &House) -> Job {
    let (keys, store) = (Arc::clone(&house.keys), house.store.clone());
    Job::new("refresh-keys", 5, move || {
        keys.refresh(store.database())?;
        Ok(Next::Rest)
    })
}

fn note_use(house: &House) -> Job {
    let house = house.clone();
    Job::new("note-use", 60, move || {
        let now = house.world.clock.now();
        if let Some(note) = NoteUse::take(&house.sessions, &house.keys, now) {
            match house.store.run(note)? {
                Ok(()) => {}
                Err(never) => match never {},
            }
        }
        Ok(Next::Rest)
    })
}

/// Notes which members were there today, for the rules about points of who stays away.
fn note_visits(house: &House) -> Job {
    const EVERY_SECONDS: u32 = 60;
    let house = house.clone();
    Job::new("note-visits", EVERY_SECONDS, move || {
        let now = house.world.clock.now();
        let members = house.sessions.members_seen(now, EVERY_SECONDS.saturating_mul(2));
        wallet::member::note_visits(&house.store, &members, now)?;
        Ok(Next::Rest)
    })
}

/// Writes to members whose points expire soon.
fn send_notices(house: &House) -> Job {
    const AT_ONCE: u64 = 50_000;
    let clock = Arc::clone(&house.world.clock);
    let notices = Notices {
        store: house.store.clone(),
        frame: Arc::clone(&house.frame),
        readers: Arc::new(MemberReaders(house.store.clone())),
        address: house.config.site_address.or_of(house.config.server_listen),
    };
    Job::new("send-notices", 3_600, move || {
        let noticed = wallet::notice::send_notices(&notices, clock.now(), AT_ONCE)?;
        Ok(if noticed.finished { Next::Rest } else { Next::Again })
    })
}

fn forget_ended(house: &House) -> Job {
    let (store, clock) = (house.store.clone(), Arc::clone(&house.world.clock));
    Job::new("forget-ended", 3_600, move || {
        let forgotten = match store.run(ForgetEnded { now: clock.now() })? {
            Ok(forgotten) => forgotten,
            Err(never) => match never {},
        };
        Ok(if forgotten.more { Next::Again } else { Next::Rest })
    })
}
