//! Queries for conversations and their entries, and their rows.

use crate::model::{ReadMark, Span, Summary};
use crate::query::{Query, Row, places};
use serde_json::value::RawValue;
use types::{ChatType, ConversationId, Entry, MessageId, MessageType, StoredMessage, UserKey};

/// Conversations asked about in one query.
pub(crate) const AT_ONCE: usize = 50;

/// Marks of one conversation that are told at once: who missed more reads the history again.
const MARKS: usize = 500;

/// Entries of a conversation above a number, up to another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    pub conversation: ConversationId,
    pub above: u64,
    pub up_to: u64,
}

/// The newest entries of a conversation whose head is known.
pub(crate) fn newest_of(conversation: ConversationId, head: u64, count: u64) -> Range {
    Range { conversation, above: head.saturating_sub(count), up_to: head }
}

/// An entry as one user sees it: with the mark, without what the user deleted, with the own device's name for it. What stands
/// in `/*! */` is read by MySQL alone: left to itself it would go through all marks of the conversation for each entry.
const ENTRY: &str = "SELECT m.conversation_id, m.conv_seq, m.message_id, m.from_user, m.kind, m.body, m.recalled,
        COALESCE(r.read_ms, 0), COALESCE(d.deleted_ms, 0), c.first, c.second, COALESCE(n.temp_message_id, '')
    FROM messages m
    JOIN conversations c ON c.conversation_id = m.conversation_id
    LEFT JOIN read_marks r /*! FORCE INDEX (PRIMARY) */
        ON r.conversation_id = m.conversation_id AND r.conv_seq = m.conv_seq
    LEFT JOIN deletions d ON d.user_key = ? AND d.conversation_id = m.conversation_id AND d.conv_seq = m.conv_seq
    LEFT JOIN duplicates n ON n.message_id = m.message_id AND n.from_user = ?";

fn entry(user: &UserKey, conversation: ConversationId, rest: &str) -> Query {
    let text = format!("{ENTRY} WHERE m.conversation_id = ? {rest}");
    Query::new(text).text(user.as_str()).text(user.as_str()).int(conversation.as_i64())
}

pub(super) fn by_id(user: &UserKey, ids: &[MessageId]) -> Query {
    let text = format!("{ENTRY} WHERE m.message_id IN ({})", places(ids.len()));
    let query = Query::new(text).text(user.as_str()).text(user.as_str());
    ids.iter().fold(query, |query, id| query.int(id.as_i64()))
}

pub(super) fn span(user: &UserKey, conversation: ConversationId, span: Span, limit: usize) -> Query {
    match span {
        Span::Before(seq) => {
            entry(user, conversation, "AND m.conv_seq < ? ORDER BY m.conv_seq DESC LIMIT ?").int(seq as i64)
        }
        Span::After(seq) => entry(user, conversation, "AND m.conv_seq > ? ORDER BY m.conv_seq LIMIT ?").int(seq as i64),
        Span::Newest => entry(user, conversation, "ORDER BY m.conv_seq DESC LIMIT ?"),
    }
    .int(limit as i64)
}

pub(super) fn ranges(user: &UserKey, ranges: &[Range]) -> Query {
    Query::union(ranges.iter().map(|range| {
        entry(user, range.conversation, "AND m.conv_seq > ? AND m.conv_seq <= ?")
            .int(range.above as i64)
            .int(range.up_to as i64)
    }))
}

pub(super) fn read(row: &Row) -> Option<Entry> {
    let (conversation_id, conv_seq) = (ConversationId(row.number(0)), row.number(1));
    if row.number(8) > 0 {
        return Some(Entry::deleted(conversation_id, conv_seq));
    }
    let message_id = MessageId(row.number(2));
    let from_user_id: UserKey = row.text(3).parse().ok()?;
    let to = if row.text(9) == from_user_id.as_str() { row.text(10) } else { row.text(9) };
    let recalled = row.number(6) > 0;
    let name = row.text(11);
    Some(Entry::Message(StoredMessage {
        message_id,
        temp_message_id: (!name.is_empty()).then(|| name.into()),
        conversation_id,
        conv_seq,
        chat_type: ChatType::P2p,
        kind: MessageType::from_number(u8::try_from(row.number(4)).ok()?)?,
        to_user_id: to.parse().ok(),
        from_user_id,
        block_id: None,
        message: if recalled { None } else { RawValue::from_string(row.text(5).to_owned()).ok() },
        send_time: message_id.time_ms(),
        read_at: Some(row.number(7)).filter(|read_ms| *read_ms > 0),
        recalled,
    }))
}

