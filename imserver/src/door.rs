//! Who may connect, and as whom.
//!
//! The handshake's request is counted and its credentials are read once. Whether they are good is told when the
//! namespace is joined: a refused CONNECT reaches every client with a reason that it can show, a refused WebSocket
//! handshake reaches none.

use crate::engineio::{Refusal, Revision};
use crate::site::Site;
use crate::socketio::{Admitted, Door, Rejection, Socket};
use crate::window::Window;
use http::request::Parts;
use session::auth::{Credentials, Verifier};
use session::limits::{Limits, Ticket};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};
use types::{Code, Failure};

/// The site's door.
pub(crate) struct SiteDoor {
    verifier: Arc<Verifier>,
    limits: Arc<Limits>,
}

/// What the handshake brought.
struct Handshake {
    credentials: Credentials,
    /// Holds the connection's place among the counted.
    _ticket: Ticket,
}

impl SiteDoor {
    pub(crate) fn new(verifier: Arc<Verifier>, limits: Arc<Limits>) -> Self {
        Self { verifier, limits }
    }
}

impl Door for SiteDoor {
    fn admit(&self, request: &Parts, peer: SocketAddr) -> Result<Admitted, Refusal> {
        let ticket = self.limits.connect(peer.ip().to_canonical()).map_err(refusal)?;
        let credentials = self.verifier.credentials(request, peer);
        Ok(Arc::new(Handshake { credentials, _ticket: ticket }))
    }

    fn recognises(&self, admitted: &Admitted, request: &Parts, peer: SocketAddr) -> bool {
        let Some(handshake) = admitted.downcast_ref::<Handshake>() else { return false };
        self.verifier.credentials(request, peer).fingerprint() == handshake.credentials.fingerprint()
    }
}

/// The connection middleware of the site's namespaces: logs the client in, or says why not.
pub(crate) async fn log_in(site: Arc<Site>, socket: Socket) -> Result<(), Rejection> {
    let window = window(&site, &socket).map_err(|failure| {
        tracing::debug!(peer = %socket.peer(), code = ?failure.code, "login refused");
        Rejection::new(failure.message.clone()).with_data(&failure)
    })?;
    socket.attach(Arc::new(window));
    socket.forget_auth();
    Ok(())
}

fn window(site: &Arc<Site>, socket: &Socket) -> Result<Window, Failure> {
    let admitted = socket.client().admitted();
    let handshake = admitted.downcast_ref::<Handshake>();
    let handshake = handshake.ok_or_else(|| Failure::new(Code::Internal, "the handshake left no credentials"))?;
    let credentials = match (socket.session().revision(), socket.auth()) {
        (Revision::V4, Some(auth)) => &handshake.credentials.with_auth(&auth)?,
        // Clients 1.x and 2.x log in with their handshake alone: others see their session's id, and what every later
        // request must show again is what the handshake showed.
        _ => &handshake.credentials,
    };
    let identity = site.verifier().verify(credentials, unix_seconds())?;
    let ticket = site.limits().login(&identity.user)?;
    Ok(Window::new(site.clone(), socket.clone(), identity, ticket))
}

fn refusal(failure: Failure) -> Refusal {
    let wait = failure.retry_after_ms.unwrap_or(1_000);
    match failure.code {
        Code::RateLimited => Refusal::too_many(failure.message, wait),
        Code::Unavailable => Refusal::unavailable(failure.message, wait),
        _ => Refusal::forbidden(failure.message),
    }
}

pub(crate) fn unix_seconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
