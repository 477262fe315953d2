//! Months of a sample past: members go out to shops, the network reports by its real messages
//! through the real door, files of decisions come in CP932, points are spent and expire, while the
//! clock goes from then to now.

use core::fmt::Write as _;
use std::sync::Arc;

use anyhow::{Context as _, bail};
use tokio::runtime;

use super::seed::{PEOPLE, SHOPPING};
use crate::{clock::ShiftedClock, features::path_secret, house::House};
use ledger::{ActorNumber, Batch, Lot, LotKind, Step, Transfer, TransferKind, Wanted};
use point_site::{
    Site,
    click::{Click, RecordClick},
    message::process_messages,
    offer::{OfferTerms, Reward, SaveOffer, SaveShop, Shop},
    report::{StartReport, UploadedReport, apply_reports, receive_report},
};
use store::{Outcome, natural_id};
use vocabulary::{
    AccountRole, Amount, Clock as _, Id, IdSource as _, Label, SeededIds, Timestamp, Token, Zone,
    kind,
};
use wallet::{
    expiry::expire_due,
    member::OpenWallet,
    payment::{CaptureHold, PlaceHold},
};
use web::testing::Client;

/// How long ago the sample past begins.
pub(super) const DAYS: u16 = 100;

/// Slug, name, other spellings, category, reward in hundredths of a per cent or fixed.
const SHOPS: [(&str, &str, &str, &str, Terms); 6] = [
    ("kirameki", "きらめき百貨店", "キラメキ kirameki デパート", "fashion", Terms::Rate(300)),
    ("yomu", "よむ書店オンライン", "ヨム yomu 本", "books", Terms::Rate(150)),
    ("nagomi", "なごみ温泉予約", "ナゴミ nagomi 旅行 ホテル", "travel", Terms::Rate(200)),
    ("midori", "みどり食品", "ミドリ midori 野菜", "food", Terms::Rate(500)),
    ("hikari", "ひかり電器", "ヒカリ hikari 家電", "electronics", Terms::Rate(100)),
    ("sakura", "さくらカード", "サクラ sakura クレジットカード", "finance", Terms::Fixed(3_000)),
];

#[derive(Clone, Copy)]
enum Terms {
    Rate(u32),
    Fixed(u32),
}

/// A conversion that the network will decide.
struct Sold {
    id: u64,
    order: String,
    reference: String,
    at: Timestamp,
    price: u32,
    reward: u32,
}

struct Past<'a> {
    house: &'a House,
    site: &'a Site,
    clock: &'a ShiftedClock,
    client: Client,
    runtime: runtime::Runtime,
    sold: Vec<Sold>,
    next: u64,
}

/// Plays the past; the clock is `DAYS` back when it begins and at the present when it ends.
pub(super) fn plant_past(house: &House, clock: &ShiftedClock) -> anyhow::Result<()> {
    let features = house.features()?;
    let Some(site) = &features.site else { bail!("the demo has a members' site") };
    plant_shops(site)?;
    for member in members() {
        let command = OpenWallet { member, company: SHOPPING, unit: house.config.site_unit };
        house.store.run(command)?.map_err(|refusal| anyhow::anyhow!(refusal))?;
    }
    let client = Client::new(Arc::clone(&house.door()?));
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let mut past = Past { house, site, clock, client, runtime, sold: Vec::new(), next: 88_120_457 };
    past.welcome()?;
    for day in 0..DAYS {
        past.day(day)?;
        clock.put_forward(1);
        if day % 30 == 29 {
            past.month_end(day)?;
        }
        clock.put_forward(19);
    }
    // Whatever is over by now expires by the job that does it every day.
    while !expire_due(&house.store, clock.now(), 10_000)?.finished {}
    Ok(())
}

fn members() -> impl Iterator<Item = Id<kind::Member>> {
    PEOPLE.iter().filter_map(super::seed::Person::member)
}

