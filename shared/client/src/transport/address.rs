//! Where a server is.

use crate::error::Error;
use http::Uri;

/// A server, as its address was given: `http://127.0.0.1:7001`, with a path where Socket.IO is not at `/socket.io/`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Address {
    /// Without the brackets of an IPv6 address.
    pub(super) host: Box<str>,
    pub(super) port: u16,
    /// As the header `Host` has it.
    pub(super) authority: Box<str>,
    path: Box<str>,
}

impl Address {
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let wrong = |why: &str| Error::Address(format!("{text}: {why}").into());
        let whole = if text.contains("://") { text.to_owned() } else { format!("http://{text}") };
        let uri: Uri = whole.parse().map_err(|_| wrong("not an address such as http://127.0.0.1:7001"))?;
        let port = match uri.scheme_str() {
            Some("http" | "ws") => 80,
            Some("https" | "wss") => return Err(wrong("TLS is not built in; put a proxy before the client")),
            _ => return Err(wrong("an address begins with http:// or ws://")),
        };
        let authority = uri.authority().ok_or_else(|| wrong("the host is missing"))?;
        if authority.as_str().contains('@') || uri.query().is_some() {
            return Err(wrong("a host with its port, and no more than a path"));
        }
        let host = authority.host().trim_start_matches('[').trim_end_matches(']');
        let path = if uri.path() == "/" { "/socket.io/" } else { uri.path() };
        Ok(Self {
            host: host.into(),
            port: authority.port_u16().unwrap_or(port),
            authority: authority.as_str().into(),
            path: path.into(),
        })
    }

    /// Path and query of a request.
    pub(super) fn target(&self, transport: &str, sid: Option<&str>) -> String {
        let sid = sid.map(|sid| format!("&sid={sid}")).unwrap_or_default();
        format!("{}?EIO=4&transport={transport}{sid}", self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_with_or_without_its_parts() {
        let parsed = |text: &str| {
            let Address { host, port, authority, path } = Address::parse(text).unwrap();
            format!("{host} {port} {authority} {path}")
        };
        assert_eq!(parsed("127.0.0.1:7001"), "127.0.0.1 7001 127.0.0.1:7001 /socket.io/");
        assert_eq!(parsed("ws://im.example/chat/"), "im.example 80 im.example /chat/");
        assert_eq!(parsed("http://[::1]:7001/"), "::1 7001 [::1]:7001 /socket.io/");
    }

    #[test]
    fn what_is_no_address_is_refused_with_a_reason() {
        for text in ["", "https://im.example", "ftp://im.example", "http://a@b", "http://im.example/?userId=8", "a b"] {
            let error = Address::parse(text).unwrap_err().to_string();
            assert!(error.starts_with(&format!("{text}: ")), "{error}");
        }
    }
}
