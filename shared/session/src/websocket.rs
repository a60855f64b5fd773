//! A WebSocket over a plain TCP stream: the pump with the server codec of [`wire::websocket`] on it.
//!
//! This is the seam between connection and codec: whoever owns the connection sees whole messages only. Pings are
//! answered here, and a close is answered with a close.

use crate::pump::{self, Fed, Then};
use crate::{Link, Weight};
use futures_util::future::BoxFuture;
use tokio::net::tcp::OwnedReadHalf;
use types::CloseReason;
use wire::websocket::{self, Decoder, Item, Limits, Step};

/// Who takes the messages of a WebSocket, in their order.
pub trait Messages {
    fn text(&mut self, text: &str) -> Then;
    fn binary(&mut self, data: &[u8]) -> Then;
}

/// Runs a connection until it ends, and says why it ended. See [`pump::run`] for `tail` and `first`.
pub fn run<M: Messages>(
    half: OwnedReadHalf,
    link: &Link,
    limits: Limits,
    tail: Vec<u8>,
    first: Option<BoxFuture<'static, ()>>,
    messages: &mut M,
) -> impl Future<Output = CloseReason> {
    let mut decoder = Decoder::new(limits);
    pump::run(half, link, tail, first, move |bytes| feed(&mut decoder, link, messages, bytes))
}

/// The last frame of a connection that ends for this reason; none where no close code may be sent.
pub fn close_frame(reason: CloseReason) -> Option<bytes::Bytes> {
    let told = !matches!(reason, CloseReason::TransportClosed | CloseReason::Slow);
    told.then(|| websocket::close_frame(reason.code(), reason.name()))
}

fn feed(decoder: &mut Decoder, link: &Link, messages: &mut impl Messages, bytes: &mut [u8]) -> Fed {
    let mut used = 0;
    loop {
        let then = match decoder.decode(&mut bytes[used..]) {
            Ok(Step::NeedMore) => return Fed { used, then: Then::Continue },
            Ok(Step::Frame { used: length, item }) => {
                used += length;
                match item {
                    None => Then::Continue,
                    Some(Item::Text(text)) => messages.text(text),
                    Some(Item::Binary(data)) => messages.binary(data),
                    Some(Item::Ping(data)) => {
                        link.send(websocket::pong_frame(data), Weight::Firm);
                        Then::Continue
                    }
                    Some(Item::Pong(_)) => Then::Continue,
                    Some(Item::Close(code)) => {
                        let code = code.map_or(1000, |(code, _)| code);
                        link.close(CloseReason::ClientClosed, Some(websocket::close_frame(code, "")));
                        Then::Close
                    }
                }
            }
            Err(error) => {
                let reason = error.reason();
                link.close(reason, close_frame(reason));
                Then::Close
            }
        };
        match then {
            Then::Continue => {}
            then => return Fed { used, then },
        }
    }
}
