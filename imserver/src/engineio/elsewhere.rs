//! Requests for sessions of other processes: passed on to whoever holds the session, over its internal listener.
//!
//! ```text
//! client ─► any process ── no such session here; the id names its owner ──► owner's internal listener
//!                 ◄─────────────── answer, or a tunnel of bytes for a WebSocket ◄──┘
//! ```
//!
//! One hop at most: what came from another process is never passed on again. An owner that is gone, or is not the start
//! of the process that made the id, is a session that is unknown, and the client is told so at once.

use super::Service;
use super::ids::Owner;
use super::refusal::Refusal;
use super::session::Session;
use crate::metrics;
use axum::body::Body;
use futures_util::future::BoxFuture;
use hmac::{Hmac, KeyInit, Mac};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, header};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use parking_lot::Mutex;
use sha2::Sha256;
use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::ProcessId;

/// A process of the cluster that does not take a connection by then is as good as gone.
const CONNECT: Duration = Duration::from_millis(300);

/// How long is believed who holds a process id. A successor is another incarnation, so that a stale answer misleads
/// nobody.
const KNOWN_FOR: Duration = Duration::from_secs(1);

/// Kept ready to one process; each costs both sides a socket and a buffer.
const IDLE_CONNECTIONS: usize = 64;

/// Less than the other side waits for a next request.
const IDLE_FOR: Duration = Duration::from_secs(20);

/// What one direction of a tunnel holds on its way.
const TUNNEL_BYTES: usize = 8 * 1024;

/// What is still on its way when one side of a tunnel has ended.
const GOODBYE: Duration = Duration::from_secs(2);

/// Proves that a request comes from a process of the cluster.
const SECRET: HeaderName = HeaderName::from_static("im-forward-secret");

/// The client's address, as the process that the client reached knows it.
const CLIENT: HeaderName = HeaderName::from_static("im-forward-for");

/// Meant for the next hop alone (RFC 9110, section 7.6.1).
const HOP_BY_HOP: [HeaderName; 6] = [
    header::CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
];

/// Says which start of a process holds its id now, and where its internal listener is.
pub type Directory = Arc<dyn Fn(ProcessId) -> BoxFuture<'static, Option<(Box<str>, Box<str>)>> + Send + Sync>;

/// A request that another process has passed on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PassedOn;

/// The way to the other processes.
pub struct Elsewhere {
    directory: Directory,
    secret: HeaderValue,
    client: Client<HttpConnector, Body>,
    known: Mutex<HashMap<ProcessId, Known>>,
    tunnels: Mutex<HashMap<u64, Tunnel>>,
}

struct Known {
    since: Instant,
    /// Incarnation and address.
    holder: Option<(Box<str>, Box<str>)>,
}

/// A WebSocket that ends here and whose session is elsewhere.
#[derive(Debug, Clone)]
pub(crate) struct Tunnel {
    address: Box<str>,
    sid: Box<str>,
}

impl Elsewhere {
    /// All processes of a cluster have the same secret; it does not travel itself.
    pub fn new(directory: Directory, secret: &[u8]) -> Arc<Self> {
        let mut connector = HttpConnector::new();
        connector.set_connect_timeout(Some(CONNECT));
        connector.set_nodelay(true);
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_max_idle_per_host(IDLE_CONNECTIONS).pool_idle_timeout(IDLE_FOR);
        builder.pool_timer(hyper_util::rt::TokioTimer::new());
        let client = builder.build(connector);
        let (known, tunnels) = (Mutex::default(), Mutex::default());
        Arc::new(Self { directory, secret: proof(secret), client, known, tunnels })
    }

    /// Whether a request was passed on by a process of this cluster, and for which client.
    pub(crate) fn client_of(&self, headers: &HeaderMap) -> Option<SocketAddr> {
        let given = headers.get(SECRET)?;
        // Digests are compared, so that the time taken says nothing about the secret.
        let digest = |value: &HeaderValue| keyed(b"compare").chain_update(value.as_bytes()).finalize().into_bytes();
        if digest(given) != digest(&self.secret) {
            return None;
        }
        headers.get(CLIENT)?.to_str().ok()?.parse().ok()
    }

