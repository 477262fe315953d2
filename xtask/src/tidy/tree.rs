//! The files of the checkout, read once.

use std::{collections::BTreeSet, fs, path::Path};

use anyhow::Context;

use crate::process::{self, Process};

/// Every file that git tracks, or would track after `git add`.
#[derive(Debug, Default)]
pub(crate) struct Tree {
    pub(crate) files: Vec<File>,
}

/// One file.
#[derive(Debug)]
pub(crate) struct File {
    /// From the root, with `/`.
    pub(crate) path: String,
    pub(crate) size: usize,
    /// `None` when the content is no UTF-8 text.
    pub(crate) text: Option<String>,
}

impl Tree {
    /// Reads all files. Ignored files are not looked at, files that were just deleted neither.
    pub(crate) fn load() -> anyhow::Result<Self> {
        let listing = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
        let names = Process::new("git", listing).read()?;
        let root = process::root();
        let names: BTreeSet<&str> = names.split('\0').filter(|name| !name.is_empty()).collect();
        let files = names
            .into_iter()
            .filter(|name| root.join(name).is_file())
            .map(|name| File::load(&root, name))
            .collect::<anyhow::Result<_>>()?;
        Ok(Self { files })
    }

    /// Gives the text of a file.
    pub(crate) fn text(&self, path: &str) -> Option<&str> {
        self.files.iter().find(|file| file.path == path)?.text.as_deref()
    }

    /// Says whether there is such a file or folder.
    pub(crate) fn holds(&self, path: &str) -> bool {
        self.files.iter().any(|file| {
            file.path
                .strip_prefix(path)
                .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// Gives all paths.
    pub(crate) fn paths(&self) -> impl Iterator<Item = &str> {
        self.files.iter().map(|file| file.path.as_str())
    }

    /// Makes a tree of texts, for the tests of rules.
    #[cfg(test)]
    pub(crate) fn of(files: &[(&str, &str)]) -> Self {
        let file = |&(path, text): &(&str, &str)| File {
            path: path.to_owned(),
            size: text.len(),
            text: Some(text.to_owned()),
        };
        Self { files: files.iter().map(file).collect() }
    }
}

impl File {
    fn load(root: &Path, name: &str) -> anyhow::Result<Self> {
        let bytes = fs::read(root.join(name)).with_context(|| format!("read {name}"))?;
        let size = bytes.len();
        Ok(Self { path: name.to_owned(), size, text: String::from_utf8(bytes).ok() })
    }
}

/// Gives the last part of a path.
pub(crate) fn file_name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// Gives the path of the folder; empty for the root.
pub(crate) fn folder(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// Gives what follows the last dot of the name; empty when there is none.
pub(crate) fn extension(path: &str) -> &str {
    file_name(path).rsplit_once('.').map_or("", |(_, extension)| extension)
}

/// Lock files are written by tools for tools; rules about prose and layout leave them alone.
pub(crate) fn is_lock_file(path: &str) -> bool {
    matches!(file_name(path), "Cargo.lock" | "package-lock.json")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_taken_apart() {
        assert_eq!(file_name("a/b.rs"), "b.rs");
        assert_eq!(folder("a/b/c.rs"), "a/b");
        assert_eq!(folder("README.md"), "");
        assert_eq!(extension("a/0001_x.mysql.sql"), "sql");
        assert_eq!(extension("a.b/run"), "");
        assert!(is_lock_file("tests/browser/package-lock.json"));
    }

    #[test]
    fn a_tree_holds_files_and_folders() {
        let tree = Tree::of(&[("docs/adr/0001.md", "")]);
        assert!(tree.holds("docs/adr/0001.md") && tree.holds("docs/adr") && tree.holds("docs"));
        assert!(!tree.holds("docs/ad") && !tree.holds("docs/adr/0001.md/x"));
    }
}
