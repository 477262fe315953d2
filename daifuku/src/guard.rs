//! Decides who comes in: by API key, by session, or not at all.
//!
//! | a route's need | who comes in |
//! |---|---|
//! | `public` | everybody |
//! | `visitor.member` | everybody; a member who is signed in is known |
//! | `ops.network` | the addresses of the setting `server.metrics_from` |
//! | `session.member`, `session.staff` | whoever is signed in there, whatever their role |
//! | `pending.member`, `pending.staff` | also before the second step of signing in |
//! | a need of `access` | an API key or a session that meets it |
//!
//! A handler finds [`Authenticated`], [`SignedIn`] and [`FormProof`] as its [`web::Caller`]. A
//! browser that is not signed in gets the page to sign in at the address that it asked for.
//!
//! Forms: a request that changes something and comes with a cookie must say, in `Sec-Fetch-Site` or
//! `Origin`, that it comes from our own page; a browser that says neither is turned away. Cookies
//! are `SameSite=Lax` and bound to the host besides. Forms of this package carry a token as well.

use core::fmt::Write as _;
use std::sync::{Arc, OnceLock};

use axum::http::{Uri, request::Parts};

use crate::{config::Config, house::House, navigation, sign_in::sign_in_address};
use access::{
    Authenticated, KeyRing, Need, NeedSet, Realm, SessionRefusal, Sessions, SignedIn, Stage,
};
use answers::{faulted, refused};
use store::{Database, Fault};
use vocabulary::{Clock, Timestamp};
use web::{
    Admission, Bearer, CSRF_FIELD, CsrfKey, CsrfRefusal, HeaderMap, Method, NavItem, Problem,
    RequestContext, Route, View, components::FormToken, csrf, find_cookie, header, problems,
};

/// What a route asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entrance {
    Public,
    Visitor,
    Network,
    Session(Realm),
    Pending(Realm),
    Need(Need),
}

impl Entrance {
    /// Reads a route's need; `None` for a word that is no need, which opens to nobody.
    fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "public" => Self::Public,
            "visitor.member" => Self::Visitor,
            ops::NETWORK => Self::Network,
            "session.member" => Self::Session(Realm::Member),
            "session.staff" => Self::Session(Realm::Staff),
            "pending.member" => Self::Pending(Realm::Member),
            "pending.staff" => Self::Pending(Realm::Staff),
            word => Self::Need(Need::parse(word)?),
        })
    }

    /// Tells whose session opens it, when a session does.
    const fn realm(self) -> Option<Realm> {
        match self {
            Self::Public | Self::Visitor | Self::Network => None,
            Self::Session(realm) | Self::Pending(realm) => Some(realm),
            Self::Need(Need::MemberSelf) => Some(Realm::Member),
            Self::Need(_) => Some(Realm::Staff),
        }
    }
}

/// Tells whether a route's need is one that this guard knows.
pub fn is_known_need(word: &str) -> bool {
    Entrance::parse(word).is_some()
}

/// Proof that a form comes from a page that this session was shown.
#[derive(Clone, Debug)]
pub struct FormProof {
    key: CsrfKey,
    session: String,
}

impl FormProof {
    fn new(key: &CsrfKey, signed_in: &SignedIn) -> Self {
        let mut session = String::with_capacity(64);
        for byte in signed_in.session().to_bytes() {
            let _infallible = write!(session, "{byte:02x}");
        }
        Self { key: key.clone(), session }
    }

    /// Gives the hidden field for a form.
    pub fn field(&self) -> FormToken {
        FormToken::new(csrf::token(&self.key, &self.session))
    }

    /// Checks the field of a form that was sent.
    ///
    /// # Errors
    ///
    /// [`CsrfRefusal`].
    pub fn check(&self, headers: &HeaderMap, token: &str) -> Result<(), CsrfRefusal> {
        csrf::check(&Method::POST, headers, &self.key, &self.session, Some(token))
    }

    /// Checks the field among the pairs of a form.
    ///
    /// # Errors
    ///
    /// [`CsrfRefusal`].
    pub fn check_pairs(
        &self,
        headers: &HeaderMap,
        pairs: &[(String, String)],
    ) -> Result<(), CsrfRefusal> {
        let field = pairs.iter().find(|(name, _)| name == CSRF_FIELD);
        self.check(headers, field.map_or("", |(_, token)| token))
    }
}

