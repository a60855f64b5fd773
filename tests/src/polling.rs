//! Engine.IO over long-polling, request by request.

use crate::http::{self, Answer};
use anyhow::{Context, ensure};
use std::net::SocketAddr;

/// A session that the server has opened.
#[derive(Debug, Clone)]
pub struct Polling {
    address: SocketAddr,
    /// Path and query without the sid: `/socket.io/?EIO=4&transport=polling`.
    base: String,
    pub sid: String,
    /// The JSON of the open packet.
    pub open: String,
}

impl Polling {
    /// Opens a session. `query` follows the transport: `EIO=4&userId=m7`.
    ///
    /// # Errors
    /// The handshake was refused; with the answer.
    pub async fn handshake(address: SocketAddr, path: &str, query: &str) -> anyhow::Result<Self> {
        let base = format!("{path}?transport=polling&{query}");
        let answer = http::get(address, &base).await?;
        ensure!(answer.status == 200, "the handshake was answered {}: {}", answer.status, answer.text());
        let text = answer.text();
        let first = packets(&text).into_iter().next().unwrap_or_default();
        let open = first.strip_prefix('0').with_context(|| format!("no open packet in {text:?}"))?.to_owned();
        let (_, sid) = open.split_once("\"sid\":\"").context("a sid")?;
        let sid = sid.split('"').next().unwrap_or_default().to_owned();
        Ok(Self { address, base, sid, open })
    }

    /// The same session, its requests sent to another process.
    pub fn by(&self, address: SocketAddr) -> Self {
        Self { address, ..self.clone() }
    }

    /// Path and query of the session's requests.
    pub fn path(&self) -> String {
        format!("{}&sid={}", self.base, self.sid)
    }

    /// One poll, as answered.
    ///
    /// # Errors
    /// No whole answer came in time.
    pub async fn poll(&self) -> anyhow::Result<Answer> {
        http::get(self.address, &self.path()).await
    }

    /// The packets of one poll.
    ///
    /// # Errors
    /// It was refused.
    pub async fn get(&self) -> anyhow::Result<Vec<String>> {
        let answer = self.poll().await?;
        ensure!(answer.status == 200, "the poll was answered {}: {}", answer.status, answer.text());
        Ok(packets(&answer.text()))
    }

    /// Polls until a packet for which `wanted` holds has come, and returns it; others are dropped, pings answered
    /// by none.
    ///
    /// # Errors
    /// The session ended first.
    pub async fn get_until(&self, wanted: impl Fn(&str) -> bool) -> anyhow::Result<String> {
        loop {
            if let Some(packet) = self.get().await?.into_iter().find(|packet| wanted(packet)) {
                return Ok(packet);
            }
        }
    }

    /// Posts a payload as it is.
    ///
    /// # Errors
    /// No whole answer came in time.
    pub async fn post(&self, payload: &str) -> anyhow::Result<Answer> {
        http::post(self.address, &self.path(), payload).await
    }
}

/// The packets of a text payload: of revision 4 (separated by U+001E), or of 3 (`<UTF-16 units>:<packet>`).
pub fn packets(payload: &str) -> Vec<String> {
    revision_3(payload).unwrap_or_else(|| payload.split('\u{1e}').map(str::to_owned).collect())
}

fn revision_3(payload: &str) -> Option<Vec<String>> {
    let units: Vec<u16> = payload.encode_utf16().collect();
    let mut rest = units.as_slice();
    let mut packets = Vec::new();
    while !rest.is_empty() {
        let colon = rest.iter().position(|unit| *unit == u16::from(b':'))?;
        let length: usize = String::from_utf16(rest.get(..colon)?).ok()?.parse().ok()?;
        let packet = rest.get(colon + 1..)?.get(..length)?;
        packets.push(String::from_utf16(packet).ok()?);
        rest = rest.get(colon + 1 + length..)?;
    }
    Some(packets)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_of_both_revisions_are_told_apart() {
        assert_eq!(packets("0{\"sid\":\"a\"}\u{1e}2"), ["0{\"sid\":\"a\"}", "2"]);
        assert_eq!(packets("4:4\u{1F600}x1:6"), ["4\u{1F600}x", "6"]);
        assert_eq!(packets("2"), ["2"]);
    }
}
