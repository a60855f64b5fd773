//! The outbox, for whoever missed something: what was committed of late, and what it says now.

use super::{ReadError, entries};
use crate::model::OutboxId;
use crate::outbox::{self, Reference};
use crate::query::Query;
use crate::read::Range;
use crate::{Store, committer};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use types::{ConversationId, Entry, Event, Listed, MessageId, Posted, Profile, Read, State, Unread, UserKey};

/// Batches read at once.
const AT_ONCE: usize = 200;

/// A mark that a batch set is older than the batch by no more than this.
const MARKED_BEFORE_MS: u64 = 15_000;

impl Store {
    /// What was committed since then and must be published, a part at a time: the last id, and the references. Whoever
    /// asks begins with [`Store::outbox_at`]. Nothing if there is no more.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn outbox_after(&self, after: OutboxId) -> Result<Option<(OutboxId, Vec<Reference>)>, ReadError> {
        let rows = self.reader.row_list(after_query(after)).await?;
        let Some(last) = rows.last() else { return Ok(None) };
        let references = rows.iter().flat_map(|row| outbox::decode(row.bytes(1))).collect();
        Ok(Some((OutboxId(last.int(0)), references)))
    }

    /// Where the outbox was at that time, in milliseconds since 1970; nothing if it does not reach back so far.
    pub fn outbox_at(&self, time_ms: u64) -> Option<OutboxId> {
        let kept = committer::OUTBOX_KEPT_MS;
        (time_ms + kept > self.now_ms()).then(|| OutboxId(MessageId::first(time_ms, 0).as_i64()))
    }

    /// What each of those concerned must hear, as it is now. `since_ms` is the time from which marks are told.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn events(&self, references: &[Reference], since_ms: u64) -> Result<Vec<(UserKey, Event)>, ReadError> {
        let mut wanted: BTreeMap<&UserKey, Wanted> = BTreeMap::new();
        for reference in references {
            let wanted = wanted.entry(reference.user()).or_default();
            match reference {
                Reference::Entry(_, conversation, conv_seq) => {
                    wanted.entries.insert((*conversation, *conv_seq));
                    wanted.conversations.insert(*conversation);
                }
                Reference::State(_, conversation) => {
                    wanted.states.insert(*conversation);
                    wanted.conversations.insert(*conversation);
                }
                Reference::Lists(_) => wanted.lists = true,
                Reference::Profile(_) => wanted.profile = true,
            }
        }
        let mut events = Vec::new();
        for (user, wanted) in wanted {
            self.events_of(user, &wanted, since_ms.saturating_sub(MARKED_BEFORE_MS), &mut events).await?;
        }
        Ok(events)
    }

    async fn events_of(
        &self,
        user: &UserKey,
        wanted: &Wanted,
        since_ms: u64,
        events: &mut Vec<(UserKey, Event)>,
    ) -> Result<(), ReadError> {
        let conversations: Vec<ConversationId> = wanted.conversations.iter().copied().collect();
        let queries = conversations.chunks(entries::AT_ONCE).map(|part| entries::rows_of(user, part)).collect();
        let rows = self.reader.rows(queries).await?;
        let rows: HashMap<_, _> = rows
            .iter()
            .flatten()
            .filter_map(entries::read_summary)
            .map(|summary| (summary.conversation_id, summary))
            .collect();
        let ranges: Vec<Range> = wanted
            .entries
            .iter()
            .map(|(conversation, seq)| Range { conversation: *conversation, above: seq - 1, up_to: *seq })
            .collect();
        for entry in self.entries(user, &ranges).await? {
            // An entry that the user has deleted meanwhile is no news.
            let Entry::Message(mut entry) = entry else { continue };
            entry.read_at = None;
            let row = rows.get(&entry.conversation_id).filter(|_| entry.from_user_id != *user);
            let unread = row.map(|row| Unread { unread: row.unread, rev: row.rev });
            events.push((user.clone(), Event::Posted(Posted { entry, socketid: None, unread })));
        }
        let states: Vec<ConversationId> = wanted.states.iter().copied().collect();
        let (marks, mut deleted) = self.marks_since(user, &states, since_ms).await?;
        for conversation in states {
            let Some(row) = rows.get(&conversation) else { continue };
            let marks: Vec<_> = marks.iter().filter(|mark| mark.conversation_id == conversation).collect();
            let state = State {
                unread: Some(row.unread),
                pinned: Some(row.pinned),
                muted: Some(row.muted),
                draft: Some(row.draft.clone()),
                deleted: deleted.remove(&conversation).unwrap_or_default(),
                ..State::new(conversation, row.rev)
            };
            // What was read in one go, by one of the two.
            let mut reads = BTreeMap::<(bool, u64), Vec<MessageId>>::new();
            for mark in marks {
                reads.entry((mark.from == *user, mark.read_ms)).or_default().push(mark.message_id);
            }
            for ((by_other, read_at), message_ids) in reads {
                let by = if by_other { row.peer.clone() } else { user.clone() };
                let read = Some(Read { message_ids, read_at, by });
                events.push((user.clone(), Event::State(State { read, ..State::new(conversation, row.rev) })));
            }
            events.push((user.clone(), Event::State(state)));
        }
        if wanted.lists {
            let lists_rev = self.lists_rev(user).await?;
            events.push((user.clone(), Event::Listed(Listed { lists_rev, change: None, socketid: None })));
        }
        if wanted.profile {
            for profile in self.profiles(std::slice::from_ref(user)).await? {
                let (nickname, avatar) = (profile.nickname, profile.avatar);
                events.push((user.clone(), Event::Profile(Profile { user_id: profile.user, nickname, avatar })));
            }
        }
        Ok(())
    }
}

/// What one user must hear of.
#[derive(Default)]
struct Wanted {
    entries: BTreeSet<(ConversationId, u64)>,
    states: BTreeSet<ConversationId>,
    conversations: BTreeSet<ConversationId>,
    lists: bool,
    profile: bool,
}

pub(crate) fn after_query(after: OutboxId) -> Query {
    Query::new("SELECT outbox_id, entries FROM outbox WHERE outbox_id > ? ORDER BY outbox_id LIMIT ?")
        .int(after.0)
        .int(AT_ONCE as i64)
}
