//! The sections that every process has.

use anyhow::anyhow;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tracing_subscriber::EnvFilter;
use types::ProcessId;

/// The section `[server]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Server {
    /// Where clients connect.
    pub listen: SocketAddr,
    /// Where `/healthz`, `/readyz` and `/metrics` are served; not for the public.
    pub admin_listen: SocketAddr,
    /// Where back ends and other processes of the cluster connect; not for the public.
    pub internal_listen: SocketAddr,
    /// Reverse proxies, as addresses or networks, that are believed about the addresses of their clients.
    pub trusted_proxies: Vec<String>,
    /// Unique among the live processes of the cluster.
    pub process_id: ProcessId,
    /// Folder for what this process keeps on disk.
    pub data_dir: PathBuf,
    /// Milliseconds over which a drain spreads the closing of its connections.
    pub drain_window_ms: u64,
    /// Milliseconds after which a drain ends whatever is still open; not less than the window.
    pub drain_deadline_ms: u64,
    /// A drained client is asked to come back after a random wait of at most this many milliseconds.
    pub drain_retry_spread_ms: u64,
}

/// The section `[log]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug` or `trace`, also by module: `info,imserver=debug`.
    pub level: String,
    pub format: LogFormat,
}

/// How a line of the log looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Server {
    /// What the types of the keys alone cannot say.
    ///
    /// # Errors
    /// A sentence that says what to write.
    pub fn validate(&self) -> anyhow::Result<()> {
        anyhow::ensure!(
            self.drain_deadline_ms >= self.drain_window_ms,
            "server.drain_deadline_ms is shorter than server.drain_window_ms: connections would be cut before their turn"
        );
        Ok(())
    }

    pub fn drain_deadline(&self) -> Duration {
        Duration::from_millis(self.drain_deadline_ms)
    }
}

impl Log {
    /// What the types of the keys alone cannot say.
    ///
    /// # Errors
    /// A sentence that says what to write.
    pub fn validate(&self) -> anyhow::Result<()> {
        self.filter().map(drop)
    }

    pub(crate) fn filter(&self) -> anyhow::Result<EnvFilter> {
        EnvFilter::try_new(&self.level)
            .map_err(|error| anyhow!("log.level is not a filter such as info or info,imserver=debug: {error}"))
    }
}
