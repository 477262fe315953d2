//! The simulator is an example of `store`; this runs it and reads its exit code.
//!
//! It ends with 0 when every invariant held, with 1 (or 101, a failed assertion) when one broke,
//! and with 2 when it did not understand its arguments.

use crate::{
    arguments::{PlantedBug, SimPlan},
    process::{self, Process},
};

/// What `ci` runs twice: once as the code is, once with a planted bug.
///
/// The first run shows that the second fails because of the bug and nothing else.
const CI_PLAN: SimPlan = SimPlan { seed: 1, steps: 2_000, bug: PlantedBug::Absent };

/// Says whether there is a simulator in this checkout.
pub(crate) fn exists() -> bool {
    process::root().join("spine/store/examples/sim.rs").is_file()
}

/// Runs one plan in release mode; says whether it ended as it should.
pub(crate) fn run(plan: &SimPlan) -> anyhow::Result<bool> {
    run_built(plan, &["--release"])
}

/// Runs the short plan of `ci` and its canary, in the build that the tests share.
pub(crate) fn run_for_ci() -> anyhow::Result<bool> {
    let canary = SimPlan { bug: PlantedBug::Present, ..CI_PLAN };
    Ok(run_built(&CI_PLAN, &[])? && run_built(&canary, &[])?)
}

fn run_built(plan: &SimPlan, profile: &[&str]) -> anyhow::Result<bool> {
    let example = ["--package", "store", "--example", "sim", "--features", "testing", "--locked"];
    let example = || example.into_iter().chain(profile.iter().copied());
    // Built apart, so that a build that fails is never taken for a bug that was found.
    if !Process::cargo(std::iter::once("build").chain(example())).run()? {
        return Ok(false);
    }
    let numbers = format!("-- --seed {} --steps {}", plan.seed, plan.steps);
    let canary = (plan.bug == PlantedBug::Present).then_some("--canary");
    let code = Process::cargo(["run", "--quiet"].into_iter().chain(example()))
        .arguments(numbers.split(' ').chain(canary).map(str::to_owned))
        .run_for_code()?;
    let passed = ended_well(plan.bug, code);
    if plan.bug == PlantedBug::Present {
        let verdict = if passed { "found, as it must be" } else { "not found" };
        println!("canary: the planted bug was {verdict}");
    } else if !passed {
        println!("repeat with: cargo xtask sim --seed {} --steps {}", plan.seed, plan.steps);
    }
    Ok(passed)
}

fn ended_well(bug: PlantedBug, code: Option<i32>) -> bool {
    match bug {
        PlantedBug::Absent => code == Some(0),
        PlantedBug::Present => matches!(code, Some(1 | 101)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_canary_passes_only_when_its_bug_is_found() {
        for (bug, code, passes) in [
            (PlantedBug::Absent, Some(0), true),
            (PlantedBug::Absent, Some(1), false),
            (PlantedBug::Absent, None, false),
            (PlantedBug::Present, Some(1), true),
            (PlantedBug::Present, Some(101), true),
            (PlantedBug::Present, Some(0), false),
            (PlantedBug::Present, Some(2), false),
            (PlantedBug::Present, None, false),
        ] {
            assert_eq!(ended_well(bug, code), passes, "{bug:?} ended with {code:?}");
        }
    }
}
