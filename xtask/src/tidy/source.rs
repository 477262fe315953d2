//! How Rust files are laid out, beyond what rustfmt and clippy look at.

use super::{
    finding::Finding,
    tree::{extension, file_name},
};

const COMMENT_COLUMNS_MAX: usize = 100;

/// Finds crates whose first line does not begin the tour.
pub(crate) fn check_tours(path: &str, text: &str) -> Vec<Finding> {
    let is_root = path.ends_with("src/lib.rs") || path.ends_with("src/main.rs");
    if !is_root || text.starts_with("//! ") {
        return Vec::new();
    }
    let advice = "begin with //! what the crate is for, its words, where to start, what is absent";
    vec![Finding::in_file(path, "tours", advice)]
}

/// Finds logic in `mod.rs`, where nobody looks for it.
pub(crate) fn check_mod_files(path: &str, text: &str) -> Vec<Finding> {
    if file_name(path) != "mod.rs" {
        return Vec::new();
    }
    let logic = ["fn ", "pub fn ", "impl ", "impl<", "struct ", "pub struct ", "pub enum "];
    let has_logic = |line: &str| logic.iter().any(|start| line.starts_with(start));
    let lines = text.lines().enumerate().filter(|(_, line)| has_logic(line));
    let advice = "mod.rs holds a paragraph and re-exports: move this to a file with a name";
    lines.map(|(index, _)| Finding::at(path, index, "mod-files", advice)).collect()
}

/// Finds comments wider than a reader's window. A link may be as long as it is.
pub(crate) fn check_comment_width(path: &str, text: &str) -> Vec<Finding> {
    if extension(path) != "rs" {
        return Vec::new();
    }
    let too_wide = |line: &str| {
        line.trim_start().starts_with("//")
            && line.chars().count() > COMMENT_COLUMNS_MAX
            && !line.contains("://")
    };
    let lines = text.lines().enumerate().filter(|(_, line)| too_wide(line));
    let advice = format!("break the comment at {COMMENT_COLUMNS_MAX} columns");
    lines.map(|(index, _)| Finding::at(path, index, "comment-width", advice.as_str())).collect()
}

/// Finds globs that hide where a name comes from.
pub(crate) fn check_globs(path: &str, text: &str) -> Vec<Finding> {
    if extension(path) != "rs" {
        return Vec::new();
    }
    let hides = |line: &str| {
        let line = line.trim();
        let import = line.strip_prefix("pub use ").or_else(|| line.strip_prefix("use "));
        import.is_some_and(|import| {
            import.ends_with("*;") && import != "super::*;" && !import.ends_with("prelude::*;")
        })
    };
    let lines = text.lines().enumerate().filter(|(_, line)| hides(line));
    let advice = "name what is imported; globs are for a test's `super` and a prelude";
    lines.map(|(index, _)| Finding::at(path, index, "globs", advice)).collect()
}

/// Where an imported name comes from, in the order of the groups.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Origin {
    Standard,
    Outside,
    Ours,
}

/// Finds imports out of their groups: the standard library, other crates, ours.
pub(crate) fn check_import_groups(path: &str, text: &str, ours: &[String]) -> Vec<Finding> {
    const RULE: &str = "import-groups";
    if extension(path) != "rs" {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut previous: Option<Origin> = None;
    let mut empty_line_before = false;
    for (index, line) in text.lines().enumerate() {
        if let Some(import) = line.strip_prefix("use ") {
            let origin = origin(import, ours);
            match previous {
                Some(before) if origin < before => {
                    let advice = "sort the groups: the standard library, other crates, ours";
                    findings.push(Finding::at(path, index, RULE, advice));
                }
                Some(before) if origin != before && !empty_line_before => {
                    let advice = "put an empty line before another group";
                    findings.push(Finding::at(path, index, RULE, advice));
                }
                _ => {}
            }
            previous = Some(origin);
            empty_line_before = false;
        } else if line.is_empty() {
            empty_line_before = true;
        } else if !line.starts_with([' ', '}', '/', '#']) && previous.is_some() {
            // A file's imports stand together at its top; what follows has its own order.
            break;
        }
    }
    findings
}

fn origin(import: &str, ours: &[String]) -> Origin {
    let ends = |c: char| !(c.is_alphanumeric() || c == '_');
    let first = import.trim_start_matches("::").split(ends).next().unwrap_or("");
    match first {
        "std" | "core" | "alloc" => Origin::Standard,
        "crate" | "self" | "super" => Origin::Ours,
        name if ours.iter().any(|package| package.replace('-', "_") == name) => Origin::Ours,
        _ => Origin::Outside,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::tidy::finding::listed;

    #[test]
    fn a_crate_opens_with_its_tour() {
        assert_eq!(check_tours("spine/web/src/lib.rs", "//! HTTP.\n"), []);
        assert_eq!(check_tours("spine/web/src/form.rs", "use std::fmt;\n"), []);
        assert_eq!(check_tours("spine/web/src/lib.rs", "mod form;\n").len(), 1);
        assert_eq!(check_tours("daifuku/src/main.rs", "").len(), 1);
    }

    #[test]
    fn mod_files_hold_no_logic() {
        let good = "//! Holds.\nmod state;\npub use state::HoldState;\n";
        assert_eq!(check_mod_files("a/hold/mod.rs", good), []);
        assert_eq!(check_mod_files("a/hold/state.rs", "fn x() {}\n"), []);
        assert_eq!(check_mod_files("a/hold/mod.rs", "mod x;\npub fn y() {}\n").len(), 1);
        assert_eq!(check_mod_files("a/hold/mod.rs", "impl X {}\n").len(), 1);
    }

    #[test]
    fn comments_fit_a_window() {
        let wide = "x".repeat(98);
        assert_eq!(check_comment_width("a.rs", &format!("//{wide}\nlet {wide}y = 1;\n")), []);
        assert_eq!(check_comment_width("a.rs", &format!("// https://{wide}\n")), []);
        assert_eq!(check_comment_width("a.rs", &format!("    // {wide}\n")).len(), 1);
    }

    #[test]
    fn globs_are_named() {
        assert_eq!(check_globs("a.rs", "use super::*;\nuse proptest::prelude::*;\n"), []);
        assert_eq!(check_globs("a.md", "use crate::hold::*;\n"), []);
        let bad = "use crate::hold::*;\npub use state::*;\n    use HoldState::*;\n";
        assert_eq!(check_globs("a.rs", bad).len(), 3);
    }

    #[test]
    fn imports_stand_in_groups() {
        let check = |text: &str| {
            let ours = ["vocabulary".to_owned(), "point-site".to_owned()];
            listed(&check_import_groups("a.rs", text, &ours))
        };
        let good = "//! Doc.\nmod x;\n\nuse core::fmt;\nuse std::{\n    io,\n};\n\nuse serde::Serialize;\n\n\
                    use vocabulary::Amount;\nuse point_site::Offer;\n\nuse crate::Hold;\n\n\
                    fn a() {}\nuse std::io;\n";
        expect![""].assert_eq(&check(good));
        expect!["a.rs:2: import-groups: put an empty line before another group\n"]
            .assert_eq(&check("use std::io;\nuse serde::Serialize;\n"));
        expect![
            "a.rs:3: import-groups: sort the groups: the standard library, other crates, ours\n"
        ]
        .assert_eq(&check("use serde::Serialize;\n\nuse std::io;\n"));
        expect!["a.rs:2: import-groups: put an empty line before another group\n"]
            .assert_eq(&check("use serde::Serialize;\nuse vocabulary::Amount;\n"));
    }
}
