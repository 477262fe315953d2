//! `/sandbox/mail`: what the demo's mail server took. No other installation has it.

use askama::Template;

use super::smtp::Mailbox;
use web::{
    Path, Problem, Response, Routes, State, View, Words,
    components::{Cell, Column, DataList, EmptyState, LinkButton, Table, Weight},
    get, problems,
};

pub(super) fn routes(mailbox: &Mailbox) -> Routes {
    Routes::of("demo")
        .on(get("/sandbox/mail", "public"), list)
        .on(get("/sandbox/mail/{number}", "public"), show)
        .with_state(mailbox)
}

#[derive(Template)]
#[template(path = "demo/mailbox.html")]
struct ListMain<'a> {
    words: Words<'a>,
    letters: Option<Table>,
    empty: EmptyState,
}

async fn list(State(mailbox): State<Mailbox>, view: View) -> Response {
    let words = view.words();
    let letters = mailbox.letters();
    let columns = vec![
        Column::text(words.get("mailbox-subject")),
        Column::text(words.get("mailbox-to")),
        Column::text(words.get("mailbox-at")),
    ];
    let count = letters.len();
    // Numbered from the oldest, so that an address stays the letter's.
    let rows = letters.iter().enumerate().map(|(place, letter)| {
        let number = count.saturating_sub(place);
        vec![
            Cell::link(letter.subject.as_str(), format!("/sandbox/mail/{number}")),
            letter.to.as_str().into(),
            letter.header("date").into(),
        ]
    });
    let main = ListMain {
        words,
        letters: (count > 0)
            .then(|| Table::new(words.get("mailbox-title"), columns).untitled().rows(rows)),
        empty: EmptyState::new(words.get("mailbox-empty"), words.get("mailbox-empty-text")),
    };
    view.page(words.get("mailbox-title")).home("/demo").show(&main)
}

#[derive(Template)]
#[template(path = "demo/mailbox_letter.html")]
struct LetterMain<'a> {
    subject: &'a str,
    facts: DataList,
    body: &'a str,
    back: LinkButton,
}

async fn show(
    State(mailbox): State<Mailbox>,
    view: View,
    Path(number): Path<usize>,
) -> Result<Response, Problem> {
    let words = view.words();
    let letters = mailbox.letters();
    let place = letters.len().checked_sub(number);
    let letter = place.and_then(|place| letters.get(place));
    let letter = letter.ok_or_else(|| Problem::new(&problems::NOT_FOUND))?;
    let main = LetterMain {
        subject: &letter.subject,
        facts: DataList::new()
            .pair(words.get("mailbox-to"), letter.to.as_str())
            .pair(words.get("mailbox-at"), letter.header("date")),
        body: &letter.body,
        back: LinkButton::new(words.get("mailbox-back"), "/sandbox/mail").weight(Weight::Quiet),
    };
    Ok(view.page(letter.subject.as_str()).home("/demo").show(&main))
}
