//! What the sample shops offer beside their usual terms: a raise for some days, items that pay
//! by themselves, a card that pays once up to a limit, a rate that is to come; and what a member
//! keeps.

use anyhow::Context as _;

use super::{
    seed::{PEOPLE, SHOPPING},
    shops::sample,
};
use crate::house::House;
use point_site::{
    Site,
    favourite::{SetFavourite, Wish},
    offer::{OfferTerms, Repeat, Reward, SaveOffer, Tier},
    popularity::count_clicks,
};
use vocabulary::{Label, Reference, Timestamp};

/// Puts further versions on the members' site; once, however often it is called.
pub(super) fn plant_offers(house: &House) -> anyhow::Result<()> {
    let site = house.features()?.site.as_ref().context("the demo has a members' site")?;
    let now = site.now();
    let rate = |network, member| Reward::Rate { network, member };
    let until = |days| Some(now.plus_days(days));
    add(site, "midori", (now, until(5)), |terms| {
        terms.reward = rate(1_600, 800);
        terms.guaranteed = true;
    })?;
    add(site, "kirameki", (now, None), |terms| {
        terms.guaranteed = true;
        terms.rejections = String::from("キャンセル、返品、交換\n商品券とギフトカードのご購入");
    })?;
    let tiers = [
        tier("tv", "テレビ・大型家電", rate(200, 50))?,
        tier("small", "生活家電", rate(600, 300))?,
        tier("care", "延長保証", rate(1_000, 500))?,
    ];
    add(site, "hikari", (now, None), |terms| terms.tiers = tiers.into())?;
    add(site, "sakura", (now, None), |terms| {
        terms.repeat = Repeat::Once;
        terms.caps.conversions_max = Some(500);
        terms.decide_by_days = 90;
        terms.conditions = String::from("はじめてのお申し込み\n申し込みから60日以内のカード発行");
        terms.rejections =
            String::from("これまでに発行したことがある方\n不備、虚偽、重複のお申し込み");
    })?;
    add(site, "nagomi", (now.plus_days(3), until(6)), |terms| terms.reward = rate(1_000, 500))?;
    let hana = PEOPLE.iter().find_map(super::seed::Person::member);
    for slug in ["midori", "kirameki", "nagomi"] {
        let (Some(member), shop) = (hana, sample(slug)?.id()) else { continue };
        let keep = SetFavourite { member, company: SHOPPING, shop, wish: Wish::Keep };
        house.store.run(keep)?.map_err(|refusal| anyhow::anyhow!(refusal))?;
    }
    count_clicks(site)?;
    site.refresh()?;
    Ok(())
}

fn tier(item: &str, name: &str, reward: Reward) -> anyhow::Result<Tier> {
    Ok(Tier { item: Reference::parse(item)?, name: Label::parse(name)?, reward })
}

/// Adds a version to an offer that has only its first.
fn add(
    site: &Site,
    slug: &str,
    (starts_at, ends_at): (Timestamp, Option<Timestamp>),
    change: impl FnOnce(&mut OfferTerms),
) -> anyhow::Result<()> {
    let sample = sample(slug)?;
    let offer = site.offer(sample.offer()).context("the shop has an offer")?;
    let [first] = offer.versions.as_slice() else { return Ok(()) };
    let mut terms = first.terms.clone();
    change(&mut terms);
    let (id, company, shop) = (offer.id, SHOPPING, sample.id());
    let save = SaveOffer { id, company, shop, terms, starts_at, ends_at };
    site.save_offer(save)?.map_err(|refusal| anyhow::anyhow!(refusal))?;
    Ok(())
}
