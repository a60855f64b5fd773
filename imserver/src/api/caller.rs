//! Somebody who asks over HTTP, as the rules see it: a window that hears nothing.

use chat::{Place, Push, Receipts, Window};
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use types::{Channel, Failure, Followed, Identity, ProcessId, SocketId};

pub(crate) struct Caller {
    identity: Identity,
    /// No socket is called so: all of the user's windows are told what this one changes.
    socket: SocketId,
    place: Place,
    receipts: Mutex<Receipts>,
}

impl Caller {
    pub(crate) fn new(process: &ProcessId, identity: Identity) -> Self {
        let socket = SocketId::of(process, "http");
        Self { identity, socket, place: Place::default(), receipts: Mutex::default() }
    }
}

impl Window for Caller {
    fn identity(&self) -> &Identity {
        &self.identity
    }

    fn socket(&self) -> &SocketId {
        &self.socket
    }

    fn place(&self) -> &Place {
        &self.place
    }

    fn follow(&self, _: Channel) -> BoxFuture<'_, Result<Followed, Failure>> {
        Box::pin(async { Err(Failure::bad_request("this needs a connection")) })
    }

    fn unfollow<'a>(&'a self, _: &'a Channel) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }

    fn follows(&self, _: &Channel) -> bool {
        false
    }

    fn emit(&self, _: &Push) {}

    fn emit_later(&self, _: BoxFuture<'static, Option<Push>>) {}

    fn receipts(&self) -> &Mutex<Receipts> {
        &self.receipts
    }
}
