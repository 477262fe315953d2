use crate::sandbox::Sandbox;
use web::{Body, HeaderValue, Response, Routes, State, get, header};

/// The monthly file, as the network's own site gives it.
pub(crate) fn routes() -> Routes<Sandbox> {
    Routes::of("sandbox").on(get("/sandbox/network/report.csv", "public"), file)
}

async fn file(State(sandbox): State<Sandbox>) -> Response {
    let mut response = Response::new(Body::from(sandbox.monthly_file()));
    let headers = response.headers_mut();
    let kind = HeaderValue::from_static("text/csv; charset=shift_jis");
    headers.insert(header::CONTENT_TYPE, kind);
    let name = HeaderValue::from_static("attachment; filename=\"accesstrade-monthly.csv\"");
    headers.insert(header::CONTENT_DISPOSITION, name);
    response
}
