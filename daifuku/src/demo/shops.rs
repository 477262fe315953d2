//! The sample shops, on the members' site and at the network that plays their advertisers.

use std::sync::Arc;

use anyhow::Context as _;

use super::networks::account_of;
use super::seed::SHOPPING;
use crate::{features::path_secret, house::House};
use point_site::{
    cap::Caps,
    offer::{OfferTerms, Repeat, Reward, SaveOffer, SaveShop, Shop},
    sandbox::{Pays, Sandbox, SandboxConfig, SandboxShop},
};
use store::natural_id;
use vocabulary::{Amount, Clock, Id, Label, Token, kind};

/// A sample shop.
pub(crate) struct Sample {
    pub(super) slug: &'static str,
    name: &'static str,
    /// Other spellings, for the search.
    reading: &'static str,
    category: &'static str,
    /// What the member gets; the site gets twice that.
    terms: Terms,
}

#[derive(Clone, Copy)]
enum Terms {
    /// Hundredths of a per cent.
    Rate(u32),
    /// Points.
    Fixed(u32),
}

static SHOPS: [Sample; 6] = [
    Sample {
        slug: "kirameki",
        name: "きらめき百貨店",
        reading: "キラメキ kirameki デパート",
        category: "fashion",
        terms: Terms::Rate(300),
    },
    Sample {
        slug: "yomu",
        name: "よむ書店オンライン",
        reading: "ヨム yomu 本",
        category: "books",
        terms: Terms::Rate(150),
    },
    Sample {
        slug: "nagomi",
        name: "なごみ温泉予約",
        reading: "ナゴミ nagomi 旅行 ホテル",
        category: "travel",
        terms: Terms::Rate(200),
    },
    Sample {
        slug: "midori",
        name: "みどり食品",
        reading: "ミドリ midori 野菜",
        category: "food",
        terms: Terms::Rate(500),
    },
    Sample {
        slug: "hikari",
        name: "ひかり電器",
        reading: "ヒカリ hikari 家電",
        category: "electronics",
        terms: Terms::Rate(100),
    },
    Sample {
        slug: "sakura",
        name: "さくらカード",
        reading: "サクラ sakura クレジットカード",
        category: "finance",
        terms: Terms::Fixed(3_000),
    },
];

impl Sample {
    pub(crate) fn id(&self) -> Id<kind::Shop> {
        natural_id("site.shop", &[&SHOPPING.get().to_be_bytes(), self.slug.as_bytes()])
    }

    pub(crate) fn offer(&self) -> Id<kind::Offer> {
        natural_id("demo.offer", &[self.slug.as_bytes()])
    }

    fn reward(&self) -> Reward {
        match self.terms {
            Terms::Rate(member) => Reward::Rate { network: member.saturating_mul(2), member },
            Terms::Fixed(member) => {
                let network = Amount::from(member.saturating_mul(2));
                Reward::Fixed { network, member: Amount::from(member) }
            }
        }
    }

    fn at_network(&self) -> SandboxShop {
        SandboxShop {
            slug: self.slug.to_owned(),
            name: self.name.to_owned(),
            pays: match self.terms {
                Terms::Rate(member) => Pays::Rate(member.saturating_mul(2)),
                Terms::Fixed(member) => Pays::Fixed(member.saturating_mul(2)),
            },
        }
    }
}

/// Gives the shop that is bought from at some turn.
pub(super) fn shop_of_turn(turn: u16) -> &'static Sample {
    SHOPS.get(usize::from(turn) % SHOPS.len()).unwrap_or(&SHOPS[0])
}

/// Lists the offers, as the addresses of click-outs name them.
pub(crate) fn offers() -> Vec<Id<kind::Offer>> {
    SHOPS.iter().map(Sample::offer).collect()
}

/// Finds a shop by its slug.
pub(super) fn sample(slug: &str) -> anyhow::Result<&'static Sample> {
    SHOPS.iter().find(|sample| sample.slug == slug).context("there is such a shop")
}

/// Gives a shop that pays by the price.
pub(crate) fn rate_shop() -> &'static Sample {
    &SHOPS[0]
}

/// Opens the network that the demo's shops are advertisers of.
pub(super) fn open_network(house: &House) -> anyhow::Result<Sandbox> {
    let config = SandboxConfig {
        site: house.config.server_listen,
        secret: path_secret(house, &account_of("accesstrade")?),
        shops: SHOPS.iter().map(Sample::at_network).collect(),
    };
    Ok(Sandbox::new(config, Arc::<dyn Clock>::clone(&house.world.clock)))
}

/// Puts the shops and their offers on the members' site. An offer that leads to where an earlier
/// demo listened gets another version.
pub(super) fn plant_shops(house: &House) -> anyhow::Result<()> {
    let site = house.features()?.site.as_ref().context("the demo has a members' site")?;
    let port = house.config.server_listen.port();
    for sample in &SHOPS {
        let slug = sample.slug;
        let shop = Shop {
            company: SHOPPING,
            slug: Token::parse(slug)?,
            name: Label::parse(sample.name)?,
            reading: Label::parse(sample.reading)?,
            category: Token::parse(sample.category)?,
            listed: true,
        };
        site.save_shop(SaveShop { shop })?;
        let terms = OfferTerms {
            network: Token::parse("accesstrade")?,
            account: Token::parse("main")?,
            reward: sample.reward(),
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
            tracking_url: format!("http://localhost:{port}/sandbox/shop/{slug}?ref={{ref}}"),
        };
        let known = site.offer(sample.offer());
        let now = site.now();
        // Versions that were added since may stand before it.
        if known.is_some_and(|offer| offer.versions.iter().any(|known| known.terms == terms)) {
            continue;
        }
        let offer = SaveOffer {
            id: sample.offer(),
            company: SHOPPING,
            shop: sample.id(),
            terms,
            starts_at: now,
            ends_at: None,
        };
        site.save_offer(offer)?.map_err(|refusal| anyhow::anyhow!(refusal))?;
    }
    Ok(())
}
