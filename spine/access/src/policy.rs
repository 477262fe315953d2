//! Who may do what, as one table: the needs that the doors ask for, and the roles that meet them.

use core::fmt::{self, Write as _};

/// What a role is for; a person of the staff has one, a member is always [`Role::Member`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// A member: only what is their own.
    Member,
    /// A developer at a company: keys, webhooks, reading what their service posted.
    Developer,
    /// Answers members; proposes adjustments.
    Support,
    /// Leads support; approves the adjustments of others.
    Supervisor,
    /// Sales and marketing: offers, campaigns, results.
    Sales,
    /// Closes months, settles, exports; moves no member's value.
    Accounting,
    /// Runs the installation; sees no personal particulars.
    Sre,
    /// Manages companies, staff and keys; moves no value.
    Administrator,
    /// Reads everything, changes nothing.
    Auditor,
}

impl Role {
    /// All roles, in the order of the table.
    pub const ALL: [Self; 9] = [
        Self::Member,
        Self::Developer,
        Self::Support,
        Self::Supervisor,
        Self::Sales,
        Self::Accounting,
        Self::Sre,
        Self::Administrator,
        Self::Auditor,
    ];

    /// Gives the stable word, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Member => "member",
            Self::Developer => "developer",
            Self::Support => "support",
            Self::Supervisor => "supervisor",
            Self::Sales => "sales",
            Self::Accounting => "accounting",
            Self::Sre => "sre",
            Self::Administrator => "administrator",
            Self::Auditor => "auditor",
        }
    }

    /// Finds a role by its word.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.code() == code)
    }

    /// Tells whether a password alone is not enough: for everybody but members.
    pub const fn second_factor_required(self) -> bool {
        !matches!(self, Self::Member)
    }

    /// Gives all that this role may do.
    pub fn needs(self) -> NeedSet {
        Need::ALL.iter().copied().filter(|need| need.roles().contains(&self)).collect()
    }
}

/// Whether a company may give a need to one of its API keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Key {
    Grantable,
    Never,
}

