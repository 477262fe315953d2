use askama::Template;

use crate::cap::Tally;
use crate::figure::per_cent;
use crate::offer::{
    Offer, OfferRefusal, OfferVersion, Repeat, Reward, SaveOffer, Shop, reward_text,
};
use crate::offer_editor::state::{OfferForm, Units, field_of};
use crate::shop_editor::{
    Desk, EditOffer, Errors, MANAGE, READ, Saved, error_text, find_shop, offer_address, refresh,
    standing_badge, status_of, summary,
};
use crate::site::Site;
use access::Authenticated;
use answers::faulted;
use vocabulary::{Amount, Id, Scale, Timestamp, Zone, kind};
use web::components::{
    Button, Cell, Column, ErrorSummary, FieldKind, Html, LinkButton, Notice, Progress, Select,
    Table, TextField, Tone, Weight,
};
use web::{
    Caller, Form, IntoResponse as _, Path, Problem, Query, Redirect, RequestContext, Response,
    Routes, State, StatusCode, View, Words, get, post, problems,
};

/// The staff's pages of an offer and its versions.
pub(crate) fn routes() -> Routes<Site> {
    let save = post("/staff/shops/{slug}/offers/{id}", MANAGE.code()).idempotent();
    Routes::of("point-site")
        .on(get("/staff/shops/{slug}/offers/{id}", READ.code()), show_offer)
        .on(save, save_version)
        .on(get("/staff/shops/{slug}/offers/{id}/new", MANAGE.code()), new_version)
}

/// The units that the form's figures are in: the site's points, and yen without decimals.
fn units(site: &Site) -> Units {
    Units { points: site.config().scale, commission: Scale::default() }
}

#[derive(Template)]
#[template(path = "offer_editor/page.html")]
struct OfferMain<'a> {
    words: Words<'a>,
    name: &'a str,
    notice: Option<Notice>,
    progress: Option<Vec<Progress>>,
    timeline: Table,
    versions: Table,
    actions: Vec<LinkButton>,
}

async fn show_offer(
    State(site): State<Site>,
    view: View,
    Path((slug, id)): Path<(String, Id<kind::Offer>)>,
    Caller(who): Caller<Authenticated>,
    Query(saved): Query<Saved>,
) -> Result<Response, Problem> {
    let desk = Desk::open(&site, &view, who, READ)?;
    let (words, now) = (desk.words(), site.now());
    let shelf = site.catalogue().shelf();
    let shop = find_shop(&shelf, &slug)?;
    let offer = shelf.offers.get(&id).filter(|offer| offer.shop == shop.id());
    let offer = offer.ok_or_else(|| Problem::new(&problems::NOT_FOUND))?;
    let link = |key: &str, href: String| LinkButton::new(words.get(key), href);
    let mut actions = Vec::new();
    if desk.may_manage() {
        actions.push(link("staff-version-new", format!("{}/new", offer_address(&slug, id))));
    }
    actions.extend([
        link("staff-preview", format!("/staff/shops/{slug}/preview")).weight(Weight::Quiet),
        link("staff-shop-back", format!("/staff/shops/{slug}")).weight(Weight::Quiet),
    ]);
    let notice = saved.saved.map(|version| {
        let title = words.with("staff-version-saved", &[("version", version.to_string().into())]);
        Notice::new(Tone::Good, title, words.get("staff-version-saved-text"))
    });
    let capped = offer.in_force(now).filter(|version| version.terms.caps.is_some());
    let main = OfferMain {
        words,
        name: shop.name.as_str(),
        notice,
        progress: capped.map(|v| cap_progress(words, v, shelf.tally(id, v.version))),
        timeline: timeline_table(&desk, offer),
        versions: version_table(&desk, offer),
        actions,
    };
    Ok(desk.show(shop.name.as_str(), StatusCode::OK, &main))
}

