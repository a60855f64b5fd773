//! What the store is asked to change, and what it answers.

use types::{ConversationId, Entry, Event, Failure, MessageId, MessageType, SocketId, UserKey};

/// Something to be changed, with what must hold for it. Everything about one conversation is decided under its lock, in
/// one order for all processes.
#[derive(Debug, Clone)]
pub enum Change {
    /// The user exists from now on.
    Meet,
    Send(Send),
    /// Takes a message of one's own back; `refused` once it is older than this.
    Recall {
        message: MessageId,
        within_ms: u64,
    },
    /// Deletes an entry for oneself.
    Delete {
        message: MessageId,
    },
    /// Marks what the other side wrote as read; the first mark stands.
    Read {
        conversation: ConversationId,
        messages: Vec<MessageId>,
    },
    /// Nothing up to here counts as unread any more.
    ClearUnread {
        conversation: ConversationId,
        up_to: u64,
    },
    Pin {
        conversation: ConversationId,
        pinned: bool,
    },
    Mute {
        conversation: ConversationId,
        muted: bool,
    },
    SaveDraft {
        conversation: ConversationId,
        text: Box<str>,
    },
    /// From the moment that this is answered, nothing that the other sends is accepted.
    Block {
        user: UserKey,
    },
    Unblock {
        user: UserKey,
    },
    AddContact {
        user: UserKey,
        remark: Box<str>,
    },
    RemoveContact {
        user: UserKey,
    },
    SetProfile {
        nickname: Box<str>,
        avatar: Box<str>,
    },
    /// In the place of the one of the same id, if there is one.
    SaveReply(QuickReply),
    RemoveReply {
        id: Box<str>,
    },
}

/// What a user says often, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuickReply {
    /// Given by the user's client.
    pub id: Box<str>,
    pub folder: Box<str>,
    pub shortcut: Box<str>,
    pub text: Box<str>,
}

/// A message to be sent.
#[derive(Debug, Clone)]
pub struct Send {
    pub to: UserKey,
    /// What the sender's device calls it: the same again is the same message.
    pub temp_message_id: Box<str>,
    pub kind: MessageType,
    /// JSON.
    pub body: Box<str>,
    /// What the sender asked to send, if something else is kept: the same asked again is the same message.
    pub as_asked: Option<Box<str>>,
    /// Allowed only if the receiver has the sender among the contacts.
    pub only_as_contact: bool,
}

/// A change with who wants it.
#[derive(Debug, Clone)]
pub struct Request {
    pub by: UserKey,
    /// The window that asks: it gets the answer instead of the event.
    pub socket: Option<SocketId>,
    pub change: Change,
}

/// What is known of two people when one writes to the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The receiver has blocked the sender.
    pub is_blocked: bool,
    /// The sender has blocked the receiver.
    pub has_blocked: bool,
    /// The receiver has the sender among the contacts; not looked up unless the message needs it.
    pub is_contact: bool,
}

/// Decides whether a message is accepted, under the lock of its conversation.
pub type Judge = fn(&Send, &Standing) -> Result<(), Failure>;

/// What a change came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Done {
    Sent {
        message_id: MessageId,
        conversation_id: ConversationId,
        conv_seq: u64,
    },
    Recalled {
        conversation_id: ConversationId,
        /// Of the entry that takes the message back.
        conv_seq: u64,
        /// Likewise; nothing if that was done before.
        message_id: Option<MessageId>,
    },
    Deleted {
        conversation_id: ConversationId,
        conv_seq: u64,
        rev: u64,
    },
    Read {
        /// Those that are read now, and those that were.
        saved: Vec<MessageId>,
        /// When; of those in `before`, each when it was.
        read_at: u64,
        before: Vec<(u64, Vec<MessageId>)>,
        unread: u64,
        rev: u64,
    },
    Cleared {
        unread: u64,
        rev: u64,
    },
    /// A pin, a mute or a draft.
    Set {
        rev: u64,
    },
    /// A contact, a block or a quick reply.
    Listed {
        lists_rev: u64,
    },
    Profiled,
    Met,
}

/// A change that is committed.
#[derive(Debug)]
pub struct Committed {
    pub done: Done,
    pub by: UserKey,
    /// What each of those concerned must hear, in this order.
    pub events: Vec<(UserKey, Event)>,
    pub ticket: Ticket,
}

/// All that was committed at once, in the order in which it happened.
#[derive(Debug)]
pub struct Batch {
    /// Stands in the store until [`crate::Store::stamp`] says that all of it was published.
    pub outbox: Option<OutboxId>,
    pub changes: Vec<Committed>,
}

/// A batch that must be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OutboxId(pub(crate) i64);

impl OutboxId {
    /// When the batch was made, in milliseconds since 1970.
    pub fn time_ms(self) -> u64 {
        MessageId(self.0 as u64).time_ms()
    }
}

/// Whoever asked for a change waits with the other half of this.
#[derive(Debug)]
pub struct Ticket(pub(crate) tokio::sync::oneshot::Sender<Result<Granted, Failure>>);

/// What the one who asked is answered.
#[derive(Debug)]
pub struct Granted {
    pub done: Done,
    /// The version of the asker's channel after the change, if it was known in time; else it comes here.
    pub version: Result<u64, tokio::sync::oneshot::Receiver<u64>>,
}

impl Ticket {
    pub fn answer(self, answer: Result<Granted, Failure>) {
        // Who went meanwhile finds out when he comes back.
        self.0.send(answer).ok();
    }
}

/// A conversation as one of its members sees it in a list.
#[derive(Debug, Clone)]
pub struct Summary {
    pub conversation_id: ConversationId,
    pub peer: UserKey,
    /// Of the newest entry; 0 without any.
    pub head: u64,
    pub last_message_id: MessageId,
    pub last: Option<Entry>,
    pub unread: u64,
    pub pinned: bool,
    pub muted: bool,
    pub draft: Box<str>,
    pub rev: u64,
}

/// When entries were read, and by whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadMark {
    pub conversation_id: ConversationId,
    pub message_id: MessageId,
    pub from: UserKey,
    pub read_ms: u64,
}

/// Where in a conversation a reader wants entries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// The newest below this number.
    Before(u64),
    /// The oldest above this number.
    After(u64),
    Newest,
}

/// Who somebody is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    pub user: UserKey,
    pub nickname: Box<str>,
    pub avatar: Box<str>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    pub profile: Profile,
    pub remark: Box<str>,
}
