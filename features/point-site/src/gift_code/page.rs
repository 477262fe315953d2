use askama::Template;
use serde::Deserialize;

use crate::exchange::value_text;
use crate::gift_code::command::Import;
use crate::gift_code::store::{ShelfCount, list_imports, read_stock};
use crate::gift_code::{CodeListError, DryRun, UploadedCodes, import_codes};
use crate::payout::permit;
use crate::site::Site;
use access::{Authenticated, Need};
use answers::{OrProblem as _, faulted, off_thread};
use vocabulary::{Token, UnitCode, Zone};
use web::components::{
    Badge, Button, Cell, Column, EmptyState, Notice, Table, TextField, Tone, Weight,
};
use web::{
    Caller, IntoResponse as _, Problem, Query, Redirect, Response, Routes, State, StatusCode,
    Upload, View, Words, get, post,
};

const READ: Need = Need::ExchangeRead;
/// Twenty thousand codes have about a megabyte.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// How many lists the history shows.
const HISTORY: u32 = 50;

/// The staff's page of pools.
pub(crate) fn routes() -> Routes<Site> {
    let upload = post("/staff/gift-codes", Need::PayoutManage.code())
        .body_max(FILE_BYTES_MAX)
        .deadline_ms(60_000)
        .class(web::Class::Bulk)
        .idempotent();
    Routes::of("point-site").on(get("/staff/gift-codes", READ.code()), list).on(upload, receive)
}

#[derive(Template)]
#[template(path = "gift_code/page.html")]
struct Main<'a> {
    words: Words<'a>,
    notice: Option<Notice>,
    form: Option<(TextField, Button, Button)>,
    stock: Option<Table>,
    none: EmptyState,
    history: Option<Table>,
}

/// What the page is to say above.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    added: Option<u32>,
    #[serde(default)]
    known: Option<u32>,
    #[serde(default)]
    again: Option<u8>,
}

async fn list(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    permit(&site, &who, READ)?;
    let words = view.words();
    let notice = match (asked.again, asked.added) {
        (Some(_), _) => {
            Some(Notice::new(Tone::Wait, words.get("gift-again"), words.get("gift-again-text")))
        }
        (None, Some(added)) => {
            let args = [
                ("added", added.to_string().into()),
                ("known", asked.known.unwrap_or(0).to_string().into()),
            ];
            Some(Notice::new(
                Tone::Good,
                words.get("gift-added"),
                words.with("gift-added-text", &args),
            ))
        }
        (None, None) => None,
    };
    page(&site, &view, &who, notice, StatusCode::OK, "").await
}

async fn page(
    site: &Site,
    view: &View,
    who: &Authenticated,
    notice: Option<Notice>,
    status: StatusCode,
    pool: &str,
) -> Result<Response, Problem> {
    let company = site.config().company;
    let (stock, imports) = site
        .read(move |reader| {
            Ok((read_stock(reader, company)?, list_imports(reader, company, HISTORY)?))
        })
        .await?;
    let words = view.words();
    let shelves: Vec<&ShelfCount> = stock.values().collect();
    let low = site.config().exchange.stock_low;
    let main = Main {
        words,
        notice,
        form: who.needs().contains(Need::PayoutManage).then(|| {
            let field = TextField::new(words, "pool", words.get("gift-pool"))
                .hint(words.get("gift-pool-hint"))
                .value(pool)
                .characters_max(64);
            let check = Button::new(words.get("gift-check")).weight(Weight::Quiet);
            (
                field,
                check.choice("do", "check"),
                Button::new(words.get("gift-take")).choice("do", "take"),
            )
        }),
        stock: (!shelves.is_empty()).then(|| stock_table(words, &shelves, low)),
        none: EmptyState::new(words.get("gift-none"), words.get("gift-none-text")),
        history: (!imports.is_empty()).then(|| history(words, &imports)),
    };
    let nav = (site.config().staff_nav)(view, who.needs());
    Ok(view.page(words.get("gift-title")).nav(nav).status(status).show(&main))
}

