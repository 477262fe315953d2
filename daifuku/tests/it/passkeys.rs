//! Passkeys through the doors, with a device of software.

use base64::{Engine as _, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::site::{SHOPPING, Site, block_on, value_on};
use access::{
    RelyingParty, Role,
    testing::{SignedChallenge, SoftDevice},
};
use store::testing::TestDatabase;
use web::{StatusCode, testing::Client};

const ADDRESS: &str = "https://points.example.jp";

fn encode(bytes: &[u8]) -> String {
    URL_SAFE_NO_PAD.encode(bytes)
}

async fn challenge(browser: &Client, path: &str) -> String {
    let offered: Value = browser.post_json(path, &json!({})).await.json();
    assert_eq!(offered["party"], "points.example.jp");
    offered["challenge"].as_str().unwrap().to_owned()
}

fn signed(challenge: &str, said: &SignedChallenge) -> Value {
    json!({
        "challenge": challenge,
        "credential": encode(&said.credential),
        "client_data": encode(&said.client_data),
        "authenticator_data": encode(&said.authenticator_data),
        "signature": encode(&said.signature),
        "return": "/shops",
    })
}

async fn add(browser: &Client, device: &mut SoftDevice) -> StatusCode {
    let challenge = challenge(browser, "/settings/passkeys/challenge").await;
    let made = device.create(&challenge);
    let body = json!({
        "challenge": challenge,
        "client_data": encode(&made.client_data),
        "attestation": encode(&made.attestation),
    });
    browser.post_json("/settings/passkeys", &body).await.status
}

#[test]
fn a_passkey_is_added_signs_in_and_is_removed() {
    for database in [Some(TestDatabase::sqlite()), TestDatabase::mysql()].into_iter().flatten() {
        let site = Site::over(database, &[&format!("site.address={ADDRESS}")]);
        let mail = site.add("hana", SHOPPING, Role::Member);
        block_on(async {
            let browser = site.client().browser();
            site.send_password(&browser, "/sign-in", &mail).await;
            let mut device = SoftDevice::new(RelyingParty::of(ADDRESS));
            assert_eq!(add(&browser, &mut device).await, StatusCode::OK);
            assert_eq!(add(&browser, &mut device).await, StatusCode::CONFLICT, "known");
            let mut foreign = SoftDevice::new(RelyingParty::of("https://evil.example.jp"));
            assert_eq!(add(&browser, &mut foreign).await, StatusCode::UNAUTHORIZED);

            let phone = site.client().browser();
            let asked = challenge(&phone, "/sign-in/passkey/challenge").await;
            let said = signed(&asked, &device.sign(&asked));
            let answer = phone.post_json("/sign-in/passkey", &said).await;
            assert_eq!(answer.json::<Value>()["location"], "/shops", "{}", answer.text);
            let page = phone.get("/settings").await;
            assert_eq!(page.status, StatusCode::OK);

            // The same answer again, on whatever device.
            let thief = site.client().browser();
            let again = thief.post_json("/sign-in/passkey", &said).await;
            assert_eq!(again.status, StatusCode::UNAUTHORIZED);
            // A challenge for adding does not sign in.
            let other = challenge(&phone, "/settings/passkeys/challenge").await;
            let crossed = signed(&other, &device.sign(&other));
            let crossed = thief.post_json("/sign-in/passkey", &crossed).await;
            assert_eq!(crossed.status, StatusCode::UNAUTHORIZED);
            // Too late.
            let late = challenge(&thief, "/sign-in/passkey/challenge").await;
            site.clock.advance_seconds(301);
            let late = signed(&late, &device.sign(&late));
            let late = thief.post_json("/sign-in/passkey", &late).await;
            assert_eq!(late.status, StatusCode::UNAUTHORIZED);

            let fields =
                [("passkey", value_on(&page, "passkey")), ("csrf", value_on(&page, "csrf"))];
            let fields: Vec<(&str, &str)> =
                fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
            let removed = phone.post_form("/settings/passkeys/remove", &fields).await;
            assert_eq!(removed.header("location"), "/settings?done=passkey-removed");
            let asked = challenge(&thief, "/sign-in/passkey/challenge").await;
            let gone = signed(&asked, &device.sign(&asked));
            let gone = thief.post_json("/sign-in/passkey", &gone).await;
            assert_eq!(gone.status, StatusCode::UNAUTHORIZED);
        });
    }
}

#[test]
fn a_copied_key_that_counts_behind_is_refused() {
    let site = Site::over(TestDatabase::sqlite(), &[&format!("site.address={ADDRESS}")]);
    let mail = site.add("hana", SHOPPING, Role::Member);
    block_on(async {
        let browser = site.client().browser();
        site.send_password(&browser, "/sign-in", &mail).await;
        let mut device = SoftDevice::new(RelyingParty::of(ADDRESS));
        assert_eq!(add(&browser, &mut device).await, StatusCode::OK);
        let old = challenge(&browser, "/sign-in/passkey/challenge").await;
        let old = signed(&old, &device.sign(&old));
        let new = challenge(&browser, "/sign-in/passkey/challenge").await;
        let new = signed(&new, &device.sign(&new));
        for (said, expected) in [(new, StatusCode::OK), (old, StatusCode::UNAUTHORIZED)] {
            let phone = site.client().browser();
            assert_eq!(phone.post_json("/sign-in/passkey", &said).await.status, expected);
        }
    });
}
