use ledger::{AccountNumber, ActivityKind, ActivityKinds, ActorNumber, Batch, Book, Step};
use store::{Fault, Store, natural_id};
use vocabulary::{AccountRole, Day, Id, Timestamp, kind};

/// Notes that members were there today, for the rules about who is not: one movement a day for
/// each of their accounts. Whom it was noted of already is passed over, so that it may be called as
/// often as one likes; gives how many movements it made.
///
/// # Errors
///
/// A [`Fault`] when the database fails; a repeat is safe.
pub fn note_visits(
    store: &Store,
    members: &[Id<kind::Member>],
    now: Timestamp,
) -> Result<usize, Fault> {
    let found = store.look(|book| accounts_to_note(book, members, now));
    if found.is_empty() {
        return Ok(0);
    }
    let batches: Vec<Batch> = found
        .iter()
        .map(|&(account, id, today)| {
            let parts: [&[u8]; 2] = [&id.to_bytes(), &today.number().to_be_bytes()];
            let batch = natural_id("wallet.visit", &parts);
            Batch::single(batch, ActorNumber::SYSTEM, Step::Touch { account })
        })
        .collect();
    // A refusal says that it was noted meanwhile, or that the account is closed.
    Ok(store.post(batches)?.len())
}

/// Only units that have a rule about visits make movements.
fn accounts_to_note(
    book: &Book,
    members: &[Id<kind::Member>],
    now: Timestamp,
) -> Vec<(AccountNumber, Id<kind::Account>, Day)> {
    let visits = ActivityKinds::from_iter([ActivityKind::Visit]);
    let counts = |unit: &&ledger::Unit| {
        unit.policy.idle_rules.iter().any(|rule| rule.by.contains(ActivityKind::Visit))
    };
    let mut found = Vec::new();
    for unit in crate::passbook::units(book).filter(counts) {
        let today = unit.policy.zone.day_of(now);
        for member in members {
            let id = Id::of(*member, unit.number.get(), AccountRole::Member);
            let account = book.find_settled_account(id);
            let state = account.and_then(|number| Some(book.account(number)?.state()));
            if let Some(number) = account
                && state.is_some_and(|state| state.activity().last(visits) < today)
            {
                found.push((number, id, today));
            }
        }
    }
    found
}
