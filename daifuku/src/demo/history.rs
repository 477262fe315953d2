//! Months of a sample past: members go out to shops, the network reports by its real messages
//! through the real door, files of decisions come in CP932, points are spent and expire, while the
//! clock goes from then to now.

use std::sync::Arc;

use anyhow::{Context as _, bail};
use tokio::runtime;

use super::{
    networks::Elsewhere,
    reconciliation::{PartnerDay, plant_partner_day},
    seed::{PEOPLE, SHOPPING},
    shops::shop_of_turn,
};
use crate::{clock::ShiftedClock, house::House};
use ledger::{ActorNumber, Batch, Lot, LotKind, Step, Transfer, TransferKind, Wanted};
use point_site::{
    Site,
    click::{Click, RecordClick},
    conversion::Status,
    message::process_messages,
    report::{StartReport, UploadedReport, apply_reports, receive_report},
    sandbox::Sandbox,
    sandbox_network::SandboxNetworks,
};
use store::{Outcome, natural_id};
use vocabulary::{
    AccountRole, Amount, Clock as _, Id, IdSource as _, Label, SeededIds, Token, Zone, kind,
};
use wallet::{
    expiry::expire_due,
    member::OpenWallet,
    payment::{CaptureHold, PlaceHold},
};
use web::testing::Client;

/// How long ago the sample past begins.
pub(super) const DAYS: u16 = 100;

struct Past<'a> {
    house: &'a House,
    site: &'a Site,
    clock: &'a ShiftedClock,
    client: Client,
    runtime: runtime::Runtime,
    network: &'a Sandbox,
    elsewhere: Elsewhere,
}

/// The day on which something is held that nobody looks at: a week before the past ends.
const OVERDUE_FROM: u16 = DAYS - 7;
/// The day whose statement of the partner has differences.
const PARTNER_DAY: u16 = DAYS - 4;

/// The day on which friends join and buy: what they bought is decided at the last month's end.
const FRIENDS_FROM: u16 = DAYS - 55;

/// Plays the past; the clock is more than `DAYS` back when it begins and still a little when it
/// ends. Gives what the partner did on one of its last days.
pub(super) fn plant_past(
    house: &House,
    clock: &ShiftedClock,
    network: &Sandbox,
    networks: &SandboxNetworks,
) -> anyhow::Result<PartnerDay> {
    let site = house.features()?.site.as_ref().context("the demo has a members' site")?;
    for member in members() {
        let command = OpenWallet { member, company: SHOPPING, unit: house.config.site_unit };
        house.store.run(command)?.map_err(|refusal| anyhow::anyhow!(refusal))?;
    }
    let client = Client::new(Arc::clone(&house.door()?));
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let elsewhere = Elsewhere::new(site, networks)?;
    let past = Past { house, site, clock, client, runtime, network, elsewhere };
    past.welcome()?;
    super::ranks::plant_ranks(site)?;
    super::referral::plant_links(house)?;
    let mut partner_day = None;
    for day in 0..DAYS {
        past.day(day)?;
        if day == OVERDUE_FROM {
            super::fraud::plant_overdue(house)?;
        }
        if day == FRIENDS_FROM {
            super::referral::plant_friends(house)?;
            for (turn, friend) in super::referral::buyers() {
                past.buy(turn, friend)?;
            }
        }
        if day == PARTNER_DAY {
            partner_day = Some(plant_partner_day(house)?);
        }
        clock.put_forward(1);
        if day % 30 == 29 {
            past.month_end(day)?;
        }
        super::ranks::keep_ranks(site)?;
        clock.put_forward(19);
    }
    super::reviews::plant_reviews(house)?;
    // Whatever is over by now expires by the job that does it every day.
    while !expire_due(&house.store, clock.now(), 10_000)?.finished {}
    partner_day.context("the past has such a day")
}

fn members() -> impl Iterator<Item = Id<kind::Member>> {
    PEOPLE.iter().filter_map(super::seed::Person::member)
}

