use crate::exchange::tests::stories::furnish;
use crate::tests::{OURS, Stage, THEIRS, at, play, wait};
use access::testing::staff;
use access::{Authenticated, Role};
use web::testing::Client;

type Fields = Vec<(&'static str, &'static str)>;

fn seat(stage: &Stage, number: u32, role: Role) -> Client {
    stage.client(Some(staff(number, OURS, role))).browser()
}

/// Looks at a page in both languages: it is there, whole, and in its words.
fn look(client: &Client, path: &str) -> String {
    let mut text = String::new();
    for language in ["en", "ja"] {
        let page = wait(client.get(&format!("{path}?lang={language}")));
        assert_eq!(page.status.as_u16(), 200, "{path} {}", page.text);
        assert!(!page.text.contains('⟦'), "a text of {path} is missing: {}", page.text);
        text = page.text;
    }
    text
}

/// The form of a next version, with some fields filled in anew.
fn form(changes: &[(&'static str, &'static str)]) -> Fields {
    let mut fields = vec![
        ("do", "propose"),
        ("effective_from", "2026-11-10"),
        ("opening", "open"),
        ("name", "ギフト"),
        ("name_english", "Gift"),
        ("product", "sandbox"),
        ("rate_points", "490"),
        ("rate_value", "500"),
        ("rounding", "down"),
        ("minimum", "490"),
        ("step", "490"),
        ("fee", "10"),
        ("lead_days", "0"),
        ("quote_minutes", "15"),
        ("limit_group", "general"),
    ];
    for (name, value) in changes {
        fields.retain(|(known, _)| known != name);
        fields.push((name, value));
    }
    fields
}

const NEW: &[(&str, &str)] = &[("code", "tea"), ("kind", "gift_code"), ("unit", "JPY")];

fn post(client: &Client, path: &str, fields: &[(&str, &str)]) -> (u16, String) {
    let answer = wait(client.post_form(path, fields));
    (answer.status.as_u16(), answer.text)
}

#[test]
fn a_version_is_tried_proposed_and_approved_by_another() {
    play(|stage| {
        furnish(stage, 5_000);
        let maker = seat(stage, 31, Role::Accounting);
        let checker = seat(stage, 32, Role::Supervisor);
        let path = "/staff/destinations/gift";
        look(&maker, "/staff/destinations");
        assert!(look(&maker, path).contains("name=\"rate_value\""), "the form");
        assert!(!look(&checker, path).contains("name=\"rate_value\""), "only to read");
        let (status, tried) = post(&maker, path, &form(&[("do", "preview")]));
        assert_eq!(status, 200);
        // 1,000 less the fee are two steps of 490; 10,000 are twenty.
        assert!(tried.contains("1,000円") && tried.contains("10,000円"), "{tried}");
        assert!(!look(&checker, "/staff/destinations").contains("verdict"), "nothing is proposed");
        assert_eq!(post(&maker, path, &form(&[])).0, 303);
        assert!(look(&maker, path).contains("value=\"decline\""), "it can be taken back");
        let own = look(&maker, "/staff/destinations");
        assert!(!own.contains("value=\"approve\""), "{own}");
        let seen = look(&checker, "/staff/destinations");
        assert!(seen.contains("value=\"approve\"") && seen.contains("490 pt → 500円"), "{seen}");
        let fields = [("number", "1"), ("verdict", "approve")];
        let decide = "/staff/destinations/decide";
        let (status, refused) = post(&maker, decide, &fields);
        assert_eq!((status, refused.contains("提案した人は承認できません")), (422, true));
        for _twice in 0..2 {
            assert_eq!(post(&checker, decide, &fields).0, 303);
        }
        let declined = [("number", "1"), ("verdict", "decline")];
        assert_eq!(post(&checker, decide, &declined).0, 422, "decided");
        assert!(look(&maker, path).contains("2026-11-10"), "planned");
        stage.clock.set(at("2026-11-10 00:00"));
        assert!(look(&maker, "/staff/destinations").contains("490 pt → 500円"), "in force");
    });
}

#[test]
fn each_mistake_is_told_beside_its_field() {
    play(|stage| {
        furnish(stage, 5_000);
        let maker = seat(stage, 31, Role::Accounting);
        let path = "/staff/destinations/gift";
        let table: [(&'static str, &'static str, &str); 15] = [
            ("effective_from", "soon", "effective_from"),
            ("effective_from", "2026-10-31", "effective_from"),
            ("effective_from", "2026-11-01", "effective_from"),
            ("opening", "ajar", "opening"),
            ("name", "", "name"),
            ("name_english", "", "name_english"),
            ("product", "nobody", "product"),
            ("rate_points", "0", "rate_points"),
            ("rate_value", "0", "rate_value"),
            ("rounding", "away", "rounding"),
            ("minimum", "0", "minimum"),
            ("fee", "-1", "fee"),
            ("lead_days", "61", "lead_days"),
            ("quote_minutes", "99999", "quote_minutes"),
            ("limit_group", "nobody", "limit_group"),
        ];
        for (field, value, beside) in table {
            let (status, page) = post(&maker, path, &form(&[(field, value)]));
            assert_eq!(status, 422, "{field} {value}");
            let error = format!("id=\"field-{beside}-error\"");
            assert!(page.contains(&error), "{field} {value}: {page}");
            assert!(page.contains(&format!("href=\"#field-{beside}\"")), "the summary: {page}");
            assert!(!page.contains('⟦'), "{page}");
        }
        let (status, page) = post(&maker, "/staff/destinations", &form(&[]));
        assert_eq!(status, 422);
        for field in ["code", "kind", "unit"] {
            assert!(page.contains(&format!("id=\"field-{field}-error\"")), "{field}: {page}");
        }
        let taken = [NEW, &[("code", "gift")]].concat();
        assert_eq!(post(&maker, "/staff/destinations", &form(&taken)).0, 422, "the code is taken");
    });
}

