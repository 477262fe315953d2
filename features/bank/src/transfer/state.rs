use core::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, value::MapAccessDeserializer},
};

use crate::{
    batch::{AskedTransfer, KindWord, StepFault},
    form::{Chosen, LotForm},
};
use access::Authenticated;
use ledger::{Batch, Book, Refused};
use store::{Outcome, Receipt};
use vocabulary::{Amount, Id, kind};
use web::{Problem, ToSchema, problems, utoipa};

/// The most transfers of one request.
pub(crate) const TRANSFERS_MAX: usize = 10_000;

/// A transfer with the id of its batch.
#[derive(Clone, Copy, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TransferForm {
    /// The id you choose; for one transfer the header `Idempotency-Key` will do.
    #[schema(value_type = Option<String>)]
    pub(crate) id: Option<Chosen<kind::Batch>>,
    /// The account debited.
    #[schema(value_type = String)]
    debit: Id<kind::Account>,
    /// The account credited.
    #[schema(value_type = String)]
    credit: Id<kind::Account>,
    /// How much, in minor units.
    #[schema(value_type = i64, minimum = 1)]
    amount: Amount,
    /// Whether less will do: as much as the balance lets through.
    #[serde(default)]
    partial: bool,
    /// Why; `transfer` unless told otherwise.
    #[serde(default)]
    kind: KindWord,
    /// What for, in your own numbering.
    #[serde(default)]
    code: u16,
    /// The terms of new value, when it enters an account with lots from one without.
    lot: Option<LotForm>,
}

impl TransferForm {
    pub(crate) const fn asked(&self) -> AskedTransfer {
        AskedTransfer {
            debit: self.debit,
            credit: self.credit,
            amount: self.amount,
            partial: self.partial,
            kind: self.kind,
            code: self.code,
            lot: self.lot,
        }
    }
}

/// One transfer, or an object whose only member is the list `transfers`.
#[derive(Clone, Debug)]
pub(crate) enum OneOrMany {
    One(TransferForm),
    Many(Vec<TransferForm>),
}

impl<'de> Deserialize<'de> for OneOrMany {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(OneOrManyVisitor)
    }
}

struct OneOrManyVisitor;

impl<'de> de::Visitor<'de> for OneOrManyVisitor {
    type Value = OneOrMany;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a transfer, or an object with the list `transfers`")
    }

    /// Which of the two it is, the first member says: a transfer has none of that name.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<OneOrMany, A::Error> {
        let first: Option<String> = map.next_key()?;
        if first.as_deref() != Some("transfers") {
            let replay = MapAccessDeserializer::new(Replay { first, rest: map });
            return TransferForm::deserialize(replay).map(OneOrMany::One);
        }
        let transfers = map.next_value()?;
        match map.next_key::<String>()? {
            None => Ok(OneOrMany::Many(transfers)),
            Some(other) => Err(de::Error::unknown_field(&other, &["transfers"])),
        }
    }
}

/// A map whose first key was read already.
struct Replay<A> {
    first: Option<String>,
    rest: A,
}

impl<'de, A: MapAccess<'de>> MapAccess<'de> for Replay<A> {
    type Error = A::Error;

    fn next_key_seed<K: de::DeserializeSeed<'de>>(
        &mut self,
        seed: K,
    ) -> Result<Option<K::Value>, A::Error> {
        match self.first.take() {
            Some(first) => seed.deserialize(de::value::StringDeserializer::new(first)).map(Some),
            None => self.rest.next_key_seed(seed),
        }
    }

    fn next_value_seed<V: de::DeserializeSeed<'de>>(
        &mut self,
        seed: V,
    ) -> Result<V::Value, A::Error> {
        self.rest.next_value_seed(seed)
    }
}

/// Transfers made ready for the writer: what can be posted, and what became of the others.
#[derive(Debug, Default)]
pub(crate) struct Prepared {
    pub(crate) batches: Vec<Batch>,
    pub(crate) slots: Slots,
}

/// The places of transfers, in the order they were asked for.
#[derive(Debug, Default)]
pub(crate) struct Slots(Vec<Slot>);

#[derive(Clone, Copy, Debug)]
enum Slot {
    Asked(Id<kind::Batch>),
    Refused(Id<kind::Batch>, Refused),
}

