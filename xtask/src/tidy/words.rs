//! Words that must not be there: names without a meaning, loose ends, places of one machine.
//!
//! The words are put together with `concat!`, so that this file passes its own rules.

use super::{
    finding::Finding,
    tree::{file_name, is_lock_file},
};

/// Names for things that have no name yet.
const NAMES: &[&str] = &[
    "common", "data", "helper", "helpers", "info", "manager", "managers", "misc", "util", "utils",
];

const TO_DO: &str = concat!("TO", "DO");

/// Marks of unfinished work that no issue tells about.
const MARKS: &[&str] = &[concat!("FIX", "ME"), concat!("XX", "X"), TO_DO];

/// Hosts of package registries: the ordinary clients know them, and other machines use others.
const HOSTS: &[&str] = &[
    concat!("crates", ".io"),
    concat!("pypi", ".org"),
    concat!("pythonhosted", ".org"),
    concat!("npmjs", ".org"),
    concat!("deb.debian", ".org"),
    concat!("proxy.golang", ".org"),
];

/// Folders of somebody's machine.
const PLACES: &[&str] = &[concat!("/wo", "rk/"), concat!("/ro", "ot/"), concat!("/Us", "ers/")];

/// Finds files and folders whose name says nothing.
pub(crate) fn check_names(path: &str, _text: &str) -> Vec<Finding> {
    let stem = |part: &str| part.split('.').next().unwrap_or(part).to_lowercase();
    let empty = path.split('/').map(stem).find(|stem| NAMES.contains(&stem.as_str()));
    let finding = |name| {
        let advice =
            format!("`{name}` is no name: say what the thing is, or put it where it is used");
        Finding::in_file(path, "names", advice)
    };
    empty.map(finding).into_iter().collect()
}

/// Finds marks of unfinished work. The usual one may stay if it names its issue: `…(#12)`.
pub(crate) fn check_marks(path: &str, text: &str) -> Vec<Finding> {
    if is_lock_file(path) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for mark in MARKS.iter().filter(|mark| has_loose_mark(line, mark)) {
            let advice =
                format!("finish it, or open an issue and write {TO_DO}(#number), not {mark}");
            findings.push(Finding::at(path, index, "marks", advice));
        }
    }
    findings
}

fn has_loose_mark(line: &str, mark: &str) -> bool {
    let part_of_word = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(mark).any(|(start, _)| {
        let (before, rest) = line.split_at_checked(start).unwrap_or((line, ""));
        let after = rest.strip_prefix(mark).unwrap_or("");
        let whole = !before.ends_with(part_of_word) && !after.starts_with(part_of_word);
        let issue =
            after.strip_prefix("(#").is_some_and(|n| n.starts_with(|c: char| c.is_ascii_digit()));
        whole && !(mark == TO_DO && issue)
    })
}

/// Finds names of registry hosts and paths of one machine.
pub(crate) fn check_places(path: &str, text: &str) -> Vec<Finding> {
    if is_lock_file(path) || file_name(path) == "LICENSE" {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (index, line) in text.lines().enumerate() {
        for host in HOSTS.iter().filter(|host| line.contains(**host)) {
            let advice = format!("do not name {host}: the package client knows its registry");
            findings.push(Finding::at(path, index, "places", advice));
        }
        for place in PLACES.iter().filter(|place| starts_path(line, place)) {
            let advice = format!("{place} is a folder of one machine: write a path from the root");
            findings.push(Finding::at(path, index, "places", advice));
        }
    }
    findings
}

fn starts_path(line: &str, place: &str) -> bool {
    let inner = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '}');
    line.match_indices(place).any(|(start, _)| {
        line.split_at_checked(start).is_some_and(|(before, _)| !before.ends_with(inner))
    })
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::tidy::finding::listed;

    #[test]
    fn names_say_what_a_thing_is() {
        for path in ["spine/web/src/form.rs", "docs/database.md", "spine/web/src/datatype.rs"] {
            assert_eq!(check_names(path, ""), [], "{path}");
        }
        let bad = ["spine/web/src/utils.rs", "features/common/Cargo.toml", "a/Helper.rs"];
        let findings: Vec<_> = bad.iter().flat_map(|path| check_names(path, "")).collect();
        expect![[r"
            spine/web/src/utils.rs: names: `utils` is no name: say what the thing is, or put it where it is used
            features/common/Cargo.toml: names: `common` is no name: say what the thing is, or put it where it is used
            a/Helper.rs: names: `helper` is no name: say what the thing is, or put it where it is used
        "]]
        .assert_eq(&listed(&findings));
    }

    #[test]
    fn unfinished_work_has_an_issue() {
        for good in ["// T0(#12): soon.", "// M(#3) and M(#4).", "// NO_M here, Ms neither."] {
            let text = good.replace("T0", TO_DO).replace('M', TO_DO);
            assert_eq!(check_marks("a.rs", &text), [], "{text}");
        }
        for mark in MARKS {
            for shape in ["// M later.", "M", "let x = 1; // M: y", "// M(#12) and M."] {
                let text = shape.replace('M', mark);
                assert_eq!(check_marks("a.rs", &text).len(), 1, "{text}");
            }
        }
        assert_eq!(check_marks("Cargo.lock", MARKS.concat().as_str()), []);
    }

    #[test]
    fn no_text_depends_on_one_machine() {
        for before in ["see docs", "https://example.com", "${HOME}"] {
            for place in PLACES {
                let text = format!("{before}{place}plan.md");
                assert_eq!(check_places("a.md", &text), [], "{text}");
            }
        }
        for host in HOSTS {
            let text = format!("fetch https://{host}/simple");
            assert_eq!(check_places("a.md", &text).len(), 1, "{text}");
            assert_eq!(check_places("tests/browser/package-lock.json", &text), []);
        }
        for place in PLACES {
            let text = format!("one\nrun {place}here");
            let advice = "is a folder of one machine: write a path from the root";
            let expected = format!("a.md:2: places: {place} {advice}\n");
            assert_eq!(listed(&check_places("a.md", &text)), expected);
        }
    }
}
