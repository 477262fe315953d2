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
            "{} {} {} {} {} {} {}",
            self.id,
            self.company,
            self.member,
            self.shop,
            self.offer,
            self.offer_version,
            self.clicked_at.as_microseconds()
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
        };
        next().is_none().then_some(click)
    }
}
