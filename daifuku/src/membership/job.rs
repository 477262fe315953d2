//! What the clock starts: letters go, memberships end.

use core::fmt;
use std::{collections::BTreeMap, fs, os::unix::fs::PermissionsExt as _, path::Path};

use anyhow::{Context as _, ensure};

use super::unsubscribe;
use crate::{
    house::House,
    jobs::{Job, Next},
    reactions::finish_joining,
};
use access::{Authenticated, EraseLogin, Subject, find_login_of, find_logins_of};
use mail::{Delivered, Reachable, Recipients, Security, Smtp, SmtpOptions, deliver_due};
use point_site::{
    leaving::{EndMembership, LeavingState, due_leavings},
    preferences::find_preferences,
};
use store::Fault;
use vocabulary::{Id, kind};

/// Memberships that one turn ends.
const ENDED_AT_ONCE: u32 = 200;

/// The way that letters go: the tray, who is reached where, and the mail server.
#[derive(Debug)]
pub struct Post {
    house: House,
    members: Members,
    carrier: Smtp,
}

impl Post {
    /// Takes the settings; `None` when no server is set.
    ///
    /// # Errors
    ///
    /// When the password's file cannot be read, others may read it, or the settings contradict one
    /// another.
    pub fn of(house: &House) -> anyhow::Result<Option<Self>> {
        let Some(options) = smtp_options(house)? else { return Ok(None) };
        let carrier = Smtp::try_new(options).context("set up mail")?;
        let members = Members { house: house.clone() };
        Ok(Some(Self { house: house.clone(), members, carrier }))
    }

    /// Sends what is due, at most a hundred letters.
    ///
    /// # Errors
    ///
    /// When the database fails.
    pub fn deliver(&mut self) -> anyhow::Result<Delivered> {
        let now = self.house.world.clock.now();
        Ok(deliver_due(&self.house.store, &self.members, &mut self.carrier, now)?)
    }
}

/// Makes the job that sends letters; none when no server is set.
pub(crate) fn deliver_mail(house: &House) -> anyhow::Result<Option<Job>> {
    let Some(mut post) = Post::of(house)? else {
        tracing::warn!("no mail server is set: letters wait in the tray");
        return Ok(None);
    };
    Ok(Some(Job::new("deliver-mail", 2, move || {
        let delivered = post.deliver()?;
        ensure!(!delivered.away, "the mail server does not answer");
        Ok(if delivered.more { Next::Again } else { Next::Rest })
    })))
}

fn smtp_options(house: &House) -> anyhow::Result<Option<SmtpOptions>> {
    let config = &house.config;
    let Some((host, port)) = config.mail_server.parts() else { return Ok(None) };
    let local = ["127.0.0.1", "::1", "localhost"].contains(&host);
    ensure!(
        config.mail_security != Security::None || local,
        "mail.security = none sends letters and passwords in the clear: set starttls or tls"
    );
    let from =
        config.mail_from.as_ref().context("set mail.from, the address that letters are from")?;
    let credentials = if config.mail_user.is_empty() {
        None
    } else {
        let path = Path::new(config.mail_password_file.as_str());
        let password = read_password(path);
        let password =
            password.with_context(|| format!("read mail password {}", path.display()))?;
        Some((config.mail_user.clone(), password))
    };
    Ok(Some(SmtpOptions {
        host: host.to_owned(),
        port,
        security: config.mail_security,
        credentials,
        from: from.clone(),
        from_name: config.operator_name.clone(),
    }))
}

/// Reads a password from a file that nobody else may read.
pub(crate) fn read_password(path: &Path) -> anyhow::Result<String> {
    let mode = fs::metadata(path)?.permissions().mode();
    ensure!(mode.trailing_zeros() >= 6, "others may read it; run chmod 600 {}", path.display());
    Ok(fs::read_to_string(path)?.trim_end_matches(['\r', '\n']).to_owned())
}

/// Knows where members are reached.
struct Members {
    house: House,
}

impl fmt::Debug for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Members")
    }
}

impl Recipients for Members {
    fn find(&self, members: &[Id<kind::Member>]) -> Result<Vec<Option<Reachable>>, Fault> {
        let subjects: Vec<Subject> = members.iter().copied().map(Subject::Member).collect();
        let (logins, chosen) = self.house.store.database().read(|reader| {
            Ok((find_logins_of(reader, &subjects)?, find_preferences(reader, members)?))
        })?;
        let logins: BTreeMap<Subject, _> =
            logins.iter().map(|login| (login.subject(), login.mail())).collect();
        let reach = |member: &Id<kind::Member>| {
            let address = logins.get(&Subject::Member(*member))?;
            Some(Reachable {
                address: (*address).clone(),
                notices: chosen.get(member).is_none_or(|chosen| chosen.notices),
                unsubscribe: unsubscribe::address(&self.house, *member),
            })
        };
        Ok(members.iter().map(reach).collect())
    }
}

/// Makes the job that ends memberships; none where there is no site.
pub(crate) fn end_memberships(house: &House) -> anyhow::Result<Option<Job>> {
    if house.features()?.site.is_none() {
        return Ok(None);
    }
    let house = house.clone();
    Ok(Some(Job::new("end-memberships", 60, move || {
        let ended = end_due(&house)?;
        let full = u32::try_from(ended).is_ok_and(|count| count >= ENDED_AT_ONCE);
        Ok(if full { Next::Again } else { Next::Rest })
    })))
}

/// Makes the job that finishes joinings that were cut off.
pub(crate) fn finish_joinings(house: &House) -> Job {
    let house = house.clone();
    Job::new("finish-joinings", 60, move || {
        finish_joining(&house)?;
        Ok(Next::Rest)
    })
}

/// Ends memberships whose days are over, at most two hundred, and tells how many: points first,
/// then the login, then a note that both are done. What was cut off goes on where it was.
///
/// # Errors
///
/// When the database fails.
pub fn end_due(house: &House) -> anyhow::Result<usize> {
    let Some(site) = &house.features()?.site else { return Ok(0) };
    let (now, store) = (house.world.clock.now(), &house.store);
    let due = store.database().read(|reader| due_leavings(reader, now, ENDED_AT_ONCE))?;
    for leaving in &due {
        let (member, by, unit) = (leaving.member, site.config().actor, site.config().unit);
        let end = |erased| EndMembership { member, unit, by, erased };
        let Ok(after) = store.run(end(false))?;
        if after.is_none_or(|after| after.state != LeavingState::Ending) {
            continue;
        }
        let subject = Subject::Member(member);
        let login = store.database().read(|reader| find_login_of(reader, subject))?;
        if let Some(login) = login {
            let by = Authenticated::SYSTEM;
            let Ok(_subject) = store.run(EraseLogin { login: login.key(), by })?;
            house.sessions.forget_subject(subject);
        }
        let Ok(_after) = store.run(end(true))?;
    }
    Ok(due.len())
}
