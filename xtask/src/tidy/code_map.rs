//! ARCHITECTURE.md tells about the packages that exist, and its layer table is the one enforced.

use super::finding::Finding;

/// The document that is checked.
pub(crate) const DOCUMENT: &str = "ARCHITECTURE.md";

const BEGIN: &str = "<!-- layers: written by `cargo xtask fix` -->\n";
const END: &str = "<!-- end of layers -->\n";

/// Compares the list under "## Code map" with the folders of the packages.
///
/// An entry is a list item that starts with the folder: "- `spine/ledger`: …".
pub(crate) fn check_entries(text: &str, folders: &[&str]) -> Vec<Finding> {
    const RULE: &str = "code-map";
    let mut findings = Vec::new();
    let mut listed = Vec::new();
    let mut in_map = false;
    for (index, line) in text.lines().enumerate() {
        if let Some(heading) = line.strip_prefix("## ") {
            in_map = heading == "Code map";
        }
        let entry = line.strip_prefix("- `").and_then(|rest| rest.split_once('`'));
        let Some((folder, _)) = entry.filter(|_| in_map) else { continue };
        if !folders.contains(&folder) {
            let advice = format!("there is no package in {folder}: take the line out");
            findings.push(Finding::at(DOCUMENT, index, RULE, advice));
        }
        listed.push(folder);
    }
    for folder in folders.iter().filter(|folder| !listed.contains(folder)) {
        let advice = format!("add a line for {folder} to the code map");
        findings.push(Finding::in_file(DOCUMENT, RULE, advice));
    }
    findings
}

/// Compares the layer table in the document with the one in `layers.rs`.
pub(crate) fn check_table(text: &str, table: &str) -> Vec<Finding> {
    if with_table(text, table).as_deref() == Some(text) {
        return Vec::new();
    }
    let advice = "the layer table is not the one in layers.rs: cargo xtask fix";
    vec![Finding::in_file(DOCUMENT, "layers", advice)]
}

/// Gives the document with the table put between its marks; `None` when the marks are missing.
pub(crate) fn with_table(text: &str, table: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, after) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}{table}{END}{after}"))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::tidy::finding::listed;

    #[test]
    fn the_code_map_lists_the_packages() {
        let text = "# A\n\n- `not/here`: above the map.\n\n## Code map\n\n- `spine/ledger`: rules.\n\
                    - `spine/gone`: was here.\n\n## After\n\n- `docs/x`: no package.\n";
        assert_eq!(
            check_entries(&text.replace("- `spine/gone`: was here.\n", ""), &["spine/ledger"]),
            []
        );
        expect![[r"
            ARCHITECTURE.md:8: code-map: there is no package in spine/gone: take the line out
            ARCHITECTURE.md: code-map: add a line for xtask to the code map
        "]]
        .assert_eq(&listed(&check_entries(text, &["spine/ledger", "xtask"])));
    }

    #[test]
    fn the_layer_table_is_the_one_enforced() {
        let text = format!("# A\n\n{BEGIN}| old |\n{END}\nMore.\n");
        let mended = with_table(&text, "| new |\n").unwrap();
        assert_eq!(mended, format!("# A\n\n{BEGIN}| new |\n{END}\nMore.\n"));
        assert_eq!(check_table(&mended, "| new |\n"), []);
        assert_eq!(check_table(&text, "| new |\n").len(), 1);
        assert_eq!(check_table("no marks", "| new |\n").len(), 1);
    }
}
