use askama::Template;
use serde::Deserialize;

use crate::partner_sandbox::{Manner, PartnerSandbox, api};
use web::components::{Button, Column, EmptyState, Select, Table};
use web::{Form, IntoResponse as _, Redirect, Response, Routes, State, View, Words, get, post};

/// The pretend partner's own doors: where it is asked, and where it is told how to behave.
pub fn routes(sandbox: &PartnerSandbox) -> Routes {
    Routes::of("sandbox")
        .and(api::routes())
        .on(get("/sandbox/partner", "public"), show)
        .on(post("/sandbox/partner", "public").idempotent(), behave)
        .with_state(sandbox)
}

#[derive(Template)]
#[template(path = "partner_sandbox/page.html")]
struct Main<'a> {
    words: Words<'a>,
    manner: Select,
    save: Button,
    kept: Option<Table>,
    none: EmptyState,
}

async fn show(State(sandbox): State<PartnerSandbox>, view: View) -> Response {
    let words = view.words();
    let manners = Manner::ALL.iter().map(|manner| {
        let key = format!("partner-manner-{}", manner.code());
        (manner.code().to_owned(), words.get(&key).into_owned())
    });
    let columns = vec![
        Column::text(words.get("partner-request")),
        Column::text(words.get("partner-product")),
        Column::figures(words.get("partner-amount")),
        Column::figures(words.get("partner-times")),
    ];
    let kept = sandbox.kept();
    let rows = kept.iter().map(|kept| {
        vec![
            kept.asked.request_id.as_str().into(),
            kept.asked.product.as_str().into(),
            format!("{} {}", kept.asked.amount, kept.asked.unit).into(),
            kept.times.to_string().into(),
        ]
    });
    let main = Main {
        words,
        manner: Select::new("manner", words.get("partner-manner"), manners.collect())
            .chosen(sandbox.manner().code()),
        save: Button::new(words.get("partner-save")),
        kept: (!kept.is_empty()).then(|| Table::new(words.get("partner-kept"), columns).rows(rows)),
        none: EmptyState::new(words.get("partner-none"), words.get("partner-none-text")),
    };
    view.page(words.get("partner-title")).show(&main)
}

#[derive(Debug, Deserialize)]
struct Told {
    #[serde(default)]
    manner: String,
}

async fn behave(State(sandbox): State<PartnerSandbox>, Form(told): Form<Told>) -> Response {
    if let Some(manner) = Manner::parse(&told.manner) {
        sandbox.behave(manner);
    }
    Redirect::to("/sandbox/partner").into_response()
}
