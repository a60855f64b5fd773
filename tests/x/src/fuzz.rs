//! Fuzzing a codec for a while. Needs the nightly compiler; what it finds stays beside the target as a file.

use crate::plan::{Plan, execute};
use crate::project::Project;
use crate::tally::Tally;
use anyhow::{Context, bail};
use std::process::{Command, ExitCode, Stdio};

/// How long, unless told.
pub(crate) const SECONDS: &str = "60";

/// Folder of the fuzz targets; their own workspace, since they need another compiler.
const FOLDER: &str = "shared/wire/fuzz";

/// Names the targets.
///
/// # Errors
/// cargo-fuzz cannot be installed or run.
pub(crate) fn list(project: &Project) -> anyhow::Result<ExitCode> {
    let mut tally = Tally::default();
    install(project, &mut tally)?;
    execute(&mut cargo_fuzz(project, "list"), &mut tally)?;
    Ok(ExitCode::SUCCESS)
}

/// Fuzzes one target for a number of seconds.
///
/// # Errors
/// `seconds` is no number.
pub(crate) fn run(project: &Project, target: &str, seconds: &str) -> anyhow::Result<ExitCode> {
    let seconds: u32 = seconds.parse().with_context(|| format!("{seconds} is not a number of seconds"))?;
    if seconds == 0 {
        bail!("0 seconds would fuzz without end");
    }
    let mut command = cargo_fuzz(project, "run");
    command.args([target, "--", &format!("-max_total_time={seconds}")]);
    let plan = Plan::new()
        .stage("install", |tally| install(project, tally))
        .stage("fuzz", move |tally| execute(&mut command, tally));
    Ok(plan.run())
}

fn install(project: &Project, tally: &mut Tally) -> anyhow::Result<()> {
    let there = Command::new("cargo").args(["fuzz", "--version"]).stdout(Stdio::null()).stderr(Stdio::null()).status();
    if there.is_ok_and(|status| status.success()) {
        return Ok(());
    }
    project.cargo("install cargo-fuzz --locked", tally)
}

fn cargo_fuzz(project: &Project, verb: &str) -> Command {
    let mut command = Command::new("cargo");
    command.args(["+nightly", "fuzz", verb, "--fuzz-dir", FOLDER]).current_dir(&project.root);
    // Set by rustup for this very process, it would win over `+nightly` in what cargo-fuzz starts.
    command.env_remove("RUSTUP_TOOLCHAIN");
    command
}