/// A request for another page, which shows the page to sign in instead: it is answered 401.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unbidden;

/// What the look into the database gave.
#[derive(Clone)]
struct LookedUp(Arc<OnceLock<Result<Result<SignedIn, SessionRefusal>, Fault>>>);

/// The guard of the door.
#[derive(Clone, Debug)]
pub struct Guard {
    config: Arc<Config>,
    clock: Arc<dyn Clock>,
    keys: Arc<KeyRing>,
    sessions: Arc<Sessions>,
    database: Database,
    csrf: CsrfKey,
}

impl web::Guard for Guard {
    fn admit(&self, route: &Route, parts: &mut Parts) -> Admission {
        let Some(entrance) = Entrance::parse(route.need()) else {
            let need = route.need();
            tracing::error!(http.route = route.path(), "the need {need} is not known");
            return denied(Problem::new(&problems::FORBIDDEN));
        };
        match entrance.realm() {
            Some(realm) => self.admit_somebody(entrance, realm, parts),
            None if entrance == Entrance::Network => self.admit_network(parts),
            None if entrance == Entrance::Visitor => self.admit_visitor(parts),
            None => Admission::Granted,
        }
    }

    fn navigation(&self, view: &View, headers: &HeaderMap) -> Vec<NavItem> {
        let cookie = |realm: Realm| find_cookie(headers, realm.cookie());
        let console = view.path() == "/staff" || view.path().starts_with("/staff/");
        if !console && (cookie(Realm::Member).is_some() || cookie(Realm::Staff).is_none()) {
            return navigation::of_member(view);
        }
        let now = self.clock.now();
        let needs = cookie(Realm::Staff)
            .and_then(|cookie| self.sessions.find_cached(Realm::Staff, cookie, now)?.ok())
            .and_then(|signed_in| Some(signed_in.authenticated().ok()?.needs()));
        // Whoever is not known right now is led home, where the rest is.
        navigation::of_staff(view, needs.unwrap_or(NeedSet::NONE))
    }
}

impl Guard {
    /// Takes what it needs of the house.
    pub fn of(house: &House) -> Self {
        Self {
            config: Arc::clone(&house.config),
            clock: Arc::clone(&house.world.clock),
            keys: Arc::clone(&house.keys),
            sessions: Arc::clone(&house.sessions),
            database: house.store.database().clone(),
            csrf: house.csrf_key(),
        }
    }

    fn admit_network(&self, parts: &Parts) -> Admission {
        let client = parts.extensions.get::<RequestContext>().map(|context| context.client);
        match client {
            Some(client) if self.config.server_metrics_from.contain(client) => Admission::Granted,
            // Whoever may not look need not know that something is here.
            Some(_) | None => denied(Problem::new(&problems::NOT_FOUND)),
        }
    }

    /// Lets anyone in, and a member who is signed in as themselves. A session that is not good, or
    /// a database that does not answer, is no reason to show nothing.
    fn admit_visitor(&self, parts: &mut Parts) -> Admission {
        let realm = Realm::Member;
        let now = self.clock.now();
        let found = match parts.extensions.remove::<LookedUp>() {
            Some(LookedUp(slot)) => slot.get().and_then(|found| found.as_ref().ok().copied()),
            None => match find_cookie(&parts.headers, realm.cookie()) {
                None => return Admission::Granted,
                Some(cookie) => match self.sessions.find_cached(realm, cookie, now) {
                    None => return self.ask_database(realm, now, parts),
                    found => found,
                },
            },
        };
        if let Some(Ok(signed_in)) = found
            && let Ok(who) = signed_in.authenticated()
        {
            parts.extensions.insert(*who);
        }
        Admission::Granted
    }

