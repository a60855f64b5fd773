//! The opening handshake (RFC 6455, section 4.2): what a request must carry, and the key that answers it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest, Sha1};

/// The parts of a request that ask for a WebSocket. Header values as they came; `None` where a header is absent or
/// not text.
#[derive(Debug, Clone, Copy)]
pub struct Offer<'a> {
    pub method: &'a str,
    /// `Upgrade`
    pub upgrade: Option<&'a str>,
    /// `Connection`
    pub connection: Option<&'a str>,
    /// `Sec-WebSocket-Version`
    pub version: Option<&'a str>,
    /// `Sec-WebSocket-Key`
    pub key: Option<&'a str>,
}

/// Why a request does not become a WebSocket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OfferError {
    #[error("a WebSocket begins with GET")]
    Method,
    #[error("header Upgrade must name websocket")]
    Upgrade,
    #[error("header Connection must name Upgrade")]
    Connection,
    #[error("header Sec-WebSocket-Version must be 13")]
    Version,
    #[error("header Sec-WebSocket-Key must be 16 bytes in base64")]
    Key,
}

impl Offer<'_> {
    /// Checks the request, and returns the value of `Sec-WebSocket-Accept` for the answer (status 101).
    ///
    /// # Errors
    /// The first thing that is wrong. [`OfferError::Version`] is answered with the header `Sec-WebSocket-Version: 13`.
    pub fn accept(&self) -> Result<String, OfferError> {
        if self.method != "GET" {
            return Err(OfferError::Method);
        }
        if !names(self.upgrade, "websocket") {
            return Err(OfferError::Upgrade);
        }
        if !names(self.connection, "upgrade") {
            return Err(OfferError::Connection);
        }
        if self.version.map(str::trim) != Some("13") {
            return Err(OfferError::Version);
        }
        match self.key.map(str::trim) {
            Some(key) if is_key(key) => Ok(accept_key(key)),
            _ => Err(OfferError::Key),
        }
    }
}

/// `Sec-WebSocket-Accept` for a `Sec-WebSocket-Key` (RFC 6455, section 4.2.2).
pub fn accept_key(key: &str) -> String {
    const GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
    STANDARD.encode(Sha1::new().chain_update(key).chain_update(GUID).finalize())
}

/// Whether a comma-separated header has this token, in whatever case.
fn names(header: Option<&str>, token: &str) -> bool {
    header.is_some_and(|header| header.split(',').any(|part| part.trim().eq_ignore_ascii_case(token)))
}

/// Whether a text has the shape of 16 bytes in base64. Bits beyond the 16 bytes are not looked at: some clients leave
/// them as they fall.
fn is_key(key: &str) -> bool {
    let digit = |b: u8| b.is_ascii_alphanumeric() || b == b'+' || b == b'/';
    key.strip_suffix("==").is_some_and(|digits| digits.len() == 22 && digits.bytes().all(digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Offer<'_> = Offer {
        method: "GET",
        upgrade: Some("websocket"),
        connection: Some("Upgrade"),
        version: Some("13"),
        key: Some("dGhlIHNhbXBsZSBub25jZQ=="),
    };

    #[test]
    fn the_example_of_the_rfc_is_answered_as_there() {
        assert_eq!(GOOD.accept().as_deref(), Ok("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    }

    #[test]
    fn tokens_are_found_in_lists_and_in_any_case() {
        let offer = Offer { upgrade: Some("h2c, WebSocket"), connection: Some("keep-alive, upgrade"), ..GOOD };
        assert!(offer.accept().is_ok());
    }

    #[test]
    fn each_missing_or_wrong_part_is_named() {
        let refused = |offer: Offer<'_>| offer.accept().unwrap_err();
        assert_eq!(refused(Offer { method: "POST", ..GOOD }), OfferError::Method);
        for upgrade in [None, Some("h2c"), Some("websockets"), Some("web socket")] {
            assert_eq!(refused(Offer { upgrade, ..GOOD }), OfferError::Upgrade);
        }
        for connection in [None, Some("keep-alive"), Some("upgraded")] {
            assert_eq!(refused(Offer { connection, ..GOOD }), OfferError::Connection);
        }
        for version in [None, Some("8"), Some("13, 8"), Some("")] {
            assert_eq!(refused(Offer { version, ..GOOD }), OfferError::Version);
        }
        let short = "dGhlIHNhbXBsZSBub25jZ===";
        for key in [None, Some(""), Some("dGhlIHNhbXBsZQ=="), Some(short), Some("dGhlIHNhbXBsZSBub25jZQ!=")] {
            assert_eq!(refused(Offer { key, ..GOOD }), OfferError::Key);
        }
    }
}
