//! The writing side of a connection: what the socket does not take at once is written by a task.

use std::io::ErrorKind;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::net::tcp::OwnedWriteHalf;

pub struct Socket {
    half: OwnedWriteHalf,
    waiting: Mutex<Vec<u8>>,
}

impl Socket {
    pub fn new(half: OwnedWriteHalf) -> Arc<Self> {
        Arc::new(Self { half, waiting: Mutex::default() })
    }

    pub fn write(self: &Arc<Self>, bytes: &[u8]) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let written = if waiting.is_empty() { self.half.try_write(bytes).unwrap_or(0) } else { 0 };
        if written == bytes.len() {
            return;
        }
        let is_first = waiting.is_empty();
        waiting.extend_from_slice(&bytes[written..]);
        if is_first {
            let socket = self.clone();
            tokio::spawn(async move { socket.write_rest().await });
        }
    }

    pub fn acknowledge(self: &Arc<Self>, id: u64) {
        self.write(&frame(&["43", &id.to_string(), "[{\"ok\":true}]"]));
    }

    async fn write_rest(&self) {
        while self.half.writable().await.is_ok() {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            match self.half.try_write(&waiting) {
                Ok(written) => drop(waiting.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                // The reading side ends the connection.
                Err(_) => return,
            }
            if waiting.is_empty() {
                return;
            }
        }
    }
}

/// A text frame (RFC 6455, section 5.2) of these parts.
pub fn frame(parts: &[&str]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut frame = Vec::with_capacity(length + 4);
    match (u8::try_from(length), u16::try_from(length)) {
        (Ok(short), _) if short < 126 => frame.extend([0x81, short]),
        (_, Ok(long)) => {
            frame.extend([0x81, 126]);
            frame.extend(long.to_be_bytes());
        }
        _ => {
            frame.extend([0x81, 127]);
            frame.extend((length as u64).to_be_bytes());
        }
    }
    parts.iter().for_each(|part| frame.extend_from_slice(part.as_bytes()));
    frame
}
