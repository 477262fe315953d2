use expect_test::expect;

use super::stage::{OURS, Stage, THEIRS, TOTP_KEY, at, mail, password_of, play};
use crate::{
    AddLogin, Authenticated, ChangeLogin, ChangePassword, ConfirmCode, EnrolSecondFactor, Login,
    LoginChange, LoginKey, LoginRefusal, Password, PasswordParameters, PasswordVerdict, Realm,
    RecoveryCode, Role, Secret, SessionLimits, SessionRefusal, Sessions, SignIn, SignInOutcome,
    SignInRefusal, SignOut, SignOutScope, SignedIn, Stage as Step, Subject, TotpSalt, TotpSecret,
    TypedCode, check_code, check_enrolment, check_password, testing,
};
use vocabulary::Id;

impl Stage<'_> {
    fn verdict(&mut self, key: LoginKey, password: &str) -> PasswordVerdict {
        let login = self.login(key);
        let password = Password::typed(password);
        let parameters = PasswordParameters::TESTS;
        check_password(key, login.as_ref(), &password, parameters, &mut self.chance)
    }

    fn sign_in(&mut self, key: LoginKey, password: &str) -> (Secret, SignInOutcome) {
        let verdict = self.verdict(key, password);
        let (secret, session) = self.new_session();
        let sign_in = SignIn { verdict, session, previous: None, request: None };
        (secret, self.send(sign_in).unwrap())
    }

    fn find(&self, realm: Realm, cookie: &Secret) -> Result<SignedIn, SessionRefusal> {
        let sessions = Sessions::new(SessionLimits::MEMBER, SessionLimits::STAFF);
        sessions.find(self.database, realm, cookie.expose(), self.now).unwrap()
    }

    fn confirm(&mut self, cookie: &Secret, typed: &TypedCode) -> (Secret, SignInOutcome) {
        let signed_in = self.find(Realm::Staff, cookie).unwrap();
        let verdict = check_code(&TOTP_KEY, &signed_in, Some(typed), self.now);
        let (secret, session) = self.new_session();
        let (login, previous) = (signed_in.login(), signed_in.session());
        let confirm = ConfirmCode { login, previous, verdict, session, request: None };
        (secret, self.send(confirm).unwrap())
    }

    fn enrol(
        &mut self,
        cookie: &Secret,
        salt: TotpSalt,
        typed: Option<&TypedCode>,
    ) -> (Secret, Vec<RecoveryCode>, SignInOutcome) {
        let signed_in = self.find(Realm::Staff, cookie).unwrap();
        let verdict = check_enrolment(&TOTP_KEY, &signed_in, salt, typed, self.now);
        let codes = RecoveryCode::draw_all(&mut self.chance);
        let (secret, session) = self.new_session();
        let outcome = self.send(EnrolSecondFactor {
            login: signed_in.login(),
            previous: signed_in.session(),
            verdict,
            codes: codes.iter().map(RecoveryCode::hash).collect(),
            session,
            request: None,
        });
        (secret, codes, outcome.unwrap())
    }

    /// What the person's app shows now.
    fn app_code(&self, login: &Login, salt: TotpSalt) -> TypedCode {
        let step = u64::try_from(self.now.as_seconds().div_euclid(30)).unwrap();
        TypedCode::Totp(TotpSecret::derive(&TOTP_KEY, login.subject(), salt).code_at(step))
    }
}

fn stage_of(outcome: &SignInOutcome) -> Result<Step, SignInRefusal> {
    match outcome {
        SignInOutcome::Opened(opened) => Ok(opened.stage),
        SignInOutcome::Refused(refusal) => Err(*refusal),
    }
}

