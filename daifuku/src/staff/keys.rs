use std::sync::Arc;

use askama::Template;

use super::home::need_name;
use crate::{guard::FormProof, house::House, navigation};
use access::{
    ApiKey, ApiKeyText, Authenticated, ChangeApiKey, ChangeApiKeyRefusal, KeyChange, Need, NeedSet,
    Resource, authorize, list_api_keys,
};
use answers::{OrProblem as _, ask, off_thread, read, refused};
use vocabulary::{Day, Id, IdSource as _, Label, Timestamp, Zone, kind};
use web::{
    Caller, Form, HeaderMap, IntoResponse as _, Path, Problem, RequestContext, Response, Routes,
    State, StatusCode, View, Words,
    components::{
        Badge, Button, Cell, Column, EmptyState, ErrorSummary, FieldKind, FormToken, Html, Notice,
        Table, TextField, Tone, Weight,
    },
    get, header, post, problems,
};

/// For how long the old secrets of a rotated key go on: a working day to deploy the new one.
const OVERLAP_SECONDS: u32 = 86_400;

/// The doors to a company's API keys.
pub(super) fn routes(house: &House) -> Routes {
    Routes::of("daifuku")
        .on(get("/staff/keys", Need::KeyRead.code()), show)
        .on(post("/staff/keys", Need::KeyManage.code()), create)
        .on(post("/staff/keys/{id}/rotate", Need::KeyManage.code()), rotate)
        .on(post("/staff/keys/{id}/revoke", Need::KeyManage.code()), revoke)
        .with_state(house)
}

type Pairs = Vec<(String, String)>;

/// Who looks at the page, and what proves their forms.
struct Looking<'a> {
    view: &'a View,
    who: Authenticated,
    proof: &'a FormProof,
}

/// What became of a form, to be told on the page.
#[derive(Default)]
struct Told {
    /// A new secret, shown this once.
    secret: Option<String>,
    errors: Vec<(&'static str, String)>,
    filled: Pairs,
}

#[derive(Template)]
#[template(path = "staff/keys.html")]
struct KeysMain<'a> {
    words: Words<'a>,
    secret: Option<Notice>,
    secret_text: String,
    keys: Html,
    may_manage: bool,
    errors: ErrorSummary,
    token: FormToken,
    label: TextField,
    expires_on: TextField,
    needs_error: &'a str,
    choices: Vec<Choice>,
    send: Button,
}

struct Choice {
    code: &'static str,
    name: String,
    chosen: bool,
}

async fn show(
    State(house): State<House>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Caller(proof): Caller<FormProof>,
) -> Result<Response, Problem> {
    page(&house, &Looking { view: &view, who, proof: &proof }, Told::default()).await
}

async fn page(house: &House, looking: &Looking<'_>, told: Told) -> Result<Response, Problem> {
    let (view, company) = (looking.view, looking.who.company());
    let words = view.words();
    let keys = read(house.store.database(), move |reader| list_api_keys(reader, company))
        .await
        .or_problem()?;
    let may_manage = looking.who.needs().contains(Need::KeyManage);
    let filled = |name: &str| {
        let pair = told.filled.iter().find(|(known, _)| known == name);
        pair.map_or("", |(_, value)| value.as_str())
    };
    let error = |name: &str| {
        let error = told.errors.iter().find(|(known, _)| *known == name);
        error.map_or("", |(_, text)| text.as_str())
    };
    let errors =
        told.errors.iter().map(|(name, text)| ((*name).to_owned(), text.clone())).collect();
    let grantable = Need::ALL.iter().filter(|need| need.grantable());
    let main = KeysMain {
        words,
        secret: told.secret.is_some().then(|| {
            Notice::new(Tone::Wait, words.get("keys-secret"), words.get("keys-secret-once"))
        }),
        secret_text: told.secret.clone().unwrap_or_default(),
        keys: table(words, &keys, may_manage.then_some(looking.proof), house.world.clock.now()),
        may_manage,
        errors: ErrorSummary::new(words, errors),
        token: looking.proof.field(),
        label: TextField::new(words, "label", words.get("keys-label"))
            .hint(words.get("keys-label-hint"))
            .value(filled("label"))
            .error(error("label")),
        expires_on: TextField::new(words, "expires_on", words.get("keys-expires"))
            .kind(FieldKind::Day)
            .optional(words)
            .value(filled("expires_on"))
            .error(error("expires_on")),
        needs_error: error("need"),
        choices: grantable
            .map(|need| Choice {
                code: need.code(),
                name: need_name(words, need.code()),
                chosen: told
                    .filled
                    .iter()
                    .any(|(name, code)| name == "need" && code == need.code()),
            })
            .collect(),
        send: Button::new(words.get("keys-create")),
    };
    let status =
        if told.errors.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let title = words.get("staff-page-keys");
    let nav = navigation::of_staff(view, looking.who.needs());
    Ok(view.page(title).nav(nav).status(status).show(&main))
}

