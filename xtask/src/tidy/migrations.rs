//! Migrations come in pairs, one file for each dialect, numbered without gaps.

use std::collections::BTreeMap;

use super::{
    finding::Finding,
    tree::{Tree, file_name, folder},
};

const RULE: &str = "migrations";
const FOLDER: &str = "spine/store/migrations";
const DIALECTS: [&str; 2] = ["sqlite", "mysql"];

/// Finds migrations that are misnamed, alone, or out of sequence.
pub(crate) fn check(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut steps: BTreeMap<usize, Vec<&str>> = BTreeMap::new();
    for path in tree.paths().filter(|path| folder(path) == FOLDER) {
        match parse(file_name(path)) {
            None => {
                let advice = "is no NNNN_feature_noun.sqlite.sql or .mysql.sql";
                findings.push(Finding::in_file(path, RULE, advice));
            }
            Some((number, name, dialect)) => {
                let others = DIALECTS.iter().filter(|other| **other != dialect);
                for other in others {
                    let beside = format!("{FOLDER}/{number:04}_{name}.{other}.sql");
                    if !tree.holds(&beside) {
                        findings.push(Finding::in_file(path, RULE, format!("add {beside}")));
                    }
                }
                let names = steps.entry(number).or_default();
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
    }
    let first = steps.keys().next().copied().unwrap_or(1);
    for (expected, (number, names)) in (first..).zip(&steps) {
        if *number != expected {
            let advice = format!("step {expected:04} is missing before {number:04}");
            findings.push(Finding::in_file(FOLDER, RULE, advice));
            break;
        }
        if names.len() > 1 {
            let advice = format!("{number:04} is used by {}: renumber one", names.join(" and "));
            findings.push(Finding::in_file(FOLDER, RULE, advice));
        }
    }
    findings
}

/// Takes `0007_wallet_hold.sqlite.sql` apart.
fn parse(file: &str) -> Option<(usize, &str, &str)> {
    let (number, rest) = file.split_once('_')?;
    let (name, rest) = rest.split_once('.')?;
    let dialect = rest.strip_suffix(".sql")?;
    let digits = number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_digit());
    let known = digits && !name.is_empty() && DIALECTS.contains(&dialect);
    known.then_some((number.parse().ok()?, name, dialect))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::tidy::finding::listed;

    fn check_names(names: &[&str], expected: &Expect) {
        let paths: Vec<_> = names.iter().map(|name| format!("{FOLDER}/{name}")).collect();
        let files: Vec<_> = paths.iter().map(|path| (path.as_str(), "")).collect();
        expected.assert_eq(&listed(&check(&Tree::of(&files))));
    }

    #[test]
    fn pairs_without_gaps_pass() {
        check_names(&[], &expect![""]);
        check_names(
            &[
                "0001_ledger.mysql.sql",
                "0001_ledger.sqlite.sql",
                "0002_wallet_hold.mysql.sql",
                "0002_wallet_hold.sqlite.sql",
            ],
            &expect![""],
        );
    }

    #[test]
    fn other_sets_are_found() {
        check_names(
            &["0001_ledger.sqlite.sql", "README.md", "0002_x.postgres.sql", "1_y.mysql.sql"],
            &expect![[r"
                spine/store/migrations/0001_ledger.sqlite.sql: migrations: add spine/store/migrations/0001_ledger.mysql.sql
                spine/store/migrations/README.md: migrations: is no NNNN_feature_noun.sqlite.sql or .mysql.sql
                spine/store/migrations/0002_x.postgres.sql: migrations: is no NNNN_feature_noun.sqlite.sql or .mysql.sql
                spine/store/migrations/1_y.mysql.sql: migrations: is no NNNN_feature_noun.sqlite.sql or .mysql.sql
            "]],
        );
        check_names(
            &[
                "0001_a.mysql.sql",
                "0001_a.sqlite.sql",
                "0001_b.mysql.sql",
                "0001_b.sqlite.sql",
                "0003_c.mysql.sql",
                "0003_c.sqlite.sql",
            ],
            &expect![[r"
                spine/store/migrations: migrations: 0001 is used by a and b: renumber one
                spine/store/migrations: migrations: step 0002 is missing before 0003
            "]],
        );
    }
}
