//! Ranks that members earn in the sample past, and other ranks that wait for their approval.

use anyhow::{Context as _, anyhow};

use super::{earning::checker, seed::SHOPPING};
use crate::house::House;
use access::Authenticated;
use point_site::{
    Site,
    follow_up::follow_conversions,
    rank::{
        DecideRankSet, Marks, Month, ProposeRankSet, Rank, RankTerms, SetDecision, write_ranks,
    },
};
use vocabulary::{Amount, Label};

/// A rank: its two names, the purchases and points it takes, and its bonus in per cent.
type Sample = (&'static str, &'static str, u32, u32, u32);

const RANKS: [Sample; 3] = [
    ("レギュラー", "Regular", 0, 0, 0),
    ("シルバー", "Silver", 3, 200, 5),
    ("ゴールド", "Gold", 15, 1_000, 10),
];
const PLANNED: [Sample; 4] = [
    ("レギュラー", "Regular", 0, 0, 0),
    ("シルバー", "Silver", 3, 200, 5),
    ("ゴールド", "Gold", 10, 800, 10),
    ("プラチナ", "Platinum", 20, 3_000, 20),
];

/// Approves ranks when the past begins: they are in force from its second month on.
pub(super) fn plant_ranks(site: &Site) -> anyhow::Result<()> {
    let version = propose(site, 1, &RANKS)?;
    let (company, by, decision) = (SHOPPING, checker(site)?, SetDecision::Approve);
    let decided = site.store().run(DecideRankSet { company, by, version, decision })?;
    decided.map_err(|refusal| anyhow!("{refusal:?}"))
}

/// Counts what was approved, and writes the ranks of a month that has begun.
pub(super) fn keep_ranks(site: &Site) -> anyhow::Result<()> {
    while follow_conversions(site)? > 0 {}
    while write_ranks(site)? {}
    Ok(())
}

/// Proposes other ranks.
pub(super) fn plant_rank_proposal(house: &House) -> anyhow::Result<()> {
    let site = house.features()?.site.as_ref().context("the demo has a members' site")?;
    keep_ranks(site)?;
    propose(site, 2, &PLANNED).map(drop)
}

fn propose(site: &Site, ahead: i32, ranks: &[Sample]) -> anyhow::Result<u32> {
    let ranks = ranks.iter().map(|(name, name_english, purchases, points, bonus)| {
        Ok(Rank {
            name: Label::parse(name)?,
            name_english: Label::parse(name_english)?,
            purchases: *purchases,
            points: Amount::from(*points),
            marks: Marks::All,
            bonus: bonus * 100,
            month_max: (*bonus > 0).then(|| Amount::from(3_000_u32)),
        })
    });
    let terms = RankTerms { months: 6, ranks: ranks.collect::<anyhow::Result<_>>()? };
    let (company, by, starts) =
        (SHOPPING, Authenticated::SYSTEM, Month::of(site.now()).plus(ahead));
    let proposed = site.store().run(ProposeRankSet { company, by, starts, terms })?;
    proposed.map_err(|refusal| anyhow!("{refusal:?}"))
}
