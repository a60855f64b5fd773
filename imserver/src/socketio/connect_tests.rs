//! Logins that come to nothing leave nothing behind.

use crate::engineio::{Config, Engine, Parameters};
use crate::socketio::{Namespace, Rejection, Socket, SocketIo};
use axum::body::{Body, to_bytes};
use http::{Request, StatusCode};
use parking_lot::Mutex;
use session::Clock;
use std::sync::{Arc, Weak};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use types::CloseReason;

/// What an application attaches: it knows the socket that holds it.
struct Window {
    _socket: Socket,
}

/// Logs in over polling, through a middleware that attaches a window and then decides; what became of the window.
async fn log_in(decide: fn(&Socket) -> Result<(), Rejection>) -> Weak<Window> {
    let attached: Arc<Mutex<Weak<Window>>> = Arc::default();
    let attaching = attached.clone();
    let namespace = Namespace::new("/").connection_middleware(move |socket: Socket| {
        let window = Arc::new(Window { _socket: socket.clone() });
        *attaching.lock() = Arc::downgrade(&window);
        socket.attach(window);
        std::future::ready(decide(&socket))
    });
    let parameters = Parameters {
        config: Config::default(),
        ids: crate::engineio::Ids::new("test".parse().unwrap(), "start", b"secret"),
        elsewhere: None,
        send_queue_bytes: 1 << 20,
        clock: Clock::new(),
        tracker: TaskTracker::new(),
        stopping: CancellationToken::new(),
    };
    let engine = Engine::start(parameters, SocketIo::new("test".parse().unwrap()).with(namespace));
    let peer = ([127, 0, 0, 1], 1).into();
    let path = "/socket.io/?EIO=4&transport=polling";
    let opened = engine.handle(Request::get(path).body(Body::empty()).unwrap(), peer).await;
    let open = String::from_utf8(to_bytes(opened.into_body(), 1_000).await.unwrap().into()).unwrap();
    let sid = open.split('"').nth(3).unwrap();
    let joining = Request::post(format!("{path}&sid={sid}")).body(Body::from("40")).unwrap();
    assert_eq!(engine.handle(joining, peer).await.status(), StatusCode::OK);
    attached.lock().clone()
}

#[tokio::test]
async fn who_is_let_in_keeps_what_was_attached() {
    assert!(log_in(|_| Ok(())).await.upgrade().is_some());
}

#[tokio::test]
async fn a_connection_that_ends_during_its_login_is_forgotten() {
    let window = log_in(|socket| {
        socket.session().close(CloseReason::Kicked);
        Ok(())
    });
    assert!(window.await.upgrade().is_none());
}

#[tokio::test]
async fn who_is_refused_after_something_was_attached_is_forgotten() {
    assert!(log_in(|_| Err(Rejection::new("not today"))).await.upgrade().is_none());
}
