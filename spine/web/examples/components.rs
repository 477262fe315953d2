//! Writes every component on one page, in both languages, for people to look at:
//! `cargo run -p web --example components -- FOLDER`.

use std::{env, error::Error, fs, path::PathBuf, sync::Arc};

use askama::Template;

use vocabulary::{Amount, Scale};
use web::{
    Assets, Language, NavItem, Response, Routes, ServerOptions, TextSource, View, Words,
    components::{
        Badge, Button, Cell, Column, DataList, EmptyState, ErrorSummary, FieldKind, Figure,
        FormToken, LinkButton, Notice, Pager, Progress, Select, StepState, Story, Table, Tabs,
        TextField, Tone, Weight,
    },
    get,
    testing::{Client, door_with, frame},
};

const TEXTS: TextSource = TextSource {
    name: "sample",
    japanese: include_str!("components.ja.ftl"),
    english: include_str!("components.en.ftl"),
};

#[derive(Template)]
#[template(path = "../examples/components.html")]
struct Sample<'a> {
    words: Words<'a>,
    notice: Notice,
    balance: Figure,
    waiting: Figure,
    ends: Figure,
    tabs: Tabs,
    table: Table,
    pager: Pager,
    story: Story,
    details: DataList,
    badges: Vec<Badge>,
    errors: ErrorSummary,
    token: FormToken,
    fields: Vec<TextField>,
    select: Select,
    send: Button,
    back: LinkButton,
    void: Button,
    care: Notice,
    bad: Notice,
    empty: EmptyState,
    progress: Progress,
}

#[expect(clippy::too_many_lines, reason = "a list of samples, one after another")]
async fn sample(view: View) -> Response {
    let words = view.words();
    let text = |key: &str| words.get(key).into_owned();
    let points = Scale::default();
    let amount = |amount: u32| Figure::amount(Amount::from(amount), points, text("unit"));
    let change = |minor_units: i64| Figure::change(minor_units, points, text("unit"));
    let nav = |key: &str, href: &str| NavItem::new(text(key), href, "/statement");
    let row = |day: &str, key: &str, tone: Tone, state: &str, minor_units: i64| -> Vec<Cell> {
        vec![
            Cell::link(text(key), "/statement/1"),
            day.into(),
            Badge::new(tone, text(state)).into(),
            change(minor_units).into(),
        ]
    };
    let main = Sample {
        words,
        notice: Notice::new(Tone::Good, text("notice-done"), text("notice-done-text")),
        balance: amount(128_450).total(),
        waiting: amount(3_200),
        ends: amount(540),
        tabs: Tabs::new(
            text("statement"),
            vec![nav("all", "/statement"), nav("waiting", "/waiting"), nav("spent", "/spent")],
        ),
        table: Table::new(
            text("statement-caption"),
            vec![
                Column::text(text("what")),
                Column::text(text("day")),
                Column::text(text("state")),
                Column::figures(text("change")),
            ],
        )
        .row(row("2026-11-20", "shop-books", Tone::Wait, "waiting", 320))
        .row(row("2026-11-18", "exchange-gift", Tone::Plain, "done", -5_000))
        .row(row("2026-11-15", "shop-travel", Tone::Good, "valid", 12_800))
        .row(row("2026-11-02", "shop-shoes", Tone::Bad, "void", 0)),
        pager: Pager::new(words, Some("?".to_owned()), Some("?after=AQAB".to_owned())),
        story: Story::new()
            .step(words, StepState::Done, text("step-click"), "2026-11-20 12:04", "")
            .step(
                words,
                StepState::Done,
                text("step-seen"),
                "2026-11-20 18:30",
                text("step-seen-text"),
            )
            .step(
                words,
                StepState::Current,
                text("step-wait"),
                text("step-wait-when"),
                text("step-wait-text"),
            )
            .step(words, StepState::Next, text("step-valid"), text("step-valid-when"), ""),
        details: DataList::new()
            .pair(text("order"), "R-553021")
            .pair(text("amount-bought"), Figure::amount(Amount::from(6_400), points, text("yen")))
            .pair(text("expected"), change(320))
            .pair(text("state"), Badge::new(Tone::Wait, text("waiting"))),
        badges: vec![
            Badge::new(Tone::Wait, text("waiting")),
            Badge::new(Tone::Good, text("valid")),
            Badge::new(Tone::Bad, text("void")),
            Badge::new(Tone::Plain, text("frozen")),
        ],
        errors: ErrorSummary::new(words, vec![("points".to_owned(), text("error-points"))]),
        token: FormToken::new("sample"),
        fields: vec![
            TextField::new(words, "points", text("field-points"))
                .kind(FieldKind::Figure)
                .value("200,000")
                .suffix(text("unit"))
                .hint(text("hint-points"))
                .error(text("error-points")),
            TextField::new(words, "mail", text("field-mail"))
                .kind(FieldKind::Email)
                .autocomplete("email")
                .value("hana@example.jp"),
            TextField::new(words, "memo", text("field-memo"))
                .optional(words)
                .kind(FieldKind::Lines),
        ],
        select: Select::new(
            "to",
            text("field-to"),
            vec![("bank".to_owned(), text("to-bank")), ("gift".to_owned(), text("to-gift"))],
        )
        .chosen("gift")
        .hint(text("hint-to")),
        send: Button::new(text("send")),
        back: LinkButton::new(text("back"), "/").weight(Weight::Quiet),
        void: Button::new(text("freeze")).weight(Weight::Danger),
        care: Notice::new(Tone::Wait, text("notice-care"), text("notice-care-text")),
        bad: Notice::new(Tone::Bad, text("notice-bad"), text("notice-bad-text")),
        empty: EmptyState::new(text("empty"), text("empty-text"))
            .action(LinkButton::new(text("find-shop"), "/shops").weight(Weight::Quiet)),
        progress: Progress::new(text("budget"), "¥312,000 / ¥500,000", 312, 500),
    };
    let nav = vec![
        nav("home", "/"),
        nav("find-shop", "/shops"),
        nav("statement", "/statement"),
        nav("exchange", "/exchange"),
        nav("card", "/card"),
    ];
    view.page(text("statement")).nav(nav).show(&main)
}

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(env::args().nth(1).ok_or("name the folder to write to")?);
    fs::create_dir_all(&folder)?;
    let frame = frame(&[TEXTS]);
    let routes = Routes::of("sample").on(get("/statement", "public"), sample).and(frame.routes());
    let client = Client::new(Arc::new(door_with(
        routes,
        ServerOptions::default(),
        frame,
        Arc::new(web::OpenToAll),
    )?));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let client = client.browser();
    for language in [Language::Japanese, Language::English] {
        let code = language.code();
        for (name, path) in [("components", "/statement"), ("problem", "/nowhere")] {
            let answer = runtime.block_on(client.get(&format!("{path}?lang={code}")));
            for file in ["app.css", "icon.svg"] {
                let address = Assets::new().address(file);
                let asset = runtime.block_on(client.get(&address));
                fs::write(folder.join(file), asset.text)?;
            }
            let page = answer.text.replace(&Assets::new().address("app.css"), "app.css");
            fs::write(folder.join(format!("{name}-{code}.html")), page)?;
        }
    }
    Ok(())
}