impl Past<'_> {
    fn actor() -> ActorNumber {
        ActorNumber::new(SHOPPING, 0)
    }

    /// Everybody gets 500 points for joining, good for ninety days.
    fn welcome(&self) -> anyhow::Result<()> {
        let unit = self.house.config.site_unit;
        let company = self.site.config().company_id;
        let today = Zone::JAPAN.day_of(self.clock.now());
        let lot = Lot::try_new(SHOPPING, LotKind::Free, Some(today.plus_days(90)))?;
        let cost = self.house.store.find_account(Id::of(company, unit.get(), AccountRole::Cost));
        let cost = cost.context("the cost account is open")?;
        for member in members() {
            let wallet = Id::of(member, unit.get(), AccountRole::Member);
            let wallet = self.house.store.find_account(wallet).context("the wallet is open")?;
            let step = Step::Transfer(Transfer {
                debit: cost,
                credit: wallet,
                amount: Wanted::Exactly(Amount::from(500)),
                kind: TransferKind::Grant,
                code: 1,
                lot: Some(lot),
            });
            let id = natural_id("demo.welcome", &[&member.to_bytes()]);
            let batch = Batch::single(id, Self::actor(), step);
            let outcome = self.house.store.post(vec![batch])?;
            if let Some(Outcome::Refused(refused)) = outcome.first() {
                bail!("the welcome points were refused: {}", refused.refusal);
            }
        }
        Ok(())
    }

    /// Members go out and buy; now and then one pays at a till with points.
    fn day(&self, day: u16) -> anyhow::Result<()> {
        for (place, member) in (0_u16..).zip(members()) {
            if (day + place * 2).is_multiple_of(4 + place) {
                self.buy(day + place * 3, member)?;
            }
            if day == 40 + place * 5 {
                self.pay(day, member)?;
            }
        }
        let bought = self.elsewhere.day(day, members(), self.clock.now())?;
        self.clock.put_forward(4);
        self.runtime.block_on(self.elsewhere.tell(&self.client, &bought))?;
        self.runtime.block_on(self.elsewhere.ask(day))?;
        process_messages(self.site)?;
        Ok(())
    }

    /// A member follows an offer and buys within the hour; the network tells us at once.
    fn buy(&self, turn: u16, member: Id<kind::Member>) -> anyhow::Result<()> {
        let shop = shop_of_turn(turn);
        let now = self.clock.now();
        let click = Click {
            // As the site makes them: later ids are larger, which a member's list is ordered by.
            id: SeededIds::new(u64::from(turn)).next_id(now),
            company: SHOPPING,
            member,
            shop: shop.id(),
            offer: shop.offer(),
            offer_version: 1,
            clicked_at: now,
            mark: None,
        };
        match self.house.store.run(RecordClick(click))? {
            Ok(()) => {}
            Err(never) => match never {},
        }
        self.clock.put_forward(1);
        let price = 1_980 + u32::from(turn % 17) * 640;
        let reference = click.id.to_string().trim_start_matches("clk_").to_owned();
        let at_network = self.network.shop(shop.slug).context("the network has the shop")?;
        for order in self.network.order(at_network, &reference, price, 1) {
            let path = order.postback(self.network.config());
            let answer = self.runtime.block_on(self.client.get(&path));
            if answer.status.as_u16() != 200 {
                bail!("the postback was answered with {}: {}", answer.status, answer.text);
            }
        }
        Ok(())
    }

    /// A member pays at a till: 300 are reserved, 250 are posted, the rest is given back.
    fn pay(&self, day: u16, member: Id<kind::Member>) -> anyhow::Result<()> {
        let hold = natural_id("demo.hold", &[&day.to_be_bytes(), &member.to_bytes()]);
        let place = PlaceHold {
            actor: Self::actor(),
            company: SHOPPING,
            hold,
            member,
            unit: self.house.config.site_unit,
            amount: Amount::from(300),
            shop: Label::parse("ほしのカフェ 本町店")?,
        };
        if self.house.store.run(place)?.is_ok() {
            let capture = CaptureHold {
                actor: Self::actor(),
                company: SHOPPING,
                hold,
                amount: Some(Amount::from(250)),
            };
            let captured = self.house.store.run(capture)?;
            if captured.is_err() {
                bail!("the payment of the demo was not captured");
            }
        }
        Ok(())
    }

    /// The advertisers decide what is older than twenty days, one order in six against the member,
    /// and the network sends its file, in CP932.
    fn month_end(&self, day: u16) -> anyhow::Result<()> {
        let now = self.clock.now();
        for order in self.network.orders() {
            if order.occurred_at.plus_days(20) < now {
                let rejected = order.conversion.is_multiple_of(6);
                let status = if rejected { Status::Rejected } else { Status::Approved };
                self.network.decide(order.conversion, status);
            }
        }
        let upload = UploadedReport {
            network: Token::parse("accesstrade")?,
            account: Token::parse("main")?,
            file_name: format!("accesstrade-{}.csv", Zone::JAPAN.day_of(now)),
            bytes: self.network.monthly_file(),
            by: Self::actor(),
        };
        self.network.forget_decided();
        let received =
            receive_report(self.site, &upload).with_context(|| format!("report of day {day}"))?;
        let start = StartReport { report: received.report, company: SHOPPING, by: Self::actor() };
        self.house.store.run(start)?.map_err(|refusal| anyhow::anyhow!("{refusal:?}"))?;
        while apply_reports(self.site)? > 0 {}
        Ok(())
    }
}
