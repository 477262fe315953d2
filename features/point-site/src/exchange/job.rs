use std::collections::BTreeMap;

use crate::destination::DestinationKind;
use crate::exchange::store::{Due, list_due};
use crate::exchange::{Cause, ChangeExchange, Exchange, ExchangeEvent};
use crate::gift_code::GiveCodes;
use crate::site::Site;
use store::Fault;
use vocabulary::{Amount, Id, Token, kind};

/// Exchanges that are gone through at once.
const SLICE: u32 = 200;

/// Ends quotes that nobody took up in time. Gives how many; to be called again until none is left.
///
/// # Errors
///
/// A [`Fault`] when the database fails; what is done stays done.
pub fn expire_quotes(site: &Site) -> Result<usize, Fault> {
    let mut count = 0_usize;
    for kind in DestinationKind::ALL {
        let over = due(site, "quoted", *kind)?;
        count = count.saturating_add(over.len());
        let commands = over.iter().map(|exchange| ChangeExchange {
            config: site.shared_config(),
            exchange: exchange.id,
            member: None,
            event: ExchangeEvent::Expire,
            issue: None,
            cause: Cause { by: site.config().actor, reason: None },
        });
        // What was accepted meanwhile stays; a refusal is no news here.
        drop(site.store().run_all(commands.collect())?);
    }
    Ok(count)
}

/// Gives codes of pools to the exchanges that wait for one. Gives how many got theirs or were
/// called off; to be called again until none is left.
///
/// # Errors
///
/// A [`Fault`] when the database fails; what is done stays done.
pub fn deliver_codes(site: &Site) -> Result<usize, Fault> {
    let mut shelves: BTreeMap<(Token, Amount), Vec<Id<kind::Exchange>>> = BTreeMap::new();
    for exchange in due(site, "held", DestinationKind::PooledCode)? {
        let shelf = (exchange.product.clone(), exchange.quote.value);
        shelves.entry(shelf).or_default().push(exchange.id);
    }
    let mut count = 0_u32;
    for ((pool, value), exchanges) in shelves {
        let config = site.shared_config();
        let command = GiveCodes { config, pool, value, exchanges, asked_at: site.now() };
        let Ok(given) = site.store().run(command)?;
        if given.sold_out > 0 {
            let waiting = given.sold_out;
            tracing::error!(
                exchanges = waiting,
                "a pool of gift codes is empty: {waiting} were called off"
            );
        }
        count = count.saturating_add(given.given).saturating_add(given.sold_out);
    }
    Ok(usize::try_from(count).unwrap_or(usize::MAX))
}

/// Lists what is due in a state.
pub(crate) fn due(
    site: &Site,
    state: &'static str,
    kind: DestinationKind,
) -> Result<Vec<Exchange>, Fault> {
    let due = Due { company: site.config().company, state, kind, now: site.now() };
    site.store().database().read(|reader| list_due(reader, due, SLICE))
}
