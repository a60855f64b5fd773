//! What more processes cost Redis: the bytes that it sends for one live message, with eight processes and with one.

use crate::line::Line;
use crate::median;
use crate::process::bytes_out;
use clap::Args;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tests::cluster::node;
use tests::redis::Redis;
use tests::{Cluster, Server};
use tokio::time::interval;

#[derive(Args)]
pub(crate) struct Options {
    /// Processes, against one.
    #[arg(long, default_value_t = 8)]
    processes: usize,
    /// Users, each with one window, spread evenly over the processes.
    #[arg(long, default_value_t = 400)]
    users: usize,
    /// Messages a second, all together.
    #[arg(long, default_value_t = 1_000)]
    rate: usize,
    #[arg(long, default_value_t = 8)]
    seconds: u64,
    #[arg(long, visible_alias = "reps", default_value_t = 3)]
    runs: usize,
}

struct Figures {
    bytes_per_message: f64,
    cpu_per_message: f64,
    lost: u64,
}

/// How often the load is topped up.
const TICK: Duration = Duration::from_millis(5);

pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    let Options { processes: many, users, rate, .. } = *options;
    println!("live messages between {users} users, {rate} a second, one Redis node");
    println!("{:>10} {:>24} {:>22} {:>6}", "processes", "Redis bytes out/message", "server CPU us/message", "lost");
    let mut medians = Vec::new();
    for processes in [1, many] {
        let mut all = Vec::new();
        for _ in 0..options.runs.max(1) {
            all.push(measure(options, processes).await?);
        }
        let bytes = median(all.iter().map(|one| one.bytes_per_message));
        let cpu = median(all.iter().map(|one| one.cpu_per_message));
        let lost: u64 = all.iter().map(|one| one.lost).sum();
        println!("{processes:>10} {bytes:>24.1} {cpu:>22.1} {lost:>6}");
        medians.push((bytes, cpu));
    }
    let [one, several] = medians[..] else { anyhow::bail!("two rows") };
    println!("{:>10} {:>23.3}x {:>21.3}x", "ratio", several.0 / one.0, several.1 / one.1);
    Ok(())
}

async fn measure(options: &Options, processes: usize) -> anyhow::Result<Figures> {
    let redis = Redis::start();
    let cluster = Cluster::start(processes, &[node(redis.port)], &crate::UNLIMITED).await?;
    let heard = Arc::new(AtomicU64::new(0));
    let name = |number: usize| (10_000 + number).to_string();
    let mut lines = Vec::new();
    for number in 0..options.users {
        let process = &cluster.processes[number % processes];
        let heard = heard.clone();
        let hear = move |packet: &[u8]| {
            if packet.starts_with(b"42[\"exchange\"") {
                heard.fetch_add(1, Ordering::Relaxed);
            }
        };
        lines.push(Line::open(process.address(), &name(number), hear).await?);
    }
    let words = "x".repeat(100);
    let mut sent = 0;
    let mut next = async |lines: &[Line]| {
        // Whom somebody writes to is on every process in turn.
        let (from, to) = (sent % lines.len(), (sent * 7 + 3) % lines.len());
        sent += 1;
        let packet = format!(r#"42["exchange",{{"target":"user:{}","payload":{{"text":"{words}"}}}}]"#, name(to));
        lines[from].send(&packet).await
    };
    let mut clock = interval(TICK);
    let per_tick = (options.rate * TICK.as_millis() as usize / 1_000).max(1);
    for _ in 0..200 {
        clock.tick().await;
        next(&lines).await?;
    }
    settle(&heard).await;
    let (bytes, cpu, before) = (bytes_out(&redis)?, cpu(&cluster)?, heard.load(Ordering::Relaxed));
    let ticks = Duration::from_secs(options.seconds).as_millis() / TICK.as_millis();
    for _ in 0..ticks {
        clock.tick().await;
        for _ in 0..per_tick {
            next(&lines).await?;
        }
    }
    settle(&heard).await;
    let (bytes, cpu) = (bytes_out(&redis)? - bytes, cpu_since(&cluster, cpu)?);
    let delivered = heard.load(Ordering::Relaxed) - before;
    let lost = (ticks as u64 * per_tick as u64).saturating_sub(delivered);
    let each = delivered.max(1) as f64;
    Ok(Figures { bytes_per_message: bytes as f64 / each, cpu_per_message: cpu.as_micros() as f64 / each, lost })
}

/// Waits until nothing more comes.
async fn settle(heard: &AtomicU64) {
    for _ in 0..50 {
        let before = heard.load(Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(100)).await;
        if heard.load(Ordering::Relaxed) == before {
            return;
        }
    }
}

fn cpu(cluster: &Cluster) -> anyhow::Result<Duration> {
    cluster.processes.iter().map(Server::pid).map(crate::process::cpu_time).sum()
}

fn cpu_since(cluster: &Cluster, before: Duration) -> anyhow::Result<Duration> {
    Ok(cpu(cluster)?.saturating_sub(before))
}
