//! What a request says about its sender, before anyone has asked whether it is true.

use super::{dev, is_name, unauthorized, word};
use http::request::Parts;
use http::{HeaderMap, header};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use types::{Failure, Platform};

/// What one client shows. The token of the `auth` payload wins over that of the query, then `Authorization: Bearer`,
/// then the cookie; the others are not looked at. An empty value is as none.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// What query and `auth` payload say; most handshakes say nothing, and are kept as long as their connection.
    pub(super) said: Option<Box<Said>>,
    /// The token of a header, if the query has none.
    pub(super) carried: Carried,
    /// Why this cannot be a request of this machine itself, if so.
    pub(super) remote: Option<&'static str>,
    fault: Option<&'static str>,
    fingerprint: Fingerprint,
}

/// The same for all requests of one process that show the same credential. Meaningless elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint(u64);

/// What query and `auth` payload can say; the same names in both. What else they hold is the application's.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub(super) struct Said {
    #[serde(rename = "userId")]
    pub(super) user: Option<Box<str>>,
    #[serde(rename = "deviceId")]
    pub(super) device: Option<Box<str>>,
    pub(super) platform: Option<Box<str>>,
    pub(super) role: Option<Box<str>>,
    pub(super) shop: Option<Box<str>>,
    pub(super) token: Option<SecretString>,
}

/// A token in a header.
#[derive(Debug, Clone)]
pub(super) enum Carried {
    Nothing,
    Bearer(SecretString),
    Cookie(SecretString),
    /// There is a cookie, but not one that can be read; the reason.
    Broken(&'static str),
}

impl Credentials {
    pub(super) fn from_request(request: &Parts, peer: SocketAddr, cookie_name: &str, hasher: &RandomState) -> Self {
        let (said, fault) = Said::from_query(request.uri.query().unwrap_or_default());
        let carried = match bearer(&request.headers) {
            Some(token) => Carried::Bearer(token),
            None => cookie(&request.headers, cookie_name),
        };
        let fingerprint = Fingerprint(hasher.hash_one((said.user.as_deref(), shown(&said, &carried))));
        Self { said: said.boxed(), carried, remote: dev::remote(request, peer), fault, fingerprint }
    }

    /// The same with the `auth` payload of a Socket.IO CONNECT laid over it: `{token, userId, deviceId, platform, …}`.
    ///
    /// # Errors
    /// `bad_request` when it is not an object with texts under these names.
    pub fn with_auth(&self, auth: &RawValue) -> Result<Self, Failure> {
        // serde would also fill the fields from an array, by position.
        let said = auth.get().trim_start().starts_with('{').then(|| serde_json::from_str::<Said>(auth.get()));
        let Some(Ok(mut over)) = said else {
            return Err(Failure::bad_request(
                "auth must be an object whose token, userId, deviceId, platform, role and shop are texts",
            ));
        };
        over.forget_empty();
        let said = match &self.said {
            Some(below) => over.or(below),
            None => over,
        };
        let said = said.boxed();
        Ok(Self { said, ..self.clone() })
    }

    /// Tells later requests that show the same credential from those that do not, whatever came in an `auth` payload.
    /// What is shown in no request has a fingerprint too. A browser cannot send `Authorization` with a WebSocket's
    /// handshake.
    pub fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }

    /// Whether nothing was shown: no user key and no token. A client of Socket.IO 3 or later may bring it later, when
    /// it joins its namespace.
    pub fn is_empty(&self) -> bool {
        let said = self.said.as_ref().is_some_and(|said| said.user.is_some() || said.token.is_some());
        !said && matches!(self.carried, Carried::Nothing)
    }

    /// Whether the request can be read in one way only.
    pub(super) fn check(&self) -> Result<(), Failure> {
        self.fault.map_or(Ok(()), |fault| Err(Failure::bad_request(fault)))
    }

    pub(super) fn device(&self) -> Result<Option<Box<str>>, Failure> {
        match &self.said.as_ref().and_then(|said| said.device.clone()) {
            Some(device) if !is_name(device) => {
                Err(Failure::bad_request("deviceId must be at most 128 bytes without control characters"))
            }
            device => Ok(device.clone()),
        }
    }

