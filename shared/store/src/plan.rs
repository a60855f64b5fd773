//! What a batch of changes comes to: decided on what was loaded under the locks, in the order in which the changes came.
//! Pure: rows and a time go in, answers, events and rows to write come out.

mod lists;
mod post;
mod state;

use crate::ids::IdClock;
use crate::model::{Change, Done, Judge, QuickReply, Request};
use crate::outbox::Reference;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use types::{ConversationId, Event, Failure, MessageId, MessageType, UserKey};

/// A conversation of two people, locked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Conversation {
    /// In order.
    pub(crate) pair: [UserKey; 2],
    pub(crate) last_seq: u64,
    pub(crate) last_message_id: MessageId,
    /// It has no row yet.
    pub(crate) is_new: bool,
}

/// A conversation as one of the two has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Member {
    pub(crate) peer: UserKey,
    pub(crate) last_message_id: MessageId,
    pub(crate) unread: u64,
    pub(crate) cleared_seq: u64,
    pub(crate) pinned: bool,
    pub(crate) muted: bool,
    pub(crate) draft: Box<str>,
    pub(crate) rev: u64,
    pub(crate) changed_ms: u64,
}

/// An entry that a change is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    pub(crate) conversation: ConversationId,
    pub(crate) conv_seq: u64,
    pub(crate) from: UserKey,
    pub(crate) kind: MessageType,
    /// The number of the entry that took it back; 0 if none did.
    pub(crate) recalled: u64,
    /// When it was read, in milliseconds since 1970; 0 if it was not.
    pub(crate) read_ms: u64,
}

/// A message that was sent before under the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Earlier {
    pub(crate) message_id: MessageId,
    pub(crate) conversation: ConversationId,
    pub(crate) conv_seq: u64,
    pub(crate) digest: [u8; 16],
}

/// All that the changes of a batch may need, as it is under the locks.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    /// Where two people talk, in their order; only locked conversations.
    pub(crate) pairs: HashMap<[UserKey; 2], ConversationId>,
    pub(crate) conversations: HashMap<ConversationId, Conversation>,
    /// Those that there are and that are not locked here: another process has them.
    pub(crate) exist: HashSet<ConversationId>,
    pub(crate) members: HashMap<(ConversationId, UserKey), Member>,
    pub(crate) earlier: HashMap<(UserKey, Box<str>), Earlier>,
    pub(crate) targets: HashMap<MessageId, Target>,
    /// Countable entries of the other side above a number that nobody read, for `clearUnread`.
    pub(crate) unread_above: HashMap<(ConversationId, UserKey, u64), u64>,
    pub(crate) known: HashSet<UserKey>,
    /// Who has blocked whom.
    pub(crate) blocks: HashSet<(UserKey, UserKey)>,
    /// Who has whom among the contacts, with the remark.
    pub(crate) contacts: HashMap<(UserKey, UserKey), Box<str>>,
    pub(crate) lists_revs: HashMap<UserKey, u64>,
}

/// A new entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewMessage {
    pub(crate) conversation: ConversationId,
    pub(crate) conv_seq: u64,
    pub(crate) message_id: MessageId,
    pub(crate) from: UserKey,
    pub(crate) kind: MessageType,
    pub(crate) body: Box<str>,
}

/// What is to be written.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Writes {
    pub(crate) messages: Vec<NewMessage>,
    /// With the name that the sender's device gave, and the digest of receiver and body.
    pub(crate) duplicates: Vec<(UserKey, Box<str>, Earlier)>,
    pub(crate) conversations: BTreeMap<ConversationId, Conversation>,
    pub(crate) members: BTreeMap<(ConversationId, UserKey), Member>,
    /// Entry and the number of what took it back.
    pub(crate) recalled: Vec<(ConversationId, u64, MessageId, u64)>,
    pub(crate) reads: Vec<(ConversationId, u64)>,
    pub(crate) deletions: Vec<(UserKey, ConversationId, u64)>,
    pub(crate) blocks: BTreeMap<(UserKey, UserKey), bool>,
    /// The remark, or nothing for one that was removed.
    pub(crate) contacts: BTreeMap<(UserKey, UserKey), Option<Box<str>>>,
    /// By user and id; nothing for one that was removed.
    pub(crate) replies: BTreeMap<(UserKey, Box<str>), Option<QuickReply>>,
    pub(crate) lists_revs: BTreeMap<UserKey, u64>,
    pub(crate) users: BTreeSet<UserKey>,
    pub(crate) profiles: BTreeMap<UserKey, (Box<str>, Box<str>)>,
    /// What the outbox must remember.
    pub(crate) references: Vec<Reference>,
}

