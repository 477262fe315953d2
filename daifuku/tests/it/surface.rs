use std::collections::BTreeSet;

use expect_test::expect_file;

use crate::site::Site;
use daifuku::{guard::is_known_need, parts, routes};
use store::testing::{TestDatabase, assert_same_schema, for_each_database, plans, prepare_all};
use web::problem_list;

#[test]
fn the_url_space_is_what_its_list_says() {
    let site = Site::new();
    let routes = routes::routes(&site.house).unwrap();
    expect_file!["../../../docs/generated/routes.txt"].assert_eq(&routes.to_text());
    for route in routes.list() {
        assert!(is_known_need(route.need()), "{} needs {}", route.path(), route.need());
    }
}

#[test]
fn the_api_is_what_its_document_says() {
    let site = Site::new();
    let routes = routes::routes(&site.house).unwrap();
    let document = routes::api_document(&routes).unwrap();
    expect_file!["../../../docs/generated/openapi.json"].assert_eq(&document.to_text());
}

#[test]
fn every_problem_is_listed_once_and_said_in_both_languages() {
    let problems = parts::problems().concat();
    expect_file!["../../../docs/generated/problems.md"].assert_eq(&problem_list(&problems));
    let codes: BTreeSet<&str> = problems.iter().map(|kind| kind.code).collect();
    assert_eq!(codes.len(), problems.len(), "a code is there twice");
    for source in parts::texts() {
        assert_eq!(web::differences(&source), Vec::<String>::new(), "{}", source.name);
    }
    let site = Site::new();
    for language in [web::Language::Japanese, web::Language::English] {
        let words = site.house.frame.texts().words(language);
        for code in access::REFUSALS.iter().map(|refusal| refusal.code) {
            for key in [format!("problem-{code}"), format!("problem-{code}-next")] {
                assert!(words.find(&key).is_some(), "{key} in {}", language.code());
            }
        }
        for need in access::Need::ALL {
            let key = format!("need-{}", need.code().replace('.', "-"));
            assert!(words.find(&key).is_some(), "{key} in {}", language.code());
        }
        for page in parts::STAFF_PAGES {
            for key in [page.text.to_owned(), format!("{}-about", page.text)] {
                assert!(words.find(&key).is_some(), "{key} in {}", language.code());
            }
        }
    }
}

#[test]
fn the_whole_schema_and_every_statement_fit_both_databases() {
    let migrations = parts::migrations();
    for_each_database(|database| {
        database.migrate(&migrations);
        prepare_all(database.database(), &parts::statements());
    });
    assert_same_schema(&migrations);
}

#[test]
fn statements_are_carried_out_as_the_list_of_plans_says() {
    let database = TestDatabase::sqlite();
    database.migrate(&parts::migrations());
    let plans = plans(database.database(), &parts::statements());
    expect_file!["../../../docs/generated/plans.txt"].assert_eq(&plans);
    // Looking for some of many rows never goes through all of a company's.
    let mut name = "";
    for line in plans.lines() {
        if line.starts_with(' ') {
            let all = line.ends_with("(company=?)") || line.contains(" SCAN site_");
            let found = name.ends_with(", with a list") && all;
            assert!(!found || FEW.iter().any(|few| name.starts_with(few)), "{name}\n{line}");
        } else {
            name = line;
        }
    }
}

/// Statements over tables of which a company has few rows.
const FEW: [&str; 4] =
    ["list network accounts,", "list pulls,", "read destinations,", "read limit groups,"];
