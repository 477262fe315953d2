//! The shape of a feature: folders of nouns, in which a file's name says what is in it.

use super::{
    finding::Finding,
    tree::{Tree, extension, file_name, folder},
};

/// What a noun's folder may hold; `page_….html` beside these, for the parts of a page.
const FILES: &[&str] = &[
    "mod.rs",
    "state.rs",
    "command.rs",
    "store.rs",
    "api.rs",
    "page.rs",
    "page.html",
    "job.rs",
    "error.rs",
    "tests.rs",
];

/// Finds files of a noun's folder that have a name of their own.
pub(crate) fn check_names(path: &str, _text: &str) -> Vec<Finding> {
    let Some(file) = noun_file(path) else { return Vec::new() };
    let part_of_page = file.starts_with("page_") && extension(file) == "html";
    if FILES.contains(&file) || part_of_page {
        return Vec::new();
    }
    let advice = format!("a noun's folder holds only {}", FILES.join(", "));
    vec![Finding::in_file(path, "feature-files", advice)]
}

/// Finds pages without a template beside them, and templates without a page.
pub(crate) fn check_pages(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for path in tree.paths().filter(|path| noun_file(path).is_some()) {
        let (missing, other) = match file_name(path) {
            "page.rs" => ("page.html", "a page and its template stand together"),
            name if extension(name) == "html" => ("page.rs", "a template needs its page"),
            _ => continue,
        };
        let beside = format!("{}/{missing}", folder(path));
        if !tree.holds(&beside) {
            let advice = format!("{other}: add {beside}");
            findings.push(Finding::in_file(path, "page-pairs", advice));
        }
    }
    findings
}

/// Gives the name of a file that is in `features/<feature>/src/<noun>/`.
fn noun_file(path: &str) -> Option<&str> {
    let parts: Vec<&str> = path.split('/').collect();
    match parts.as_slice() {
        ["features", _, "src", _, file] => Some(file),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::tidy::finding::listed;

    #[test]
    fn files_of_a_noun_have_the_known_names() {
        for path in [
            "features/wallet/src/hold/command.rs",
            "features/wallet/src/hold/page_row.html",
            "features/wallet/src/lib.rs",
            "features/wallet/tests/it/main.rs",
            "spine/store/src/sqlite/pool.rs",
        ] {
            assert_eq!(check_names(path, ""), [], "{path}");
        }
        for path in ["features/wallet/src/hold/rules.rs", "features/ops/src/health/page.css"] {
            assert_eq!(check_names(path, "").len(), 1, "{path}");
        }
    }

    #[test]
    fn a_page_and_its_template_stand_together() {
        let tree = Tree::of(&[
            ("features/wallet/src/hold/page.rs", ""),
            ("features/wallet/src/hold/page.html", ""),
            ("features/wallet/src/hold/page_row.html", ""),
            ("features/wallet/src/card/page.rs", ""),
            ("features/wallet/src/top_up/page.html", ""),
            ("spine/web/src/page.rs", ""),
        ]);
        expect![[r"
            features/wallet/src/card/page.rs: page-pairs: a page and its template stand together: add features/wallet/src/card/page.html
            features/wallet/src/top_up/page.html: page-pairs: a template needs its page: add features/wallet/src/top_up/page.rs
        "]]
        .assert_eq(&listed(&check_pages(&tree)));
    }
}