    /// Passes a request on to the owner of its session. `patience` is how long the answer may take.
    pub(super) async fn pass_on(
        self: &Arc<Self>,
        owner: &Owner,
        sid: &str,
        mut request: Request<Body>,
        peer: SocketAddr,
        patience: Duration,
        tasks: (&TaskTracker, &CancellationToken),
    ) -> Result<Response<Body>, Refusal> {
        let Some(address) = self.address_of(owner).await else {
            metrics::passed_on("unknown");
            return Err(Refusal::unknown_session());
        };
        let is_upgrade = super::websocket::is_upgrade(request.headers());
        let from_client = hyper::upgrade::on(&mut request);
        let Some(request) = self.readdressed(request, &address, peer, is_upgrade) else {
            return Err(Refusal::bad_request());
        };
        let mut response = match timeout(patience, self.client.request(request)).await {
            Ok(Ok(response)) => response,
            outcome => {
                let error = outcome.map_or_else(|_| "no answer in time".to_owned(), |failed| format!("{failed:?}"));
                tracing::debug!(process = %owner.process, %address, error, "a request could not be passed on");
                metrics::passed_on("unreachable");
                self.known.lock().remove(&owner.process);
                return Err(Refusal::unknown_session());
            }
        };
        metrics::passed_on("answered");
        if is_upgrade && response.status() == StatusCode::SWITCHING_PROTOCOLS {
            let from_owner = hyper::upgrade::on(&mut response);
            let (elsewhere, stop) = (self.clone(), tasks.1.clone());
            let tunnel = Tunnel { address, sid: sid.into() };
            tasks.0.spawn(async move {
                let _open = elsewhere.note(tunnel);
                stop.run_until_cancelled(carry(from_client, from_owner)).await;
            });
        } else {
            without_hop_by_hop(response.headers_mut());
        }
        Ok(response.map(Body::new))
    }

    /// The WebSockets that are tunnelled now.
    pub(crate) fn tunnels(&self) -> Vec<Tunnel> {
        self.tunnels.lock().values().cloned().collect()
    }

    /// Asks the owner of a tunnelled session to let its client go. If it does not, the tunnel ends with this process.
    pub(crate) async fn let_go(&self, tunnel: &Tunnel, retry_after_ms: u64) {
        let sid = form_urlencoded::byte_serialize(tunnel.sid.as_bytes()).collect::<String>();
        let uri = format!("http://{}{LET_GO}?sid={sid}&retry_after_ms={retry_after_ms}", tunnel.address);
        let request = Request::post(uri).header(SECRET, self.secret.clone()).header(CLIENT, "0.0.0.0:0");
        let Ok(request) = request.body(Body::empty()) else { return };
        if timeout(Duration::from_secs(1), self.client.request(request)).await.is_err() {
            tracing::debug!(address = %tunnel.address, "an owner did not answer the wish to let a client go");
        }
    }

    async fn address_of(&self, owner: &Owner) -> Option<Box<str>> {
        let matching = |holder: &Option<(Box<str>, Box<str>)>| {
            let (incarnation, address) = holder.as_ref()?;
            (*incarnation == owner.incarnation && !address.is_empty()).then(|| address.clone())
        };
        if let Some(known) = self.known.lock().get(&owner.process)
            && known.since.elapsed() < KNOWN_FOR
        {
            return matching(&known.holder);
        }
        let holder = (self.directory)(owner.process.clone()).await;
        let address = matching(&holder);
        self.known.lock().insert(owner.process.clone(), Known { since: Instant::now(), holder });
        address
    }

    /// The same request for the owner: path, query and body as they came.
    fn readdressed(
        &self,
        request: Request<Body>,
        address: &str,
        peer: SocketAddr,
        is_upgrade: bool,
    ) -> Option<Request<Body>> {
        let (mut parts, body) = request.into_parts();
        let path = parts.uri.path_and_query()?.clone();
        parts.uri = Uri::builder().scheme("http").authority(address).path_and_query(path).build().ok()?;
        without_hop_by_hop(&mut parts.headers);
        if is_upgrade {
            parts.headers.insert(header::CONNECTION, HeaderValue::from_static("Upgrade"));
        }
        parts.headers.insert(SECRET, self.secret.clone());
        parts.headers.insert(CLIENT, HeaderValue::from_str(&peer.to_string()).ok()?);
        parts.extensions.clear();
        Some(Request::from_parts(parts, body))
    }