impl Writes {
    pub(crate) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// What one change came to.
#[derive(Debug)]
pub(crate) enum Verdict {
    Granted(Done, Vec<(UserKey, Event)>),
    Refused(Failure),
    /// The lease does not reach as far as the ids that are needed.
    OutOfIds,
}

/// Decides the changes of a batch one after the other; each sees what those before it did.
pub(crate) struct Planner<'a> {
    pub(crate) loaded: Loaded,
    pub(crate) writes: Writes,
    ids: &'a mut IdClock,
    /// This process's own clock.
    own_ms: u64,
    now_ms: u64,
    judge: Judge,
}

impl<'a> Planner<'a> {
    pub(crate) fn new(loaded: Loaded, ids: &'a mut IdClock, own_ms: u64, judge: Judge) -> Self {
        let now_ms = ids.now(own_ms);
        Self { loaded, writes: Writes::default(), ids, own_ms, now_ms, judge }
    }

    pub(crate) fn now_ms(&self) -> u64 {
        self.now_ms
    }

    pub(crate) fn decide(&mut self, request: &Request) -> Verdict {
        let verdict = match &request.change {
            Change::Meet => self.meet(request),
            Change::Send(send) => self.send(request, send),
            Change::Recall { message, within_ms } => self.recall(request, *message, *within_ms),
            Change::Delete { message } => self.delete(request, *message),
            Change::Read { conversation, messages } => self.read(request, *conversation, messages),
            Change::ClearUnread { conversation, up_to } => self.clear_unread(request, *conversation, *up_to),
            Change::Pin { conversation, pinned } => self.pin(request, *conversation, *pinned),
            Change::Mute { conversation, muted } => self.mute(request, *conversation, *muted),
            Change::SaveDraft { conversation, text } => self.save_draft(request, *conversation, text),
            Change::Block { user } => self.block(request, user, true),
            Change::Unblock { user } => self.block(request, user, false),
            Change::AddContact { user, remark } => self.contact(request, user, Some(remark)),
            Change::RemoveContact { user } => self.contact(request, user, None),
            Change::SetProfile { nickname, avatar } => self.profile(request, nickname, avatar),
            Change::SaveReply(reply) => self.reply(request, &reply.id, Some(reply)),
            Change::RemoveReply { id } => self.reply(request, id, None),
        };
        match verdict {
            Ok((done, events)) => Verdict::Granted(done, events),
            Err(Stop::Refused(failure)) => Verdict::Refused(failure),
            Err(Stop::OutOfIds) => Verdict::OutOfIds,
        }
    }

    /// Whether anybody must hear of what is written.
    pub(crate) fn needs_outbox(&self) -> bool {
        !self.writes.references.is_empty()
    }

    /// Gives out the outbox's own id.
    pub(crate) fn outbox_id(&mut self) -> Option<MessageId> {
        self.ids.next(MessageId(0), self.own_ms)
    }

    pub(crate) fn worker(&self) -> u16 {
        self.ids.worker()
    }

    /// The member's row, to be changed and written.
    fn change(&mut self, conversation: ConversationId, user: &UserKey) -> Result<&mut Member, Stop> {
        let key = (conversation, user.clone());
        let member = self.loaded.members.get_mut(&key).ok_or_else(no_such_conversation)?;
        member.changed_ms = self.now_ms;
        Ok(member)
    }

    /// Has the member's row written as it is now.
    fn keep(&mut self, conversation: ConversationId, user: &UserKey) {
        let key = (conversation, user.clone());
        if let Some(member) = self.loaded.members.get(&key) {
            self.writes.members.insert(key, member.clone());
        }
    }

    fn member(&self, conversation: ConversationId, user: &UserKey) -> Result<&Member, Stop> {
        self.loaded.members.get(&(conversation, user.clone())).ok_or_else(no_such_conversation)
    }
}

/// An answer, and what each of those concerned must hear.
type Outcome = Result<(Done, Vec<(UserKey, Event)>), Stop>;

#[derive(Debug)]
enum Stop {
    Refused(Failure),
    OutOfIds,
}

impl From<Failure> for Stop {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure)
    }
}

/// Whoever is not in a conversation is not told that there is one.
fn no_such_conversation() -> Stop {
    Failure::not_found("you have no such conversation").into()
}

fn no_such_message() -> Stop {
    Failure::not_found("you have no such message").into()
}

/// The two in the order in which the store has them.
pub(crate) fn pair(one: &UserKey, other: &UserKey) -> [UserKey; 2] {
    if one <= other { [one.clone(), other.clone()] } else { [other.clone(), one.clone()] }
}

#[cfg(test)]
#[path = "plan_tests.rs"]
mod tests;
