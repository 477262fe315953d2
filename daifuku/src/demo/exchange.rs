//! Sample destinations, gift codes, and exchanges in each state.

use core::fmt::Write as _;

use anyhow::{Context as _, anyhow};

use super::seed::{PEOPLE, Person, SHOPPING};
use crate::house::House;
use ledger::{ActorNumber, Batch, Lot, LotKind, Step, Transfer, TransferKind, Wanted};
use point_site::{
    Site,
    destination::{
        Destination, DestinationChange, DestinationEntry, DestinationKind, LimitGroup, Opening,
        ProposeDestination, SaveDestination, SaveLimitGroup, Standing,
    },
    exchange::{AcceptExchange, Exchange, QuoteExchange, deliver_codes},
    gift_code::{DryRun, UploadedCodes, import_codes},
    kana::BankText,
    partner::{PartnerAnswer, due_requests, settle},
    payee::{BankPayee, Payee, RegisterPayee},
    payout::{ApplyResults, ApprovePayout, MakePayout},
    zengin::{AccountType, BankAccount, Digits, PayoutOutcome},
};
use store::{Outcome, natural_id};
use vocabulary::{
    AccountRole, Amount, BankCalendar, Day, Id, Label, Rate, Rounding, SharedIds, Token, UnitCode,
    Zone, kind,
};

/// A sample destination.
struct Sample {
    code: &'static str,
    kind: DestinationKind,
    product: &'static str,
    name: &'static str,
    name_english: &'static str,
    unit: &'static str,
    minimum: u32,
    step: u32,
    rate: (i64, i64),
    fee: u32,
    lead_days: u16,
    group: &'static str,
}

const SAMPLES: [Sample; 5] = [
    Sample {
        code: "bank",
        kind: DestinationKind::Bank,
        product: "bank",
        name: "銀行振込",
        name_english: "Bank account",
        unit: "JPY",
        minimum: 300,
        step: 100,
        rate: (1, 1),
        fee: 0,
        lead_days: 3,
        group: "general",
    },
    Sample {
        code: "hoshi-gift",
        kind: DestinationKind::PooledCode,
        product: "hoshi-gift",
        name: "ほしのギフト券",
        name_english: "Hoshino gift code",
        unit: "JPY",
        minimum: 490,
        step: 490,
        rate: (500, 490),
        fee: 0,
        lead_days: 0,
        group: "general",
    },
    Sample {
        code: "cafe-gift",
        kind: DestinationKind::GiftCode,
        product: "sandbox",
        name: "ひだまりカフェ ギフト",
        name_english: "Hidamari Café gift",
        unit: "JPY",
        minimum: 300,
        step: 100,
        rate: (1, 1),
        fee: 0,
        lead_days: 0,
        group: "general",
    },
    Sample {
        code: "sora-miles",
        kind: DestinationKind::PartnerPoints,
        product: "sandbox",
        name: "そらマイル",
        name_english: "Sora Miles",
        unit: "MILE",
        minimum: 1_000,
        step: 500,
        rate: (1, 2),
        fee: 0,
        lead_days: 5,
        group: "general",
    },
    Sample {
        code: "tabi-points",
        kind: DestinationKind::PartnerPoints,
        product: "sandbox",
        name: "たび日和ポイント",
        name_english: "Tabi points",
        unit: "TPT",
        minimum: 130,
        step: 130,
        rate: (100, 130),
        fee: 20,
        lead_days: 1,
        group: "group",
    },
];

/// Points that each member of the demo has to exchange.
const POINTS: u32 = 20_000;

