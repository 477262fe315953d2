//! Friends who were invited, in each state, one of whom a rule holds; and terms that wait for their
//! approval.

use anyhow::{Context as _, anyhow};

use super::{
    earning::checker,
    seed::{PEOPLE, Person, SHOPPING},
};
use crate::house::House;
use access::Authenticated;
use point_site::{
    Site,
    follow_up::follow_conversions,
    referral::{
        ApproveReferralTerms, DecideReferral, DecisionStep, JoinMails, JoinReferral,
        MakeReferralLink, Proposal, ProposeReferralTerms, ReferralTerms,
    },
};
use store::natural_id;
use vocabulary::{Amount, Email, Id, Label, Timestamp, Token, Zone, kind};

/// What Hana's link carries: always the same, so that it can be tried out.
const HANAS: &str = "fhanahana2345";
const YUKIS: &str = "fyukiyuki2345";

const TERMS: ReferralTerms = ReferralTerms {
    inviter: Amount::magnitude(500),
    invited: Amount::magnitude(300),
    mark: Amount::magnitude(30),
    within_days: 60,
    month_max: 5,
    recall_days: 60,
};

/// Friends: who invited them, with which address they joined, and whether they bought something.
const FRIENDS: [(&str, &str, bool); 5] = [
    (HANAS, "kenji@example.jp", true),
    (HANAS, "mika@example.jp", false),
    (HANAS, "hana+tomo@example.jp", true),
    (HANAS, "aoi@example.jp", false),
    (YUKIS, "rin@example.jp", true),
];

fn friend(mail: &str) -> Id<kind::Member> {
    natural_id("demo.friend", &[mail.as_bytes()])
}

/// Approves terms and opens a link, when the past begins.
pub(super) fn plant_links(house: &House) -> anyhow::Result<()> {
    let site = house.features()?.site.as_ref().context("the demo has a members' site")?;
    let starts_at = site.now().plus_seconds(60);
    propose(site, starts_at, TERMS)?;
    let approve = ApproveReferralTerms { company: SHOPPING, by: checker(site)?, starts_at };
    site.store().run(approve)?.map_err(refused)?;
    make_link(site, 0, HANAS)
}

fn make_link(site: &Site, place: usize, code: &str) -> anyhow::Result<()> {
    let member = PEOPLE.iter().filter_map(Person::member).nth(place);
    let member = member.context("the demo has members")?;
    let command = MakeReferralLink { company: SHOPPING, member, code: Token::parse(code)? };
    site.store().run(command)?.map_err(refused).map(drop)
}

/// Lets friends join, some weeks before the past ends.
pub(super) fn plant_friends(house: &House) -> anyhow::Result<()> {
    let site = house.features()?.site.as_ref().context("the demo has a members' site")?;
    (0..4).try_for_each(|place| join(site, place, site.now().plus_seconds(7_000 * place)))?;
    make_link(site, 2, YUKIS)?;
    // Whoever joins within minutes after a link was made is looked at.
    join(site, 4, site.now())
}

/// Gives who of the friends buys something, with a turn of the shops.
pub(super) fn buyers() -> impl Iterator<Item = (u16, Id<kind::Member>)> {
    let turns = (0_u16..).zip(FRIENDS).filter(|(_, (.., buys))| *buys);
    // Twice, because shops reject one order in six.
    turns.flat_map(|(turn, (_, mail, _))| {
        [turn, turn.saturating_add(9)].map(|one| (one, friend(mail)))
    })
}

/// Lets follow what friends reached, proposes what is to become of one that is held, and plans
/// other terms.
pub(super) fn plant_referrals(house: &House) -> anyhow::Result<()> {
    let site = house.features()?.site.as_ref().context("the demo has a members' site")?;
    while follow_conversions(site)? > 0 {}
    let reason = Label::parse("本人に電話で確認した。家族のアドレスとのこと。")?;
    let command = DecideReferral {
        config: site.shared_config(),
        by: Authenticated::SYSTEM,
        invited: friend("hana+tomo@example.jp"),
        proposal: Proposal::Release,
        step: DecisionStep::Propose { reason },
    };
    site.store().run(command)?.map_err(refused)?;
    let next_month = Zone::JAPAN.day_of(site.now()).month_end().plus_days(1);
    let more = ReferralTerms { inviter: Amount::from(800_u32), ..TERMS };
    propose(site, Zone::JAPAN.start_of(next_month), more)
}

fn refused(refusal: point_site::referral::ReferralRefusal) -> anyhow::Error {
    anyhow!("{refusal:?}")
}

fn propose(site: &Site, starts_at: Timestamp, terms: ReferralTerms) -> anyhow::Result<()> {
    let by = Authenticated::SYSTEM;
    let command = ProposeReferralTerms { company: SHOPPING, by, starts_at, terms };
    site.store().run(command)?.map_err(refused)
}

fn join(site: &Site, place: i64, joined_at: Timestamp) -> anyhow::Result<()> {
    let known = usize::try_from(place).ok().and_then(|place| FRIENDS.get(place));
    let (code, mail, _) = known.context("a friend of the list")?;
    let vault = &site.config().exchange.vault;
    let name =
        |mail: &str| Ok::<_, anyhow::Error>(JoinReferral::name_mail(vault, &Email::parse(mail)?));
    let command = JoinReferral {
        company: SHOPPING,
        member: friend(mail),
        code: Token::parse(code)?,
        joined_at,
        mails: JoinMails {
            invited: Some(name(mail)?),
            inviter: Some(name(if *code == HANAS {
                "hana@example.jp"
            } else {
                "yuki@example.jp"
            })?),
        },
        same_device: false,
    };
    site.store().run(command)?.map_err(refused).map(drop)
}
