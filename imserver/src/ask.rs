//! Asks another process who it is: a process that finds its own id taken must know whether the holder lives.

use crate::internal::Identity;
use bus::Holder;
use http::{Request, header};
use http_body_util::{BodyExt, Empty, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A process that lives answers in milliseconds; one that hangs must not keep its successor from starting.
const PATIENCE: Duration = Duration::from_millis(800);

/// An answer is two names.
const MAX_ANSWER_BYTES: usize = 4_096;

/// Whether the holder of an id answers at its internal listener, as that very incarnation.
pub(crate) async fn is_alive(holder: Holder) -> bool {
    let Ok(Some(identity)) = timeout(PATIENCE, ask(&holder.address)).await else { return false };
    identity.process == holder.process && identity.incarnation == holder.incarnation
}

async fn ask(address: &str) -> Option<Identity> {
    let stream = TcpStream::connect(address).await.ok()?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.ok()?;
    let request = Request::get("/internal/v1/process").header(header::HOST, address);
    let request = request.body(Empty::<bytes::Bytes>::new()).ok()?;
    let answering = async {
        let answer = sender.send_request(request).await.ok()?;
        let body = Limited::new(answer.into_body(), MAX_ANSWER_BYTES).collect().await.ok()?;
        serde_json::from_slice(&body.to_bytes()).ok()
    };
    tokio::select! {
        identity = answering => identity,
        // Nothing is answered on a connection that has ended.
        _ = connection => None,
    }
}
