use std::collections::BTreeSet;

use super::*;
use store::testing::{assert_same_schema, for_each_database, prepare_all};

#[test]
fn both_languages_say_the_same() {
    assert_eq!(web::differences(&TEXTS), Vec::<String>::new());
}

#[test]
fn tables_are_alike_on_both_databases_and_take_every_statement() {
    let migrations = [store::MIGRATIONS, MIGRATIONS].concat();
    assert_same_schema(&migrations);
    for_each_database(|test| {
        test.migrate(&migrations);
        prepare_all(test.database(), &statements());
    });
}

#[test]
fn every_problem_has_its_page_in_both_languages() {
    let codes: BTreeSet<&str> = PROBLEMS.iter().map(|kind| kind.code).collect();
    assert_eq!(codes.len(), PROBLEMS.len(), "two problems have one code");
    for code in codes {
        for key in [format!("problem-{code} ="), format!("problem-{code}-next =")] {
            assert!(TEXTS.japanese.contains(&key), "{key}");
        }
    }
}