/// What a key may do: how much at first, and all of it for whoever wants to know.
#[derive(Template)]
#[template(path = "staff/keys_needs.html")]
struct Needs {
    count: String,
    names: Vec<String>,
}

impl Needs {
    fn of(words: Words<'_>, needs: NeedSet) -> Self {
        let names: Vec<_> = needs.iter().map(|need| need_name(words, need.code())).collect();
        let count = words.with("keys-needs-count", &[("count", names.len().into())]);
        Self { count, names }
    }
}

#[derive(Template)]
#[template(path = "staff/keys_actions.html")]
struct Actions {
    id: String,
    token: FormToken,
    rotate: Button,
    revoke: Button,
}

fn table(words: Words<'_>, keys: &[ApiKey], proof: Option<&FormProof>, now: Timestamp) -> Html {
    if keys.is_empty() {
        let empty = EmptyState::new(words.get("keys-none"), words.get("keys-none-text"));
        return Html::of(&empty);
    }
    let columns = vec![
        Column::text(words.get("keys-label")),
        Column::text(words.get("keys-standing")),
        Column::text(words.get("keys-needs")),
        Column::times(words.get("keys-created")),
        Column::times(words.get("keys-expires")),
        Column::times(words.get("keys-used")),
        Column::text(words.get("keys-actions")),
    ];
    let day = |at: Timestamp| Zone::JAPAN.day_of(at).to_string();
    let rows = keys.iter().map(|key| -> Vec<Cell> {
        let (tone, standing) = standing(key, now);
        let actions = proof.filter(|_| key.revoked_at.is_none()).map(|proof| {
            Html::of(&Actions {
                id: key.id.to_string(),
                token: proof.field(),
                rotate: Button::new(words.get("keys-rotate")).weight(Weight::Quiet),
                revoke: Button::new(words.get("keys-revoke")).weight(Weight::Danger),
            })
        });
        vec![
            key.label.as_str().into(),
            Badge::new(tone, words.get(standing)).into(),
            Html::of(&Needs::of(words, key.needs)).into(),
            day(key.created_at).into(),
            key.expires_at.map_or_else(String::new, day).into(),
            key.last_used_on.map_or_else(String::new, |day| day.to_string()).into(),
            actions.unwrap_or_default().into(),
        ]
    });
    Html::of(&Table::new(words.get("keys-issued"), columns).rows(rows))
}

fn standing(key: &ApiKey, now: Timestamp) -> (Tone, &'static str) {
    match (key.revoked_at, key.expires_at) {
        (Some(_), _) => (Tone::Bad, "keys-revoked"),
        (None, Some(end)) if end <= now => (Tone::Bad, "keys-expired"),
        (None, _) => (Tone::Good, "keys-open"),
    }
}

async fn create(
    State(house): State<House>,
    context: RequestContext,
    headers: HeaderMap,
    view: View,
    Caller(who): Caller<Authenticated>,
    (Caller(proof), Form(pairs)): (Caller<FormProof>, Form<Pairs>),
) -> Result<Response, Problem> {
    proof.check_pairs(&headers, &pairs)?;
    let looking = Looking { view: &view, who, proof: &proof };
    let text = ApiKeyText::draw(&mut house.world.chance.clone());
    let change = match parse(&pairs, &text, &house, view.words()) {
        Ok(change) => change,
        Err(errors) => {
            return page(&house, &looking, Told { errors, filled: pairs, secret: None }).await;
        }
    };
    let id = house.world.chance.clone().next_id(house.world.clock.now());
    match decide(&house, &context, who, id, change).await? {
        Ok(()) => {
            let told = Told { secret: Some(text.expose()), ..Told::default() };
            page(&house, &looking, told).await
        }
        Err(ChangeApiKeyRefusal::NeedsUnfit) => {
            let errors = vec![("need", view.words().get("keys-needs-none").into_owned())];
            page(&house, &looking, Told { errors, filled: pairs, secret: None }).await
        }
        Err(refusal @ (ChangeApiKeyRefusal::IdTaken | ChangeApiKeyRefusal::NotFound)) => {
            Err(refused(refusal.kind()))
        }
    }
}

