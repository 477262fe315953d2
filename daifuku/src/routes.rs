//! The whole URL space.

use crate::{
    house::{House, VERSION},
    membership, sign_in, staff,
};
use web::{ApiDocument, ApiTitle, Routes};

/// What the API reference says of itself.
const API: ApiTitle = ApiTitle {
    title: "Daifuku API",
    version: VERSION,
    description: "Points of a group of companies on one exact ledger. Send `Authorization: Bearer \
                  KEY`. Every write can be repeated safely: with its own id or with \
                  `Idempotency-Key`.",
};

/// Every route with its handler.
///
/// # Errors
///
/// When a route of the API has no description.
pub fn routes(house: &House) -> anyhow::Result<Routes> {
    let features = house.features()?;
    let routes = Routes::of("daifuku")
        .and(sign_in::routes(house))
        .and(membership::routes(house))
        .and(staff::routes(house))
        .and(ops::routes(&house.ops()))
        .and(bank::routes(&features.bank))
        .and(wallet::routes(&features.wallet))
        .and(wallet::home(&features.wallet))
        .and(features.site.as_ref().map_or_else(|| Routes::of("point-site"), point_site::routes))
        .and(house.frame.routes());
    let document = api_document(&routes)?;
    Ok(routes.and(document.routes()))
}

/// The document of the public API among these routes.
///
/// # Errors
///
/// When a route of the API has no description.
pub fn api_document(routes: &Routes) -> anyhow::Result<ApiDocument> {
    Ok(ApiDocument::try_new(API, &routes.list())?)
}
