use std::collections::BTreeSet;

use ledger::ActorNumber;
use vocabulary::{Amount, CompanyNumber, Email, Id, Label, Timestamp, Token, kind};

/// The longest time that terms may give a friend, and after which points may be taken back.
const DAYS_MAX: u16 = 730;
/// An invited member who joins so soon after the link was made looks like its maker.
const SOON_SECONDS: i64 = 5 * 60;
/// So many who joined by one link in an hour are looked at; a post in a blog brings fewer.
const CROWD: u32 = 10;

/// What a referral gives and asks for. The terms in force when the friend joined stay those of the
/// referral.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReferralTerms {
    /// Points for who invites.
    pub inviter: Amount,
    /// Points for who joins.
    pub invited: Amount,
    /// What the friend must have been granted for purchases; at least one purchase counts.
    pub mark: Amount,
    /// Within how many days of joining.
    pub within_days: u16,
    /// For how many friends one member is rewarded in a calendar month; friends beyond that get
    /// their own points all the same.
    pub month_max: u32,
    /// For how many days after the grant both lose the points when the friend falls below the mark.
    pub recall_days: u16,
}

impl ReferralTerms {
    /// Checks that they can be promised.
    ///
    /// # Errors
    ///
    /// [`ReferralRefusal::TermsUnfit`] when they give nothing or leave no time.
    pub fn check(&self) -> Result<(), ReferralRefusal> {
        let gives = !self.inviter.is_zero() || !self.invited.is_zero();
        let days = (1..=DAYS_MAX).contains(&self.within_days) && self.recall_days <= DAYS_MAX;
        if gives && days { Ok(()) } else { Err(ReferralRefusal::TermsUnfit) }
    }
}

/// Terms with the moment from which they hold; who wrote them and who approved them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PlannedTerms {
    /// The company whose site it is.
    pub company: CompanyNumber,
    /// From when they hold, until others do.
    pub starts_at: Timestamp,
    /// The terms.
    pub terms: ReferralTerms,
    /// Who wrote them.
    pub made_by: ActorNumber,
    /// Who approved them; they hold only then.
    pub approved_by: Option<ActorNumber>,
}

/// A member's own link, made once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReferralLink {
    /// The company whose site it is.
    pub company: CompanyNumber,
    /// Whose.
    pub member: Id<kind::Member>,
    /// What it carries; tells nothing about the member.
    pub code: Token,
    /// When it was made.
    pub made_at: Timestamp,
}

/// Letters and digits that are not taken for one another.
const ALPHABET: &[u8; 32] = b"abcdefghjkmnpqrstuvwxyz023456789";
const CODE_LENGTH: u32 = 12;

/// Gives a code of twelve letters, sixty bits, out of the random end of an id.
pub(crate) fn code_of(random: Id<kind::Member>) -> Option<Token> {
    let letter = |place: u32| {
        let index = random.bits().checked_shr(place.saturating_mul(5)).unwrap_or(0) & 31;
        usize::try_from(index).ok().and_then(|index| ALPHABET.get(index)).copied().map(char::from)
    };
    // A letter comes first, as in every token.
    let code: Option<String> = (0..CODE_LENGTH).map(letter).collect();
    Token::parse(&format!("f{}", code?)).ok()
}

