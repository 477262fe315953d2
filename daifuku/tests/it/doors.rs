use crate::site::{SHOPPING, Site, block_on};
use access::{Need, Role};
use daifuku::routes;
use vocabulary::CompanyNumber;
use web::{
    Method, StatusCode,
    testing::{Answer, Client},
};

/// Method, address with something in place of each parameter, and need of every guarded route.
fn guarded(site: &Site) -> Vec<(Method, String, &'static str)> {
    let routes = routes::routes(&site.house).unwrap();
    let list = routes.list();
    let guarded =
        list.into_iter().filter(|route| !matches!(route.need(), "public" | "visitor.member"));
    let address = |path: &str| {
        let filled =
            |part: &str| if part.starts_with('{') { "x".to_owned() } else { part.to_owned() };
        path.split('/').map(filled).collect::<Vec<_>>().join("/")
    };
    guarded.map(|route| (route.method().clone(), address(route.path()), route.need())).collect()
}

async fn ask(client: &Client, method: &Method, path: &str) -> Answer {
    client.send(method.clone(), path, "", Vec::new()).await
}

#[test]
fn nobody_comes_in_without_a_credential() {
    let site =
        Site::over(store::testing::TestDatabase::sqlite(), &["server.metrics_from=192.0.2.7"]);
    let program = site.client();
    block_on(async {
        for (method, path, need) in guarded(&site) {
            let answer = ask(&program, &method, &path).await;
            let expected = match need {
                ops::NETWORK => (StatusCode::NOT_FOUND, "not_found"),
                _ => (StatusCode::UNAUTHORIZED, "unauthenticated"),
            };
            assert_eq!(
                (answer.status, answer.problem_code().as_str()),
                expected,
                "{method} {path}"
            );
        }
    });
}

#[test]
fn a_key_opens_only_what_it_was_given() {
    let site = Site::new();
    let key = site.add_key(SHOPPING, &[Need::CompanyRead]);
    let program = site.client().header("authorization", &format!("Bearer {key}"));
    block_on(async {
        for (method, path, need) in guarded(&site) {
            let answer = ask(&program, &method, &path).await;
            let expected = match Need::parse(need) {
                Some(Need::CompanyRead) => continue,
                Some(_) => (StatusCode::FORBIDDEN, "forbidden"),
                None if need == ops::NETWORK => continue,
                None => (StatusCode::UNAUTHORIZED, "unauthenticated"),
            };
            assert_eq!(
                (answer.status, answer.problem_code().as_str()),
                expected,
                "{method} {path}"
            );
        }
        for (key, code) in
            [("dfk_x", "key_malformed"), (&key.replace("dfk_", "dfk_0"), "key_malformed")]
        {
            let program = site.client().header("authorization", &format!("Bearer {key}"));
            assert_eq!(program.get("/staff/ops").await.problem_code(), code);
        }
    });
}

#[test]
fn every_role_comes_in_where_the_policy_says_so_and_nowhere_else() {
    let site = Site::new();
    block_on(async {
        for role in Role::ALL {
            let company = if role == Role::Member { SHOPPING } else { CompanyNumber::OPERATOR };
            let browser = site.signed_in(company, role).await.header("accept", "application/json");
            for (method, path, need) in guarded(&site) {
                // These would end the session.
                if path.contains("sign-out") && method == Method::POST {
                    continue;
                }
                let answer = ask(&browser, &method, &path).await;
                let (realm_fits, allowed) = match Need::parse(need) {
                    Some(need) => (
                        (need == Need::MemberSelf) == (role == Role::Member),
                        need.roles().contains(&role),
                    ),
                    None if need == ops::NETWORK => (true, true),
                    None => {
                        let fits = need.ends_with(".member") == (role == Role::Member);
                        (fits, fits)
                    }
                };
                let code = answer.problem_code();
                let expected = match (realm_fits, allowed) {
                    (false, _) => "unauthenticated",
                    (true, false) => "forbidden",
                    (true, true) => "",
                };
                let refused = ["unauthenticated", "forbidden"].contains(&code.as_str());
                let found = if refused { code.as_str() } else { "" };
                assert_eq!(found, expected, "{} {method} {path}: {}", role.code(), answer.text);
            }
        }
    });
}

#[test]
fn a_form_of_another_site_is_turned_away() {
    let site = Site::new();
    block_on(async {
        let browser = site.signed_in(SHOPPING, Role::Developer).await;
        let browser = browser.header("accept", "application/json");
        let fields = [("label", "shop"), ("need", "account.read")];
        let answer = browser.post_form("/staff/keys", &fields).await;
        assert_eq!(
            (answer.status, answer.problem_code().as_str()),
            (StatusCode::FORBIDDEN, "csrf_failed"),
            "no token"
        );
        let browser = browser.header("sec-fetch-site", "cross-site");
        let answer = browser.post_form("/staff/keys", &fields).await;
        assert_eq!(answer.problem_code(), "csrf_failed");
        assert_eq!(browser.get("/staff/keys").await.status, StatusCode::OK, "looking is allowed");
    });
}

#[test]
fn a_browser_that_is_not_signed_in_is_shown_where_to() {
    let site = Site::new();
    block_on(async {
        let browser = site.client().browser();
        let answer = browser.get("/staff/keys?a=1").await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(answer.text.contains("action=\"/staff/sign-in\""), "{}", answer.text);
        assert_eq!(crate::site::value_on(&answer, "return"), "/staff/keys?a=1");
    });
}
