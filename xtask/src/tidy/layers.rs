//! Who may import whom: the table, as data, and the rule that holds it.

use super::{
    finding::Finding,
    workspace::{Member, Purpose, Workspace},
};

const RULE: &str = "layers";

/// One of our packages, and what it may import of ours.
struct Layer {
    package: &'static str,
    folder: &'static str,
    may_use: &'static [&'static str],
    /// Completes "must never …" in the table of ARCHITECTURE.md.
    never: &'static str,
}

const SPINE: &[&str] = &["vocabulary", "ledger", "store", "access", "web", "answers", "mail"];

/// From the inside out. A package that is not here does not build.
const LAYERS: &[Layer] = &[
    Layer {
        package: "vocabulary",
        folder: "spine/vocabulary",
        may_use: &[],
        never: "do I/O; know SQL, HTTP or HTML",
    },
    Layer {
        package: "ledger",
        folder: "spine/ledger",
        may_use: &["vocabulary"],
        never: "do I/O, read a clock, iterate a hash map, be async",
    },
    Layer {
        package: "store",
        folder: "spine/store",
        may_use: &["vocabulary", "ledger"],
        never: "know a feature's table or rule; know HTTP",
    },
    Layer {
        package: "web",
        folder: "spine/web",
        may_use: &["vocabulary"],
        never: "know the ledger, the store or a feature",
    },
    Layer {
        package: "mail",
        folder: "spine/mail",
        may_use: &["vocabulary", "store"],
        never: "know a feature; know what letters say",
    },
    Layer {
        package: "access",
        folder: "spine/access",
        may_use: &["vocabulary", "ledger", "store", "mail", "web"],
        never: "know a feature; features declare their needs as data",
    },
    Layer {
        package: "answers",
        folder: "spine/answers",
        may_use: &["vocabulary", "store", "access", "web"],
        never: "know a feature; have a route or a page",
    },
    Layer {
        package: "bank",
        folder: "features/bank",
        may_use: SPINE,
        never: "import a sibling, a database driver or an HTTP server",
    },
    Layer {
        package: "point-site",
        folder: "features/point-site",
        may_use: SPINE,
        never: "import a sibling, a database driver or an HTTP server",
    },
    Layer {
        package: "wallet",
        folder: "features/wallet",
        may_use: SPINE,
        never: "import a sibling, a database driver or an HTTP server",
    },
    Layer {
        package: "ops",
        folder: "features/ops",
        may_use: &[
            "vocabulary",
            "ledger",
            "store",
            "access",
            "web",
            "answers",
            "mail",
            "bank",
            "point-site",
            "wallet",
        ],
        never: "be imported, except by `daifuku`",
    },
    Layer {
        package: "daifuku",
        folder: "daifuku",
        may_use: &[
            "vocabulary",
            "ledger",
            "store",
            "access",
            "web",
            "answers",
            "mail",
            "bank",
            "point-site",
            "wallet",
            "ops",
        ],
        never: "hold a rule, a query or a page",
    },
    Layer { package: "xtask", folder: "xtask", may_use: &[], never: "be needed at run time" },
];

/// An outside package that only some of ours may import.
struct Driver {
    name: &'static str,
    only_in: &'static [&'static str],
    tests: InTests,
}

/// Whether tests elsewhere may use a driver.
#[derive(PartialEq, Eq)]
enum InTests {
    Forbidden,
    Allowed,
}

const DRIVERS: &[Driver] = &[
    Driver { name: "rusqlite", only_in: &["store"], tests: InTests::Forbidden },
    Driver { name: "mysql", only_in: &["store"], tests: InTests::Forbidden },
    Driver { name: "axum", only_in: &["web", "daifuku"], tests: InTests::Forbidden },
    Driver { name: "hyper", only_in: &["web", "daifuku"], tests: InTests::Forbidden },
    // Features hand what blocks to a thread and wait for the writer's reply; a test of a handler
    // needs something to await on.
    Driver {
        name: "tokio",
        only_in: &["web", "answers", "daifuku", "bank", "point-site", "wallet"],
        tests: InTests::Allowed,
    },
];

/// Finds every edge that is not in the table, and every package that is not.
pub(crate) fn check(workspace: &Workspace) -> Vec<Finding> {
    workspace.members.iter().flat_map(|member| check_member(workspace, member)).collect()
}

