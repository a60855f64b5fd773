//! Letting the clients go when the process must: told and closed one after another over a window, so that they do not
//! all come back at once.

use crate::engineio::{Engine, Session, Tunnel};
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
    let mut leaving: Vec<Leaving> = engine.sessions().into_iter().map(Leaving::Session).collect();
    leaving.extend(tunnels(engine).into_iter().map(Leaving::Tunnel));
    tracing::info!(clients = leaving.len(), window_ms = server.drain_window_ms, "letting clients go");
    let clock = Clock::new();
    let schedule = Schedule::new(leaving.len(), server.drain_window_ms, std::process::id().into());
    let mut drain = Drain::new(schedule.clone(), clock.now(), server.drain_deadline_ms);
    let mut told = 0;
    while let Some(next) = drain.next_ms() {
        let sleep = tokio::time::sleep_until(clock.instant(next).into());
        if shutdown.over().run_until_cancelled(sleep).await.is_none() {
            break;
        }
        let due = drain.due(clock.now());
        for (index, client) in leaving.iter().enumerate().take(due).skip(told) {
            let retry_after_ms = schedule.retry_after_ms(index, server.drain_retry_spread_ms);
            match client {
                Leaving::Session(session) => let_go(session, retry_after_ms),
                Leaving::Tunnel(tunnel) => ask_owner(engine, tunnel, retry_after_ms),
            }
        }
        told = due;
    }
    drop(leaving);
    let is_anybody_here = || !engine.sessions().is_empty() || !tunnels(engine).is_empty();
    while is_anybody_here() && !shutdown.over().is_cancelled() {
        // Handshakes that were under way when the drain began.
        for session in engine.sessions().iter().filter(|session| session.is_open()) {
            let_go(session, server.drain_retry_spread_ms);
        }
        shutdown.over().run_until_cancelled(tokio::time::sleep(LOOK_AGAIN)).await;
    }
    shutdown.finish();
}

/// Who must go: a session of this process, or one of another that is connected through this one.
enum Leaving {
    Session(Arc<Session<SocketIo>>),
    Tunnel(Tunnel),
}

fn tunnels(engine: &Engine<SocketIo>) -> Vec<Tunnel> {
    engine.elsewhere().map(|elsewhere| elsewhere.tunnels()).unwrap_or_default()
}

fn ask_owner(engine: &Arc<Engine<SocketIo>>, tunnel: &Tunnel, retry_after_ms: u64) {
    let Some(elsewhere) = engine.elsewhere().cloned() else { return };
    let tunnel = tunnel.clone();
    engine.spawn(async move { elsewhere.let_go(&tunnel, retry_after_ms).await });
}

/// Tells the clients of a session to go, and ends it.
pub(crate) fn let_go(session: &Arc<Session<SocketIo>>, retry_after_ms: u64) {
    for socket in session.client().sockets() {
        protocol::drain(&socket, retry_after_ms);
    }
    session.close(CloseReason::Drain);
}
