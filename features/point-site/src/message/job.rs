use crate::conversion::Told;
use crate::message::store::{count_waiting, list_waiting};
use crate::message::{Message, ProcessMessage, Unreadable};
use crate::site::Site;
use store::Fault;

/// How many messages are taken at once: clicks and payments wait for a slice, some 15 ms.
pub const MESSAGES_AT_ONCE: usize = 250;
/// How many characters of them: a page has thousands of statements, all decided in one slice.
const LENGTH_MAX: u64 = 4 << 20;

/// Reads the messages that wait, the oldest first, and does what they mean. How far it came is in
/// the rows: after a crash it goes on from there.
///
/// Gives how many were read; when that is less than [`MESSAGES_AT_ONCE`], no more wait.
///
/// # Errors
///
/// A [`Fault`] when the database fails; what is not done waits.
pub fn process_messages(site: &Site) -> Result<usize, Fault> {
    let company = site.config().company;
    let limit = u32::try_from(MESSAGES_AT_ONCE).unwrap_or(u32::MAX);
    let waiting = site.store().database().read(|reader| {
        let count = count_waiting(reader, company, limit, LENGTH_MAX)?;
        if count == 0 { Ok(Vec::new()) } else { list_waiting(reader, company, count) }
    })?;
    let commands: Vec<ProcessMessage> = waiting
        .iter()
        .map(|message| ProcessMessage {
            config: site.shared_config(),
            message: message.id,
            told: read(site, message),
        })
        .collect();
    let count = commands.len();
    for decision in site.store().run_all(commands)? {
        let Ok(done) = decision;
        if let Some(Err(unreadable)) = done {
            let reason = unreadable.code();
            tracing::warn!(reason, "a network's message cannot be read: {reason}");
        }
    }
    Ok(count)
}

fn read(site: &Site, message: &Message) -> Result<Vec<Told>, Unreadable> {
    let network = site.config().network(&message.network, &message.account);
    let network = network.ok_or(Unreadable::Account)?;
    network.adapter.read(message, &network)
}
