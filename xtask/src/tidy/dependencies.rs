//! What comes from outside: licences, two versions of one package, native builds.

use std::collections::BTreeMap;

use super::{
    finding::Finding,
    workspace::{Package, Workspace},
};

const LOCK_FILE: &str = "Cargo.lock";

/// Licences that let the product be given away under Apache-2.0 without further duties in code.
const LICENCES: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MPL-2.0",
    "Unicode-3.0",
    "Unlicense",
    "Zlib",
];

/// Packages whose manifest names only a file, and what that file was found to say.
const LICENCES_READ: &[(&str, &str)] = &[("webpki", "ISC")];

/// Packages that may be there in more than one version, and who asks for the other one.
const DUPLICATES: &[(&str, &str)] = &[
    ("base64", "0.22 by us and web's stack, 0.23 by pem under mysql"),
    ("block-buffer", "the old one by sha2 0.10 under mysql_common"),
    ("cpufeatures", "the old one by sha2 0.10 under mysql_common"),
    ("crypto-common", "the old one by sha2 0.10 under mysql_common"),
    ("digest", "the old one by sha2 0.10 under mysql_common"),
    ("getrandom", "0.2 by ring, 0.3 by mysql_common, 0.4 by proptest and tempfile"),
    ("hashbrown", "0.16 by hashlink under rusqlite, 0.17 by us"),
    ("sha1", "0.10 by mysql_common, 0.11 by us"),
    ("sha2", "0.10 by mysql_common, 0.11 by us"),
];

/// Packages that may build native code, and what it is.
const NATIVE_BUILDS: &[(&str, &str)] =
    &[("libsqlite3-sys", "SQLite itself, one C file"), ("ring", "the ciphers and hashes of TLS")];

/// What a build script uses when it builds or looks for native code.
const NATIVE_TOOLS: &[&str] =
    &["autotools", "bindgen", "cc", "cmake", "nasm-rs", "pkg-config", "system-deps", "vcpkg"];

/// Finds packages whose licence is missing or not on the list.
pub(crate) fn check_licences(workspace: &Workspace) -> Vec<Finding> {
    let outside = workspace.packages.iter().filter(|package| !workspace.is_ours(&package.name));
    let refused = outside.filter(|package| !licence(package).is_some_and(permitted));
    let finding = |package: &Package| {
        let licence = licence(package).unwrap_or("unknown");
        let advice = format!(
            "{} {} has licence {licence}: choose another, or add it to LICENCES with an ADR",
            package.name, package.version
        );
        Finding::in_file(LOCK_FILE, "licences", advice)
    };
    refused.map(finding).collect()
}

/// Finds packages in several versions that nobody gave a reason for, and reasons out of date.
pub(crate) fn check_duplicates(workspace: &Workspace) -> Vec<Finding> {
    unexplained_duplicates(&workspace.packages, DUPLICATES)
}

fn unexplained_duplicates(packages: &[Package], reasons: &[(&str, &str)]) -> Vec<Finding> {
    let mut versions: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for package in packages {
        versions.entry(&package.name).or_default().push(&package.version);
    }
    let mut findings = Vec::new();
    for (name, versions) in versions.iter().filter(|(_, versions)| versions.len() > 1) {
        if reasons.iter().all(|(explained, _)| explained != name) {
            let advice = format!(
                "{name} is there as {}: unite them, or say in DUPLICATES who asks for each",
                versions.join(" and ")
            );
            findings.push(Finding::in_file(LOCK_FILE, "duplicates", advice));
        }
    }
    for (name, _) in reasons {
        if versions.get(name).is_none_or(|versions| versions.len() < 2) {
            let advice = format!("{name} is there once: take it out of DUPLICATES");
            findings.push(Finding::in_file(LOCK_FILE, "duplicates", advice));
        }
    }
    findings
}

/// Finds packages that build native code and are not on the list.
pub(crate) fn check_native_builds(workspace: &Workspace) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in &workspace.packages {
        let tool = package.build_tools.iter().find(|tool| NATIVE_TOOLS.contains(&tool.as_str()));
        let Some(tool) = tool else { continue };
        if NATIVE_BUILDS.iter().all(|(name, _)| *name != package.name) {
            let advice = format!(
                "{} builds native code with {tool}: switch off the feature that brings it in \
                 (cargo tree -i {})",
                package.name, package.name
            );
            findings.push(Finding::in_file(LOCK_FILE, "native-builds", advice));
        }
    }
    findings
}

fn licence(package: &Package) -> Option<&str> {
    let read = LICENCES_READ.iter().find(|(name, _)| *name == package.name);
    package.licence.as_deref().or(read.map(|(_, licence)| *licence))
}

