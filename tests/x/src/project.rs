//! This repository: where it is, and what its checks and tests are.

use crate::install;
use crate::plan::{Plan, execute};
use crate::tally::Tally;
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

/// Where things are.
pub(crate) struct Project {
    pub(crate) root: PathBuf,
    /// Where cargo builds: `CARGO_TARGET_DIR`, or `target`.
    target: PathBuf,
}

impl Project {
    /// # Errors
    /// It was not started through cargo.
    pub(crate) fn here() -> anyhow::Result<Self> {
        let own = std::env::var_os("CARGO_MANIFEST_DIR").context("start it as `cargo x`")?;
        let root = Path::new(&own).ancestors().nth(2).context("tests/x has left its place")?.to_owned();
        let target = match std::env::var_os("CARGO_TARGET_DIR") {
            Some(folder) => std::path::absolute(folder)?,
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// What must hold before every commit.
    pub(crate) fn check<'a>(&'a self, plan: Plan<'a>) -> Plan<'a> {
        self.lint(plan).tests("structure", |tally| self.cargo("test -p tests --test system structure", tally))
    }

    /// Everything.
    pub(crate) fn test<'a>(&'a self, plan: Plan<'a>) -> Plan<'a> {
        let plan = plan.stage("install", |tally| {
            install::debian_packages(tally)?;
            install::npm_packages(&self.e2e_folder(), tally)
        });
        self.lint(plan)
            .stage("build", |tally| self.cargo("build --workspace --all-targets", tally))
            .tests("unit and system", |tally| self.cargo("test --workspace --no-fail-fast", tally))
            .tests("end to end", |tally| self.clients(tally))
            .tests("chaos", |tally| self.break_at_chance(&[], tally))
    }

    /// A site that is broken at chance while people talk.
    pub(crate) fn chaos<'a>(&'a self, plan: Plan<'a>, words: &'a [&'a str]) -> Plan<'a> {
        plan.stage("install", install::debian_packages)
            .stage("build", |tally| self.cargo("build --workspace --bins", tally))
            .tests("chaos", move |tally| self.break_at_chance(words, tally))
    }

    /// The official clients alone.
    pub(crate) fn e2e<'a>(&'a self, plan: Plan<'a>) -> Plan<'a> {
        plan.stage("install", |tally| install::npm_packages(&self.e2e_folder(), tally))
            .stage("build", |tally| self.cargo("build --workspace --bins --examples", tally))
            .tests("end to end", |tally| self.clients(tally))
    }

    /// Figures of release builds.
    pub(crate) fn bench<'a>(&'a self, plan: Plan<'a>, what: &'a [&'a str]) -> Plan<'a> {
        let is_wanted = |name| what.first().is_none_or(|word| *word == name || word.starts_with("--"));
        let (with_peers, with_pages) = (is_wanted("peers"), is_wanted("pages"));
        let plan = plan
            .stage("install", move |tally| {
                install::debian_packages(tally)?;
                if with_pages { install::npm_packages(&self.e2e_folder(), tally) } else { Ok(()) }
            })
            .stage("build", |tally| self.cargo("build --release -p imserver -p bench", tally));
        let plan = if with_peers { plan.stage("peers", |tally| self.peers(tally)) } else { plan };
        plan.stage("bench", move |tally| execute(Command::new(self.target.join("release/bench")).args(what), tally))
    }

    /// Real parts, started for people.
    ///
    /// # Errors
    /// They cannot be started.
    pub(crate) fn cluster(&self, words: &[&str]) -> anyhow::Result<ExitCode> {
        let plan = Plan::new()
            .stage("install", install::debian_packages)
            .stage("build", |tally| self.cargo("build --release -p imserver -p tests --bins", tally));
        plan.run_then_become(Command::new(self.target.join("release/cluster")).args(words))
    }

    /// cargo, at the root.
    pub(crate) fn cargo(&self, line: &str, tally: &mut Tally) -> anyhow::Result<()> {
        let mut command = Command::new("cargo");
        command.args(line.split(' ')).current_dir(&self.root).env("CARGO_TARGET_DIR", &self.target);
        execute(&mut command, tally)
    }

    fn lint<'a>(&'a self, plan: Plan<'a>) -> Plan<'a> {
        plan.stage("format", |tally| self.cargo("fmt --all --check", tally))
            .stage("clippy", |tally| self.cargo("clippy --workspace --all-targets -- -D warnings", tally))
    }

    fn clients(&self, tally: &mut Tally) -> anyhow::Result<()> {
        let mut command = Command::new("npm");
        command.arg("test").current_dir(self.e2e_folder());
        command.env("IM_BIN_DIR", self.target.join("debug")).env("NO_COLOR", "1");
        execute(&mut command, tally)
    }

    /// Servers of others, to compare with. They are no part of the workspace, and nothing else needs them.
    fn peers(&self, tally: &mut Tally) -> anyhow::Result<()> {
        let folder = self.root.join("tests/bench");
        install::npm_packages(&folder.join("peers-node"), tally)?;
        let mut command = Command::new("cargo");
        command.args(["build", "--release", "--locked"]).current_dir(folder.join("peers-rs"));
        command.env("CARGO_TARGET_DIR", self.target.join("bench/peers"));
        execute(&mut command, tally)
    }

    fn break_at_chance(&self, words: &[&str], tally: &mut Tally) -> anyhow::Result<()> {
        let mut command = Command::new(self.target.join("debug/chaos"));
        command.args(words).arg("--folder").arg(self.target.join("chaos"));
        execute(&mut command, tally)
    }

    fn e2e_folder(&self) -> PathBuf {
        self.root.join("tests/e2e")
    }
}
