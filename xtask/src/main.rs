//! Every developer command, as `cargo xtask COMMAND`; `cargo xtask --help` lists them.
//!
//! Start at `ci.rs`: its table of steps is what a change must pass. The house rules that no other
//! tool knows are in `tidy/`, one function each.
//!
//! Deliberately absent: anything the product needs when it runs, and any check that only a build
//! machine can do.
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a command-line tool talks to the person who called it"
)]

mod arguments;
mod ci;
mod demo;
mod fix;
mod process;
mod simulator;
mod test_runner;
mod tidy;

use std::{env, process::ExitCode};

use crate::{arguments::Request, process::Process};

fn main() -> ExitCode {
    let request = match arguments::parse(env::args().skip(1)) {
        Ok(request) => request,
        Err(complaint) => {
            eprintln!("xtask: {complaint}; see cargo xtask --help");
            return ExitCode::from(2);
        }
    };
    match run(request) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(fault) => {
            eprintln!("xtask: {fault:#}");
            ExitCode::FAILURE
        }
    }
}

/// Does what was asked; `false` when it was done and did not pass.
fn run(request: Request) -> anyhow::Result<bool> {
    match request {
        Request::Help => {
            print!("{}", arguments::HELP);
            Ok(true)
        }
        Request::Ci { steps } => ci::run(&steps),
        Request::Dev { rest } => {
            Process::cargo(["run", "--package", "daifuku", "--", "demo"]).arguments(rest).run()
        }
        Request::Test(request) => test_runner::run_package(&request),
        Request::Sim(plan) => simulator::run(&plan),
        Request::Fix => fix::run(),
        Request::Tidy => tidy::run(),
    }
}
