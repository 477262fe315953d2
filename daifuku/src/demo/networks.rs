//! The networks beside AccessTrade, each with a shop: their accounts, what members bought by them,
//! and what the advertisers decided. They are asked over real HTTP, in the sample past too.

use core::net::{Ipv4Addr, SocketAddr};
use std::{sync::Arc, thread};

use anyhow::{Context as _, anyhow, bail};
use tokio::{runtime, sync::oneshot};

use super::seed::SHOPPING;
use crate::{features::path_secret, house::House};
use ledger::ActorNumber;
use point_site::{
    Site,
    cap::Caps,
    click::{Click, RecordClick},
    conversion::Status,
    network::Adapter,
    network_account::{
        ChangeNetworkAccount, Credentials, NetworkAccountChange, NetworkAccountKey, NetworkTerms,
    },
    offer::{OfferTerms, Repeat, Reward, SaveOffer, SaveShop, Shop},
    pull::{Puller, pull_due},
    sandbox_network::{self, Mischief, SandboxNetwork, SandboxNetworkConfig, SandboxNetworks},
};
use store::natural_id;
use vocabulary::{Clock, Currency, Id, IdSource as _, Label, SeededIds, Timestamp, Token, kind};
use web::{Outgoing, OutgoingOptions, Reach, ServerOptions, testing::Client};

/// How many days pass between two times that the networks are asked in the past; the running demo
/// asks every ten minutes.
const ASKED_EVERY_DAYS: u16 = 6;

/// A shop by one of these networks.
struct Abroad {
    adapter: Adapter,
    currency: Currency,
    /// How far back the network is asked every day.
    look_back_days: u16,
    slug: &'static str,
    name: &'static str,
    reading: &'static str,
    category: &'static str,
    /// What the member gets, in hundredths of a per cent; the site gets twice that.
    rate: u32,
}

static SHOPS: [Abroad; 5] = [
    Abroad {
        adapter: Adapter::Awin,
        currency: Currency::JPY,
        look_back_days: 35,
        slug: "harbour",
        name: "ハーバー紅茶店",
        reading: "ハーバー harbour 紅茶 tea",
        category: "food",
        rate: 400,
    },
    Abroad {
        adapter: Adapter::Cj,
        currency: Currency::USD,
        look_back_days: 35,
        slug: "northpine",
        name: "ノースパイン アウトドア",
        reading: "ノースパイン northpine アウトドア",
        category: "fashion",
        rate: 300,
    },
    Abroad {
        adapter: Adapter::Rakuten,
        currency: Currency::USD,
        look_back_days: 7,
        slug: "bluebell",
        name: "ブルーベル コスメ",
        reading: "ブルーベル bluebell コスメ",
        category: "fashion",
        rate: 500,
    },
    Abroad {
        adapter: Adapter::ValueCommerce,
        currency: Currency::JPY,
        look_back_days: 35,
        slug: "tabiji",
        name: "たびじトラベル",
        reading: "タビジ tabiji 旅行",
        category: "travel",
        rate: 200,
    },
    Abroad {
        adapter: Adapter::A8,
        currency: Currency::JPY,
        look_back_days: 21,
        slug: "komorebi",
        name: "こもれび家具",
        reading: "コモレビ komorebi 家具",
        category: "department",
        rate: 250,
    },
];

/// Names our account at a network of the demo.
pub(crate) fn account_of(network: &str) -> anyhow::Result<NetworkAccountKey> {
    Ok(NetworkAccountKey { network: Token::parse(network)?, account: Token::parse("main")? })
}

impl Abroad {
    fn shop(&self) -> Id<kind::Shop> {
        natural_id("site.shop", &[&SHOPPING.get().to_be_bytes(), self.slug.as_bytes()])
    }

    fn offer(&self) -> Id<kind::Offer> {
        natural_id("demo.offer", &[self.slug.as_bytes()])
    }

    /// What the site is paid for a sale, minor units.
    fn pays(&self, sale: i64) -> i64 {
        sale.saturating_mul(i64::from(self.rate)).saturating_mul(2).div_euclid(10_000)
    }

    fn terms(&self, address: SocketAddr) -> NetworkTerms {
        NetworkTerms {
            currency: self.currency,
            pulling: true,
            base: format!("http://{address}/sandbox/networks/{}", self.adapter.code()),
            identifier: "300111".to_owned(),
            look_back_days: self.look_back_days,
            ..NetworkTerms::usual(self.adapter)
        }
    }
}

/// A price: yen, or as many cents.
fn price(turn: u16) -> i64 {
    i64::from(turn % 13).saturating_mul(710).saturating_add(2_480)
}

/// What these networks take; nothing outside of the demo does.
fn credentials() -> Credentials {
    Credentials { key: "demo".to_owned(), secret: "demo-secret".to_owned() }
}

