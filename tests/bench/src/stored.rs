//! Messages that are kept: how many a second are acknowledged, how long one takes from end to end, and how long a client
//! needs that comes back.

mod load;
mod site;
mod sync;

use clap::Args;
use load::Load;
use site::Site;

#[derive(Args)]
pub(crate) struct Options {
    /// Pairs of users who write to each other.
    #[arg(long, default_value_t = 200)]
    pairs: usize,
    /// Messages that each of them sends before an acknowledgement, at saturation.
    #[arg(long, default_value_t = 4)]
    unacknowledged: usize,
    #[arg(long, default_value_t = 10)]
    seconds: u64,
    #[arg(long, visible_alias = "reps", default_value_t = 3)]
    runs: usize,
    /// Messages a second for the latency on SQLite.
    #[arg(long, default_value_t = 2_000)]
    rate: usize,
    /// The same on MariaDB.
    #[arg(long, default_value_t = 1_000)]
    cluster_rate: usize,
    /// Only this: sqlite, mariadb or sync.
    #[arg(long)]
    only: Option<String>,
}

pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let wants = |what: &str| options.only.as_deref().is_none_or(|only| only == what);
    println!("{} pairs; every device syncs first and acknowledges what it got", options.pairs);
    println!(
        "{:<44} {:>16} {:>12} {:>12} {:>12} {:>8}",
        "", "acknowledged/s", "p50 (ms)", "p99 (ms)", "CPU us/msg", "missing"
    );
    if wants("sqlite") {
        both("one process, SQLite", options, options.rate, Site::alone).await?;
    }
    if wants("mariadb") {
        both("two processes, four Redis nodes, MariaDB", options, options.cluster_rate, Site::clustered).await?;
    }
    if wants("sync") {
        sync::run(options.runs).await?;
    }
    Ok(())
}

/// At saturation, and at a rate.
async fn both(
    what: &str,
    options: &Options,
    rate: usize,
    start: impl AsyncFn() -> anyhow::Result<Site>,
) -> anyhow::Result<()> {
    for rate in [None, Some(rate)] {
        let mut all = Vec::new();
        for _ in 0..options.runs.max(1) {
            let site = start().await?;
            let mut load = Load::open(&site, options.pairs).await?;
            all.push(match rate {
                None => load.saturate(&site, options.unacknowledged, options.seconds).await?,
                Some(rate) => load.pace(&site, rate, options.seconds).await?,
            });
        }
        let of = |value: fn(&load::Figures) -> f64| crate::median(all.iter().map(value));
        let what = rate.map_or_else(|| format!("{what}, saturated"), |rate| format!("{what}, {rate}/s"));
        println!(
            "{what:<44} {:>16.0} {:>12.1} {:>12.1} {:>12.0} {:>8}",
            of(|one| one.per_second),
            of(|one| one.p50_ms),
            of(|one| one.p99_ms),
            of(|one| one.cpu_us),
            all.iter().map(|one| one.missing).sum::<u64>(),
        );
    }
    Ok(())
}