pub(super) fn is_member(user: &UserKey, conversation: ConversationId) -> Query {
    let text = "SELECT rev FROM members WHERE conversation_id = ? AND user_key = ?";
    Query::new(text).int(conversation.as_i64()).text(user.as_str())
}

const SUMMARY: &str = "SELECT m.conversation_id, m.peer, c.last_seq, m.last_message_id, m.unread, m.pinned, m.muted,
        m.draft, m.rev
    FROM members m JOIN conversations c ON c.conversation_id = m.conversation_id WHERE m.user_key = ?";

pub(super) fn listed(user: &UserKey, pinned: bool, before: MessageId, limit: usize) -> Query {
    let rest = "AND m.pinned = ? AND m.last_message_id < ? ORDER BY m.last_message_id DESC LIMIT ?";
    Query::new(format!("{SUMMARY} {rest}"))
        .text(user.as_str())
        .int(i64::from(pinned))
        .int(before.as_i64())
        .int(limit as i64)
}

pub(super) fn changed(user: &UserKey, since_ms: u64, limit: usize) -> Query {
    let rest = "AND m.changed_ms >= ? ORDER BY m.changed_ms LIMIT ?";
    Query::new(format!("{SUMMARY} {rest}")).text(user.as_str()).int(since_ms as i64).int(limit as i64)
}

/// The rows of one user in some conversations.
pub(super) fn rows_of(user: &UserKey, conversations: &[ConversationId]) -> Query {
    let mut query = Query::new(format!("{SUMMARY} AND m.conversation_id IN ({})", places(conversations.len())));
    query = query.text(user.as_str());
    for id in conversations {
        query = query.int(id.as_i64());
    }
    query
}

pub(super) fn read_summary(row: &Row) -> Option<Summary> {
    Some(Summary {
        conversation_id: ConversationId(row.number(0)),
        peer: row.text(1).parse().ok()?,
        head: row.number(2),
        last_message_id: MessageId(row.number(3)),
        last: None,
        unread: row.number(4),
        pinned: row.number(5) > 0,
        muted: row.number(6) > 0,
        draft: row.text(7).into(),
        rev: row.number(8),
    })
}

pub(super) fn marks(conversations: &[ConversationId], since_ms: u64) -> Query {
    let text = "SELECT * FROM (SELECT r.conversation_id, m.message_id, m.from_user, r.read_ms
        FROM read_marks r JOIN messages m ON m.conversation_id = r.conversation_id AND m.conv_seq = r.conv_seq
        WHERE r.conversation_id = ? AND r.read_ms >= ? ORDER BY r.read_ms DESC LIMIT ?) AS marked";
    Query::union(
        conversations.iter().map(|id| Query::new(text).int(id.as_i64()).int(since_ms as i64).int(MARKS as i64)),
    )
}

pub(super) fn read_mark(row: &Row) -> Option<ReadMark> {
    Some(ReadMark {
        conversation_id: ConversationId(row.number(0)),
        message_id: MessageId(row.number(1)),
        from: row.text(2).parse().ok()?,
        read_ms: row.number(3),
    })
}

pub(super) fn deletions(user: &UserKey, conversations: &[ConversationId], since_ms: u64) -> Query {
    let text = "SELECT conversation_id, conv_seq FROM deletions
        WHERE user_key = ? AND conversation_id = ? AND deleted_ms >= ?";
    Query::union(
        conversations.iter().map(|id| Query::new(text).text(user.as_str()).int(id.as_i64()).int(since_ms as i64)),
    )
}
