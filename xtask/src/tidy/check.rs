//! All rules, and the one pass that applies them.

use std::fs;

use anyhow::Context;

use super::{
    code_map, dependencies, features, files, finding::Finding, layers, manifests, markdown,
    migrations, source, tree::Tree, words, workspace::Workspace,
};
use crate::process;

/// Rules about one text file: its path and its content.
const TEXT_RULES: &[fn(&str, &str) -> Vec<Finding>] = &[
    files::check_white_space,
    words::check_names,
    words::check_marks,
    words::check_places,
    source::check_tours,
    source::check_mod_files,
    source::check_comment_width,
    source::check_globs,
    manifests::check_reasons,
    manifests::check_members,
    features::check_names,
];

/// Rules about files together.
const TREE_RULES: &[fn(&Tree) -> Vec<Finding>] =
    &[features::check_pages, migrations::check, markdown::check_links, markdown::check_map];

/// Rules about packages.
const WORKSPACE_RULES: &[fn(&Workspace) -> Vec<Finding>] = &[
    layers::check,
    dependencies::check_licences,
    dependencies::check_duplicates,
    dependencies::check_native_builds,
];

/// Applies every rule and prints what was found; `false` when there was something.
pub(crate) fn run() -> anyhow::Result<bool> {
    let tree = Tree::load()?;
    let workspace = Workspace::load()?;
    let findings = findings(&tree, &workspace);
    for finding in &findings {
        println!("{finding}");
    }
    println!("{} files, {} findings", tree.files.len(), findings.len());
    Ok(findings.is_empty())
}

/// Writes the layer table into ARCHITECTURE.md.
pub(crate) fn rewrite_layer_table() -> anyhow::Result<()> {
    let path = process::root().join(code_map::DOCUMENT);
    let text = fs::read_to_string(&path).with_context(|| format!("read {}", code_map::DOCUMENT))?;
    let table = layers::table(&Workspace::load()?);
    let mended =
        code_map::with_table(&text, &table).context("find the marks of the layer table")?;
    if mended != text {
        fs::write(&path, mended).with_context(|| format!("write {}", code_map::DOCUMENT))?;
    }
    Ok(())
}

fn findings(tree: &Tree, workspace: &Workspace) -> Vec<Finding> {
    let ours: Vec<String> = workspace.members.iter().map(|member| member.name.clone()).collect();
    let mut findings = Vec::new();
    for file in &tree.files {
        findings.extend(files::check_kind(file));
        let Some(text) = &file.text else { continue };
        findings.extend(TEXT_RULES.iter().flat_map(|rule| rule(&file.path, text)));
        findings.extend(source::check_import_groups(&file.path, text, &ours));
    }
    findings.extend(TREE_RULES.iter().flat_map(|rule| rule(tree)));
    findings.extend(WORKSPACE_RULES.iter().flat_map(|rule| rule(workspace)));
    let architecture = tree.text(code_map::DOCUMENT).unwrap_or("");
    let folders: Vec<&str> = workspace.members.iter().map(|m| m.folder.as_str()).collect();
    findings.extend(code_map::check_entries(architecture, &folders));
    findings.extend(code_map::check_table(architecture, &layers::table(workspace)));
    findings.sort();
    findings
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::tidy::finding::listed;

    #[test]
    fn one_pass_applies_the_rules_of_every_kind() {
        let architecture = format!(
            "## Code map\n\n<!-- layers: written by `cargo xtask fix` -->\n{}<!-- end of layers -->\n",
            layers::table(&Workspace::default())
        );
        let tree = Tree::of(&[
            ("ARCHITECTURE.md", &architecture),
            ("README.md", "[x](gone.md)\n"),
            ("a.rs", "use std::io; \n"),
        ]);
        expect![[r#"
            Cargo.lock: duplicates: base64 is there once: take it out of DUPLICATES
            Cargo.lock: duplicates: block-buffer is there once: take it out of DUPLICATES
            Cargo.lock: duplicates: cpufeatures is there once: take it out of DUPLICATES
            Cargo.lock: duplicates: crypto-common is there once: take it out of DUPLICATES
            Cargo.lock: duplicates: digest is there once: take it out of DUPLICATES
            Cargo.lock: duplicates: getrandom is there once: take it out of DUPLICATES
            Cargo.lock: duplicates: hashbrown is there once: take it out of DUPLICATES
            Cargo.lock: duplicates: sha1 is there once: take it out of DUPLICATES
            Cargo.lock: duplicates: sha2 is there once: take it out of DUPLICATES
            README.md:1: links: gone.md is not in the checkout: mend the link
            a.rs:1: white-space: take the blanks off the end
        "#]]
        .assert_eq(&listed(&findings(&tree, &Workspace::default())));
    }
}
