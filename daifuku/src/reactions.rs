//! Where features meet: one asks what another knows. Nothing else joins them but the ledger.

use std::collections::BTreeMap;

use crate::{
    features::Features,
    house::House,
    sign_in::{BrowserMarks, marks_key},
};
use access::{Carried, Login, MemberOpened, Subject, find_logins_of, list_carried};
use answers::{OrProblem as _, ask, off_thread, read};
use point_site::bonus::{BonusStory, Cause, bonus_stories};
use point_site::leaving::{self, LeavingLoss, TakeLeavingBack};
use point_site::payee::NoteChange;
use point_site::preferences::{Preferences, SavePreferences, find_preferences};
use point_site::referral::{JoinMails, JoinReferral, find_links};
use point_site::step_up::Particular;
use point_site::{ConversionStory, ExchangeStory, Site, exchange_stories, stories};
use store::{Fault, Store};
use vocabulary::{AccountRole, Id, Scale, Timestamp, Token, kind};
use wallet::{Explained, Explains, notice::Readers, passbook::Line};
use web::{Language, Problem, problems};

/// Tells the passbook which shop a line is about.
#[derive(Debug)]
pub(crate) struct ShopStories {
    site: Site,
}

impl ShopStories {
    pub(crate) fn of(site: &Site) -> Self {
        Self { site: site.clone() }
    }
}

impl Explains for ShopStories {
    fn explain(&self, lines: &[Line], language: Language) -> Result<Vec<Option<Explained>>, Fault> {
        let ids: Vec<u128> = lines
            .iter()
            .flat_map(|line| [Some(line.batch.bits()), line.subject])
            .flatten()
            .collect();
        let company = self.site.config().company;
        let (known, bonuses, exchanged) = self.site.store().database().read(|reader| {
            Ok((
                stories(reader, company, &ids)?,
                bonus_stories(reader, company, &ids)?,
                exchange_stories(reader, company, &ids)?,
            ))
        })?;
        let told = |line| {
            explain(line, &known)
                .or_else(|| explain_bonus(line, &bonuses, language))
                .or_else(|| exchange(line, &exchanged, language))
        };
        Ok(lines.iter().map(told).collect())
    }
}

fn explain(line: &Line, known: &BTreeMap<u128, ConversionStory>) -> Option<Explained> {
    let by_subject = line.subject.and_then(|subject| known.get(&subject));
    let story = by_subject.or_else(|| known.get(&line.batch.bits()))?;
    let (name, slug) = story.shop.as_ref()?;
    Some(Explained {
        title: name.as_str().to_owned(),
        note: String::new(),
        clicked_at: story.clicked_at,
        reason: story.reason.as_ref().map(|reason| reason.as_str().to_owned()),
        href: Some(format!("/shops/{}", slug.as_str())),
    })
}

/// Tells what granted points beside a conversion.
fn explain_bonus(
    line: &Line,
    known: &BTreeMap<u128, BonusStory>,
    language: Language,
) -> Option<Explained> {
    let by_subject = line.subject.and_then(|subject| known.get(&subject));
    let story = by_subject.or_else(|| known.get(&line.batch.bits()))?;
    let href = match story.cause {
        Cause::Claim(id) => Some(format!("/claims/{id}")),
        Cause::Campaign(id) => Some(format!("/campaigns/{id}")),
        Cause::Referral(_) => Some("/invite".to_owned()),
        Cause::Rank => Some("/rank".to_owned()),
    };
    let title = match (story.cause, language) {
        (Cause::Referral(_), Language::English) => "Inviting friends",
        (Cause::Rank, Language::English) => "Bonus of your rank",
        (Cause::Claim(_) | Cause::Campaign(_) | Cause::Rank | Cause::Referral(_), _) => {
            story.title.as_str()
        }
    };
    Some(Explained { title: title.to_owned(), href, ..Explained::default() })
}

