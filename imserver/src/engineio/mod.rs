//! Engine.IO 3 and 4: sessions over long-polling and WebSocket, for any service on top.
//!
//! ```text
//! request ─► CORS ─► query ─┬─ no sid ─► admit ─► open a session (polling or WebSocket)
//!                           └─ sid ─────► GET, POST or upgrade of that session
//! ```
//!
//! It knows packets, not what is in them: Socket.IO, or the raw echo of the protocol's test suites, is a [`Service`].

mod body;
mod config;
mod cors;
mod elsewhere;
mod ids;
mod polling;
mod query;
mod refusal;
mod session;
mod sessions;
mod websocket;

pub(crate) use body::read_body;
pub use config::{Config, Cookie, Cors, SameSite, Transport};
pub use elsewhere::{Directory, Elsewhere};
pub(crate) use elsewhere::{LET_GO, PassedOn, Tunnel};
pub use ids::{Ids, incarnation};
pub use refusal::Refusal;
pub use session::Session;
pub use wire::engineio::{Data, Frame, Revision};

use self::query::Query;
use self::session::Opening;
use ::session::heartbeat::Periods;
use ::session::metrics::Connections;
use ::session::pump::Then;
use ::session::sweep::Sweep;
use ::session::{Clock, Millis};
use axum::body::Body;
pub(crate) use cors::Origin;
use futures_util::future::BoxFuture;
use http::request::Parts;
use http::{HeaderValue, Method, Request, Response, header};
use sessions::Sessions;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::CloseReason;
use wire::engineio;

/// What another process may take for a request, beyond its waiting for something to say.
const PASSING_ON: Duration = Duration::from_secs(5);

/// What lives on top of Engine.IO. Calls for one session come one after another.
pub trait Service: Sized + Send + Sync + 'static {
    /// What the service keeps of a session.
    type Client: Send + Sync;

    /// Decides on a handshake, before anything is allocated for it.
    ///
    /// # Errors
    /// The refusal that the client gets.
    fn admit(&self, request: &Parts, peer: SocketAddr, revision: Revision) -> Result<Self::Client, Refusal>;

    /// Whether a later request of a session comes from whom the handshake came from. Clients 1.x and 2.x show their
    /// session id to others as their socket id, so the id alone proves nothing for them.
    fn recognises(&self, client: &Self::Client, request: &Parts, peer: SocketAddr) -> bool;

    /// Whether a session is closed that does not satisfy [`Service::has_joined`] within the connect time-out.
    fn must_join(&self) -> bool;

    fn has_joined(&self, client: &Self::Client) -> bool;

    /// The session is open. Work it returns is done before the first message is looked at.
    fn opened(&self, session: &Arc<Session<Self>>) -> Then;

    /// One message. Work it returns is done before the next message is looked at.
    fn message(&self, session: &Arc<Session<Self>>, data: Data<'_>) -> Then;

    /// The session is over. Called once, after all its work.
    fn closed<'a>(&'a self, session: &'a Arc<Session<Self>>, reason: CloseReason) -> BoxFuture<'a, ()>;
}

/// What an engine is given.
pub struct Parameters {
    pub config: Config,
    /// Makes up the session ids.
    pub ids: Ids,
    /// The other processes of the cluster, if there are any.
    pub elsewhere: Option<Arc<Elsewhere>>,
    /// Bytes that may wait for one client.
    pub send_queue_bytes: usize,
    pub clock: Clock,
    /// Holds every task of the engine; whoever owns it waits for them at the end.
    pub tracker: TaskTracker,
    /// Ends the engine's own tasks.
    pub stopping: CancellationToken,
}

/// The engine: all sessions of this process for one service.
pub struct Engine<S: Service> {
    service: S,
    config: Config,
    ids: Ids,
    elsewhere: Option<Arc<Elsewhere>>,
    send_queue_bytes: usize,
    periods: Periods,
    ping: Frame,
    clock: Clock,
    sessions: Sessions<S>,
    sweep: Sweep<Session<S>>,
    metrics: Connections,
    tracker: TaskTracker,
    stopping: CancellationToken,
    draining: AtomicBool,
}

