//! The command line as a value.

/// What `cargo xtask --help` prints.
pub(crate) const HELP: &str = "\
Developer commands. Run them from anywhere in the checkout.

  cargo xtask ci [STEP…]      everything a change must pass; or only the steps named
  cargo xtask dev [ARG…]      serve the demo on loopback; arguments go to `daifuku demo`
  cargo xtask test P [FILTER…]
                              the tests of package P, on SQLite
      --db mysql              and on MariaDB, which the tests start themselves
  cargo xtask sim             the simulator, in release mode
      --seed N                the whole run follows from it (default 1)
      --steps N               how long it runs (default 10000)
      --canary                plant a bug; passes when the simulator finds it
  cargo xtask fix             format, apply lint fixes, rewrite expectations and generated tables

  cargo xtask tidy            one step of `ci` by itself: the house rules no other tool knows

With CI=true in the environment, `ci` fails where it would skip a check whose tool is missing.
";

/// A command, parsed.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Request {
    Help,
    Ci { steps: Vec<String> },
    Dev { rest: Vec<String> },
    Test(TestRequest),
    Sim(SimPlan),
    Fix,
    Tidy,
}

/// Which tests to run, and on which databases.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TestRequest {
    pub(crate) package: String,
    pub(crate) database: TestDatabase,
    pub(crate) filters: Vec<String>,
}

/// SQLite is always tested; MariaDB when asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TestDatabase {
    SqliteOnly,
    MariaDbToo,
}

/// One run of the simulator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct SimPlan {
    pub(crate) seed: u64,
    pub(crate) steps: u64,
    pub(crate) bug: PlantedBug,
}

/// Whether the simulator runs against the code as it is, or against a bug it must find.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PlantedBug {
    Absent,
    Present,
}

/// Reads the arguments that follow `cargo xtask`.
pub(crate) fn parse(arguments: impl Iterator<Item = String>) -> Result<Request, String> {
    let mut arguments = arguments.peekable();
    let Some(command) = arguments.next() else { return Ok(Request::Help) };
    match command.as_str() {
        "-h" | "--help" | "help" => Ok(Request::Help),
        "ci" => Ok(Request::Ci { steps: arguments.collect() }),
        "dev" => Ok(Request::Dev { rest: arguments.collect() }),
        "test" => parse_test(arguments).map(Request::Test),
        "sim" => parse_sim(arguments).map(Request::Sim),
        "fix" => nothing_more(arguments, Request::Fix),
        "tidy" => nothing_more(arguments, Request::Tidy),
        other => Err(format!("there is no command {other}")),
    }
}

fn nothing_more(
    mut arguments: impl Iterator<Item = String>,
    request: Request,
) -> Result<Request, String> {
    arguments.next().map_or(Ok(request), |extra| Err(format!("{extra} is not expected here")))
}

fn parse_test(mut arguments: impl Iterator<Item = String>) -> Result<TestRequest, String> {
    let mut package = None;
    let mut database = TestDatabase::SqliteOnly;
    let mut filters = Vec::new();
    while let Some(argument) = arguments.next() {
        if argument == "--db" {
            database = match arguments.next().as_deref() {
                Some("mysql") => TestDatabase::MariaDbToo,
                Some("sqlite") => TestDatabase::SqliteOnly,
                _ => return Err("--db is sqlite or mysql".to_owned()),
            };
        } else if argument.starts_with('-') {
            return Err(format!("test knows no {argument}"));
        } else if package.is_none() {
            package = Some(argument);
        } else {
            filters.push(argument);
        }
    }
    let package = package.ok_or("test needs the name of a package")?;
    Ok(TestRequest { package, database, filters })
}

fn parse_sim(mut arguments: impl Iterator<Item = String>) -> Result<SimPlan, String> {
    let mut plan = SimPlan { seed: 1, steps: 10_000, bug: PlantedBug::Absent };
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--seed" => plan.seed = number(arguments.next(), "--seed")?,
            "--steps" => plan.steps = number(arguments.next(), "--steps")?,
            "--canary" => plan.bug = PlantedBug::Present,
            other => return Err(format!("sim knows no {other}")),
        }
    }
    Ok(plan)
}

fn number(text: Option<String>, name: &str) -> Result<u64, String> {
    text.and_then(|text| text.parse().ok()).ok_or(format!("{name} needs a whole number"))
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};

    use super::*;

    fn check(line: &str, expected: &Expect) {
        let read = match parse(line.split_whitespace().map(str::to_owned)) {
            Ok(request) => format!("{request:?}"),
            Err(complaint) => format!("refused: {complaint}"),
        };
        expected.assert_eq(&read);
    }

    #[test]
    fn commands_are_read() {
        check("", &expect!["Help"]);
        check("--help", &expect!["Help"]);
        check("ci", &expect!["Ci { steps: [] }"]);
        check("ci fmt tidy", &expect![[r#"Ci { steps: ["fmt", "tidy"] }"#]]);
        check("dev --port 1", &expect![[r#"Dev { rest: ["--port", "1"] }"#]]);
        check("fix", &expect!["Fix"]);
        check(
            "test store",
            &expect![[
                r#"Test(TestRequest { package: "store", database: SqliteOnly, filters: [] })"#
            ]],
        );
        check(
            "test store --db mysql replay",
            &expect![[
                r#"Test(TestRequest { package: "store", database: MariaDbToo, filters: ["replay"] })"#
            ]],
        );
        check("sim", &expect!["Sim(SimPlan { seed: 1, steps: 10000, bug: Absent })"]);
        check(
            "sim --canary --seed 42 --steps 7",
            &expect!["Sim(SimPlan { seed: 42, steps: 7, bug: Present })"],
        );
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        check("deploy", &expect!["refused: there is no command deploy"]);
        check("fix it", &expect!["refused: it is not expected here"]);
        check("test", &expect!["refused: test needs the name of a package"]);
        check("test store --db oracle", &expect!["refused: --db is sqlite or mysql"]);
        check("test store --fast", &expect!["refused: test knows no --fast"]);
        check("sim --seed many", &expect!["refused: --seed needs a whole number"]);
        check("sim --depth 3", &expect!["refused: sim knows no --depth"]);
    }
}
