use std::time::Duration;

use crate::click::{Click, RecordClick, ended, reference};
use crate::offer::OfferVersion;
use crate::site::Site;
use access::{Authenticated, Need, Resource, authorize};
use vocabulary::{Id, kind};
use web::{
    Caller, HeaderMap, HeaderValue, IntoResponse as _, Path, Problem, Redirect, Response, Routes,
    State, StatusCode, View, get, header, problems,
};

/// `/go/{offer}`: whoever is not signed in is shown the page to sign in by the guard, at this
/// address, and comes back to it.
pub(crate) fn routes() -> Routes<Site> {
    Routes::of("point-site").on(get("/go/{offer}", Need::MemberSelf.code()).deadline_ms(3_000), go)
}

/// Notes the click and leads to the shop. Offers are in memory, and a click is durable before the
/// answer: in the database, or in the spool while that is away.
async fn go(
    State(site): State<Site>,
    view: View,
    Path(offer): Path<Id<kind::Offer>>,
    Caller(who): Caller<Authenticated>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    if is_prefetch(&headers) {
        // A browser that looks ahead follows nothing; it comes again when its user does.
        return Ok(StatusCode::NO_CONTENT.into_response());
    }
    let not_found = || Problem::new(&problems::NOT_FOUND);
    who.require(Need::MemberSelf).map_err(|_denied| Problem::new(&problems::FORBIDDEN))?;
    let member = who.member().ok_or_else(not_found)?;
    let company = site.config().company;
    let now = site.now();
    let shelf = site.catalogue().shelf();
    let found = shelf.offers.get(&offer).ok_or_else(not_found)?;
    let shop = shelf.shops.get(&found.shop).filter(|shop| shop.listed).ok_or_else(not_found)?;
    let own = Resource::Member { company, member };
    let record =
        authorize(&who, Need::MemberSelf, own, RecordClick).map_err(|_denied| not_found())?;
    let open = |version: &&OfferVersion| !shelf.is_full(found, version);
    let Some(version) = found.in_force(now).filter(open) else {
        return Ok(ended(&site, &view, shop));
    };
    let click = Click {
        id: site.next_id(now),
        company,
        member,
        shop: found.shop,
        offer,
        offer_version: version.version,
        clicked_at: now,
        mark: site.mark_click(member, offer, now, header_text(&headers, "user-agent")),
    };
    keep(&site, record.into_command()(click)).await?;
    let address = version.terms.address(&reference(click.id));
    let mut response = Redirect::to(&address).into_response();
    *response.status_mut() = StatusCode::FOUND;
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // The shop learns the click's reference and nothing else of where its visitor was.
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("origin"));
    Ok(response)
}

fn header_text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Tells whether a browser fetches the address before anybody follows it: `Sec-Purpose` of the
/// Fetch standard, `Purpose` and `X-Moz` of older browsers.
fn is_prefetch(headers: &HeaderMap) -> bool {
    ["sec-purpose", "purpose", "x-moz"]
        .iter()
        .any(|name| header_text(headers, name).is_some_and(|text| text.contains("prefetch")))
}

async fn keep(site: &Site, command: RecordClick) -> Result<(), Problem> {
    let patience: Duration = site.config().click_patience;
    if !site.away() {
        match tokio::time::timeout(patience, site.run(command)).await {
            Ok(Ok(Ok(()))) => return Ok(()),
            Ok(Err(fault)) => {
                tracing::warn!(error = %fault, "a click goes to the spool");
                site.note_away();
            }
            Err(_elapsed) => {
                tracing::warn!("a click goes to the spool: the database does not answer in time");
                site.note_away();
            }
        }
    }
    let (sender, receiver) = tokio::sync::oneshot::channel();
    let line = command.0.to_line();
    // Whoever asked may have gone away; the line is written all the same.
    site.spool().append(line, Box::new(move |done| drop(sender.send(done))));
    match receiver.await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            tracing::error!(error = %error, "a click could not be kept");
            Err(Problem::new(&problems::OVERLOADED).retry_after_s(5))
        }
        Err(_gone) => Err(Problem::new(&problems::OVERLOADED).retry_after_s(5)),
    }
}
