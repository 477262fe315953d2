use tokio::task::JoinSet;

use crate::config::Partner;
use crate::destination::DestinationKind;
use crate::exchange::{Cause, ChangeExchange, ChangeRefusal, Exchange, ExchangeEvent, due};
use crate::gift_code::Issue;
use crate::partner::{PartnerAnswer, PartnerRequest};
use crate::site::Site;
use answers::off_thread;
use store::Fault;
use vocabulary::Token;
use web::{Bytes, HeaderMap, HeaderValue, Method, Outgoing, OutgoingRequest, header};

/// Requests that are under way at once.
const AT_ONCE: usize = 8;

/// Sends what waits for partners, and asks again about what was not answered. Gives how many
/// requests were sent; to be called again until there is none.
///
/// # Errors
///
/// A [`Fault`] when the database fails; what was sent and not noted is asked again, with the same
/// ids.
pub async fn ask_partners(site: &Site, outgoing: &Outgoing) -> Result<usize, Fault> {
    let shared = site.clone();
    let requests = off_thread(move || due_requests(&shared)).await??;
    let count = requests.len();
    let mut asking: JoinSet<(PartnerRequest, PartnerAnswer)> = JoinSet::new();
    let mut waiting = requests.into_iter();
    loop {
        while asking.len() < AT_ONCE {
            let Some(request) = waiting.next() else { break };
            let partner = site.config().exchange.partner(&request.partner).cloned();
            let outgoing = outgoing.clone();
            asking.spawn(async move {
                let answer = ask(partner, &outgoing, &request).await;
                (request, answer)
            });
        }
        // A task that panicked has noted nothing: it is asked again.
        let Some(done) = asking.join_next().await else { break };
        if let Ok((request, answer)) = done {
            let shared = site.clone();
            off_thread(move || settle(&shared, &request, &answer)).await??;
        }
    }
    Ok(count)
}

async fn ask(
    partner: Option<Partner>,
    outgoing: &Outgoing,
    request: &PartnerRequest,
) -> PartnerAnswer {
    let Some(partner) = partner else { return PartnerAnswer::Again };
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    if let Ok(key) = HeaderValue::from_str(&format!("Bearer {}", partner.key)) {
        headers.insert(header::AUTHORIZATION, key);
    }
    let body = Bytes::from(request.to_json());
    let request_id = request.gift.id.as_str();
    let sent = OutgoingRequest { method: Method::POST, url: partner.url, headers, body };
    match outgoing.send(sent).await {
        Ok(answer) => PartnerAnswer::read(request, answer.status.as_u16(), &answer.body),
        Err(error) => {
            let partner = request.partner.as_str();
            tracing::warn!(
                request.id = request_id,
                error = error.code(),
                "partner {partner} did not answer request {request_id}: {error}"
            );
            PartnerAnswer::Again
        }
    }
}

/// Lists the requests that are to be sent now. Those that go for the first time are stored as sent
/// before they are given. Blocks while it works.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn due_requests(site: &Site) -> Result<Vec<PartnerRequest>, Fault> {
    let mut exchanges: Vec<Exchange> = Vec::new();
    for kind in [DestinationKind::GiftCode, DestinationKind::PartnerPoints] {
        for state in ["sent", "unknown"] {
            exchanges.extend(due(site, state, kind)?);
        }
        let first = due(site, "held", kind)?.into_iter().map(|exchange| ChangeExchange {
            config: site.shared_config(),
            exchange: exchange.id,
            member: None,
            event: ExchangeEvent::Send,
            issue: None,
            cause: Cause { by: site.config().actor, reason: None },
        });
        // What was called off meanwhile is refused, and not sent.
        exchanges.extend(site.store().run_all(first.collect())?.into_iter().flatten());
    }
    let requests = exchanges.iter().filter_map(|exchange| {
        let partner = site.config().exchange.partner(&exchange.product);
        if partner.is_none() {
            let (id, name) = (exchange.id, exchange.product.as_str());
            tracing::error!(exchange.id = %id, "exchange {id} waits for {name}, which is not set up");
        }
        PartnerRequest::of(exchange, &partner?.prefix)
    });
    Ok(requests.collect())
}

/// Notes what a partner answered: the code, the points and the state go in one transaction. The
/// same answer again changes nothing. Blocks while it works.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn settle(site: &Site, request: &PartnerRequest, answer: &PartnerAnswer) -> Result<(), Fault> {
    let (config, id) = (site.config(), request.exchange);
    let issue = match answer {
        PartnerAnswer::Done(Some((code, until))) => {
            let vault = &config.exchange.vault;
            Some(Issue::seal((id, config.company), code, *until, vault, site.now()))
        }
        PartnerAnswer::Done(None) | PartnerAnswer::Refused | PartnerAnswer::Again => None,
    };
    let reason = match answer {
        PartnerAnswer::Refused => Token::parse("partner_refused").ok(),
        PartnerAnswer::Done(_) | PartnerAnswer::Again => None,
    };
    let command = ChangeExchange {
        config: site.shared_config(),
        exchange: id,
        member: None,
        event: answer.event(),
        issue,
        cause: Cause { by: config.actor, reason },
    };
    match site.store().run(command)? {
        Ok(_) | Err(ChangeRefusal::TooLate) => {}
        Err(
            refusal @ (ChangeRefusal::NotFound
            | ChangeRefusal::Contradicted
            | ChangeRefusal::Ledger(_)),
        ) => {
            tracing::error!(exchange.id = %id, "what a partner says of exchange {id} cannot be: {refusal}");
        }
    }
    Ok(())
}
