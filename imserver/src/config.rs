//! The configuration of the site IM: `config/imserver.toml` is both its default and its documentation.

use crate::engineio;
use crate::people::Person;
use anyhow::{Context, bail};
use secrecy::SecretString;
use serde::Deserialize;
use session::{Proxies, auth};
use std::net::SocketAddr;
use std::path::PathBuf;
use types::{RoomId, UserKey};

/// The default configuration, with a sentence for every key.
pub const DEFAULT: &str = include_str!("../../config/imserver.toml");

const A_DAY_MS: u32 = 86_400_000;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub rooms: Vec<Room>,
    /// Of dev mode.
    pub people: Vec<Person>,
    pub namespaces: Vec<String>,
    pub server: node::config::Server,
    pub log: node::config::Log,
    pub auth: auth::Config,
    pub engine: engineio::Config,
    pub limits: Limits,
    pub events: Events,
    pub chat: chat::Config,
    pub redis: bus::Config,
    pub store: store::Config,
    pub pictures: pictures::Config,
    pub pages: Pages,
    pub internal: Internal,
}

/// A room that exists from the start.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Room {
    pub room: RoomId,
    #[serde(default)]
    pub members: Vec<UserKey>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Limits {
    #[serde(flatten)]
    pub connections: session::limits::Config,
    pub refused_events_to_close: u32,
    pub max_attachments: u16,
}

/// How some pushes are spelled for pages that listen to other names.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Events {
    pub exchange_by_name: bool,
    pub exchange_to_all: Vec<RoomId>,
    pub deny_by_name: bool,
}

/// What the pages need to know of the site around them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pages {
    /// Sources of pictures beside our own, as a Content-Security-Policy names them.
    pub picture_sources: Vec<String>,
    pub login_url: String,
}

/// The door of back ends and of the other processes.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Internal {
    address: String,
    secret: SecretString,
    secret_file: PathBuf,
}

impl Config {
    /// What no single key shows.
    ///
    /// # Errors
    /// A sentence that says what to write instead.
    pub fn validate(&self) -> anyhow::Result<()> {
        let path = &self.engine.path;
        if !path.starts_with('/') || !path.ends_with('/') {
            bail!("engine.path is {path:?}: write it with a slash at both ends, such as \"/socket.io/\"");
        }
        let segments = path.trim_matches('/').split('/');
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if segments.clone().any(|segment| segment.is_empty() || !segment.chars().all(plain))
            || ["/api/", "/media/", "/v/", "/demo/"].iter().any(|ours| path.starts_with(ours))
        {
            bail!(
                "engine.path is {path:?}: write plain names between the slashes, and leave /api/, /media/, /v/ and /demo/ alone"
            );
        }
        if self.engine.cors.credentials && self.engine.cors.origins.iter().any(|origin| origin == "*") {
            bail!(
                "engine.cors allows any origin with credentials: any page could act for its visitor; list the origins"
            );
        }
        if self.engine.max_payload_bytes < 1_000 {
            bail!("engine.max_payload_bytes is below 1000: write a size that a message fits in");
        }
        if self.limits.connections.send_queue_bytes < 10_000 {
            bail!("limits.send_queue_bytes is below 10000: write a size that a few messages fit in");
        }
        if self.engine.transports.is_empty() {
            bail!("engine.transports is empty: write at least one of \"polling\", \"websocket\"");
        }
        let periods = [
            ("engine.ping_interval_ms", self.engine.ping_interval_ms),
            ("engine.ping_timeout_ms", self.engine.ping_timeout_ms),
            ("engine.connect_timeout_ms", self.engine.connect_timeout_ms),
            ("engine.upgrade_timeout_ms", self.engine.upgrade_timeout_ms),
        ];
        if let Some((key, period)) = periods.iter().find(|(_, period)| !(1..=A_DAY_MS).contains(period)) {
            bail!("{key} is {period}: write a number of milliseconds from 1 to {A_DAY_MS}");
        }
        if let Some(name) = self.namespaces.iter().find(|name| !name.starts_with('/')) {
            bail!("namespaces has {name:?}: a namespace begins with a slash");
        }
        if self.namespaces.is_empty() {
            bail!("namespaces is empty: without one nobody can connect; write [\"/\"]");
        }
        self.pages.validate()?;
        self.proxies()?;
        self.redis.rings()?;
        self.store.is_shared()?;
        self.internal.check_address()?;
        self.server.validate()?;
        self.log.validate()
    }
}

impl Config {
    /// The reverse proxies that are believed about their clients' addresses.
    ///
    /// # Errors
    /// A sentence that says what is no network.
    pub(crate) fn proxies(&self) -> anyhow::Result<Proxies> {
        Proxies::parse(&self.server.trusted_proxies).context("server.trusted_proxies")
    }
}

impl Pages {
    fn validate(&self) -> anyhow::Result<()> {
        let is_plain = |source: &str| {
            let host = source.strip_prefix("https://").or_else(|| source.strip_prefix("http://"));
            host.is_some_and(|host| {
                !host.is_empty()
                    && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | ':' | '*' | '/' | '_'))
            })
        };
        if let Some(source) = self.picture_sources.iter().find(|source| !is_plain(source)) {
            bail!("pages.picture_sources has {source:?}: write an origin, such as \"https://img.shop.example\"");
        }
        let url = &self.login_url;
        let is_url = url.starts_with("https://") || url.starts_with("http://") || url.starts_with('/');
        if !url.is_empty() && (!is_url || url.starts_with("//")) {
            bail!("pages.login_url is {url:?}: write an address that begins with https:// or a slash");
        }
        Ok(())
    }
}

impl Internal {
    fn check_address(&self) -> anyhow::Result<()> {
        let address = &self.address;
        let has_port = address.rsplit_once(':').is_some_and(|(host, port)| {
            !host.is_empty() && !host.contains(|c: char| c.is_whitespace() || c == '/') && port.parse::<u16>().is_ok()
        });
        if !address.is_empty() && !has_port {
            bail!("internal.address is {address:?}: write host:port, as other processes reach server.internal_listen");
        }
        Ok(())
    }

    /// Where the other processes reach the internal listener, which is bound to `listening`.
    ///
    /// # Errors
    /// A sentence, when that cannot be known.
    pub(crate) fn address(&self, listening: SocketAddr) -> anyhow::Result<String> {
        if !self.address.is_empty() {
            return Ok(self.address.clone());
        }
        if listening.ip().is_unspecified() {
            bail!(
                "server.internal_listen is {listening}, an address that others cannot connect to: \
                 set internal.address to host:port, as they reach it"
            );
        }
        Ok(listening.to_string())
    }

    /// The back ends' secret; `None` when none is configured.
    ///
    /// # Errors
    /// A sentence, when the secret cannot be read or is too short to be one.
    pub fn secret(&self) -> anyhow::Result<Option<SecretString>> {
        Ok(auth::read_secret("internal.secret", &self.secret, &self.secret_file)?)
    }
}
