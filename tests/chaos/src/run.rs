//! Rounds one after the other on one site, and judging a round again from its file.

use crate::check::{Finding, check};
use crate::record;
use crate::round;
use crate::site::Site;
use anyhow::Context;
use clap::{Parser, Subcommand};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// The rounds of every day.
const SEEDS: [u64; 3] = [1, 2, 3];
const SHORT: Duration = Duration::from_secs(30);
/// A round of a run that goes on for minutes.
const LONG: Duration = Duration::from_secs(120);
/// Findings that are printed; the rest is counted.
const PRINTED: usize = 40;

#[derive(Parser)]
#[command(about = "Breaks a site at chance while people talk, and judges whether anything was lost")]
pub(crate) struct Options {
    #[command(subcommand)]
    what: Option<What>,
    /// Rounds of new seeds until so many minutes are over. Without: a fixed list of seeds, 90 seconds of faults in all.
    #[arg(long)]
    minutes: Option<u64>,
    /// The first seed; with --minutes those after it follow, else it is the only one.
    #[arg(long)]
    seed: Option<u64>,
    /// Where histories and logs go.
    #[arg(long, global = true, default_value = "target/chaos")]
    folder: PathBuf,
}

#[derive(Subcommand)]
enum What {
    /// Judges the history of a round again.
    Check { file: PathBuf },
}

impl Options {
    /// # Errors
    /// A file cannot be read or written, or the site does not start or recover.
    pub(crate) async fn carry_out(self) -> anyhow::Result<ExitCode> {
        if let Some(What::Check { file }) = &self.what {
            let findings = check(&record::read(file)?);
            let passed = usize::from(findings.is_empty());
            let code = verdict(&findings);
            println!("{passed} passed, {} failed", 1 - passed);
            return Ok(code);
        }
        let logs = self.folder.join("logs");
        std::fs::remove_dir_all(&logs).ok();
        std::fs::create_dir_all(&logs).with_context(|| logs.display().to_string())?;
        let site = Site::start(&logs).await?;
        self.rounds(&site, &self.folder).await
    }

    async fn rounds(&self, site: &Site, folder: &Path) -> anyhow::Result<ExitCode> {
        let begun = Instant::now();
        let is_over = |rounds: usize| match (self.minutes, self.seed) {
            (Some(minutes), _) => begun.elapsed() >= Duration::from_secs(60 * minutes),
            (None, Some(_)) => rounds == 1,
            (None, None) => rounds == SEEDS.len(),
        };
        let long = if self.minutes.is_some() { LONG } else { SHORT };
        let (mut passed, mut failed, mut messages, mut faults) = (0, 0, 0, 0);
        while !is_over(passed + failed) {
            let seed = match (self.minutes, self.seed) {
                (None, None) => SEEDS[passed + failed],
                (_, first) => first.unwrap_or(1) + (passed + failed) as u64,
            };
            let outcome = round::run(seed, long, site, folder).await?;
            (messages, faults) = (messages + outcome.messages, faults + outcome.faults);
            if verdict(&outcome.findings) == ExitCode::SUCCESS {
                passed += 1;
            } else {
                failed += 1;
            }
            println!("seed {seed}: {} messages, {} faults", outcome.messages, outcome.faults);
        }
        println!("{messages} messages, {faults} faults in {} rounds", passed + failed);
        println!("{passed} passed, {failed} failed");
        Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}

fn verdict(findings: &[Finding]) -> ExitCode {
    for finding in findings.iter().take(PRINTED) {
        println!("  {finding}");
    }
    if findings.len() > PRINTED {
        println!("  … and {} more", findings.len() - PRINTED);
    }
    if findings.is_empty() {
        println!("  nothing lost, twice, invented or out of order");
        return ExitCode::SUCCESS;
    }
    ExitCode::FAILURE
}
