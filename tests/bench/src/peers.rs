//! Ours beside socketioxide, Socket.IO's own server and a bare relay: the same load on each in turn, and one table.
//!
//! All relay live and keep nothing. The peers (`peers-rs`, `peers-node`) do only that, and let in whoever names a user; ours
//! does besides what it always does: a token that is checked, limits, presence, who may write to whom. The bare relay does
//! less than any server can, and shows what is left to win. With more than one process, and where it says so, each stands
//! over one Redis node: ours with its bus, the peers with their adapters, the relay with PUBLISH and SUBSCRIBE alone.
//!
//! Clients and servers share the machine, so that a rate at saturation is that of the pair. CPU time is that of the
//! servers alone (user and system, of all their processes, for each message delivered), and the steadier figure.

mod broadcast;
pub(crate) mod hot;
mod pairs;
mod polling;
mod scenario;
mod site;
mod table;

use clap::Args;
use scenario::Scenario;
use site::Kind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};
use table::Table;

#[derive(Args)]
pub(crate) struct Options {
    /// Runs of everything, one after the other; medians are printed.
    #[arg(long, visible_alias = "runs", default_value_t = 3)]
    reps: usize,
    /// How long each load lasts.
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    /// Users of the live loads.
    #[arg(long, default_value_t = 1_000)]
    users: usize,
    /// Idle connections.
    #[arg(long, default_value_t = 8_000)]
    connections: usize,
    /// Sockets that a broadcast reaches.
    #[arg(long, default_value_t = 5_000)]
    sockets: usize,
    /// Clients that poll.
    #[arg(long, default_value_t = 200)]
    pollers: usize,
    /// Only loads whose name has this in it.
    #[arg(long)]
    only: Option<String>,
    /// Only these servers.
    #[arg(long, value_enum, value_delimiter = ',')]
    servers: Vec<Kind>,
}

/// What is not over by then, beside the time of the load itself, does not end.
const LIMIT: Duration = Duration::from_secs(90);

pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let kinds = if options.servers.is_empty() { Kind::ALL.to_vec() } else { options.servers.clone() };
    let scenarios = Scenario::all().into_iter();
    let wanted = |one: &Scenario| options.only.as_ref().is_none_or(|only| one.name().contains(only));
    let scenarios: Vec<Scenario> = scenarios.filter(wanted).collect();
    let mut table = Table::new(kinds.clone());
    let file = target()?.join(format!("bench/peers-{}.jsonl", SystemTime::UNIX_EPOCH.elapsed()?.as_secs()));
    for rep in 1..=options.reps.max(1) {
        for scenario in &scenarios {
            for kind in kinds.iter().filter(|kind| scenario.suits(**kind)) {
                let limit = LIMIT + Duration::from_secs(options.seconds);
                let outcome = tokio::time::timeout(limit, scenario.measure(*kind, options)).await;
                match outcome.unwrap_or_else(|_| Err(anyhow::anyhow!("not within {limit:?}"))) {
                    Ok(figures) => table.add(scenario, *kind, figures),
                    Err(error) => eprintln!("{}, {}: {error:#}", kind.name(), scenario.name()),
                }
                table.keep(&file)?;
            }
            eprintln!("run {rep}: {} measured", scenario.name());
        }
    }
    print!("{}", table.text());
    println!(
        "medians of {} runs; × is how many times better ours is; every run is in {}",
        options.reps,
        file.display()
    );
    Ok(())
}

/// Where cargo builds: this program is in the folder of a profile there.
fn target() -> anyhow::Result<PathBuf> {
    let own = std::env::current_exe()?;
    let folder = own.ancestors().nth(2).map(Path::to_owned);
    folder.ok_or_else(|| anyhow::anyhow!("start it as `cargo x bench`"))
}