macro_rules! words {
    (
        $(#[$outer:meta])* $type:ident, $what:literal;
        $($(#[$doc:meta])* $name:ident = $code:literal;)*
    ) => {
        $(#[$outer])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $type {
            $($(#[$doc])* $name,)*
        }

        impl $type {
            #[doc = concat!("Every ", $what, ".")]
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Gives the stable code, as stored and as key of the texts.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            /// Finds it by its code.
            pub fn parse(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|one| one.code() == code)
            }
        }
    };
}

words! {
    /// Why something about a referral is refused, in the order of the checks.
    ReferralRefusal, "refusal";
    /// The code belongs to nobody, or there is no such referral or no such terms.
    NotFound = "not_found";
    /// The terms give nothing or leave no time.
    TermsUnfit = "terms_unfit";
    /// Terms that hold already, or that somebody approved, stay as they are.
    TermsInForce = "terms_in_force";
    /// It is not at a point where this can be done.
    StateUnfit = "state_unfit";
    /// Who proposed it cannot confirm it.
    SamePerson = "same_person";
    /// The code is somebody else's; draw another one.
    CodeTaken = "code_taken";
}

words! {
    /// A rule that a referral met; its code is what staff see.
    ReferralRule, "rule";
    /// The link is the new member's own.
    OwnLink = "own_link";
    /// The new member was there before the link, or is among those who led to who invites now.
    Circle = "circle";
    /// Both exchange to the same bank account.
    SameAccount = "same_account";
    /// Who invites, or somebody who was invited before, has the same mail address but for tags and
    /// dots.
    SameMail = "same_mail";
    /// Both were seen on one device.
    SameDevice = "same_device";
    /// Joined within minutes after the link was made.
    Soon = "soon";
    /// Many joined by the link within an hour.
    Crowd = "crowd";
}

/// What is known about a referral; what is not known is `false`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent observations, not a state")]
pub struct JoinSignals {
    /// The link belongs to who joined.
    pub own_link: bool,
    /// Who joined is among those who invited who invites.
    pub circle: bool,
    /// Both exchange to the same bank account.
    pub same_account: bool,
    /// The mail address of who invites, or of somebody invited before, but for tags and dots.
    pub same_mail: bool,
    /// The same device.
    pub same_device: bool,
    /// Seconds from the making of the link to the joining.
    pub seconds_after_link: i64,
    /// How many joined by the link in the hour before, with this one.
    pub joined_in_hour: u32,
}

/// What the rules say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing speaks against it.
    Allow,
    /// A person looks before points are granted.
    Hold,
    /// It is refused.
    Deny,
}

impl Verdict {
    /// Gives the stable word, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Hold => "hold",
            Self::Deny => "deny",
        }
    }

    /// Finds it by its word.
    pub fn parse(code: &str) -> Option<Self> {
        [Self::Allow, Self::Hold, Self::Deny].into_iter().find(|one| one.code() == code)
    }

    /// Gives what a set of rules leads to: the strictest of them.
    pub fn of(rules: &BTreeSet<ReferralRule>) -> Self {
        let strict = |rule: &ReferralRule| match rule {
            ReferralRule::OwnLink | ReferralRule::Circle => true,
            ReferralRule::SameAccount
            | ReferralRule::SameMail
            | ReferralRule::SameDevice
            | ReferralRule::Soon
            | ReferralRule::Crowd => false,
        };
        if rules.iter().any(strict) {
            Self::Deny
        } else if rules.is_empty() {
            Self::Allow
        } else {
            Self::Hold
        }
    }
}

/// Judges what is known: only what cannot be honest is refused, a family that shares a device or an
/// account is looked at by a person.
pub fn judge(signals: JoinSignals) -> BTreeSet<ReferralRule> {
    let soon = (0..SOON_SECONDS).contains(&signals.seconds_after_link);
    [
        (signals.own_link, ReferralRule::OwnLink),
        (signals.circle || signals.seconds_after_link < 0, ReferralRule::Circle),
        (signals.same_account, ReferralRule::SameAccount),
        (signals.same_mail, ReferralRule::SameMail),
        (signals.same_device, ReferralRule::SameDevice),
        (soon, ReferralRule::Soon),
        (signals.joined_in_hour >= CROWD, ReferralRule::Crowd),
    ]
    .into_iter()
    .filter_map(|(met, rule)| met.then_some(rule))
    .collect()
}

/// Where a referral stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReferralState {
    /// The friend has joined and not earned enough yet.
    Waiting,
    /// The friend has earned enough, and a person looks first.
    Held,
    /// The points were granted.
    Granted {
        /// When.
        at: Timestamp,
    },
    /// Refused by a rule or by two persons.
    Refused,
    /// The time was over.
    Expired,
}

