//! The JSON forms that several nouns share: ids that callers choose, lots, receipts.

use core::{fmt, marker::PhantomData};

use serde::{Deserialize, Deserializer, Serialize, de};

use ledger::{Lot, LotError, LotKind, Refused};
use store::{Receipt, natural_id};
use vocabulary::{Amount, CompanyNumber, Day, Id, IdError, Kind, Timestamp, kind};
use web::{Problem, StatusCode, ToSchema, problems, utoipa};

/// The most characters of an id that is a text of the caller's own.
const TEXT_MAX: usize = 255;

/// An id that the caller chose: one of ours, a UUID, or any text of 1 to 255 visible ASCII
/// characters, from which the id follows.
pub struct Chosen<K> {
    id: Id<K>,
    from_text: bool,
}

impl<K> Clone for Chosen<K> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<K> Copy for Chosen<K> {}

impl<K: Kind> fmt::Debug for Chosen<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.id, f)
    }
}

impl<K: Kind> Chosen<K> {
    /// Reads an id or makes it of a text; `None` when the text is empty, too long or not visible
    /// ASCII.
    pub fn parse(text: &str) -> Option<Self> {
        match Id::parse(text) {
            Ok(id) => Some(Self { id, from_text: false }),
            Err(IdError::Reserved) => None,
            Err(IdError::Prefix { .. } | IdError::Shape) => {
                let visible = |byte: u8| byte.is_ascii_graphic() || byte == b' ';
                let fits = (1..=TEXT_MAX).contains(&text.len()) && text.bytes().all(visible);
                let id = || natural_id("api.key", &[K::PREFIX.as_bytes(), text.as_bytes()]);
                fits.then(|| Self { id: id(), from_text: true })
            }
        }
    }

    /// Takes an id as it is.
    pub const fn from_id(id: Id<K>) -> Self {
        Self { id, from_text: false }
    }

    /// Gives the id among the company's own: two companies' texts never meet.
    pub fn of(self, company: CompanyNumber) -> Id<K> {
        if !self.from_text {
            return self.id;
        }
        let company = company.get().to_be_bytes();
        natural_id("api.key.company", &[&company, &self.id.to_bytes()])
    }

    /// Takes the field `id`, or else the header `Idempotency-Key`.
    ///
    /// # Errors
    ///
    /// `invalid_field` when neither is there, or the header is reserved.
    pub fn choose(field: Option<Self>, header: Option<&str>) -> Result<Self, Problem> {
        match (field, header) {
            (Some(chosen), _) => Ok(chosen),
            (None, Some(text)) => Self::parse(text).ok_or_else(|| {
                Problem::new(&problems::INVALID_FIELD)
                    .field("header:idempotency-key", "this id is reserved")
            }),
            (None, None) => Err(Problem::new(&problems::INVALID_FIELD)
                .field("/id", "is missing; send it, or the header Idempotency-Key")),
        }
    }
}

impl<'de, K: Kind> Deserialize<'de> for Chosen<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text<K>(PhantomData<fn() -> K>);
        impl<K: Kind> de::Visitor<'_> for Text<K> {
            type Value = Chosen<K>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an id ({}_…), a UUID, or 1 to 255 visible ASCII characters", K::PREFIX)
            }
            fn visit_str<E: de::Error>(self, text: &str) -> Result<Chosen<K>, E> {
                Chosen::parse(text)
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Other("other text"), &self))
            }
        }
        deserializer.deserialize_str(Text(PhantomData))
    }
}

/// A place in the journal or a count of rows in a query: 0 to 2⁶³ − 1, as JSON Schema's `int64` has
/// it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Whole(pub u64);

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let number = u64::deserialize(deserializer)?;
        if i64::try_from(number).is_err() {
            return Err(de::Error::custom(format!("is more than {}", i64::MAX)));
        }
        Ok(Self(number))
    }
}

/// Whether value was given or bought.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LotWord {
    /// Given free of charge.
    Free,
    /// Issued for consideration.
    Paid,
}

impl From<LotWord> for LotKind {
    fn from(word: LotWord) -> Self {
        match word {
            LotWord::Free => Self::Free,
            LotWord::Paid => Self::Paid,
        }
    }
}

impl From<LotKind> for LotWord {
    fn from(kind: LotKind) -> Self {
        match kind {
            LotKind::Free => Self::Free,
            LotKind::Paid => Self::Paid,
        }
    }
}

/// The terms of new value, for an account with lots.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LotForm {
    /// Free or paid; the two never mix.
    pub kind: LotWord,
    /// The last day it can be used on, 2020-01-02 to 2109-09-18; absent when it never expires.
    #[schema(value_type = Option<String>, format = Date)]
    pub expires_on: Option<Day>,
    /// The number of the company that pays for it: your own, which is also the default.
    pub bearer: Option<u16>,
}

/// Terms that make no lot, or not one of this company.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LotFault {
    /// Another company would pay.
    BearerForeign,
    /// A term is out of range.
    Terms(LotError),
}

