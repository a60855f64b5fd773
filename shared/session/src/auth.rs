//! Who is at the other end: what a request says about its sender, and whether it is true.
//!
//! ```text
//! handshake ─► Credentials (userId, token, …) ─┐
//! CONNECT's auth ─► laid over them ────────────┴─► Verifier::verify(now) ─► Identity, or a reason to show
//! ```
//!
//! Decisions are pure: the time is passed in, and nothing is read after the start. Tokens and secrets are in no
//! `Debug` and no message.

mod config;
mod credentials;
mod dev;
mod secret;
mod token;

pub use config::{Config, Cookie, Error, Key, Mode};
pub use credentials::{Credentials, Fingerprint};
pub use secret::{SecretError, read_secret};

use http::request::Parts;
use serde::Deserialize;
use serde::de::IntoDeserializer;
use serde::de::value::Error as NotAWord;
use std::hash::RandomState;
use std::net::SocketAddr;
use token::Keyring;
use types::{Code, Failure, Identity, Role, UserKey};

/// Checks credentials; one per process.
pub struct Verifier {
    proof: Proof,
    cookie_name: String,
    /// Whether the cookie that a login sets is for TLS only.
    cookie_secure: bool,
    /// Keys the fingerprints, so that nobody can look for two credentials with the same one.
    hasher: RandomState,
}

enum Proof {
    Dev,
    Token(Box<Keyring>),
}

impl Verifier {
    /// A verifier for the clients of one listener. Reads the files of secrets.
    ///
    /// # Errors
    /// A sentence that says what to write instead: in token mode when a secret is missing, short, published or
    /// unreadable; in dev mode when others than this machine can reach the listener.
    pub fn new(config: &Config, listener: SocketAddr) -> Result<Self, Error> {
        let proof = match config.mode {
            Mode::Dev if listener.ip().to_canonical().is_loopback() => Proof::Dev,
            Mode::Dev => return Err(Error::DevInPublic(listener)),
            Mode::Token => Proof::Token(Box::new(Keyring::new(config)?)),
        };
        let config::Cookie { name, secure, .. } = &config.cookie;
        Ok(Self { proof, cookie_name: name.clone(), cookie_secure: *secure, hasher: RandomState::new() })
    }

    /// What a request brings, right or wrong. `peer` is the other end of its TCP connection.
    pub fn credentials(&self, request: &Parts, peer: SocketAddr) -> Credentials {
        Credentials::from_request(request, peer, &self.cookie_name, &self.hasher)
    }

    /// Who the credentials show their sender to be. `now` is in seconds since 1970.
    ///
    /// # Errors
    /// `unauthorized` when nothing, or nothing valid, was shown; `forbidden` when dev mode is reached from elsewhere;
    /// `bad_request` when the request contradicts itself. The message tells the client's developer which.
    pub fn verify(&self, credentials: &Credentials, now: u64) -> Result<Identity, Failure> {
        credentials.check()?;
        let claim = match &self.proof {
            Proof::Dev => dev::claim(credentials)?,
            Proof::Token(keys) => keys.claim(credentials, now)?,
        };
        let Claim { user, role, shop } = claim;
        Ok(Identity { user, role, shop, device: credentials.device()?, platform: credentials.platform()? })
    }

    /// The `Set-Cookie` by which a browser shows a token from now on, out of the reach of scripts and of other sites' forms
    /// (RFC 6265bis: `HttpOnly`, `SameSite`). The token must have been verified.
    ///
    /// # Errors
    /// `bad_request` where no cookie is looked at.
    pub fn cookie(&self, token: &str) -> Result<String, Failure> {
        let Proof::Token(keys) = &self.proof else {
            return Err(Failure::bad_request("in development nobody logs in: name yourself in userId"));
        };
        self.set_cookie(&keys.seal(token), "")
    }

    /// The `Set-Cookie` that ends it.
    ///
    /// # Errors
    /// `bad_request` where no cookie is looked at.
    pub fn no_cookie(&self) -> Result<String, Failure> {
        self.set_cookie("", "; Max-Age=0")
    }

    fn set_cookie(&self, value: &str, until: &str) -> Result<String, Failure> {
        if self.cookie_name.is_empty() {
            return Err(Failure::bad_request("auth.cookie.name is empty: this site takes tokens otherwise"));
        }
        let secure = if self.cookie_secure { "; Secure" } else { "" };
        Ok(format!("{}={value}; Path=/; HttpOnly; SameSite=Lax{secure}{until}", self.cookie_name))
    }
}

/// What was proved, or in dev mode said.
struct Claim {
    user: UserKey,
    role: Role,
    shop: Option<Box<str>>,
}

impl Claim {
    /// Reads the three texts that make a claim; errors say what is wrong with which.
    fn read(user: &str, role: Option<&str>, shop: Option<&str>) -> Result<Self, String> {
        let user: UserKey = user.parse().map_err(|error| format!("the user is not a user key: {error}"))?;
        if user == UserKey::system() {
            return Err("the user 0 is the system itself".to_owned());
        }
        let role = match role {
            None => Role::default(),
            Some(role) => word(role).ok_or("the role is none of buyer, agent, merchant, admin")?,
        };
        let shop = match (role, shop) {
            (Role::Agent, Some(shop)) if is_name(shop) => Some(shop.into()),
            (Role::Agent, Some(_)) => return Err(format!("the shop is not 1 to {MAX_NAME} plain characters")),
            (Role::Agent, None) => return Err("an agent needs a shop".to_owned()),
            _ => None,
        };
        Ok(Self { user, role, shop })
    }
}

/// Names of shops and devices travel in events and logs; longer ones are nobody's.
const MAX_NAME: usize = 128;

fn is_name(text: &str) -> bool {
    !text.is_empty() && text.len() <= MAX_NAME && !text.chars().any(char::is_control)
}

/// A word of a closed set, as JSON spells it.
fn word<'de, T: Deserialize<'de>>(text: &'de str) -> Option<T> {
    T::deserialize(IntoDeserializer::<NotAWord>::into_deserializer(text)).ok()
}

fn unauthorized(message: impl Into<std::borrow::Cow<'static, str>>) -> Failure {
    Failure::new(Code::Unauthorized, message)
}

#[cfg(test)]
mod credentials_tests;
#[cfg(test)]
mod dev_tests;
#[cfg(test)]
mod start_tests;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod token_tests;