#[test]
fn a_destination_and_a_group_are_added() {
    play(|stage| {
        let maker = seat(stage, 31, Role::Accounting);
        let checker = seat(stage, 32, Role::Accounting);
        assert!(look(&maker, "/staff/destinations").contains("交換先はまだありません"), "none");
        look(&maker, "/staff/destinations/new");
        look(&maker, "/staff/limit-groups/new");
        let groups = "/staff/limit-groups";
        let wrong = [("code", "Ａ"), ("daily", "x"), ("monthly", "")];
        let (status, page) = post(&maker, groups, &wrong);
        assert_eq!(status, 422);
        assert!(page.contains("field-code-error") && page.contains("field-daily-error"), "{page}");
        let fields = [("code", "general"), ("daily", "5,000"), ("monthly", "")];
        assert_eq!(post(&maker, groups, &fields).0, 303);
        let decide = "/staff/destinations/decide";
        assert_eq!(post(&checker, decide, &[("number", "1"), ("verdict", "approve")]).0, 303);
        look(&maker, "/staff/limit-groups/general");
        let limits = [("daily", "5000"), ("monthly", "4000")];
        let general = "/staff/limit-groups/general";
        assert_eq!(post(&maker, general, &limits).0, 422, "a day is more than a month");
        assert_eq!(post(&maker, general, &[("daily", "5000")]).0, 422, "unchanged");
        assert_eq!(post(&maker, general, &[("monthly", "9000")]).0, 303);
        assert!(look(&checker, general).contains("9,000 pt"), "it waits");
        assert_eq!(post(&maker, "/staff/destinations", &form(NEW)).0, 303);
        assert_eq!(post(&checker, decide, &[("number", "3"), ("verdict", "approve")]).0, 303);
        assert_eq!(post(&checker, decide, &[("number", "2"), ("verdict", "decline")]).0, 303);
        assert!(look(&maker, "/staff/destinations").contains("/staff/destinations/tea"), "listed");
        assert!(look(&maker, "/staff/destinations/tea").contains("2026-11-10"), "its day");
    });
}

#[test]
fn who_may_not_is_told_and_what_is_not_there_is_not_found() {
    play(|stage| {
        furnish(stage, 5_000);
        let sales = seat(stage, 33, Role::Sales);
        let supervisor = seat(stage, 34, Role::Supervisor);
        let auditor = seat(stage, 35, Role::Auditor);
        let accounting = seat(stage, 36, Role::Accounting);
        let status = |client: &Client, path: &str| wait(client.get(path)).status.as_u16();
        let (path, groups) = ("/staff/destinations", "/staff/limit-groups");
        let gift = "/staff/destinations/gift";
        let decide = "/staff/destinations/decide";
        let fields = [("number", "1"), ("verdict", "approve")];
        assert_eq!(status(&sales, path), 403);
        assert_eq!(status(&sales, gift), 403);
        assert_eq!(status(&supervisor, "/staff/destinations/new"), 403);
        assert_eq!(post(&supervisor, gift, &form(&[])).0, 403);
        assert_eq!(post(&supervisor, groups, &[("code", "a")]).0, 403);
        assert_eq!(post(&auditor, decide, &fields).0, 403);
        assert_eq!(status(&auditor, gift), 200);
        for gone in ["/staff/destinations/gone", "/staff/limit-groups/gone"] {
            assert_eq!(status(&accounting, gone), 404);
            assert_eq!(post(&accounting, gone, &form(&[])).0, 404);
        }
        assert_eq!(post(&accounting, decide, &fields).0, 404, "nothing was proposed");
        assert_eq!(post(&accounting, decide, &[("number", "1"), ("verdict", "x")]).0, 404);
        // Somebody of another company, with the needs but not for this site.
        let theirs: Authenticated = staff(37, THEIRS, Role::Accounting);
        let theirs = stage.client(Some(theirs)).browser();
        assert_eq!(status(&theirs, path), 404);
        assert_eq!(status(&theirs, gift), 404);
        assert_eq!(post(&theirs, gift, &form(&[])).0, 404);
        assert_eq!(post(&theirs, decide, &fields).0, 404);
    });
}
