use askama::Template;

use crate::referral::command::in_force;
use crate::referral::state::code_of;
use crate::referral::store::{find_link_of, find_links, list_invited, list_terms, sum_rewards};
use crate::referral::{MakeReferralLink, Referral, ReferralState, ReferralTerms};
use crate::site::Site;
use access::{Authenticated, Need, Resource, authorize};
use answers::OrProblem as _;
use vocabulary::{Amount, Id, Scale, Token, Zone, kind};
use web::components::{
    Badge, Button, Cell, Column, DataList, EmptyState, Figure, LinkButton, Table, TextField, Tone,
    Weight,
};
use web::{
    Caller, IntoResponse as _, Path, Problem, Redirect, Response, Routes, State, View, Words, get,
    post, problems,
};

const NEED: Need = Need::MemberSelf;
/// The friends that a member sees, the latest.
const SHOWN: u32 = 100;
/// Codes that are drawn before something is taken for broken: two of sixty bits do not meet.
const CODES_DRAWN: u32 = 3;

/// What a link opens, for anybody; and the member's own page.
pub(crate) fn routes() -> Routes<Site> {
    Routes::of("point-site")
        .on(get("/invite/{code}", "public"), invited)
        .on(get("/invite", NEED.code()), own_page)
        .on(post("/invite", NEED.code()).idempotent(), make)
}

#[derive(Template)]
#[template(path = "referral/page.html")]
struct OwnMain<'a> {
    words: Words<'a>,
    gives: Option<DataList>,
    link: Option<TextField>,
    make: Button,
    earned: Option<DataList>,
    table: Option<Table>,
    empty: EmptyState,
}

#[derive(Template)]
#[template(path = "referral/page_guest.html")]
struct GuestMain<'a> {
    words: Words<'a>,
    gives: Option<DataList>,
    join: LinkButton,
    look: LinkButton,
}

async fn invited(
    State(site): State<Site>,
    view: View,
    Path(code): Path<String>,
) -> Result<Response, Problem> {
    let not_found = || Problem::new(&problems::NOT_FOUND);
    let code = Token::parse(&code).map_err(|_invalid| not_found())?;
    let (company, wanted) = (site.config().company, code.clone());
    let (links, terms) = site
        .read(move |reader| {
            Ok((
                find_links(reader, company, std::slice::from_ref(&wanted))?,
                list_terms(reader, company)?,
            ))
        })
        .await?;
    if !links.contains_key(&code) {
        return Err(not_found());
    }
    let words = view.words();
    let terms = in_force(&terms, site.now());
    let main = GuestMain {
        words,
        gives: terms.map(|terms| {
            let both =
                [("invited-to-invited", terms.invited), ("invited-to-inviter", terms.inviter)];
            gives(words, site.config().scale, both, &terms)
        }),
        join: LinkButton::new(words.get("invited-join"), format!("/sign-up?i={}", code.as_str())),
        look: LinkButton::new(words.get("invited-look"), "/shops").weight(Weight::Quiet),
    };
    Ok(view.page(words.get("invited-title")).show(&main))
}

/// Tells what terms give and ask for; the first of the two names who reads it.
fn gives(
    words: Words<'_>,
    scale: Scale,
    [first, second]: [(&str, Amount); 2],
    terms: &ReferralTerms,
) -> DataList {
    let points = |amount| Figure::amount(amount, scale, words.get("points-unit"));
    let days = ("days", terms.within_days.to_string().into());
    let condition = if terms.mark.is_zero() {
        words.with("invite-condition-first", &[days])
    } else {
        let mark = scale.format(terms.mark.minor_units());
        words.with("invite-condition-mark", &[days, ("mark", mark.into())])
    };
    DataList::new()
        .pair(words.get(first.0), points(first.1))
        .pair(words.get(second.0), points(second.1))
        .pair(words.get("invite-condition"), condition)
}

fn own(site: &Site, who: &Authenticated) -> Result<Id<kind::Member>, Problem> {
    let not_found = || Problem::new(&problems::NOT_FOUND);
    who.require(NEED).map_err(|_denied| Problem::new(&problems::FORBIDDEN))?;
    let member = who.member().ok_or_else(not_found)?;
    let own = Resource::Member { company: site.config().company, member };
    let member = authorize(who, NEED, own, member).map_err(|_denied| not_found())?;
    Ok(member.into_command())
}

