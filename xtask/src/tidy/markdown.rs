//! Links between our documents lead somewhere, and the map of the documents is complete.

use super::{
    finding::Finding,
    tree::{Tree, extension, folder},
};

const MAP: &str = "docs/README.md";

/// Folders of documents that the map lists one by one.
const MAPPED: &[&str] = &["docs/adr", "docs/guides", "docs/runbooks"];

/// Finds relative links to files that are not there.
pub(crate) fn check_links(tree: &Tree) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in tree.files.iter().filter(|file| extension(&file.path) == "md") {
        let mut fenced = false;
        for (index, line) in file.text.iter().flat_map(|text| text.lines()).enumerate() {
            if line.trim_start().starts_with("```") {
                fenced = !fenced;
            }
            let targets = if fenced { Vec::new() } else { targets(line) };
            for target in targets {
                if !leads_somewhere(tree, &file.path, &target) {
                    let advice = format!("{target} is not in the checkout: mend the link");
                    findings.push(Finding::at(&file.path, index, "links", advice));
                }
            }
        }
    }
    findings
}

/// Finds documents that the map does not list.
pub(crate) fn check_map(tree: &Tree) -> Vec<Finding> {
    let Some(map) = tree.text(MAP) else { return Vec::new() };
    let listed = |path: &str| {
        path.strip_prefix("docs/").is_some_and(|rest| map.contains(&format!("]({rest})")))
    };
    let mapped = tree.paths().filter(|path| MAPPED.contains(&folder(path)));
    let unlisted = mapped.filter(|path| !listed(path));
    unlisted
        .map(|path| Finding::in_file(path, "map", format!("add a link to it in {MAP}")))
        .collect()
}

/// Gives the targets of a line's links; code is not looked at.
fn targets(line: &str) -> Vec<String> {
    let prose: String = line.split('`').step_by(2).collect();
    let after_text = prose.split("](").skip(1);
    after_text
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.to_owned())
        .collect()
}

fn leads_somewhere(tree: &Tree, from: &str, target: &str) -> bool {
    let path = target.split('#').next().unwrap_or("");
    if path.is_empty() || path.contains(':') {
        // A place in the same file, or another site.
        return true;
    }
    let mut parts: Vec<&str> = folder(from).split('/').filter(|part| !part.is_empty()).collect();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                if parts.pop().is_none() {
                    return false;
                }
            }
            name => parts.push(name),
        }
    }
    // The root itself is a place too.
    parts.is_empty() || tree.holds(&parts.join("/"))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::tidy::finding::listed;

    #[test]
    fn links_lead_to_files_and_folders() {
        let tree = Tree::of(&[
            (
                "docs/README.md",
                "[a](glossary.md) [b](../README.md#run) [c](adr/) [d](#here)\n\
                 [e](https://example.com/x) `[f](gone.md)` [g](..)\n```\n[h](gone.md)\n```\n",
            ),
            ("docs/glossary.md", ""),
            ("docs/adr/0001.md", ""),
            ("README.md", ""),
        ]);
        assert_eq!(check_links(&tree), []);
    }

    #[test]
    fn links_to_nowhere_are_found() {
        let tree = Tree::of(&[
            ("docs/README.md", "fine\n[a](gone.md) and [b](glossary.md)\n[c](../../x.md)\n"),
            ("docs/glossary.md", ""),
        ]);
        expect![[r"
            docs/README.md:2: links: gone.md is not in the checkout: mend the link
            docs/README.md:3: links: ../../x.md is not in the checkout: mend the link
        "]]
        .assert_eq(&listed(&check_links(&tree)));
    }

    #[test]
    fn the_map_lists_every_document() {
        let tree = Tree::of(&[
            ("docs/README.md", "- [One](adr/0001.md)\n"),
            ("docs/adr/0001.md", ""),
            ("docs/adr/0002.md", ""),
        ]);
        expect!["docs/adr/0002.md: map: add a link to it in docs/README.md\n"]
            .assert_eq(&listed(&check_map(&tree)));
    }
}