/// Reads the form of a new key, or says what is wrong with which field.
fn parse(
    pairs: &Pairs,
    text: &ApiKeyText,
    house: &House,
    words: Words<'_>,
) -> Result<KeyChange, Vec<(&'static str, String)>> {
    let field = |name: &str| {
        let pair = pairs.iter().find(|(known, _)| known == name);
        pair.map_or("", |(_, value)| value.trim())
    };
    let mut errors = Vec::new();
    let label = Label::parse(field("label"));
    if label.is_err() {
        errors.push(("label", words.get("keys-label-wrong").into_owned()));
    }
    let expires_at = match field("expires_on") {
        "" => Ok(None),
        // The key is good through that day.
        day => Day::parse(day).map(|day| Some(Zone::JAPAN.start_of(day.plus_days(1)))),
    };
    let now = house.world.clock.now();
    if !expires_at.is_ok_and(|end| end.is_none_or(|end| end > now)) {
        errors.push(("expires_on", words.get("keys-expires-wrong").into_owned()));
    }
    let needs = pairs.iter().filter(|(name, _)| name == "need");
    let needs = needs.filter_map(|(_, code)| Need::parse(code)).collect();
    match (label, expires_at) {
        (Ok(label), Ok(expires_at)) if errors.is_empty() => Ok(KeyChange::Create {
            label,
            needs,
            expires_at,
            public_id: text.public_id(),
            hash: text.hash(),
        }),
        (Ok(_) | Err(_), _) => Err(errors),
    }
}

async fn rotate(
    State(house): State<House>,
    context: RequestContext,
    headers: HeaderMap,
    (view, Path(id)): (View, Path<Id<kind::ApiKey>>),
    (Caller(who), Caller(proof)): (Caller<Authenticated>, Caller<FormProof>),
    Form(pairs): Form<Pairs>,
) -> Result<Response, Problem> {
    proof.check_pairs(&headers, &pairs)?;
    let text = ApiKeyText::draw(&mut house.world.chance.clone());
    let change = KeyChange::Rotate {
        public_id: text.public_id(),
        hash: text.hash(),
        overlap_seconds: OVERLAP_SECONDS,
    };
    let decision = decide(&house, &context, who, id, change).await?;
    decision.map_err(|refusal| refused(refusal.kind()))?;
    let told = Told { secret: Some(text.expose()), ..Told::default() };
    page(&house, &Looking { view: &view, who, proof: &proof }, told).await
}

async fn revoke(
    State(house): State<House>,
    context: RequestContext,
    headers: HeaderMap,
    Path(id): Path<Id<kind::ApiKey>>,
    (Caller(who), Caller(proof)): (Caller<Authenticated>, Caller<FormProof>),
    Form(pairs): Form<Pairs>,
) -> Result<Response, Problem> {
    proof.check_pairs(&headers, &pairs)?;
    let decision = decide(&house, &context, who, id, KeyChange::Revoke).await?;
    decision.map_err(|refusal| refused(refusal.kind()))?;
    Ok((StatusCode::SEE_OTHER, [(header::LOCATION, "/staff/keys")]).into_response())
}

/// Changes a key of the caller's own company, and learns of the change.
async fn decide(
    house: &House,
    context: &RequestContext,
    who: Authenticated,
    key: Id<kind::ApiKey>,
    change: KeyChange,
) -> Result<Result<(), ChangeApiKeyRefusal>, Problem> {
    let company = who.company();
    let request = Id::parse(context.request_id.as_str()).ok();
    let command = ChangeApiKey { by: who, request, company, key, change };
    let authorized = authorize(&who, Need::KeyManage, Resource::Company(company), command);
    let authorized = authorized.map_err(|_denied| Problem::new(&problems::FORBIDDEN))?;
    let decision = ask(&house.store, authorized.into_command()).await.or_problem()?;
    let (keys, database) = (Arc::clone(&house.keys), house.store.database().clone());
    off_thread(move || keys.refresh(&database)).await.flatten().or_problem()?;
    Ok(decision.map(drop))
}
