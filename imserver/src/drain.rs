//! Letting the clients go when the process must: told and closed one after another over a window, so that they do not
//! all come back at once.

use crate::engineio::{Engine, Session};
use crate::protocol;
use crate::socketio::SocketIo;
use node::{Drain, Schedule, Shutdown};
use session::Clock;
use std::sync::Arc;
use std::time::Duration;
use types::CloseReason;

/// How often the stragglers are looked for once everyone was told.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

/// Waits for the drain to begin and carries it out; returns when nobody is left or time is up.
pub(crate) async fn run(engine: &Arc<Engine<SocketIo>>, server: &node::config::Server, shutdown: &Shutdown) {
    shutdown.draining().cancelled().await;
    engine.refuse_new();
    let sessions = engine.sessions();
    tracing::info!(sessions = sessions.len(), window_ms = server.drain_window_ms, "letting clients go");
    let clock = Clock::new();
    let schedule = Schedule::new(sessions.len(), server.drain_window_ms, std::process::id().into());
    let mut drain = Drain::new(schedule.clone(), clock.now(), server.drain_deadline_ms);
    let mut told = 0;
    while let Some(next) = drain.next_ms() {
        let sleep = tokio::time::sleep_until(clock.instant(next).into());
        if shutdown.over().run_until_cancelled(sleep).await.is_none() {
            break;
        }
        let due = drain.due(clock.now());
        for (index, session) in sessions.iter().enumerate().take(due).skip(told) {
            let_go(session, schedule.retry_after_ms(index, server.drain_retry_spread_ms));
        }
        told = due;
    }
    drop(sessions);
    while !engine.sessions().is_empty() && !shutdown.over().is_cancelled() {
        // Handshakes that were under way when the drain began.
        for session in engine.sessions().iter().filter(|session| session.is_open()) {
            let_go(session, server.drain_retry_spread_ms);
        }
        shutdown.over().run_until_cancelled(tokio::time::sleep(LOOK_AGAIN)).await;
    }
    shutdown.finish();
}

fn let_go(session: &Arc<Session<SocketIo>>, retry_after_ms: u64) {
    for socket in session.client().sockets() {
        protocol::drain(&socket, retry_after_ms);
    }
    session.close(CloseReason::Drain);
}
