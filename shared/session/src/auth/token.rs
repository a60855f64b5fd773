//! Signed tokens (JWT, RFC 7519), and the cookie that may carry them.
//!
//! A key has one algorithm, and a token is checked with that one whatever it says; so a public key is never taken for
//! a secret, and nothing is taken unsigned.

use super::config::{Config, Cookie, Error, Key as KeyConfig};
use super::credentials::{Carried, Credentials};
use super::{Claim, read_secret, unauthorized};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::errors::ErrorKind;
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use sha2::Sha256;
use std::borrow::Cow;
use types::Failure;

/// How far the clocks of issuer and server may be apart, in seconds.
const LEEWAY: f64 = 10.0;

/// Longer ones are no tokens; it bounds the work before a signature is checked.
const MAX_TOKEN: usize = 8 * 1024;

/// All that tokens are checked with.
pub(super) struct Keyring {
    unnamed: Option<Key>,
    named: Vec<(String, Key)>,
    cookies: Option<Hmac<Sha256>>,
}

struct Key {
    key: DecodingKey,
    rules: Validation,
}

/// The claims that are looked at, whatever their types.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Claims {
    sub: Value,
    role: Value,
    shop: Value,
    exp: Value,
    nbf: Value,
}

impl Keyring {
    pub(super) fn new(config: &Config) -> Result<Self, Error> {
        let secret = read_secret("auth.secret", &config.secret, &config.secret_file)?;
        let mut secrets: Vec<SecretString> = secret.iter().cloned().collect();
        let mut named = Vec::<(String, Key)>::new();
        for key in &config.keys {
            if key.id.is_empty() {
                return Err(Error::KeyWithoutId);
            }
            if named.iter().any(|(id, _)| *id == key.id) {
                return Err(Error::KeyTwice(key.id.clone()));
            }
            let place = format!("auth.keys {:?} secret", key.id);
            let secret = read_secret(&place, &key.secret, &key.secret_file)?;
            secrets.extend(secret.clone());
            named.push((key.id.clone(), Key::new(key, secret)?));
        }
        if secrets.is_empty() && named.is_empty() {
            return Err(Error::NoKey);
        }
        Ok(Self {
            unnamed: secret.map(|secret| Key::shared(&secret)),
            named,
            cookies: cookies(&config.cookie, &secrets)?,
        })
    }

    /// Who the token says its bearer is; `now` in seconds since 1970.
    pub(super) fn claim(&self, credentials: &Credentials, now: u64) -> Result<Claim, Failure> {
        let said = credentials.said.as_ref().and_then(|said| said.token.as_ref());
        let token = match (said, &credentials.carried) {
            (Some(token), _) | (None, Carried::Bearer(token)) => token.expose_secret(),
            (None, Carried::Cookie(cookie)) => self.open(cookie.expose_secret()).map_err(unauthorized)?,
            (None, nothing) => return Err(nothing.complaint()),
        };
        self.read(token, now as f64).map_err(unauthorized)
    }

    /// The token in a cookie.
    fn open<'a>(&self, cookie: &'a str) -> Result<&'a str, &'static str> {
        let Some(signer) = &self.cookies else { return Ok(cookie) };
        let (value, signature) = cookie.rsplit_once('.').ok_or("the cookie with the token is not signed")?;
        let signature = URL_SAFE_NO_PAD.decode(signature).map_err(|_| "the signature of the cookie is malformed")?;
        let signer = signer.clone().chain_update(value);
        signer.verify_slice(&signature).map_err(|_| "the signature of the cookie is not ours")?;
        Ok(value)
    }

    /// What [`open`](Self::open) opens.
    pub(super) fn seal(&self, token: &str) -> String {
        let Some(signer) = &self.cookies else { return token.to_owned() };
        let signature = signer.clone().chain_update(token).finalize().into_bytes();
        format!("{token}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn read(&self, token: &str, now: f64) -> Result<Claim, Cow<'static, str>> {
        if token.len() > MAX_TOKEN {
            return Err("the token is too long".into());
        }
        let header = jsonwebtoken::decode_header(token).map_err(|error| reason(error.kind()))?;
        if header.crit.is_some() {
            return Err("the token asks for an extension (crit) that this server does not know".into());
        }
        let Key { key, rules } = self.select(header.kid.as_deref())?;
        let claims = jsonwebtoken::decode::<Claims>(token, key, rules).map_err(|error| reason(error.kind()))?.claims;
        claims.check_time(now)?;
        let user = text(&claims.sub, "the token's sub must be a text, the user key")?.ok_or("the token has no sub")?;
        let role = text(&claims.role, "the token's role must be a text")?;
        let shop = text(&claims.shop, "the token's shop must be a text")?;
        Ok(Claim::read(user, role, shop).map_err(|reason| format!("the token does not say who you are: {reason}"))?)
    }

    fn select(&self, kid: Option<&str>) -> Result<&Key, &'static str> {
        match kid.filter(|_| !self.named.is_empty()) {
            Some(kid) => {
                let named = self.named.iter().find(|(id, _)| id == kid).map(|(_, key)| key);
                named.ok_or("the token names a key (kid) that this server does not have")
            }
            None => self.unnamed.as_ref().ok_or("the token does not name its key (kid)"),
        }
    }
}