fn plant_shops(site: &Site) -> anyhow::Result<()> {
    for (slug, name, reading, category, terms) in SHOPS {
        let shop = Shop {
            company: SHOPPING,
            slug: Token::parse(slug)?,
            name: Label::parse(name)?,
            reading: Label::parse(reading)?,
            category: Token::parse(category)?,
            listed: true,
        };
        let id = shop.id();
        site.save_shop(SaveShop { shop })?;
        let reward = match terms {
            Terms::Rate(member) => Reward::Rate { network: member.saturating_mul(2), member },
            Terms::Fixed(member) => {
                let network = Amount::from(member.saturating_mul(2));
                Reward::Fixed { network, member: Amount::from(member) }
            }
        };
        let offer = SaveOffer {
            id: natural_id("demo.offer", &[slug.as_bytes()]),
            company: SHOPPING,
            shop: id,
            terms: OfferTerms {
                network: Token::parse("accesstrade")?,
                account: Token::parse("main")?,
                reward,
                record_by_days: 7,
                decide_by_days: 60,
                cookie_days: 30,
                conditions: "はじめての購入も、くり返しの購入も対象です。\n\
                             キャンセル・返品・送料は対象外です。"
                    .to_owned(),
                tracking_url: format!("https://shop.example/{slug}?ref={{ref}}"),
            },
            starts_at: site.now(),
            ends_at: None,
        };
        site.save_offer(offer)?.map_err(|refusal| anyhow::anyhow!(refusal))?;
    }
    Ok(())
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
    fn day(&mut self, day: u16) -> anyhow::Result<()> {
        for (place, member) in (0_u16..).zip(members()) {
            if (day + place * 2).is_multiple_of(4 + place) {
                self.buy(day + place * 3, member)?;
            }
            if day == 40 + place * 5 {
                self.pay(day, member)?;
            }
        }
        self.clock.put_forward(4);
        process_messages(self.site)?;
        Ok(())
    }

    /// A member follows an offer and buys; an hour later the network tells us.
    fn buy(&mut self, turn: u16, member: Id<kind::Member>) -> anyhow::Result<()> {
        let shops = SHOPS.len();
        let place = usize::from(turn) % shops;
        let Some(&(slug, _, _, _, terms)) = SHOPS.get(place) else { return Ok(()) };
        let id = self.next;
        self.next += 1;
        let now = self.clock.now();
        let click = Click {
            // As the site makes them: later ids are larger, which a member's list is ordered by.
            id: SeededIds::new(id).next_id(now),
            company: SHOPPING,
            member,
            shop: natural_id("site.shop", &[&SHOPPING.get().to_be_bytes(), slug.as_bytes()]),
            offer: natural_id("demo.offer", &[slug.as_bytes()]),
            offer_version: 1,
            clicked_at: now,
        };
        match self.house.store.run(RecordClick(click))? {
            Ok(()) => {}
            Err(never) => match never {},
        }
        let price = 1_980 + u32::from(turn % 17) * 640;
        let reward = match terms {
            Terms::Rate(member) => (price * member * 2).div_euclid(10_000),
            Terms::Fixed(member) => member * 2,
        };
        let reference = click.id.to_string().trim_start_matches("clk_").to_owned();
        let at = self.clock.now().plus_seconds(1_200);
        let order = format!("R-{}", 553_000 + id % 1_000);
        let sold = Sold { id, order, reference, at, price, reward };
        self.clock.put_forward(1);
        self.postback(&sold)?;
        self.sold.push(sold);
        Ok(())
    }

    fn postback(&self, sold: &Sold) -> anyhow::Result<()> {
        let secret = path_secret(self.house, "accesstrade");
        let at = Zone::JAPAN.format_second(sold.at).replace(' ', "%20");
        let path = format!(
            "/in/v1/accesstrade/{secret}/cv?pbid={}&conversion_id={}&order_id={}&item=1&price={}\
             &reward={}&status=0&occurred_at={at}",
            sold.reference, sold.id, sold.order, sold.price, sold.reward
        );
        let answer = self.runtime.block_on(self.client.get(&path));
        if answer.status.as_u16() != 200 {
            bail!("the postback was answered with {}: {}", answer.status, answer.text);
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

    /// The network's file of decisions on what is older than twenty days, in CP932.
    fn month_end(&mut self, day: u16) -> anyhow::Result<()> {
        let now = self.clock.now();
        let (decided, open): (Vec<Sold>, Vec<Sold>) =
            self.sold.drain(..).partition(|sold| sold.at.plus_days(20) < now);
        self.sold = open;
        let mut text = String::from(
            "成果ID,発生日時,注文番号,会員識別,売上金額,報酬金額,ステータス,否認理由\r\n",
        );
        for sold in &decided {
            let rejected = sold.id.is_multiple_of(6);
            let (status, reason) =
                if rejected { ("否認", "キャンセル") } else { ("承認", "") };
            let at = Zone::JAPAN.format_second(sold.at).replace('-', "/");
            write!(
                text,
                "{},{at},{},{},{},{},{status},{reason}\r\n",
                sold.id, sold.order, sold.reference, sold.price, sold.reward
            )?;
        }
        let (bytes, _, _) = encoding_rs::SHIFT_JIS.encode(&text);
        let upload = UploadedReport {
            network: Token::parse("accesstrade")?,
            account: Token::parse("main")?,
            file_name: format!("accesstrade-{}.csv", Zone::JAPAN.day_of(now)),
            bytes: bytes.into_owned(),
            by: Self::actor(),
        };
        let received =
            receive_report(self.site, &upload).with_context(|| format!("report of day {day}"))?;
        let start = StartReport { report: received.report, company: SHOPPING, by: Self::actor() };
        self.house.store.run(start)?.map_err(|refusal| anyhow::anyhow!("{refusal:?}"))?;
        while apply_reports(self.site)? > 0 {}
        Ok(())
    }
}
