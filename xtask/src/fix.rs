//! Repairs what a machine can repair; the rest of `ci` needs a person.

use crate::{process::Process, test_runner, tidy};

/// Runs every repair in an order in which none undoes another.
pub(crate) fn run() -> anyhow::Result<bool> {
    tidy::rewrite_layer_table()?;
    let fixes = ["clippy", "--fix", "--workspace", "--all-targets", "--allow-dirty"];
    let mut repaired = Process::cargo(fixes).arguments(["--allow-staged".to_owned()]).run()?;
    test_runner::rewrite_expectations()?;
    repaired &= Process::cargo(["fmt", "--all"]).run()?;
    if Process::new("taplo", ["--version"]).answers() {
        repaired &= Process::new("taplo", ["fmt"]).run()?;
    }
    println!("read the changes with git diff before you commit them");
    Ok(repaired)
}