fn cap_progress(words: Words<'_>, version: &OfferVersion, tally: Tally) -> Vec<Progress> {
    let part = |key: &str, used: i64, max: i64| {
        let figure = |number: i64| Scale::default().format(number);
        let values = [("used", figure(used).into()), ("max", figure(max).into())];
        let size = |number: i64| u64::try_from(number).unwrap_or(0);
        let text = words.with("staff-cap-used", &values);
        Progress::new(words.get(key), text, size(used), size(max))
    };
    let caps = version.terms.caps;
    let count = caps.conversions_max.map(|max| {
        part("staff-field-conversions-max", i64::from(tally.conversions), i64::from(max))
    });
    let sum = caps.commission_max.map(|max| {
        let used = tally.commission.minor_units();
        part("staff-field-commission-max", used, max.minor_units())
    });
    count.into_iter().chain(sum).collect()
}

fn period(words: Words<'_>, from: Timestamp, to: Option<Timestamp>) -> String {
    let from = Zone::JAPAN.format_minute(from);
    let to = to
        .map_or_else(|| words.get("staff-no-end").into_owned(), |to| Zone::JAPAN.format_minute(to));
    words.with("staff-period", &[("from", from.into()), ("to", to.into())])
}

fn timeline_table(desk: &Desk<'_>, offer: &Offer) -> Table {
    let (words, scale) = (desk.words(), desk.site.config().scale);
    let columns = vec![
        Column::text(words.get("staff-timeline-period")),
        Column::text(words.get("staff-version")),
        Column::figures(words.get("offer-reward")),
    ];
    let spans = offer.timeline(desk.site.now());
    let rows = spans.iter().map(|span| {
        let version: Cell = match span.version {
            Some(version) => number(words, version.version).into(),
            None => words.get("staff-timeline-none").as_ref().into(),
        };
        let reward = span.version.map(|version| reward_text(words, scale, &version.terms));
        vec![
            period(words, span.starts_at, span.ends_at).into(),
            version,
            reward.map_or_else(|| "–".into(), Cell::from),
        ]
    });
    Table::new(words.get("staff-timeline"), columns).rows(rows)
}

fn number(words: Words<'_>, version: u32) -> String {
    words.with("staff-version-number", &[("version", version.to_string().into())])
}

/// What the network pays and what the member gets, in words.
fn parts(words: Words<'_>, scale: Scale, reward: Reward) -> String {
    let (network, member) = match reward {
        Reward::Fixed { network, member } => {
            let figure = |amount: Amount| scale.format(amount.minor_units());
            (figure(network), figure(member))
        }
        Reward::Rate { network, member } => {
            (format!("{}%", per_cent(network)), format!("{}%", per_cent(member)))
        }
    };
    words.with("staff-parts", &[("network", network.into()), ("member", member.into())])
}

fn version_table(desk: &Desk<'_>, offer: &Offer) -> Table {
    let (words, scale, now) = (desk.words(), desk.site.config().scale, desk.site.now());
    let columns = vec![
        Column::text(words.get("staff-version")),
        Column::text(words.get("report-state")),
        Column::text(words.get("staff-timeline-period")),
        Column::text(words.get("staff-parts-title")),
        Column::text(words.get("staff-terms")),
    ];
    let rows = offer.versions.iter().rev().map(|version| {
        let terms = &version.terms;
        let repeat = match terms.repeat {
            Repeat::Always => "offer-repeat",
            Repeat::Once => "offer-once",
        };
        let mut more = vec![words.get(repeat).into_owned()];
        if terms.guaranteed {
            more.push(words.get("offer-guarantee-badge").into_owned());
        }
        if !terms.tiers.is_empty() {
            more.push(words.with("staff-tiers-count", &[("count", terms.tiers.len().into())]));
        }
        if terms.caps.is_some() {
            more.push(words.get("staff-capped").into_owned());
        }
        vec![
            number(words, version.version).into(),
            standing_badge(words, offer.standing(version, now)).into(),
            period(words, version.starts_at, version.ends_at).into(),
            parts(words, scale, terms.reward).into(),
            more.join(" / ").into(),
        ]
    });
    Table::new(words.get("staff-versions"), columns).rows(rows)
}