impl ReferralState {
    /// Gives the stable word, as stored and as key of the texts.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Held => "held",
            Self::Granted { .. } => "granted",
            Self::Refused => "refused",
            Self::Expired => "expired",
        }
    }
}

/// What a person wants with a held referral.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proposal {
    /// Grant it.
    Release,
    /// Refuse it.
    Deny,
}

impl Proposal {
    /// Gives the stable word, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Release => "release",
            Self::Deny => "deny",
        }
    }

    /// Finds it by its word.
    pub fn parse(code: &str) -> Option<Self> {
        [Self::Release, Self::Deny].into_iter().find(|one| one.code() == code)
    }
}

/// Somebody joined by a member's link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referral {
    /// The company whose site it is.
    pub company: CompanyNumber,
    /// Who joined; once, so that this names the referral.
    pub invited: Id<kind::Member>,
    /// Whose link it was.
    pub inviter: Id<kind::Member>,
    /// When the friend joined.
    pub joined_at: Timestamp,
    /// Until when the mark counts.
    pub ends_at: Timestamp,
    /// The terms of that moment.
    pub terms: ReferralTerms,
    /// The rules that were met.
    pub rules: BTreeSet<ReferralRule>,
    /// What follows from them, or what two persons decided instead.
    pub verdict: Verdict,
    /// Where it stands.
    pub state: ReferralState,
    /// What the friend was granted for purchases that count.
    pub earned: Amount,
    /// The calendar month (202611) in which the inviter was rewarded; `None` when not, or when the
    /// month was full.
    pub rewarded_month: Option<u32>,
    /// What somebody wants to become of it; gone when it is not held any more.
    pub proposed: Option<Proposed>,
    /// Who confirmed the last decision, which a repeat is known by.
    pub decided_by: Option<ActorNumber>,
    /// What names the friend's mail address but for tags and dots; see [`mail_name`].
    pub mail: Option<[u8; 32]>,
}

/// What somebody wants to become of a held referral, until another person confirms it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposed {
    /// What.
    pub proposal: Proposal,
    /// Who.
    pub by: ActorNumber,
    /// Why.
    pub reason: Label,
}

/// What a mail address has in common with those of the same box: what follows a `+` does not count,
/// nor do dots at Gmail (which ignores them: <https://support.google.com/mail/answer/7436150>).
pub fn mail_name(mail: &Email) -> String {
    // An address has one `@`.
    let (name, host) = mail.as_str().split_once('@').unwrap_or((mail.as_str(), ""));
    let name = name.split_once('+').map_or(name, |(before, _)| before);
    match host {
        "gmail.com" | "googlemail.com" => format!("{}@gmail.com", name.replace('.', "")),
        host => format!("{name}@{host}"),
    }
}

impl Referral {
    /// Gives where it stands now that the friend has earned so much by purchases in number.
    ///
    /// Refused and expired are ends. What was granted is taken back while the terms allow that, and
    /// the referral waits again: the friend may still reach the mark in time.
    pub fn after(&self, purchases: u32, now: Timestamp) -> ReferralState {
        let reached = purchases > 0 && self.earned >= self.terms.mark;
        let recall_until = |at: Timestamp| at.plus_days(i64::from(self.terms.recall_days));
        match self.state {
            ReferralState::Refused | ReferralState::Expired => self.state,
            ReferralState::Granted { at } if reached || now >= recall_until(at) => self.state,
            ReferralState::Granted { .. } => ReferralState::Waiting,
            ReferralState::Waiting | ReferralState::Held if !reached => ReferralState::Waiting,
            ReferralState::Waiting | ReferralState::Held => match self.verdict {
                Verdict::Allow => ReferralState::Granted { at: now },
                Verdict::Hold => ReferralState::Held,
                Verdict::Deny => ReferralState::Refused,
            },
        }
    }
}
