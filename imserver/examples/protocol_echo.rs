//! The handlers that the official protocol test suites of Engine.IO 3 and 4 and of Socket.IO 5 expect, so that anyone
//! can run a suite against this connection layer, and a few more for tests from outside.
//!
//! `cargo run -p imserver --example protocol_echo -- --listen 127.0.0.1:7101`
//!
//! - `/engine.io/` echoes raw Engine.IO messages.
//! - `/socket.io/` has the namespaces `/`, `/custom` and `/guarded` (wants auth `{"token": "letmein"}`).
//! - A handshake with `?deny=1` is refused.

use anyhow::Context as _;
use axum::Router;
use clap::Parser;
use futures_util::future::BoxFuture;
use http::request::Parts;
use imserver::engineio::{self, Data, Directory, Elsewhere, Engine, Frame, Ids, Parameters};
use imserver::engineio::{Refusal, Revision, Service, Session};
use imserver::socketio::{Admitted, Door, Event, Namespace, Rejection, Socket, SocketIo};
use serde::Deserialize;
use session::pump::Then;
use session::{Clock, Weight};
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::{CloseReason, ProcessId};

#[derive(Parser)]
struct Options {
    /// Where to listen; port 0 takes a free one.
    #[arg(long, default_value = "127.0.0.1:7101")]
    listen: SocketAddr,
    #[arg(long, default_value_t = 25_000)]
    ping_interval: u32,
    #[arg(long, default_value_t = 10_000)]
    ping_timeout: u32,
    #[arg(long, default_value_t = 1_000_000)]
    max_payload: usize,
    #[arg(long, default_value_t = 45_000)]
    connect_timeout: u32,
    #[arg(long, default_value_t = 10_000)]
    upgrade_timeout: u32,
    /// The first part of session ids.
    #[arg(long, default_value = "echo")]
    process_id: ProcessId,
    /// Where other instances pass requests on to.
    #[arg(long)]
    internal_listen: Option<SocketAddr>,
    /// Another instance and its internal listener, `ID=ADDR`; may be given several times.
    #[arg(long)]
    peer: Vec<String>,
    /// What the instances share.
    #[arg(long, default_value = "")]
    secret: String,
    /// An origin that may connect; may be given several times, `*` allows any.
    #[arg(long)]
    cors_origin: Vec<String>,
    /// Refuses clients 1.x and 2.x.
    #[arg(long)]
    no_eio3: bool,
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let options = Options::parse();
    let process = options.process_id.clone();
    let elsewhere = Elsewhere::new(directory(&options.peer)?, options.secret.as_bytes());
    let tracker = TaskTracker::new();
    let stopping = CancellationToken::new();
    let parameters = |path: &str| Parameters {
        config: config(&options, path),
        ids: Ids::new(process.clone(), INCARNATION, options.secret.as_bytes()),
        elsewhere: (!options.peer.is_empty()).then(|| elsewhere.clone()),
        send_queue_bytes: 16 << 20,
        clock: Clock::new(),
        tracker: tracker.clone(),
        stopping: stopping.clone(),
    };
    let echo = Engine::start(parameters("/engine.io/"), Echo);
    let io = Engine::start(parameters("/socket.io/"), socket_io(process.clone()));
    let listener = TcpListener::bind(options.listen).await.context("the address cannot be listened on")?;
    println!("listening http://{}", listener.local_addr()?);
    if let Some(address) = options.internal_listen {
        let internal = TcpListener::bind(address).await.context("the internal address cannot be listened on")?;
        let passed_on = Router::new().merge(imserver::http::passed_on(&echo)).merge(imserver::http::passed_on(&io));
        let (serving, stop) = (tracker.clone(), stopping.clone());
        tracker.spawn(async move { session::listener::serve(internal, passed_on, None, &serving, stop).await });
    }
    let router = Router::new().merge(imserver::http::router(&echo)).merge(imserver::http::router(&io));
    session::listener::serve(listener, router, None, &tracker, stopping).await;
    Ok(())
}

/// An instance is known by its id alone: nobody restarts one in the middle of a test.
const INCARNATION: &str = "only";

fn directory(peers: &[String]) -> anyhow::Result<Directory> {
    let mut known = BTreeMap::new();
    for peer in peers {
        let (process, address) = peer.split_once('=').context("write a peer as ID=ADDR")?;
        known.insert(process.parse::<ProcessId>()?, address.to_owned());
    }
    Ok(Arc::new(move |process| {
        let holder = known.get(&process).map(|address| (INCARNATION.into(), address.as_str().into()));
        Box::pin(std::future::ready(holder))
    }))
}

fn config(options: &Options, path: &str) -> engineio::Config {
    engineio::Config {
        path: path.into(),
        ping_interval_ms: options.ping_interval,
        ping_timeout_ms: options.ping_timeout,
        max_payload_bytes: options.max_payload,
        connect_timeout_ms: options.connect_timeout,
        upgrade_timeout_ms: options.upgrade_timeout,
        allow_eio3: !options.no_eio3,
        cors: engineio::Cors { origins: options.cors_origin.clone(), credentials: true },
        ..engineio::Config::default()
    }
}

