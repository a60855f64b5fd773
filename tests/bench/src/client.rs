//! A WebSocket client of a few lines and little memory: it logs in and then only keeps the connection.

use anyhow::{Context, bail};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Connects as a user and joins the main namespace; returns once the server said `init`.
pub(crate) async fn connect(server: SocketAddr, user: &str) -> anyhow::Result<TcpStream> {
    let mut stream = TcpStream::connect(server).await?;
    let request = format!(
        "GET /socket.io/?EIO=4&transport=websocket&userId={user} HTTP/1.1\r\nHost: {server}\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut seen = Vec::with_capacity(1024);
    read_until(&mut stream, &mut seen, "maxPayload").await.context("no handshake")?;
    // The text frame `40`, masked with zeroes.
    stream.write_all(&[0x81, 0x82, 0, 0, 0, 0, b'4', b'0']).await?;
    read_until(&mut stream, &mut seen, "\"init\"").await.context("no init")?;
    Ok(stream)
}

async fn read_until(stream: &mut TcpStream, seen: &mut Vec<u8>, what: &str) -> anyhow::Result<()> {
    while !String::from_utf8_lossy(seen).contains(what) {
        if stream.read_buf(seen).await? == 0 {
            bail!("the server closed the connection: {}", String::from_utf8_lossy(seen));
        }
    }
    Ok(())
}