fn check_member(workspace: &Workspace, member: &Member) -> Vec<Finding> {
    let manifest = format!("{}/Cargo.toml", member.folder);
    let Some(layer) = LAYERS.iter().find(|layer| layer.package == member.name) else {
        let advice = format!("give {} a line in xtask/src/tidy/layers.rs", member.name);
        return vec![Finding::in_file(&manifest, RULE, advice)];
    };
    let mut findings = Vec::new();
    if layer.folder != member.folder {
        let advice = format!("{} belongs in {}", member.name, layer.folder);
        findings.push(Finding::in_file(&manifest, RULE, advice));
    }
    for edge in &member.edges {
        let in_tests = edge.purpose == Purpose::Tests;
        let permitted = layer.may_use.contains(&edge.to.as_str())
            || (in_tests && SPINE.contains(&edge.to.as_str()));
        if workspace.is_ours(&edge.to) && !permitted {
            let advice = format!("{} must not import {}", member.name, edge.to);
            findings.push(Finding::in_file(&manifest, RULE, advice));
        }
        let driver = DRIVERS.iter().find(|driver| driver.name == edge.to);
        let Some(driver) = driver else { continue };
        let exempt = in_tests && driver.tests == InTests::Allowed;
        if !exempt && !driver.only_in.contains(&member.name.as_str()) {
            let homes = driver.only_in.join(" and ");
            let advice = format!("{} must not import {}: only {homes} may", member.name, edge.to);
            findings.push(Finding::in_file(&manifest, RULE, advice));
        }
    }
    findings
}

/// Writes the table of ARCHITECTURE.md: one row for each package that exists.
pub(crate) fn table(workspace: &Workspace) -> String {
    let existing = LAYERS.iter().filter(|layer| workspace.is_ours(layer.package));
    let rows: String = existing.map(|layer| row(workspace, layer)).collect();
    format!("| package | may import | must never |\n|---|---|---|\n{rows}")
}

fn row(workspace: &Workspace, layer: &Layer) -> String {
    let existing = layer.may_use.iter().filter(|name| workspace.is_ours(name));
    let imports = existing.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let imports = if imports.is_empty() { "nothing of ours" } else { &imports };
    format!("| `{}` | {imports} | {} |\n", layer.package, layer.never)
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;
    use crate::tidy::{finding::listed, workspace::Edge};

    fn member(name: &str, folder: &str, product: &[&str], tests: &[&str]) -> Member {
        let edge = |purpose| move |to: &&str| Edge { to: (*to).to_owned(), purpose };
        let edges = product.iter().map(edge(Purpose::Product));
        let edges = edges.chain(tests.iter().map(edge(Purpose::Tests))).collect();
        Member { name: name.to_owned(), folder: folder.to_owned(), edges }
    }

    fn check_members(members: Vec<Member>, expected: &Expect) {
        let workspace = Workspace { members, packages: Vec::new() };
        expected.assert_eq(&listed(&check(&workspace)));
    }

    #[test]
    fn edges_of_the_table_pass() {
        check_members(
            vec![
                member("vocabulary", "spine/vocabulary", &["jiff"], &[]),
                member("ledger", "spine/ledger", &["vocabulary"], &["proptest"]),
                member("store", "spine/store", &["vocabulary", "ledger", "rusqlite"], &[]),
                member("web", "spine/web", &["axum", "tokio"], &["store"]),
                member("wallet", "features/wallet", &["ledger", "web"], &["tokio"]),
                member("ops", "features/ops", &["wallet"], &[]),
            ],
            &expect![""],
        );
    }

    #[test]
    fn other_edges_are_found() {
        check_members(
            vec![
                member("vocabulary", "spine/vocabulary", &["ledger"], &[]),
                member("ledger", "ledger", &[], &["wallet"]),
                member("web", "spine/web", &["store"], &[]),
                member("store", "spine/store", &[], &[]),
                member("bank", "features/bank", &["wallet", "axum"], &["rusqlite"]),
                member("wallet", "features/wallet", &["tokio"], &[]),
                member("coupon", "features/coupon", &[], &[]),
            ],
            &expect![[r#"
                spine/vocabulary/Cargo.toml: layers: vocabulary must not import ledger
                ledger/Cargo.toml: layers: ledger belongs in spine/ledger
                ledger/Cargo.toml: layers: ledger must not import wallet
                spine/web/Cargo.toml: layers: web must not import store
                features/bank/Cargo.toml: layers: bank must not import wallet
                features/bank/Cargo.toml: layers: bank must not import axum: only web and daifuku may
                features/bank/Cargo.toml: layers: bank must not import rusqlite: only store may
                features/coupon/Cargo.toml: layers: give coupon a line in xtask/src/tidy/layers.rs
            "#]],
        );
    }

    #[test]
    fn the_table_has_the_packages_that_exist() {
        let members = vec![
            member("vocabulary", "spine/vocabulary", &[], &[]),
            member("store", "spine/store", &[], &[]),
        ];
        expect![[r"
            | package | may import | must never |
            |---|---|---|
            | `vocabulary` | nothing of ours | do I/O; know SQL, HTTP or HTML |
            | `store` | `vocabulary` | know a feature's table or rule; know HTTP |
        "]]
        .assert_eq(&table(&Workspace { members, packages: Vec::new() }));
    }
}