impl Prepared {
    /// Looks everything up in the book, whose lock the caller holds.
    ///
    /// # Errors
    ///
    /// The place of the first whose lot makes none, and why; transfers of unknown accounts are
    /// refused alone.
    pub(crate) fn of(
        asked: &[(Chosen<kind::Batch>, AskedTransfer)],
        book: &Book,
        who: &Authenticated,
    ) -> Result<Self, (usize, StepFault)> {
        let mut batches = Vec::with_capacity(asked.len());
        let mut slots = Vec::with_capacity(asked.len());
        for (place, (chosen, asked)) in asked.iter().enumerate() {
            let id = chosen.of(who.company());
            match asked.resolve(book, who) {
                Ok(step) => {
                    batches.push(Batch::single(id, who.actor(), step));
                    slots.push(Slot::Asked(id));
                }
                Err(StepFault::Refused(refusal)) => {
                    slots.push(Slot::Refused(id, Refused { step: 0, refusal }));
                }
                Err(fault @ (StepFault::Lot(_) | StepFault::IdMissing)) => {
                    return Err((place, fault));
                }
            }
        }
        Ok(Self { batches, slots: Slots(slots) })
    }
}

impl Slots {
    /// Puts the writer's outcomes in their places.
    pub(crate) fn answers(
        self,
        outcomes: Vec<Outcome>,
    ) -> impl Iterator<Item = (Id<kind::Batch>, Result<Receipt, Refused>)> {
        let mut outcomes = outcomes.into_iter();
        self.0.into_iter().filter_map(move |slot| match slot {
            Slot::Refused(id, refused) => Some((id, Err(refused))),
            Slot::Asked(id) => Some(match outcomes.next()? {
                Outcome::Posted(receipt) => (id, Ok(receipt)),
                Outcome::Refused(refused) => (id, Err(refused)),
            }),
        })
    }
}

/// Names every transfer of a list that has no id.
pub(crate) fn with_ids(
    forms: &[TransferForm],
) -> Result<Vec<(Chosen<kind::Batch>, AskedTransfer)>, Problem> {
    const NAMED_MAX: usize = 20;
    let missing: Vec<usize> = forms
        .iter()
        .enumerate()
        .filter(|(_, form)| form.id.is_none())
        .map(|(place, _)| place)
        .take(NAMED_MAX)
        .collect();
    if !missing.is_empty() {
        let problem = Problem::new(&problems::INVALID_FIELD);
        return Err(missing.into_iter().fold(problem, |problem, place| {
            problem.field(format!("/transfers/{place}/id"), "is missing")
        }));
    }
    Ok(forms.iter().filter_map(|form| Some((form.id?, form.asked()))).collect())
}

#[cfg(test)]
mod tests {
    use web::parse_json;

    use super::*;

    const DEBIT: &str = "0192f3a0-7c1e-7b3a-9d55-0a1b2c3d4e5f";
    const CREDIT: &str = "0192f3a0-7c1e-7b3a-9d55-0a1b2c3d4e60";

    fn told(text: &str) -> String {
        match parse_json::<OneOrMany>(text.as_bytes()) {
            Ok(OneOrMany::One(_)) => "one".to_owned(),
            Ok(OneOrMany::Many(forms)) => format!("{} of many", forms.len()),
            Err(problem) => {
                let errors = problem.errors().iter();
                let fields: Vec<String> =
                    errors.map(|error| format!("{} {}", error.pointer, error.detail)).collect();
                format!("{}: {}", problem.kind().code, fields.join(", "))
            }
        }
    }

    #[test]
    fn a_body_is_one_transfer_or_many() {
        let good = format!(r#""debit":"{DEBIT}","credit":"{CREDIT}","amount":5"#);
        let table = [
            (format!("{{{good}}}"), "one"),
            (format!(r#"{{"transfers":[{{{good}}},{{{good},"kind":"grant"}}]}}"#), "2 of many"),
            (r#"{"transfers":[]}"#.to_owned(), "0 of many"),
            ("{}".to_owned(), "invalid_field: /debit is missing"),
            (
                format!(r#"{{"transfers":[{{{good}}},{{"debit":"{DEBIT}"}}]}}"#),
                "invalid_field: /transfers/1/credit is missing",
            ),
            (
                r#"{"transfers":[],"x":1}"#.to_owned(),
                "invalid_field: /x unknown field `x`, expected `transfers`",
            ),
            (format!(r#"{{{good},"amount":7}}"#), "invalid_field: /amount is there twice"),
        ];
        for (text, expected) in table {
            assert_eq!(told(&text), expected, "{text}");
        }
    }
}
