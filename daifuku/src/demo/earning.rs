//! Claims and campaigns of the sample site, in every state that there is something to do about.

use anyhow::{Context as _, anyhow};

use super::seed::{PEOPLE, SHOPPING};
use super::shops::shop_of_turn;
use crate::house::House;
use access::{Actor, Authenticated, Need, Subject};
use point_site::{
    Site,
    campaign::{CampaignChange, CampaignReward, ChangeCampaign, Rules, SaveCampaign},
    claim::{ChangeClaim, ClaimChange, FileClaim, Guarantee, SaveGuarantee},
    click::{Click, RecordClick},
    follow_up::follow_conversions,
};
use store::natural_id;
use vocabulary::{
    Amount, Id, IdSource as _, Label, Reference, SeededIds, Timestamp, Token, Zone, kind,
};

/// Plants claims and campaigns; what is there already stays.
pub(super) fn plant_earning(house: &House) -> anyhow::Result<()> {
    let site = house.features()?.site.as_ref().context("the demo has a members' site")?;
    plant_guarantees(site)?;
    plant_campaigns(site)?;
    plant_claims(house, site)?;
    while follow_conversions(site)? > 0 {}
    Ok(())
}

fn plant_guarantees(site: &Site) -> anyhow::Result<()> {
    for offer in super::offers() {
        let guarantee = Guarantee {
            offer,
            starts_at: Timestamp::from_microseconds(0),
            offered: true,
            file_after_days: 8,
            file_within_days: 90,
            late_within_days: 60,
            return_days: 14,
            answer_days: 14,
        };
        match site.store().run(SaveGuarantee { company: SHOPPING, guarantee })? {
            Ok(()) => {}
            Err(never) => match never {},
        }
    }
    Ok(())
}

/// A second one beside the installation itself, for what needs two.
pub(super) fn checker(site: &Site) -> anyhow::Result<Authenticated> {
    let actor = Actor {
        number: site.config().actor,
        company: SHOPPING,
        subject: Subject::job(SHOPPING, &Token::parse("point-site")?),
        label: Label::parse("point site")?,
    };
    let needs = [Need::ClaimDecide, Need::ConversionApprove, Need::CampaignManage];
    Authenticated::job(&actor, needs.into_iter().collect()).context("a job may act")
}

fn plant_campaigns(site: &Site) -> anyhow::Result<()> {
    let today = Zone::JAPAN.day_of(site.now());
    let rules = |reward, budget: u32| Rules {
        starts_at: Zone::JAPAN.start_of(today.plus_days(-14)),
        ends_at: Zone::JAPAN.start_of(today.plus_days(30)),
        entry: false,
        first_purchase: false,
        sale_min: Amount::ZERO,
        shops: core::iter::empty().collect(),
        categories: core::iter::empty().collect(),
        reward,
        member_max: None,
        winners_max: None,
        delay_days: 10,
        budget: Amount::from(budget),
    };
    let books = core::iter::once(Token::parse("books")?).collect();
    let samples = [
        (
            "読書の秋 ポイント2倍",
            "期間中に本・音楽・映像のショップでお買い物をすると、通常ポイントと同じ数のポイントを上乗せします。",
            Rules { categories: books, ..rules(CampaignReward::OfPoints(10_000), 50_000) },
            true,
        ),
        (
            "エントリーで1件100pt",
            "エントリーしてからお買い物をすると、1件につき100ptを上乗せします。先着500件です。",
            Rules {
                entry: true,
                sale_min: Amount::from(2_000),
                member_max: Some(Amount::from(1_000)),
                winners_max: Some(500),
                ..rules(CampaignReward::Fixed(Amount::from(100)), 50_000)
            },
            true,
        ),
        (
            "冬の感謝祭",
            "すべてのショップが対象です。購入金額の1%を上乗せします。",
            rules(CampaignReward::OfSale(100), 300_000),
            false,
        ),
    ];
    let checker = checker(site)?;
    for (name, about, rules, approved) in samples {
        let id: Id<kind::Campaign> = natural_id("demo.campaign", &[name.as_bytes()]);
        let command = SaveCampaign {
            company: SHOPPING,
            by: Authenticated::SYSTEM,
            id,
            name: Label::parse(name)?,
            about: about.to_owned(),
            rules,
        };
        // One that an earlier demo planted is no draft any more.
        if site.store().run(command)?.is_err() {
            continue;
        }
        let steps = [(Authenticated::SYSTEM, CampaignChange::Propose)];
        let approval = approved.then_some((checker, CampaignChange::Approve));
        for (by, change) in steps.into_iter().chain(approval) {
            let command = ChangeCampaign { config: site.shared_config(), campaign: id, by, change };
            site.store().run(command)?.map_err(|refusal| anyhow!("{refusal:?}"))?;
        }
    }
    Ok(())
}

/// Purchases that were never recorded, and how far their claims are.
fn plant_claims(house: &House, site: &Site) -> anyhow::Result<()> {
    let propose = || ClaimChange::Propose(Amount::from(180), "ショップに購入を確認済み".to_owned());
    let ask =
        || ClaimChange::Ask("ショップからの注文確認メールの送信元を教えてください。".to_owned());
    let stories: [Option<Vec<ClaimChange>>; 6] = [
        None,
        Some(Vec::new()),
        Some(vec![ClaimChange::Take, ask()]),
        Some(vec![ClaimChange::Take, ClaimChange::Send]),
        Some(vec![ClaimChange::Send, propose()]),
        Some(vec![ClaimChange::Send, propose(), ClaimChange::Approve]),
    ];
    let member = PEOPLE.first().and_then(super::seed::Person::member);
    let member = member.context("the demo has a member")?;
    let checker = checker(site)?;
    for (turn, story) in (0_u16..).zip(stories) {
        let shop = shop_of_turn(turn);
        let clicked_at =
            site.now().plus_days(-12).plus_seconds(i64::from(turn).saturating_mul(900));
        let click = Click {
            id: SeededIds::new(9_000_u64.saturating_add(u64::from(turn))).next_id(clicked_at),
            company: SHOPPING,
            member,
            shop: shop.id(),
            offer: shop.offer(),
            offer_version: 1,
            clicked_at,
            mark: None,
        };
        match house.store.run(RecordClick(click))? {
            Ok(()) => {}
            Err(never) => match never {},
        }
        let Some(changes) = story else { continue };
        let command = FileClaim {
            company: SHOPPING,
            by: Authenticated::SYSTEM,
            member,
            click: click.id,
            conversion: None,
            order: Reference::parse(&format!("SN-{}", 48_210_u32.saturating_add(u32::from(turn))))?,
            purchased_on: Zone::JAPAN.day_of(clicked_at),
            sale: Amount::from(6_000),
            details: "注文確認メールは届いていますが、通帳に記載がありません。".to_owned(),
        };
        let claim = site.store().run(command)?.map_err(|refusal| anyhow!("{refusal:?}"))?;
        for change in changes {
            let by = match change {
                ClaimChange::Approve => checker,
                ClaimChange::Answer(_)
                | ClaimChange::Withdraw
                | ClaimChange::Take
                | ClaimChange::Ask(_)
                | ClaimChange::Send
                | ClaimChange::Propose(..)
                | ClaimChange::SendBack(_)
                | ClaimChange::Refuse(_) => Authenticated::SYSTEM,
            };
            let config = site.shared_config();
            let command = ChangeClaim { config, claim, by, change };
            site.store().run(command)?.map_err(|refusal| anyhow!("{refusal:?}"))?;
        }
    }
    Ok(())
}
