use core::fmt::Write as _;

use expect_test::expect;

use crate::network::Adapter;
use crate::network_account::{
    ChangeNetworkAccount, Credentials, NetworkAccount, NetworkAccountChange, NetworkAccountKey,
    NetworkAccountRefusal, NetworkKey, NetworkTerms, Sealed,
};
use crate::tests::{OURS, Stage, THEIRS, at, play, token, wait};
use crate::{TEXTS, Trust};
use access::Role;
use store::Statement;
use web::testing::frame;

pub(crate) fn key(adapter: Adapter) -> NetworkAccountKey {
    NetworkAccountKey { network: token(adapter.code()), account: token("asked") }
}

fn change(stage: &Stage, adapter: Adapter, change: NetworkAccountChange) -> ChangeNetworkAccount {
    let by = stage.site.config().actor;
    ChangeNetworkAccount { by, request: None, company: OURS, key: key(adapter), change }
}

/// Adds an account that is asked at `base`.
pub(crate) fn set_up(
    stage: &Stage,
    adapter: Adapter,
    edit: impl FnOnce(&mut NetworkTerms),
) -> NetworkAccount {
    let terms = NetworkTerms::usual(adapter);
    let add = change(stage, adapter, NetworkAccountChange::Add { adapter, terms: terms.clone() });
    let added = stage.site.change_network_account(add).unwrap().unwrap();
    let mut terms = NetworkTerms { identifier: "300111".to_owned(), ..terms };
    edit(&mut terms);
    let given = Credentials { key: "client".to_owned(), secret: "s3cret".to_owned() };
    let sealed = stage.site.config().network_key.seal(OURS, &added.key, &given, 5);
    let edit =
        NetworkAccountChange::Edit { version: added.version, terms, credentials: Some(sealed) };
    stage.site.change_network_account(change(stage, adapter, edit)).unwrap().unwrap()
}

#[test]
fn credentials_open_for_their_account_and_key_alone() {
    let (ours, theirs) = (NetworkKey::new([1; 32]), NetworkKey::new([2; 32]));
    let given = Credentials { key: "client".to_owned(), secret: "p|s:w d".to_owned() };
    let sealed = ours.seal(OURS, &key(Adapter::Awin), &given, 9);
    assert_eq!(ours.open(OURS, &key(Adapter::Awin), &sealed), Some(given.clone()));
    assert_eq!(ours.open(THEIRS, &key(Adapter::Awin), &sealed), None, "another company");
    assert_eq!(ours.open(OURS, &key(Adapter::Cj), &sealed), None, "another account");
    assert_eq!(theirs.open(OURS, &key(Adapter::Awin), &sealed), None, "another key");
    assert_eq!(ours.open(OURS, &key(Adapter::Awin), &Sealed(vec![1, 2])), None, "no seal");
    for place in [0, 12, sealed.0.len() - 1] {
        let mut bytes = sealed.0.clone();
        bytes[place] ^= 1;
        assert_eq!(ours.open(OURS, &key(Adapter::Awin), &Sealed(bytes)), None, "byte {place}");
    }
    let shown = format!("{given:?} {sealed:?} {ours:?}");
    assert_eq!(shown, "Credentials(…) Sealed(…) NetworkKey(…)");
    assert_ne!(sealed, ours.seal(OURS, &key(Adapter::Awin), &given, 10), "the nonce is another");
}