async fn own_page(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
) -> Result<Response, Problem> {
    let (member, company) = (own(&site, &who)?, site.config().company);
    let (link, terms, friends, rewards) = site
        .read(move |reader| {
            let (link, terms) = (find_link_of(reader, member)?, list_terms(reader, company)?);
            let friends = list_invited(reader, member, SHOWN)?;
            Ok((link, terms, friends, sum_rewards(reader, member)?))
        })
        .await?;
    let (words, scale) = (view.words(), site.config().scale);
    let terms = in_force(&terms, site.now());
    let columns = vec![
        Column::text(words.get("invite-friend")),
        Column::text(words.get("invite-state")),
        Column::text(words.get("invite-missing")),
    ];
    let rows: Vec<_> = friends.iter().map(|friend| row(words, scale, friend)).collect();
    let main = OwnMain {
        words,
        gives: terms.map(|terms| {
            let both = [("invite-to-inviter", terms.inviter), ("invite-to-invited", terms.invited)];
            let most = words.with("invite-limit-month", &[("most", terms.month_max.into())]);
            gives(words, scale, both, &terms).pair(words.get("invite-limit"), most)
        }),
        link: link.map(|link| {
            let address = format!("{}/invite/{}", site.config().address, link.code.as_str());
            TextField::new(words, "link", words.get("invite-link"))
                .hint(words.get("invite-link-text"))
                .value(address)
                .fixed()
        }),
        make: Button::new(words.get("invite-make")),
        earned: (rewards.friends > 0).then(|| {
            let count = words.with("invite-people", &[("count", rewards.friends.into())]);
            DataList::new()
                .pair(
                    words.get("invite-total-points"),
                    Figure::amount(rewards.points, scale, words.get("points-unit")),
                )
                .pair(words.get("invite-total-friends"), count)
        }),
        table: (!rows.is_empty())
            .then(|| Table::new(words.get("invite-friends"), columns).rows(rows)),
        empty: EmptyState::new(words.get("invite-empty"), words.get("invite-empty-text")),
    };
    let nav = (site.config().member_nav)(&view);
    Ok(view.page(words.get("invite-title")).nav(nav).show(&main))
}

fn row(words: Words<'_>, scale: Scale, friend: &Referral) -> Vec<Cell> {
    let day = |moment| Zone::JAPAN.day_of(moment).to_string();
    let tone = match friend.state {
        ReferralState::Waiting | ReferralState::Held => Tone::Wait,
        ReferralState::Granted { .. } => Tone::Good,
        ReferralState::Refused | ReferralState::Expired => Tone::Plain,
    };
    let missing = match friend.state {
        ReferralState::Waiting if friend.terms.mark.is_zero() => {
            words.with("invite-left-first", &[("day", day(friend.ends_at).into())])
        }
        ReferralState::Waiting => {
            let left = friend.terms.mark.saturating_sub(friend.earned);
            let left = scale.format(left.minor_units());
            let parts = [("points", left.into()), ("day", day(friend.ends_at).into())];
            words.with("invite-left", &parts)
        }
        ReferralState::Granted { .. } if friend.rewarded_month.is_none() => {
            words.get("invite-full").into_owned()
        }
        ReferralState::Granted { .. } => {
            let points = scale.format(friend.terms.inviter.minor_units());
            words.with("invite-earned", &[("points", points.into())])
        }
        ReferralState::Held | ReferralState::Refused | ReferralState::Expired => {
            words.get(&format!("invite-{}-text", friend.state.code())).into_owned()
        }
    };
    let state = words.get(&format!("invite-state-{}", friend.state.code())).into_owned();
    let joined = words.with("invite-joined", &[("day", day(friend.joined_at).into())]);
    vec![joined.into(), Badge::new(tone, state).into(), missing.into()]
}

async fn make(
    State(site): State<Site>,
    Caller(who): Caller<Authenticated>,
) -> Result<Response, Problem> {
    let (member, company) = (own(&site, &who)?, site.config().company);
    for _ in 0..CODES_DRAWN {
        let code = code_of(site.next_id(site.now())).ok_or(Problem::new(&problems::NOT_FOUND))?;
        match site.run(MakeReferralLink { company, member, code }).await.or_problem()? {
            Ok(_link) => return Ok(Redirect::to("/invite").into_response()),
            // Somebody else's: another one is drawn.
            Err(_taken) => {}
        }
    }
    Err(Problem::new(&problems::INTERNAL_FAULT))
}
