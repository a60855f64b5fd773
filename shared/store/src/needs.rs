//! What must be locked and loaded before the changes of a batch can be decided.

use crate::model::{Change, Request};
use crate::plan::pair;
use std::collections::BTreeSet;
use types::{ConversationId, MessageId, UserKey};

/// Everything in order, so that all processes lock in the same one.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Needs<'a> {
    /// Two people whose conversation is locked, and begins if there is none.
    pub(crate) pairs: BTreeSet<[UserKey; 2]>,
    pub(crate) conversations: BTreeSet<ConversationId>,
    /// Entries that changes are about; their conversations are locked too.
    pub(crate) messages: BTreeSet<MessageId>,
    /// What senders' devices call their messages.
    pub(crate) names: BTreeSet<(&'a UserKey, &'a str)>,
    pub(crate) blocks: BTreeSet<(&'a UserKey, &'a UserKey)>,
    pub(crate) contacts: BTreeSet<(&'a UserKey, &'a UserKey)>,
    /// Users whose row is locked because a list of theirs may change.
    pub(crate) lists: BTreeSet<&'a UserKey>,
    /// Users who must exist.
    pub(crate) users: BTreeSet<&'a UserKey>,
    /// For `clearUnread`: entries of the other side above a number are counted.
    pub(crate) unread: BTreeSet<(ConversationId, &'a UserKey, u64)>,
}

impl<'a> Needs<'a> {
    pub(crate) fn of(requests: &[&'a Request]) -> Self {
        let mut needs = Self::default();
        for request in requests {
            needs.add(request);
        }
        needs
    }

    fn add(&mut self, request: &'a Request) {
        let by = &request.by;
        match &request.change {
            Change::Meet => {
                self.users.insert(by);
            }
            Change::Send(send) => {
                self.pairs.insert(pair(by, &send.to));
                self.names.insert((by, &send.temp_message_id));
                self.blocks.extend([(by, &send.to), (&send.to, by)]);
                self.users.insert(&send.to);
                if send.only_as_contact {
                    self.contacts.insert((&send.to, by));
                }
            }
            Change::Recall { message, .. } | Change::Delete { message } => {
                self.messages.insert(*message);
            }
            Change::Read { conversation, messages } => {
                self.conversations.insert(*conversation);
                self.messages.extend(messages);
            }
            Change::ClearUnread { conversation, up_to } => {
                self.conversations.insert(*conversation);
                self.unread.insert((*conversation, by, *up_to));
            }
            Change::Pin { conversation, .. }
            | Change::Mute { conversation, .. }
            | Change::SaveDraft { conversation, .. } => {
                self.conversations.insert(*conversation);
            }
            Change::Block { user } | Change::Unblock { user } => {
                // Locked, so that no message is under way that was accepted before.
                self.pairs.insert(pair(by, user));
                self.blocks.insert((by, user));
                self.lists.insert(by);
            }
            Change::AddContact { user, .. } | Change::RemoveContact { user } => {
                self.contacts.insert((by, user));
                self.users.insert(user);
                self.lists.insert(by);
            }
            Change::SetProfile { .. } | Change::SaveReply(_) | Change::RemoveReply { .. } => {
                self.lists.insert(by);
            }
        }
    }
}
