//! How clients prove who they are, as an operator writes it.

use super::SecretError;
use secrecy::SecretString;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;

/// The section `auth`. An empty text or path means: not set.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub mode: Mode,
    /// The secret that signs tokens (HS256), at least 32 bytes.
    pub secret: SecretString,
    /// A file that holds it instead.
    pub secret_file: PathBuf,
    /// Keys with names, so that they can rotate. A token names its key in `kid`; one without `kid` is checked with
    /// `secret`. While the list is empty, `kid` is not looked at.
    pub keys: Vec<Key>,
    pub cookie: Cookie,
}

/// What counts as proof.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// None: whoever connects names a user key. For one machine only.
    Dev,
    /// A signed token.
    #[default]
    Token,
}

/// One of several keys: a secret (HS256), a file with it, or a public key (EdDSA).
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Key {
    /// What tokens call it in `kid`.
    pub id: String,
    pub secret: SecretString,
    pub secret_file: PathBuf,
    /// An Ed25519 key: PEM as `openssl pkey -pubout` writes it, or its 32 bytes in base64.
    pub public_key: String,
}

/// The cookie that may carry the token.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Cookie {
    /// `im_token` by default; empty: no cookie is looked at.
    pub name: String,
    /// Whether the cookie is `value.base64url(hmac-sha256)`; then one without a valid signature is refused.
    pub signed: bool,
    /// Whether browsers are to send the cookie that a login sets over TLS only.
    pub secure: bool,
    /// The secret of that signature, at least 32 bytes, and not the one that signs tokens.
    pub secret: SecretString,
    pub secret_file: PathBuf,
}

impl Config {
    /// Whether clients are taken at their word.
    pub fn is_dev(&self) -> bool {
        self.mode == Mode::Dev
    }
}

impl Default for Cookie {
    fn default() -> Self {
        Self {
            name: "im_token".to_owned(),
            signed: false,
            secure: true,
            secret: SecretString::default(),
            secret_file: PathBuf::new(),
        }
    }
}

/// Why a server must not start with this configuration.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(
        "auth.mode is \"dev\", which trusts whoever connects, but others can reach the listener {0}: listen on \
         127.0.0.1, or write auth.mode = \"token\" and a secret"
    )]
    DevInPublic(SocketAddr),
    #[error(
        "auth.mode is \"token\", but there is nothing to check tokens with: write auth.secret, auth.secret_file or \
         [[auth.keys]]"
    )]
    NoKey,
    #[error(transparent)]
    Secret(#[from] SecretError),
    #[error(
        "auth.cookie.signed is true, but the secret is not set: write auth.cookie.secret or auth.cookie.secret_file"
    )]
    NoCookieSecret,
    #[error("auth.cookie has the secret of a token key: whoever can sign cookies could make tokens; write another one")]
    SharedSecret,
    #[error("auth.cookie.name is {0:?}: write a name of letters, digits, `-` and `_`")]
    CookieName(String),
    #[error("a key of auth.keys has no id: write what tokens call it in kid")]
    KeyWithoutId,
    #[error("auth.keys has the id {0:?} twice: give each key its own")]
    KeyTwice(String),
    #[error("the key {0:?} of auth.keys needs exactly one of secret, secret_file and public_key")]
    KeyMaterial(String),
    #[error(
        "the public_key of the key {0:?} of auth.keys is no Ed25519 key: write the PEM text that `openssl pkey -pubout` \
         prints, or its 32 bytes in base64"
    )]
    PublicKey(String),
}
