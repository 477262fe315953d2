//! Running other programs, in the root of the checkout.

use std::{
    env,
    ffi::OsString,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use anyhow::Context;

/// A program with its arguments and environment, not yet started.
#[derive(Clone, Debug)]
pub(crate) struct Process {
    program: String,
    arguments: Vec<String>,
    environment: Vec<(&'static str, String)>,
}

/// The stream of a program on which its closing lines appear.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Stream {
    Output,
    Error,
}

impl Process {
    /// Names a program and its first arguments.
    pub(crate) fn new<'a>(program: &str, arguments: impl IntoIterator<Item = &'a str>) -> Self {
        let arguments = arguments.into_iter().map(str::to_owned).collect();
        Self { program: program.to_owned(), arguments, environment: Vec::new() }
    }

    /// Names a cargo command.
    pub(crate) fn cargo<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Self {
        Self::new("cargo", arguments)
    }

    /// Adds arguments.
    pub(crate) fn arguments(mut self, more: impl IntoIterator<Item = String>) -> Self {
        self.arguments.extend(more);
        self
    }

    /// Sets a variable of the program's environment.
    pub(crate) fn environment(mut self, name: &'static str, value: &str) -> Self {
        self.environment.push((name, value.to_owned()));
        self
    }

    /// Runs to the end, talking to the terminal; says whether the program succeeded.
    pub(crate) fn run(&self) -> anyhow::Result<bool> {
        Ok(self.run_for_code()? == Some(0))
    }

    /// Runs to the end and gives the exit code; `None` when a signal ended the program.
    pub(crate) fn run_for_code(&self) -> anyhow::Result<Option<i32>> {
        println!("$ {}", self.line());
        let status = self.command().status().with_context(|| format!("start {}", self.program))?;
        Ok(status.code())
    }

    /// Runs to the end as [`Process::run`], and keeps the lines of one stream that `wanted` picks.
    pub(crate) fn run_keeping(
        &self,
        stream: Stream,
        mut wanted: impl FnMut(&str) -> bool,
    ) -> anyhow::Result<(bool, Vec<String>)> {
        println!("$ {}", self.line());
        let mut command = self.command();
        match stream {
            Stream::Output => command.stdout(Stdio::piped()),
            Stream::Error => command.stderr(Stdio::piped()),
        };
        let mut child = command.spawn().with_context(|| format!("start {}", self.program))?;
        let pipe: Option<Box<dyn Read>> = match stream {
            Stream::Output => child.stdout.take().map(|pipe| -> Box<dyn Read> { Box::new(pipe) }),
            Stream::Error => child.stderr.take().map(|pipe| -> Box<dyn Read> { Box::new(pipe) }),
        };
        let mut kept = Vec::new();
        for line in pipe.into_iter().flat_map(|pipe| BufReader::new(pipe).lines()) {
            let line = line.with_context(|| format!("read from {}", self.program))?;
            println!("{line}");
            if wanted(&line) {
                kept.push(line);
            }
        }
        let status = child.wait().with_context(|| format!("wait for {}", self.program))?;
        Ok((status.success(), kept))
    }

    /// Runs quietly and gives what the program wrote to its standard output.
    pub(crate) fn read(&self) -> anyhow::Result<String> {
        let output = self
            .command()
            .stderr(Stdio::inherit())
            .output()
            .with_context(|| format!("start {}", self.program))?;
        anyhow::ensure!(output.status.success(), "{} failed", self.line());
        String::from_utf8(output.stdout).with_context(|| format!("read from {}", self.program))
    }

    /// Says whether the program can be started and succeeds, without showing anything.
    pub(crate) fn answers(&self) -> bool {
        let silent = self.command().stdout(Stdio::null()).stderr(Stdio::null()).status();
        silent.is_ok_and(|status| status.success())
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).current_dir(root()).env("PATH", search_path());
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    fn line(&self) -> String {
        let settings = self.environment.iter().map(|(name, value)| format!("{name}='{value}'"));
        let words = std::iter::once(self.program.clone()).chain(self.arguments.iter().cloned());
        settings.chain(words).collect::<Vec<_>>().join(" ")
    }
}

/// The root of the checkout.
pub(crate) fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_owned()
}

/// The tools that `.ci/run` installed come before those of the machine, so both use one version.
fn search_path() -> OsString {
    let path = env::var_os("PATH").unwrap_or_default();
    let installed = root().join("target/tools/bin");
    let places = std::iter::once(installed).chain(env::split_paths(&path));
    env::join_paths(places).unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_success_of_a_program_is_told() {
        assert!(Process::new("true", []).run().unwrap());
        assert!(!Process::new("false", []).run().unwrap());
        assert!(Process::new("no-such-program", []).run().is_err());
    }

    #[test]
    fn lines_are_kept_from_the_stream_asked_for() {
        let script = "echo first; echo second; echo third >&2; exit 3";
        let process = Process::new("sh", ["-c", script]);
        let (success, kept) =
            process.run_keeping(Stream::Output, |line| line.contains("sec")).unwrap();
        assert_eq!((success, kept), (false, vec!["second".to_owned()]));
        let (_, kept) = process.run_keeping(Stream::Error, |_| true).unwrap();
        assert_eq!(kept, ["third"]);
    }

    #[test]
    fn a_line_can_be_pasted_into_a_shell() {
        let process = Process::cargo(["doc"]).environment("RUSTDOCFLAGS", "-D warnings");
        assert_eq!(process.line(), "RUSTDOCFLAGS='-D warnings' cargo doc");
    }
}
