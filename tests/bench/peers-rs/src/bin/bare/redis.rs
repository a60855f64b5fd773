//! One Redis node: a connection that publishes and one that hears, RESP2 by hand.

use crate::relay::Relay;
use crate::socket::Socket;
use anyhow::{Context, bail, ensure};
use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::sync::Notify;

#[derive(Default)]
pub struct Redis {
    publishing: Pipe,
    hearing: Pipe,
}

/// What is to be written to a connection, and who waits for the answers.
#[derive(Default)]
struct Pipe {
    queue: Mutex<(Vec<u8>, VecDeque<(Arc<Socket>, u64)>)>,
    filled: Notify,
}

/// The two connections.
pub struct Ends {
    publishing: TcpStream,
    hearing: TcpStream,
}

pub async fn open(url: &str) -> anyhow::Result<(Redis, Ends)> {
    let address = url.strip_prefix("redis://").context("redis://HOST:PORT")?;
    let ends = Ends { publishing: TcpStream::connect(address).await?, hearing: TcpStream::connect(address).await? };
    ends.publishing.set_nodelay(true)?;
    ends.hearing.set_nodelay(true)?;
    Ok((Redis::default(), ends))
}

pub fn run(relay: &Arc<Relay>, ends: Ends) {
    let (answers, publishing) = ends.publishing.into_split();
    let (heard, hearing) = ends.hearing.into_split();
    keep(write(relay.clone(), publishing, |redis| &redis.publishing));
    keep(write(relay.clone(), hearing, |redis| &redis.hearing));
    keep(acknowledge(relay.clone(), answers));
    keep(hear(relay.clone(), heard));
}

/// Without Redis there is nothing to measure.
fn keep(task: impl Future<Output = anyhow::Result<()>> + Send + 'static) {
    tokio::spawn(async move {
        if let Err(error) = task.await {
            eprintln!("{error:#}");
        }
        std::process::exit(1);
    });
}

impl Redis {
    pub fn subscribe(&self, user: &str) {
        let command = format!("*2\r\n$9\r\nSUBSCRIBE\r\n${}\r\n{user}\r\n", user.len());
        self.hearing.queue().0.extend_from_slice(command.as_bytes());
        self.hearing.filled.notify_one();
    }

    /// Acknowledges to `from` when Redis has answered.
    pub fn publish(&self, user: &str, message: &str, from: &Arc<Socket>, id: u64) {
        let (length, size) = (user.len(), message.len());
        let command = format!("*3\r\n$7\r\nPUBLISH\r\n${length}\r\n{user}\r\n${size}\r\n{message}\r\n");
        let mut queue = self.publishing.queue();
        queue.0.extend_from_slice(command.as_bytes());
        queue.1.push_back((from.clone(), id));
        self.publishing.filled.notify_one();
    }
}

impl Pipe {
    fn queue(&self) -> MutexGuard<'_, (Vec<u8>, VecDeque<(Arc<Socket>, u64)>)> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn write(relay: Arc<Relay>, mut half: OwnedWriteHalf, of: fn(&Redis) -> &Pipe) -> anyhow::Result<()> {
    let pipe = of(relay.redis.as_ref().context("a Redis")?);
    let mut bytes = Vec::new();
    loop {
        pipe.filled.notified().await;
        std::mem::swap(&mut bytes, &mut pipe.queue().0);
        half.write_all(&bytes).await?;
        bytes.clear();
    }
}

/// Every answer to PUBLISH is a line.
async fn acknowledge(relay: Arc<Relay>, mut half: OwnedReadHalf) -> anyhow::Result<()> {
    let pipe = &relay.redis.as_ref().context("a Redis")?.publishing;
    let mut bytes = Vec::with_capacity(16 * 1024);
    while half.read_buf(&mut bytes).await? > 0 {
        ensure!(!bytes.contains(&b'-'), "Redis refused: {}", String::from_utf8_lossy(&bytes));
        for _ in bytes.iter().filter(|byte| **byte == b'\n') {
            let waiting = pipe.queue().1.pop_front();
            let (socket, id) = waiting.context("an answer to nothing")?;
            socket.acknowledge(id);
        }
        bytes.clear();
    }
    bail!("Redis is gone")
}

async fn hear(relay: Arc<Relay>, mut half: OwnedReadHalf) -> anyhow::Result<()> {
    let mut bytes = Vec::with_capacity(64 * 1024);
    while half.read_buf(&mut bytes).await? > 0 {
        let mut used = 0;
        while let Some((parts, length)) = parts(&bytes[used..]) {
            if parts[0] == b"message" {
                relay.deliver(std::str::from_utf8(parts[1])?, std::str::from_utf8(parts[2])?);
            }
            used += length;
        }
        bytes.drain(..used);
    }
    bail!("Redis is gone")
}

/// The parts of the first push, and its length, once it is complete: an array of three, each a string or a number.
fn parts(bytes: &[u8]) -> Option<([&[u8]; 3], usize)> {
    let mut used = line(bytes)?.len() + 2;
    let mut parts = [&b""[..]; 3];
    for part in &mut parts {
        let head = line(bytes.get(used..)?)?;
        used += head.len() + 2;
        if let Some(length) = head.strip_prefix(b"$") {
            let length: usize = std::str::from_utf8(length).ok()?.parse().ok()?;
            *part = bytes.get(used..used + length)?;
            used += length + 2;
        }
    }
    (used <= bytes.len()).then_some((parts, used))
}

/// Up to the end of the line.
fn line(bytes: &[u8]) -> Option<&[u8]> {
    let end = bytes.windows(2).position(|pair| pair == b"\r\n")?;
    Some(&bytes[..end])
}
