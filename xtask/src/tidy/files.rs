//! Kinds and sizes of files, and the white space in them.

use super::{
    finding::Finding,
    tree::{File, extension, file_name, is_lock_file},
};

/// Extensions a file may have. A new kind of file is a decision, made by adding it here.
const KINDS: &[&str] = &[
    "css", "csv", "ftl", "html", "ico", "js", "json", "lock", "md", "mjs", "png", "py", "rs",
    "service", "sql", "svg", "toml", "txt", "woff2", "yaml", "yml",
];

/// Files without an extension.
const NAMES: &[&str] = &[".gitattributes", ".gitignore", "LICENSE", "NOTICE", "run"];

/// Kinds that are not read as text of ours: pictures, fonts, samples of other systems' files.
const FOREIGN: &[&str] = &["csv", "ico", "png", "woff2"];

/// Larger files belong to a build or a release, not to the history that everybody copies.
const SIZE_MAX: usize = 500_000;

/// Finds files of an unknown kind and files that are too large.
pub(crate) fn check_kind(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    let path = file.path.as_str();
    let known = KINDS.contains(&extension(path)) || NAMES.contains(&file_name(path));
    if !known {
        let advice = "is a new kind of file: use a known one, or add it to KINDS in files.rs";
        findings.push(Finding::in_file(path, "file-kinds", advice));
    }
    if file.size > SIZE_MAX {
        let advice = format!("has {} bytes; {SIZE_MAX} is the most", file.size);
        findings.push(Finding::in_file(path, "file-sizes", advice));
    }
    if known && file.text.is_none() && !FOREIGN.contains(&extension(path)) {
        findings.push(Finding::in_file(path, "file-kinds", "is not UTF-8 text; convert it"));
    }
    findings
}

/// Finds tabs, carriage returns, blanks at the end of a line, a missing or doubled last newline.
pub(crate) fn check_white_space(path: &str, text: &str) -> Vec<Finding> {
    const RULE: &str = "white-space";
    // Generated files are compared by tests; minified ones and the licence are their authors'.
    let of_others = FOREIGN.contains(&extension(path))
        || is_lock_file(path)
        || path.starts_with("docs/generated/")
        || path.contains(".min.")
        || file_name(path) == "LICENSE";
    if of_others || text.is_empty() {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (index, line) in text.split('\n').enumerate() {
        if line.contains('\t') {
            findings.push(Finding::at(path, index, RULE, "use spaces instead of the tab"));
        }
        if line.ends_with('\r') {
            findings.push(Finding::at(path, index, RULE, "end the line with LF alone"));
        } else if line.ends_with([' ', '\t']) {
            findings.push(Finding::at(path, index, RULE, "take the blanks off the end"));
        }
    }
    if !text.ends_with('\n') {
        findings.push(Finding::in_file(path, RULE, "end the last line with a newline"));
    } else if text.ends_with("\n\n") {
        findings.push(Finding::in_file(path, RULE, "take the empty lines off the end"));
    }
    findings
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::tidy::finding::listed;

    fn file(path: &str, size: usize, text: Option<&str>) -> File {
        File { path: path.to_owned(), size, text: text.map(str::to_owned) }
    }

    #[test]
    fn kinds_and_sizes_are_known() {
        let good = [
            file("spine/web/src/lib.rs", 10, Some("")),
            file(".ci/run", 10, Some("")),
            file("spine/web/static/icon.png", 9_000, None),
            file("features/point-site/samples/report.csv", 9_000, None),
        ];
        for file in good {
            assert_eq!(check_kind(&file), [], "{}", file.path);
        }
        let bad = [
            file("build.sh", 10, Some("")),
            file("Makefile", 10, Some("")),
            file("docs/plan.docx", 10, None),
            file("docs/page.md", 500_001, Some("")),
            file("docs/latin.md", 10, None),
        ];
        let findings: Vec<_> = bad.iter().flat_map(check_kind).collect();
        expect![[r"
            build.sh: file-kinds: is a new kind of file: use a known one, or add it to KINDS in files.rs
            Makefile: file-kinds: is a new kind of file: use a known one, or add it to KINDS in files.rs
            docs/plan.docx: file-kinds: is a new kind of file: use a known one, or add it to KINDS in files.rs
            docs/page.md: file-sizes: has 500001 bytes; 500000 is the most
            docs/latin.md: file-kinds: is not UTF-8 text; convert it
        "]]
        .assert_eq(&listed(&findings));
    }

    #[test]
    fn white_space_is_plain() {
        for (path, text) in [
            ("a.md", "one\n\ntwo\n"),
            ("a.md", ""),
            ("a.csv", "1,2 \r\n\r\n"),
            ("docs/generated/pages/home.html", "<p> \n\n"),
            ("spine/web/static/htmx.min.js", "a\tb"),
        ] {
            assert_eq!(check_white_space(path, text), [], "{path}");
        }
        let findings = check_white_space("a.md", "one \n\ttwo\nthree\r\nfour");
        expect![[r"
            a.md:1: white-space: take the blanks off the end
            a.md:2: white-space: use spaces instead of the tab
            a.md:3: white-space: end the line with LF alone
            a.md: white-space: end the last line with a newline
        "]]
        .assert_eq(&listed(&findings));
        expect!["a.md: white-space: take the empty lines off the end\n"]
            .assert_eq(&listed(&check_white_space("a.md", "one\n\n")));
    }
}
