//! WebSocket twice: a proper client, and one that writes its frames by hand.

use crate::PATIENCE;
use crate::http::{Connection, head};
use anyhow::{Context, ensure};
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;

/// The example key of RFC 6455, section 1.3; any other does as well.
const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// A WebSocket of a proper client.
pub type Socket = WebSocketStream<TcpStream>;

/// A proper client, on a path with its query.
///
/// # Errors
/// The upgrade was refused.
pub async fn connect(address: SocketAddr, path: &str) -> anyhow::Result<Socket> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let upgrade = tokio_tungstenite::client_async(format!("ws://{address}{path}"), stream);
    let (socket, _) = tokio::time::timeout(PATIENCE, upgrade).await.context("no answer to the upgrade")??;
    Ok(socket)
}

/// A client without manners.
#[derive(Debug)]
pub struct Raw(pub Connection);

/// A frame as read from the server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub fin: bool,
    pub opcode: u8,
    pub payload: Vec<u8>,
}

impl Raw {
    /// # Errors
    /// The upgrade was refused.
    pub async fn connect(address: SocketAddr, path: &str) -> anyhow::Result<Self> {
        let mut connection = Connection::open(address).await?;
        let headers = [
            ("Upgrade", "websocket"),
            ("Connection", "Upgrade"),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Key", KEY),
        ];
        connection.send(&head(address, "GET", path, &headers, None)).await?;
        let (status, _) = connection.answer_head().await?;
        ensure!(status == 101, "the upgrade was answered {status}");
        Ok(Self(connection))
    }

    /// Sends a masked text message in one frame.
    ///
    /// # Errors
    /// The peer has closed.
    pub async fn text(&mut self, text: &str) -> anyhow::Result<()> {
        self.0.send(&frame(0x81, Some([1, 2, 3, 4]), text.as_bytes())).await
    }

    /// The next frame.
    ///
    /// # Errors
    /// The peer closed first, or nothing came in time.
    pub async fn read(&mut self) -> anyhow::Result<Frame> {
        let head = self.0.take(2).await?;
        let [first, second] = head[..] else { anyhow::bail!("two bytes") };
        ensure!(second & 0x80 == 0, "a server masks nothing");
        let length = match second {
            126 => self.0.take(2).await?.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
            127 => self.0.take(8).await?.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte)),
            short => usize::from(short),
        };
        let payload = self.0.take(length).await?;
        Ok(Frame { fin: first & 0x80 != 0, opcode: first & 0x0f, payload })
    }

    /// Reads up to the close frame, and returns its code (1005 where it carries none); other frames are dropped.
    ///
    /// # Errors
    /// The connection ended without one.
    pub async fn close_code(&mut self) -> anyhow::Result<u16> {
        loop {
            let frame = self.read().await?;
            if frame.opcode == 8 {
                return Ok(match frame.payload[..] {
                    [high, low, ..] => u16::from_be_bytes([high, low]),
                    _ => 1005,
                });
            }
        }
    }
}

/// Bytes of a frame. `first` is the whole first byte: FIN, reserved bits and opcode.
pub fn frame(first: u8, mask: Option<[u8; 4]>, payload: &[u8]) -> Vec<u8> {
    let mut bytes = header(first, mask, payload.len() as u64);
    match mask {
        Some(mask) => bytes.extend(payload.iter().zip(mask.iter().cycle()).map(|(byte, key)| byte ^ key)),
        None => bytes.extend_from_slice(payload),
    }
    bytes
}

/// Bytes of a frame's header alone, whatever length it claims.
pub fn header(first: u8, mask: Option<[u8; 4]>, length: u64) -> Vec<u8> {
    let flag = if mask.is_some() { 0x80 } else { 0 };
    let mut bytes = vec![first];
    match length {
        0..126 => bytes.push(flag | length as u8),
        126..65_536 => {
            bytes.push(flag | 126);
            bytes.extend_from_slice(&(length as u16).to_be_bytes());
        }
        _ => {
            bytes.push(flag | 127);
            bytes.extend_from_slice(&length.to_be_bytes());
        }
    }
    bytes.extend(mask.into_iter().flatten());
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_written_as_the_rfc_shows_them() {
        let masked = frame(0x81, Some([0x37, 0xfa, 0x21, 0x3d]), b"Hello");
        assert_eq!(masked, [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58]);
        assert_eq!(frame(0x82, None, &[0; 256])[..4], [0x82, 0x7e, 0x01, 0x00]);
        assert_eq!(header(0x82, None, 65_536), [0x82, 0x7f, 0, 0, 0, 0, 0, 1, 0, 0]);
    }
}