fn stock_table(words: Words<'_>, shelves: &[&ShelfCount], low: u32) -> Table {
    let columns = vec![
        Column::text(words.get("gift-pool")),
        Column::figures(words.get("gift-value")),
        Column::figures(words.get("gift-free")),
        Column::figures(words.get("gift-given")),
        Column::text(words.get("gift-stock-state")),
    ];
    let mut shelves = shelves.to_vec();
    shelves.sort_by(|one, other| (&one.pool, one.value).cmp(&(&other.pool, other.value)));
    let rows = shelves.into_iter().map(|shelf| {
        let (tone, key) = match shelf.free {
            0 => (Tone::Bad, "gift-stock-empty"),
            free if free < low => (Tone::Wait, "gift-stock-low"),
            _enough => (Tone::Good, "gift-stock-well"),
        };
        let yen = UnitCode::parse("JPY").map(|unit| value_text(words, shelf.value, unit));
        vec![
            shelf.pool.as_str().into(),
            yen.unwrap_or_default().into(),
            shelf.free.to_string().into(),
            shelf.given.to_string().into(),
            Badge::new(tone, words.get(key)).into(),
        ]
    });
    Table::new(words.get("gift-stock"), columns).rows(rows)
}

fn history(words: Words<'_>, imports: &[Import]) -> Table {
    let columns = vec![
        Column::text(words.get("report-file")),
        Column::text(words.get("gift-pool")),
        Column::times(words.get("report-uploaded")),
        Column::figures(words.get("gift-new")),
        Column::figures(words.get("gift-known")),
    ];
    let rows = imports.iter().map(|import| {
        vec![
            Cell::from(import.file_name.as_str()),
            import.pool.as_str().into(),
            Zone::JAPAN.format_minute(import.at).into(),
            import.added.to_string().into(),
            import.known.to_string().into(),
        ]
    });
    Table::new(words.get("gift-history"), columns).rows(rows)
}

async fn receive(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    upload: Upload,
) -> Result<Response, Problem> {
    permit(&site, &who, Need::PayoutManage)?;
    let words = view.words();
    let typed = upload.field("pool").unwrap_or_default().trim().to_owned();
    let refused = |key: &str, text: String| Notice::new(Tone::Bad, words.get(key), text);
    let wrong = StatusCode::UNPROCESSABLE_ENTITY;
    let Ok(pool) = Token::parse(&typed) else {
        let notice = refused("gift-wrong-pool", words.get("gift-pool-hint").into_owned());
        return page(&site, &view, &who, Some(notice), wrong, &typed).await;
    };
    let dry_run = if upload.field("do") == Some("take") { DryRun::No } else { DryRun::Only };
    let Some(file) = upload.file else {
        let notice = refused("gift-wrong-file", words.get("gift-choose-hint").into_owned());
        return page(&site, &view, &who, Some(notice), wrong, &typed).await;
    };
    let (file_name, bytes) = (file.name, file.bytes.to_vec());
    let uploaded = UploadedCodes { pool, file_name, bytes, by: who.actor() };
    let shared = site.clone();
    let done = off_thread(move || import_codes(&shared, &uploaded, dry_run)).await.or_problem()?;
    let (key, text) = match done {
        Ok(receipt) if dry_run == DryRun::Only => {
            // Nothing is changed, so that there is nothing to go on to: the answer is the page.
            let args = [
                ("added", receipt.added.to_string().into()),
                ("known", receipt.known.to_string().into()),
                ("repeated", receipt.repeated.to_string().into()),
            ];
            let text = words.with("gift-checked-text", &args);
            let notice = Notice::new(Tone::Plain, words.get("gift-checked"), text);
            return page(&site, &view, &who, Some(notice), StatusCode::OK, &typed).await;
        }
        Ok(receipt) if receipt.again => {
            return Ok(Redirect::to("/staff/gift-codes?again=1").into_response());
        }
        Ok(receipt) => {
            let (added, known) = (receipt.added, receipt.known);
            let address = format!("/staff/gift-codes?added={added}&known={known}");
            return Ok(Redirect::to(&address).into_response());
        }
        Err(CodeListError::Database(fault)) => return Err(faulted(&fault)),
        Err(CodeListError::HeadingMissing) => {
            ("gift-wrong-heading", words.get("gift-choose-hint").into_owned())
        }
        Err(CodeListError::Empty) => {
            ("gift-wrong-empty", words.get("gift-choose-hint").into_owned())
        }
        Err(CodeListError::TooLong) => {
            ("gift-wrong-long", words.get("gift-wrong-long-next").into_owned())
        }
        Err(CodeListError::Lines(lines)) => {
            let lines: Vec<String> = lines.iter().map(u32::to_string).collect();
            let text = words.with("gift-wrong-lines-next", &[("lines", lines.join(", ").into())]);
            ("gift-wrong-lines", text)
        }
    };
    page(&site, &view, &who, Some(refused(key, text)), wrong, &typed).await
}
