//! The command line.

use std::{path::PathBuf, process::ExitCode};

use clap::{Args, Parser, Subcommand};

use crate::{
    admission::{self, NewKey, Newcomer},
    bench,
    config::{Config, SETTINGS, Sources, Supervision, default_file},
    demo,
    house::Apply,
    serve,
    terminal::{complain, say, table},
    upkeep::{self, Depth, Ended},
};
use access::{Need, Role};
use vocabulary::{Email, Label, TextError, Token};

const EXIT_CODES: &str = "Exit codes:
  0  done, and all is well
  1  done, and something was found that somebody must act on
  2  not begun: the command line or a setting is wrong
  3  failed: the database, the disk or the network";

/// A points bank: one exact ledger under a point site, a wallet and a group's companies.
#[derive(Debug, Parser)]
#[command(name = "daifuku", version, after_help = EXIT_CODES)]
struct Cli {
    #[command(flatten)]
    settings: SettingsArgs,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Args)]
struct SettingsArgs {
    /// Reads settings from FILE instead of /etc/daifuku/daifuku.toml.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Sets one setting, before the environment and the file.
    #[arg(long = "set", value_name = "KEY=VALUE")]
    set: Vec<String>,
}

// A further command is a case here, an arm in `Cli::run`, and a module with the work.
#[derive(Debug, Subcommand)]
enum Command {
    /// Serves a sample group of companies on this machine: nothing else is needed.
    Demo(demo::Options),
    /// Serves.
    Serve {
        /// Applies no migration at the start; refuses when one is missing.
        #[arg(long)]
        no_migrate: bool,
    },
    /// Folds the whole journal again and names the first row that does not fit.
    Verify,
    /// Copies the embedded database to a new file, while it is served.
    Backup {
        /// The file to write, which must not exist.
        target: PathBuf,
    },
    /// Puts a backup in the place of the embedded database and verifies it.
    Restore {
        /// The file that `backup` wrote.
        backup: PathBuf,
    },
    /// Examines the installation and says what to do about what is wrong.
    Doctor {
        /// Leaves out folding the journal, which takes minutes for a large one.
        #[arg(long)]
        quick: bool,
    },
    /// Checks, shows or lists settings.
    Config {
        #[command(subcommand)]
        command: ConfigCommand,
    },
    /// Measures the ledger on this machine; docs/bench.md tells what each figure means.
    Bench {
        /// The workloads to run; all of them without a name.
        only: Vec<String>,
        /// A server's database to use instead of the embedded one. Its tables are dropped.
        #[arg(long, value_name = "URL")]
        database: Option<String>,
        /// Transfers of each bulk workload.
        #[arg(long, default_value_t = 2_000_000)]
        transfers: u64,
        /// The folder of the embedded database: on the disk that is to be measured.
        #[arg(long, value_name = "FOLDER", default_value = ".daifuku/bench")]
        folder: PathBuf,
    },
    /// Lets people of the staff in.
    Staff {
        #[command(subcommand)]
        command: StaffCommand,
    },
    /// Makes API keys.
    Key {
        #[command(subcommand)]
        command: KeyCommand,
    },
    /// Brings the schema up to this version.
    Migrate {
        /// Only tells how far each step came.
        #[arg(long)]
        status: bool,
    },
}

#[derive(Debug, Subcommand)]
enum ConfigCommand {
    /// Reads all settings and says what is wrong with them.
    Check,
    /// Shows every setting as it is taken, without passwords.
    Show,
    /// Lists every setting with its environment variable and default.
    List,
    /// Writes a file with every setting at its default.
    Default,
}

#[derive(Debug, Subcommand)]
enum StaffCommand {
    /// Gives somebody a login, and tells the password once.
    Add {
        /// The mail address to sign in with.
        #[arg(value_parser = read_mail)]
        mail: Email,
        /// What they may do, by the table in docs/generated/policy.txt.
        #[arg(long, value_parser = read_role)]
        role: Role,
        /// The code of the company they work for; without it, who runs the installation.
        #[arg(long, value_parser = read_token)]
        company: Option<Token>,
    },
}

