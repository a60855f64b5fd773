//! A bare relay, to know what a live message costs at least: `bare PORT [REDIS-URL]`.
//!
//! It does by hand what the live loads need, on one thread: a WebSocket of whole frames, `exchange` relayed as it came to
//! one connection of a user, and acknowledged; over Redis a channel for each user, and an acknowledgement when PUBLISH is
//! answered. It has no polling, no heartbeat, no tokens, no limits, no presence and no second chance: what it does not
//! expect ends the connection, and without its Redis it ends itself.

mod connection;
mod redis;
mod relay;
mod socket;

use crate::relay::Relay;
use anyhow::Context;
use std::sync::Arc;
use tokio::net::TcpListener;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1);
    let port: u16 = words.next().context("a port")?.parse()?;
    let redis = match words.next() {
        Some(url) => Some(redis::open(&url).await?),
        None => None,
    };
    let (redis, ends) = redis.unzip();
    let relay = Arc::new(Relay::new(redis));
    if let Some(ends) = ends {
        redis::run(&relay, ends);
    }
    let listener = TcpListener::bind(("127.0.0.1", port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        tokio::spawn(connection::run(relay.clone(), stream));
    }
}