impl LotForm {
    /// Makes the lot.
    ///
    /// # Errors
    ///
    /// [`LotFault`] when the bearer is another company or a term is out of range.
    pub fn lot(self, company: CompanyNumber) -> Result<Lot, LotFault> {
        if self.bearer.is_some_and(|bearer| bearer != company.get()) {
            return Err(LotFault::BearerForeign);
        }
        Lot::try_new(company, self.kind.into(), self.expires_on).map_err(LotFault::Terms)
    }
}

/// A lot as it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct LotView {
    /// The number of the company that pays for it.
    #[schema(value_type = u16)]
    pub bearer: CompanyNumber,
    /// Free or paid.
    pub kind: LotWord,
    /// The last day it can be used on; `null` when it never expires.
    #[schema(value_type = Option<String>, format = Date)]
    pub expires_on: Option<Day>,
}

impl LotView {
    /// Shows a lot; `None` for no lot.
    pub fn of(lot: Lot) -> Option<Self> {
        lot.is_some().then(|| Self {
            bearer: lot.bearer(),
            kind: lot.kind().into(),
            expires_on: lot.expires_on(),
        })
    }
}

/// Where a batch stands in the journal.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct ReceiptView {
    /// The id of the batch.
    #[schema(value_type = String)]
    pub id: Id<kind::Batch>,
    /// Whether this is the first answer again: the batch was posted before.
    pub repeated: bool,
    /// The place of its first movement in the journal.
    pub first_seq: u64,
    /// How many movements it has; they are neighbours.
    pub movements: u32,
    /// How much was moved, reserved or announced in all, in minor units.
    #[schema(value_type = i64)]
    pub moved: Amount,
    /// When it was posted.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
}

impl ReceiptView {
    /// Shows a receipt.
    pub const fn of(id: Id<kind::Batch>, receipt: &Receipt) -> Self {
        Self {
            id,
            repeated: receipt.repeated,
            first_seq: receipt.posted.first.get(),
            movements: receipt.posted.count,
            moved: receipt.moved,
            at: receipt.posted.at,
        }
    }

    /// 201 for what is new, 200 for the first answer again.
    pub const fn status(&self) -> StatusCode {
        if self.repeated { StatusCode::OK } else { StatusCode::CREATED }
    }
}

/// Whether a command did something, or met what it had done before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeated {
    /// It was done before.
    Yes,
    /// It was done now.
    No,
}

impl Repeated {
    /// 201 for what is new, 200 for the first answer again.
    pub(crate) const fn status(self) -> StatusCode {
        match self {
            Self::Yes => StatusCode::OK,
            Self::No => StatusCode::CREATED,
        }
    }
}

/// What became of one of many.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum ResultView {
    /// It is in the journal.
    Posted(ReceiptView),
    /// Nothing of it was done.
    Refused(RefusedView),
}

/// Why one of many was refused.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct RefusedView {
    /// The id that was asked for; it is not used up.
    #[schema(value_type = String)]
    pub id: Id<kind::Batch>,
    /// The code of the problem; its page is `/problems/{code}`.
    pub code: &'static str,
    /// The step that could not be done, from 0.
    pub step: usize,
    /// The figure that was decisive, in minor units, where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<i64>)]
    pub figure: Option<Amount>,
}

impl ResultView {
    /// Shows what became of a batch.
    pub fn of(id: Id<kind::Batch>, result: Result<Receipt, Refused>) -> Self {
        match result {
            Ok(receipt) => Self::Posted(ReceiptView::of(id, &receipt)),
            Err(refused) => Self::Refused(RefusedView {
                id,
                code: refused.refusal.code(),
                step: refused.step,
                figure: refused.refusal.figure(),
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_ours_a_uuid_or_a_text() {
        let ours = CompanyNumber::new(1);
        let theirs = CompanyNumber::new(2);
        let uuid = "0192f3a0-7c1e-7b3a-9d55-0a1b2c3d4e5f";
        let id = Chosen::<kind::Hold>::parse(uuid).unwrap();
        assert_eq!(id.of(ours), Id::parse(uuid).unwrap());
        assert_eq!(id.of(ours), id.of(theirs));
        let text = Chosen::<kind::Hold>::parse("order 4711").unwrap();
        assert_eq!(text.of(ours), Chosen::parse("order 4711").unwrap().of(ours));
        assert_ne!(text.of(ours), text.of(theirs));
        let long = "x".repeat(256);
        for bad in ["", "注文", "a\nb", "00000000000000000000000000000000", &long] {
            assert!(Chosen::<kind::Batch>::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn only_the_own_company_bears() {
        let ours = CompanyNumber::new(3);
        let form = |bearer| LotForm { kind: LotWord::Free, expires_on: None, bearer };
        assert_eq!(form(None).lot(ours), form(Some(3)).lot(ours));
        assert_eq!(form(Some(4)).lot(ours), Err(LotFault::BearerForeign));
    }
}