/// Says whether an SPDX expression can be met with the licences of the list.
fn permitted(expression: &str) -> bool {
    // Old manifests write `MIT/Apache-2.0` for OR.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut words = words.as_slice();
    any_of(&mut words) && words.is_empty()
}

fn any_of(words: &mut &[&str]) -> bool {
    let mut met = all_of(words);
    while take(words, "OR") {
        met |= all_of(words);
    }
    met
}

fn all_of(words: &mut &[&str]) -> bool {
    let mut met = one(words);
    while take(words, "AND") {
        met &= one(words);
    }
    met
}

fn one(words: &mut &[&str]) -> bool {
    if take(words, "(") {
        let met = any_of(words);
        return take(words, ")") && met;
    }
    let Some((licence, rest)) = words.split_first() else { return false };
    *words = rest;
    if take(words, "WITH") {
        // An exception only adds permissions.
        *words = words.split_first().map_or(&[], |(_, rest)| rest);
    }
    LICENCES.contains(licence)
}

fn take(words: &mut &[&str], expected: &str) -> bool {
    match words.split_first() {
        Some((first, rest)) if *first == expected => {
            *words = rest;
            true
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::tidy::finding::listed;

    fn package(name: &str, version: &str, licence: Option<&str>, tools: &[&str]) -> Package {
        Package {
            name: name.to_owned(),
            version: version.to_owned(),
            licence: licence.map(str::to_owned),
            build_tools: tools.iter().map(|&tool| tool.to_owned()).collect(),
        }
    }

    #[test]
    fn licence_expressions_are_read() {
        for (expression, expected) in [
            ("MIT", true),
            ("MIT OR Apache-2.0", true),
            ("MIT/Apache-2.0", true),
            ("Apache-2.0 / MIT", true),
            ("Apache-2.0 AND ISC", true),
            ("Apache-2.0 OR GPL-2.0-only", true),
            ("(MIT OR Apache-2.0) AND Unicode-3.0", true),
            ("Apache-2.0 WITH LLVM-exception OR GPL-3.0", true),
            ("GPL-3.0-only", false),
            ("MIT AND GPL-3.0-only", false),
            ("(MIT OR Apache-2.0) AND OpenSSL", false),
            ("(MIT", false),
            ("MIT Apache-2.0", false),
            ("", false),
        ] {
            assert_eq!(permitted(expression), expected, "{expression}");
        }
    }

    #[test]
    fn licences_off_the_list_are_found() {
        let packages = vec![
            package("good", "1.0.0", Some("MIT"), &[]),
            package("webpki", "0.22.4", None, &[]),
            package("strict", "1.0.0", Some("AGPL-3.0"), &[]),
            package("silent", "2.0.0", None, &[]),
        ];
        expect![[r"
            Cargo.lock: licences: strict 1.0.0 has licence AGPL-3.0: choose another, or add it to LICENCES with an ADR
            Cargo.lock: licences: silent 2.0.0 has licence unknown: choose another, or add it to LICENCES with an ADR
        "]]
        .assert_eq(&listed(&check_licences(&Workspace { members: Vec::new(), packages })));
    }

    #[test]
    fn a_second_version_needs_a_reason_and_a_reason_a_second_version() {
        let packages = [
            package("syn", "2.0.0", None, &[]),
            package("syn", "3.0.0", None, &[]),
            package("sha2", "0.10.0", None, &[]),
            package("sha2", "0.11.0", None, &[]),
            package("rand", "1.0.0", None, &[]),
        ];
        let reasons = [("syn", "old macros"), ("rand", "gone since")];
        expect![[r"
            Cargo.lock: duplicates: sha2 is there as 0.10.0 and 0.11.0: unite them, or say in DUPLICATES who asks for each
            Cargo.lock: duplicates: rand is there once: take it out of DUPLICATES
        "]]
        .assert_eq(&listed(&unexplained_duplicates(&packages, &reasons)));
    }

    #[test]
    fn native_builds_off_the_list_are_found() {
        let packages = vec![
            package("ring", "0.17.14", None, &["cc"]),
            package("libsqlite3-sys", "0.37.0", None, &["cc", "pkg-config", "vcpkg"]),
            package("serde", "1.0.0", None, &["autocfg"]),
            package("openssl-sys", "0.9.0", None, &["pkg-config"]),
            package("aws-lc-sys", "0.30.0", None, &["cmake", "cc"]),
        ];
        expect![[r"
            Cargo.lock: native-builds: openssl-sys builds native code with pkg-config: switch off the feature that brings it in (cargo tree -i openssl-sys)
            Cargo.lock: native-builds: aws-lc-sys builds native code with cmake: switch off the feature that brings it in (cargo tree -i aws-lc-sys)
        "]]
        .assert_eq(&listed(&check_native_builds(&Workspace { members: Vec::new(), packages })));
    }
}
