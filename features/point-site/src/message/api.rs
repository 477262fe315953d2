use crate::message::{Message, StoreMessage};
use crate::site::Site;
use answers::faulted;
use web::{Path, Problem, Routes, State, Uri, get, problems};

const ACCESSTRADE: &str = "accesstrade";

/// The addresses that networks call; the secret in the path is all that protects them.
pub(crate) fn routes() -> Routes<Site> {
    Routes::of("point-site").on(get("/in/v1/accesstrade/{secret}/cv", "public"), accesstrade)
}

/// Answers `OK` when the message is on the disk as it came, whatever it says; only when it could
/// not be stored is the answer 5xx, and the network sends it again.
async fn accesstrade(
    State(site): State<Site>,
    Path(secret): Path<String>,
    uri: Uri,
) -> Result<&'static str, Problem> {
    let now = site.now();
    let network = site.config().network_of(ACCESSTRADE, &secret, now);
    let network = network.ok_or(Problem::new(&problems::NOT_FOUND))?;
    let message = Message {
        id: site.next_id(now),
        network: network.code.clone(),
        account: network.account.clone(),
        received_at: now,
        request: uri.query().unwrap_or_default().to_owned(),
    };
    let command = StoreMessage { company: site.config().company, message };
    match site.run(command).await {
        Ok(Ok(())) => Ok("OK"),
        Err(fault) => Err(faulted(&fault)),
    }
}