    fn admit_somebody(&self, entrance: Entrance, realm: Realm, parts: &mut Parts) -> Admission {
        if let (Entrance::Need(need), Some(key)) = (entrance, Bearer::find(&parts.headers)) {
            return self.admit_key(need, &key, parts);
        }
        if !parts.method.is_safe()
            && let Err(refusal) = csrf::check_origin(&parts.headers)
            && find_cookie(&parts.headers, realm.cookie()).is_some()
        {
            return denied(refusal.into());
        }
        let now = self.clock.now();
        let found = match parts.extensions.remove::<LookedUp>() {
            Some(LookedUp(slot)) => slot.get().map(|found| match found {
                Ok(found) => Ok(*found),
                Err(fault) => Err(Box::new(faulted(fault))),
            }),
            None => match find_cookie(&parts.headers, realm.cookie()) {
                None => {
                    return turn_away(
                        Problem::new(&problems::UNAUTHENTICATED),
                        realm,
                        Stage::Full,
                        parts,
                    );
                }
                Some(cookie) => self.sessions.find_cached(realm, cookie, now).map(Ok),
            },
        };
        match found {
            None => self.ask_database(realm, now, parts),
            Some(Err(problem)) => Admission::Denied(problem),
            Some(Ok(Err(refusal))) => turn_away(refused(refusal.kind()), realm, Stage::Full, parts),
            Some(Ok(Ok(signed_in))) => self.admit_session(entrance, realm, signed_in, parts),
        }
    }

    fn admit_key(&self, need: Need, key: &Bearer, parts: &mut Parts) -> Admission {
        match self.keys.find(key.expose(), self.clock.now()) {
            Err(refusal) => denied(refused(refusal.kind())),
            Ok(who) => admit_who(need, who, parts),
        }
    }

    /// Reads the session's row on a thread that may wait; then the door asks again.
    fn ask_database(&self, realm: Realm, now: Timestamp, parts: &mut Parts) -> Admission {
        let Some(cookie) = find_cookie(&parts.headers, realm.cookie()).map(str::to_owned) else {
            return turn_away(Problem::new(&problems::UNAUTHENTICATED), realm, Stage::Full, parts);
        };
        let slot = Arc::new(OnceLock::new());
        parts.extensions.insert(LookedUp(Arc::clone(&slot)));
        let (sessions, database) = (Arc::clone(&self.sessions), self.database.clone());
        Admission::AskAgain(Box::pin(async move {
            let look = move || drop(slot.set(sessions.find(&database, realm, &cookie, now)));
            // A panic leaves the slot empty: nobody comes in.
            drop(tokio::task::spawn_blocking(look).await);
        }))
    }

    fn admit_session(
        &self,
        entrance: Entrance,
        realm: Realm,
        signed_in: SignedIn,
        parts: &mut Parts,
    ) -> Admission {
        parts.extensions.insert(FormProof::new(&self.csrf, &signed_in));
        parts.extensions.insert(signed_in);
        let who = match (signed_in.authenticated(), entrance) {
            (Ok(who), _) => *who,
            (Err(_), Entrance::Pending(_)) => return Admission::Granted,
            (Err(refusal), _) => {
                return turn_away(refused(refusal.kind()), realm, signed_in.stage(), parts);
            }
        };
        match entrance {
            Entrance::Need(need) => admit_who(need, who, parts),
            Entrance::Public
            | Entrance::Visitor
            | Entrance::Network
            | Entrance::Session(_)
            | Entrance::Pending(_) => {
                parts.extensions.insert(who);
                Admission::Granted
            }
        }
    }
}

fn denied(problem: Problem) -> Admission {
    Admission::Denied(Box::new(problem))
}

fn admit_who(need: Need, who: Authenticated, parts: &mut Parts) -> Admission {
    if who.require(need).is_err() {
        return denied(Problem::new(&problems::FORBIDDEN));
    }
    parts.extensions.insert(who);
    Admission::Granted
}

/// Answers with a problem; a browser that asked for a page is shown the page to sign in, or its
/// next step, and comes back to what it asked for afterwards.
///
/// The guard cannot answer itself, but the handler is found by the address that it leaves behind.
fn turn_away(problem: Problem, realm: Realm, stage: Stage, parts: &mut Parts) -> Admission {
    let accept = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok());
    let wants_page = accept.is_some_and(|accept| accept.contains("text/html"));
    let for_programs = parts.uri.path().starts_with("/api/v1/");
    if parts.method != Method::GET || !wants_page || for_programs {
        return denied(problem);
    }
    let asked = parts.uri.path_and_query().map_or("/", |asked| asked.as_str());
    match Uri::try_from(sign_in_address(realm, stage, asked)) {
        Ok(uri) => {
            parts.uri = uri;
            parts.extensions.insert(Unbidden);
            Admission::Granted
        }
        Err(_too_long) => denied(problem),
    }
}
