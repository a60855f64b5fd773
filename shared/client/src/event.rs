//! What an application hears of its client.

use crate::lifeline::{End, Lost};
use crate::rules::Change;
use bytes::Bytes;
use serde_json::value::RawValue;
use tokio::sync::mpsc;
use types::UserKey;

/// Something has happened. Events come in the order in which things happened.
#[derive(Debug, Clone)]
pub enum Event {
    /// There is a connection, of this user. What was missed comes next, and then [`Change::Synced`].
    Connected { user: UserKey },
    /// The connection has ended, or could not be made; the client tries again by itself.
    Disconnected(Lost),
    /// The client does not come back by itself.
    Ended(End),
    /// What is kept of conversations has changed, or something live has come.
    Change(Box<Change>),
    /// A live event with binary parts: placeholders `{"_placeholder": true, "num": n}` in the payload stand for
    /// `attachments[n]`.
    Binary { event: Box<str>, payload: Box<RawValue>, attachments: Vec<Bytes> },
}

/// The events of a client, in order.
///
/// They are to be read all the time, in a task of their own: while more than
/// [`Options::events`](crate::Options::events) and a thousand more wait, the client reads nothing from its connection, and
/// the server closes it in the end; nothing is lost by that, since what was missed is synced. Who wants none drops this.
pub struct Events(pub(crate) mpsc::Receiver<Event>);

impl Events {
    /// The next event; none once the client is gone and all have been read.
    pub async fn next(&mut self) -> Option<Event> {
        self.0.recv().await
    }

    /// The next event, if it is here already.
    pub fn try_next(&mut self) -> Option<Event> {
        self.0.try_recv().ok()
    }
}
