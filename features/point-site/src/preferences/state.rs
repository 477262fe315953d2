use vocabulary::{CompanyNumber, Id, Token, kind};
use web::Language;

/// What a member chose. Who chose nothing has [`Preferences::of_nobody`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Preferences {
    /// The member.
    pub member: Id<kind::Member>,
    /// The company of whose site it is a member.
    pub company: CompanyNumber,
    /// The language of letters.
    pub language: Language,
    /// Whether the member wants letters that can be done without.
    pub notices: bool,
    /// The code that the member came with when signing up.
    pub invited_by: Option<Token>,
}

impl Preferences {
    /// Gives what holds for a member who chose nothing: Japanese, and notices.
    pub const fn of_nobody(member: Id<kind::Member>, company: CompanyNumber) -> Self {
        Self { member, company, language: Language::Japanese, notices: true, invited_by: None }
    }
}
