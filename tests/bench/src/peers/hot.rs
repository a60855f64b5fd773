//! Which functions run for a message, and then for a connect: `imserver/hot.ld`, made anew from what processes do under
//! such loads.
//!
//! A process that wakes for one message finds little of itself in the processor's caches and nothing in the table of its
//! pages, so that it counts over how many pages the three hundred functions are spread that it is about to run.

use super::pairs;
use super::site::{Kind, Site};
use anyhow::{Context, ensure};
use clap::Args;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

#[derive(Args)]
pub(crate) struct Options {
    /// How long messages are looked at.
    #[arg(long, default_value_t = 20)]
    seconds: u64,
    /// Looks a second.
    #[arg(long, default_value_t = 4_999)]
    rate: u32,
    /// Connections that come, one after the other.
    #[arg(long, default_value_t = 8_000)]
    connections: usize,
}

const PROCESSES: usize = 8;
const USERS: usize = 1_000;
const MESSAGES_A_SECOND: usize = 1_000;

/// The load has warmed up by then.
const BEFORE: Duration = Duration::from_secs(4);

/// Seen less often, a function may have run by chance.
const LEAST: u64 = 2;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../imserver/hot.ld");

const HEAD: &str = "\
/* The functions that run for a live message, and then those for a connect, the busiest first: the linker puts them beside each
 * other, because a process that wakes for one message pays for every page that it touches (tests/bench/PROFILES.md). Made by
 * `cargo x bench hot`. A line that fits nothing, as after a change of the compiler, does nothing. */
";

/// Longer than they take to come.
const CONNECTING: Duration = Duration::from_secs(5);

pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let mut seen = of_messages(options).await?;
    let of_connects = of_connects(options).await?;
    seen.extend(of_connects.into_iter().filter(|symbol| !seen.contains(symbol)).collect::<Vec<_>>());
    ensure!(!seen.is_empty(), "perf saw no function of imserver");
    std::fs::write(FILE, script(&seen))?;
    println!("{} functions in {}", seen.len(), Path::new(FILE).canonicalize()?.display());
    Ok(())
}

async fn of_messages(options: &Options) -> anyhow::Result<Vec<String>> {
    let site = Site::start(Kind::Imserver, PROCESSES, true).await?;
    let time = Duration::from_secs(options.seconds);
    let load = pairs::measure(&site, USERS, Some(MESSAGES_A_SECOND), BEFORE + time);
    let looking = async {
        tokio::time::sleep(BEFORE).await;
        look(&site, options.rate, time).await
    };
    Ok(tokio::try_join!(load, looking)?.1)
}

async fn of_connects(options: &Options) -> anyhow::Result<Vec<String>> {
    let site = Site::start(Kind::Imserver, 1, true).await?;
    let (address, pid, greeting) = (site.address(0), site.pids().sum(), site.kind().greeting());
    let load = crate::idle::measure_at(address, pid, greeting, options.connections);
    Ok(tokio::try_join!(load, look(&site, options.rate, CONNECTING))?.1)
}

/// The symbols of imserver that are seen, the most often seen first.
async fn look(site: &Site, rate: u32, time: Duration) -> anyhow::Result<Vec<String>> {
    let pids = site.pids().map(|pid| pid.to_string()).collect::<Vec<_>>().join(",");
    let samples = std::env::temp_dir().join(format!("hot-{}.data", std::process::id()));
    let looking = tokio::task::spawn_blocking(move || {
        let (rate, seconds) = (rate.to_string(), time.as_secs().to_string());
        let file = samples.to_str().context("a folder with a plain name")?;
        perf(&["record", "--quiet", "-F", &rate, "-p", &pids, "-o", file, "--", "sleep", &seconds])?;
        let report =
            perf(&["report", "-i", file, "--no-demangle", "--stdio", "--sort", "dso,sym", "-F", "sample,dso,sym"])?;
        std::fs::remove_file(&samples)?;
        anyhow::Ok(busiest(&report))
    });
    looking.await?
}

fn perf(args: &[&str]) -> anyhow::Result<String> {
    let output = Command::new("perf").args(args).output().context("perf is needed (Debian: linux-perf)")?;
    ensure!(output.status.success(), "perf {}: {}", args[0], String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Lines of the report are a count, the file, `[.]` and the symbol.
fn busiest(report: &str) -> Vec<String> {
    let mut counts: BTreeMap<&str, u64> = BTreeMap::new();
    for line in report.lines() {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [count, "imserver", "[.]", symbol] = words[..] else { continue };
        // What the optimiser took from one part of the program to another has a suffix, which changes.
        let symbol = symbol.split_once(".llvm.").map_or(symbol, |(symbol, _)| symbol);
        *counts.entry(symbol).or_default() += count.parse().unwrap_or(0);
    }
    let mut seen: Vec<_> = counts.into_iter().filter(|(_, count)| *count >= LEAST).collect();
    seen.sort_by_key(|(symbol, count)| (std::cmp::Reverse(*count), *symbol));
    seen.into_iter().map(|(symbol, _)| symbol.to_owned()).collect()
}

/// For the linker: each function has a section of its own.
fn script(symbols: &[String]) -> String {
    let lines: String = symbols.iter().map(|symbol| format!("    *(.text.{symbol} .text.{symbol}.llvm.*)\n")).collect();
    format!("{HEAD}SECTIONS\n{{\n  .text.hot :\n  {{\n{lines}  }}\n}}\nINSERT BEFORE .text;\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn functions_of_the_server_are_listed_by_how_often_they_were_seen() {
        let report = "\
# Samples: 9K of event 'cpu-clock'
     3  imserver  [.] _ZN4wire4json17h1E.llvm.77
    40  [kernel.kallsyms]  [k] finish_task_switch
     9  libc.so.6  [.] memcpy
     5  imserver  [.] mi_free
     1  imserver  [.] _ZN4main17h2E
     4  imserver  [.] _ZN4wire4json17h1E.llvm.78
";
        let seen = busiest(report);
        assert_eq!(seen, ["_ZN4wire4json17h1E", "mi_free"]);
        let script = script(&seen);
        let lines = "    *(.text._ZN4wire4json17h1E .text._ZN4wire4json17h1E.llvm.*)\n    *(.text.mi_free .text.mi_free.llvm.*)\n";
        assert!(script.contains(lines), "{script}");
    }
}
