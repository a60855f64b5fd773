//! A connection of the load: a WebSocket with a user, cheap enough that thousands of them and the servers share a machine.
//!
//! Frames are made by hand (RFC 6455, section 5.2): masked with zeroes, which a server cannot tell from any other mask.

use crate::client::{Greeting, connect};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::ErrorKind;
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// A user's connection. It answers heartbeats, and passes on every other packet.
pub(crate) struct Line {
    stream: Arc<TcpStream>,
    reading: JoinHandle<()>,
}

/// What the server's frames are taken from.
#[derive(Default)]
struct Frames {
    bytes: Vec<u8>,
    taken: usize,
}

impl Line {
    /// Connects as a user; from then on `hear` gets each packet, such as `42["exchange",…]`.
    pub(crate) async fn open(
        server: SocketAddr,
        user: &str,
        hear: impl FnMut(&[u8]) + Send + 'static,
    ) -> anyhow::Result<Self> {
        Self::open_to(server, user, Greeting::Init, hear).await
    }

    /// The same to a server that greets in its own way.
    pub(crate) async fn open_to(
        server: SocketAddr,
        user: &str,
        greeting: Greeting,
        hear: impl FnMut(&[u8]) + Send + 'static,
    ) -> anyhow::Result<Self> {
        let stream = Arc::new(connect(server, user, greeting).await?);
        stream.set_nodelay(true)?;
        let reading = tokio::spawn(read(stream.clone(), hear));
        Ok(Self { stream, reading })
    }

    /// Sends one packet.
    pub(crate) async fn send(&self, packet: &str) -> anyhow::Result<()> {
        write(&self.stream, &frame(packet)).await
    }

    /// Whether the server has ended it.
    pub(crate) fn is_over(&self) -> bool {
        self.reading.is_finished()
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.reading.abort();
    }
}

async fn read(stream: Arc<TcpStream>, mut hear: impl FnMut(&[u8])) {
    let mut frames = Frames::default();
    loop {
        if stream.readable().await.is_err() {
            return;
        }
        match stream.try_read_buf(&mut frames.bytes) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => continue,
            Err(_) => return,
        }
        while let Some((opcode, payload)) = frames.next() {
            match (opcode, payload) {
                (1, b"2") => {
                    if write(&stream, &frame("3")).await.is_err() {
                        return;
                    }
                }
                (1, packet) => hear(packet),
                _ => return,
            }
        }
        frames.forget();
    }
}

async fn write(stream: &TcpStream, mut bytes: &[u8]) -> anyhow::Result<()> {
    while !bytes.is_empty() {
        match stream.try_write(bytes) {
            Ok(written) => bytes = &bytes[written..],
            Err(error) if error.kind() == ErrorKind::WouldBlock => stream.writable().await?,
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// A text frame with this packet.
pub(crate) fn frame(packet: &str) -> Vec<u8> {
    let mut frame = Vec::with_capacity(packet.len() + 14);
    frame.push(0x81);
    match u16::try_from(packet.len()) {
        Ok(length @ 0..126) => frame.push(0x80 | length as u8),
        Ok(length) => {
            frame.push(0x80 | 126);
            frame.extend_from_slice(&length.to_be_bytes());
        }
        Err(_) => {
            frame.push(0x80 | 127);
            frame.extend_from_slice(&(packet.len() as u64).to_be_bytes());
        }
    }
    frame.extend_from_slice(&[0; 4]);
    frame.extend_from_slice(packet.as_bytes());
    frame
}

impl Frames {
    /// The next whole frame: its opcode and payload. Servers mask nothing, and ours sends every message in one frame.
    fn next(&mut self) -> Option<(u8, &[u8])> {
        let rest = &self.bytes[self.taken..];
        let [first, second, ..] = *rest else { return None };
        let (header, length) = match second & 0x7f {
            126 => (4, usize::from(u16::from_be_bytes(rest.get(2..4)?.try_into().ok()?))),
            127 => (10, usize::try_from(u64::from_be_bytes(rest.get(2..10)?.try_into().ok()?)).ok()?),
            short => (2, usize::from(short)),
        };
        let payload = rest.get(header..header + length)?;
        self.taken += header + length;
        Some((first & 0x0f, payload))
    }

    fn forget(&mut self) {
        self.bytes.drain(..self.taken);
        self.taken = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_whole_however_they_arrive() {
        let long = "x".repeat(300);
        let mut sent = Vec::new();
        for text in ["a", &long, ""] {
            // As a server sends it: the same without the mask.
            let masked = frame(text);
            let header = masked.len() - text.len() - 4;
            sent.extend_from_slice(&masked[..header]);
            let length_at = sent.len() - header + 1;
            sent[length_at] &= 0x7f;
            sent.extend_from_slice(text.as_bytes());
        }
        let (mut frames, mut seen) = (Frames::default(), Vec::new());
        for byte in sent {
            frames.bytes.push(byte);
            while let Some((opcode, payload)) = frames.next() {
                seen.push((opcode, payload.len()));
            }
            frames.forget();
        }
        assert_eq!(seen, [(1, 1), (1, 300), (1, 0)]);
    }
}
