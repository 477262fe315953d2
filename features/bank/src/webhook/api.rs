use web::Routes;
pub(crate) fn routes() -> Routes<crate::Bank> {
    Routes::of("bank")
}
