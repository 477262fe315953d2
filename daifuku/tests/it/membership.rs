//! Stories of membership: from the first address to the last day.

use crate::site::{PASSWORD, SHOPPING, Site, block_on, value_on};
use access::{Role, Subject, find_login_of};
use daifuku::{
    demo::Mailbox,
    membership::{Post, end_due},
};
use point_site::preferences::find_preferences;
use store::{Statement, testing::TestDatabase};
use vocabulary::{AccountRole, Email, Id};
use web::{StatusCode, testing::Answer, testing::Client};

pub(crate) const GOOD: &str = "three beans in a cake";

static LETTERS: Statement = Statement::new(
    "list letters",
    "SELECT COALESCE(address, ''), subject, body, state, COALESCE(answer, '')
     FROM mail_letter
     ORDER BY made_at, id
     LIMIT 100",
);

struct Sent {
    to: String,
    subject: String,
    body: String,
    state: String,
    answer: String,
}

fn letters(site: &Site) -> Vec<Sent> {
    let rows = site.house.store.database().read(|reader| reader.query(&LETTERS, &[])).unwrap();
    let text = |row: &store::Row<'_>, column| row.text(column).unwrap().to_owned();
    let read = |row: &store::Row<'_>| Sent {
        to: text(row, 0),
        subject: text(row, 1),
        body: text(row, 2),
        state: text(row, 3),
        answer: text(row, 4),
    };
    rows.iter().map(read).collect()
}

/// The code and the link of the newest letter.
pub(crate) fn newest(site: &Site) -> (String, String) {
    let letter = letters(site).pop().unwrap();
    let code = letter.subject.rsplit_once(' ').unwrap().1.to_owned();
    let link = letter.body.lines().find(|line| line.contains("?k=")).unwrap_or_default();
    let path = link.split_once("://").map_or("", |(_, rest)| rest.split_once('/').unwrap().1);
    (code, format!("/{path}"))
}

pub(crate) fn each_database(story: impl Fn(&Site)) {
    for database in [Some(TestDatabase::sqlite()), TestDatabase::mysql()].into_iter().flatten() {
        story(&Site::over(database, &["sign_in.account_attempts=1000"]));
    }
}

async fn begin(site: &Site, browser: &Client, path: &str, mail: &str) -> Answer {
    site.clock.advance_seconds(1);
    browser.post_form(path, &[("mail", mail), ("terms", "yes"), ("i", "HANA-7")]).await
}

pub(crate) fn went(answer: &Answer, location: &str) {
    let found = (answer.status, answer.header("location"));
    assert_eq!(found, (StatusCode::SEE_OTHER, location), "{}", answer.text);
}

pub(crate) fn status(answer: &Answer, expected: StatusCode) {
    assert_eq!(answer.status, expected, "{}", answer.text);
}

