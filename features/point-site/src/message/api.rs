use crate::message::{Media, Message, Request, StoreMessage};
use crate::site::Site;
use answers::faulted;
use web::{HeaderMap, Path, Problem, RawBody, Routes, State, Uri, get, header, post, problems};

/// The most bytes of a pushed body. A message is about one conversion; Awin's, the longest, has
/// some kilobytes with many products.
const BODY_MAX: u64 = 256 << 10;

/// The addresses that networks call; the secret in the path is all that protects them. A repeat is
/// another message and the same statement.
pub(crate) fn routes() -> Routes<Site> {
    let address = "/in/v1/{network}/{secret}/cv";
    Routes::of("point-site")
        .on(get(address, "public"), receive_query)
        .on(post(address, "public").idempotent().body_max(BODY_MAX), receive_body)
}

async fn receive_query(
    State(site): State<Site>,
    Path((network, secret)): Path<(String, String)>,
    uri: Uri,
) -> Result<&'static str, Problem> {
    let request = Request::of_query(uri.query().unwrap_or_default());
    receive(&site, &network, &secret, request).await
}

async fn receive_body(
    State(site): State<Site>,
    Path((network, secret)): Path<(String, String)>,
    uri: Uri,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> Result<&'static str, Problem> {
    let query = uri.query().unwrap_or_default();
    receive(&site, &network, &secret, Request::of_body(media_of(&headers), query, &body)).await
}

fn media_of(headers: &HeaderMap) -> Media {
    let told = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let told = told.and_then(|told| told.split(';').next()).unwrap_or("").trim();
    match told.to_ascii_lowercase().as_str() {
        "application/x-www-form-urlencoded" => Media::Form,
        "application/json" => Media::Json,
        _ => Media::Other,
    }
}

/// Answers as the network expects when the message is on the disk as it came, whatever it says;
/// only when it could not be stored is the answer 5xx, and the network sends it again.
async fn receive(
    site: &Site,
    network: &str,
    secret: &str,
    request: Request,
) -> Result<&'static str, Problem> {
    let now = site.now();
    let network = site.config().network_of(network, secret, now);
    let network = network.ok_or(Problem::new(&problems::NOT_FOUND))?;
    let answer = network.adapter.answer();
    let message = Message {
        id: site.next_id(now),
        network: network.code.clone(),
        account: network.account.clone(),
        received_at: now,
        request,
    };
    let command = StoreMessage { company: site.config().company, message };
    match site.run(command).await {
        Ok(Ok(())) => Ok(answer),
        Err(fault) => Err(faulted(&fault)),
    }
}
