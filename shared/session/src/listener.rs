//! Accepting HTTP connections: bounded buffers, a time limit for the request head, upgrades, and an end in order.

use crate::limits::{Limits, Ticket};
use crate::proxies::Proxies;
use crate::stream::Stream;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::Service;
use tracing::{debug, warn};

/// Who sends a request: the other end of the TCP connection, or whom a trusted proxy names. An extension of each
/// request.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// What a listener that the public reaches is held to.
#[derive(Clone, Copy)]
pub struct Public<'a> {
    /// Connections beyond them are closed as they come.
    pub limits: &'a Limits,
    /// Who is believed about the addresses of clients.
    pub proxies: &'a Proxies,
}

/// How long a client may take for its request head (and an idle keep-alive connection for its next request).
const HEAD_TIMEOUT: Duration = Duration::from_secs(30);

/// A peer that takes none of what it was sent for this long is gone, and what waits for it in memory goes with it
/// (TCP_USER_TIMEOUT: the kernel ends the connection).
const UNREAD_TIMEOUT: Duration = Duration::from_secs(20);

/// hyper's read buffer per connection: the largest request head, and what an idle keep-alive connection costs.
const READ_BUFFER: usize = 16 * 1024;

/// Accepts and serves until `stop`; connections already accepted finish the request they are in. The tracker holds
/// every connection's task.
pub async fn serve<S, B>(
    listener: TcpListener,
    service: S,
    public: Option<Public<'_>>,
    tracker: &TaskTracker,
    stop: CancellationToken,
) where
    S: Service<Request<Incoming>, Response = http::Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    while let Some(accepted) = stop.run_until_cancelled(listener.accept()).await {
        match accepted {
            Ok((stream, peer)) => {
                let ticket = public.map(|public| public.accept(peer));
                if matches!(ticket, Some(None)) {
                    continue;
                }
                // An answer must not wait for the peer's delayed acknowledgement. Both fail only on a dead socket.
                stream.set_nodelay(true).ok();
                socket2::SockRef::from(&stream).set_tcp_user_timeout(Some(UNREAD_TIMEOUT)).ok();
                let proxies = public.map(|public| public.proxies.clone()).unwrap_or_default();
                let serving = connection(stream, peer, proxies, service.clone(), stop.clone());
                tracker.spawn(async move {
                    serving.await;
                    // Given back when the connection ends, or is no HTTP any more.
                    drop(ticket);
                });
            }
            Err(error) => {
                warn!(%error, "accepting a connection failed");
                // Out of file descriptors: connections must end before more can begin.
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
}

impl Public<'_> {
    fn accept(&self, peer: SocketAddr) -> Option<Ticket> {
        let address = peer.ip().to_canonical();
        if self.proxies.trusts(address) { self.limits.accept_proxy(address) } else { self.limits.accept(address) }
    }
}

async fn connection<S, B>(stream: TcpStream, peer: SocketAddr, proxies: Proxies, service: S, stop: CancellationToken)
where
    S: Service<Request<Incoming>, Response = http::Response<B>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: http_body::Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
{
    let service = hyper::service::service_fn(move |mut request: Request<Incoming>| {
        let client = Peer(proxies.client(peer, request.headers()));
        request.extensions_mut().insert(client);
        let mut service = service.clone();
        async move { service.call(request).await }
    });
    let mut builder = http1::Builder::new();
    builder.timer(TokioTimer::new()).header_read_timeout(HEAD_TIMEOUT).max_buf_size(READ_BUFFER);
    let served = builder.serve_connection(TokioIo::new(Stream::new(stream)), service).with_upgrades();
    let mut served = std::pin::pin!(served);
    let outcome = match stop.run_until_cancelled(served.as_mut()).await {
        Some(outcome) => outcome,
        None => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = outcome {
        debug!(%error, %peer, "connection ended");
    }
}
