//! How our `Cargo.toml` files are written.

use super::{finding::Finding, tree::file_name};

/// Finds outside dependencies of the root manifest that have no reason beside them.
pub(crate) fn check_reasons(path: &str, text: &str) -> Vec<Finding> {
    if path != "Cargo.toml" {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut in_dependencies = false;
    let mut above = "";
    for (index, line) in text.lines().enumerate() {
        if line.starts_with('[') {
            in_dependencies = line == "[workspace.dependencies]";
        } else if in_dependencies && line.contains('=') && !line.starts_with('#') {
            let ours = line.contains("path =");
            if !ours && !above.starts_with("# ") && !line.contains(" # ") {
                let advice = "write in the line above what hard work this does for us";
                findings.push(Finding::at(path, index, "reasons", advice));
            }
        }
        above = line;
    }
    findings
}

/// Finds packages that leave the workspace's lints or choose versions of their own.
pub(crate) fn check_members(path: &str, text: &str) -> Vec<Finding> {
    if path == "Cargo.toml" || file_name(path) != "Cargo.toml" {
        return Vec::new();
    }
    let mut findings = Vec::new();
    if !text.contains("[lints]\nworkspace = true") {
        let advice = "add [lints] with workspace = true: one set of lints for all";
        findings.push(Finding::in_file(path, "manifests", advice));
    }
    let mut in_dependencies = false;
    for (index, line) in text.lines().enumerate() {
        if line.starts_with('[') {
            in_dependencies = line.ends_with("dependencies]");
        } else if in_dependencies && line.contains('=') && !line.starts_with('#') {
            let inherited = line.contains("workspace = true");
            if !inherited {
                let advice = "write `workspace = true`: versions stand in the root manifest";
                findings.push(Finding::at(path, index, "manifests", advice));
            }
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::tidy::finding::listed;

    #[test]
    fn a_dependency_has_its_reason_beside_it() {
        let text = r#"
[workspace.dependencies]
# Ours.
vocabulary = { path = "spine/vocabulary" }
ledger = { path = "spine/ledger" }
# Civil dates.
jiff = "0.2"
serde = "1"
csv = "1" # Report files.

sha2 = "0.11"
[profile.dev]
debug = 1
"#;
        expect![[r"
            Cargo.toml:8: reasons: write in the line above what hard work this does for us
            Cargo.toml:11: reasons: write in the line above what hard work this does for us
        "]]
        .assert_eq(&listed(&check_reasons("Cargo.toml", text)));
        assert!(check_reasons("xtask/Cargo.toml", text).is_empty(), "the root manifest only");
    }

    #[test]
    fn a_package_inherits_lints_and_versions() {
        let good = "[lints]\nworkspace = true\n\n[dependencies]\njiff.workspace = true\n\
                    serde = { workspace = true, features = [\"rc\"] }\n\n[features]\nx = []\n";
        assert_eq!(check_members("spine/web/Cargo.toml", good), []);
        let bad = "[package]\nname = \"web\"\n[dev-dependencies]\nproptest = \"1\"\n";
        expect![[r"
            spine/web/Cargo.toml: manifests: add [lints] with workspace = true: one set of lints for all
            spine/web/Cargo.toml:4: manifests: write `workspace = true`: versions stand in the root manifest
        "]]
        .assert_eq(&listed(&check_members("spine/web/Cargo.toml", bad)));
    }
}
