use crate::passbook::Line;
use store::Fault;
use vocabulary::Timestamp;
use web::Language;

/// Knows what lines of a passbook are about: at which shop, why not approved.
///
/// The wallet reads the ledger only; who knows shops implements this, and `daifuku` joins the two.
/// Without it a line is named after its kind, and every figure is there all the same.
pub trait Explains: Send + Sync {
    /// Explains lines, one answer for each in their order; `None` for what is not one's own. Called
    /// once a page, on a thread that may wait: answer with a fixed number of queries.
    ///
    /// # Errors
    ///
    /// A [`Fault`]; the page is shown without explanations then.
    fn explain(&self, lines: &[Line], language: Language) -> Result<Vec<Option<Explained>>, Fault>;
}

/// What a line is about, in the reader's language.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Explained {
    /// Where or what: a shop's name.
    pub title: String,
    /// How the figure came about (`6,400 円の 5%`); may be empty.
    pub note: String,
    /// When the member followed the offer.
    pub clicked_at: Option<Timestamp>,
    /// Why it was not approved, in words for the member.
    pub reason: Option<String>,
    /// The shop's page.
    pub href: Option<String>,
}

/// Explains nothing.
impl Explains for () {
    fn explain(&self, _: &[Line], _: Language) -> Result<Vec<Option<Explained>>, Fault> {
        Ok(Vec::new())
    }
}
