use crate::site::Site;
use web::Routes;
pub(crate) fn routes() -> Routes<Site> { Routes::of("point-site") }
pub(crate) fn condition_text() {}
pub(crate) fn point_text() {}