#[derive(Debug, Subcommand)]
enum KeyCommand {
    /// Creates an API key, and tells it once.
    Create {
        /// What it is for, as the list of keys will show it.
        #[arg(long, value_parser = read_label)]
        label: Label,
        /// What it may do, by the table in docs/generated/policy.txt: account.read,transfer.write
        #[arg(long = "needs", value_name = "NEEDS", value_delimiter = ',', required = true,
            value_parser = read_need)]
        needs: Vec<Need>,
        /// The code of the company; without it, who runs the installation.
        #[arg(long, value_parser = read_token)]
        company: Option<Token>,
    },
}

fn read_mail(text: &str) -> Result<Email, TextError> {
    Email::parse(text)
}

fn read_label(text: &str) -> Result<Label, TextError> {
    Label::parse(text)
}

fn read_token(text: &str) -> Result<Token, TextError> {
    Token::parse(text)
}

fn read_role(text: &str) -> Result<Role, String> {
    let staff = |role: &Role| *role != Role::Member;
    let codes: Vec<&str> = Role::ALL.iter().copied().filter(staff).map(Role::code).collect();
    let role = Role::parse(text).filter(staff);
    role.ok_or_else(|| format!("there are {}", codes.join(", ")))
}

fn read_need(text: &str) -> Result<Need, String> {
    let for_keys = |need: &Need| need.grantable();
    let codes: Vec<&str> = Need::ALL.iter().copied().filter(for_keys).map(Need::code).collect();
    let need = Need::parse(text).filter(for_keys);
    need.ok_or_else(|| format!("there are {}", codes.join(", ")))
}

/// Runs the command of this process's arguments.
pub fn run() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are asked for, and no error; clap knows which stream is theirs.
            drop(error.print());
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    match cli.run() {
        Ok(Ended::Well) => ExitCode::SUCCESS,
        Ok(Ended::WithFindings) => ExitCode::from(1),
        Err(Failed::Settings(errors)) => {
            complain(errors);
            ExitCode::from(2)
        }
        Err(Failed::World(error)) => {
            complain(format!("{error:#}"));
            ExitCode::from(3)
        }
    }
}

/// Why a command did not do what it was to do.
enum Failed {
    Settings(String),
    World(anyhow::Error),
}

impl From<anyhow::Error> for Failed {
    fn from(error: anyhow::Error) -> Self {
        Self::World(error)
    }
}

impl Cli {
    fn run(self) -> Result<Ended, Failed> {
        let sources = Sources::of_process(self.settings.config, self.settings.set);
        let load = || Config::load(&sources).map_err(|errors| Failed::Settings(errors.to_string()));
        Ok(match self.command {
            Command::Demo(options) => demo::run(&options, &sources)?,
            Command::Bench { only, database, transfers, folder } => {
                let options = bench::BenchOptions { database, transfers, only, folder };
                bench::run(&options, &mut |line| say(line))?;
                Ended::Well
            }
            Command::Serve { no_migrate } => {
                let apply = if no_migrate { Apply::Nothing } else { Apply::Additions };
                serve::serve(load()?, apply, &Supervision::of_process())?;
                Ended::Well
            }
            Command::Verify => upkeep::verify(&load()?)?,
            Command::Backup { target } => upkeep::back_up(&load()?, &target)?,
            Command::Restore { backup } => upkeep::restore(&load()?, &backup)?,
            Command::Doctor { quick } => {
                upkeep::doctor(&load()?, if quick { Depth::Quick } else { Depth::Whole })
            }
            Command::Staff { command: StaffCommand::Add { mail, role, company } } => {
                admission::add_staff(&load()?, &Newcomer { mail, role, company })?
            }
            Command::Key { command: KeyCommand::Create { label, needs, company } } => {
                let needs = needs.into_iter().collect();
                admission::create_key(&load()?, NewKey { label, needs, company })?
            }
            Command::Migrate { status } => {
                upkeep::migrate(&load()?, if status { Apply::Nothing } else { Apply::Everything })?
            }
            Command::Config { command } => {
                say(match command {
                    ConfigCommand::Check => load().map(|_| "all settings are valid".to_owned())?,
                    ConfigCommand::Show => shown(&load()?),
                    ConfigCommand::List => listed(),
                    ConfigCommand::Default => default_file().trim_end().to_owned(),
                });
                Ended::Well
            }
        })
    }
}