/// Names what points were exchanged for. A hold and a capture carry the exchange's own bits, and so
/// does what a reversal is about.
fn exchange(
    line: &Line,
    known: &BTreeMap<u128, ExchangeStory>,
    language: Language,
) -> Option<Explained> {
    let ids = [line.subject, Some(line.batch.bits())];
    let (id, story) = ids.into_iter().flatten().find_map(|id| Some((id, known.get(&id)?)))?;
    let figure = Scale::default().format(story.value.minor_units());
    let unit = story.unit.as_str();
    let (name, note) = match (language, unit) {
        (Language::Japanese, "JPY") => (&story.name, format!("{figure}円に交換")),
        (Language::Japanese, unit) => (&story.name, format!("{figure} {unit}に交換")),
        (Language::English, "JPY") => (&story.name_english, format!("exchanged for ¥{figure}")),
        (Language::English, unit) => {
            (&story.name_english, format!("exchanged for {figure} {unit}"))
        }
    };
    Some(Explained {
        title: name.clone(),
        note,
        clicked_at: None,
        reason: None,
        href: Some(format!("/exchange/{}", Id::<kind::Exchange>::from_bits(id))),
    })
}

/// Where a member goes on who took a leaving back by signing in.
pub(crate) const STAYING: &str = "/settings?done=staying";

/// Does what is to be done when a member has signed in; tells whether a leaving was taken back.
pub(crate) async fn signed_in(house: &House, subject: Subject) -> Result<bool, Problem> {
    let Subject::Member(member) = subject else { return Ok(false) };
    let Ok(taken_back) = ask(&house.store, TakeLeavingBack { member }).await.or_problem()?;
    Ok(taken_back)
}

/// Does what is to be done when somebody became a member: notes who invited them, and keeps the
/// language they signed up in. What is cut off here is finished by [`finish_joining`], which knows
/// no more whose browser it was.
pub(crate) async fn member_opened(
    house: &House,
    opened: &MemberOpened,
    language: Language,
    marks: BrowserMarks,
) -> Result<(), Problem> {
    let Subject::Member(member) = opened.opened.subject else { return Ok(()) };
    if let Some(code) = opened.carried.clone() {
        let (house, joined_at) = (house.clone(), house.world.clock.now());
        let joined =
            off_thread(move || join_referral(&house, member, (code, joined_at), &marks)).await;
        joined.flatten().or_problem()?;
    }
    let command = SavePreferences {
        member,
        company: opened.opened.company,
        language: Some(language),
        notices: None,
        invited_by: opened.carried.clone(),
    };
    let Ok(_chosen) = ask(&house.store, command).await.or_problem()?;
    Ok(())
}

/// Notes by whose link somebody joined. A code of nobody is no reason to turn a new member away.
fn join_referral(
    house: &House,
    member: Id<kind::Member>,
    (code, joined_at): (Token, Timestamp),
    marks: &BrowserMarks,
) -> Result<(), Fault> {
    let company = house.config.site_company;
    let Ok(Features { site: Some(site), .. }) = house.features() else { return Ok(()) };
    let (inviter, logins) = house.store.database().read(|reader| {
        let links = find_links(reader, company, std::slice::from_ref(&code))?;
        let inviter = links.into_values().next().map(|link| link.member);
        let subjects: Vec<_> = inviter.into_iter().chain([member]).map(Subject::Member).collect();
        Ok((inviter, find_logins_of(reader, &subjects)?))
    })?;
    let vault = &site.config().exchange.vault;
    let name = |login: &Login| JoinReferral::name_mail(vault, login.mail());
    let own = |login: &&Login| login.subject() == Subject::Member(member);
    let mails = JoinMails {
        invited: logins.iter().find(own).map(name),
        inviter: logins.iter().find(|login| !own(login)).map(name),
    };
    let key = marks_key(house);
    let same_device = inviter.is_some_and(|inviter| marks.have(&key, inviter));
    let command = JoinReferral { company, member, code, joined_at, mails, same_device };
    if let Err(refusal) = house.store.run(command)? {
        tracing::info!(member.id = %member, "member {member} came by no link: {}", refusal.code());
    }
    Ok(())
}

/// For how long after a proof ended it is looked at whether all followed from it.
const JOINED_DAYS: i64 = 1;