#[test]
fn each_refusal_has_its_reason() {
    let now = at("2026-11-01 12:00");
    let terms = NetworkTerms::usual(Adapter::Awin);
    let pulling = NetworkTerms { pulling: true, identifier: "1".to_owned(), ..terms.clone() };
    let account = NetworkAccount {
        key: key(Adapter::Awin),
        company: OURS,
        adapter: Adapter::Awin,
        terms: terms.clone(),
        credentials: None,
        generation: 3,
        former_until: None,
        version: 5,
    };
    let edit =
        |terms: NetworkTerms| NetworkAccountChange::Edit { version: 5, terms, credentials: None };
    let add = |adapter, terms| NetworkAccountChange::Add { adapter, terms };
    let of = |terms: &NetworkTerms, base: &str, identifier: &str| NetworkTerms {
        base: base.to_owned(),
        identifier: identifier.to_owned(),
        ..terms.clone()
    };
    let (known, none) = (Some(&account), None);
    let table = [
        (edit(terms.clone()), none, Err("not_found")),
        (
            NetworkAccountChange::Rotate { generation: 1, overlap_seconds: 1 },
            none,
            Err("not_found"),
        ),
        (add(Adapter::Cj, NetworkTerms::usual(Adapter::Cj)), known, Err("taken")),
        (
            NetworkAccountChange::Edit { version: 4, terms: terms.clone(), credentials: None },
            known,
            Err("stale"),
        ),
        (NetworkAccountChange::Rotate { generation: 2, overlap_seconds: 1 }, known, Err("stale")),
        (edit(NetworkTerms { look_back_days: 0, ..terms.clone() }), known, Err("look_back")),
        (edit(NetworkTerms { look_back_days: 401, ..terms.clone() }), known, Err("look_back")),
        (add(Adapter::Tune, pulling.clone()), none, Err("no_pages")),
        (edit(of(&pulling, "", "1")), known, Err("base")),
        (edit(of(&terms, "http://example.com", "")), known, Err("base")),
        (edit(of(&terms, "https://10.0.0.1", "")), known, Err("base")),
        (edit(of(&terms, "https://api.awin.com/?a=b", "")), known, Err("base")),
        (edit(of(&pulling, "https://api.awin.com", "")), known, Err("identifier")),
        (edit(of(&pulling, "https://api.awin.com", "1/../2")), known, Err("identifier")),
        (edit(of(&pulling, "https://api.awin.com", "1\"")), known, Err("identifier")),
        (edit(pulling.clone()), known, Err("credentials_missing")),
        (add(Adapter::Awin, terms.clone()), known, Ok(5)),
        (edit(terms.clone()), known, Ok(5)),
        (edit(NetworkTerms { look_back_days: 9, ..terms.clone() }), known, Ok(6)),
        (NetworkAccountChange::Rotate { generation: 3, overlap_seconds: 9 }, known, Ok(6)),
        (add(Adapter::Awin, terms), none, Ok(1)),
    ];
    for (change, current, expected) in table {
        let by = ledger::ActorNumber::new(OURS, 1);
        let name = format!("{change:?}");
        let command = ChangeNetworkAccount {
            by,
            request: None,
            company: OURS,
            key: key(Adapter::Awin),
            change,
        };
        let decided = command.decided(current, now);
        let shown = decided.map(|next| next.version).map_err(NetworkAccountRefusal::code);
        assert_eq!(shown, expected, "{name}");
    }
}

#[test]
fn a_new_address_is_taken_at_once_and_the_former_one_for_a_while() {
    play(|stage| {
        let client = stage.client(None);
        let account = set_up(stage, Adapter::Affise, |_| ());
        let path = |account: &NetworkAccount| account.path(&stage.site.config().network_key);
        let status = |path: &str| wait(client.get(&format!("{path}?status=2"))).status.as_u16();
        let first = path(&account);
        assert_eq!(status(&first), 200);
        let mut seen = vec![first];
        for generation in 1..3 {
            let rotate = NetworkAccountChange::Rotate { generation, overlap_seconds: 600 };
            let rotate = change(stage, Adapter::Affise, rotate);
            let rotated = stage.site.change_network_account(rotate.clone()).unwrap().unwrap();
            seen.push(path(&rotated));
            let again = stage.site.change_network_account(rotate).unwrap().unwrap_err();
            assert_eq!(again, NetworkAccountRefusal::Stale, "a repeat rotates nothing");
        }
        let statuses = |stage: &Stage| -> Vec<u16> {
            stage.site.refresh().unwrap();
            seen.iter().map(|path| status(path)).collect()
        };
        assert_eq!(statuses(stage), [404, 200, 200], "one before the former one has ended");
        stage.clock.advance_seconds(600);
        assert_eq!(statuses(stage), [404, 404, 200]);
    });
}

static ENTRIES: Statement = Statement::new(
    "list audit entries",
    "SELECT action, subject
     FROM audit_entry
     ORDER BY seq",
);

/// What it is, where it is sent, the form, what the answer says.
type Post<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a str);