impl Key {
    fn new(config: &KeyConfig, secret: Option<SecretString>) -> Result<Self, Error> {
        match (secret, config.public_key.trim()) {
            (Some(secret), "") => Ok(Self::shared(&secret)),
            (None, public) if !public.is_empty() => {
                Self::public(public).ok_or_else(|| Error::PublicKey(config.id.clone()))
            }
            _ => Err(Error::KeyMaterial(config.id.clone())),
        }
    }

    fn shared(secret: &SecretString) -> Self {
        let key = DecodingKey::from_secret(secret.expose_secret().as_bytes());
        Self { key, rules: rules(Algorithm::HS256) }
    }

    /// An Ed25519 key, as SubjectPublicKeyInfo in PEM (RFC 8410) or by itself.
    fn public(text: &str) -> Option<Self> {
        const PREFIX: &[u8] = &[0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
        let body: String =
            text.lines().filter(|line| !line.starts_with("-----")).flat_map(str::split_whitespace).collect();
        let bytes = STANDARD.decode(&body).or_else(|_| URL_SAFE_NO_PAD.decode(&body)).ok()?;
        let raw = bytes.strip_prefix(PREFIX).unwrap_or(&bytes);
        if raw.len() != 32 {
            return None;
        }
        let key = DecodingKey::from_ed_der(raw);
        // A try tells whether the bytes are a point of the curve.
        jsonwebtoken::crypto::verify("", b"", &key, Algorithm::EdDSA).ok()?;
        Some(Self { key, rules: rules(Algorithm::EdDSA) })
    }
}

impl Claims {
    fn check_time(&self, now: f64) -> Result<(), &'static str> {
        let until = seconds(&self.exp, "the token's exp must be a number, in seconds since 1970")?;
        let until = until.ok_or("the token has no exp: tokens must end")?;
        if now >= until + LEEWAY {
            return Err("the token has expired");
        }
        match seconds(&self.nbf, "the token's nbf must be a number, in seconds since 1970")? {
            Some(from) if now + LEEWAY < from => Err("the token is not valid yet"),
            _ => Ok(()),
        }
    }
}

/// One algorithm; the times are ours to check, against the time that is passed in. A token for a named audience is for
/// someone else (RFC 7519, section 4.1.3).
fn rules(algorithm: Algorithm) -> Validation {
    let mut rules = Validation::new(algorithm);
    rules.validate_exp = false;
    rules.required_spec_claims.clear();
    rules
}

fn cookies(config: &Cookie, token_secrets: &[SecretString]) -> Result<Option<Hmac<Sha256>>, Error> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if !config.name.bytes().all(plain) {
        return Err(Error::CookieName(config.name.clone()));
    }
    if !config.signed {
        return Ok(None);
    }
    let secret = read_secret("auth.cookie.secret", &config.secret, &config.secret_file)?;
    let secret = secret.ok_or(Error::NoCookieSecret)?;
    let secret = secret.expose_secret();
    if token_secrets.iter().any(|other| other.expose_secret() == secret) {
        return Err(Error::SharedSecret);
    }
    // HMAC takes keys of every length; were it not so, no cookie would be taken unsigned.
    Hmac::new_from_slice(secret.as_bytes()).map(Some).map_err(|_| Error::NoCookieSecret)
}

fn text<'a>(claim: &'a Value, otherwise: &'static str) -> Result<Option<&'a str>, &'static str> {
    match claim {
        Value::Null => Ok(None),
        Value::String(text) => Ok(Some(text)),
        _ => Err(otherwise),
    }
}

fn seconds(claim: &Value, otherwise: &'static str) -> Result<Option<f64>, &'static str> {
    match claim {
        Value::Null => Ok(None),
        Value::Number(number) => number.as_f64().map(Some).ok_or(otherwise),
        _ => Err(otherwise),
    }
}

fn reason(kind: &ErrorKind) -> &'static str {
    match kind {
        ErrorKind::InvalidSignature => "the token's signature is not by a key of this server",
        ErrorKind::InvalidAlgorithm => "the token is not signed with the algorithm of its key",
        ErrorKind::InvalidAudience => "the token is for another audience (aud)",
        _ => "the token is malformed, or signed with an algorithm that is not supported",
    }
}