/// Opens the networks, where nothing happened yet.
pub(super) fn open_networks(house: &House) -> anyhow::Result<SandboxNetworks> {
    let networks: anyhow::Result<Vec<SandboxNetwork>> = SHOPS
        .iter()
        .map(|shop| {
            let code = shop.adapter.code();
            let secret = path_secret(house, &account_of(code)?);
            let given = credentials();
            let config = SandboxNetworkConfig {
                adapter: shop.adapter,
                site: house.config.server_listen,
                path: format!("/in/v1/{code}/{secret}/cv"),
                identifier: "300111".to_owned(),
                key: given.key,
                secret: given.secret,
                currency: shop.currency,
            };
            Ok(SandboxNetwork::new(config, Arc::<dyn Clock>::clone(&house.world.clock)))
        })
        .collect();
    Ok(SandboxNetworks::new(networks?))
}

/// Sets up the accounts, those that are asked at `address`, with their shops and offers. Planting
/// twice changes nothing.
pub(super) fn plant_networks(house: &House, address: SocketAddr) -> anyhow::Result<()> {
    let site = house.features()?.site.as_ref().context("the demo has a members' site")?;
    add_account(site, Adapter::AccessTrade)?;
    for abroad in &SHOPS {
        let version = add_account(site, abroad.adapter)?;
        let key = account_of(abroad.adapter.code())?;
        let chance = natural_id::<kind::Request>("demo.nonce", &[abroad.slug.as_bytes()]).bits();
        let sealed = site.config().network_key.seal(SHOPPING, &key, &credentials(), chance);
        let terms = abroad.terms(address);
        change(
            site,
            key,
            NetworkAccountChange::Edit { version, terms, credentials: Some(sealed) },
        )?;
        plant_shop(site, abroad, house.config.server_listen.port())?;
    }
    Ok(())
}

/// Adds an account, and gives its version.
fn add_account(site: &Site, adapter: Adapter) -> anyhow::Result<u32> {
    let terms = NetworkTerms::usual(adapter);
    change(site, account_of(adapter.code())?, NetworkAccountChange::Add { adapter, terms })
}

fn change(
    site: &Site,
    key: NetworkAccountKey,
    change: NetworkAccountChange,
) -> anyhow::Result<u32> {
    let by = ActorNumber::new(SHOPPING, 0);
    let command = ChangeNetworkAccount { by, request: None, company: SHOPPING, key, change };
    Ok(site.change_network_account(command)?.map_err(|refusal| anyhow!(refusal))?.version)
}

fn plant_shop(site: &Site, abroad: &Abroad, port: u16) -> anyhow::Result<()> {
    let shop = Shop {
        company: SHOPPING,
        slug: Token::parse(abroad.slug)?,
        name: Label::parse(abroad.name)?,
        reading: Label::parse(abroad.reading)?,
        category: Token::parse(abroad.category)?,
        listed: true,
    };
    site.save_shop(SaveShop { shop })?;
    let slug = abroad.adapter.code();
    let terms = OfferTerms {
        network: Token::parse(slug)?,
        account: Token::parse("main")?,
        reward: Reward::Rate { network: abroad.rate.saturating_mul(2), member: abroad.rate },
        tiers: Arc::default(),
        repeat: Repeat::Always,
        guaranteed: false,
        caps: Caps::default(),
        rejections: String::new(),
        record_by_days: 7,
        decide_by_days: 60,
        cookie_days: 30,
        conditions: "はじめての購入も、くり返しの購入も対象です。\n\
                     キャンセル・返品・送料は対象外です。"
            .to_owned(),
        tracking_url: format!("http://localhost:{port}/sandbox/market/{slug}?ref={{ref}}"),
    };
    let now = site.now();
    let known = site.offer(abroad.offer());
    if known.is_some_and(|offer| offer.versions.iter().any(|known| known.terms == terms)) {
        return Ok(());
    }
    let (id, shop) = (abroad.offer(), abroad.shop());
    let offer = SaveOffer { id, company: SHOPPING, shop, terms, starts_at: now, ends_at: None };
    site.save_offer(offer)?.map_err(|refusal| anyhow!(refusal))?;
    Ok(())
}

/// Serves the networks on loopback while `work` is done: the demo's own door opens only afterwards.
pub(super) fn serve_networks<T>(
    house: &House,
    networks: &SandboxNetworks,
    work: impl FnOnce(SocketAddr) -> anyhow::Result<T>,
) -> anyhow::Result<T> {
    let door = house.door_to(sandbox_network::routes(networks))?;
    let runtime = runtime::Builder::new_current_thread().enable_all().build()?;
    let listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
    let options = ServerOptions { listen, ..ServerOptions::default() };
    let listener = runtime.block_on(web::bind(&options))?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    thread::scope(|scope| {
        let serving = scope.spawn(|| {
            let drained = web::serve(listener, door, async {
                // It is told by being let go of.
                drop(stopped.await);
            });
            let _drained = runtime.block_on(drained);
        });
        let done = work(address);
        drop(stop);
        match serving.join() {
            Ok(()) => done,
            Err(_panic) => bail!("the pretend networks fell over"),
        }
    })
}

/// What happens by these networks in the sample past.
pub(super) struct Elsewhere {
    site: Site,
    networks: SandboxNetworks,
    puller: Puller,
}

