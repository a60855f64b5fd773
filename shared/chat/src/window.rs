//! The rules' view of a connection.

use crate::{Place, Push, Receipts};
use futures_util::future::BoxFuture;
use parking_lot::Mutex;
use types::{Channel, Failure, Followed, Identity, SocketId};

/// What the rules need of the connection that a command came on. Each server's connection implements it.
pub trait Window: Send + Sync {
    fn identity(&self) -> &Identity;

    fn socket(&self) -> &SocketId;

    /// Where the rules keep what they must remember of this window. It lives as long as the connection.
    fn place(&self) -> &Place;

    /// Brings this window every event of the channel that is published after this returned, or after the bus is back.
    /// Following twice is following once.
    fn follow(&self, channel: Channel) -> BoxFuture<'_, Result<Followed, Failure>>;

    /// Ends it. Unfollowing what is not followed does nothing.
    fn unfollow<'a>(&'a self, channel: &'a Channel) -> BoxFuture<'a, ()>;

    /// Whether this window follows the channel now.
    fn follows(&self, channel: &Channel) -> bool;

    /// Sends something to this window alone. It is dropped if the window is on its way out.
    fn emit(&self, push: &Push);

    /// Sends to this window alone what comes of this, if anything does, without anybody waiting for it.
    fn emit_later(&self, push: BoxFuture<'static, Option<Push>>);

    /// What this window has not acknowledged yet.
    fn receipts(&self) -> &Mutex<Receipts>;
}