#[test]
fn the_staff_adds_edits_and_rotates_on_pages() {
    let expected = expect![[r#"
        add: 303 /staff/networks/accounts/awin/uk?done=added
        add again: 303 /staff/networks/accounts/awin/uk?done=added
        other format: 422 別の形式
        bad name: 422 半角
        no credentials: 422 トークンまたはパスワード
        saved: 303 /staff/networks/accounts/awin/uk?done=saved
        stale: 422 ほかの人
        rotated: 303 /staff/networks/accounts/awin/uk?done=rotated
        stale rotation: 422 ほかの人
        network_account.add awin/uk
        network_account.edit awin/uk
        network_account.rotate awin/uk
    "#]];
    crate::tests::tell(&expected, |stage| {
        let staff = access::testing::staff(8, OURS, Role::Sales);
        let client = stage.client(Some(staff)).browser();
        let mut text = String::new();
        let home = "/staff/networks/accounts";
        assert!(wait(client.get(home)).text.contains("まだアカウントがありません"));
        let uk = format!("{home}/awin/uk");
        let rotate = format!("{uk}/rotate");
        let add = [("adapter", "awin"), ("network", ""), ("account", "uk")];
        let edit = [
            ("version", "1"),
            ("trust", "reports"),
            ("zone", "utc"),
            ("currency", "GBP"),
            ("pulling", "on"),
            ("base", "https://api.awin.com"),
            ("identifier", "300111"),
            ("look_back_days", "60"),
            ("key", ""),
        ];
        let with = |secret| [edit.as_slice(), &[("secret", secret)]].concat();
        let (none, some) = (with(""), with("tok-EN"));
        let other = [("adapter", "cj"), ("network", "awin"), ("account", "uk")];
        let bad = [("adapter", "cj"), ("network", "Ａ"), ("account", "uk")];
        let generation = [("generation", "1")];
        let posts: [Post<'_>; 9] = [
            ("add", home, &add, ""),
            ("add again", home, &add, ""),
            ("other format", home, &other, "別の形式"),
            ("bad name", home, &bad, "半角"),
            ("no credentials", &uk, &none, "トークンまたはパスワード"),
            ("saved", &uk, &some, ""),
            ("stale", &uk, &some, "ほかの人"),
            ("rotated", &rotate, &generation, ""),
            ("stale rotation", &rotate, &generation, "ほかの人"),
        ];
        for (name, path, form, wanted) in posts {
            let answer = wait(client.post_form(path, form));
            let status = answer.status.as_u16();
            assert!(answer.text.contains(wanted), "{name}: {}", answer.text);
            assert!(!answer.text.contains("tok-EN"), "{name}: no secret is shown");
            let told = if status == 303 { answer.header("location") } else { wanted };
            writeln!(text, "{name}: {status} {told}").unwrap();
        }
        let page = wait(client.get(&uk)).text;
        assert!(page.contains("/in/v1/awin/") && page.contains("受け付けます"), "{page}");
        assert!(page.contains("保存済み") && !page.contains("tok-EN"), "{page}");
        assert!(wait(client.get(home)).text.contains("開始待ち"));
        assert_eq!(wait(client.get(&format!("{home}/awin/none"))).status.as_u16(), 404);
        let entries = stage.site.store().database().read(|reader| reader.query(&ENTRIES, &[]));
        for row in &entries.unwrap() {
            writeln!(text, "{} {}", row.text(0).unwrap(), row.text(1).unwrap()).unwrap();
        }
        text
    });
}

#[test]
fn only_whoever_manages_offers_sees_accounts() {
    let test = store::testing::TestDatabase::sqlite();
    let stage = Stage::open(&test, Trust::Reports);
    for role in [Role::Support, Role::Accounting, Role::Auditor] {
        let client = stage.client(Some(access::testing::staff(8, OURS, role))).browser();
        assert_eq!(wait(client.get("/staff/networks/accounts")).status.as_u16(), 403, "{role:?}");
    }
}

#[test]
fn every_code_has_its_text() {
    let frame = frame(&[TEXTS]);
    let fields = ["credential_long", "adapter", "choice", "currency", "token"];
    let refusals = NetworkAccountRefusal::ALL.iter().map(|refusal| refusal.code()).chain(fields);
    let keys = refusals
        .map(|code| format!("network-account-refused-{code}"))
        .chain(Adapter::ALL.iter().flat_map(|adapter| {
            let code = adapter.code();
            [format!("network-adapter-{code}"), format!("network-account-identifier-{code}-hint")]
        }))
        .chain(Trust::ALL.map(|trust| format!("network-trust-{}", trust.code())))
        .chain(["japan", "utc", "pacific"].map(|zone| format!("network-zone-{zone}")))
        .chain(crate::pull::Feed::ALL.iter().map(|f| format!("network-feed-{}", f.code())))
        .chain(
            crate::pull::PullError::ALL.iter().map(|e| format!("network-pull-error-{}", e.code())),
        );
    for key in keys {
        let text = frame.texts().get(web::Language::Japanese, &key);
        assert!(!text.contains('⟦'), "{text}");
    }
}
