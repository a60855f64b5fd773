//! The query of an Engine.IO request.

use super::config::{Config, Transport};
use super::refusal::Refusal;
use http::Method;
use std::borrow::Cow;
use wire::engineio::Revision;

/// What the request line asks for, checked as far as it goes by itself, in the order the reference server checks.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Query<'a> {
    pub(super) transport: Transport,
    pub(super) sid: Option<Cow<'a, str>>,
    pub(super) revision: Option<Revision>,
    /// `j`: the answer is a script that calls this callback.
    pub(super) jsonp: Option<u32>,
    /// `b64`: the client cannot take binary.
    pub(super) base64: bool,
}

impl<'a> Query<'a> {
    pub(super) fn parse(query: &'a str, config: &Config) -> Result<Self, Refusal> {
        let (mut transport, mut sid, mut revision, mut jsonp, mut base64) = (None, None, None, None, false);
        for (key, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*key {
                "transport" if transport.is_none() => transport = Some(value),
                "sid" if sid.is_none() => sid = Some(value),
                "EIO" if revision.is_none() => revision = Some(value),
                "j" if jsonp.is_none() => jsonp = Some(value),
                "b64" => base64 = value != "0" && value != "false",
                _ => {}
            }
        }
        let transport = config
            .transports
            .iter()
            .find(|known| transport.as_deref() == Some(known.name()))
            .copied()
            .ok_or_else(Refusal::unknown_transport)?;
        let revision = match revision.as_deref() {
            Some("3") => Some(Revision::V3),
            Some("4") => Some(Revision::V4),
            _ => None,
        };
        let jsonp = jsonp.map(|index| index.parse().map_err(|_| Refusal::bad_request())).transpose()?;
        Ok(Self { transport, sid, revision, jsonp, base64 })
    }

    /// What a handshake needs beyond: GET, and a revision that is served.
    pub(super) fn handshake(&self, method: &Method, config: &Config) -> Result<Revision, Refusal> {
        if method != Method::GET {
            return Err(Refusal::bad_method());
        }
        match self.revision {
            Some(Revision::V3) if !config.allow_eio3 => Err(Refusal::unsupported_version()),
            Some(revision) => Ok(revision),
            None => Err(Refusal::unsupported_version()),
        }
    }
}

/// Whether the answer is wanted as a script.
pub(super) fn is_jsonp(query: Option<&str>) -> bool {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes()).any(|(key, _)| key == "j")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(query: &str) -> Result<Query<'_>, Refusal> {
        Query::parse(query, &Config::default())
    }

    #[test]
    fn every_part_is_understood() {
        let query = parse("EIO=3&transport=polling&sid=im1.x%2By&j=7&b64=1&t=abc").unwrap();
        assert_eq!(query.transport, Transport::Polling);
        assert_eq!(query.sid.as_deref(), Some("im1.x+y"));
        assert_eq!((query.revision, query.jsonp, query.base64), (Some(Revision::V3), Some(7), true));
    }

    #[test]
    fn bad_requests_get_the_code_of_what_is_wrong_first() {
        let code = |query| parse(query).unwrap_err().code;
        assert_eq!(code(""), 0);
        assert_eq!(code("EIO=4&transport=abc"), 0);
        assert_eq!(code("EIO=4&transport=polling&j=x"), 3);
        let handshake = |query, method| parse(query).unwrap().handshake(&method, &Config::default()).unwrap_err().code;
        assert_eq!(handshake("transport=polling", Method::GET), 5);
        assert_eq!(handshake("EIO=abc&transport=polling", Method::GET), 5);
        assert_eq!(handshake("EIO=4&transport=polling", Method::POST), 2);
        let strict = Config { allow_eio3: false, ..Config::default() };
        let query = parse("EIO=3&transport=polling").unwrap();
        assert_eq!(query.handshake(&Method::GET, &strict).unwrap_err().code, 5);
    }

    #[test]
    fn a_transport_that_is_switched_off_is_unknown() {
        let config = Config { transports: vec![Transport::WebSocket], ..Config::default() };
        assert_eq!(Query::parse("EIO=4&transport=polling", &config), Err(Refusal::unknown_transport()));
    }
}