#[derive(Template)]
#[template(path = "offer_editor/page_form.html")]
struct FormMain<'a> {
    words: Words<'a>,
    name: &'a str,
    errors: ErrorSummary,
    action: String,
    sections: Vec<Section>,
    send: Button,
    back: LinkButton,
}

/// Fields that belong together.
struct Section {
    title: String,
    note: Option<String>,
    fields: Vec<Html>,
}

async fn new_version(
    State(site): State<Site>,
    view: View,
    Path((slug, id)): Path<(String, Id<kind::Offer>)>,
    Caller(who): Caller<Authenticated>,
) -> Result<Response, Problem> {
    let desk = Desk::open(&site, &view, who, MANAGE)?;
    let shelf = site.catalogue().shelf();
    let shop = find_shop(&shelf, &slug)?;
    let now = site.now();
    let known = shelf.offers.get(&id).filter(|offer| offer.shop == shop.id());
    let last = known.and_then(|offer| offer.in_force(now).or_else(|| offer.versions.last()));
    let form = match last {
        Some(version) => OfferForm::of(version, units(&site), now),
        None => OfferForm::first(accounts(&site).into_iter().next().unwrap_or_default(), now),
    };
    Ok(version_page(&desk, id, shop, &form, &Errors::new()))
}

fn accounts(site: &Site) -> Vec<String> {
    let networks = site.config().networks.list();
    networks.iter().map(|n| format!("{}/{}", n.code.as_str(), n.account.as_str())).collect()
}

async fn save_version(
    State(site): State<Site>,
    view: View,
    context: RequestContext,
    Path((slug, id)): Path<(String, Id<kind::Offer>)>,
    Caller(who): Caller<Authenticated>,
    Form(form): Form<OfferForm>,
) -> Result<Response, Problem> {
    let desk = Desk::open(&site, &view, who, MANAGE)?;
    let shelf = site.catalogue().shelf();
    let shop = find_shop(&shelf, &slug)?;
    let draft = form.parse(units(&site)).and_then(|draft| {
        let terms = &draft.terms;
        let known = site.config().network(&terms.network, &terms.account).is_some();
        if known { Ok(draft) } else { Err(vec![("network", "choice")]) }
    });
    let draft = match draft {
        Ok(draft) => draft,
        Err(errors) => return Ok(version_page(&desk, id, shop, &form, &errors)),
    };
    let offer = SaveOffer {
        id,
        company: site.config().company,
        shop: shop.id(),
        terms: draft.terms,
        starts_at: draft.starts_at,
        ends_at: draft.ends_at,
    };
    let refusal: OfferRefusal =
        match site.run(EditOffer { editor: desk.editor(&context), offer }).await {
            Ok(Ok(version)) => {
                refresh(&site).await?;
                let address = format!("{}?saved={version}", offer_address(&slug, id));
                return Ok(Redirect::to(&address).into_response());
            }
            Ok(Err(refusal)) => refusal,
            Err(fault) => return Err(faulted(&fault)),
        };
    match field_of(refusal) {
        Some(field) => Ok(version_page(&desk, id, shop, &form, &vec![(field, refusal.code())])),
        None => Err(Problem::new(&problems::NOT_FOUND)),
    }
}

fn version_page(
    desk: &Desk<'_>,
    id: Id<kind::Offer>,
    shop: &Shop,
    form: &OfferForm,
    errors: &Errors,
) -> Response {
    let words = desk.words();
    let fields = Fields { words, errors };
    let slug = shop.slug.as_str();
    let main = FormMain {
        words,
        name: shop.name.as_str(),
        errors: summary(words, errors),
        action: offer_address(slug, id),
        sections: fields.sections(form, &accounts(desk.site)),
        send: Button::new(words.get("staff-version-send")),
        back: LinkButton::new(words.get("staff-shop-back"), format!("/staff/shops/{slug}"))
            .weight(Weight::Quiet),
    };
    desk.show(&words.get("staff-version-title"), status_of(errors), &main)
}

