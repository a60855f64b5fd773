//! The product's rules, one command one file: who may do what, what it changes, and who hears of it.
//!
//! A command comes from a [`Window`]; its effects go out as events on the bus, reach the processes that follow the
//! channel, and become [`Push`]es there ([`deliver`]):
//!
//! ```text
//! Command::parse ─► Chat::handle ─► bus ─► every process that follows ─► deliver ─► Push, to each window
//!        (name, raw JSON)     └─► Reply or Error, to the window that asked
//! ```
//!
//! Nothing here knows a socket, a frame or the name of an event on a wire: those are of each server's `protocol.rs`.

mod window;

mod command;
mod delivery;
mod error;
mod push;
mod reply;

mod change_status;
mod change_user;
mod exchange;
mod join;
mod kick;
mod leave;
mod mend;
mod presence;
mod rooms;
mod typing;

pub mod stored;

mod attachments;
mod place;
mod policy;
mod recent;

pub use change_status::ChangeStatus;
pub use change_user::ChangeUser;
pub use command::Command;
pub use delivery::{Content, Delivery, Then, To, deliver};
pub use error::Error;
pub use exchange::Exchange;
pub use join::Join;
pub use leave::Leave;
pub use place::Place;
pub use policy::Policy;
pub use presence::{Arrival, GetPresence};
pub use push::{DenyPush, ExchangeData, ExchangeMeta, ExchangePush, KickPush, OnlinePush, PresencePush, Push};
pub use push::{
    ListsPush, MessagePush, PostedPush, ProfilePush, StatePush, SyncChangeUserPush, SystemPush, TypingPush,
};
pub use recent::Recent;
pub use reply::{Answer, Reply, Seen};
pub use stored::{Hook, Hooked, Missed, Overdue, Receipts, WordList, judge, publish};
pub use typing::Typing;
pub use window::Window;

use bus::Bus;
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, ready};
use serde::Deserialize;
use std::sync::Arc;
use store::Store;
use types::{Channel, Event, Failure};

/// Milliseconds since 1970.
pub type Clock = Arc<dyn Fn() -> u64 + Send + Sync>;

/// What the rules are held to.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The `sourceid`s of accounts that belong to shops; where the policy is by shops, buyers may reach these.
    pub shop_sources: Vec<String>,
    /// Users whose presence one window may watch.
    pub max_watched_per_window: usize,
    /// Rooms that one window may be in.
    pub max_rooms_per_window: usize,
    /// Sockets in one room: each hears of every coming and going, with the list of all.
    pub max_sockets_per_room: usize,
    /// Bytes of a message, as JSON.
    pub max_message_bytes: usize,
    /// How long its sender may take a message back.
    pub recall_within_ms: u64,
    /// A file of words that are covered or refused in texts, one on a line; empty for none.
    pub word_list: std::path::PathBuf,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            shop_sources: vec!["m".to_owned()],
            max_watched_per_window: 500,
            max_rooms_per_window: 100,
            max_sockets_per_room: 100,
            max_message_bytes: 65_536,
            recall_within_ms: 120_000,
            word_list: std::path::PathBuf::new(),
        }
    }
}

/// The rules, with what they act on.
pub struct Chat {
    bus: Bus,
    config: Config,
    policy: Policy,
    clock: Clock,
    kept: Option<stored::Kept>,
}

impl Chat {
    /// `policy` follows from how users are known: [`Policy::Anyone`] where they only claim to be somebody (dev mode),
    /// else [`Policy::shops`].
    pub fn new(bus: Bus, config: Config, policy: Policy, clock: Clock) -> Self {
        Self { bus, config, policy, clock, kept: None }
    }

    /// With a store, whose committed batches somebody must [`publish`]. The hook sees every text before it is kept.
    #[must_use]
    pub fn keeping(mut self, store: Store, hook: Arc<dyn Hook>) -> Self {
        self.kept = Some(stored::Kept::new(store, hook));
        self
    }

    /// Does what a window asks. Commands of one window are handed in one after the other.
    /// Each has a future of its own size: what is relayed, which is most, does not carry the room that a sync needs.
    ///
    /// # Errors
    /// [`Error`] says whether the connection goes on.
    pub fn handle<'a>(&'a self, window: &'a dyn Window, command: Command) -> BoxFuture<'a, Result<Reply, Error>> {
        match command {
            Command::ChangeUser(command) => self.change_user(window, command).boxed(),
            Command::Exchange(command) => self.exchange(window, command).boxed(),
            Command::Join(command) => self.join(window, command).boxed(),
            Command::Leave(command) => self.leave(window, command).boxed(),
            Command::Typing(command) => self.typing(window, command).boxed(),
            Command::GetPresence(command) => self.get_presence(window, command).boxed(),
            Command::ChangeStatus(command) => self.change_status(window, command).boxed(),
            Command::SendMessage(command) => self.send_message(window, command).boxed(),
            Command::AckMessage(command) => ready(self.ack_message(window, &command)).boxed(),
            Command::Sync(command) => self.sync(window, command).boxed(),
            Command::History(command) => self.history(window, command).boxed(),
            Command::ReadMessage(command) => self.read_message(window, command).boxed(),
            Command::RecallMessage(command) => self.recall_message(window, command).boxed(),
            Command::DeleteMessage(command) => self.delete_message(window, command).boxed(),
            Command::ListConversations(command) => self.list_conversations(window, command).boxed(),
            Command::PinConversation(command) => self.pin_conversation(window, command).boxed(),
            Command::MuteConversation(command) => self.mute_conversation(window, command).boxed(),
            Command::ClearUnread(command) => self.clear_unread(window, command).boxed(),
            Command::SaveDraft(command) => self.save_draft(window, command).boxed(),
            Command::SearchUsers(command) => self.search_users(window, command).boxed(),
            Command::SearchMessages(command) => self.search_messages(window, command).boxed(),
            Command::ListContacts(_) => self.list_contacts(window).boxed(),
            Command::AddContact(command) => self.add_contact(window, command).boxed(),
            Command::RemoveContact(command) => self.remove_contact(window, command).boxed(),
            Command::GetProfiles(command) => self.get_profiles(window, command).boxed(),
            Command::SetProfile(command) => self.set_profile(window, command).boxed(),
            Command::QuickReplies(command) => self.quick_replies(window, command).boxed(),
            Command::Block(command) => self.block(window, command).boxed(),
            Command::ListBlocked(_) => self.list_blocked(window).boxed(),
            Command::Later(name) => {
                ready(Err(Failure::unavailable(format!("{name} is not served yet")).into())).boxed()
            }
        }
    }

    async fn publish(&self, channel: &Channel, event: &Event) -> Result<usize, bus::Error> {
        self.bus.publish(channel, Bytes::from(event.encode())).await
    }
}
