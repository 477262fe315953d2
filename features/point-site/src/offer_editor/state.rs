use serde::Deserialize;

use crate::cap::Caps;
use crate::figure::{decimal, per_cent};
use crate::offer::{OfferRefusal, OfferTerms, OfferVersion, Repeat, Reward, TermsError, Tier};
use crate::shop_editor::{Errors, kept, moment, parse_moment, yes};
use vocabulary::{Amount, Label, Reference, Scale, Timestamp, Token};

/// The form of a version, as it was sent.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(crate) struct OfferForm {
    pub(crate) network: String,
    pub(crate) kind: String,
    pub(crate) reward: String,
    pub(crate) member: String,
    pub(crate) tiers: String,
    pub(crate) repeat: String,
    pub(crate) guaranteed: String,
    pub(crate) conversions_max: String,
    pub(crate) commission_max: String,
    pub(crate) record_by_days: String,
    pub(crate) decide_by_days: String,
    pub(crate) cookie_days: String,
    pub(crate) conditions: String,
    pub(crate) rejections: String,
    pub(crate) tracking_url: String,
    pub(crate) starts_at: String,
    pub(crate) ends_at: String,
}

/// What a form says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Draft {
    pub(crate) terms: OfferTerms,
    pub(crate) starts_at: Timestamp,
    pub(crate) ends_at: Option<Timestamp>,
}

/// The units that a form's figures are in.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Units {
    /// Of points.
    pub(crate) points: Scale,
    /// Of what networks pay.
    pub(crate) commission: Scale,
}

impl OfferForm {
    /// An empty form for the first version, from a moment on.
    pub(crate) fn first(network: String, now: Timestamp) -> Self {
        Self {
            network,
            kind: "rate".to_owned(),
            repeat: Repeat::default().code().to_owned(),
            guaranteed: "no".to_owned(),
            record_by_days: "7".to_owned(),
            decide_by_days: "60".to_owned(),
            cookie_days: "30".to_owned(),
            starts_at: moment(now),
            ..Self::default()
        }
    }

    /// A form that is filled in with what a version says, to begin at a moment.
    pub(crate) fn of(version: &OfferVersion, units: Units, now: Timestamp) -> Self {
        let terms = &version.terms;
        let (kind, reward, member) = reward_fields(terms.reward, units.points);
        let tiers = terms.tiers.iter().map(|tier| tier_line(tier, units.points));
        let sum = |amount: Amount| plain(amount.minor_units(), units.commission);
        Self {
            network: format!("{}/{}", terms.network.as_str(), terms.account.as_str()),
            kind: kind.to_owned(),
            reward,
            member,
            tiers: tiers.collect::<Vec<_>>().join("\n"),
            repeat: terms.repeat.code().to_owned(),
            guaranteed: if terms.guaranteed { "yes" } else { "no" }.to_owned(),
            conversions_max: terms.caps.conversions_max.map_or_else(String::new, |n| n.to_string()),
            commission_max: terms.caps.commission_max.map_or_else(String::new, sum),
            record_by_days: terms.record_by_days.to_string(),
            decide_by_days: terms.decide_by_days.to_string(),
            cookie_days: terms.cookie_days.to_string(),
            conditions: terms.conditions.clone(),
            rejections: terms.rejections.clone(),
            tracking_url: terms.tracking_url.clone(),
            starts_at: moment(now),
            ends_at: String::new(),
        }
    }

    /// Reads the form, or says what is wrong with which field.
    pub(crate) fn parse(&self, units: Units) -> Result<Draft, Errors> {
        let mut errors = Errors::new();
        let account = self.network.split_once('/');
        let account = account.and_then(|(network, account)| {
            Some((Token::parse(network).ok()?, Token::parse(account).ok()?))
        });
        let account = kept(&mut errors, "network", "choice", account);
        let reward = self.parse_reward(units, &mut errors);
        let tiers = kept(&mut errors, "tiers", "tiers", parse_tiers(&self.tiers, units.points));
        let repeat = kept(&mut errors, "repeat", "choice", Repeat::parse(&self.repeat));
        let guaranteed = kept(&mut errors, "guaranteed", "choice", yes(&self.guaranteed));
        let caps = self.parse_caps(units, &mut errors);
        let mut days = |field, text: &str| {
            kept(&mut errors, field, "days", text.trim().parse().ok().filter(|days| *days <= 3_650))
        };
        let record_by_days = days("record_by_days", &self.record_by_days);
        let decide_by_days = days("decide_by_days", &self.decide_by_days);
        let cookie_days = days("cookie_days", &self.cookie_days);
        let starts_at = kept(&mut errors, "starts_at", "moment", parse_moment(&self.starts_at));
        let ends_at = match self.ends_at.trim() {
            "" => Some(None),
            text => kept(&mut errors, "ends_at", "moment", parse_moment(text)).map(Some),
        };
        let draft = || {
            let (network, account) = account?;
            let terms = OfferTerms {
                network,
                account,
                reward: reward?,
                tiers: tiers?.into(),
                repeat: repeat?,
                guaranteed: guaranteed?,
                caps: caps?,
                record_by_days: record_by_days?,
                decide_by_days: decide_by_days?,
                cookie_days: cookie_days?,
                conditions: self.conditions.trim().replace("\r\n", "\n"),
                rejections: self.rejections.trim().replace("\r\n", "\n"),
                tracking_url: self.tracking_url.trim().to_owned(),
            };
            Some(Draft { terms, starts_at: starts_at?, ends_at: ends_at? })
        };
        draft().ok_or(errors)
    }

