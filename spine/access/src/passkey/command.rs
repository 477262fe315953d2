use core::convert::Infallible;
use std::collections::{BTreeMap, BTreeSet};

use super::{
    ceremony::NewPasskey,
    state::{Challenge, Passkey, PasskeyRefusal},
};
use crate::{
    actor::Subject,
    login::{Login, LoginFacts, LoginKey, LoginStanding, Wanted, own_entry},
    secret::SecretHash,
    session::{NewSession, Stage},
    sign_in::OpenedSession,
    store::statement,
};
use mail::Letter;
use store::{Command, Fault, Posting, Tx, Value};
use vocabulary::{Id, Label, Timestamp, kind};

/// How long a device has to answer.
const CHALLENGE_SECONDS: i64 = 300;

/// The most passkeys of one person.
const PASSKEYS_MAX: usize = 20;

/// What the commands about passkeys decide on.
#[derive(Debug)]
pub struct PasskeyFacts {
    logins: LoginFacts,
    passkeys: BTreeMap<SecretHash, Passkey>,
    challenges: BTreeMap<SecretHash, Challenge>,
    added_challenges: BTreeSet<SecretHash>,
    used_challenges: BTreeSet<SecretHash>,
    changed: BTreeSet<SecretHash>,
    removed: BTreeSet<SecretHash>,
    letters: Vec<Letter>,
    now: Timestamp,
}

#[derive(Default)]
struct PasskeyWanted {
    logins: Wanted,
    passkeys: Vec<Value>,
    owners: Vec<Value>,
    challenges: Vec<Value>,
}

impl PasskeyFacts {
    fn load(wanted: &PasskeyWanted, tx: &mut Tx<'_>) -> Result<Self, Fault> {
        let mut passkeys = BTreeMap::new();
        let lists = [
            (&statement::FIND_PASSKEYS, &wanted.passkeys),
            (&statement::FIND_PASSKEYS_OF_SUBJECTS, &wanted.owners),
        ];
        for (statement, list) in lists {
            for row in tx.query_list(statement, &[], list)? {
                let passkey = Passkey::from_row(&row)?;
                passkeys.insert(passkey.hash, passkey);
            }
        }
        let mut challenges = BTreeMap::new();
        for row in tx.query_list(&statement::FIND_CHALLENGES, &[], &wanted.challenges)? {
            let challenge =
                Challenge { subject: row.optional_sixteen(1)?, ends_at: row.timestamp(2)? };
            challenges.insert(SecretHash::from_bytes(row.digest(0)?), challenge);
        }
        Ok(Self {
            logins: LoginFacts::load(&wanted.logins, tx)?,
            passkeys,
            challenges,
            added_challenges: BTreeSet::new(),
            used_challenges: BTreeSet::new(),
            changed: BTreeSet::new(),
            removed: BTreeSet::new(),
            letters: Vec::new(),
            now: Timestamp::default(),
        })
    }

    fn save(self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let hashes = |set: &BTreeSet<SecretHash>| -> Vec<Value> {
            set.iter().map(|hash| hash.to_bytes().into()).collect()
        };
        tx.execute_list(&statement::REMOVE_CHALLENGES, &[], &hashes(&self.used_challenges))?;
        let added = self.added_challenges.iter().filter_map(|hash| {
            let challenge = self.challenges.get(hash)?;
            Some([hash.to_bytes().into(), challenge.subject.into(), challenge.ends_at.into()])
        });
        tx.upsert(&statement::ADD_CHALLENGES, &added.collect::<Vec<[Value; 3]>>())?;
        tx.execute_list(&statement::REMOVE_PASSKEYS, &[], &hashes(&self.removed))?;
        let changed = self.changed.iter().filter_map(|hash| self.passkeys.get(hash));
        tx.upsert(&statement::SAVE_PASSKEYS, &changed.map(Passkey::to_row).collect::<Vec<_>>())?;
        self.logins.save(tx)?;
        mail::enqueue(tx, &self.letters, self.now)
    }

    /// Uses a challenge up; it is gone whatever comes of it.
    fn use_challenge(
        &mut self,
        hash: SecretHash,
        subject: Option<Subject>,
        now: Timestamp,
    ) -> Result<(), PasskeyRefusal> {
        let challenge = self.challenges.remove(&hash).ok_or(PasskeyRefusal::Wrong)?;
        self.added_challenges.remove(&hash);
        self.used_challenges.insert(hash);
        let fits = challenge.subject == subject.map(Subject::to_bytes) && now < challenge.ends_at;
        if fits { Ok(()) } else { Err(PasskeyRefusal::Wrong) }
    }

    fn put(&mut self, passkey: Passkey) {
        self.changed.insert(passkey.hash);
        self.passkeys.insert(passkey.hash, passkey);
    }

