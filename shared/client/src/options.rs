//! How a client is set up.

use crate::lifeline::{Timing, Transports};
use crate::rules::Bounds;
use secrecy::{ExposeSecret, SecretString};
use serde::Serialize;
use std::path::PathBuf;
use types::{Platform, UserKey};

/// A client's settings. Only the addresses and who it is are needed; the rest has defaults.
#[derive(Debug, Clone)]
pub struct Options {
    /// Servers, such as `http://127.0.0.1:7001`. The first to be tried is drawn by chance; after a failure the next one is.
    pub addresses: Vec<String>,
    pub auth: Auth,
    pub transports: Transports,
    pub timing: Timing,
    pub bounds: Bounds,
    /// How long a request may go unanswered, in milliseconds. Then it counts as lost, and the connection is looked at.
    pub request_ms: u64,
    /// The file in which the send queue survives the end of the process. None: it does not. A file belongs to one user.
    pub queue_file: Option<PathBuf>,
    /// Events that wait for the application.
    pub events: usize,
    /// Draws the waits, so that they can be repeated. None: by chance.
    pub seed: Option<u64>,
}

/// Who a client is.
#[derive(Debug, Clone)]
pub enum Auth {
    /// A signed token.
    Token(SecretString),
    /// By name alone, which only a server in development mode takes.
    Development { user: UserKey, device: Option<String>, platform: Platform },
}

impl Options {
    pub fn new(addresses: impl IntoIterator<Item = impl Into<String>>, auth: Auth) -> Self {
        Self {
            addresses: addresses.into_iter().map(Into::into).collect(),
            auth,
            transports: Transports::default(),
            timing: Timing::default(),
            bounds: Bounds::default(),
            request_ms: 10_000,
            queue_file: None,
            events: 256,
            seed: None,
        }
    }
}

impl Auth {
    pub fn token(token: impl Into<String>) -> Self {
        Self::Token(token.into().into())
    }

    pub fn development(user: UserKey) -> Self {
        Self::Development { user, device: None, platform: Platform::default() }
    }

    /// What the login carries.
    pub(crate) fn to_json(&self) -> String {
        #[derive(Serialize)]
        #[serde(untagged, rename_all_fields = "camelCase")]
        enum Form<'a> {
            Token {
                token: &'a str,
            },
            Development {
                user_id: &'a UserKey,
                #[serde(skip_serializing_if = "Option::is_none")]
                device_id: Option<&'a str>,
                platform: Platform,
            },
        }
        let form = match self {
            Self::Token(token) => Form::Token { token: token.expose_secret() },
            Self::Development { user, device, platform } => {
                Form::Development { user_id: user, device_id: device.as_deref(), platform: *platform }
            }
        };
        // Texts only: nothing here can fail.
        serde_json::to_string(&form).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_login_carries_a_token_or_a_name_and_no_log_shows_the_token() {
        let token = Auth::token("secret-token");
        assert_eq!(token.to_json(), r#"{"token":"secret-token"}"#);
        assert!(!format!("{:?}", Options::new(["x:1"], token)).contains("secret-token"));
        let user = Auth::Development { user: "m7".parse().unwrap(), device: Some("d".into()), platform: Platform::Wap };
        assert_eq!(user.to_json(), r#"{"userId":"m7","deviceId":"d","platform":"wap"}"#);
    }
}