#[test]
fn a_member_signs_in_and_out() {
    play(|stage| {
        let key = stage.add_login("hana", 7, Role::Member);
        let (_, wrong) = stage.sign_in(key, "the wrong one");
        assert_eq!(stage_of(&wrong), Err(SignInRefusal::Wrong));
        let (cookie, outcome) = stage.sign_in(key, &password_of("hana"));
        assert_eq!(stage_of(&outcome), Ok(Step::Full));

        let signed_in = stage.find(Realm::Member, &cookie).unwrap();
        let who = *signed_in.authenticated().unwrap();
        assert_eq!((who.company(), who.member()), (OURS, Some(Id::from_bits(7))));
        assert_eq!(who.needs(), Role::Member.needs());
        assert_eq!(stage.find(Realm::Staff, &cookie), Err(SessionRefusal::Ended), "other realm");

        let (login, session) = (signed_in.login(), signed_in.session());
        let out = SignOut { login, session, scope: SignOutScope::Here, request: None };
        stage.send(out.clone()).unwrap();
        stage.send(out).unwrap();
        assert_eq!(stage.find(Realm::Member, &cookie), Err(SessionRefusal::Ended));
        expect![[r"
            0 login.add done
            12884901889 sign_in.complete refused
            12884901889 sign_in.complete done
            12884901889 sign_in.end done
        "]]
        .assert_eq(&stage.trail());
    });
}

#[test]
fn an_unknown_mail_is_answered_as_a_known_one() {
    play(|stage| {
        let known = stage.add_login("hana", 7, Role::Member);
        let unknown = LoginKey::member(OURS, &mail("nobody"));
        let closed = stage.add_login("taro", 8, Role::Member);
        let close = ChangeLogin {
            by: Authenticated::SYSTEM,
            request: None,
            login: closed,
            change: LoginChange::Close,
        };
        stage.send(close).unwrap();
        for attempt in 0..12 {
            let answers = [
                stage.sign_in(known, "the wrong one").1,
                stage.sign_in(unknown, "the wrong one").1,
                stage.sign_in(closed, &password_of("taro")).1,
            ];
            assert_eq!(answers[0], answers[1], "attempt {attempt}");
            assert_eq!(answers[0], answers[2], "attempt {attempt}");
            stage.wait(7);
        }
        let (_, at_another_site) =
            stage.sign_in(LoginKey::member(THEIRS, &mail("hana")), &password_of("hana"));
        assert_eq!(stage_of(&at_another_site), Err(SignInRefusal::Wrong));
    });
}

#[test]
fn failures_lock_for_longer_and_longer() {
    play(|stage| {
        let key = stage.add_login("hana", 7, Role::Member);
        let wrong = Err(SignInRefusal::Wrong);
        for _attempt in 0..5 {
            assert_eq!(stage_of(&stage.sign_in(key, "the wrong one").1), wrong);
        }
        let mut total = 0;
        for wait in [30, 60, 120, 240, 480, 900, 900] {
            let locked = Err(SignInRefusal::Locked { until: at(total + wait) });
            assert_eq!(stage_of(&stage.sign_in(key, &password_of("hana")).1), locked, "{wait}");
            stage.wait(wait - 1);
            assert_eq!(stage_of(&stage.sign_in(key, "the wrong one").1), locked, "{wait}");
            stage.wait(1);
            total += wait;
            assert_eq!(stage_of(&stage.sign_in(key, "the wrong one").1), wrong, "{wait}");
        }
        stage.wait(900);
        assert_eq!(stage_of(&stage.sign_in(key, &password_of("hana")).1), Ok(Step::Full));
        for _attempt in 0..4 {
            assert_eq!(stage_of(&stage.sign_in(key, "the wrong one").1), wrong);
        }
        // Success forgot the failures before it, and a day forgets the others.
        stage.wait(86_401);
        assert_eq!(stage_of(&stage.sign_in(key, "the wrong one").1), wrong);
        assert_eq!(stage_of(&stage.sign_in(key, &password_of("hana")).1), Ok(Step::Full));
    });
}

#[test]
fn staff_set_up_and_use_a_second_step() {
    play(|stage| {
        let key = stage.add_login("saki", 9, Role::Support);
        let (cookie, outcome) = stage.sign_in(key, &password_of("saki"));
        assert_eq!(stage_of(&outcome), Ok(Step::Enrolment));
        let signed_in = stage.find(Realm::Staff, &cookie).unwrap();
        let pending = SessionRefusal::Pending(Step::Enrolment);
        assert_eq!(signed_in.authenticated(), Err(pending), "nothing may be done yet");

        let salt = TotpSalt::draw(&mut stage.chance);
        let login = stage.login(key).unwrap();
        let code = stage.app_code(&login, salt);
        let other_salt = TotpSalt::draw(&mut stage.chance);
        for (salt, typed) in [(other_salt, Some(&code)), (salt, None)] {
            let (_, _, outcome) = stage.enrol(&cookie, salt, typed);
            assert_eq!(stage_of(&outcome), Err(SignInRefusal::Wrong));
        }
        let (full, codes, outcome) = stage.enrol(&cookie, salt, Some(&code));
        assert_eq!(stage_of(&outcome), Ok(Step::Full));
        assert!(stage.find(Realm::Staff, &full).unwrap().authenticated().is_ok(), "signed in");
        assert_eq!(stage.find(Realm::Staff, &cookie), Err(SessionRefusal::Ended), "replaced");
        let (_, _, again) = stage.enrol(&full, salt, Some(&code));
        assert_eq!(stage_of(&again), Err(SignInRefusal::SecondFactorSet));

        // The step that set it up cannot be used again, the next one can, once.
        let (half, outcome) = stage.sign_in(key, &password_of("saki"));
        assert_eq!(stage_of(&outcome), Ok(Step::Code));
        assert_eq!(stage_of(&stage.confirm(&half, &code).1), Err(SignInRefusal::Wrong));
        stage.wait(30);
        let next = stage.app_code(&login, salt);
        let (full, outcome) = stage.confirm(&half, &next);
        assert_eq!(stage_of(&outcome), Ok(Step::Full));
        assert_eq!(stage.find(Realm::Staff, &half), Err(SessionRefusal::Ended));
        let who = stage.find(Realm::Staff, &full).unwrap();
        assert_eq!(who.authenticated().unwrap().role(), Some(Role::Support));
        let (half, _) = stage.sign_in(key, &password_of("saki"));
        assert_eq!(stage_of(&stage.confirm(&half, &next).1), Err(SignInRefusal::Wrong), "used");

        // A recovery code, once.
        let recovery = TypedCode::parse(&codes[3].expose()).unwrap();
        assert_eq!(stage_of(&stage.confirm(&half, &recovery).1), Ok(Step::Full));
        let (half, _) = stage.sign_in(key, &password_of("saki"));
        assert_eq!(stage_of(&stage.confirm(&half, &recovery).1), Err(SignInRefusal::Wrong));
    });
}

#[test]
fn wrong_codes_lock_though_the_password_is_right() {
    play(|stage| {
        let key = stage.add_login("saki", 9, Role::Support);
        let (cookie, _) = stage.sign_in(key, &password_of("saki"));
        let salt = TotpSalt::draw(&mut stage.chance);
        let login = stage.login(key).unwrap();
        let code = stage.app_code(&login, salt);
        stage.enrol(&cookie, salt, Some(&code));
        let mut refusals = Vec::new();
        for _attempt in 0..6 {
            let (half, outcome) = stage.sign_in(key, &password_of("saki"));
            match stage_of(&outcome) {
                Ok(_) => refusals.push(stage_of(&stage.confirm(&half, &code).1).unwrap_err()),
                Err(refusal) => refusals.push(refusal),
            }
        }
        let mut expected = vec![SignInRefusal::Wrong; 5];
        expected.push(SignInRefusal::Locked { until: at(30) });
        assert_eq!(refusals, expected);
    });
}

#[test]
fn another_persons_recovery_code_is_wrong() {
    play(|stage| {
        let mut codes = Vec::new();
        let mut halves = Vec::new();
        for (number, name) in [(9, "saki"), (10, "mari")] {
            let key = stage.add_login(name, number, Role::Support);
            let (cookie, _) = stage.sign_in(key, &password_of(name));
            let salt = TotpSalt::draw(&mut stage.chance);
            let code = stage.app_code(&stage.login(key).unwrap(), salt);
            codes.push(stage.enrol(&cookie, salt, Some(&code)).1);
            halves.push(stage.sign_in(key, &password_of(name)).0);
        }
        let hers = TypedCode::Recovery(codes[1][0].hash());
        assert_eq!(stage_of(&stage.confirm(&halves[0], &hers).1), Err(SignInRefusal::Wrong));
        assert_eq!(stage_of(&stage.confirm(&halves[1], &hers).1), Ok(Step::Full));
    });
}

#[test]
fn a_changed_password_ends_all_other_sessions() {
    play(|stage| {
        let key = stage.add_login("hana", 7, Role::Member);
        let (phone, _) = stage.sign_in(key, &password_of("hana"));
        let (laptop, _) = stage.sign_in(key, &password_of("hana"));
        let before = stage.verdict(key, &password_of("hana"));
        let password = stage.hash("a new one, longer");
        let change = |stage: &mut Stage<'_>, verdict: PasswordVerdict, cookie: &Secret| {
            let (secret, session) = stage.new_session();
            let (previous, password) = (cookie.hash(), password.clone());
            let change = ChangePassword { verdict, previous, password, session, request: None };
            let outcome = stage.send(change.clone()).unwrap();
            assert_eq!(stage.send(change).unwrap(), outcome, "a repeat");
            (secret, outcome)
        };
        let wrong = stage.verdict(key, "the wrong one");
        let (_, outcome) = change(stage, wrong, &laptop);
        assert_eq!(stage_of(&outcome), Err(SignInRefusal::Wrong));
        let right = stage.verdict(key, &password_of("hana"));
        let (fresh, outcome) = change(stage, right.clone(), &laptop);
        assert_eq!(stage_of(&outcome), Ok(Step::Full));
        assert!(stage.find(Realm::Member, &fresh).is_ok(), "the browser goes on");
        for ended in [&phone, &laptop] {
            assert_eq!(stage.find(Realm::Member, ended), Err(SessionRefusal::Ended));
        }
        let (_, outcome) = change(stage, right, &laptop);
        assert_eq!(stage_of(&outcome), Err(SignInRefusal::SessionEnded));

        // A verdict from before the change is worth nothing, even a right one.
        let (_, session) = stage.new_session();
        let late = SignIn { verdict: before, session, previous: None, request: None };
        assert_eq!(stage_of(&stage.send(late).unwrap()), Err(SignInRefusal::Stale));
        assert_eq!(stage_of(&stage.sign_in(key, "a new one, longer").1), Ok(Step::Full));
    });
}

#[test]
fn a_sign_in_is_repeated_and_rotates() {
    play(|stage| {
        let key = stage.add_login("hana", 7, Role::Member);
        let (old, _) = stage.sign_in(key, &password_of("hana"));
        let verdict = stage.verdict(key, &password_of("hana"));
        let (_, session) = stage.new_session();
        let sign_in = SignIn { verdict, session, previous: Some(old.hash()), request: None };
        let first = stage.send(sign_in.clone()).unwrap();
        stage.wait(5);
        assert_eq!(stage.send(sign_in).unwrap(), first, "decided again after a lost reply");
        assert_eq!(stage.find(Realm::Member, &old), Err(SessionRefusal::Ended));
        assert_eq!(stage.trail().lines().count(), 3, "the repeat left no entry");
    });
}

#[test]
fn new_parameters_are_taken_at_the_next_sign_in() {
    play(|stage| {
        let key = stage.add_login("hana", 7, Role::Member);
        let harder = PasswordParameters { memory_kib: 16, passes: 2 };
        let login = stage.login(key);
        let typed = Password::typed(&password_of("hana"));
        let verdict = check_password(key, login.as_ref(), &typed, harder, &mut stage.chance);
        let (_, session) = stage.new_session();
        stage.send(SignIn { verdict, session, previous: None, request: None }).unwrap();
        let login = stage.login(key).unwrap();
        assert_eq!(login.password.parameters(), harder);
        assert!(login.password.matches(&typed), "the same password");
        assert_eq!(login.revision, 1, "which ends nothing");
    });
}

#[test]
fn logins_are_added_and_changed_as_they_may() {
    play(|stage| {
        let key = stage.add_login("saki", 9, Role::Support);
        let password = stage.hash("irrelevant here");
        let add = |subject, role, name: &str| AddLogin {
            by: Authenticated::SYSTEM,
            request: None,
            company: OURS,
            subject,
            role,
            mail: mail(name),
            password: password.clone(),
        };
        let staff = |number| Subject::Staff(Id::from_bits(number));
        let member = |number| Subject::Member(Id::from_bits(number));
        let (taken, misfit) = (Some(LoginRefusal::MailTaken), Some(LoginRefusal::RoleMisfit));
        let table = [
            (add(staff(9), Role::Support, "saki"), None),
            (add(staff(10), Role::Sales, "saki"), taken),
            (add(member(11), Role::Member, "saki"), None),
            (add(member(12), Role::Member, "saki"), taken),
            (add(member(11), Role::Member, "mari"), Some(LoginRefusal::PersonTaken)),
            (add(member(12), Role::Support, "mari"), misfit),
            (add(staff(12), Role::Member, "mari"), misfit),
            (add(Subject::System, Role::Sre, "mari"), misfit),
        ];
        for (line, (command, refusal)) in table.into_iter().enumerate() {
            assert_eq!(stage.send(command).err(), refusal, "line {line}");
        }

        let by = testing::staff(1, OURS, Role::Administrator);
        let change = |login, change| ChangeLogin { by, request: None, login, change };
        let nobody = LoginKey::staff(&mail("nobody"));
        let unknown = Some(LoginRefusal::Unknown);
        let table = [
            (change(nobody, LoginChange::Close), unknown),
            (change(key, LoginChange::Role(Role::Member)), misfit),
            (change(key, LoginChange::Role(Role::Auditor)), None),
            (change(key, LoginChange::Close), None),
        ];
        let (cookie, _) = stage.sign_in(key, &password_of("saki"));
        for (line, (command, refusal)) in table.into_iter().enumerate() {
            assert_eq!(stage.send(command).err(), refusal, "line {line}");
        }
        assert_eq!(stage.find(Realm::Staff, &cookie), Err(SessionRefusal::Ended));
        let wrong = Err(SignInRefusal::Wrong);
        assert_eq!(stage_of(&stage.sign_in(key, &password_of("saki")).1), wrong, "closed");
        stage.send(change(key, LoginChange::Reopen)).unwrap();
        let (cookie, _) = stage.sign_in(key, &password_of("saki"));
        let salt = TotpSalt::draw(&mut stage.chance);
        let code = stage.app_code(&stage.login(key).unwrap(), salt);
        stage.enrol(&cookie, salt, Some(&code));
        assert_eq!(stage_of(&stage.sign_in(key, &password_of("saki")).1), Ok(Step::Code));
        stage.send(change(key, LoginChange::ResetSecondFactor)).unwrap();
        assert_eq!(stage_of(&stage.sign_in(key, &password_of("saki")).1), Ok(Step::Enrolment));
        assert_eq!(stage.login(key).unwrap().role(), Role::Auditor);
    });
}

#[test]
fn no_secret_is_shown() {
    play(|stage| {
        let key = stage.add_login("hana", 7, Role::Member);
        let login = stage.login(key).unwrap();
        let verdict = stage.verdict(key, &password_of("hana"));
        let (secret, session) = stage.new_session();
        let sign_in = SignIn { verdict, session, previous: Some(secret.hash()), request: None };
        let shown = format!("{login:?} {sign_in:?} {secret:?}");
        for hidden in ["hana", secret.expose(), "argon2", &login.password.to_text()] {
            assert!(!shown.contains(hidden), "{shown}");
        }
    });
}