/// Plants all of it, once; the past is there already.
pub(super) fn plant_exchanges(house: &House) -> anyhow::Result<()> {
    let site = house.features()?.site.as_ref().context("the demo has a members' site")?;
    plant_destinations(site)?;
    plant_codes(site)?;
    let members: Vec<Id<kind::Member>> = PEOPLE.iter().filter_map(Person::member).collect();
    let [hana, taro, yuki] = *members.as_slice() else {
        anyhow::bail!("the demo has three members");
    };
    for member in [hana, taro, yuki] {
        grant(house, site, member, ("demo.exchange", POINTS))?;
    }
    let at = (site, &house.world.chance);
    let hana_bank = register(site, hana, "1234567", "カイイン ハナ")?;
    let taro_bank = register(site, taro, "2345678", "カイイン タロウ")?;
    exchange(at, hana, "hoshi-gift", 490, None)?;
    exchange(at, taro, "hoshi-gift", 980, None)?;
    deliver_codes(site)?;
    let paid = exchange(at, hana, "bank", 1_000, Some(hana_bank))?;
    let returned = exchange(at, taro, "bank", 800, Some(taro_bank))?;
    pay(site, &[(paid.id, PayoutOutcome::Done), (returned.id, PayoutOutcome::Other)])?;
    exchange(at, hana, "cafe-gift", 500, None)?;
    for request in due_requests(site)? {
        settle(site, &request, &PartnerAnswer::Again)?;
    }
    // What is still to be done: a payout to be put together, and a case for a person.
    exchange(at, hana, "bank", 600, Some(hana_bank))?;
    let before = register(site, yuki, "3456789", "カイイン ユキ")?;
    exchange(at, yuki, "bank", 500, Some(before))?;
    let changed = register(site, yuki, "4567890", "カイイン ユキ")?;
    exchange(at, yuki, "bank", 2_500, Some(changed))?;
    propose_terms(site)
}

impl Sample {
    fn entry(&self, effective_from: Day) -> anyhow::Result<DestinationEntry> {
        let terms = Destination {
            code: Token::parse(self.code)?,
            kind: self.kind,
            unit: UnitCode::parse(self.unit)?,
            minimum: Amount::from(self.minimum),
            step: Amount::from(self.step),
            rate: Rate::try_new(self.rate.0, self.rate.1)?,
            rounding: Rounding::Down,
            fee: Amount::from(self.fee),
            lead_days: self.lead_days,
            quote_minutes: 15,
            limit_group: Token::parse(self.group)?,
            opening: Opening::Open,
            effective_from,
        };
        Ok(DestinationEntry {
            terms,
            name: Label::parse(self.name)?,
            name_english: Label::parse(self.name_english)?,
            product: Token::parse(self.product)?,
        })
    }
}

/// How many days from now on the terms hold that wait for their approval.
const TERMS_IN_DAYS: i32 = 30;

/// Leaves a better rate for points of a partner to be approved.
fn propose_terms(site: &Site) -> anyhow::Result<()> {
    let from = Zone::JAPAN.day_of(site.now()).plus_days(TERMS_IN_DAYS);
    let [.., tabi] = &SAMPLES;
    let mut entry = tabi.entry(from)?;
    entry.terms.rate = Rate::try_new(110, 130)?;
    let command = ProposeDestination {
        config: site.shared_config(),
        change: DestinationChange::Version(entry),
        standing: Standing::Known,
        by: ActorNumber::new(SHOPPING, 0),
    };
    site.store().run(command)?.map_err(|refusal| anyhow!(refusal)).map(drop)
}

pub(super) fn plant_destinations(site: &Site) -> anyhow::Result<()> {
    let effective_from = Day::try_new(2026, 1, 1).context("there is such a day")?;
    for sample in &SAMPLES {
        let entry = sample.entry(effective_from)?;
        let command = SaveDestination { company: SHOPPING, entry, by: site.config().actor };
        site.store().run(command)?.map_err(|refusal| anyhow!(refusal))?;
    }
    for (code, monthly) in [("general", 30_000_u32), ("group", 300_000)] {
        let monthly = Some(Amount::from(monthly));
        let group = LimitGroup { code: Token::parse(code)?, daily: None, monthly };
        match site.store().run(SaveLimitGroup { company: SHOPPING, group })? {
            Ok(()) => {}
            Err(never) => match never {},
        }
    }
    Ok(())
}

fn plant_codes(site: &Site) -> anyhow::Result<()> {
    let mut list = "code,value,usable_until\n".to_owned();
    for (value, count) in [(500, 24_u32), (1_000, 4)] {
        for number in 1..=count {
            writeln!(list, "HOSHI-{value:04}-{:04},{value},2027-12-31", number * 37)?;
        }
    }
    let upload = UploadedCodes {
        pool: Token::parse("hoshi-gift")?,
        file_name: "hoshino-2026-11.csv".to_owned(),
        bytes: list.into_bytes(),
        by: site.config().actor,
    };
    import_codes(site, &upload, DryRun::No).map(drop).context("import the codes of the demo")
}

