use std::collections::BTreeMap;

use crate::destination::store::read_destinations;
use crate::exchange::Exchange;
use crate::exchange::store::find_exchanges;
use crate::exchange_letter::store::next_ends;
use crate::exchange_letter::{ExchangeLetters, SendExchangeLetters};
use store::Fault;
use vocabulary::{Id, kind};
use web::Language;

/// Ends written about in one transaction.
const SLICE: u32 = 500;

/// Writes to members whose exchanges came to an end, a slice of them; gives how many ends there
/// were. After a crash the rest is there still, and a letter goes once, whatever is repeated.
///
/// # Errors
///
/// A [`Fault`] when the database fails; a repeat is safe.
pub fn write_exchange_letters(tools: &ExchangeLetters) -> Result<usize, Fault> {
    let (site, company) = (&tools.site, tools.site.config().company);
    let database = site.store().database();
    let ends = database.read(|reader| next_ends(reader, company, SLICE))?;
    if ends.is_empty() {
        return Ok(0);
    }
    let ids: Vec<Id<kind::Exchange>> = ends.iter().map(|((id, _), _)| *id).collect();
    let (exchanges, entries) = database.read(|reader| {
        Ok((find_exchanges(reader, &ids)?, read_destinations(reader, &[company])?))
    })?;
    let entries = entries.get(&company).map_or(&[][..], Vec::as_slice);
    let members: Vec<_> = exchanges.values().map(|exchange| exchange.member).collect();
    let languages: BTreeMap<_, _> =
        members.iter().copied().zip((tools.languages)(&members)?).collect();
    let words = |exchange: &Exchange| {
        let language = languages.get(&exchange.member).copied().flatten();
        tools.frame.texts().words(language.unwrap_or(Language::Japanese))
    };
    let letters = ends.iter().filter_map(|((id, version), end)| {
        let exchange = exchanges.get(id)?;
        tools.letter(words(exchange), entries, exchange, (*version, *end))
    });
    let command = SendExchangeLetters {
        company,
        letters: letters.collect(),
        done: ends.iter().map(|(key, _)| *key).collect(),
    };
    let Ok(()) = site.store().run(command)?;
    Ok(ends.len())
}
