use crate::Ops;
use web::{IntoResponse, Json, Response, State, StatusCode};

/// Answers as long as the process does.
pub(crate) async fn alive() -> &'static str {
    "alive\n"
}

/// Answers 200 when requests are welcome, else 503; both with every check.
pub(crate) async fn ready(State(ops): State<Ops>) -> Response {
    let readiness = ops.health.readiness(ops.clock.as_ref());
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(readiness)).into_response()
}