    fn session_login(
        &self,
        key: LoginKey,
        session: SecretHash,
        now: Timestamp,
    ) -> Result<Login, PasskeyRefusal> {
        let found = self.logins.sessions.get(&session).filter(|session| {
            session.login == key && session.ends_at > now && session.stage == Stage::Full
        });
        found.ok_or(PasskeyRefusal::SessionEnded)?;
        self.logins.logins.get(&key).cloned().ok_or(PasskeyRefusal::SessionEnded)
    }
}

/// Notes a challenge that a device is to sign, good for one answer. A repeat changes nothing.
#[derive(Clone, Copy, Debug)]
pub struct OfferChallenge {
    /// The challenge, hashed as it is sent, in base64url.
    pub challenge: SecretHash,
    /// Who adds a passkey; nobody when it is for signing in.
    pub subject: Option<Subject>,
}

impl Command for OfferChallenge {
    type Facts = PasskeyFacts;
    type Receipt = ();
    type Refusal = Infallible;

    const NAME: &'static str = "offer passkey challenge";

    fn load(_: &[Self], tx: &mut Tx<'_>) -> Result<PasskeyFacts, Fault> {
        PasskeyFacts::load(&PasskeyWanted::default(), tx)
    }

    fn decide(
        &self,
        facts: &mut PasskeyFacts,
        posting: &mut Posting<'_>,
    ) -> Result<(), Infallible> {
        let ends_at = posting.now().plus_seconds(CHALLENGE_SECONDS);
        let subject = self.subject.map(Subject::to_bytes);
        facts.challenges.insert(self.challenge, Challenge { subject, ends_at });
        facts.added_challenges.insert(self.challenge);
        Ok(())
    }

