//! socketioxide as its documentation shows it: `peers PORT [REDIS-URL]`, without an adapter or with the one over redis-rs.
//!
//! It does the least that makes it comparable: who connects is in the room of the user, and `exchange` is relayed as it
//! came, to a user or to everybody, and acknowledged. It keeps no presence, checks nobody and limits nothing.

mod relay;

use anyhow::Context;
use axum::serve::ListenerExt;
use relay::on_connect;
use socketioxide::SocketIo;
use socketioxide_redis::{RedisAdapter, RedisAdapterCtr};

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut words = std::env::args().skip(1);
    let port: u16 = words.next().context("a port")?.parse()?;
    let layer = match words.next() {
        Some(url) => {
            let client = redis::Client::open(format!("{url}?protocol=resp3"))?;
            let adapter = RedisAdapterCtr::new_with_redis(&client).await?;
            let (layer, io) = SocketIo::builder().with_adapter::<RedisAdapter<_>>(adapter).build_layer();
            io.ns("/", on_connect).await?;
            axum::Router::new().layer(layer)
        }
        None => {
            let (layer, io) = SocketIo::new_layer();
            io.ns("/", on_connect);
            axum::Router::new().layer(layer)
        }
    };
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", port)).await?;
    // As ours does, so that nothing waits for more to send.
    let listener = listener.tap_io(|stream| {
        stream.set_nodelay(true).ok();
    });
    axum::serve(listener, layer).await?;
    Ok(())
}