impl<S: Service> Engine<S> {
    /// An engine whose sweep runs until `stopping`.
    pub fn start(parameters: Parameters, service: S) -> Arc<Self> {
        let Parameters { config, ids, elsewhere, send_queue_bytes, clock, tracker, stopping } = parameters;
        let periods = Periods { interval: config.ping_interval_ms, timeout: config.ping_timeout_ms };
        let shortest = periods.interval.min(periods.timeout).min(config.connect_timeout_ms);
        let engine = Arc::new(Self {
            service,
            ids,
            elsewhere,
            send_queue_bytes,
            periods,
            ping: engineio::ping(),
            clock,
            sessions: Sessions::default(),
            sweep: Sweep::new(Sweep::<Session<S>>::tick_for(Millis::from(shortest))),
            metrics: Connections::new("imserver"),
            tracker,
            stopping,
            draining: AtomicBool::new(false),
            config,
        });
        let sweeping = engine.clone();
        engine.tracker.spawn(async move { sweeping.sweep.run(clock, sweeping.stopping.clone()).await });
        engine
    }

    pub fn service(&self) -> &S {
        &self.service
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Every session that is open now.
    pub fn sessions(&self) -> Vec<Arc<Session<S>>> {
        self.sessions.all()
    }

    /// Runs work beside the sessions' own; it is waited for at the end of the process.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        self.tracker.spawn(work);
    }

    /// From now on no new session is opened; those that are open go on.
    pub fn refuse_new(&self) {
        self.draining.store(true, Ordering::Release);
    }

    /// Serves one HTTP request at the engine's path.
    pub async fn handle(self: &Arc<Self>, mut request: Request<Body>, peer: SocketAddr) -> Response<Body> {
        let is_jsonp = query::is_jsonp(request.uri().query());
        let origin = self.config.cors.judge(request.headers(), is_jsonp);
        self.config.cors.withhold(&origin, is_jsonp, request.headers_mut());
        let mut response = if origin == Origin::Foreign {
            Refusal::forbidden("this origin may not connect").into_response()
        } else if request.method() == Method::OPTIONS {
            self.config.cors.preflight(request.headers())
        } else if let Some((elsewhere, owner, sid)) = self.owner_of(&request) {
            let patience = self.patience(request.method());
            let tasks = (&self.tracker, &self.stopping);
            match elsewhere.pass_on(&owner, &sid, request, peer, patience, tasks).await {
                // Dressed already, by the owner.
                Ok(response) => return response,
                Err(refusal) => refusal.into_response(),
            }
        } else {
            self.route(request, peer).await.unwrap_or_else(Refusal::into_response)
        };
        self.config.cors.dress(&origin, &mut response);
        response
    }

    async fn route(self: &Arc<Self>, request: Request<Body>, peer: SocketAddr) -> Result<Response<Body>, Refusal> {
        let (parts, body) = request.into_parts();
        let raw = parts.uri.query().unwrap_or_default();
        let query = Query::parse(raw, &self.config)?;
        let is_upgrade = websocket::is_upgrade(&parts.headers);
        let Some(sid) = query.sid.as_deref() else {
            let revision = query.handshake(&parts.method, &self.config)?;
            if is_upgrade != (query.transport == Transport::WebSocket) {
                return Err(Refusal::bad_request());
            }
            let opening = self.admit(&parts, peer, revision, query.base64)?;
            if is_upgrade {
                let mut request = Request::from_parts(parts, body);
                return self.open_websocket(&mut request, opening);
            }
            return self.open_polling(opening, &query).await;
        };
        let session = self.sessions.get(sid).ok_or_else(Refusal::unknown_session)?;
        if session.revision() == Revision::V3 && !self.service.recognises(session.client(), &parts, peer) {
            return Err(Refusal::forbidden("this session belongs to someone else"));
        }
        if is_upgrade {
            if query.transport != Transport::WebSocket || session.transport() != Transport::Polling {
                return Err(Refusal::bad_request());
            }
            let mut request = Request::from_parts(parts, body);
            return self.upgrade(&mut request, session);
        }
        if query.transport != Transport::Polling || session.transport() != Transport::Polling {
            return Err(Refusal::bad_request());
        }
        match parts.method {
            Method::GET => {
                let frames = polling::get(&session).await?;
                Ok(self.deliver(session.revision(), &frames, &query))
            }
            Method::POST => {
                let post = polling::Post::begin(&session)?;
                let max = self.config.max_payload_bytes;
                let body = body::read(&parts.headers, body, max, query.jsonp.is_some()).await?;
                self.post(post, body).await?;
                Ok(accepted(query.jsonp.is_some()))
            }
            _ => Err(Refusal::bad_request()),
        }
    }

