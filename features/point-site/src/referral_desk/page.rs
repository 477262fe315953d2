use std::collections::BTreeMap;

use askama::Template;
use serde::Deserialize;

use crate::exchange::points_text;
use crate::payout::permit;
use crate::person::person;
use crate::referral::store::{count_rewarded, count_states};
use crate::referral::{
    DecideReferral, DecisionStep, Proposal, Referral, ReferralLink, ReferralRefusal, ReferralState,
    find_link_of, find_referrals, list_decided, list_held,
};
use crate::site::Site;
use access::{Authenticated, Need};
use answers::OrProblem as _;
use vocabulary::{Id, Label, Timestamp, Zone, kind};
use web::components::{
    Badge, Button, Cell, Column, DataList, EmptyState, LinkButton, Notice, Select, Table,
    TextField, Tone, Weight,
};
use web::{
    Caller, Form, IntoResponse as _, Path, Problem, Redirect, Response, Routes, State, StatusCode,
    View, Words, get, post, problems,
};

const READ: Need = Need::ExchangeRead;
/// Who proposes what is to become of a held referral.
const PROPOSE: Need = Need::FraudManage;
/// Who confirms it: somebody else.
const CONFIRM: Need = Need::ConversionApprove;
/// How many referrals a list shows.
const SHOWN: u32 = 100;
/// For how many days after its end a decided referral is listed.
const DECIDED_DAYS: i64 = 30;

/// The pages of held referrals.
pub(crate) fn routes() -> Routes<Site> {
    Routes::of("point-site")
        .on(get("/staff/referrals", READ.code()), list)
        .on(get("/staff/referrals/of/{invited}", READ.code()), show)
        // Where a refused form is shown, the links to the other language lead here.
        .on(get("/staff/referrals/of/{invited}/propose", READ.code()), show)
        .on(get("/staff/referrals/of/{invited}/confirm", READ.code()), show)
        .on(post("/staff/referrals/of/{invited}/propose", PROPOSE.code()).idempotent(), propose)
        .on(post("/staff/referrals/of/{invited}/confirm", CONFIRM.code()).idempotent(), confirm)
}

#[derive(Template)]
#[template(path = "referral_desk/page.html")]
struct ListMain<'a> {
    words: Words<'a>,
    held: Option<Table>,
    empty: EmptyState,
    decided: Option<Table>,
    terms: LinkButton,
}

#[derive(Template)]
#[template(path = "referral_desk/page_case.html")]
struct CaseMain<'a> {
    words: Words<'a>,
    title: String,
    state: Badge,
    notice: Option<Notice>,
    rules: Vec<(String, String)>,
    invited: DataList,
    inviter: DataList,
    proposal: Option<DataList>,
    address: String,
    confirm: Option<(Button, &'static str)>,
    propose: Option<(Select, TextField, Button)>,
    back: LinkButton,
}

async fn list(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
) -> Result<Response, Problem> {
    permit(&site, &who, READ)?;
    let (company, since) = (site.config().company, site.now().plus_days(-DECIDED_DAYS));
    let (held, decided) = site
        .read(move |reader| {
            let decided = list_decided(reader, company, since, SHOWN)?;
            Ok((list_held(reader, company, SHOWN)?, decided))
        })
        .await?;
    let words = view.words();
    let table = |caption: &str, all: &[Referral]| {
        let columns = vec![
            Column::text(words.get("referral-joined")),
            Column::text(words.get("referral-rules")),
            Column::figures(words.get("referral-earned")),
            Column::text(words.get("referral-state")),
            Column::text(words.get("held-proposal")),
        ];
        let rows = all.iter().map(|referral| row(&site, words, referral));
        (!all.is_empty()).then(|| Table::new(words.get(caption), columns).rows(rows))
    };
    let main = ListMain {
        words,
        held: table("referral-held", &held),
        empty: EmptyState::new(words.get("referral-none"), words.get("referral-none-text")),
        decided: table("referral-decided", &decided),
        terms: LinkButton::new(words.get("referral-terms-title"), "/staff/referrals/terms")
            .weight(Weight::Quiet),
    };
    let nav = (site.config().staff_nav)(&view, who.needs());
    Ok(view.page(words.get("referral-title")).nav(nav).show(&main))
}

