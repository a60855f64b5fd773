//! Idle connections: how much resident memory and CPU time each costs a server, logged in with a token and subscribed over
//! Redis.

use crate::client::{Greeting, connect};
use crate::process::{cpu_time, resident_bytes};
use crate::token::SECRETS;
use clap::Args;
use std::net::SocketAddr;
use std::time::Duration;
use tests::Cluster;
use tests::cluster::node;
use tests::redis::Redis;

#[derive(Args)]
pub(crate) struct Options {
    /// How many connections to hold.
    #[arg(long, default_value_t = 8_000)]
    connections: usize,
    /// Runs; the median is printed.
    #[arg(long, visible_alias = "reps", default_value_t = 3)]
    runs: usize,
}

pub(crate) struct Figures {
    pub(crate) bytes_per_connection: u64,
    pub(crate) cpu_per_connect: Duration,
}

/// Measures, and prints one line a run and the median.
pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    println!("{:>6} {:>16} {:>16}", "run", "bytes/connection", "CPU us/connect");
    let mut all = Vec::new();
    for run in 1..=options.runs.max(1) {
        let figures = measure(options.connections).await?;
        println!("{run:>6} {:>16} {:>16}", figures.bytes_per_connection, figures.cpu_per_connect.as_micros());
        all.push(figures);
    }
    let median = |mut values: Vec<u128>| {
        values.sort_unstable();
        values[values.len() / 2]
    };
    println!(
        "{:>6} {:>16} {:>16}   ({} idle WebSocket connections, each its own user, one process)",
        "median",
        median(all.iter().map(|figures| figures.bytes_per_connection.into()).collect()),
        median(all.iter().map(|figures| figures.cpu_per_connect.as_micros()).collect()),
        options.connections,
    );
    Ok(())
}

async fn measure(connections: usize) -> anyhow::Result<Figures> {
    let redis = Redis::start();
    let env = [&crate::UNLIMITED[..], &SECRETS].concat();
    let cluster = Cluster::start(1, &[node(redis.port)], &env).await?;
    let server = &cluster.processes[0];
    measure_at(server.address(), server.pid(), Greeting::Token, connections).await
}

/// The same of any server.
pub(crate) async fn measure_at(
    server: SocketAddr,
    pid: u32,
    greeting: Greeting,
    connections: usize,
) -> anyhow::Result<Figures> {
    let mut held = Vec::with_capacity(connections);
    // The first few bring in what a process allocates once.
    for user in 0..200 {
        held.push(connect(server, &format!("9{user}"), greeting).await?);
    }
    let (memory, cpu) = (resident_bytes(pid)?, cpu_time(pid)?);
    for user in 0..connections {
        held.push(connect(server, &format!("1{user}"), greeting).await?);
    }
    let connected = cpu_time(pid)?.saturating_sub(cpu);
    // What the allocator hands back, it hands back within a moment.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let grown = resident_bytes(pid)?.saturating_sub(memory);
    Ok(Figures { bytes_per_connection: grown / connections as u64, cpu_per_connect: connected / connections as u32 })
}
