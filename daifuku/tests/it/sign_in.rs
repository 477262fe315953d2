use crate::site::{PASSWORD, SHOPPING, Site, block_on, secret_on, value_on};
use access::{Realm, Role};
use daifuku::demo::code_of_authenticator;
use store::testing::TestDatabase;
use vocabulary::{Clock as _, CompanyNumber};
use web::{StatusCode, testing::Answer};

fn cookies(answer: &Answer) -> Vec<&str> {
    answer.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()).collect()
}

#[test]
fn a_member_signs_in_and_out_on_both_databases() {
    for database in [Some(TestDatabase::sqlite()), TestDatabase::mysql()].into_iter().flatten() {
        let site = Site::over(database, &[]);
        let mail = site.add("hana", SHOPPING, Role::Member);
        block_on(async {
            let browser = site.client().browser();
            let fields =
                [("mail", mail.as_str()), ("password", PASSWORD), ("return", "/shops?q=1")];
            let answer = browser.post_form("/sign-in", &fields).await;
            assert_eq!(answer.status, StatusCode::SEE_OTHER, "{}", answer.text);
            assert_eq!(answer.header("location"), "/shops?q=1");
            let set = cookies(&answer).join("\n");
            assert!(set.starts_with(&format!("{}=", Realm::Member.cookie())), "{set}");
            for part in ["Secure", "HttpOnly", "SameSite=Lax", "Path=/", "Max-Age=2592000"] {
                assert!(set.contains(part), "{part} in {set}");
            }
            let page = browser.get("/sign-out").await;
            assert_eq!(page.status, StatusCode::OK, "{}", page.text);
            let token = value_on(&page, "csrf");
            let answer = browser.post_form("/sign-out", &[("csrf", &token)]).await;
            assert_eq!(answer.header("location"), "/sign-in");
            assert_eq!(browser.get("/sign-out").await.status, StatusCode::UNAUTHORIZED);
        });
    }
}

#[test]
fn staff_set_up_an_authenticator_once_and_need_it_ever_after() {
    let site = Site::new();
    let mail = site.add("jun", CompanyNumber::OPERATOR, Role::Sre);
    block_on(async {
        let browser = site.client().browser();
        let answer = site.send_password(&browser, "/staff/sign-in", &mail).await;
        assert_eq!(answer.header("location"), "/staff/sign-in/enrolment?return=/staff");
        let shown = browser.get("/staff").await;
        assert_eq!(shown.status, StatusCode::OK, "the next step is shown instead");
        assert!(shown.text.contains("action=\"/staff/sign-in/enrolment\""), "{}", shown.text);
        let form = browser.get(answer.header("location")).await;
        for part in ["data:image/svg+xml,", "otpauth://totp/Daifuku:jun%40example.jp"] {
            assert!(form.text.contains(part), "{part} in {}", form.text);
        }
        let secret = secret_on(&form);
        let done = site.send_code(&browser, "/staff/sign-in/enrolment", &form).await;
        assert_eq!(done.status, StatusCode::OK, "{}", done.text);
        assert!(done.text.matches('-').count() >= 30, "ten recovery codes: {}", done.text);
        assert_eq!(browser.get("/staff").await.status, StatusCode::OK);

        let browser = site.client().browser();
        site.clock.advance_seconds(60);
        let answer = site.send_password(&browser, "/staff/sign-in", &mail).await;
        assert_eq!(answer.header("location"), "/staff/sign-in/code?return=/staff");
        let form = browser.get(answer.header("location")).await;
        let token = value_on(&form, "csrf");
        let wrong = [("csrf", token.as_str()), ("code", "000000")];
        let answer = browser.post_form("/staff/sign-in/code", &wrong).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        let code = code_of_authenticator(&secret, site.clock.now()).unwrap();
        let fields = [("csrf", token.as_str()), ("code", &code), ("return", "/staff/ops")];
        let answer = browser.post_form("/staff/sign-in/code", &fields).await;
        assert_eq!(
            (answer.status, answer.header("location")),
            (StatusCode::SEE_OTHER, "/staff/ops")
        );
        assert_eq!(browser.get("/staff/ops").await.status, StatusCode::OK);
    });
}

