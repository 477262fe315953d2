//! What `cargo metadata` tells, reduced to what the rules ask.

use std::collections::BTreeMap;

use anyhow::Context;
use serde::Deserialize;

use crate::process::{self, Process};

/// Our packages, and every package that a Linux build of them uses.
#[derive(Debug, Default)]
pub(crate) struct Workspace {
    pub(crate) members: Vec<Member>,
    pub(crate) packages: Vec<Package>,
}

/// One of our packages.
#[derive(Debug)]
pub(crate) struct Member {
    pub(crate) name: String,
    /// From the root, with `/`.
    pub(crate) folder: String,
    pub(crate) edges: Vec<Edge>,
}

/// A dependency of one of our packages, as its manifest declares it.
#[derive(Debug)]
pub(crate) struct Edge {
    pub(crate) to: String,
    pub(crate) purpose: Purpose,
}

/// What a dependency is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The program or its build.
    Product,
    /// Tests, examples and benches only.
    Tests,
}

/// A package of the resolved graph.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: String,
    pub(crate) version: String,
    /// An SPDX expression; `None` when the manifest has none.
    pub(crate) licence: Option<String>,
    /// The packages its build script uses.
    pub(crate) build_tools: Vec<String>,
}

impl Workspace {
    /// Asks cargo.
    pub(crate) fn load() -> anyhow::Result<Self> {
        let scope = ["metadata", "--format-version", "1", "--locked"];
        let platform = ["--filter-platform", "x86_64-unknown-linux-gnu"];
        let text = Process::cargo(scope.into_iter().chain(platform)).read()?;
        let metadata: Metadata = serde_json::from_str(&text).context("read cargo metadata")?;
        metadata.workspace()
    }

    /// Says whether a package is ours.
    pub(crate) fn is_ours(&self, name: &str) -> bool {
        self.members.iter().any(|member| member.name == name)
    }
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<RawPackage>,
    workspace_members: Vec<String>,
    resolve: Resolve,
}

#[derive(Deserialize)]
struct RawPackage {
    id: String,
    name: String,
    version: String,
    license: Option<String>,
    manifest_path: String,
    dependencies: Vec<RawDependency>,
}

#[derive(Deserialize)]
struct RawDependency {
    name: String,
    kind: Option<String>,
}

#[derive(Deserialize)]
struct Resolve {
    nodes: Vec<Node>,
}

#[derive(Deserialize)]
struct Node {
    id: String,
    deps: Vec<NodeDependency>,
}

#[derive(Deserialize)]
struct NodeDependency {
    pkg: String,
    dep_kinds: Vec<DependencyKind>,
}

#[derive(Deserialize)]
struct DependencyKind {
    kind: Option<String>,
}

impl Metadata {
    fn workspace(self) -> anyhow::Result<Workspace> {
        let names: BTreeMap<&str, &str> =
            self.packages.iter().map(|p| (p.id.as_str(), p.name.as_str())).collect();
        let mut build_tools: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for node in &self.resolve.nodes {
            let for_build = |d: &&NodeDependency| {
                d.dep_kinds.iter().any(|kind| kind.kind.as_deref() == Some("build"))
            };
            let tools = node.deps.iter().filter(for_build);
            let tools = tools.filter_map(|d| names.get(d.pkg.as_str())).map(|&n| n.to_owned());
            build_tools.insert(&node.id, tools.collect());
        }
        let members = self
            .packages
            .iter()
            .filter(|package| self.workspace_members.contains(&package.id))
            .map(RawPackage::member)
            .collect::<anyhow::Result<_>>()?;
        let packages = self.packages.iter().map(|package| Package {
            name: package.name.clone(),
            version: package.version.clone(),
            licence: package.license.clone(),
            build_tools: build_tools.remove(package.id.as_str()).unwrap_or_default(),
        });
        let packages = packages.collect();
        Ok(Workspace { members, packages })
    }
}

impl RawPackage {
    fn member(&self) -> anyhow::Result<Member> {
        let root = process::root();
        let folder = std::path::Path::new(&self.manifest_path)
            .parent()
            .and_then(|folder| folder.strip_prefix(&root).ok())
            .with_context(|| format!("{} is outside the checkout", self.manifest_path))?;
        let edges = self.dependencies.iter().map(|dependency| Edge {
            to: dependency.name.clone(),
            purpose: match dependency.kind.as_deref() {
                Some("dev") => Purpose::Tests,
                _ => Purpose::Product,
            },
        });
        Ok(Member {
            name: self.name.clone(),
            folder: folder.to_string_lossy().into_owned(),
            edges: edges.collect(),
        })
    }
}
