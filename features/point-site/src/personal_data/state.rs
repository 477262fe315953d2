use vocabulary::Timestamp;

/// One kind of thing that is kept about members.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chapter {
    /// Where the member went out to shops, and what networks reported of that.
    Clicks,
    /// What the member said was missing.
    Claims,
    /// What points were turned into.
    Exchanges,
    /// Accounts to pay to, as they are shown.
    Payees,
    /// The telephone number, as it is shown.
    Phone,
    /// Shops that the member keeps.
    Favourites,
    /// Campaigns that the member takes part in.
    Campaigns,
    /// The member's ranks by month, and what they were decided by.
    Ranks,
    /// How the member was invited: when, and how that stands; not by whom.
    Invitation,
    /// Friends who joined by the member's link: when, and how that stands; not who they are.
    Friends,
}

impl Chapter {
    /// Every chapter, in the order of the file.
    pub const ALL: [Self; 10] = [
        Self::Clicks,
        Self::Claims,
        Self::Exchanges,
        Self::Payees,
        Self::Phone,
        Self::Favourites,
        Self::Campaigns,
        Self::Ranks,
        Self::Invitation,
        Self::Friends,
    ];

    /// Gives its name in the file.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Clicks => "clicks",
            Self::Claims => "claims",
            Self::Exchanges => "exchanges",
            Self::Payees => "payout_accounts",
            Self::Phone => "telephone_number",
            Self::Favourites => "favourite_shops",
            Self::Campaigns => "campaigns",
            Self::Ranks => "ranks",
            Self::Invitation => "invitation",
            Self::Friends => "invited_friends",
        }
    }
}

/// Where a part ended: what was last read of the chapter's order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    pub(crate) at: Timestamp,
    pub(crate) id: [u8; 16],
}

/// Some entries of a chapter.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Each as a JSON object, the newest first.
    pub entries: Vec<String>,
    /// Where the next part begins; `None` after the last.
    pub next: Option<Place>,
}