/// Points for a member, once for each name of an occasion.
pub(super) fn grant(
    house: &House,
    site: &Site,
    member: Id<kind::Member>,
    (occasion, points): (&str, u32),
) -> anyhow::Result<()> {
    let unit = site.config().unit.get();
    let find = |id| house.store.find_account(id).context("an account of the demo is open");
    let today = Zone::JAPAN.day_of(site.now());
    let step = Step::Transfer(Transfer {
        debit: find(Id::of(site.config().company_id, unit, AccountRole::Cost))?,
        credit: find(Id::of(member, unit, AccountRole::Member))?,
        amount: Wanted::Exactly(Amount::from(points)),
        kind: TransferKind::Grant,
        code: 2,
        lot: Some(Lot::try_new(SHOPPING, LotKind::Free, Some(today.plus_days(180)))?),
    });
    let id = natural_id(occasion, &[&member.to_bytes()]);
    let batch = Batch::single(id, ActorNumber::new(SHOPPING, 0), step);
    match house.store.post(vec![batch])?.first() {
        Some(Outcome::Posted(_)) => Ok(()),
        other => Err(anyhow!("the points of the demo were refused: {other:?}")),
    }
}

pub(super) fn register(
    site: &Site,
    member: Id<kind::Member>,
    number: &str,
    name: &str,
) -> anyhow::Result<Id<kind::Payee>> {
    let bank = BankPayee {
        account: BankAccount {
            bank: Digits::parse("0005")?,
            branch: Digits::parse("123")?,
            account_type: AccountType::Ordinary,
            number: Digits::parse(number)?,
        },
        name: BankText::parse(name)?,
    };
    let id = natural_id("demo.payee", &[number.as_bytes()]);
    let vault = &site.config().exchange.vault;
    let payee = Payee::bank(id, (SHOPPING, member), &bank, vault, site.now());
    let payee = payee.context("an account can be shown")?;
    let by = site.config().actor;
    site.store().run(RegisterPayee { payee, by })?.map_err(|refusal| anyhow!(refusal))
}

pub(super) fn exchange(
    (site, chance): (&Site, &SharedIds),
    member: Id<kind::Member>,
    to: &str,
    points: u32,
    payee: Option<Id<kind::Payee>>,
) -> anyhow::Result<Exchange> {
    let by = site.config().actor;
    let quote = QuoteExchange {
        config: site.shared_config(),
        id: chance.next(site.now()),
        member,
        destination: Token::parse(to)?,
        points: Amount::from(points),
        by,
    };
    let quoted = site.store().run(quote)?.map_err(|refusal| anyhow!(refusal))?;
    let accept = AcceptExchange {
        config: site.shared_config(),
        exchange: quoted.id,
        member,
        payee,
        asked_at: site.now(),
        by,
    };
    site.store().run(accept)?.map_err(|refusal| anyhow!(refusal)).context("accept an exchange")
}

/// Pays what is due, and has the bank say what became of it.
fn pay(site: &Site, rows: &[(Id<kind::Exchange>, PayoutOutcome)]) -> anyhow::Result<()> {
    let today = Zone::JAPAN.day_of(site.now());
    let (maker, checker) = (ActorNumber::new(SHOPPING, 0), site.config().actor);
    let make = MakePayout {
        config: site.shared_config(),
        pay_on: BankCalendar::JAPAN.next_business_day(today)?,
        asked_at: site.now(),
        by: maker,
    };
    let made = site.store().run(make)?.map_err(|refusal| anyhow!(refusal))?;
    let approve = ApprovePayout {
        config: site.shared_config(),
        payout: made.id,
        seen: (made.lines, made.total),
        by: checker,
    };
    site.store().run(approve)?.map_err(|refusal| anyhow!(refusal))?;
    let (config, rows) = (site.shared_config(), rows.to_vec());
    match site.store().run(ApplyResults { config, rows, last_of: None, by: maker })? {
        Ok(_changed) => Ok(()),
        Err(never) => match never {},
    }
}