/// Makes the fields of a version.
struct Fields<'a> {
    words: Words<'a>,
    errors: &'a Errors,
}

impl Fields<'_> {
    fn sections(&self, form: &OfferForm, accounts: &[String]) -> Vec<Section> {
        let section = |key: &str, fields: Vec<Html>| Section {
            title: self.words.get(&format!("staff-section-{key}")).into_owned(),
            note: self
                .words
                .find(&format!("staff-section-{key}-note"))
                .map(std::borrow::Cow::into_owned),
            fields,
        };
        let account = |text: &String| (text.clone(), text.clone());
        let accounts: Vec<(String, String)> = accounts.iter().map(account).collect();
        let (moment, figure) = (FieldKind::Moment, FieldKind::Figure);
        vec![
            section(
                "period",
                vec![
                    self.text("starts_at", &form.starts_at, moment),
                    self.optional("ends_at", &form.ends_at, moment),
                ],
            ),
            section(
                "reward",
                vec![
                    self.choice("kind", &form.kind, &["rate", "fixed"]),
                    self.text("reward", &form.reward, figure),
                    self.text("member", &form.member, figure),
                    self.optional("tiers", &form.tiers, FieldKind::Lines),
                    self.choice("repeat", &form.repeat, &["always", "once"]),
                ],
            ),
            section(
                "caps",
                vec![
                    self.optional("conversions_max", &form.conversions_max, figure),
                    self.optional("commission_max", &form.commission_max, figure),
                ],
            ),
            section(
                "days",
                vec![
                    self.text("record_by_days", &form.record_by_days, figure),
                    self.text("decide_by_days", &form.decide_by_days, figure),
                    self.text("cookie_days", &form.cookie_days, figure),
                    self.choice("guaranteed", &form.guaranteed, &["no", "yes"]),
                ],
            ),
            section(
                "terms",
                vec![
                    self.optional("conditions", &form.conditions, FieldKind::Lines),
                    self.optional("rejections", &form.rejections, FieldKind::Lines),
                ],
            ),
            section(
                "network",
                vec![
                    Html::of(&self.select("network", &form.network, accounts)),
                    self.text("tracking_url", &form.tracking_url, FieldKind::Text),
                ],
            ),
        ]
    }

    fn key(name: &str) -> String {
        format!("staff-field-{}", name.replace('_', "-"))
    }

    fn field(&self, name: &str, value: &str, kind: FieldKind) -> TextField {
        let key = Self::key(name);
        let hint = self.words.find(&format!("{key}-hint")).unwrap_or_default();
        TextField::new(self.words, name, self.words.get(&key))
            .kind(kind)
            .hint(hint)
            .value(value)
            .error(error_text(self.words, self.errors, name))
    }

    fn text(&self, name: &str, value: &str, kind: FieldKind) -> Html {
        Html::of(&self.field(name, value, kind))
    }

    fn optional(&self, name: &str, value: &str, kind: FieldKind) -> Html {
        Html::of(&self.field(name, value, kind).optional(self.words))
    }

    fn choice(&self, name: &str, chosen: &str, codes: &[&str]) -> Html {
        let key = Self::key(name);
        let label = |code: &&str| {
            let text = self.words.get(&format!("{key}-{code}")).into_owned();
            ((*code).to_owned(), text)
        };
        Html::of(&self.select(name, chosen, codes.iter().map(label).collect()))
    }

    fn select(&self, name: &str, chosen: &str, choices: Vec<(String, String)>) -> Select {
        let key = Self::key(name);
        let hint = self.words.find(&format!("{key}-hint")).unwrap_or_default();
        Select::new(name, self.words.get(&key), choices)
            .chosen(chosen)
            .hint(hint)
            .error(error_text(self.words, self.errors, name))
    }
}
