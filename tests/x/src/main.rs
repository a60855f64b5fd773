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
cargo x test                     everything that must pass: installs what is missing, then check, build, tests, e2e
cargo x e2e                      builds the servers and runs the official clients against them
cargo x bench idle [OPTIONS]     measures a release build and prints a table; `cargo x bench help` lists what else
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
