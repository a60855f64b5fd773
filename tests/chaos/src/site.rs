//! A site whose every part can be broken: three imservers over four Redis nodes and a database, nginx before them, and
//! proxies on the links.
//!
//! ```text
//!   clients ──────────┐
//!      └─► nginx ─────┴─► proxy ─► imserver ─┬─► proxy ─► Redis 2, 3
//!                                            ├─► Redis 0, 1: a master and a replica each, and three Sentinels
//!                                            └─► proxy ─► MariaDB
//! ```

use crate::imserver::Imserver;
use crate::schedule::{PLAIN, PROCESSES, WATCHED};
use anyhow::{Context, ensure};
use parts::mariadb::Mariadb;
use parts::nginx::{Forwarded, Nginx};
use parts::process::{free_port, scratch};
use parts::redis::Redis;
use parts::sentinel::{Sentinels, Watched};
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tests::cluster::node;
use tests::http;
use tests::proxy::Proxy;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;

/// Longer than any lease and time-out of a site that is whole again.
const PATIENCE: Duration = Duration::from_secs(90);

/// Each part is locked while it is broken.
pub(crate) struct Site {
    pub(crate) processes: Vec<Arc<Mutex<Imserver>>>,
    pub(crate) links: Vec<Links>,
    pub(crate) plain: Vec<Arc<Mutex<Redis>>>,
    pub(crate) watched: Vec<Arc<Mutex<Watched>>>,
    pub(crate) database: Arc<Mutex<Mariadb>>,
    nginx: Nginx,
    folder: PathBuf,
}

/// The links of one process.
pub(crate) struct Links {
    pub(crate) clients: Arc<Mutex<Proxy>>,
    pub(crate) plain: Vec<Arc<Mutex<Proxy>>>,
    pub(crate) store: Arc<Mutex<Proxy>>,
}

impl Site {
    /// Starts all of it. What the processes log goes to a folder.
    ///
    /// # Errors
    /// A part does not start.
    pub(crate) async fn start(logs: &Path) -> anyhow::Result<Self> {
        let folder = scratch();
        let (database, url, sentinels, plain) = spawn_blocking(|| {
            let database = Mariadb::start();
            let url = database.database();
            let plain: Vec<Redis> = (0..PLAIN).map(|_| Redis::start()).collect();
            (database, url, Sentinels::start(), plain)
        })
        .await?;
        let mut watched = Vec::new();
        for number in 0..WATCHED {
            watched.push(Watched::by(&sentinels, &format!("im-{number}"), [free_port(), free_port()]).await);
        }
        let name = url.rsplit_once('/').context("a URL with a database")?.1;
        let (mut processes, mut links) = (Vec::new(), Vec::new());
        for number in 1..=PROCESSES {
            let store = Proxy::before(database.port).await?;
            let mut wires = Vec::new();
            for redis in &plain {
                wires.push(Proxy::before(redis.port).await?);
            }
            let nodes = watched.iter().map(Watched::node).chain(wires.iter().map(|wire| node(wire.port())));
            let list = folder.join(format!("im{number}.json"));
            std::fs::write(&list, format!("[{}]", nodes.collect::<Vec<_>>().join(", ")))?;
            let url = format!("mysql://root@127.0.0.1:{}/{name}", store.port());
            let mut process = Imserver::new(&format!("im{number}"), &list, url, logs);
            process.run().await?;
            let clients = shared(Proxy::before(process.port()).await?);
            let plain = wires.into_iter().map(shared).collect();
            links.push(Links { clients, plain, store: shared(store) });
            processes.push(shared(process));
        }
        let mut ports = Vec::new();
        for link in &links {
            ports.push(local(link.clients.lock().await.port()));
        }
        let nginx = Nginx::start("round-robin", free_port(), &ports, Forwarded::Unsaid).await?;
        let (plain, watched) = (plain.into_iter().map(shared), watched.into_iter().map(shared));
        let (plain, watched) = (plain.collect(), watched.collect());
        Ok(Self { processes, links, plain, watched, database: shared(database), nginx, folder })
    }

    /// Where clients reach the processes without nginx.
    pub(crate) async fn addresses(&self) -> Vec<String> {
        let mut addresses = Vec::new();
        for link in &self.links {
            addresses.push(local(link.clients.lock().await.port()).to_string());
        }
        addresses
    }

    pub(crate) fn nginx(&self) -> String {
        local(self.nginx.port).to_string()
    }

    /// Waits until every process is ready and misses nothing.
    ///
    /// # Errors
    /// One of them does not recover.
    pub(crate) async fn heals(&self) -> anyhow::Result<()> {
        let begun = Instant::now();
        for process in &self.processes {
            let process = process.lock().await;
            loop {
                let report = http::get(process.admin(), "/readyz").await.map(|answer| answer.text());
                if report.as_ref().is_ok_and(|report| report.contains("\"ready\":true,") && report.contains("[]")) {
                    break;
                }
                ensure!(begun.elapsed() < PATIENCE, "{} does not recover: {report:?}", process.id());
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        Ok(())
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.folder).ok();
    }
}

fn shared<T>(part: T) -> Arc<Mutex<T>> {
    Arc::new(Mutex::new(part))
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}