impl Elsewhere {
    pub(super) fn new(site: &Site, networks: &SandboxNetworks) -> anyhow::Result<Self> {
        let options = OutgoingOptions {
            reach: Reach::PublicAndLoopback,
            body_max: 8 << 20,
            ..OutgoingOptions::default()
        };
        let puller = Puller::new(site, Outgoing::try_new(options, &[])?);
        Ok(Self { site: site.clone(), networks: networks.clone(), puller })
    }

    /// A day: somebody buys, the advertisers decide what is old enough. Gives what was bought.
    pub(super) fn day(
        &self,
        day: u16,
        members: impl Iterator<Item = Id<kind::Member>>,
        now: Timestamp,
    ) -> anyhow::Result<Vec<(Adapter, u32)>> {
        let mut bought = Vec::new();
        for (place, member) in (0_u16..).zip(members) {
            let turn = day.saturating_add(place.saturating_mul(7));
            let abroad = SHOPS.iter().cycle().nth(usize::from(turn % 5));
            if let Some(abroad) = abroad.filter(|_| turn.is_multiple_of(3)) {
                bought.push((abroad.adapter, self.buy(abroad, turn, member, now)?));
            }
        }
        self.decide(day, now);
        Ok(bought)
    }

    fn buy(
        &self,
        abroad: &Abroad,
        turn: u16,
        member: Id<kind::Member>,
        now: Timestamp,
    ) -> anyhow::Result<u32> {
        let click = Click {
            // Other numbers than those of the purchases by AccessTrade at the same moment.
            id: SeededIds::new(u64::from(turn).saturating_add(1_000_000)).next_id(now),
            company: SHOPPING,
            member,
            shop: abroad.shop(),
            offer: abroad.offer(),
            offer_version: 1,
            clicked_at: now,
            mark: None,
        };
        match self.site.store().run(RecordClick(click))? {
            Ok(()) => {}
            Err(never) => match never {},
        }
        let reference = click.id.to_string().trim_start_matches("clk_").to_owned();
        let network = self.networks.of(abroad.adapter).context("the network is open")?;
        let sale = price(turn);
        Ok(network.occur(&reference, sale, abroad.pays(sale)))
    }

    /// The advertisers decide after twenty days: one in five against the member, one in four of the
    /// others with another amount first. Some are taken back much later.
    fn decide(&self, day: u16, now: Timestamp) {
        for network in self.networks.iter() {
            for (place, action) in (0_u32..).zip(network.actions()) {
                let age = now.microseconds_since(action.occurred_at).div_euclid(86_400_000_000);
                let number = action.number;
                match (action.status, age) {
                    (Status::Occurred, 20) if place % 4 == 1 => {
                        let (sale, pays) =
                            (action.sale.div_euclid(2), action.commission.div_euclid(2));
                        network.restate(number, sale, pays);
                    }
                    (Status::Occurred, 24..) if place % 5 == 3 => {
                        network.decide(number, Status::Rejected);
                    }
                    (Status::Occurred, 24..) => network.decide(number, Status::Approved),
                    (Status::Approved, 45) if place % 7 == 2 => {
                        network.decide(number, Status::Rejected);
                    }
                    (Status::Occurred | Status::Approved | Status::Rejected, _) => {}
                }
            }
        }
        // Now and then something is wrong, and rights itself the next time.
        let mischief = match day {
            24 => Some((Adapter::ValueCommerce, Mischief::Lock { retry_after_seconds: None })),
            36 => Some((Adapter::Awin, Mischief::Twice)),
            48 => Some((Adapter::Cj, Mischief::Reversed)),
            60 => Some((Adapter::Rakuten, Mischief::Unavailable)),
            66 => Some((Adapter::Awin, Mischief::Broken)),
            _ => None,
        };
        if let Some((adapter, mischief)) = mischief
            && let Some(network) = self.networks.of(adapter)
        {
            network.misbehave(mischief);
        }
    }

    /// Sends what there is to send about purchases, to the site's own door.
    pub(super) async fn tell(
        &self,
        client: &Client,
        bought: &[(Adapter, u32)],
    ) -> anyhow::Result<()> {
        for (adapter, number) in bought {
            let push = self.networks.of(*adapter).and_then(|network| network.push(*number));
            let Some(push) = push else { continue };
            let answer = match &push.body {
                None => client.get(&push.target).await,
                Some((media, body)) => {
                    client
                        .send(web::Method::POST, &push.target, media, body.clone().into_bytes())
                        .await
                }
            };
            if answer.status.as_u16() != 200 {
                bail!("a push was answered with {}: {}", answer.status, answer.text);
            }
        }
        Ok(())
    }

    /// Asks the networks, every few days.
    pub(super) async fn ask(&self, day: u16) -> anyhow::Result<()> {
        if day % ASKED_EVERY_DAYS == ASKED_EVERY_DAYS - 1 {
            pull_due(&self.puller).await?;
        }
        Ok(())
    }
}
