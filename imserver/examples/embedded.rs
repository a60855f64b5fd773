//! An application of its own on this connection layer, without touching imserver: a namespace that only lets in who
//! knows a pass phrase, and a packet middleware that decrypts every payload (AES-256-GCM, a key per session).
//!
//! `cargo run -p imserver --example embedded -- 127.0.0.1:7102`
//!
//! A client joins `/vault` with auth `{"pass": "open sesame"}`, is told its key by the event `key {key: base64}`, and
//! from then on emits `(iv, ciphertext)`, both binary. The handler behind the middleware sees the plain payload.

use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use axum::Router;
use base64::Engine as _;
use imserver::engineio::{Config, Engine, Ids, Parameters, incarnation};
use imserver::socketio::{Args, Event, Namespace, Rejection, Socket, SocketIo};
use serde::Deserialize;
use session::Clock;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::ProcessId;

/// What the application keeps with a socket.
struct SessionKey(Aes256Gcm);

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let address = std::env::args().nth(1).unwrap_or_else(|| "127.0.0.1:7102".into());
    let process: ProcessId = "vault".parse()?;
    let (tracker, stopping) = (TaskTracker::new(), CancellationToken::new());
    let parameters = Parameters {
        config: Config::default(),
        ids: Ids::new(process.clone(), &incarnation()?, &[]),
        elsewhere: None,
        send_queue_bytes: 1 << 20,
        clock: Clock::new(),
        tracker: tracker.clone(),
        stopping: stopping.clone(),
    };
    let engine = Engine::start(parameters, SocketIo::new(process).with(vault()));
    let listener = TcpListener::bind(&address).await?;
    println!("listening http://{}", listener.local_addr()?);
    let router = Router::new().merge(imserver::http::router(&engine));
    session::listener::serve(listener, router, None, &tracker, stopping).await;
    Ok(())
}

fn vault() -> Namespace {
    Namespace::new("/vault")
        .connection_middleware(want_pass_phrase)
        .on_connect(hand_out_key)
        .packet_middleware(decrypt)
        .on("note", |socket, event| async move {
            let note: String = event.args.get(0).unwrap_or_default();
            socket.join("readers");
            socket.namespace().emit_to("readers", "noted", &(&note,));
            event.acknowledge(&(note.chars().count(),));
        })
        .on_error(|socket, rejection| async move {
            socket.emit("refused", &(rejection.message,));
        })
        .on("glance", |socket, _| async move {
            // Worth something only now: dropped for a client that is behind.
            socket.emit_volatile("glimpse", &("you are here",));
        })
        .on_disconnecting(|socket, reason| async move {
            println!("{} leaves {:?}: {reason}", socket.id(), socket.rooms());
        })
        .on_disconnect(|socket, reason| async move {
            println!("{} has left, {} stay: {reason}", socket.id(), socket.namespace().sockets().len());
        })
}

async fn want_pass_phrase(socket: Socket) -> Result<(), Rejection> {
    #[derive(Deserialize)]
    struct Auth {
        pass: String,
    }
    let auth = socket.auth().and_then(|auth| serde_json::from_str::<Auth>(auth.get()).ok());
    match auth {
        Some(auth) if auth.pass == "open sesame" => Ok(()),
        _ => Err(Rejection::new("not authorized").with_data(&serde_json::json!({ "reason": "wrong pass phrase" }))),
    }
}

async fn hand_out_key(socket: Socket) {
    let mut key = [0; 32];
    if getrandom::fill(&mut key).is_err() {
        return socket.disconnect();
    }
    socket.attach(Arc::new(SessionKey(Aes256Gcm::new(&key.into()))));
    let key = base64::prelude::BASE64_STANDARD.encode(key);
    socket.emit("key", &(serde_json::json!({ "key": key }),));
}

/// Turns `(iv, ciphertext)` into the arguments that were encrypted: a JSON array.
async fn decrypt(socket: Socket, mut event: Event) -> Result<Event, Rejection> {
    let key: Arc<SessionKey> = socket.attached().ok_or_else(|| Rejection::new("there is no key yet"))?;
    let (Some(iv), Some(ciphertext)) = (event.args.attachment(0), event.args.attachment(1)) else {
        return Err(Rejection::new("send the iv and the ciphertext, both binary"));
    };
    let iv: [u8; 12] = iv[..].try_into().map_err(|_| Rejection::new("an iv has 12 bytes"))?;
    let plain = key.0.decrypt(&Nonce::from(iv), &ciphertext[..]);
    let plain = plain.map_err(|_| Rejection::new("the payload was not encrypted with this session's key"))?;
    let plain = String::from_utf8(plain).map_err(|_| Rejection::new("the payload is not text"))?;
    event.args = Args::from_json(&plain, Vec::new()).map_err(|_| Rejection::new("the payload is not a JSON array"))?;
    Ok(event)
}
