//! Reading: what is committed, as one user may see it. Queries in words that both engines understand; `tests/plans.rs`
//! shows for each which index serves it.

mod entries;
mod lists;
mod outbox;

pub use entries::Range;
pub(crate) use entries::newest_of;

use crate::model::{ReadMark, Span, Summary};
use crate::query::{Query, Row};
use crate::{Store, mysql, sqlite};
use std::collections::HashMap;
use std::sync::Arc;
use types::{ConversationId, Entry, MessageId, UserKey};

/// Why nothing was read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    #[error("the store is closed")]
    Closed,
    #[error("the store cannot be read: {0}")]
    Down(Box<str>),
}

/// The reading side of an engine.
#[derive(Clone)]
pub(crate) enum Reader {
    Sqlite(sqlite::Readers),
    Mysql(mysql::Readers),
}

impl Reader {
    /// Runs queries one after the other, on what is committed at one moment.
    pub(crate) async fn rows(&self, queries: Vec<Query>) -> Result<Vec<Vec<Row>>, ReadError> {
        match self {
            Self::Sqlite(readers) => readers.rows(queries).await,
            Self::Mysql(readers) => readers.rows(queries).await,
        }
    }

    pub(crate) async fn row_list(&self, query: Query) -> Result<Vec<Row>, ReadError> {
        Ok(self.rows(vec![query]).await?.pop().unwrap_or_default())
    }
}

/// What this store is called.
pub(crate) async fn identity(reader: &Reader) -> Result<Arc<str>, ReadError> {
    let rows = reader.row_list(Query::new("SELECT id FROM identity")).await?;
    let identity = rows.first().map(|row| row.text(0)).filter(|identity| !identity.is_empty());
    identity.map(Arc::from).ok_or_else(|| ReadError::Down("it has no identity".into()))
}

/// Conversations and what stands in them.
impl Store {
    /// Entries of a conversation, in order, and whether there are more in that direction. Nothing if the user is not in
    /// it.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn history(
        &self,
        user: &UserKey,
        conversation: ConversationId,
        span: Span,
        limit: usize,
    ) -> Result<Option<(Vec<Entry>, bool)>, ReadError> {
        let queries = vec![entries::is_member(user, conversation), entries::span(user, conversation, span, limit + 1)];
        let mut answers = self.reader.rows(queries).await?.into_iter();
        if answers.next().is_none_or(|rows| rows.is_empty()) {
            return Ok(None);
        }
        let mut found: Vec<Entry> = answers.next().unwrap_or_default().iter().filter_map(entries::read).collect();
        let more = found.len() > limit;
        found.truncate(limit);
        if !matches!(span, Span::After(_)) {
            found.reverse();
        }
        Ok(Some((found, more)))
    }

    /// The user's conversations: pinned ones, then the others, each newest first; behind `after`, the last one that is
    /// known.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn conversations(
        &self,
        user: &UserKey,
        after: Option<(bool, MessageId)>,
        limit: usize,
    ) -> Result<Vec<Summary>, ReadError> {
        let end = MessageId(i64::MAX as u64);
        let (pinned, before) = after.unwrap_or((true, end));
        let mut queries = Vec::new();
        if pinned {
            queries.push(entries::listed(user, true, before, limit));
        }
        queries.push(entries::listed(user, false, if pinned { end } else { before }, limit));
        let answers = self.reader.rows(queries).await?;
        let found: Vec<Summary> = answers.iter().flatten().filter_map(entries::read_summary).take(limit).collect();
        self.with_last(user, found).await
    }

    /// The user's conversations of which something changed since then, at most so many.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn changed_since(&self, user: &UserKey, since_ms: u64, limit: usize) -> Result<Vec<Summary>, ReadError> {
        let rows = self.reader.row_list(entries::changed(user, since_ms, limit)).await?;
        let found = rows.iter().filter_map(entries::read_summary).collect();
        self.with_last(user, found).await
    }

    /// Entries of several of the user's conversations, each above its number and up to the other, in order. Whoever asks
    /// knows that the user is in them.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn entries(&self, user: &UserKey, ranges: &[Range]) -> Result<Vec<Entry>, ReadError> {
        let queries = ranges.chunks(entries::AT_ONCE).map(|part| entries::ranges(user, part)).collect();
        let answers = self.reader.rows(queries).await?;
        let mut found: Vec<Entry> = answers.iter().flatten().filter_map(entries::read).collect();
        found.sort_by_key(|entry| (entry.conversation_id(), entry.conv_seq()));
        Ok(found)
    }

    /// Marks that were set since then, and entries that the user deleted since then, by conversation.
    ///
    /// # Errors
    /// The store cannot be read.
    pub async fn marks_since(
        &self,
        user: &UserKey,
        conversations: &[ConversationId],
        since_ms: u64,
    ) -> Result<(Vec<ReadMark>, HashMap<ConversationId, Vec<u64>>), ReadError> {
        let mut queries = Vec::new();
        for part in conversations.chunks(entries::AT_ONCE) {
            queries.push(entries::marks(part, since_ms));
            queries.push(entries::deletions(user, part, since_ms));
        }
        let (mut marks, mut deleted) = (Vec::new(), HashMap::<_, Vec<u64>>::new());
        for pair in self.reader.rows(queries).await?.chunks(2) {
            marks.extend(pair[0].iter().filter_map(entries::read_mark));
            for row in pair.get(1).into_iter().flatten() {
                deleted.entry(ConversationId(row.number(0))).or_default().push(row.number(1));
            }
        }
        Ok((marks, deleted))
    }

    /// Adds the newest entry of each.
    async fn with_last(&self, user: &UserKey, mut found: Vec<Summary>) -> Result<Vec<Summary>, ReadError> {
        let last = |summary: &Summary| Range {
            conversation: summary.conversation_id,
            above: summary.head.saturating_sub(1),
            up_to: summary.head,
        };
        let ranges: Vec<Range> = found.iter().filter(|summary| summary.head > 0).map(last).collect();
        let entries = self.entries(user, &ranges).await?;
        let mut entries: HashMap<_, _> = entries.into_iter().map(|entry| (entry.conversation_id(), entry)).collect();
        for summary in &mut found {
            summary.last = entries.remove(&summary.conversation_id);
        }
        Ok(found)
    }
}

#[cfg(test)]
#[path = "read/plans_tests.rs"]
mod plans;
