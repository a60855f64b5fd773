//! A Socket.IO client that says packets as text, over either transport, and can stop anywhere.

use futures_util::{SinkExt, StreamExt};
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;
use tests::http::Answer;
use tests::polling::{Polling, packets};
use tests::{PATIENCE, websocket};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// Where Socket.IO is served.
pub(super) const SOCKET_IO: &str = "/socket.io/";

/// A client of Engine.IO 4 with an open session.
pub(super) enum Client {
    WebSocket(Box<WebSocketStream<TcpStream>>),
    Polling(Polling, VecDeque<String>),
}

/// How a session ended, as its client sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum End {
    /// A WebSocket's close code.
    Code(u16),
    /// A WebSocket that broke off without one.
    Broken,
    /// A close packet to a client that polls.
    Told,
    /// A poll that was refused, with the status and Engine.IO's code.
    Refused(u16, u64),
}

/// The transports that a test goes through.
#[derive(Debug, Clone, Copy)]
pub(super) enum Over {
    WebSocket,
    Polling,
}

pub(super) const BOTH: [Over; 2] = [Over::WebSocket, Over::Polling];

impl Client {
    /// Opens a session and joins nothing. `query` follows the protocol's own parameters: `userId=8`.
    pub(super) async fn open(address: SocketAddr, over: Over, query: &str) -> Self {
        Self::open_if_let(address, over, query).await.expect("a session")
    }

    /// As [`open`](Self::open), over what the server may refuse.
    pub(super) async fn open_if_let(address: SocketAddr, over: Over, query: &str) -> Option<Self> {
        let path = format!("{SOCKET_IO}?EIO=4&transport=websocket&{query}");
        match over {
            Over::WebSocket => {
                let socket = websocket::connect(address, &path).await.ok()?;
                let mut client = Self::WebSocket(Box::new(socket));
                client.until(|packet| packet.starts_with('0')).await;
                Some(client)
            }
            Over::Polling => {
                let session = Polling::handshake(address, SOCKET_IO, &format!("EIO=4&{query}")).await.ok()?;
                Some(Self::Polling(session, VecDeque::new()))
            }
        }
    }

    /// Opens a session on the site and is a user in the main namespace, `init` received. Returns the socket id too.
    pub(super) async fn log_in(address: SocketAddr, over: Over, user: &str) -> (Self, String) {
        let mut client = Self::open(address, over, &format!("userId={user}")).await;
        client.send("40").await;
        let init = client.until(|packet| packet.starts_with("42[\"init\"")).await;
        let (_, id) = init.split_once("\"socketid\":\"").expect("a socket id");
        let id = id.split('"').next().unwrap_or_default().to_owned();
        (client, id)
    }

    /// Sends one packet.
    pub(super) async fn send(&mut self, packet: &str) {
        assert!(self.try_send(packet).await, "{packet} was not taken");
    }

    /// Sends one packet; whether the server took it. A WebSocket's server always seems to, until it has closed.
    pub(super) async fn try_send(&mut self, packet: &str) -> bool {
        match self {
            Self::WebSocket(socket) => {
                let sent = tokio::time::timeout(PATIENCE, socket.send(Message::text(packet))).await;
                sent.expect("the server reads nothing").is_ok()
            }
            Self::Polling(session, _) => session.post(packet).await.unwrap().status == 200,
        }
    }

    /// Sends the same packet many times over, without looking whether anybody takes them.
    pub(super) async fn send_many(&mut self, packet: &str, count: usize) {
        match self {
            Self::WebSocket(socket) => {
                for _ in 0..count {
                    socket.feed(Message::text(packet)).await.ok();
                }
                socket.flush().await.ok();
            }
            Self::Polling(session, _) => drop(session.post(&vec![packet; count].join("\u{1e}")).await),
        }
    }

    /// The next packet, or how the session ended. Heartbeats are answered. A binary message reads `bytes [1, 2]`.
    pub(super) async fn next(&mut self) -> Result<String, End> {
        self.next_within(PATIENCE).await
    }

    /// The same; a server on a WebSocket may be silent for so long.
    pub(super) async fn next_within(&mut self, limit: Duration) -> Result<String, End> {
        loop {
            let packet = match self {
                Self::WebSocket(socket) => from_websocket(socket, limit).await?,
                Self::Polling(session, inbox) => from_polling(session, inbox).await?,
            };
            if packet != "2" {
                return Ok(packet);
            }
            self.try_send("3").await;
        }
    }

    /// Reads up to a packet for which `wanted` holds, and returns it.
    pub(super) async fn until(&mut self, wanted: impl Fn(&str) -> bool) -> String {
        loop {
            match self.next().await {
                Ok(packet) if wanted(&packet) => return packet,
                Ok(_) => {}
                Err(end) => panic!("the session ended first: {end:?}"),
            }
        }
    }

    /// Reads up to the end of the session.
    pub(super) async fn end(&mut self) -> End {
        loop {
            if let Err(end) = self.next().await {
                return end;
            }
        }
    }

    /// The acknowledgement of a request, `event` with one argument.
    pub(super) async fn ask(&mut self, event: &str, argument: &str) -> String {
        self.send(&format!("427[\"{event}\",{argument}]")).await;
        self.until(|packet| packet.starts_with("437[")).await
    }
}

impl End {
    /// What the client of this transport learns of a close for a broken protocol.
    pub(super) fn is_protocol_error(&self) -> bool {
        // Who polls is told by a close packet if a GET waits, else it finds the session gone.
        matches!(self, Self::Code(1002) | Self::Told | Self::Refused(400, 1))
    }
}

/// Status and Engine.IO's code of a refusal, which has a message and says that it is JSON.
pub(super) fn refusal(answer: &Answer) -> (u16, u64) {
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_else(|_| panic!("{answer:?}"));
    assert_eq!(answer.header("content-type"), Some("application/json"));
    assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()), "{body}");
    (answer.status, body["code"].as_u64().unwrap_or_else(|| panic!("no code in {body}")))
}

async fn from_websocket(socket: &mut WebSocketStream<TcpStream>, limit: Duration) -> Result<String, End> {
    loop {
        let message = tokio::time::timeout(limit, socket.next()).await.expect("the server says nothing");
        match message {
            Some(Ok(Message::Text(text))) => return Ok(text.as_str().to_owned()),
            Some(Ok(Message::Binary(bytes))) => return Ok(format!("bytes {:?}", &bytes[..])),
            Some(Ok(Message::Close(frame))) => {
                return Err(frame.map_or(End::Broken, |frame| End::Code(frame.code.into())));
            }
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return Err(End::Broken),
        }
    }
}

async fn from_polling(session: &Polling, inbox: &mut VecDeque<String>) -> Result<String, End> {
    if inbox.is_empty() {
        let answer = session.poll().await.unwrap();
        if answer.status != 200 {
            let (status, code) = refusal(&answer);
            return Err(End::Refused(status, code));
        }
        inbox.extend(packets(&answer.text()));
    }
    match inbox.pop_front() {
        Some(packet) if packet == "1" => Err(End::Told),
        packet => Ok(packet.unwrap_or_default()),
    }
}