#[test]
fn a_visitor_becomes_a_member_with_the_code_of_a_letter() {
    each_database(|site| {
        block_on(async {
            let browser = site.client().browser();
            let page = browser.get("/sign-up?i=HANA-7").await;
            assert_eq!(value_on(&page, "i"), "HANA-7");
            went(&begin(site, &browser, "/sign-up", "Taro@Example.jp").await, "/sign-up/code");
            assert!(browser.get("/sign-up/code").await.text.contains("taro@example.jp"));
            let early = browser.get("/sign-up/password").await;
            went(&early, "/sign-up/code");
            let (code, _link) = newest(site);
            let wrong = if code == "000000" { "000001" } else { "000000" };
            let answer = browser.post_form("/sign-up/code", &[("code", wrong)]).await;
            status(&answer, StatusCode::UNPROCESSABLE_ENTITY);
            let typed = format!(" {}", code.replace('1', "１"));
            let answer = browser.post_form("/sign-up/code", &[("code", &typed)]).await;
            went(&answer, "/sign-up/password");
            for (password, part) in [("short", "10"), ("aaaaaaaaaaaa", "aria-invalid")] {
                let answer = browser.post_form("/sign-up/password", &[("new", password)]).await;
                status(&answer, StatusCode::UNPROCESSABLE_ENTITY);
                assert!(answer.text.contains(part), "{}", answer.text);
                assert!(!answer.text.contains(password), "a password is not shown again");
            }
            site.clock.advance_seconds(1);
            let answer = browser.post_form("/sign-up/password", &[("new", GOOD)]).await;
            went(&answer, "/");
            status(&browser.get("/settings").await, StatusCode::OK);
            let again = browser.post_form("/sign-up/code", &[("code", &code)]).await;
            status(&again, StatusCode::GONE);

            let key = access::LoginKey::member(SHOPPING, &Email::parse("taro@example.jp").unwrap());
            let database = site.house.store.database();
            let login = database.read(|r| access::find_login(r, key)).unwrap().unwrap();
            let Subject::Member(member) = login.subject() else { panic!("no member") };
            let account = Id::of(member, 1, AccountRole::Member);
            assert!(site.house.store.find_account(account).is_some(), "points can arrive");
            let chosen = database.read(|r| find_preferences(r, &[member])).unwrap();
            let code = chosen[&member].invited_by.as_ref().map(ToString::to_string);
            assert_eq!(code.as_deref(), Some("hana-7"), "who invited is not lost");
            assert_eq!(letters(site).len(), 2, "a code, and a welcome");

            let elsewhere = site.client().browser();
            let fields = [("mail", "taro@example.jp"), ("password", GOOD)];
            went(&elsewhere.post_form("/sign-in", &fields).await, "/");
        });
    });
}

#[test]
fn a_link_is_opened_anywhere_by_a_person_and_once() {
    each_database(|site| {
        block_on(async {
            let asked = site.client().browser();
            begin(site, &asked, "/sign-up", "taro@example.jp").await;
            let (_code, link) = newest(site);
            let phone = site.client().browser();
            for _program in 0..2 {
                status(&phone.get(&link).await, StatusCode::OK);
            }
            went(&phone.get("/sign-up/password").await, "/sign-up");
            let secret = link.split_once("k=").unwrap().1;
            let open = [("k", secret)];
            went(&phone.post_form("/sign-up/link", &open).await, "/sign-up/password");
            // The one who asked has handed it on.
            went(&asked.get("/sign-up/password").await, "/sign-up");
            status(&phone.post_form("/password/link", &open).await, StatusCode::GONE);
            went(&phone.post_form("/sign-up/password", &[("new", GOOD)]).await, "/");
            status(&phone.post_form("/sign-up/link", &open).await, StatusCode::GONE);
            status(&site.client().browser().get(&link).await, StatusCode::GONE);
            status(&phone.get("/sign-up/link?k=nonsense").await, StatusCode::GONE);
        });
    });
}

#[test]
fn whether_an_address_is_known_shows_only_in_its_letter() {
    let site = Site::over(TestDatabase::sqlite(), &["sign_in.account_attempts=1000"]);
    let known = site.add("hana", SHOPPING, Role::Member);
    block_on(async {
        for path in ["/sign-up", "/password"] {
            let mut seen = Vec::new();
            for mail in [known.as_str(), "nobody-here@example.jp"] {
                let browser = site.client().browser();
                let mut answers = vec![begin(&site, &browser, path, mail).await];
                let code = format!("{path}/code");
                answers.push(browser.get(&code).await);
                for _guess in 0..6 {
                    answers.push(browser.post_form(&code, &[("code", "12345")]).await);
                }
                let told = |answer: &Answer| {
                    let place = answer.header("location").to_owned();
                    (answer.status, place, answer.text.replace(mail, "MAIL"))
                };
                seen.push(answers.iter().map(told).collect::<Vec<_>>());
            }
            assert_eq!(seen[0], seen[1], "{path}");
            let statuses: Vec<u16> = seen[0].iter().map(|(status, ..)| status.as_u16()).collect();
            assert_eq!(statuses, [303, 200, 422, 422, 422, 422, 410, 410], "five guesses");
        }
        let sent = letters(&site);
        let with_code = |letter: &Sent| letter.body.contains("?k=");
        assert_eq!(
            sent.iter().map(|letter| (letter.to.as_str(), with_code(letter))).collect::<Vec<_>>(),
            [
                (known.as_str(), false),
                ("nobody-here@example.jp", true),
                (known.as_str(), true),
                ("nobody-here@example.jp", false),
            ]
        );
    });
}

