//! A window of a user: a socket that is logged in.

use crate::site::Site;
use crate::socketio::Socket;
use chat::{Overdue, Place, Receipts};
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use session::Millis;
use session::hub::Member;
use session::limits::Ticket;
use session::sweep::Timed;
use smallvec::SmallVec;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use types::{Channel, CloseReason, Failure, Followed, Identity, SocketId, UserKey};

/// What the site keeps of a logged-in socket.
pub(crate) struct Window {
    site: Arc<Site>,
    socket: Socket,
    identity: Identity,
    place: Place,
    followed: Mutex<SmallVec<[Channel; 1]>>,
    receipts: Mutex<Receipts>,
    /// Events refused for coming too fast, less those admitted since.
    refused: AtomicU32,
    /// Holds the window's place among the user's.
    _ticket: Ticket<UserKey>,
}

/// A window as the hub keeps it.
#[derive(Clone)]
pub(crate) struct Follower(pub(crate) Socket);

impl Member for Follower {
    fn same(&self, other: &Self) -> bool {
        self.0.id() == other.0.id()
    }
}

impl Window {
    pub(crate) fn new(site: Arc<Site>, socket: Socket, identity: Identity, ticket: Ticket<UserKey>) -> Self {
        Self {
            site,
            socket,
            identity,
            place: Place::default(),
            followed: Mutex::default(),
            receipts: Mutex::default(),
            refused: AtomicU32::new(0),
            _ticket: ticket,
        }
    }

    /// The window of a socket, if it is logged in.
    pub(crate) fn of(socket: &Socket) -> Option<Arc<Self>> {
        socket.attached()
    }

    pub(crate) fn user(&self) -> &UserKey {
        &self.identity.user
    }

    pub(crate) fn site(&self) -> &Arc<Site> {
        &self.site
    }

    /// Counts an event against the user's rate. `Err` carries the refusal and whether there were so many that
    /// the connection must end.
    pub(crate) fn count_event(&self) -> Result<(), (Failure, bool)> {
        match self.site.limits().event(self.user()) {
            Ok(()) => {
                // Each admitted event makes up for one refused: only who keeps sending far too much is closed.
                self.refused.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |refused| refused.checked_sub(1)).ok();
                Ok(())
            }
            Err(failure) => {
                let refused = self.refused.fetch_add(1, Ordering::Relaxed) + 1;
                Err((failure, refused >= self.site.config().limits.refused_events_to_close))
            }
        }
    }
}

/// Receipts that are late.
impl Timed for Window {
    fn tick(self: &Arc<Self>, now: Millis) -> Option<Millis> {
        if !self.socket.is_connected() {
            return None;
        }
        let (overdue, next) = self.receipts.lock().overdue(now);
        match overdue {
            Overdue::Nothing => {}
            Overdue::Repeat(entries) => {
                let window = self.clone();
                self.socket.spawn(async move { window.site.chat().repeat(&*window, &entries).await });
            }
            Overdue::Close => {
                tracing::debug!(user = %self.user(), "a window acknowledges nothing");
                self.socket.session().close(CloseReason::Unacknowledged);
            }
        }
        next
    }
}

impl chat::Window for Window {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn socket(&self) -> &SocketId {
        self.socket.id()
    }

    fn place(&self) -> &Place {
        &self.place
    }

    fn follow(&self, channel: Channel) -> BoxFuture<'_, Result<Followed, Failure>> {
        Box::pin(async move {
            let from = self.site.follow(&channel, &Follower(self.socket.clone())).await?;
            let mut followed = self.followed.lock();
            if !followed.contains(&channel) {
                followed.push(channel);
            }
            Ok(from)
        })
    }

    fn unfollow<'a>(&'a self, channel: &'a Channel) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            self.followed.lock().retain(|known| known != channel);
            self.site.unfollow(channel, &Follower(self.socket.clone())).await;
        })
    }

    fn follows(&self, channel: &Channel) -> bool {
        self.followed.lock().contains(channel)
    }

    fn emit(&self, push: &chat::Push) {
        crate::protocol::emit(&self.socket, push, &self.site.config().events);
    }

    fn emit_later(&self, push: BoxFuture<'static, Option<chat::Push>>) {
        let socket = self.socket.clone();
        self.socket.spawn(async move {
            if let (Some(push), Some(window)) = (push.await, Self::of(&socket)) {
                chat::Window::emit(&*window, &push);
            }
        });
    }

    fn receipts(&self) -> &Mutex<Receipts> {
        &self.receipts
    }
}