macro_rules! needs {
    ($($(#[$doc:meta])* $name:ident $code:literal [$($role:ident)*] $key:ident;)*) => {
        /// What somebody must be allowed, to do what a door leads to.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Need {
            $($(#[$doc])* $name,)*
        }

        impl Need {
            /// All needs, in the order of the table.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Gives the stable word, as in route tables and API keys: `noun.verb`.
            pub const fn code(self) -> &'static str {
                match self {
                    $(Self::$name => $code,)*
                }
            }

            /// Gives the roles that meet it.
            pub const fn roles(self) -> &'static [Role] {
                match self {
                    $(Self::$name => &[$(Role::$role),*],)*
                }
            }

            const fn key(self) -> Key {
                match self {
                    $(Self::$name => Key::$key,)*
                }
            }
        }
    };
}

// The policy. Whoever moves value for others does not approve it, whoever runs the machine does not
// read members' particulars, whoever gives rights does not use them.
needs! {
    /// See a company's settings and units.
    CompanyRead "company.read"
        [Developer Supervisor Sales Accounting Sre Administrator Auditor] Grantable;
    /// Open and change companies.
    CompanyManage "company.manage" [Administrator] Grantable;
    /// Open and change units of value.
    UnitManage "unit.manage" [Administrator] Grantable;
    /// See staff and their roles.
    StaffRead "staff.read" [Administrator Auditor] Never;
    /// Invite staff, change roles, close logins.
    StaffManage "staff.manage" [Administrator] Never;
    /// See the list of API keys.
    KeyRead "key.read" [Developer Administrator Auditor] Never;
    /// Create, rotate and revoke API keys.
    KeyManage "key.manage" [Developer Administrator] Never;
    /// See webhook endpoints and deliveries.
    WebhookRead "webhook.read" [Developer Sre Administrator Auditor] Grantable;
    /// Change webhook endpoints, send deliveries again.
    WebhookManage "webhook.manage" [Developer Administrator] Grantable;
    /// Read the audit trail.
    AuditRead "audit.read" [Administrator Auditor] Never;

    /// See accounts, balances, lots and statements.
    AccountRead "account.read"
        [Developer Support Supervisor Accounting Auditor] Grantable;
    /// Open accounts.
    AccountOpen "account.open" [] Grantable;
    /// Freeze and thaw accounts.
    AccountFreeze "account.freeze" [Support Supervisor] Grantable;
    /// Post transfers, grants, redemptions and reversals.
    TransferWrite "transfer.write" [] Grantable;
    /// Place, capture and void holds.
    HoldWrite "hold.write" [] Grantable;
    /// Announce, fulfil and drop expectations.
    ExpectationWrite "expectation.write" [] Grantable;
    /// Read the journal, movement by movement.
    JournalRead "journal.read" [Developer Accounting Auditor] Grantable;
    /// Take the journal out as a file.
    JournalExport "journal.export" [Accounting Auditor] Grantable;

    /// See one's own points, cards and particulars, and act on them.
    MemberSelf "member.self" [Member] Never;
    /// Find members and see the whole story of a point.
    DeskSearch "desk.search" [Support Supervisor Auditor] Never;
    /// Change a member's particulars, suspend a member.
    MemberManage "member.manage" [Support Supervisor] Never;
    /// Propose an adjustment.
    AdjustmentPropose "adjustment.propose" [Support Supervisor] Never;
    /// Approve an adjustment that somebody else proposed.
    AdjustmentApprove "adjustment.approve" [Supervisor] Never;

    /// See shops, offers and campaigns, also those to come.
    OfferRead "offer.read"
        [Developer Support Supervisor Sales Accounting Auditor] Grantable;
    /// Change shops, offers and their rates.
    OfferManage "offer.manage" [Sales] Grantable;
    /// Change campaigns and their budgets.
    CampaignManage "campaign.manage" [Sales] Grantable;
    /// See clicks and conversions.
    ConversionRead "conversion.read"
        [Developer Support Supervisor Sales Accounting Auditor] Grantable;
    /// Report conversions and their decisions, one by one.
    ConversionWrite "conversion.write" [] Grantable;
    /// Import a network's file of decisions.
    ReportImport "report.import" [Sales Accounting] Grantable;
    /// Decide, or propose to decide, conversions that wait for a person.
    ConversionDecide "conversion.decide" [Support Supervisor Sales] Never;
    /// Approve what somebody else proposed about conversions and reports.
    ConversionApprove "conversion.approve" [Supervisor Accounting] Never;
    /// Answer members who miss points.
    ClaimDecide "claim.decide" [Support Supervisor] Never;

    /// See what members exchange points for, and what became of it.
    ExchangeRead "exchange.read" [Support Supervisor Accounting Auditor] Grantable;
    /// Put payouts together, take the bank's answers in, add gift codes and destinations.
    PayoutManage "payout.manage" [Accounting] Never;
    /// Approve payouts that somebody else put together.
    PayoutApprove "payout.approve" [Supervisor Accounting] Never;
    /// See held cases and the rules that hold them.
    FraudRead "fraud.read" [Support Supervisor Auditor] Never;
    /// Take, release and deny held cases; change the rules.
    FraudManage "fraud.manage" [Supervisor] Never;

    /// See cards and authorizations.
    CardRead "card.read" [Support Supervisor Auditor] Grantable;
    /// Freeze and replace members' cards.
    CardManage "card.manage" [Support Supervisor] Never;
    /// Ask for card decisions, as the processor does.
    CardDecide "card.decide" [] Grantable;
    /// Turn points, gift codes and cash into balance.
    TopUpWrite "top_up.write" [] Grantable;

    /// See what companies owe one another, and the figures of a month.
    SettlementRead "settlement.read" [Accounting Administrator Auditor] Grantable;
    /// Close a month, settle between companies.
    SettlementClose "settlement.close" [Accounting] Never;

    /// See how the installation does: jobs, queues, alerts.
    OpsRead "ops.read" [Sre Administrator Auditor] Never;
    /// Start and stop jobs, drain, switch.
    OpsManage "ops.manage" [Sre] Never;
}

const _: () = assert!(Need::ALL.len() <= 64, "a set of needs is one word of 64 bits");

impl Need {
    /// Finds a need by its word.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|need| need.code() == code)
    }

    /// Tells whether an API key can have it; what asks for a person cannot be given to one.
    pub const fn grantable(self) -> bool {
        matches!(self.key(), Key::Grantable)
    }

    #[expect(clippy::as_conversions, reason = "the place of a case of an enum, below 64")]
    const fn bit(self) -> u64 {
        1 << (self as u8)
    }
}

impl fmt::Display for Need {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A set of needs in one machine word.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct NeedSet(u64);

impl NeedSet {
    /// Nothing.
    pub const NONE: Self = Self(0);
    /// Everything, for the system itself.
    pub(crate) const ALL: Self = Self(u64::MAX);

