//! The page frame: what every page has around its main part.
//!
//! A handler takes [`View`], renders its own template with [`View::words`], and answers
//! `view.page(title).nav(items).show(&main)`.

use std::sync::Arc;

use askama::Template;
use axum::{
    body::Body,
    extract::{FromRequestParts, State},
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header, request::Parts},
    response::{IntoResponse as _, Response},
};

use crate::{
    assets::Assets,
    context::RequestContext,
    cookie::{Lifetime, choice_cookie, find_cookie},
    extract::Path,
    problem::{INTERNAL_FAULT, NOT_FOUND, Problem, ProblemKind},
    route::{Routes, get},
    texts::{LANGUAGE_COOKIE, Language, Texts, Words},
};

/// A year in seconds, for the language a person chose.
const YEAR_S: u32 = 31_536_000;

/// What all pages share; built once at start.
#[derive(Debug)]
pub struct Frame {
    texts: Texts,
    assets: Assets,
    problems: Vec<&'static ProblemKind>,
    footer: Vec<FooterLink>,
}

/// A link at the foot of every page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FooterLink {
    /// The key of the text that people read.
    pub text: &'static str,
    /// Where it leads.
    pub href: String,
}

impl Frame {
    /// Takes the texts and files of all features and every kind of problem there is.
    pub fn new(texts: Texts, assets: Assets, problems: &[&[&'static ProblemKind]]) -> Self {
        let mut problems = problems.concat();
        problems.sort_by_key(|kind| kind.code);
        Self { texts, assets, problems, footer: Vec::new() }
    }

    /// Sets the links at the foot of every page.
    pub fn footer(mut self, links: Vec<FooterLink>) -> Self {
        self.footer = links;
        self
    }

    /// Gives the texts.
    pub const fn texts(&self) -> &Texts {
        &self.texts
    }

    /// Gives the static files.
    pub const fn assets(&self) -> &Assets {
        &self.assets
    }

    /// Gives the frame's own routes: static files and the pages of problems.
    pub fn routes(self: &Arc<Self>) -> Routes {
        Routes::of("web")
            .on(get("/static/{name}", "public"), asset)
            .on(get("/problems", "public"), problem_list_page)
            .on(get("/problems/{code}", "public"), problem_kind_page)
            .with_state(self)
    }
}

fn problem_text(words: Words<'_>, kind: &ProblemKind, part: &str) -> Option<String> {
    words.find(&format!("problem-{}{part}", kind.code)).map(std::borrow::Cow::into_owned)
}

/// How one person sees pages: the frame, their language and where they are; an extractor.
#[derive(Clone, Debug)]
pub struct View {
    frame: Arc<Frame>,
    language: Language,
    chosen: bool,
    uri: Uri,
    headers: HeaderMap,
}

impl View {
    pub(crate) fn of(frame: &Arc<Frame>, uri: &Uri, headers: &HeaderMap) -> Self {
        Self {
            frame: Arc::clone(frame),
            language: Language::choose(uri.query(), headers),
            chosen: Language::in_query(uri.query()).is_some(),
            uri: uri.clone(),
            headers: headers.clone(),
        }
    }

    /// Gives the texts in the person's language.
    pub fn words(&self) -> Words<'_> {
        self.frame.texts.words(self.language)
    }

    /// Gives the person's language.
    pub const fn language(&self) -> Language {
        self.language
    }

    /// Gives the path the person is at.
    pub fn path(&self) -> &str {
        self.uri.path()
    }

    /// Tells whether the person's browser sent a cookie of this name; it may be worth nothing.
    pub fn has_cookie(&self, name: &str) -> bool {
        find_cookie(&self.headers, name).is_some()
    }

    /// Gives the address of a static file by its plain name.
    pub fn asset(&self, name: &str) -> String {
        self.frame.assets.address(name)
    }

    /// Begins a page. It is not kept by caches unless [`Page::cache_s`] says so.
    pub fn page(&self, title: impl Into<String>) -> Page<'_> {
        Page {
            view: self,
            title: title.into(),
            nav: Vec::new(),
            home: None,
            brand: None,
            status: StatusCode::OK,
            cache_s: None,
        }
    }

    /// Renders a problem for a person: what happened, what to do next, which request.
    pub(crate) fn problem_page(
        &self,
        problem: &Problem,
        request_id: &str,
        nav: Vec<NavItem>,
    ) -> String {
        let words = self.words();
        let kind = problem.kind();
        let title = problem_text(words, kind, "").unwrap_or_else(|| kind.title.to_owned());
        let next = problem_text(words, kind, "-next").unwrap_or_else(|| kind.meaning.to_owned());
        let page = self.page(title.as_str()).nav(nav);
        page.html(&ProblemMain {
            words,
            status: kind.status.code(),
            title: &title,
            next: &next,
            detail: problem.detail_text(),
            errors: problem.errors(),
            home: page.home_address(),
            request_id,
        })
    }

    /// Gives this address in the other language.
    fn switch(&self) -> String {
        let mut query = form_urlencoded::Serializer::new(String::new());
        for (name, value) in form_urlencoded::parse(self.uri.query().unwrap_or("").as_bytes()) {
            if name != "lang" {
                query.append_pair(&name, &value);
            }
        }
        query.append_pair("lang", self.language.other().code());
        format!("{}?{}", self.uri.path(), query.finish())
    }
}

impl<S: Sync> FromRequestParts<S> for View {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        let context = RequestContext::of(parts)?;
        let frame = context.frame.as_ref().ok_or(Problem::new(&INTERNAL_FAULT))?;
        Ok(Self::of(frame, &parts.uri, &parts.headers))
    }
}