    /// How long another process may take to answer: a GET waits for something to say, at most from one heartbeat to
    /// the time when the client is taken for dead.
    fn patience(&self, method: &Method) -> Duration {
        let periods = self.periods;
        let waiting = if method == Method::GET { periods.interval + periods.timeout } else { 0 };
        Duration::from_millis(waiting.into()) + PASSING_ON
    }

    fn admit(
        &self,
        parts: &Parts,
        peer: SocketAddr,
        revision: Revision,
        text_only: bool,
    ) -> Result<Opening<S::Client>, Refusal> {
        if self.draining.load(Ordering::Acquire) {
            return Err(Refusal::unavailable("this process is going away; connect again", 1_000));
        }
        let client = self.service.admit(parts, peer, revision)?;
        let query = parts.uri.query().unwrap_or_default().into();
        Ok(Opening { id: self.new_id()?, revision, text_only, query, client })
    }

    async fn open_polling(
        self: &Arc<Self>,
        opening: Opening<S::Client>,
        query: &Query<'_>,
    ) -> Result<Response<Body>, Refusal> {
        let session = Session::open(self, opening, None);
        let can_upgrade = query.jsonp.is_none() && self.config.transports.contains(&Transport::WebSocket);
        let upgrades: &[&str] = if can_upgrade { &["websocket"] } else { &[] };
        session.send(&[self.open_frame(&session, upgrades)], ::session::Weight::Firm);
        if let Then::Wait(work) = self.service.opened(&session) {
            self.tracker.spawn(work);
        }
        let frames = polling::get(&session).await?;
        let mut response = self.deliver(session.revision(), &frames, query);
        self.set_cookie(session.id(), &mut response);
        Ok(response)
    }

    /// The answer to a GET.
    fn deliver(&self, revision: Revision, frames: &[Frame], query: &Query<'_>) -> Response<Body> {
        let base64_only = query.base64 || query.jsonp.is_some();
        // Clients 1.x decode UTF-8 once more than 2.x do; in ASCII, JSON is the same for both.
        let ascii_json = revision == Revision::V3 && self.service.must_join();
        let (kind, payload) = engineio::encode_payload(revision, frames, base64_only, ascii_json);
        let (kind, payload) = match (query.jsonp, kind) {
            (Some(index), _) => {
                let script = jsonp_script(index, &payload);
                ("text/javascript; charset=UTF-8", script)
            }
            (None, engineio::ContentKind::Text) => ("text/plain; charset=UTF-8", payload),
            (None, engineio::ContentKind::Octets) => ("application/octet-stream", payload),
        };
        let mut response = Response::new(Body::from(payload));
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
        response
    }

    fn open_frame(&self, session: &Session<S>, upgrades: &[&str]) -> Frame {
        websocket::open_frame(self, session, upgrades)
    }

    fn set_cookie(&self, sid: &str, response: &mut Response<Body>) {
        let cookie = self.config.cookie.header(sid).and_then(|cookie| HeaderValue::from_str(&cookie).ok());
        if let Some(cookie) = cookie {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }

    fn new_id(&self) -> Result<Box<str>, Refusal> {
        self.ids.generate().map_err(|_| Refusal::unavailable("no random numbers are to be had", 1_000))
    }
}

fn jsonp_script(index: u32, payload: &[u8]) -> Vec<u8> {
    engineio::jsonp::wrap(index, &String::from_utf8_lossy(payload)).into_bytes()
}

/// The answer to a POST. A form is posted into a frame, which must not offer the answer for download.
fn accepted(is_jsonp: bool) -> Response<Body> {
    let mut response = Response::new(Body::from("ok"));
    let kind = if is_jsonp { "text/html" } else { "text/plain" };
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
