//! A WebSocket client of a few lines and little memory: it logs in and then only keeps the connection.

use crate::line::frame;
use crate::token::token;
use anyhow::{Context, bail};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How one says who one is, and how a server says that one is in.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Greeting {
    /// Ours in development: by a name, and when the user is subscribed and registered.
    Init,
    /// Ours in token mode ([`crate::token::SECRETS`]): by a token, and the same.
    Token,
    /// Any Socket.IO server's, when the namespace is joined.
    Joined,
}

/// Connects as a user and joins the main namespace; returns once the server has greeted.
pub(crate) async fn connect(server: SocketAddr, user: &str, greeting: Greeting) -> anyhow::Result<TcpStream> {
    let mut stream = TcpStream::connect(server).await?;
    let query = greeting.query(user);
    let request = format!(
        "GET /socket.io/?EIO=4&transport=websocket{query} HTTP/1.1\r\nHost: {server}\r\nUpgrade: websocket\r\n\
         Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await?;
    let mut seen = Vec::with_capacity(1024);
    read_until(&mut stream, &mut seen, "maxPayload").await.context("no handshake")?;
    seen.clear();
    stream.write_all(&frame(&greeting.connect(user))).await?;
    read_until(&mut stream, &mut seen, greeting.mark()).await.context("no greeting")?;
    Ok(stream)
}

impl Greeting {
    /// What is added to the query of the handshake.
    pub(crate) fn query(self, user: &str) -> String {
        match self {
            Self::Init | Self::Joined => format!("&userId={user}"),
            Self::Token => String::new(),
        }
    }

    /// The packet that joins the main namespace.
    pub(crate) fn connect(self, user: &str) -> String {
        match self {
            Self::Init | Self::Joined => "40".to_owned(),
            Self::Token => format!(r#"40{{"token":"{}"}}"#, token(user)),
        }
    }

    /// What the packet has in it that says one is in.
    pub(crate) fn mark(self) -> &'static str {
        match self {
            Self::Init | Self::Token => "\"init\"",
            Self::Joined => "40{",
        }
    }
}

async fn read_until(stream: &mut TcpStream, seen: &mut Vec<u8>, what: &str) -> anyhow::Result<()> {
    while !String::from_utf8_lossy(seen).contains(what) {
        if stream.read_buf(seen).await? == 0 {
            bail!("the server closed the connection: {}", String::from_utf8_lossy(seen));
        }
    }
    Ok(())
}
