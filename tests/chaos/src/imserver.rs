//! An imserver that is started again and again at the same addresses, under the same id.

use anyhow::{Context, bail, ensure};
use parts::process::free_port;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tests::Server;

/// One that starts while something else is broken may need several attempts.
const PATIENCE: Duration = Duration::from_secs(120);

/// Short heartbeats, leases and drains: a round is short too.
const SETTINGS: [(&str, &str); 5] = [
    ("IM__ENGINE__PING_INTERVAL_MS", "4000"),
    ("IM__ENGINE__PING_TIMEOUT_MS", "3000"),
    ("IM__REDIS__LEASE_MS", "5000"),
    ("IM__SERVER__DRAIN_WINDOW_MS", "500"),
    ("IM__SERVER__DRAIN_RETRY_SPREAD_MS", "500"),
];

pub(crate) struct Imserver {
    id: String,
    list: PathBuf,
    url: String,
    /// Where clients connect, admin, internal.
    ports: [u16; 3],
    logs: PathBuf,
    starts: usize,
    server: Option<Server>,
}

impl Imserver {
    /// Over these nodes and this database. It does not run yet.
    pub(crate) fn new(id: &str, list: &Path, url: String, logs: &Path) -> Self {
        let ports = [free_port(), free_port(), free_port()];
        let (id, list, logs) = (id.to_owned(), list.to_owned(), logs.to_owned());
        Self { id, list, url, ports, logs, starts: 0, server: None }
    }

    pub(crate) fn id(&self) -> &str {
        &self.id
    }

    pub(crate) fn port(&self) -> u16 {
        self.ports[0]
    }

    /// Where clients connect.
    pub(crate) fn address(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.port()))
    }

    pub(crate) fn admin(&self) -> SocketAddr {
        SocketAddr::from((Ipv4Addr::LOCALHOST, self.ports[1]))
    }

    /// Starts it, and tries again if it cannot start yet.
    ///
    /// # Errors
    /// It does not start in time, or not by a fault of its own.
    pub(crate) async fn run(&mut self) -> anyhow::Result<()> {
        let list = self.list.to_str().context("a folder with a plain name")?;
        let at = self.ports.map(|port| format!("127.0.0.1:{port}"));
        let args = ["--redis", list, "--process-id", &self.id, "--listen", &at[0], "--admin-listen", &at[1]];
        let args = [&args[..], &["--internal-listen", &at[2]]].concat();
        let env = [&SETTINGS[..], &[("IM__STORE__URL", self.url.as_str())]].concat();
        let begun = Instant::now();
        loop {
            match Server::start("imserver", &args, &env).await {
                Ok(server) => {
                    self.starts += 1;
                    self.server = Some(server);
                    return Ok(());
                }
                Err(error) if begun.elapsed() > PATIENCE => bail!("{} does not start: {error:#}", self.id),
                Err(error) => {
                    std::fs::write(self.logs.join(format!("{}.refusal", self.id)), format!("{error:#}")).ok();
                    tokio::time::sleep(Duration::from_millis(200)).await;
                }
            }
        }
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        self.keep_log();
        self.server = None;
    }

    /// SIGTERM; waits until it has ended.
    ///
    /// # Errors
    /// It does not end.
    pub(crate) async fn ends(&mut self) -> anyhow::Result<()> {
        let server = self.server.as_mut().context("it runs")?;
        server.sigterm()?;
        let begun = Instant::now();
        while server.is_running()? {
            ensure!(begun.elapsed() < PATIENCE, "{} does not end", self.id);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.kill();
        Ok(())
    }

    pub(crate) fn pause(&self) -> anyhow::Result<()> {
        self.server.as_ref().context("it runs")?.pause()
    }

    pub(crate) fn go_on(&self) -> anyhow::Result<()> {
        self.server.as_ref().context("it runs")?.resume()
    }

    fn keep_log(&self) {
        if let Some(server) = &self.server {
            let path = self.logs.join(format!("{}.{}.log", self.id, self.starts));
            std::fs::write(path, server.log()).ok();
        }
    }
}

impl Drop for Imserver {
    fn drop(&mut self) {
        self.keep_log();
    }
}