/// Finishes what was cut off between the opening of a membership and what follows from it: notes by
/// whose links members joined. Gives how many it were; a repeat changes nothing.
///
/// # Errors
///
/// A [`Fault`] when the database fails.
pub fn finish_joining(house: &House) -> Result<usize, Fault> {
    let company = house.config.site_company;
    let since = house.world.clock.now().plus_days(-JOINED_DAYS);
    let missing: Vec<Carried> = house.store.database().read(|reader| {
        let carried = list_carried(reader, company, since)?;
        let members: Vec<_> = carried.iter().map(|one| one.member).collect();
        let chosen = find_preferences(reader, &members)?;
        let noted = |one: &Carried| {
            chosen.get(&one.member).is_some_and(|chosen| chosen.invited_by.is_some())
        };
        Ok(carried.into_iter().filter(|one| !noted(one)).collect())
    })?;
    for Carried { member, token, opened_at } in &missing {
        let joined = (token.clone(), *opened_at);
        join_referral(house, *member, joined, &BrowserMarks::default())?;
        let command = SavePreferences {
            member: *member,
            company,
            language: None,
            notices: None,
            invited_by: Some(token.clone()),
        };
        let Ok(_chosen) = house.store.run(command)?;
    }
    Ok(missing.len())
}

/// Does what is to be done when a member has another mail address: exchanges are looked at with
/// care for some days.
pub(crate) async fn mail_changed(house: &House, subject: Subject) -> Result<(), Problem> {
    let (member, company) = (member_of(subject)?, house.config.site_company);
    let command = NoteChange { company, member, particular: Particular::Mail };
    let Ok(()) = ask(&house.store, command).await.or_problem()?;
    Ok(())
}

/// Gives what a member chose.
pub(crate) async fn preferences_of(
    house: &House,
    subject: Subject,
) -> Result<Preferences, Problem> {
    let member = member_of(subject)?;
    let found = read(house.store.database(), move |reader| find_preferences(reader, &[member]));
    let found = found.await.or_problem()?.remove(&member);
    Ok(found.unwrap_or(Preferences::of_nobody(member, house.config.site_company)))
}

/// Keeps what a member chose; what is `None` stays as it is.
pub(crate) async fn save_preferences(
    house: &House,
    subject: Subject,
    language: Option<Language>,
    notices: Option<bool>,
) -> Result<(), Problem> {
    let member = member_of(subject)?;
    let company = house.config.site_company;
    let command = SavePreferences { member, company, language, notices, invited_by: None };
    let Ok(_chosen) = ask(&house.store, command).await.or_problem()?;
    Ok(())
}

/// Adds up what a member would lose by leaving.
pub(crate) fn loss_of(house: &House, subject: Subject) -> Result<LeavingLoss, Problem> {
    let unit = house.config.site_unit.get();
    let id = Id::of(member_of(subject)?, unit, AccountRole::Member);
    let account = house.store.find_account(id).and_then(|number| house.store.account(number));
    Ok(account.as_ref().map(leaving::loss_of).unwrap_or_default())
}

fn member_of(subject: Subject) -> Result<Id<kind::Member>, Problem> {
    match subject {
        Subject::Member(member) => Ok(member),
        Subject::System | Subject::Job(_) | Subject::ApiKey(_) | Subject::Staff(_) => {
            Err(Problem::new(&problems::FORBIDDEN))
        }
    }
}

/// Tells the wallet who reads which language, and who wants no notices.
pub(crate) struct MemberReaders(pub(crate) Store);

impl MemberReaders {
    /// Tells the language of each member, also of those who want no notices: for letters about what
    /// they do themselves.
    pub(crate) fn languages_of_all(
        &self,
        members: &[Id<kind::Member>],
    ) -> Result<Vec<Option<Language>>, Fault> {
        let chosen = self.0.database().read(|reader| find_preferences(reader, members))?;
        let language = |member| chosen.get(member).map(|chosen| chosen.language);
        Ok(members.iter().map(language).collect())
    }
}

impl Readers for MemberReaders {
    fn languages(&self, members: &[Id<kind::Member>]) -> Result<Vec<Option<Language>>, Fault> {
        let chosen = self.0.database().read(|reader| find_preferences(reader, members))?;
        let language = |member| match chosen.get(member) {
            Some(chosen) => chosen.notices.then_some(chosen.language),
            None => Some(Language::Japanese),
        };
        Ok(members.iter().map(language).collect())
    }
}
