//! Requests, configurations and tokens for the tests.

use super::{Config, Credentials, Key, Mode, Verifier};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::Request;
use http::request::{Builder, Parts};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::Value;
use std::net::SocketAddr;
use types::{Failure, Identity};

pub(super) const NOW: u64 = 1_800_000_000;
pub(super) const SECRET: &str = "N3vGq8ZtYw1LrKcXb5PdJm7HsAe4UfQo";
pub(super) const OTHER: &str = "x9RkT2mWcV6pLhJ4sNbF8gDzQyE1uAoK";

pub(super) fn address(text: &str) -> SocketAddr {
    text.parse().unwrap()
}

pub(super) fn dev() -> Verifier {
    let config = Config { mode: Mode::Dev, ..Config::default() };
    Verifier::new(&config, address("127.0.0.1:7001")).unwrap()
}

pub(super) fn token_config() -> Config {
    Config { mode: Mode::Token, secret: SECRET.into(), ..Config::default() }
}

pub(super) fn token_mode(config: &Config) -> Verifier {
    Verifier::new(config, address("0.0.0.0:7001")).unwrap()
}

pub(super) fn key(id: &str, secret: &str) -> Key {
    Key { id: id.into(), secret: secret.into(), ..Key::default() }
}

/// A request of this machine to itself; `build` adds headers.
pub(super) fn request(query: &str, build: impl FnOnce(Builder) -> Builder) -> Parts {
    let request = Request::get(format!("/socket.io/?EIO=4&{query}")).header("host", "localhost:7001");
    build(request).body(()).unwrap().into_parts().0
}

pub(super) fn credentials(verifier: &Verifier, request: &Parts) -> Credentials {
    verifier.credentials(request, address("127.0.0.1:50000"))
}

/// What comes of a query alone.
pub(super) fn verify(verifier: &Verifier, query: &str) -> Result<Identity, Failure> {
    verifier.verify(&credentials(verifier, &request(query, |request| request)), NOW)
}

/// A token of HS256 with these claims.
pub(super) fn token(claims: &Value, secret: &str) -> String {
    signed(&Header::new(Algorithm::HS256), claims, &EncodingKey::from_secret(secret.as_bytes()))
}

pub(super) fn signed(header: &Header, claims: &Value, key: &EncodingKey) -> String {
    jsonwebtoken::encode(header, claims, key).unwrap()
}

/// A token of any form: header and claims as JSON, and a signature.
pub(super) fn forged(header: &Value, claims: &Value, signature: &[u8]) -> String {
    let part = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    format!("{}.{}.{}", part(header.to_string().as_bytes()), part(claims.to_string().as_bytes()), part(signature))
}
