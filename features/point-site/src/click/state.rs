use std::collections::BTreeMap;

use vocabulary::{CompanyNumber, Id, Timestamp, kind};

/// A member followed an offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Click {
    /// Which; its text without the prefix is the reference that the network gives back.
    pub id: Id<kind::Click>,
    /// The company whose site it was on.
    pub company: CompanyNumber,
    /// Who followed.
    pub member: Id<kind::Member>,
    /// Where to.
    pub shop: Id<kind::Shop>,
    /// By which offer.
    pub offer: Id<kind::Offer>,
    /// The version in force then, which decides what it is worth.
    pub offer_version: u32,
    /// When.
    pub clicked_at: Timestamp,
    /// Why it is not counted among those of people; it is honoured all the same.
    pub mark: Option<ClickMark>,
}

/// Why a click is not counted where people are counted: in popularity, and in how a shop does. A
/// mark takes nothing from anybody: what is bought after a marked click is paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClickMark {
    /// A program that says what it is, or says nothing.
    Bot,
    /// More clicks of one member within a minute than a person makes.
    Burst,
    /// The same member followed the same offer less than a minute ago.
    Repeat,
}

impl ClickMark {
    /// Every mark.
    pub const ALL: [Self; 3] = [Self::Bot, Self::Burst, Self::Repeat];

    /// Gives the stable word, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Bot => "bot",
            Self::Burst => "burst",
            Self::Repeat => "repeat",
        }
    }

    /// Finds a mark by its word.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mark| mark.code() == code)
    }
}

/// What programs call themselves by in `User-Agent`, in small letters.
const BOT_WORDS: [&str; 12] = [
    "bot", "crawl", "spider", "slurp", "curl/", "wget/", "python", "java/", "go-http", "headless",
    "preview", "monitor",
];

/// Tells whether a `User-Agent` is that of a program which says so. Browsers all call themselves
/// `Mozilla/5.0`.
pub(crate) fn is_bot(user_agent: Option<&str>) -> bool {
    let Some(text) = user_agent.filter(|text| !text.trim().is_empty()) else { return true };
    let text = text.to_ascii_lowercase();
    BOT_WORDS.iter().any(|word| text.contains(word))
}

/// How long a click makes another one a repeat.
const REPEAT_SECONDS: i64 = 60;
/// The most clicks that a person makes in that time.
const BURST: u32 = 30;
/// The most members and pairs remembered, at about 100 bytes each.
const REMEMBERED_MAX: usize = 200_000;

/// The clicks of the last minute, in the memory of this node: what another node saw is not in it,
/// and nothing is after a restart, so that a mark may be missing.
#[derive(Debug, Default)]
pub(crate) struct RecentClicks {
    /// When a member last followed an offer.
    pairs: BTreeMap<(Id<kind::Member>, Id<kind::Offer>), Timestamp>,
    /// How often a member clicked since.
    members: BTreeMap<Id<kind::Member>, (Timestamp, u32)>,
    swept_at: Timestamp,
}

impl RecentClicks {
    /// Takes a click in, and marks it by those before it.
    pub(crate) fn mark(
        &mut self,
        member: Id<kind::Member>,
        offer: Id<kind::Offer>,
        now: Timestamp,
    ) -> Option<ClickMark> {
        let recent = |at: &Timestamp| now.microseconds_since(*at) < REPEAT_SECONDS * 1_000_000;
        if !recent(&self.swept_at) || self.pairs.len() >= REMEMBERED_MAX {
            self.pairs.retain(|_, at| recent(at));
            self.members.retain(|_, (since, _)| recent(since));
            self.swept_at = now;
            if self.pairs.len() >= REMEMBERED_MAX {
                self.pairs.clear();
            }
        }
        let before = self.pairs.insert((member, offer), now);
        let (since, count) = self.members.entry(member).or_insert((now, 0));
        if !recent(since) {
            (*since, *count) = (now, 0);
        }
        *count = count.saturating_add(1);
        if *count > BURST {
            return Some(ClickMark::Burst);
        }
        before.filter(recent).map(|_| ClickMark::Repeat)
    }
}

/// Gives what the network is told of a click: 26 characters that say nothing about the member.
pub(crate) fn reference(click: Id<kind::Click>) -> String {
    let text = click.to_string();
    text.split_once('_').map_or_else(String::new, |(_, rest)| rest.to_owned())
}

/// Reads a reference that a network gave back; `None` when it is none of ours.
pub(crate) fn parse_reference(text: &str) -> Option<Id<kind::Click>> {
    Id::parse(&format!("clk_{}", text.trim())).ok()
}

impl Click {
    /// Writes the click as one line of the spool.
    pub(crate) fn to_line(self) -> String {
        format!(
            "{} {} {} {} {} {} {} {}",
            self.id,
            self.company,
            self.member,
            self.shop,
            self.offer,
            self.offer_version,
            self.clicked_at.as_microseconds(),
            self.mark.map_or("-", ClickMark::code)
        )
    }

    /// Reads a line of the spool; `None` when it was cut off.
    pub(crate) fn from_line(line: &str) -> Option<Self> {
        let mut parts = line.split(' ');
        let mut next = || parts.next();
        let click = Self {
            id: Id::parse(next()?).ok()?,
            company: CompanyNumber::new(next()?.parse().ok()?),
            member: Id::parse(next()?).ok()?,
            shop: Id::parse(next()?).ok()?,
            offer: Id::parse(next()?).ok()?,
            offer_version: next()?.parse().ok()?,
            clicked_at: Timestamp::from_microseconds(next()?.parse().ok()?),
            mark: match next()? {
                "-" => None,
                code => Some(ClickMark::parse(code)?),
            },
        };
        next().is_none().then_some(click)
    }
}