    /// Tells whether `need` is in it.
    pub const fn contains(self, need: Need) -> bool {
        self.0 & need.bit() != 0
    }

    /// Tells whether nothing is in it.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Lists what is in it, in the order of the table.
    pub fn iter(self) -> impl Iterator<Item = Need> {
        Need::ALL.iter().copied().filter(move |need| self.contains(*need))
    }

    /// Reads words with blanks between them; `None` when one is not known.
    pub fn parse(codes: &str) -> Option<Self> {
        codes.split_ascii_whitespace().map(Need::parse).collect()
    }
}

impl FromIterator<Need> for NeedSet {
    fn from_iter<I: IntoIterator<Item = Need>>(needs: I) -> Self {
        Self(needs.into_iter().fold(0, |bits, need| bits | need.bit()))
    }
}

impl fmt::Display for NeedSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let codes: Vec<&str> = self.iter().map(Need::code).collect();
        f.write_str(&codes.join(" "))
    }
}

impl fmt::Debug for NeedSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{{{self}}}")
    }
}

/// Writes the policy as a table of ticks and crosses: a line for each need, a column for each role
/// and one for API keys.
pub fn table() -> String {
    let mut lines = vec!["need                ".to_owned()];
    let mut widths = Vec::new();
    for role in Role::ALL.map(Role::code).into_iter().chain(["(API key)"]) {
        if let Some(heading) = lines.first_mut() {
            heading.push_str("  ");
            heading.push_str(role);
        }
        widths.push(role.len());
    }
    for need in Need::ALL {
        let mut line = format!("{:<20}", need.code());
        let roles = Role::ALL.into_iter().map(|role| need.roles().contains(&role));
        for (allowed, width) in roles.chain([need.grantable()]).zip(&widths) {
            let mark = if allowed { '✓' } else { '×' };
            let _infallible = write!(line, "  {mark:<width$}");
        }
        lines.push(line.trim_end().to_owned());
    }
    lines.push(String::new());
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use expect_test::expect_file;

    use super::*;

    #[test]
    fn the_policy_is_the_one_that_was_reviewed() {
        expect_file!["../../../docs/generated/policy.txt"].assert_eq(&table());
    }

    #[test]
    fn words_come_back() {
        for need in Need::ALL {
            assert_eq!(Need::parse(need.code()), Some(*need));
            assert_eq!(need.code().matches('.').count(), 1, "{need} is a noun and a verb");
        }
        for role in Role::ALL {
            assert_eq!(Role::parse(role.code()), Some(role));
        }
        assert_eq!(Need::parse("value.invent"), None);
        assert_eq!(Role::parse("root"), None);
    }

    #[test]
    fn a_set_holds_what_was_put_into_it() {
        let set: NeedSet = [Need::HoldWrite, Need::CompanyRead].into_iter().collect();
        assert_eq!(set.to_string(), "company.read hold.write");
        assert_eq!(NeedSet::parse(&set.to_string()), Some(set));
        assert_eq!(NeedSet::parse(""), Some(NeedSet::NONE));
        assert_eq!(NeedSet::parse("hold.write value.invent"), None);
        for need in Need::ALL {
            let expected = matches!(need, Need::HoldWrite | Need::CompanyRead);
            assert_eq!(set.contains(*need), expected, "{need}");
        }
    }

    #[test]
    fn duties_are_separated() {
        // Each line: nobody has both, except the role named.
        let table = [
            (Need::StaffManage, Need::AdjustmentPropose, None),
            (Need::StaffManage, Need::AdjustmentApprove, None),
            (Need::OpsManage, Need::DeskSearch, None),
            (Need::SettlementClose, Need::AdjustmentApprove, None),
            // A person cannot approve their own; the command compares the two.
            (Need::AdjustmentPropose, Need::AdjustmentApprove, Some(Role::Supervisor)),
        ];
        for (one, other, except) in table {
            for role in Role::ALL.into_iter().filter(|role| Some(*role) != except) {
                let both = role.needs().contains(one) && role.needs().contains(other);
                assert!(!both, "{} has {one} and {other}", role.code());
            }
        }
        for need in Need::ALL {
            let (_noun, verb) = need.code().split_once('.').unwrap();
            let changes = !matches!(verb, "read" | "export" | "search");
            let auditor = need.roles().contains(&Role::Auditor);
            assert!(!(changes && auditor), "an auditor changes nothing, not {need}");
        }
    }

    #[test]
    fn a_member_has_only_what_is_their_own() {
        assert_eq!(Role::Member.needs().to_string(), "member.self");
    }
}