fn shown(config: &Config) -> String {
    let rows = config.show().into_iter().map(|(key, text)| vec![key.to_owned(), text]);
    table(&rows.collect::<Vec<_>>()).trim_end().to_owned()
}

fn listed() -> String {
    let rows = SETTINGS.iter().map(|setting| {
        vec![setting.key.to_owned(), setting.variable(), setting.default.to_owned()]
    });
    table(&rows.collect::<Vec<_>>()).trim_end().to_owned()
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;
    use expect_test::{Expect, expect};

    use super::*;

    fn check(line: &str, expected: &Expect) {
        let shown = match Cli::try_parse_from(line.split_whitespace()) {
            Ok(cli) => format!("{:?} {:?}", cli.settings, cli.command),
            Err(error) => error.to_string(),
        };
        expected.assert_eq(shown.trim_end());
    }

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn the_help_names_every_command_and_exit_code() {
        check(
            "daifuku --help",
            &expect![[r#"
                A points bank: one exact ledger under a point site, a wallet and a group's companies

                Usage: daifuku [OPTIONS] <COMMAND>

                Commands:
                  demo     Serves a sample group of companies on this machine: nothing else is needed
                  serve    Serves
                  verify   Folds the whole journal again and names the first row that does not fit
                  backup   Copies the embedded database to a new file, while it is served
                  restore  Puts a backup in the place of the embedded database and verifies it
                  doctor   Examines the installation and says what to do about what is wrong
                  config   Checks, shows or lists settings
                  bench    Measures the ledger on this machine; docs/bench.md tells what each figure means
                  staff    Lets people of the staff in
                  key      Makes API keys
                  migrate  Brings the schema up to this version
                  help     Print this message or the help of the given subcommand(s)

                Options:
                      --config <FILE>    Reads settings from FILE instead of /etc/daifuku/daifuku.toml
                      --set <KEY=VALUE>  Sets one setting, before the environment and the file
                  -h, --help             Print help
                  -V, --version          Print version

                Exit codes:
                  0  done, and all is well
                  1  done, and something was found that somebody must act on
                  2  not begun: the command line or a setting is wrong
                  3  failed: the database, the disk or the network"#]],
        );
    }

    #[test]
    fn settings_stand_before_the_command() {
        check(
            "daifuku --set a=1 --set b=2 serve --no-migrate",
            &expect![[
                r#"SettingsArgs { config: None, set: ["a=1", "b=2"] } Serve { no_migrate: true }"#
            ]],
        );
        // Clap would forget those before the command if there could be some after it.
        check(
            "daifuku --set a=1 serve --set b=2",
            &expect![[r"
            error: unexpected argument '--set' found

            Usage: daifuku serve [OPTIONS]

            For more information, try '--help'."]],
        );
        check(
            "daifuku --config x.toml config check",
            &expect![[
                r#"SettingsArgs { config: Some("x.toml"), set: [] } Config { command: Check }"#
            ]],
        );
        check(
            "daifuku servr",
            &expect![[r"
            error: unrecognized subcommand 'servr'

              tip: some similar subcommands exist: 'restore', 'serve'

            Usage: daifuku [OPTIONS] <COMMAND>

            For more information, try '--help'."]],
        );
        check(
            "daifuku backup",
            &expect![[r"
            error: the following required arguments were not provided:
              <TARGET>

            Usage: daifuku backup <TARGET>

            For more information, try '--help'."]],
        );
    }
}