    pub(super) fn platform(&self) -> Result<Platform, Failure> {
        let Some(platform) = self.said.as_ref().and_then(|said| said.platform.as_deref()) else {
            return Ok(Platform::default());
        };
        word(platform)
            .ok_or_else(|| Failure::bad_request("platform must be one of pc, wap, android, iphone and windows"))
    }
}

impl Said {
    /// Reads a query, and says what is wrong with it: a value that is given twice is two values.
    fn from_query(query: &str) -> (Self, Option<&'static str>) {
        let (mut said, mut fault) = (Self::default(), None);
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            let (place, twice) = match &*name {
                "token" => {
                    let before = said.token.replace(SecretString::from(&*value));
                    if before.is_some_and(|before| before.expose_secret() != value) {
                        fault = Some("the query has two tokens");
                    }
                    continue;
                }
                "userId" => (&mut said.user, "the query has two values of userId"),
                "deviceId" => (&mut said.device, "the query has two values of deviceId"),
                "platform" => (&mut said.platform, "the query has two values of platform"),
                "role" => (&mut said.role, "the query has two values of role"),
                "shop" => (&mut said.shop, "the query has two values of shop"),
                _ => continue,
            };
            if place.replace((&*value).into()).is_some_and(|before| *before != value) {
                fault = Some(twice);
            }
        }
        said.forget_empty();
        (said, fault)
    }

    fn forget_empty(&mut self) {
        for text in [&mut self.user, &mut self.device, &mut self.platform, &mut self.role, &mut self.shop] {
            text.take_if(|text| text.is_empty());
        }
        self.token.take_if(|token| token.expose_secret().is_empty());
    }

    /// Nothing, if nothing was said.
    fn boxed(self) -> Option<Box<Self>> {
        let Self { user, device, platform, role, shop, token } = &self;
        let texts = [user, device, platform, role, shop];
        (token.is_some() || texts.into_iter().any(Option::is_some)).then(|| Box::new(self))
    }

    fn or(self, below: &Self) -> Self {
        Self {
            user: self.user.or_else(|| below.user.clone()),
            device: self.device.or_else(|| below.device.clone()),
            platform: self.platform.or_else(|| below.platform.clone()),
            role: self.role.or_else(|| below.role.clone()),
            shop: self.shop.or_else(|| below.shop.clone()),
            token: self.token.or_else(|| below.token.clone()),
        }
    }
}

/// The token that counts.
fn shown<'a>(said: &'a Said, carried: &'a Carried) -> Option<&'a str> {
    match (&said.token, carried) {
        (Some(token), _) | (None, Carried::Bearer(token) | Carried::Cookie(token)) => Some(token.expose_secret()),
        (None, Carried::Nothing | Carried::Broken(_)) => None,
    }
}

/// The token of `Authorization: Bearer`; other schemes are somebody else's.
fn bearer(headers: &HeaderMap) -> Option<SecretString> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    let token = token.trim();
    (scheme.eq_ignore_ascii_case("bearer") && !token.is_empty()).then(|| token.into())
}

/// The cookie of this name. Other cookies of the site may be anything, not even text.
fn cookie(headers: &HeaderMap, name: &str) -> Carried {
    if name.is_empty() {
        return Carried::Nothing;
    }
    let values =
        headers.get_all(header::COOKIE).iter().flat_map(|header| header.as_bytes().split(|byte| *byte == b';'));
    let mut values = values.filter_map(|pair| {
        let value = pair.trim_ascii().strip_prefix(name.as_bytes())?.trim_ascii_start().strip_prefix(b"=")?;
        let value = value.trim_ascii();
        let value = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
        (!value.is_empty()).then_some(value)
    });
    let Some(value) = values.next() else { return Carried::Nothing };
    if values.any(|other| other != value) {
        return Carried::Broken("there are two cookies with a token, and they differ");
    }
    match std::str::from_utf8(value) {
        Ok(value) => Carried::Cookie(value.into()),
        Err(_) => Carried::Broken("the cookie with the token is not text"),
    }
}

impl Carried {
    /// What to say when a token is needed and none can be used.
    pub(super) fn complaint(&self) -> Failure {
        match self {
            Self::Broken(reason) => unauthorized(*reason),
            _ => unauthorized(
                "no token: send one as auth.token, in the query, as Authorization: Bearer or in the cookie",
            ),
        }
    }
}