#[test]
fn letters_are_few_and_codes_are_short_lived() {
    each_database(|site| {
        block_on(async {
            let browser = site.client().browser();
            for _letter in 0..5 {
                went(&begin(site, &browser, "/sign-up", "taro@example.jp").await, "/sign-up/code");
            }
            let refused = begin(site, &browser, "/sign-up", "taro@example.jp").await;
            status(&refused, StatusCode::TOO_MANY_REQUESTS);
            let wait: i64 = refused.header("retry-after").parse().unwrap();
            assert!((3_500..=3_600).contains(&wait), "{wait}");
            assert_eq!(letters(site).len(), 5);
            // Another address is not concerned, and this one again within the hour.
            went(&begin(site, &browser, "/sign-up", "jiro@example.jp").await, "/sign-up/code");
            let (code, link) = newest(site);
            site.clock.advance_seconds(1_800);
            let late = browser.post_form("/sign-up/code", &[("code", &code)]).await;
            status(&late, StatusCode::GONE);
            status(&browser.get(&link).await, StatusCode::GONE);
            site.clock.advance_seconds(wait);
            went(&begin(site, &browser, "/sign-up", "taro@example.jp").await, "/sign-up/code");
        });
    });
}

#[test]
fn hostile_addresses_write_no_headers() {
    let flags = [
        "sign_in.account_attempts=1000",
        "site.terms=https://www.example.jp/terms?v=3",
        "site.privacy=/privacy",
    ];
    let site = Site::over(TestDatabase::sqlite(), &flags);
    block_on(async {
        let browser = site.client().browser();
        let hostile = [
            "a@example.jp\r\nBcc: b@example.jp",
            "a@example.jp, b@example.jp",
            "a@example.jp\u{0}",
            "a b@example.jp",
            "あ@example.jp",
            "a@localhost",
            "",
        ];
        for mail in hostile {
            let answer = begin(&site, &browser, "/sign-up", mail).await;
            status(&answer, StatusCode::UNPROCESSABLE_ENTITY);
            assert!(answer.text.contains("field-mail-error"), "{mail:?}");
        }
        let unticked = browser.post_form("/sign-up", &[("mail", "taro@example.jp")]).await;
        status(&unticked, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(unticked.text.contains("field-terms-error"), "{}", unticked.text);
        let links = ["href=\"https://www.example.jp/terms?v=3\"", "href=\"/privacy\""];
        assert!(links.iter().all(|link| unticked.text.contains(link)), "{}", unticked.text);
        assert!(letters(&site).is_empty());
        let other = site.client().header("sec-fetch-site", "cross-site");
        status(&begin(&site, &other, "/sign-up", "taro@example.jp").await, StatusCode::FORBIDDEN);
    });
}

#[test]
fn a_lost_password_is_replaced_and_ends_all_sessions() {
    each_database(|site| {
        let mail = site.add("hana", SHOPPING, Role::Member);
        block_on(async {
            let thief = site.client().browser();
            went(&site.send_password(&thief, "/sign-in", &mail).await, "/");
            let browser = site.client().browser();
            went(&begin(site, &browser, "/password", &mail).await, "/password/code");
            let (code, _link) = newest(site);
            let answer = browser.post_form("/password/code", &[("code", &code)]).await;
            went(&answer, "/password/new");
            site.clock.advance_seconds(1);
            went(&browser.post_form("/password/new", &[("new", GOOD)]).await, "/");
            status(&browser.get("/settings").await, StatusCode::OK);
            let stolen = thief.get("/settings").await;
            status(&stolen, StatusCode::UNAUTHORIZED);
            let old = [("mail", mail.as_str()), ("password", PASSWORD)];
            let elsewhere = site.client().browser();
            status(&elsewhere.post_form("/sign-in", &old).await, StatusCode::UNAUTHORIZED);
            let new = [("mail", mail.as_str()), ("password", GOOD)];
            went(&elsewhere.post_form("/sign-in", &new).await, "/");
            let told = letters(site).pop().unwrap();
            assert_eq!((told.to.as_str(), told.body.contains("?k=")), (mail.as_str(), false));
            // Used up, also for the one who has it.
            let again = browser.post_form("/password/new", &[("new", "another sentence")]).await;
            status(&again, StatusCode::GONE);
        });
    });
}

#[test]
fn another_address_is_proven_and_the_old_one_is_told() {
    each_database(|site| {
        let hana = site.add("hana", SHOPPING, Role::Member);
        let taro = site.add("taro", SHOPPING, Role::Member);
        block_on(async {
            let browser = site.client().browser();
            site.send_password(&browser, "/sign-in", &hana).await;
            let other = site.client().browser();
            site.send_password(&other, "/sign-in", &taro).await;
            let page = browser.get("/settings/mail").await;
            let token = value_on(&page, "csrf");
            let ask = |mail: &'static str, password: &'static str| {
                [("mail", mail), ("password", password), ("csrf", token.as_str())]
            };
            let wrong = browser.post_form("/settings/mail", &ask("new@example.jp", "no")).await;
            status(&wrong, StatusCode::UNPROCESSABLE_ENTITY);
            site.clock.advance_seconds(1);
            let asked = browser.post_form("/settings/mail", &ask("new@example.jp", PASSWORD)).await;
            went(&asked, "/settings/mail/code");
            let (_code, link) = newest(site);
            let secret = link.split_once("k=").unwrap().1;
            // The link in the hands of another member changes nothing of theirs.
            let stolen = other.post_form("/settings/mail/link", &[("k", secret)]).await;
            status(&stolen, StatusCode::GONE);
            site.clock.advance_seconds(1);
            let done = browser.post_form("/settings/mail/link", &[("k", secret)]).await;
            went(&done, "/settings?done=mail");
            assert!(browser.get("/settings?done=mail").await.text.contains("new@example.jp"));
            assert_eq!(letters(site).pop().unwrap().to, hana, "the old address is told");
            let elsewhere = site.client().browser();
            let old = site.send_password(&elsewhere, "/sign-in", &hana).await;
            status(&old, StatusCode::UNAUTHORIZED);
            went(&site.send_password(&elsewhere, "/sign-in", "new@example.jp").await, "/");
            went(&site.send_password(&elsewhere, "/sign-in", &taro).await, "/");
            // An address that has a member gets a letter without a code.
            let page = browser.get("/settings/mail").await;
            let fields = [
                ("mail", taro.as_str()),
                ("password", PASSWORD),
                ("csrf", &value_on(&page, "csrf")),
            ];
            site.clock.advance_seconds(1);
            went(&browser.post_form("/settings/mail", &fields).await, "/settings/mail/code");
            assert!(!letters(site).pop().unwrap().body.contains("?k="));
        });
    });
}

#[test]
fn a_member_sets_password_mail_and_devices() {
    each_database(|site| {
        let mail = site.add("hana", SHOPPING, Role::Member);
        block_on(async {
            let (browser, other) = (site.client().browser(), site.client().browser());
            site.send_password(&browser, "/sign-in", &mail).await;
            site.send_password(&other, "/sign-in", &mail).await;
            let token = value_on(&browser.get("/settings").await, "csrf");
            let fields = [("language", "en"), ("csrf", token.as_str())];
            let saved = browser.post_form("/settings/preferences", &fields).await;
            went(&saved, "/settings?done=preferences");
            let page = browser.get("/settings").await;
            assert!(page.text.contains("value=\"en\" selected"), "{}", page.text);
            assert!(!page.text.contains("value=\"yes\" checked"), "no notices");
            let out = browser.post_form("/settings/sessions/end", &[("csrf", &token)]).await;
            went(&out, "/settings?done=sessions");
            status(&other.get("/settings").await, StatusCode::UNAUTHORIZED);
            status(&browser.get("/settings").await, StatusCode::OK);
            let change = |old: &'static str, new: &'static str, token: &str| {
                [("password", old), ("new", new)]
                    .map(|(name, value)| (name.to_owned(), value.to_owned()))
                    .into_iter()
                    .chain([("csrf".to_owned(), token.to_owned())])
                    .collect::<Vec<_>>()
            };
            for (old, new, expected) in [
                ("not this one", GOOD, StatusCode::UNPROCESSABLE_ENTITY),
                (PASSWORD, "short", StatusCode::UNPROCESSABLE_ENTITY),
                (PASSWORD, GOOD, StatusCode::SEE_OTHER),
            ] {
                let fields = change(old, new, &token);
                let fields: Vec<(&str, &str)> =
                    fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
                let answer = browser.post_form("/settings/password", &fields).await;
                status(&answer, expected);
            }
            status(&browser.get("/settings").await, StatusCode::OK);
            let forged = [("language", "ja"), ("csrf", token.as_str())];
            let forged = browser.post_form("/settings/preferences", &forged).await;
            status(&forged, StatusCode::FORBIDDEN);
        });
    });
}

#[test]
fn a_member_leaves_and_is_forgotten_unless_they_come_back() {
    each_database(|site| {
        let mail = site.add("hana", SHOPPING, Role::Member);
        let find = || {
            let key = access::LoginKey::member(SHOPPING, &Email::parse(&mail).unwrap());
            site.house.store.database().read(|r| access::find_login(r, key)).unwrap()
        };
        let leave = async || {
            let browser = site.client().browser();
            site.send_password(&browser, "/sign-in", &mail).await;
            let token = value_on(&browser.get("/settings/leave").await, "csrf");
            let unsure = [("password", PASSWORD), ("csrf", token.as_str())];
            let unsure = browser.post_form("/settings/leave", &unsure).await;
            status(&unsure, StatusCode::UNPROCESSABLE_ENTITY);
            let wrong = [("sure", "yes"), ("password", "no"), ("csrf", token.as_str())];
            let wrong = browser.post_form("/settings/leave", &wrong).await;
            status(&wrong, StatusCode::UNPROCESSABLE_ENTITY);
            let fields = [("sure", "yes"), ("password", PASSWORD), ("csrf", token.as_str())];
            went(&browser.post_form("/settings/leave", &fields).await, "/left");
            status(&browser.get("/settings").await, StatusCode::UNAUTHORIZED);
            status(&browser.get("/left").await, StatusCode::OK);
        };
        block_on(async {
            leave().await;
            site.clock.advance_seconds(13 * 86_400);
            assert_eq!(end_due(&site.house).unwrap(), 0);
            let browser = site.client().browser();
            let back = site.send_password(&browser, "/sign-in", &mail).await;
            went(&back, "/settings?done=staying");
            site.clock.advance_seconds(86_401);
            assert_eq!(end_due(&site.house).unwrap(), 0, "taken back");

            leave().await;
            site.clock.advance_seconds(14 * 86_400);
            let subject = find().unwrap().subject();
            assert_eq!(end_due(&site.house).unwrap(), 1);
            assert_eq!(end_due(&site.house).unwrap(), 0);
            assert!(find().is_none(), "the address is forgotten");
            let read = site.house.store.database().read(|r| find_login_of(r, subject)).unwrap();
            assert!(read.is_none(), "the person as well");
            let gone = site.send_password(&browser, "/sign-in", &mail).await;
            status(&gone, StatusCode::UNAUTHORIZED);
        });
    });
}

#[test]
fn a_member_takes_along_what_is_kept_and_nobody_elses() {
    each_database(|site| {
        let mail = site.add("hana", SHOPPING, Role::Member);
        site.add("taro", SHOPPING, Role::Member);
        block_on(async {
            let browser = site.client().browser();
            status(&browser.get("/settings/data").await, StatusCode::UNAUTHORIZED);
            status(&browser.get("/passbook.csv").await, StatusCode::UNAUTHORIZED);
            site.send_password(&browser, "/sign-in", &mail).await;
            let token = value_on(&browser.get("/settings/data").await, "csrf");
            let send = async |password: &str, csrf: &str| {
                let fields = [("password", password), ("csrf", csrf)];
                browser.post_form("/settings/data", &fields).await
            };
            status(&send("no", &token).await, StatusCode::UNPROCESSABLE_ENTITY);
            status(&send(PASSWORD, "x").await, StatusCode::FORBIDDEN);
            let file = send(PASSWORD, &token).await;
            status(&file, StatusCode::OK);
            let disposition = file.header("content-disposition").to_owned();
            assert!(disposition.starts_with("attachment; filename=\"my-data-20"), "{disposition}");
            let data: serde_json::Value = serde_json::from_str(&file.text).unwrap();
            assert_eq!(data["account"]["mail"], mail);
            assert_eq!(data["sessions"].as_array().unwrap().len(), 1);
            for chapter in point_site::personal_data::Chapter::ALL {
                assert!(data[chapter.code()].is_array(), "{}", chapter.code());
            }
            assert!(!file.text.contains("taro"), "{}", file.text);

            let table = browser.get("/passbook.csv").await;
            status(&table, StatusCode::OK);
            assert!(table.text.starts_with("\u{feff}日時,内容"), "{}", table.text);
        });
    });
}

#[test]
fn letters_go_over_smtp_and_are_wiped() {
    let mailbox = Mailbox::default();
    let server = mailbox.serve("127.0.0.1:0".parse().unwrap()).unwrap();
    for database in [Some(TestDatabase::sqlite()), TestDatabase::mysql()].into_iter().flatten() {
        let before = mailbox.letters().len();
        let flags = [
            format!("mail.server={server}"),
            "mail.security=none".to_owned(),
            "mail.from=points@example.jp".to_owned(),
            "operator.name=福のや".to_owned(),
        ];
        let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
        let site = Site::over(database, &flags);
        let mut post = Post::of(&site.house).unwrap().unwrap();
        block_on(async {
            for mail in ["taro@example.jp", "nobody@example.jp", "full@example.jp"] {
                begin(&site, &site.client().browser(), "/sign-up", mail).await;
            }
        });
        let sent = post.deliver().unwrap();
        assert_eq!((sent.sent, sent.later, sent.failed), (1, 1, 1));
        let arrived = mailbox.letters();
        assert_eq!(arrived.len(), before + 1);
        let letter = &arrived[0];
        let (_, code) = letter.subject.rsplit_once(' ').unwrap();
        assert_eq!((letter.to.as_str(), code.len()), ("taro@example.jp", 6));
        assert!(letter.subject.starts_with("確認コード "), "{}", letter.subject);
        assert!(letter.body.contains("福のや") && letter.body.contains(code), "{}", letter.body);
        assert!(letter.header("message-id").ends_with("@example.jp>"));
        assert_eq!(letter.header("auto-submitted"), "auto-generated");
        assert_eq!(letter.header("list-unsubscribe"), "", "a code is no notice");
        let kept = letters(&site);
        let table: Vec<_> = kept
            .iter()
            .map(|kept| {
                (kept.to.as_str(), kept.state.as_str(), kept.answer.as_str(), kept.body.is_empty())
            })
            .collect();
        assert_eq!(
            table,
            [
                ("taro@example.jp", "sent", "250", true),
                ("nobody@example.jp", "failed", "550", true),
                ("full@example.jp", "waiting", "452", false),
            ]
        );
        assert_eq!(post.deliver().unwrap().sent, 0, "nothing is due");
        site.clock.advance_seconds(61);
        assert_eq!(post.deliver().unwrap().later, 1);
        site.clock.advance_seconds(40 * 86_400);
        post.deliver().unwrap();
        assert_eq!(letters(&site).len(), 1, "what went long ago is forgotten");
    }
}

#[test]
fn a_server_that_is_away_costs_nobody_a_try() {
    let flags = ["mail.server=127.0.0.1:9", "mail.security=none", "mail.from=p@example.jp"];
    let site = Site::over(TestDatabase::sqlite(), &flags);
    let mut post = Post::of(&site.house).unwrap().unwrap();
    block_on(begin(&site, &site.client().browser(), "/sign-up", "taro@example.jp"));
    for _turn in 0..3 {
        let run = post.deliver().unwrap();
        assert!(run.away && run.sent + run.later + run.failed == 0, "{run:?}");
    }
    assert_eq!(letters(&site)[0].state, "waiting");
}

#[test]
fn notices_carry_a_way_out_that_works_without_signing_in() {
    use mail::{Body, Category, Letter, Recipient};
    use vocabulary::Label;
    use wallet::notice::SendLetters;
    let mailbox = Mailbox::default();
    let server = mailbox.serve("127.0.0.1:0".parse().unwrap()).unwrap();
    let flags = [
        format!("mail.server={server}"),
        "mail.security=none".to_owned(),
        "mail.from=points@example.jp".to_owned(),
    ];
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    let site = Site::over(TestDatabase::sqlite(), &flags);
    site.add("hana", SHOPPING, Role::Member);
    let member = store::natural_id("test.member", &[b"hana"]);
    let notice = |number: u128| Letter {
        id: Id::from_bits(number),
        company: SHOPPING,
        category: Category::Notice,
        to: Recipient::Member(member),
        subject: Label::parse(
            "まもなく失効するポイントがあります。ご利用の予定をお確かめください。",
        )
        .unwrap(),
        body: Body::parse("100ポイント").unwrap(),
    };
    let mut post = Post::of(&site.house).unwrap().unwrap();
    let Ok(()) = site.house.store.run(SendLetters(vec![notice(1)])).unwrap();
    assert_eq!(post.deliver().unwrap().sent, 1);
    let letter = mailbox.letters().remove(0);
    assert_eq!(letter.subject, notice(1).subject.as_str(), "long subjects come through");
    assert_eq!(letter.header("list-unsubscribe-post"), "List-Unsubscribe=One-Click");
    let link = letter.header("list-unsubscribe").trim_matches(['<', '>']).to_owned();
    let path = format!("/{}", link.splitn(4, '/').nth(3).unwrap());
    block_on(async {
        // As a mail provider does: no page, no origin.
        let provider = site.client();
        let (who, seal) = path.rsplit_once('-').unwrap();
        let forged = format!("{who}-{}", seal.chars().rev().collect::<String>());
        let one_click = [("List-Unsubscribe", "One-Click")];
        status(&provider.post_form(&forged, &one_click).await, StatusCode::NOT_FOUND);
        status(&provider.get(&path).await, StatusCode::OK);
        status(&provider.post_form(&path, &one_click).await, StatusCode::OK);
    });
    let Ok(()) = site.house.store.run(SendLetters(vec![notice(2)])).unwrap();
    let run = post.deliver().unwrap();
    assert_eq!((run.sent, run.failed), (0, 1), "no more notices");
}
