use crate::site::{SHOPPING, Site, block_on, value_on};
use access::{Need, Role};
use web::{StatusCode, testing::Client};

/// Sends a form with the token of the page.
async fn send(browser: &Client, path: &str, fields: &[(&str, &str)]) -> web::testing::Answer {
    let token = value_on(&browser.get("/staff/keys").await, "csrf");
    let mut all = vec![("csrf", token.as_str())];
    all.extend(fields);
    browser.post_form(path, &all).await
}

fn secret(answer: &web::testing::Answer) -> String {
    let rest = answer.text.split_once("id=\"secret\">").expect("a secret is shown").1;
    rest.split_once("</pre>").unwrap().0.to_owned()
}

async fn works(site: &Site, key: &str) -> String {
    let program = site.client().header("authorization", &format!("Bearer {key}"));
    // No role of a key meets this, so a key that is known is answered `forbidden`.
    program.get("/staff/ops").await.problem_code()
}

#[test]
fn a_developer_creates_rotates_and_revokes_a_key() {
    let site = Site::new();
    block_on(async {
        let browser = site.signed_in(SHOPPING, Role::Developer).await;
        let fields = [("label", "shop"), ("need", "account.read"), ("need", "hold.write")];
        let created = send(&browser, "/staff/keys", &fields).await;
        assert_eq!(created.status, StatusCode::OK, "{}", created.text);
        let first = secret(&created);
        assert_eq!(works(&site, &first).await, "forbidden");
        let page = browser.get("/staff/keys").await;
        assert!(!page.text.contains(&first) && page.text.contains("shop"), "the secret is gone");
        let id = page.text.split_once("/staff/keys/").unwrap().1.split_once("/rotate").unwrap().0;

        let rotated = send(&browser, &format!("/staff/keys/{id}/rotate"), &[]).await;
        let second = secret(&rotated);
        for key in [&first, &second] {
            assert_eq!(works(&site, key).await, "forbidden", "both go on for a day");
        }
        site.clock.advance_seconds(86_401);
        assert_eq!(works(&site, &first).await, "key_expired");

        let browser = site.signed_in(SHOPPING, Role::Administrator).await;
        let revoked = send(&browser, &format!("/staff/keys/{id}/revoke"), &[]).await;
        assert_eq!(revoked.header("location"), "/staff/keys");
        assert_eq!(works(&site, &second).await, "key_revoked");
    });
}

#[test]
fn a_wrong_form_is_shown_again_with_what_is_wrong() {
    let site = Site::new();
    block_on(async {
        let browser = site.signed_in(SHOPPING, Role::Developer).await;
        for fields in [
            &[("label", ""), ("need", "account.read")][..],
            &[("label", "shop")],
            &[("label", "shop"), ("need", "account.read"), ("expires_on", "2026-11-19")],
            &[("label", "shop"), ("need", "account.read"), ("expires_on", "soon")],
        ] {
            let answer = send(&browser, "/staff/keys", fields).await;
            assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{fields:?}");
            assert!(
                answer.text.contains("error-summary") || answer.text.contains("notice-bad"),
                "{}",
                answer.text
            );
        }
    });
}

#[test]
fn another_companys_key_is_not_found() {
    let site = Site::new();
    site.add_key(vocabulary::CompanyNumber::new(2), &[Need::AccountRead]);
    block_on(async {
        let others = site.house.store.database();
        let company = vocabulary::CompanyNumber::new(2);
        let keys = others.read(|reader| access::list_api_keys(reader, company)).unwrap();
        let id = keys.first().unwrap().id;
        let browser = site.signed_in(SHOPPING, Role::Administrator).await;
        let page = browser.get("/staff/keys").await;
        assert!(!page.text.contains(&id.to_string()), "another company's key is not listed");
        for action in ["rotate", "revoke"] {
            let answer = send(&browser, &format!("/staff/keys/{id}/{action}"), &[]).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND, "{action}");
        }
    });
}
