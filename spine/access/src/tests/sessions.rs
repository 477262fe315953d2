use super::stage::{Stage, at, password_of, play};
use crate::{
    ForgetEnded, Forgotten, KeyRing, NewSession, NoteUse, Password, PasswordParameters, Realm,
    Role, Secret, SessionLimits, SessionRefusal, Sessions, SignIn, SignOut, SignOutScope,
    check_password,
};

const LIMITS: SessionLimits = SessionLimits { idle_seconds: 600, absolute_seconds: 3_600 };

fn open(stage: &mut Stage<'_>) -> Secret {
    let key = stage.add_login("hana", 7, Role::Member);
    let login = stage.login(key);
    let typed = Password::typed(&password_of("hana"));
    let parameters = PasswordParameters::TESTS;
    let verdict = check_password(key, login.as_ref(), &typed, parameters, &mut stage.chance);
    let (secret, session) = NewSession::draw(LIMITS, &mut stage.chance);
    stage.send(SignIn { verdict, session, previous: None, request: None }).unwrap();
    secret
}

fn fresh() -> Sessions {
    Sessions::new(LIMITS, SessionLimits::STAFF)
}

#[test]
fn a_session_ends_when_idle_and_in_any_case() {
    play(|stage| {
        let secret = open(stage);
        let sessions = fresh();
        let found = |seconds| {
            let cookie = secret.expose();
            sessions.find(stage.database, Realm::Member, cookie, at(seconds)).unwrap().is_ok()
        };
        assert!(found(599), "not idle for long enough");
        assert!(found(1_198), "seen in between, though only in memory");
        assert!(!found(1_798), "idle");
        assert!(!found(1_799), "and that is no visit");
    });
    play(|stage| {
        let secret = open(stage);
        let sessions = fresh();
        for minute in 1..60 {
            let cookie = secret.expose();
            let found = sessions.find(stage.database, Realm::Member, cookie, at(minute * 60));
            assert!(found.unwrap().is_ok(), "minute {minute}");
        }
        let late = sessions.find(stage.database, Realm::Member, secret.expose(), at(3_600));
        assert_eq!(late.unwrap(), Err(SessionRefusal::Ended), "an hour is over");
    });
}

#[test]
fn memory_answers_alone_for_a_while() {
    play(|stage| {
        let secret = open(stage);
        let sessions = fresh();
        let cookie = secret.expose();
        let cached = |seconds| sessions.find_cached(Realm::Member, cookie, at(seconds));
        assert_eq!(cached(0), None, "the row was never read");
        let found = sessions.find(stage.database, Realm::Member, cookie, at(0)).unwrap().unwrap();
        assert_eq!(cached(29), Some(Ok(found)));
        assert_eq!(cached(30), None, "the row is to be read again");
        let other_realm = sessions.find_cached(Realm::Staff, cookie, at(1));
        assert_eq!(other_realm, Some(Err(SessionRefusal::Ended)));
        let short = sessions.find_cached(Realm::Member, "short", at(1));
        assert_eq!(short, Some(Err(SessionRefusal::Ended)));

        // Ended on another node: noticed with the next reading; on this one at once.
        let (login, session) = (found.login(), found.session());
        let scope = SignOutScope::Everywhere;
        stage.send(SignOut { login, session, scope, request: None }).unwrap();
        assert_eq!(cached(29), Some(Ok(found)));
        let read = sessions.find(stage.database, Realm::Member, cookie, at(30)).unwrap();
        assert_eq!(read, Err(SessionRefusal::Ended));
        let here = fresh();
        here.forget(session);
        here.forget_subject(found.subject());
        let read = here.find(stage.database, Realm::Member, cookie, at(1)).unwrap();
        assert_eq!(read, Err(SessionRefusal::Ended));
    });
}

#[test]
fn visits_are_noted_at_most_once_a_minute() {
    play(|stage| {
        let secret = open(stage);
        let (sessions, keys) = (fresh(), KeyRing::default());
        let visit = |sessions: &Sessions, seconds| {
            let cookie = secret.expose();
            sessions.find(stage.database, Realm::Member, cookie, at(seconds)).unwrap().is_ok()
        };
        for (seconds, noted) in [(10, false), (59, false), (60, true), (61, false), (119, false)] {
            assert!(visit(&sessions, seconds), "at {seconds}");
            let note = NoteUse::take(&sessions, &keys, at(seconds));
            assert_eq!(note.is_some(), noted, "at {seconds}");
        }
        assert!(visit(&sessions, 500), "not idle");
        let note = NoteUse::take(&sessions, &keys, at(500)).unwrap();
        let later = Stage { database: stage.database, chance: stage.chance.clone(), now: at(500) };
        later.send(note).unwrap();
        let other_node = fresh();
        assert!(visit(&other_node, 1_099), "another node knows of the visit");
        assert!(!visit(&fresh(), 1_100), "and when it was");
    });
}

#[test]
fn what_has_ended_is_forgotten() {
    play(|stage| {
        let secret = open(stage);
        let key =
            stage.login(crate::LoginKey::member(super::stage::OURS, &super::stage::mail("hana")));
        let key = key.unwrap();
        let typed = Password::typed("the wrong one");
        let parameters = PasswordParameters::TESTS;
        let verdict = check_password(key.key(), Some(&key), &typed, parameters, &mut stage.chance);
        let (_, session) = stage.new_session();
        stage.send(SignIn { verdict, session, previous: None, request: None }).unwrap();
        let forget = |seconds| stage.send(ForgetEnded { now: at(seconds) }).unwrap();
        assert_eq!(forget(3_600), Forgotten { rows: 0, more: false });
        assert_eq!(forget(3_601), Forgotten { rows: 1, more: false });
        assert_eq!(forget(2 * 86_400 + 1), Forgotten { rows: 1, more: false });
        assert_eq!(forget(9 * 86_400), Forgotten { rows: 0, more: false });
        let found = fresh().find(stage.database, Realm::Member, secret.expose(), at(1));
        assert_eq!(found.unwrap(), Err(SessionRefusal::Ended));
    });
}