/// Raw Engine.IO: every message comes back.
struct Echo;

impl Service for Echo {
    type Client = ();

    fn admit(&self, request: &Parts, _: SocketAddr, _: Revision) -> Result<(), Refusal> {
        deny_if_asked(request)
    }

    fn recognises(&self, (): &(), _: &Parts, _: SocketAddr) -> bool {
        true
    }

    fn must_join(&self) -> bool {
        false
    }

    fn has_joined(&self, (): &()) -> bool {
        true
    }

    fn opened(&self, _: &Arc<Session<Self>>) -> Then {
        Then::Continue
    }

    fn message(&self, session: &Arc<Session<Self>>, data: Data<'_>) -> Then {
        let frame = match &data {
            Data::Text(text) => Frame::message(text),
            Data::Binary(bytes) => Frame::binary(bytes),
        };
        session.send(&[frame], Weight::Firm);
        Then::Continue
    }

    fn closed<'a>(&'a self, _: &'a Arc<Session<Self>>, _: CloseReason) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }
}

fn socket_io(process: ProcessId) -> SocketIo {
    SocketIo::new(process)
        .guarded_by(Deny)
        .with(talking(Namespace::new("/")))
        .with(talking(Namespace::new("/custom")))
        .with(talking(Namespace::new("/guarded").connection_middleware(want_token)))
}

async fn want_token(socket: Socket) -> Result<(), Rejection> {
    #[derive(Deserialize)]
    struct Auth {
        token: String,
    }
    let auth = socket.auth().and_then(|auth| serde_json::from_str::<Auth>(auth.get()).ok());
    if auth.is_some_and(|auth| auth.token == "letmein") {
        return Ok(());
    }
    Err(Rejection::new("not authorized").with_data(&serde_json::json!({ "reason": "bad token" })))
}

/// What every namespace answers.
fn talking(namespace: Namespace) -> Namespace {
    namespace
        .on_connect(|socket| async move {
            socket.emit("auth", &(auth_of(&socket),));
        })
        .on("message", |socket, event| async move {
            socket.emit_raw("message-back", &event.args);
        })
        .on("message-with-ack", |_, event| async move {
            if let Some(ack) = event.ack {
                ack.send_raw(&event.args);
            }
        })
        .on("emit-with-ack", |socket, event| async move {
            // The client's answer comes behind this event, so it is waited for beside the handlers, not in one.
            socket.clone().spawn(ask_back(socket, event));
        })
        .on("broadcast", |socket, event| async move {
            socket.namespace().emit_raw("broadcast", &event.args);
        })
        .on("whoami", |socket, event| async move {
            let query: BTreeMap<_, _> = form_urlencoded::parse(socket.query().as_bytes()).into_owned().collect();
            event.acknowledge(&(serde_json::json!({ "auth": auth_of(&socket), "query": query }),));
        })
        .on("kick", |socket, _| async move { socket.disconnect_and_close(CloseReason::ServerClosed) })
        .on("leave-ns", |socket, _| async move { socket.disconnect() })
}

/// What the client sent along when it joined; an empty object if nothing.
fn auth_of(socket: &Socket) -> serde_json::Value {
    socket.auth().and_then(|auth| serde_json::from_str(auth.get()).ok()).unwrap_or_else(|| serde_json::json!({}))
}

/// Emits the same to the client with a wish for an answer; the answer is acknowledged, or emitted where the client did
/// not ask for an acknowledgement itself.
async fn ask_back(socket: Socket, event: Event) {
    let answer = socket.emit_raw_with_ack("emit-with-ack", &event.args, Duration::from_secs(10)).await;
    match (answer, event.ack) {
        (Ok(answer), Some(ack)) => ack.send_raw(&answer),
        (Ok(answer), None) => {
            socket.emit_raw("emit-with-ack", &answer);
        }
        (Err(error), _) => eprintln!("no answer from {}: {error}", socket.id()),
    }
}

/// Refuses a handshake that asks to be refused.
struct Deny;

impl Door for Deny {
    fn admit(&self, request: &Parts, _: SocketAddr) -> Result<Admitted, Refusal> {
        deny_if_asked(request)?;
        Ok(Arc::new(()))
    }

    fn recognises(&self, _: &Admitted, _: &Parts, _: SocketAddr) -> bool {
        true
    }
}

fn deny_if_asked(request: &Parts) -> Result<(), Refusal> {
    let query = request.uri.query().unwrap_or_default();
    let denied = form_urlencoded::parse(query.as_bytes()).any(|(key, value)| key == "deny" && value == "1");
    if denied { Err(Refusal::forbidden("Forbidden")) } else { Ok(()) }
}
