//! `cargo x`: every chore of this repository from one command, with nothing but cargo to start it.

mod fuzz;
mod install;
mod plan;
mod project;
mod tally;

use anyhow::bail;
use plan::Plan;
use project::Project;
use std::process::ExitCode;

const HELP: &str = "\
cargo x check                    format, clippy and the structure of the tree: the edit loop, with `cargo test -p CRATE`
cargo x test                     everything that must pass: installs what is missing, then check, build, tests, e2e, chaos
cargo x e2e                      builds the servers and runs the official clients against them
cargo x cluster [N]              a cluster for people on this machine: N imservers (2 unless told), Redis, Sentinels, nginx
cargo x bench [WHAT] [OPTIONS]   measures a release build and prints tables; `cargo x bench help` lists what there is
cargo x chaos [OPTIONS]          breaks a site at chance while people talk: 90 s on fixed seeds, or `--minutes N [--seed S]`
cargo x chaos check FILE         judges the history of such a run again
cargo x fuzz [TARGET [SECONDS]]  fuzzes one of the codecs (60 s unless told); without a target lists them
cargo x help                     this text
";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&words.iter().map(String::as_str).collect::<Vec<_>>()) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(words: &[&str]) -> anyhow::Result<ExitCode> {
    let project = Project::here()?;
    Ok(match words {
        ["check"] => project.check(Plan::new()).run(),
        ["test"] => project.test(Plan::new()).run(),
        ["e2e"] => project.e2e(Plan::new()).run(),
        ["bench", what @ ..] => project.bench(Plan::new(), what).run(),
        ["chaos", words @ ..] => project.chaos(Plan::new(), words).run(),
        ["cluster", words @ ..] => project.cluster(words)?,
        ["fuzz"] => fuzz::list(&project)?,
        ["fuzz", target] => fuzz::run(&project, target, fuzz::SECONDS)?,
        ["fuzz", target, seconds] => fuzz::run(&project, target, seconds)?,
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        other => bail!("`cargo x {}` does not exist\n\n{HELP}", other.join(" ")),
    })
}
