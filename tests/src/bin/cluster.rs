//! A cluster for people, on this machine: Sentinel-watched and plain Redis nodes, imservers in development mode, and
//! nginx before them. It runs until Ctrl-C, and leaves nothing behind.
//!
//! `cargo x cluster` builds what it needs and starts it; `cargo x cluster 4` has four imservers, `cargo x cluster 2 9000`
//! begins at another port.

use anyhow::{Context, ensure};
use std::fmt::Write as _;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::ExitCode;
use tests::cluster::node;
use tests::nginx::{Forwarded, Nginx};
use tests::redis::Redis;
use tests::sentinel::{Sentinels, Watched};
use tests::{Cluster, Server};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Nobody wants to wait when it is stopped, or when a process is killed to see what happens.
const SETTINGS: [(&str, &str); 2] = [("IM__SERVER__DRAIN_WINDOW_MS", "0"), ("IM__REDIS__LEASE_MS", "5000")];

const USAGE: &str = "write how many imservers, 1 to 8, and perhaps the first port, 1024 to 65000";

/// Where everything listens.
struct Ports {
    nginx: u16,
    /// Of each process: pages, admin, internal.
    processes: Vec<[u16; 3]>,
    /// Each master's, then its replica's.
    watched: [[u16; 2]; 2],
    plain: [u16; 2],
    sentinels: [u16; 3],
}

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1);
    let mut number = |default, from, to| match words.next() {
        None => Ok(default),
        Some(word) => word.parse().ok().filter(|number| (from..=to).contains(number)).context(USAGE),
    };
    let ports = Ports::new(number(2, 1, 8)?, number(7_000, 1_024, 65_000)?);
    ports.check_free()?;
    let mut stop = Stop::install()?;

    let sentinels = Sentinels::on(ports.sentinels);
    let first = Watched::by(&sentinels, "im-0", ports.watched[0]).await;
    let watched = [first, Watched::by(&sentinels, "im-1", ports.watched[1]).await];
    let plain = ports.plain.map(|port| Redis::on(port, &[]));
    let mut nodes = watched.each_ref().map(Watched::node).to_vec();
    nodes.extend(plain.iter().map(|one| node(one.port)));

    let mut cluster = Cluster::start(0, &nodes, &SETTINGS).await?;
    for (number, at) in (1..).zip(&ports.processes) {
        let at = at.map(|port| format!("127.0.0.1:{port}"));
        let process = cluster.another_at(&format!("im{number}"), at.each_ref().map(String::as_str)).await?;
        cluster.processes.push(process);
    }
    let addresses: Vec<SocketAddr> = cluster.processes.iter().map(Server::address).collect();
    let _nginx = Nginx::start("round-robin", ports.nginx, &addresses, Forwarded::Unsaid).await?;
    println!("{}", welcome(&ports, &cluster));

    stop.asked().await;
    println!("stopping");
    for process in &mut cluster.processes {
        // One that somebody killed, to see what happens, is gone already.
        if process.is_running()? {
            process.sigterm()?;
        }
    }
    for process in &mut cluster.processes {
        process.wait_exit().await;
    }
    Ok(())
}

/// What asks it to end: Ctrl-C, or SIGTERM.
struct Stop([Signal; 2]);

impl Stop {
    fn install() -> anyhow::Result<Self> {
        Ok(Self([signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?]))
    }

    async fn asked(&mut self) {
        let [interrupt, terminate] = &mut self.0;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }
}

impl Ports {
    fn new(processes: u16, first: u16) -> Self {
        let of_process = |number| [1, 6, 5].map(|port| first + 10 * number + port);
        Self {
            nginx: first,
            processes: (0..processes).map(of_process).collect(),
            watched: [[first + 100, first + 110], [first + 101, first + 111]],
            plain: [first + 102, first + 103],
            sentinels: [120, 121, 122].map(|port| first + port),
        }
    }

    fn check_free(&self) -> anyhow::Result<()> {
        let all = [self.nginx].into_iter().chain(self.processes.iter().flatten().copied());
        let all = all.chain(self.watched.into_iter().flatten()).chain(self.plain).chain(self.sentinels);
        let is_taken = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_err();
        let taken: Vec<String> = all.filter(is_taken).map(|port| port.to_string()).collect();
        ensure!(taken.is_empty(), "these ports are taken: {} (does another cluster run?)", taken.join(", "));
        Ok(())
    }
}

fn welcome(ports: &Ports, cluster: &Cluster) -> String {
    let mut text = format!(
        "\n  The site IM as a cluster, in development mode. Buyers and a merchant to be, on whichever process each \
         request reaches:\n\n    http://127.0.0.1:{}/\n\n",
        ports.nginx
    );
    for (number, (process, [page, admin, _])) in (1..).zip(cluster.processes.iter().zip(&ports.processes)) {
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "  im{number}       http://127.0.0.1:{page}/   http://127.0.0.1:{admin}/readyz   /metrics   pid {}",
            process.pid()
        );
    }
    for (number, [master, replica]) in ports.watched.iter().enumerate() {
        let _ = writeln!(text, "  Redis {number}   {master}, replica {replica}, watched as im-{number}");
    }
    for (number, port) in (2..).zip(ports.plain) {
        let _ = writeln!(text, "  Redis {number}   {port}");
    }
    let _ = write!(
        text,
        "  Sentinels {}\n\n  Kill a process or a master (redis-cli -p {} SHUTDOWN NOSAVE) and see what the pages notice.\n  \
         Ctrl-C stops everything.\n",
        ports.sentinels.map(|port| port.to_string()).join(" "),
        ports.watched[0][0],
    );
    text
}
