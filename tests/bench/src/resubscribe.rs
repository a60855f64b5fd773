//! A node that comes back empty, and everybody subscribes to it again: what others notice who use that node.

use crate::median;
use anyhow::{Context, ensure};
use bus::redis::{Notice, Options as Bus, Process, connect};
use clap::Args;
use futures_util::future::try_join_all;
use shard::{Node, Rings};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};
use tests::redis::Redis;
use tokio::sync::mpsc;
use types::Channel;

#[derive(Args)]
pub(crate) struct Options {
    /// Users whose channels are subscribed.
    #[arg(long, default_value_t = 50_000)]
    users: usize,
    #[arg(long, visible_alias = "reps", default_value_t = 3)]
    runs: usize,
}

const PATIENCE: Duration = Duration::from_secs(60);

/// How long the same connection is looked at while nothing happens.
const QUIET: Duration = Duration::from_secs(2);

struct Figures {
    seconds: f64,
    worst_ms: f64,
    quiet_ms: f64,
}

pub(crate) async fn run(options: &Options) -> anyhow::Result<()> {
    println!(
        "{} users of one process on a node that is restarted empty; a foreign connection sends PING",
        options.users
    );
    println!("{:>6} {:>16} {:>18} {:>24}", "run", "subscribed in", "worst PING", "worst PING while quiet");
    let mut all = Vec::new();
    for run in 1..=options.runs.max(1) {
        let one = measure(options.users).await?;
        println!("{run:>6} {:>14.2} s {:>15.1} ms {:>21.1} ms", one.seconds, one.worst_ms, one.quiet_ms);
        all.push(one);
    }
    let of = |value: fn(&Figures) -> f64| median(all.iter().map(value));
    println!(
        "{:>6} {:>14.2} s {:>15.1} ms {:>21.1} ms",
        "median",
        of(|one| one.seconds),
        of(|one| one.worst_ms),
        of(|one| one.quiet_ms)
    );
    Ok(())
}

async fn measure(users: usize) -> anyhow::Result<Figures> {
    let mut redis = Redis::start();
    let rings = Rings::new(vec![Node::direct("127.0.0.1", redis.port)])?;
    let (tell, mut told) = mpsc::channel(100_000);
    let notices = Arc::new(move |notice| {
        // Nobody listens any more when a run ends.
        tell.try_send(notice).ok();
    });
    let process = Process {
        id: "bench".parse()?,
        incarnation: "1".into(),
        address: "127.0.0.1:1".into(),
        tier: "imserver",
        store: String::new(),
    };
    let alone = Arc::new(|_| Box::pin(async { false }) as futures_util::future::BoxFuture<'static, bool>);
    let bus = connect(rings, process, Arc::new(|_, _| {}), Bus::new(notices, alone)).await?;
    let channels: Vec<Channel> = (10_000..10_000 + users)
        .map(|uid| Ok(Channel::User(uid.to_string().parse()?)))
        .collect::<anyhow::Result<_>>()?;
    for part in channels.chunks(500) {
        try_join_all(part.iter().map(|channel| bus.subscribe(channel))).await?;
    }
    let quiet = Pings::start(redis.port);
    tokio::time::sleep(QUIET).await;
    let quiet = quiet.worst()?;

    redis.kill();
    while !matches!(told.recv().await.context("the bus ended")?, Notice::Down { .. }) {}
    redis.run();
    let pings = Pings::start(redis.port);
    let start = Instant::now();
    let mut again = 0;
    while again < users {
        ensure!(start.elapsed() < PATIENCE, "{again} of {users} are subscribed again after {PATIENCE:?}");
        if let Ok(notice) = tokio::time::timeout(Duration::from_secs(1), told.recv()).await
            && let Notice::Gap { channels, .. } = notice.context("the bus ended")?
        {
            again += channels.iter().filter(|channel| matches!(channel, Channel::User(_))).count();
        }
    }
    let seconds = start.elapsed().as_secs_f64();
    let worst = pings.worst()?;
    bus.detach();
    bus.detached().await;
    Ok(Figures { seconds, worst_ms: worst.as_secs_f64() * 1e3, quiet_ms: quiet.as_secs_f64() * 1e3 })
}

/// A connection of its own, in a thread of its own, that sends PING after PING.
struct Pings {
    stop: Arc<AtomicBool>,
    thread: std::thread::JoinHandle<anyhow::Result<Duration>>,
}

impl Pings {
    fn start(port: u16) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = stop.clone();
        let thread = std::thread::spawn(move || {
            let mut stream = TcpStream::connect(("127.0.0.1", port))?;
            stream.set_nodelay(true)?;
            let (mut worst, mut answer) = (Duration::ZERO, [0; 7]);
            while !stopping.load(Ordering::Relaxed) {
                let asked = Instant::now();
                stream.write_all(b"PING\r\n")?;
                stream.read_exact(&mut answer)?;
                worst = worst.max(asked.elapsed());
                std::thread::sleep(Duration::from_micros(500));
            }
            Ok(worst)
        });
        Self { stop, thread }
    }

    /// Stops, and says how long the slowest took.
    fn worst(self) -> anyhow::Result<Duration> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow::anyhow!("the pings ended early"))?
    }
}