    fn note(self: &Arc<Self>, tunnel: Tunnel) -> OpenTunnel {
        let mut tunnels = self.tunnels.lock();
        let number = (0..).find(|number| !tunnels.contains_key(number)).unwrap_or_default();
        tunnels.insert(number, tunnel);
        metrics::tunnels(tunnels.len());
        OpenTunnel { elsewhere: self.clone(), number }
    }
}

/// Where an owner is asked to let a client go.
pub(crate) const LET_GO: &str = "/internal/v1/let-go";

/// Takes the note of a tunnel back when it ends.
struct OpenTunnel {
    elsewhere: Arc<Elsewhere>,
    number: u64,
}

impl Drop for OpenTunnel {
    fn drop(&mut self) {
        let mut tunnels = self.elsewhere.tunnels.lock();
        tunnels.remove(&self.number);
        metrics::tunnels(tunnels.len());
    }
}

/// Byte for byte, both ways, until either side has ended; the end is passed on, and the other side may still answer it.
async fn carry(client: hyper::upgrade::OnUpgrade, owner: hyper::upgrade::OnUpgrade) {
    let (Ok(client), Ok(owner)) = tokio::join!(client, owner) else { return };
    let (mut from_client, mut to_client) = tokio::io::split(TokioIo::new(client));
    let (mut from_owner, mut to_owner) = tokio::io::split(TokioIo::new(owner));
    let mut upwards = std::pin::pin!(copy(&mut from_client, &mut to_owner));
    let mut downwards = std::pin::pin!(copy(&mut from_owner, &mut to_client));
    tokio::select! {
        () = &mut upwards => timeout(GOODBYE, downwards).await.ok(),
        () = &mut downwards => timeout(GOODBYE, upwards).await.ok(),
    };
}

async fn copy(from: &mut (impl AsyncRead + Unpin), to: &mut (impl AsyncWrite + Unpin)) {
    let mut from = BufReader::with_capacity(TUNNEL_BYTES, from);
    if let Err(error) = tokio::io::copy_buf(&mut from, to).await {
        tracing::debug!(%error, "a tunnel broke");
    }
    to.shutdown().await.ok();
}

fn without_hop_by_hop(headers: &mut HeaderMap) {
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

fn proof(secret: &[u8]) -> HeaderValue {
    let mac = keyed(secret).chain_update(b"passed on").finalize().into_bytes();
    let hex: String = mac.iter().map(|byte| format!("{byte:02x}")).collect();
    HeaderValue::from_str(&hex).unwrap_or_else(|_| HeaderValue::from_static(""))
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    // HMAC takes keys of any length (RFC 2104, section 3).
    Hmac::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&Default::default()))
}

/// The session id of a request, as its query has it.
pub(super) fn sid_of<B>(request: &Request<B>) -> Option<String> {
    let query = request.uri().query()?;
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(key, _)| key == "sid").map(|(_, sid)| sid.into_owned())
}

impl<S: Service> super::Engine<S> {
    /// Where a request belongs, if it is not for here.
    pub(super) fn owner_of(&self, request: &Request<Body>) -> Option<(Arc<Elsewhere>, Owner, String)> {
        let elsewhere = self.elsewhere.as_ref()?;
        if request.method() == Method::OPTIONS || request.extensions().get::<PassedOn>().is_some() {
            return None;
        }
        let sid = sid_of(request)?;
        if self.sessions.get(&sid).is_some() {
            return None;
        }
        Some((elsewhere.clone(), self.ids.elsewhere(&sid)?, sid))
    }

    /// A session of this process.
    pub(crate) fn session(&self, sid: &str) -> Option<Arc<Session<S>>> {
        self.sessions.get(sid)
    }

    /// The way to the other processes, if there are any.
    pub(crate) fn elsewhere(&self) -> Option<&Arc<Elsewhere>> {
        self.elsewhere.as_ref()
    }
}