    fn parse_reward(&self, units: Units, errors: &mut Errors) -> Option<Reward> {
        let kind = kept(errors, "kind", "choice", Kind::parse(&self.kind))?;
        let code = kind.error();
        let network = kept(errors, "reward", code, kind.figure(&self.reward, units.points));
        let member = kept(errors, "member", code, kind.figure(&self.member, units.points));
        kind.reward(network?, member?)
    }

    fn parse_caps(&self, units: Units, errors: &mut Errors) -> Option<Caps> {
        let count = match self.conversions_max.trim() {
            "" => Some(None),
            text => {
                let count = decimal(text, 0).and_then(|count| u32::try_from(count).ok());
                kept(errors, "conversions_max", "count", count).map(Some)
            }
        };
        let sum = match self.commission_max.trim() {
            "" => Some(None),
            text => {
                let sum = decimal(text, units.commission.places());
                let sum = sum.and_then(|sum| Amount::try_new(sum).ok());
                kept(errors, "commission_max", "amount", sum).map(Some)
            }
        };
        Some(Caps { conversions_max: count?, commission_max: sum? })
    }
}

/// How a reward is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Fixed,
    Rate,
}

impl Kind {
    fn parse(code: &str) -> Option<Self> {
        match code {
            "fixed" => Some(Self::Fixed),
            "rate" => Some(Self::Rate),
            _ => None,
        }
    }

    const fn error(self) -> &'static str {
        match self {
            Self::Fixed => "amount",
            Self::Rate => "rate",
        }
    }

    fn figure(self, text: &str, points: Scale) -> Option<i64> {
        match self {
            Self::Fixed => decimal(text, points.places()),
            // A rate has two decimals: hundredths of a per cent, at most 100 %.
            Self::Rate => decimal(text, 2).filter(|rate| *rate <= 10_000),
        }
    }

    fn reward(self, network: i64, member: i64) -> Option<Reward> {
        Some(match self {
            Self::Fixed => Reward::Fixed {
                network: Amount::try_new(network).ok()?,
                member: Amount::try_new(member).ok()?,
            },
            Self::Rate => Reward::Rate {
                network: u32::try_from(network).ok()?,
                member: u32::try_from(member).ok()?,
            },
        })
    }
}

/// Writes a figure as a field has it.
fn plain(minor_units: i64, scale: Scale) -> String {
    scale.format(minor_units).replace(',', "")
}

fn reward_fields(reward: Reward, points: Scale) -> (&'static str, String, String) {
    match reward {
        Reward::Fixed { network, member } => {
            let figure = |amount: Amount| plain(amount.minor_units(), points);
            ("fixed", figure(network), figure(member))
        }
        Reward::Rate { network, member } => ("rate", per_cent(network), per_cent(member)),
    }
}

fn tier_line(tier: &Tier, points: Scale) -> String {
    let (kind, network, member) = reward_fields(tier.reward, points);
    let mark = if kind == "rate" { "%" } else { "" };
    let (item, name) = (tier.item.as_str(), tier.name.as_str());
    format!("{item} | {name} | {network}{mark} | {member}{mark}")
}

/// Reads items, one a line: code, name, what the network pays, the member's part; each with `%` or
/// without.
fn parse_tiers(text: &str, points: Scale) -> Option<Vec<Tier>> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.map(|line| parse_tier(line, points)).collect()
}

fn parse_tier(line: &str, points: Scale) -> Option<Tier> {
    let cells: Vec<&str> = line.split(['|', '｜', '\t']).map(str::trim).collect();
    let [item, name, network, member] = cells.as_slice() else { return None };
    let rate = |text: &str| text.strip_suffix(['%', '％']).map(str::to_owned);
    let (kind, network, member) = match (rate(network), rate(member)) {
        (Some(network), Some(member)) => (Kind::Rate, network, member),
        (None, None) => (Kind::Fixed, (*network).to_owned(), (*member).to_owned()),
        (Some(_), None) | (None, Some(_)) => return None,
    };
    let (network, member) = (kind.figure(&network, points)?, kind.figure(&member, points)?);
    Some(Tier {
        item: Reference::parse(item).ok()?,
        name: Label::parse(name).ok()?,
        reward: kind.reward(network, member)?,
    })
}

/// Gives the field that a refusal is about; nothing where it is about the shop.
pub(crate) const fn field_of(refusal: OfferRefusal) -> Option<&'static str> {
    match refusal {
        OfferRefusal::Terms(TermsError::PartExceedsReward) => Some("member"),
        OfferRefusal::Terms(
            TermsError::TierExceedsReward | TermsError::TierTwice | TermsError::TiersTooMany,
        ) => Some("tiers"),
        OfferRefusal::Terms(TermsError::CapEmpty) => Some("conversions_max"),
        OfferRefusal::Terms(TermsError::DecidedBeforeRecorded) => Some("decide_by_days"),
        OfferRefusal::Terms(TermsError::TrackingUrl) => Some("tracking_url"),
        OfferRefusal::Terms(TermsError::TooLong) => Some("conditions"),
        OfferRefusal::PeriodEmpty => Some("ends_at"),
        OfferRefusal::ShopNotFound | OfferRefusal::ShopDiffers => None,
    }
}