    fn save(facts: PasskeyFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

/// Adds a passkey to a member's login, in a full session, and tells the member by mail. A repeat is
/// refused, because the challenge is used.
#[derive(Clone, Debug)]
pub struct AddPasskey {
    /// The challenge that was signed.
    pub challenge: SecretHash,
    /// The login, of [`SignedIn::login`](crate::SignedIn::login).
    pub login: LoginKey,
    /// The session, of [`SignedIn::session`](crate::SignedIn::session).
    pub session: SecretHash,
    /// The key, checked at the edge.
    pub passkey: NewPasskey,
    /// What its owner reads.
    pub label: Label,
    /// The letter that tells the member.
    pub notice: Letter,
    /// The request that it came with.
    pub request: Option<Id<kind::Request>>,
}

impl AddPasskey {
    fn attempt(&self, facts: &mut PasskeyFacts, now: Timestamp) -> Result<(), PasskeyRefusal> {
        let login = facts.session_login(self.login, self.session, now)?;
        facts.use_challenge(self.challenge, Some(login.subject), now)?;
        let passkey = Passkey::new(&self.passkey, login.subject, self.label.clone(), now);
        if facts.passkeys.contains_key(&passkey.hash) {
            return Err(PasskeyRefusal::Taken);
        }
        let own = login.subject.to_bytes();
        if facts.passkeys.values().filter(|known| known.subject == own).count() >= PASSKEYS_MAX {
            return Err(PasskeyRefusal::Many);
        }
        facts.put(passkey);
        facts.logins.record(own_entry(&login, "login.add_passkey", self.request, now));
        facts.letters.push(self.notice.clone());
        facts.now = now;
        Ok(())
    }
}

impl Command for AddPasskey {
    type Facts = PasskeyFacts;
    /// Whether it was added: a refusal uses the challenge up all the same.
    type Receipt = Result<(), PasskeyRefusal>;
    type Refusal = Infallible;

    const NAME: &'static str = "add passkey";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<PasskeyFacts, Fault> {
        let mut wanted = PasskeyWanted::default();
        for command in slice {
            wanted.logins.logins.push(command.login);
            wanted.logins.sessions.push(command.session);
            wanted.challenges.push(command.challenge.to_bytes().into());
            let hash = super::state::hash_of(&command.passkey.credential);
            wanted.passkeys.push(hash.to_bytes().into());
        }
        let mut facts = PasskeyFacts::load(&wanted, tx)?;
        // How many a person has is known once the logins are.
        let owners: Vec<Value> =
            facts.logins.logins.values().map(|login| login.subject.to_bytes().into()).collect();
        for row in tx.query_list(&statement::FIND_PASSKEYS_OF_SUBJECTS, &[], &owners)? {
            let passkey = Passkey::from_row(&row)?;
            facts.passkeys.insert(passkey.hash, passkey);
        }
        Ok(facts)
    }

    fn decide(
        &self,
        facts: &mut PasskeyFacts,
        posting: &mut Posting<'_>,
    ) -> Result<Result<(), PasskeyRefusal>, Infallible> {
        Ok(self.attempt(facts, posting.now()))
    }

    fn save(facts: PasskeyFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

/// Signs a member in with a passkey that the edge checked. A repeat with the same session gives the
/// same answer.
#[derive(Clone, Copy, Debug)]
pub struct SignInByPasskey {
    /// The challenge that was signed.
    pub challenge: SecretHash,
    /// The key, of [`Passkey::hash`].
    pub passkey: SecretHash,
    /// The device's counter, when what it sent fits; `None` when it does not.
    pub counter: Option<u32>,
    /// The login of the key's owner.
    pub login: LoginKey,
    /// The session to open.
    pub session: NewSession,
    /// The session that the browser had before, which ends.
    pub previous: Option<SecretHash>,
    /// The request that it came with.
    pub request: Option<Id<kind::Request>>,
}

/// What came of it. A failed one is no refusal of the command, because it uses the challenge up.
pub type PasskeySignedIn = Result<OpenedSession, PasskeyRefusal>;

impl SignInByPasskey {
    fn attempt(&self, facts: &mut PasskeyFacts, now: Timestamp) -> PasskeySignedIn {
        let known = facts.logins.sessions.get(&self.session.hash);
        if let Some(session) = known.filter(|session| session.login == self.login)
            && let Some(login) = facts.logins.logins.get(&self.login)
        {
            return Ok(OpenedSession::new(login, session));
        }
        facts.use_challenge(self.challenge, None, now)?;
        let login = facts.logins.logins.get(&self.login).cloned();
        let passkey = facts.passkeys.get(&self.passkey).cloned();
        let (login, passkey) = login.zip(passkey).ok_or(PasskeyRefusal::Wrong)?;
        let counts = |counter: u32| {
            // A device that counts must count on: else its key was copied. Most say zero always.
            (counter == 0 && passkey.counter == 0) || counter > passkey.counter
        };
        let fits =
            login.standing == LoginStanding::Open && passkey.subject == login.subject.to_bytes();
        let counter = self.counter.filter(|counter| fits && counts(*counter));
        let Some(counter) = counter else {
            let entry = own_entry(&login, "sign_in.passkey", self.request, now);
            facts.logins.record(entry.refused());
            return Err(PasskeyRefusal::Wrong);
        };
        facts.put(Passkey { counter, used_at: Some(now), ..passkey });
        if let Some(previous) = self.previous {
            facts.logins.end_session(previous);
        }
        facts.logins.clear_failures(self.login);
        facts.logins.record(own_entry(&login, "sign_in.passkey", self.request, now));
        let session = facts.logins.open_session(&login, self.session, Stage::Full, now);
        Ok(OpenedSession::new(&login, &session))
    }
}

impl Command for SignInByPasskey {
    type Facts = PasskeyFacts;
    type Receipt = PasskeySignedIn;
    type Refusal = Infallible;

    const NAME: &'static str = "sign in by passkey";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<PasskeyFacts, Fault> {
        let mut wanted = PasskeyWanted::default();
        for command in slice {
            wanted.logins.logins.push(command.login);
            wanted.logins.sessions.push(command.session.hash);
            wanted.challenges.push(command.challenge.to_bytes().into());
            wanted.passkeys.push(command.passkey.to_bytes().into());
        }
        PasskeyFacts::load(&wanted, tx)
    }

    fn decide(
        &self,
        facts: &mut PasskeyFacts,
        posting: &mut Posting<'_>,
    ) -> Result<PasskeySignedIn, Infallible> {
        Ok(self.attempt(facts, posting.now()))
    }

    fn save(facts: PasskeyFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

/// Removes a passkey of the member whose session it is. A repeat changes nothing.
#[derive(Clone, Debug)]
pub struct RemovePasskey {
    /// The key, of [`Passkey::hash`].
    pub passkey: SecretHash,
    /// The login, of [`SignedIn::login`](crate::SignedIn::login).
    pub login: LoginKey,
    /// The session, of [`SignedIn::session`](crate::SignedIn::session).
    pub session: SecretHash,
    /// The request that it came with.
    pub request: Option<Id<kind::Request>>,
}

impl Command for RemovePasskey {
    type Facts = PasskeyFacts;
    type Receipt = ();
    type Refusal = PasskeyRefusal;

    const NAME: &'static str = "remove passkey";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<PasskeyFacts, Fault> {
        let mut wanted = PasskeyWanted::default();
        for command in slice {
            wanted.logins.logins.push(command.login);
            wanted.logins.sessions.push(command.session);
            wanted.passkeys.push(command.passkey.to_bytes().into());
        }
        PasskeyFacts::load(&wanted, tx)
    }

    fn decide(
        &self,
        facts: &mut PasskeyFacts,
        posting: &mut Posting<'_>,
    ) -> Result<(), PasskeyRefusal> {
        let now = posting.now();
        let login = facts.session_login(self.login, self.session, now)?;
        let own = facts.passkeys.get(&self.passkey);
        if own.is_none_or(|passkey| passkey.subject != login.subject.to_bytes()) {
            return Ok(());
        }
        facts.passkeys.remove(&self.passkey);
        facts.changed.remove(&self.passkey);
        facts.removed.insert(self.passkey);
        facts.logins.record(own_entry(&login, "login.remove_passkey", self.request, now));
        Ok(())
    }

    fn save(facts: PasskeyFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}
