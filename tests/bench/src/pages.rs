//! The pages in a real browser: what a first visit transfers, how soon a new message is painted, how smoothly a long
//! conversation moves, and what the merchant's console keeps.
//!
//! Chromium is driven by `pages/measure.js`, which says line by line what it found. It runs headless and without a GPU beside
//! the server: on two busy cores times vary by half, and what counts something (bytes, frames, layouts, nodes) hardly at all.

use crate::median;
use ::tests::Server;
use anyhow::{Context, ensure};
use clap::{Args, ValueEnum};
use serde_json::{Value, json};
use std::fmt::Write as _;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant, SystemTime};

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/pages/measure.js");

/// For all that is not the time that messages come in for.
const LIMIT: Duration = Duration::from_mins(20);

#[derive(Args)]
pub(crate) struct Options {
    /// Runs of everything but `memory`, which has one; medians are printed.
    #[arg(long, visible_alias = "reps", default_value_t = 3)]
    runs: usize,
    /// How long messages come in for `memory`; 30 for a figure to keep.
    #[arg(long, default_value_t = 2.0)]
    minutes: f64,
    /// Conversations on the console.
    #[arg(long, default_value_t = 500)]
    conversations: usize,
    /// Messages in all of them, and in the one that is long.
    #[arg(long, default_value_t = 10_000)]
    messages: usize,
    /// Messages whose way to the screen is measured, in a run.
    #[arg(long, default_value_t = 50)]
    samples: usize,
    /// Only this.
    #[arg(long, value_enum)]
    only: Option<Load>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum Load {
    /// A first visit on a phone.
    First,
    /// A new message on the console.
    Arrivals,
    /// Moving over a long conversation.
    Scrolling,
    /// The heap while messages come in.
    Memory,
}

/// The script as a process; ended with this.
struct Script(Child);

/// What the runs came to.
#[derive(Default)]
struct Table {
    /// In the order in which they came first.
    rows: Vec<Row>,
    /// One object a run.
    lines: String,
}

struct Row {
    load: String,
    figure: String,
    values: Vec<f64>,
}

/// Measures, and prints one table.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let server = Server::start("imserver", &[], &crate::UNLIMITED).await?;
    let file = file()?;
    let mut table = Table::default();
    let until = Instant::now() + LIMIT + Duration::try_from_secs_f64(options.minutes * 60.0)?;
    let (script, lines) = Script::start(&format!("http://{}", server.address()), options)?;
    loop {
        let line = match lines.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(line) => line?,
            Err(mpsc::RecvTimeoutError::Disconnected) => break,
            Err(mpsc::RecvTimeoutError::Timeout) => anyhow::bail!("the browser is not done in time"),
        };
        let load = table.add(&line).with_context(|| format!("the script said {line}"))?;
        std::fs::write(&file, &table.lines)?;
        eprintln!("{load}: measured");
    }
    script.end()?;
    print!("{}", table.text());
    println!("medians of {} runs, memory of one; every run is in {}", options.runs, file.display());
    Ok(())
}

/// Where every run is kept: this program is in the folder of a profile where cargo builds.
fn file() -> anyhow::Result<std::path::PathBuf> {
    let own = std::env::current_exe()?;
    let target = own.ancestors().nth(2).map(Path::to_owned).context("start it as `cargo x bench`")?;
    let file = target.join(format!("bench/pages-{}.jsonl", SystemTime::UNIX_EPOCH.elapsed()?.as_secs()));
    std::fs::create_dir_all(target.join("bench"))?;
    Ok(file)
}

impl Script {
    /// Starts it; its lines come as it prints them.
    fn start(url: &str, options: &Options) -> anyhow::Result<(Self, mpsc::Receiver<std::io::Result<String>>)> {
        let only = options.only.and_then(|load| Some(load.to_possible_value()?.get_name().to_owned()));
        let given = json!({
            "runs": options.runs.max(1), "minutes": options.minutes, "samples": options.samples.max(1),
            "conversations": options.conversations.max(1), "messages": options.messages.max(1), "only": only,
        });
        let mut command = Command::new("node");
        command.args([SCRIPT, url, &given.to_string()]).stdin(Stdio::null()).stdout(Stdio::piped());
        let mut child = command.spawn().context("node cannot be started: is it installed?")?;
        let output = child.stdout.take().context("the script's output")?;
        let (sender, lines) = mpsc::sync_channel(64);
        std::thread::spawn(move || BufReader::new(output).lines().try_for_each(|line| sender.send(line)));
        Ok((Self(child), lines))
    }

    fn end(mut self) -> anyhow::Result<()> {
        let status = self.0.wait()?;
        ensure!(status.success(), "the script ended with {status}");
        Ok(())
    }
}

impl Drop for Script {
    fn drop(&mut self) {
        // Its browser ends with it, as it does where it has ended by itself.
        self.0.kill().ok();
        self.0.wait().ok();
    }
}

impl Table {
    /// Takes a run as the script tells it, and returns of which load it was.
    fn add(&mut self, line: &str) -> anyhow::Result<String> {
        let told: Value = serde_json::from_str(line)?;
        let load = told["load"].as_str().context("no load")?.to_owned();
        let mut kept = json!({"load": load});
        for figure in told["figures"].as_array().context("no figures")? {
            let (name, value) = (figure[0].as_str().context("no name")?, figure[1].as_f64().context("no number")?);
            kept[name] = json!(value);
            match self.rows.iter_mut().find(|row| row.load == load && row.figure == name) {
                Some(row) => row.values.push(value),
                None => self.rows.push(Row { load: load.clone(), figure: name.to_owned(), values: vec![value] }),
            }
        }
        // Writing to a String cannot fail.
        let _ = writeln!(self.lines, "{kept}");
        Ok(load)
    }

    /// As a table of Markdown.
    fn text(&self) -> String {
        let mut text = String::from("| load | figure | |\n| --- | --- | --- |\n");
        for Row { load, figure, values } in &self.rows {
            let value = median(values.iter().copied());
            let decimals = usize::from(value.fract() != 0.0 && value.abs() < 1000.0);
            let _ = writeln!(text, "| {load} | {figure} | {value:.decimals$} |");
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_of_a_load_become_medians_in_the_order_that_they_came_in() {
        let mut table = Table::default();
        for milliseconds in [30.0, 9.25, 10.0] {
            let figures = json!([["ms", milliseconds], ["bytes", 1234]]);
            assert_eq!(table.add(&json!({"load": "visit", "figures": figures}).to_string()).unwrap(), "visit");
        }
        table.add(r#"{"load": "heap", "figures": [["MB", 4.56]]}"#).unwrap();
        let rows = "| visit | ms | 10 |\n| visit | bytes | 1234 |\n| heap | MB | 4.6 |\n";
        assert!(table.text().ends_with(rows), "{}", table.text());
        assert_eq!(table.lines.lines().count(), 4);
        assert!(table.add(r#"{"figures": []}"#).is_err());
    }
}
