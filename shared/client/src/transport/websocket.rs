//! Engine.IO over a WebSocket: a packet a message.

use super::{Address, MAX_INCOMING, Packet, refused};
use crate::lifeline::Lost;
use futures_util::{SinkExt, StreamExt};
use http::header::{HOST, RETRY_AFTER};
use std::collections::VecDeque;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::net::TcpStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::Error;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

pub(crate) struct WebSocket {
    stream: WebSocketStream<TcpStream>,
    out: VecDeque<String>,
}

impl WebSocket {
    pub(super) async fn open(address: &Address) -> Result<Self, Lost> {
        let tcp = super::http1::connect(address).await?;
        let uri = format!("ws://{}{}", address.authority, address.target("websocket", None));
        let mut request = uri.into_client_request().map_err(|_| Lost::Protocol)?;
        let host = address.authority.parse().map_err(|_| Lost::Protocol)?;
        request.headers_mut().insert(HOST, host);
        // Thousands of clients fit into a process only with small buffers; larger messages make theirs grow.
        let config = WebSocketConfig::default()
            .read_buffer_size(4096)
            .write_buffer_size(0)
            .max_message_size(Some(MAX_INCOMING))
            .max_frame_size(Some(MAX_INCOMING));
        match tokio_tungstenite::client_async_with_config(request, tcp, Some(config)).await {
            Ok((stream, _)) => Ok(Self { stream, out: VecDeque::new() }),
            Err(Error::Http(answer)) => {
                let retry_after = answer.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
                let body = answer.body().as_deref().unwrap_or_default();
                Err(refused(answer.status().as_u16(), retry_after, body, true))
            }
            Err(Error::Io(_)) => Err(Lost::Broken),
            Err(_) => Err(Lost::NoWebSocket),
        }
    }

    pub(super) fn send(&mut self, packet: String) {
        self.out.push_back(packet);
    }

    pub(super) fn poll_packet(&mut self, cx: &mut Context<'_>) -> Poll<Result<Packet, Lost>> {
        if let Err(lost) = self.write(cx) {
            return Poll::Ready(Err(lost));
        }
        loop {
            let message = match self.stream.poll_next_unpin(cx) {
                Poll::Ready(message) => message,
                Poll::Pending => return Poll::Pending,
            };
            let packet = match message {
                Some(Ok(Message::Text(text))) => Ok(Packet::Text(text)),
                Some(Ok(Message::Binary(bytes))) => Ok(Packet::Binary(bytes)),
                Some(Ok(Message::Close(frame))) => {
                    Err(frame.map_or(Lost::PutOut, |frame| Lost::Closed(frame.code.into())))
                }
                Some(Ok(_)) => continue,
                Some(Err(error)) => Err(lost(&error)),
                None => Err(Lost::Broken),
            };
            return Poll::Ready(packet);
        }
    }

    pub(super) async fn close(mut self) {
        for packet in std::mem::take(&mut self.out) {
            self.stream.feed(Message::text(packet)).await.ok();
        }
        self.stream.close(None).await.ok();
        // Until the server has closed too: what was said is then read.
        while let Some(Ok(_)) = self.stream.next().await {}
    }

    fn write(&mut self, cx: &mut Context<'_>) -> Result<(), Lost> {
        let mut stream = Pin::new(&mut self.stream);
        while !self.out.is_empty() {
            match stream.poll_ready_unpin(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(error)) => return Err(lost(&error)),
                Poll::Pending => break,
            }
            if let Some(packet) = self.out.pop_front() {
                stream.start_send_unpin(Message::text(packet)).map_err(|error| lost(&error))?;
            }
        }
        match stream.poll_flush_unpin(cx) {
            Poll::Ready(Err(error)) => Err(lost(&error)),
            _ => Ok(()),
        }
    }
}

fn lost(error: &Error) -> Lost {
    match error {
        Error::Protocol(tokio_tungstenite::tungstenite::error::ProtocolError::ResetWithoutClosingHandshake)
        | Error::ConnectionClosed
        | Error::AlreadyClosed
        | Error::Io(_) => Lost::Broken,
        _ => Lost::Protocol,
    }
}
