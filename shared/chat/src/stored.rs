//! The rules of what is kept: a command is read, judged and handed to the store; what it commits is published, in order,
//! and only then acknowledged.
//!
//! ```text
//! command ─► Store::change ─► committed ─► publisher ─► bus, both users ─► windows
//!                                              └─► acknowledgement, with the asker's version
//! ```
//!
//! Whoever missed something is told again from the store ([`missed`]); a window that says what it has received is sent
//! again what it has not ([`Receipts`]).

mod permissions;
mod publisher;
mod token;

mod send;

mod ack_message;
mod history;
mod sync;

mod clear_unread;
mod delete;
mod draft;
mod mute;
mod pin;
mod read;
mod recall;

mod blocks;
mod contacts;
mod conversations;
mod profiles;
mod quick_replies;
mod search;

mod hook;
mod missed;
mod page;
mod receipts;

pub use ack_message::AckMessage;
pub use blocks::{Block, ListBlocked};
pub use clear_unread::ClearUnread;
pub use contacts::{AddContact, ListContacts, RemoveContact};
pub use conversations::ListConversations;
pub use delete::DeleteMessage;
pub use draft::SaveDraft;
pub use history::History;
pub use hook::{Hook, Hooked, WordList};
pub use missed::Missed;
pub use mute::MuteConversation;
pub use permissions::judge;
pub use pin::PinConversation;
pub use profiles::{GetProfiles, SetProfile};
pub use publisher::publish;
pub use quick_replies::{Item, QuickReplies};
pub use read::ReadMessage;
pub use recall::RecallMessage;
pub use receipts::{Overdue, Receipts};
pub use search::{SearchMessages, SearchUsers};
pub use send::SendMessage;
pub use sync::Sync;

use crate::{Chat, Error, Push, Window};
use parking_lot::Mutex;
use std::collections::HashSet;
use std::sync::Arc;
use store::{Change, Done, ReadError, Request, Store};
use types::{Failure, UserKey};

/// The store, with what the rules remember beside it.
pub(crate) struct Kept {
    pub(crate) store: Store,
    pub(crate) hook: Arc<dyn Hook>,
    /// Users who are known to exist.
    met: Mutex<HashSet<UserKey>>,
}

/// Users that are remembered: when there are more, all are forgotten and asked for again.
const MET: usize = 500_000;

impl Kept {
    pub(crate) fn new(store: Store, hook: Arc<dyn Hook>) -> Self {
        Self { store, hook, met: Mutex::default() }
    }

    fn remember(&self, user: &UserKey) {
        let mut met = self.met.lock();
        if met.len() >= MET {
            met.clear();
        }
        met.insert(user.clone());
    }
}

impl Chat {
    /// The store, if this server has one.
    ///
    /// # Errors
    /// `unavailable`.
    pub(crate) fn store(&self) -> Result<&Store, Failure> {
        let kept = self.kept.as_ref().ok_or_else(|| Failure::unavailable("this server keeps no messages"))?;
        Ok(&kept.store)
    }

    /// Has a change committed and published; what it came to, and the version of the asker's channel then. A version that
    /// comes late is told to the window by itself.
    pub(crate) async fn change(&self, window: &dyn Window, change: Change) -> Result<(Done, Option<u64>), Error> {
        let request = Request { by: window.identity().user.clone(), socket: Some(window.socket().clone()), change };
        let granted = self.store()?.change(request).await?;
        let version = match granted.version {
            Ok(version) => Some(version),
            Err(late) => {
                window.emit_later(Box::pin(async move { late.await.ok().map(|v| Push::Version { v }) }));
                None
            }
        };
        Ok((granted.done, version))
    }

    /// Sees to it that a user who comes for the first time exists. Without a store, or while it does not work, the user
    /// comes in all the same, and can be written to when the store works and the user comes again. `known_in` names the
    /// store that is said to know the user: if it is this one, it need not be asked.
    pub async fn meet(&self, user: &UserKey, known_in: Option<&str>) {
        let Some(kept) = &self.kept else { return };
        if known_in == Some(kept.store.identity()) || kept.met.lock().contains(user) {
            return;
        }
        if let Some(trouble) = kept.store.trouble() {
            // Nobody is kept waiting at the door for it.
            return tracing::debug!(%trouble, "a user could not be noted");
        }
        if let Err(failure) = kept.store.meet(std::slice::from_ref(user)).await {
            return tracing::warn!(reason = %failure.message, "a user could not be noted");
        }
        kept.remember(user);
        // A hint for others: without it they ask the store.
        if let Err(error) = self.bus.note_known(user, kept.store.identity()).await {
            tracing::debug!(%error, "that a user is known was not noted");
        }
    }
}

impl From<ReadError> for Error {
    fn from(error: ReadError) -> Self {
        tracing::debug!(%error, "the store was not read");
        Failure::unavailable("the store cannot be read just now: try again").retry_after(1_000).into()
    }
}

/// What is not of the conversation, or there is none: whoever is not in it is not told which.
fn no_such_conversation() -> Failure {
    Failure::not_found("you have no such conversation")
}
