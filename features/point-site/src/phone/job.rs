use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde::Deserialize;
use tokio::task::JoinSet;

use crate::config::SmsDoor;
use crate::phone::store::list_due;
use crate::phone::{NoteSms, SmsResult};
use crate::site::Site;
use answers::off_thread;
use store::Fault;
use web::{Bytes, HeaderMap, HeaderValue, Method, Outgoing, OutgoingRequest, header};

/// Messages that are sent at once.
const AT_ONCE: u32 = 8;

/// Sends the messages that wait, a few at once. Gives how many were tried; to be called again until
/// there is none. Without a provider nothing waits.
///
/// # Errors
///
/// A [`Fault`] when the database fails; what was sent and not noted goes once more, with the same
/// code.
pub async fn send_messages(site: &Site, outgoing: &Outgoing) -> Result<usize, Fault> {
    let Some(door) = site.config().sms.clone() else { return Ok(0) };
    let shared = site.clone();
    let due = off_thread(move || {
        let now = shared.now();
        shared.store().database().read(|reader| list_due(reader, now, AT_ONCE))
    });
    let due = due.await??;
    let mut sending: JoinSet<NoteSms> = JoinSet::new();
    for sms in due {
        let (door, outgoing) = (door.clone(), outgoing.clone());
        let vault = site.config().exchange.vault.clone();
        sending.spawn(async move {
            let result = match sms.open(&vault) {
                Some((to, text)) => send(&door, &outgoing, (&to, &text)).await,
                None => SmsResult::Refused("seal_broken".to_owned()),
            };
            if let SmsResult::Refused(code) = &result {
                tracing::warn!(sms.id = %sms.id, "message {} was refused: {code}", sms.id);
            }
            NoteSms { message: sms.id, result }
        });
    }
    // A task that panicked has noted nothing: its message goes again.
    let mut done = Vec::new();
    while let Some(note) = sending.join_next().await {
        done.extend(note.ok());
    }
    let count = done.len();
    let shared = site.clone();
    off_thread(move || shared.store().run_all(done)).await??;
    Ok(count)
}

async fn send(door: &SmsDoor, outgoing: &Outgoing, (to, text): (&str, &str)) -> SmsResult {
    let form = form_urlencoded::Serializer::new(String::new())
        .append_pair("To", to)
        .append_pair("From", &door.from)
        .append_pair("Body", text)
        .finish();
    let mut headers = HeaderMap::new();
    let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
    headers.insert(header::CONTENT_TYPE, kind);
    let who = STANDARD.encode(format!("{}:{}", door.user, door.password));
    if let Ok(who) = HeaderValue::from_str(&format!("Basic {who}")) {
        headers.insert(header::AUTHORIZATION, who);
    }
    let (url, body) = (door.url.clone(), Bytes::from(form));
    match outgoing.send(OutgoingRequest { method: Method::POST, url, headers, body }).await {
        Ok(answer) => read_answer(answer.status.as_u16(), &answer.body),
        Err(error) => {
            tracing::warn!(
                error = error.code(),
                "the provider of messages did not answer: {error}"
            );
            SmsResult::Again
        }
    }
}

/// What a provider says of a message it does not take.
#[derive(Deserialize)]
struct Complaint {
    code: u32,
}

/// Reads an answer: a form that is refused as it is will always be; all else may pass.
pub(crate) fn read_answer(status: u16, body: &[u8]) -> SmsResult {
    match status {
        200..=299 => SmsResult::Taken,
        400 | 404 | 410 | 413 | 422 => {
            let code = serde_json::from_slice::<Complaint>(body).map(|complaint| complaint.code);
            SmsResult::Refused(code.map_or_else(|_| status.to_string(), |code| code.to_string()))
        }
        401 | 403 => {
            tracing::error!(status, "the provider of messages does not know us: see sms.user");
            SmsResult::Again
        }
        _ => SmsResult::Again,
    }
}
