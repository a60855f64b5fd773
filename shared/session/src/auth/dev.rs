//! Development: whoever connects is who they say, so only this machine may connect.
//!
//! A loopback peer is not enough: a proxy on this machine, or a web page whose host name was pointed at 127.0.0.1,
//! would let the world in.

use super::{Claim, Credentials, unauthorized};
use http::request::Parts;
use http::{HeaderMap, header};
use std::net::{Ipv4Addr, SocketAddr};
use types::{Code, Failure};

pub(super) fn claim(credentials: &Credentials) -> Result<Claim, Failure> {
    if let Some(reason) = credentials.remote {
        return Err(Failure::new(Code::Forbidden, reason));
    }
    let nobody = || unauthorized("no user: send a user key as userId in the query or in auth");
    let said = credentials.said.as_deref().ok_or_else(nobody)?;
    let user = said.user.as_deref().ok_or_else(nobody)?;
    Claim::read(user, said.role.as_deref(), said.shop.as_deref()).map_err(unauthorized)
}

/// Why a request is not one of this machine to itself; `None` when it is.
pub(super) fn remote(request: &Parts, peer: SocketAddr) -> Option<&'static str> {
    if !peer.ip().to_canonical().is_loopback() {
        return Some("auth.mode \"dev\" serves this machine only, and you connect from another");
    }
    if is_forwarded(&request.headers) {
        return Some("auth.mode \"dev\" takes no request that came through a proxy");
    }
    let mut hosts = request.headers.get_all(header::HOST).iter();
    let host = hosts.next().and_then(|host| host.to_str().ok());
    let target = request.uri.authority().map(|authority| authority.as_str());
    let is_local = host.is_some_and(is_loopback) && hosts.next().is_none() && target.is_none_or(is_loopback);
    (!is_local).then_some("auth.mode \"dev\" is served under localhost, 127.0.0.1 and [::1] only")
}

/// Whether a proxy left its mark.
fn is_forwarded(headers: &HeaderMap) -> bool {
    headers.keys().any(|name| {
        let name = name.as_str();
        matches!(name, "forwarded" | "x-real-ip" | "via") || name.starts_with("x-forwarded")
    })
}

/// Whether a host, with or without a port, is this machine by its name or address.
fn is_loopback(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    name.eq_ignore_ascii_case("localhost") || name == "[::1]" || name.parse().is_ok_and(|ip: Ipv4Addr| ip.is_loopback())
}
