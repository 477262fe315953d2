//! What the stories stand on: a database, a clock, a writer of slices.

use core::fmt::Write as _;

use crate::{
    AddLogin, Authenticated, Login, LoginKey, MIGRATIONS, NewSession, Password, PasswordHash,
    PasswordParameters, Role, Secret, SessionLimits, Subject, TotpKey, audit_trail, find_login,
};
use store::{Command, Database, Posting, Scratch, Tx, testing::for_each_database};
use vocabulary::{CompanyNumber, Email, Id, SeededIds, Timestamp};

pub(super) const OURS: CompanyNumber = CompanyNumber::new(3);
pub(super) const THEIRS: CompanyNumber = CompanyNumber::new(4);
pub(super) const TOTP_KEY: TotpKey = TotpKey::new([7; 32]);
pub(super) const START: i64 = 1_763_000_010;

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_microseconds((START + seconds) * 1_000_000)
}

pub(super) fn mail(name: &str) -> Email {
    Email::parse(&format!("{name}@example.jp")).unwrap()
}

pub(super) struct Stage<'d> {
    pub(super) database: &'d Database,
    pub(super) chance: SeededIds,
    pub(super) now: Timestamp,
}

/// Plays a story on each database.
pub(super) fn play(story: impl Fn(&mut Stage<'_>)) {
    for_each_database(|test| {
        test.migrate(MIGRATIONS);
        let database = test.database();
        story(&mut Stage { database, chance: SeededIds::new(1), now: at(0) });
    });
}

impl Stage<'_> {
    pub(super) fn wait(&mut self, seconds: i64) {
        self.now = self.now.plus_seconds(seconds);
    }

    pub(super) fn write<T>(&self, work: impl FnOnce(&mut Tx<'_>) -> T) -> T {
        let mut connection = self.database.connect().unwrap();
        let mut tx = connection.begin().unwrap();
        let result = work(&mut tx);
        tx.commit().unwrap();
        result
    }

    /// Commits a slice of commands.
    pub(super) fn send_all<C: Command>(&self, slice: &[C]) -> Vec<Result<C::Receipt, C::Refusal>> {
        self.write(|tx| {
            let mut scratch = Scratch { now: self.now, ..Scratch::default() };
            let mut facts = C::load(slice, tx).unwrap();
            let mut posting = Posting::over(&mut scratch);
            let decided = slice.iter().map(|command| command.decide(&mut facts, &mut posting));
            let answers = decided.collect();
            C::save(facts, tx).unwrap();
            answers
        })
    }

    pub(super) fn send<C: Command>(&self, command: C) -> Result<C::Receipt, C::Refusal> {
        self.send_all(&[command]).pop().unwrap()
    }

    pub(super) fn new_session(&mut self) -> (Secret, NewSession) {
        NewSession::draw(SessionLimits::STAFF, &mut self.chance)
    }

    pub(super) fn hash(&mut self, password: &str) -> PasswordHash {
        let password = Password::typed(password);
        PasswordHash::make(&password, PasswordParameters::TESTS, &mut self.chance)
    }

    pub(super) fn add_login(&mut self, name: &str, number: u128, role: Role) -> LoginKey {
        let subject = if role == Role::Member {
            Subject::Member(Id::from_bits(number))
        } else {
            Subject::Staff(Id::from_bits(number))
        };
        let password = self.hash(&password_of(name));
        let by = Authenticated::SYSTEM;
        let add = AddLogin {
            by,
            request: None,
            company: OURS,
            subject,
            role,
            mail: mail(name),
            password,
        };
        self.send(add).unwrap().login
    }

    pub(super) fn login(&self, key: LoginKey) -> Option<Login> {
        self.database.read(|reader| find_login(reader, key)).unwrap()
    }

    /// Gives the trail as lines: actor, action, outcome.
    pub(super) fn trail(&self) -> String {
        let search = audit_trail::Search::All;
        let found = self.database.read(|reader| audit_trail::list(reader, &search, None, 500));
        let mut lines = String::new();
        for recorded in found.unwrap().into_iter().rev() {
            let entry = recorded.entry;
            let (action, outcome) = (entry.action, entry.outcome.code());
            writeln!(lines, "{} {action} {outcome}", entry.actor.get()).unwrap();
        }
        lines
    }
}

pub(super) fn password_of(name: &str) -> String {
    format!("the right one of {name}")
}