/// One entry of a page's navigation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NavItem {
    /// What people read.
    pub label: String,
    /// Where it leads.
    pub href: String,
    /// This is where the person is.
    pub current: bool,
    /// It stands apart from the others, beside the wordmark: the way in or out.
    pub apart: bool,
}

impl NavItem {
    /// Makes an entry, current when `path` is its address or below it.
    pub fn new(label: impl Into<String>, href: impl Into<String>, path: &str) -> Self {
        let href = href.into();
        let below = path.strip_prefix(href.as_str()).is_some_and(|rest| {
            rest.is_empty() || rest.starts_with('/') && !href.is_empty() && href != "/"
        });
        Self { label: label.into(), href, current: below, apart: false }
    }

    /// Sets it apart from the others.
    pub const fn apart(mut self) -> Self {
        self.apart = true;
        self
    }
}

/// A page in the making.
#[derive(Clone, Debug)]
pub struct Page<'a> {
    view: &'a View,
    title: String,
    nav: Vec<NavItem>,
    home: Option<&'a str>,
    brand: Option<&'a str>,
    status: StatusCode,
    cache_s: Option<u32>,
}

impl<'a> Page<'a> {
    /// Sets the navigation.
    pub fn nav(mut self, items: Vec<NavItem>) -> Self {
        self.nav = items;
        self
    }

    /// Sets where the wordmark leads; without it, where the navigation begins.
    pub const fn home(mut self, href: &'a str) -> Self {
        self.home = Some(href);
        self
    }

    fn home_address(&self) -> &str {
        self.home.or_else(|| self.nav.first().map(|item| item.href.as_str())).unwrap_or("/")
    }

    /// Adds a company's stylesheet by its plain name (`brand-hapi.css`).
    pub const fn brand(mut self, name: &'a str) -> Self {
        self.brand = Some(name);
        self
    }

    /// Answers with another status than 200, e.g. 422 for a form shown again.
    pub const fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// Lets caches keep the page for so many seconds; only for pages that are the same for all.
    pub const fn cache_s(mut self, seconds: u32) -> Self {
        self.cache_s = Some(seconds);
        self
    }

    /// Renders the whole page around its main part.
    ///
    /// A template that fails (none of ours does: they write into memory) gives an empty text.
    pub fn html(&self, main: &impl Template) -> String {
        let view = self.view;
        let layout = Layout {
            words: view.words(),
            title: &self.title,
            nav: &self.nav,
            home: self.home_address(),
            style: view.asset("app.css"),
            brand: self.brand.map(|name| view.asset(name)),
            icon: view.asset("icon.svg"),
            footer: &view.frame.footer,
            switch: view.switch(),
            other: view.language.other(),
            main: rendered(main),
        };
        rendered(&layout)
    }

    /// Answers with the page.
    pub fn show(self, main: &impl Template) -> Response {
        let mut response = Response::new(Body::from(self.html(main)));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        let html = HeaderValue::from_static("text/html; charset=utf-8");
        headers.insert(header::CONTENT_TYPE, html);
        headers.insert(header::VARY, HeaderValue::from_static("accept-language, cookie"));
        let keep = self.cache_s.map(|seconds| format!("public, max-age={seconds}"));
        let keep = keep.and_then(|text| HeaderValue::try_from(text).ok());
        headers.insert(header::CACHE_CONTROL, keep.unwrap_or(HeaderValue::from_static("no-store")));
        if self.view.chosen {
            let code = self.view.language.code();
            if let Ok(cookie) = choice_cookie(LANGUAGE_COOKIE, code, Lifetime::Seconds(YEAR_S)) {
                headers.append(header::SET_COOKIE, cookie);
            }
        }
        response
    }
}

pub(crate) fn rendered(template: &impl Template) -> String {
    template.render().unwrap_or_else(|error| {
        tracing::error!(error = %error, "render template");
        String::new()
    })
}

#[derive(Template)]
#[template(path = "layout.html")]
struct Layout<'a> {
    words: Words<'a>,
    title: &'a str,
    nav: &'a [NavItem],
    home: &'a str,
    style: String,
    brand: Option<String>,
    icon: String,
    footer: &'a [FooterLink],
    switch: String,
    other: Language,
    main: String,
}

#[derive(Template)]
#[template(path = "problem.html")]
struct ProblemMain<'a> {
    words: Words<'a>,
    status: u16,
    title: &'a str,
    next: &'a str,
    detail: Option<&'a str>,
    errors: &'a [crate::problem::FieldError],
    home: &'a str,
    request_id: &'a str,
}

#[derive(Template)]
#[template(path = "problem_list.html")]
struct ProblemListMain<'a> {
    words: Words<'a>,
    kinds: &'a [&'static ProblemKind],
}

#[derive(Template)]
#[template(path = "problem_kind.html")]
struct ProblemKindMain<'a> {
    words: Words<'a>,
    kind: &'a ProblemKind,
}

async fn asset(
    State(frame): State<Arc<Frame>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Response {
    frame.assets.answer(&name, &headers)
}

async fn problem_list_page(State(frame): State<Arc<Frame>>, view: View) -> Response {
    let main = ProblemListMain { words: view.words(), kinds: &frame.problems };
    view.page(view.words().get("problems-title")).cache_s(300).show(&main)
}

async fn problem_kind_page(
    State(frame): State<Arc<Frame>>,
    view: View,
    Path(code): Path<String>,
) -> Response {
    let Some(kind) = frame.problems.iter().find(|kind| kind.code == code) else {
        return Problem::new(&NOT_FOUND).into_response();
    };
    let main = ProblemKindMain { words: view.words(), kind };
    view.page(kind.title).cache_s(300).show(&main)
}