#[test]
fn a_wrong_password_and_an_unknown_mail_are_answered_alike_and_throttled() {
    let site = Site::over(TestDatabase::sqlite(), &["sign_in.account_attempts=3"]);
    let known = site.add("hana", SHOPPING, Role::Member);
    block_on(async {
        let mut seen = Vec::new();
        for mail in [known.as_str(), "nobody@example.jp"] {
            let browser = site.client().browser();
            let mut statuses = Vec::new();
            for _attempt in 0..4 {
                let fields = [("mail", mail), ("password", "not this one")];
                let answer = browser.post_form("/sign-in", &fields).await;
                statuses.push(answer.status.as_u16());
                if answer.status == StatusCode::TOO_MANY_REQUESTS {
                    assert!(!answer.header("retry-after").is_empty(), "says how long to wait");
                }
                seen.push(answer.text.replace(mail, "MAIL"));
            }
            assert_eq!(statuses, [401, 401, 401, 429], "{mail}");
        }
        let (first, second) = seen.split_at(4);
        assert_eq!(first, second);
        let right = site.client().browser();
        let answer = site.send_password(&right, "/sign-in", &known).await;
        assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "also with the right password");
        site.clock.advance_seconds(601);
        let answer = site.send_password(&right, "/sign-in", &known).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
    });
}

#[test]
fn the_form_to_sign_in_is_taken_from_our_own_page_only() {
    let site = Site::new();
    let mail = site.add("hana", SHOPPING, Role::Member);
    block_on(async {
        let client = site.client().header("sec-fetch-site", "cross-site");
        let answer = site.send_password(&client, "/sign-in", &mail).await;
        assert_eq!(
            (answer.status, answer.problem_code().as_str()),
            (StatusCode::FORBIDDEN, "csrf_failed")
        );
    });
}

#[test]
fn a_session_ends_when_nobody_comes() {
    let site = Site::over(TestDatabase::sqlite(), &["sessions.staff_idle_minutes=5"]);
    block_on(async {
        let browser = site.signed_in(CompanyNumber::OPERATOR, Role::Auditor).await;
        for (seconds, status) in
            [(299, StatusCode::OK), (299, StatusCode::OK), (301, StatusCode::UNAUTHORIZED)]
        {
            site.clock.advance_seconds(seconds);
            assert_eq!(browser.get("/staff").await.status, status, "after {seconds} s");
        }
    });
}

#[test]
fn pages_are_whole_in_both_languages() {
    let site = Site::new();
    block_on(async {
        let browser = site.signed_in(SHOPPING, Role::Developer).await;
        for path in ["/sign-in", "/staff/sign-in", "/staff", "/staff/keys", "/staff/sign-out"] {
            for language in ["ja", "en"] {
                let answer = browser.get(&format!("{path}?lang={language}")).await;
                assert_eq!(answer.status, StatusCode::OK, "{path}");
                assert!(!answer.text.contains('⟦'), "a text of {path} is missing: {}", answer.text);
                assert!(answer.text.contains(&format!("<html lang=\"{language}\"")), "{path}");
            }
        }
    });
}

#[test]
fn the_page_of_a_problem_leads_home_whoever_sees_it() {
    let site = Site::new();
    block_on(async {
        let developer = site.signed_in(SHOPPING, Role::Developer).await;
        let visitor = site.client().browser();
        for (browser, path, status, leads) in [
            (&developer, "/staff/ops", StatusCode::FORBIDDEN, &["/staff", "/staff/keys"][..]),
            (&developer, "/staff/nowhere", StatusCode::NOT_FOUND, &["/staff", "/staff/keys"]),
            (&developer, "/nowhere", StatusCode::NOT_FOUND, &["/staff", "/staff/keys"]),
            (&visitor, "/staff/nowhere", StatusCode::NOT_FOUND, &["/staff"]),
            (&visitor, "/nowhere", StatusCode::NOT_FOUND, &["/", "/sign-in"]),
        ] {
            let answer = browser.get(path).await;
            assert_eq!(answer.status, status, "{path}");
            let home = format!("class=\"wordmark\" href=\"{}\"", leads[0]);
            assert!(answer.text.contains(&home), "{path} {}", answer.text);
            for href in leads {
                assert!(answer.text.contains(&format!("href=\"{href}\"")), "{href} on {path}");
            }
        }
    });
}
