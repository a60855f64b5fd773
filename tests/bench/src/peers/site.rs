//! The servers that are compared, as processes, with the Redis that they share.

use crate::client::Greeting;
use crate::process::{bytes_out, cpu_time};
use crate::token::SECRETS;
use anyhow::{Context, ensure};
use clap::ValueEnum;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};
use tests::cluster::node;
use tests::process::{Kept, free_port, scratch};
use tests::redis::Redis;
use tests::{Cluster, Server};
use tokio::net::TcpStream;

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub(super) enum Kind {
    Imserver,
    Socketioxide,
    Socketio,
    /// What a message costs at least.
    Bare,
}

pub(super) struct Site {
    kind: Kind,
    processes: Vec<Process>,
    redis: Option<Redis>,
    folder: PathBuf,
}

enum Process {
    Ours(Server),
    Peer(Kept, SocketAddr),
}

/// To whom a broadcast goes; also the name of the event that it comes as.
pub(super) const EVERYBODY: &str = "everybody";

const PATIENCE: Duration = Duration::from_secs(10);

/// After a server listens, before it is measured: adapters subscribe without saying when that is done.
const SETTLED: Duration = Duration::from_millis(500);

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Imserver, Self::Socketioxide, Self::Socketio, Self::Bare];

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Imserver => "imserver",
            Self::Socketioxide => "socketioxide 0.18",
            Self::Socketio => "socket.io 4.8",
            Self::Bare => "bare relay",
        }
    }

    pub(super) fn greeting(self) -> Greeting {
        match self {
            Self::Imserver => Greeting::Token,
            Self::Socketioxide | Self::Socketio | Self::Bare => Greeting::Joined,
        }
    }
}

impl Site {
    /// So many processes, over a Redis of their own or not.
    pub(super) async fn start(kind: Kind, processes: usize, over_redis: bool) -> anyhow::Result<Self> {
        let redis = over_redis.then(Redis::start);
        let ours = [&crate::UNLIMITED[..], &SECRETS].concat();
        let mut site = Self { kind, processes: Vec::new(), redis, folder: scratch() };
        match (kind, &site.redis) {
            (Kind::Imserver, None) => {
                let config = site.folder.join("imserver.toml");
                std::fs::write(&config, format!("[events]\nexchange_to_all = [\"{EVERYBODY}\"]\n"))?;
                let config = config.to_str().context("a folder with a plain name")?;
                let server = Server::start("imserver", &["--config", config], &ours).await?;
                site.processes.push(Process::Ours(server));
            }
            (Kind::Imserver, Some(redis)) => {
                let mut cluster = Cluster::start(processes, &[node(redis.port)], &ours).await?;
                site.processes.extend(cluster.processes.drain(..).map(Process::Ours));
            }
            (Kind::Socketioxide | Kind::Socketio | Kind::Bare, _) => {
                for _ in 0..processes {
                    let peer = site.peer().await?;
                    site.processes.push(peer);
                }
            }
        }
        tokio::time::sleep(SETTLED).await;
        Ok(site)
    }

    async fn peer(&self) -> anyhow::Result<Process> {
        let port = free_port();
        let program = match self.kind {
            Kind::Socketioxide => vec![built("peers")?],
            Kind::Bare => vec![built("bare")?],
            _ => vec!["node".to_owned(), concat!(env!("CARGO_MANIFEST_DIR"), "/peers-node/server.js").to_owned()],
        };
        let url = self.redis.as_ref().map(|redis| format!("redis://127.0.0.1:{}", redis.port));
        let args: Vec<String> = program.into_iter().chain([port.to_string()]).chain(url).collect();
        let log = self.folder.join(format!("log-{port}"));
        let process = Kept::start(&log, &args.iter().map(String::as_str).collect::<Vec<_>>());
        let (address, begun) = (SocketAddr::from(([127, 0, 0, 1], port)), Instant::now());
        while TcpStream::connect(address).await.is_err() {
            let said = || std::fs::read_to_string(&log).unwrap_or_default();
            ensure!(begun.elapsed() < PATIENCE, "{} does not listen: {}", self.kind.name(), said());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        Ok(Process::Peer(process, address))
    }

    pub(super) fn kind(&self) -> Kind {
        self.kind
    }

    /// The processes in turn.
    pub(super) fn address(&self, number: usize) -> SocketAddr {
        match &self.processes[number % self.processes.len()] {
            Process::Ours(server) => server.address(),
            Process::Peer(_, address) => *address,
        }
    }

    pub(super) fn pids(&self) -> impl Iterator<Item = u32> {
        self.processes.iter().map(|process| match process {
            Process::Ours(server) => server.pid(),
            Process::Peer(process, _) => process.pid(),
        })
    }

    pub(super) fn cpu(&self) -> anyhow::Result<Duration> {
        self.pids().map(cpu_time).sum()
    }

    /// What Redis has sent so far; nothing without one.
    pub(super) fn redis_out(&self) -> anyhow::Result<u64> {
        self.redis.as_ref().map_or(Ok(0), bytes_out)
    }
}

/// A program of `peers-rs`.
fn built(name: &str) -> anyhow::Result<String> {
    let file = super::target()?.join("bench/peers/release").join(name);
    ensure!(file.is_file(), "{} is not built: start this as `cargo x bench peers`", file.display());
    Ok(file.to_string_lossy().into_owned())
}

impl Drop for Site {
    fn drop(&mut self) {
        self.processes.clear();
        std::fs::remove_dir_all(&self.folder).ok();
    }
}