fn row(site: &Site, words: Words<'_>, referral: &Referral) -> Vec<Cell> {
    let rules: Vec<_> = referral.rules.iter().map(|rule| rule_text(words, rule.code())).collect();
    let proposal = referral.proposed.as_ref().map_or_else(
        || "–".to_owned(),
        |proposed| proposal_text(words, proposed.proposal).into_owned(),
    );
    let address = format!("/staff/referrals/of/{}", referral.invited);
    vec![
        Cell::link(Zone::JAPAN.format_minute(referral.joined_at), address),
        rules.join(words.get("referral-and").as_ref()).into(),
        points_text(words, site, referral.earned).into(),
        state_badge(words, referral.state).into(),
        proposal.into(),
    ]
}

fn rule_text(words: Words<'_>, code: &str) -> String {
    words.get(&format!("referral-rule-{code}")).into_owned()
}

fn proposal_text(words: Words<'_>, proposal: Proposal) -> std::borrow::Cow<'_, str> {
    words.get(&format!("referral-verdict-{}", proposal.code()))
}

fn state_badge(words: Words<'_>, state: ReferralState) -> Badge {
    let tone = match state {
        ReferralState::Waiting | ReferralState::Held => Tone::Wait,
        ReferralState::Granted { .. } => Tone::Good,
        ReferralState::Refused => Tone::Bad,
        ReferralState::Expired => Tone::Plain,
    };
    Badge::new(tone, words.get(&format!("referral-state-{}", state.code())))
}

async fn show(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(invited): Path<Id<kind::Member>>,
) -> Result<Response, Problem> {
    permit(&site, &who, READ)?;
    case_page(&site, &view, &who, invited, None).await
}

/// What is known about who invited.
struct Inviter {
    link: Option<ReferralLink>,
    friends: BTreeMap<String, u32>,
    rewarded: u32,
}

async fn case_page(
    site: &Site,
    view: &View,
    who: &Authenticated,
    invited: Id<kind::Member>,
    refused: Option<Notice>,
) -> Result<Response, Problem> {
    let company = site.config().company;
    let found = site
        .read(move |reader| {
            let mut found = find_referrals(reader, company, &[invited].into())?;
            let Some(referral) = found.remove(&invited) else { return Ok(None) };
            let rewarded = count_rewarded(reader, &[referral.inviter].into())?;
            let inviter = Inviter {
                link: find_link_of(reader, referral.inviter)?,
                friends: count_states(reader, referral.inviter)?,
                rewarded: rewarded.into_values().sum(),
            };
            Ok(Some((referral, inviter)))
        })
        .await?;
    let (referral, inviter) = found.ok_or(Problem::new(&problems::NOT_FOUND))?;
    let words = view.words();
    let held = referral.state == ReferralState::Held;
    let proposed = referral.proposed.as_ref();
    let confirms =
        proposed.filter(|one| held && who.needs().contains(CONFIRM) && one.by != who.actor());
    let rule = |code: &str| {
        (rule_text(words, code), words.get(&format!("referral-rule-{code}-about")).into_owned())
    };
    let joined = Zone::JAPAN.day_of(referral.joined_at).to_string();
    let title = words.with("referral-case-title", &[("day", joined.into())]);
    let status = if refused.is_some() { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    let main = CaseMain {
        words,
        title: title.clone(),
        state: state_badge(words, referral.state),
        notice: refused,
        rules: referral.rules.iter().map(|one| rule(one.code())).collect(),
        invited: invited_facts(site, words, &referral),
        inviter: inviter_facts(site, words, &referral, &inviter),
        proposal: proposed.map(|one| {
            DataList::new()
                .pair(words.get("held-proposal"), proposal_text(words, one.proposal).as_ref())
                .pair(words.get("held-reason"), one.reason.as_str().to_owned())
                .pair(words.get("held-proposed"), person(words, one.by))
        }),
        address: format!("/staff/referrals/of/{invited}"),
        confirm: confirms.map(|one| {
            let code = one.proposal.code();
            let weight = match one.proposal {
                Proposal::Release => Weight::Primary,
                Proposal::Deny => Weight::Danger,
            };
            (Button::new(words.get(&format!("referral-confirm-{code}"))).weight(weight), code)
        }),
        propose: (held && who.needs().contains(PROPOSE)).then(|| propose_form(words)),
        back: LinkButton::new(words.get("referral-title"), "/staff/referrals")
            .weight(Weight::Quiet),
    };
    let nav = (site.config().staff_nav)(view, who.needs());
    Ok(view.page(title).nav(nav).status(status).show(&main))
}

fn invited_facts(site: &Site, words: Words<'_>, referral: &Referral) -> DataList {
    let (terms, minute) = (&referral.terms, |at: Timestamp| Zone::JAPAN.format_minute(at));
    let mut list = DataList::new()
        .pair(words.get("held-member"), referral.invited.to_string())
        .pair(words.get("referral-joined"), minute(referral.joined_at))
        .pair(words.get("referral-ends"), minute(referral.ends_at))
        .pair(words.get("referral-earned"), points_text(words, site, referral.earned))
        .pair(words.get("referral-mark"), points_text(words, site, terms.mark))
        .pair(words.get("referral-invited-points"), points_text(words, site, terms.invited));
    if let ReferralState::Granted { at } = referral.state {
        list = list.pair(words.get("referral-granted-at"), minute(at));
    }
    match referral.decided_by {
        Some(by) => list.pair(words.get("held-decided"), person(words, by)),
        None => list,
    }
}

fn inviter_facts(
    site: &Site,
    words: Words<'_>,
    referral: &Referral,
    inviter: &Inviter,
) -> DataList {
    let count = |state: &str| inviter.friends.get(state).copied().unwrap_or(0).to_string();
    let all: u32 = inviter.friends.values().sum();
    let link = inviter.link.as_ref();
    let made_at = link.map(|link| Zone::JAPAN.format_minute(link.made_at));
    DataList::new()
        .pair(words.get("held-member"), referral.inviter.to_string())
        .pair(
            words.get("referral-link-made"),
            made_at.unwrap_or_else(|| words.get("referral-link-gone").into_owned()),
        )
        .pair(words.get("referral-friends"), all.to_string())
        .pair(words.get("referral-friends-granted"), count("granted"))
        .pair(words.get("referral-friends-held"), count("held"))
        .pair(words.get("referral-friends-refused"), count("refused"))
        .pair(words.get("referral-rewarded"), inviter.rewarded.to_string())
        .pair(
            words.get("referral-inviter-points"),
            points_text(words, site, referral.terms.inviter),
        )
}

fn propose_form(words: Words<'_>) -> (Select, TextField, Button) {
    let choices = [Proposal::Release, Proposal::Deny]
        .map(|one| (one.code().to_owned(), proposal_text(words, one).into_owned()));
    (
        Select::new("verdict", words.get("held-verdict"), choices.to_vec()),
        TextField::new(words, "reason", words.get("held-reason"))
            .hint(words.get("held-reason-hint"))
            .characters_max(120),
        Button::new(words.get("held-propose")).weight(Weight::Quiet),
    )
}

#[derive(Debug, Deserialize)]
struct Sent {
    #[serde(default)]
    verdict: String,
    #[serde(default)]
    reason: String,
}

async fn propose(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(invited): Path<Id<kind::Member>>,
    Form(sent): Form<Sent>,
) -> Result<Response, Problem> {
    permit(&site, &who, PROPOSE)?;
    let parsed = (Proposal::parse(&sent.verdict), Label::parse(&sent.reason));
    let (Some(proposal), Ok(reason)) = parsed else {
        let words = view.words();
        let text = words.get("held-reason-hint");
        let notice = Notice::new(Tone::Bad, words.get("held-reason-missing"), text);
        return case_page(&site, &view, &who, invited, Some(notice)).await;
    };
    decide(&site, &view, &who, (invited, proposal, DecisionStep::Propose { reason })).await
}

async fn confirm(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Path(invited): Path<Id<kind::Member>>,
    Form(sent): Form<Sent>,
) -> Result<Response, Problem> {
    permit(&site, &who, CONFIRM)?;
    let proposal = Proposal::parse(&sent.verdict).ok_or(Problem::new(&problems::NOT_FOUND))?;
    decide(&site, &view, &who, (invited, proposal, DecisionStep::Confirm)).await
}

async fn decide(
    site: &Site,
    view: &View,
    who: &Authenticated,
    (invited, proposal, step): (Id<kind::Member>, Proposal, DecisionStep),
) -> Result<Response, Problem> {
    let config = site.shared_config();
    let command = DecideReferral { config, by: *who, invited, proposal, step };
    match site.run(command).await.or_problem()? {
        Ok(_state) => Ok(Redirect::to(&format!("/staff/referrals/of/{invited}")).into_response()),
        Err(ReferralRefusal::NotFound) => Err(Problem::new(&problems::NOT_FOUND)),
        Err(refusal) => {
            let words = view.words();
            let key = format!("referral-refused-{}", refusal.code());
            let next = words.get(&format!("{key}-next"));
            let notice = Notice::new(Tone::Bad, words.get(&key), next);
            case_page(site, view, who, invited, Some(notice)).await
        }
    }
}
