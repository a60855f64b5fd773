//! The reading side of a connection: handshake, frames, Engine.IO 4 and Socket.IO 5 as far as the loads go.

use crate::relay::Relay;
use crate::socket::{Socket, frame};
use anyhow::{Context as _, bail};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedReadHalf;
use tungstenite::handshake::derive_accept_key;

thread_local! {
    /// All connections read into it; each keeps only what is incomplete.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; 32 * 1024]);
}

#[derive(Deserialize)]
struct Exchange<'a> {
    target: &'a str,
}

struct Reading<'a> {
    relay: &'a Relay,
    socket: &'a Arc<Socket>,
    half: OwnedReadHalf,
    /// What is incomplete.
    tail: Vec<u8>,
}

pub async fn run(relay: Arc<Relay>, mut stream: TcpStream) {
    let Ok(user) = open(&mut stream).await else { return };
    let (half, write) = stream.into_split();
    let socket = Socket::new(write);
    relay.enter(&user, &socket);
    let mut reading = Reading { relay: &relay, socket: &socket, half, tail: Vec::new() };
    poll_fn(|cx| reading.poll(cx)).await;
    relay.leave(&user, &socket);
}

impl Reading<'_> {
    /// Takes in what comes, until the connection ends.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        BUFFER.with_borrow_mut(|buffer| {
            loop {
                let mut read = ReadBuf::new(buffer);
                let came = ready!(Pin::new(&mut self.half).poll_read(cx, &mut read));
                if came.is_err() || read.filled().is_empty() || self.take(read.filled_mut()).is_err() {
                    return Poll::Ready(());
                }
            }
        })
    }

    fn take(&mut self, bytes: &mut [u8]) -> anyhow::Result<()> {
        if self.tail.is_empty() {
            let used = frames(self.relay, self.socket, bytes)?;
            self.tail.extend_from_slice(&bytes[used..]);
        } else {
            self.tail.extend_from_slice(bytes);
            let used = frames(self.relay, self.socket, &mut self.tail)?;
            self.tail.drain(..used);
        }
        Ok(())
    }
}

/// Answers the request, and says who it is.
async fn open(stream: &mut TcpStream) -> anyhow::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read_buf(&mut head).await? == 0 || head.len() > 8 * 1024 {
            bail!("no request");
        }
    }
    let head = std::str::from_utf8(&head)?;
    let line = head.lines().next().context("a request line")?;
    let user = line.split(['?', '&', ' ']).find_map(|pair| pair.strip_prefix("userId=")).context("a user")?;
    let key = head.lines().find_map(|line| line.strip_prefix("Sec-WebSocket-Key: ")).context("a key")?;
    let mut answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Accept: {}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    )
    .into_bytes();
    let opened =
        format!(r#"0{{"sid":"{user}","upgrades":[],"pingInterval":25000,"pingTimeout":20000,"maxPayload":65535}}"#);
    answer.extend(frame(&[&opened]));
    stream.write_all(&answer).await?;
    Ok(user.to_owned())
}

/// Takes in the frames that are complete, and says how many bytes they were.
fn frames(relay: &Relay, socket: &Arc<Socket>, bytes: &mut [u8]) -> anyhow::Result<usize> {
    let mut used = 0;
    loop {
        let rest = &mut bytes[used..];
        let (head, length) = match rest {
            [0x81, length @ 0x80..=0xfd, ..] => (6, usize::from(*length & 0x7f)),
            [0x81, 0xfe, high, low, ..] => (8, usize::from(u16::from_be_bytes([*high, *low]))),
            [0x81] | [0x81, 0xfe, ..] | [] => return Ok(used),
            _ => bail!("not a text frame of a client"),
        };
        let Some(frame) = rest.get_mut(..head + length) else { return Ok(used) };
        let (head, text) = frame.split_at_mut(head);
        let mask = [head[head.len() - 4], head[head.len() - 3], head[head.len() - 2], head[head.len() - 1]];
        text.iter_mut().zip(mask.iter().cycle()).for_each(|(byte, mask)| *byte ^= mask);
        packet(relay, socket, std::str::from_utf8(text)?)?;
        used += head.len() + length;
    }
}

fn packet(relay: &Relay, socket: &Arc<Socket>, packet: &str) -> anyhow::Result<()> {
    if packet.starts_with("40") {
        socket.write(&frame(&[r#"40{"sid":"one"}"#]));
    } else if let Some(event) = packet.strip_prefix("42") {
        let (id, event) = event.split_at(event.find('[').context("an event")?);
        let (_, argument): (&str, &RawValue) = serde_json::from_str(event)?;
        let exchange: Exchange<'_> = serde_json::from_str(argument.get())?;
        relay.relay(socket, id.parse()?, exchange.target, argument.get());
    }
    Ok(())
}
