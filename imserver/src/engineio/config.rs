//! What of Engine.IO can be configured.

use serde::Deserialize;

/// The section `[engine]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// Where the handshake is served, with slashes at both ends.
    pub path: String,
    /// Milliseconds from one heartbeat to the next.
    pub ping_interval_ms: u32,
    /// Milliseconds after which an unanswered heartbeat means a dead connection.
    pub ping_timeout_ms: u32,
    /// The largest message a client may send, in bytes; exactly this much is allowed.
    pub max_payload_bytes: usize,
    /// Milliseconds in which a session must join a namespace.
    pub connect_timeout_ms: u32,
    /// Milliseconds in which an upgrade from polling to WebSocket must be done.
    pub upgrade_timeout_ms: u32,
    /// What a handshake may use.
    pub transports: Vec<Transport>,
    /// Whether clients 1.x and 2.x (Engine.IO 3) may connect.
    pub allow_eio3: bool,
    pub cors: Cors,
    pub cookie: Cookie,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Transport {
    Polling,
    WebSocket,
}

/// Which pages of other origins may talk to this server. A page of the server's own origin always may.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cors {
    /// Exact origins (`https://shop.example`), or `*` for any.
    pub origins: Vec<String>,
    /// Whether cookies and authorization may come along.
    pub credentials: bool,
}

/// A cookie with the session's id, for balancers that keep a client on one process by it.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cookie {
    /// Empty: no cookie is set.
    pub name: String,
    pub path: String,
    pub http_only: bool,
    /// `lax`, `strict` or `none` (which implies `secure`).
    pub same_site: SameSite,
    pub secure: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SameSite {
    #[default]
    Lax,
    Strict,
    None,
}

impl Default for Config {
    /// Engine.IO's own defaults, but for `ping_timeout_ms`.
    fn default() -> Self {
        Self {
            path: "/socket.io/".into(),
            ping_interval_ms: 25_000,
            ping_timeout_ms: 10_000,
            max_payload_bytes: 1_000_000,
            connect_timeout_ms: 45_000,
            upgrade_timeout_ms: 10_000,
            transports: vec![Transport::Polling, Transport::WebSocket],
            allow_eio3: true,
            cors: Cors::default(),
            cookie: Cookie::default(),
        }
    }
}

impl Transport {
    pub fn name(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::WebSocket => "websocket",
        }
    }
}

impl Cookie {
    /// The value of `Set-Cookie` for a new session; `None` when no cookie is wanted.
    pub(super) fn header(&self, sid: &str) -> Option<String> {
        if self.name.is_empty() {
            return None;
        }
        let mut header = format!("{}={sid}; Path={}", self.name, self.path);
        let same_site = match self.same_site {
            SameSite::Lax => "; SameSite=Lax",
            SameSite::Strict => "; SameSite=Strict",
            SameSite::None => "; SameSite=None",
        };
        header.push_str(same_site);
        if self.http_only {
            header.push_str("; HttpOnly");
        }
        if self.secure || self.same_site == SameSite::None {
            header.push_str("; Secure");
        }
        Some(header)
    }
}
