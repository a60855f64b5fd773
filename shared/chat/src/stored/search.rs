//! `searchUsers {q, limit?}` and `searchMessages {q, conversation_id?, cursor?, limit?}`, both among what the user has.

use super::page::{fitting, weight};
use super::token;
use crate::command::read;
use crate::reply::Known;
use crate::{Chat, Error, Reply, Window};
use serde::Deserialize;
use types::{ConversationId, Entry, Failure, MessageId, without_lone_surrogates};

/// `searchUsers`.
#[derive(Debug, Deserialize)]
pub struct SearchUsers {
    q: String,
    limit: Option<usize>,
}

/// `searchMessages`.
#[derive(Debug, Deserialize)]
pub struct SearchMessages {
    q: String,
    conversation_id: Option<ConversationId>,
    cursor: Option<String>,
    limit: Option<usize>,
}

const MOST: usize = 50;
const USUAL: usize = 20;
const MAX_BYTES: usize = 200;

impl SearchUsers {
    pub(crate) fn parse(payload: &str) -> Result<Self, Failure> {
        let repaired = without_lone_surrogates(payload);
        let command: Self = read("searchUsers", "{q, limit?}", repaired.as_deref().unwrap_or(payload))?;
        check(&command.q)?;
        Ok(command)
    }
}

impl SearchMessages {
    pub(crate) fn parse(payload: &str) -> Result<Self, Failure> {
        let repaired = without_lone_surrogates(payload);
        let takes = "{q, conversation_id?, cursor?, limit?}";
        let command: Self = read("searchMessages", takes, repaired.as_deref().unwrap_or(payload))?;
        check(&command.q)?;
        Ok(command)
    }
}

fn check(q: &str) -> Result<(), Failure> {
    if q.trim().is_empty() || q.len() > MAX_BYTES {
        return Err(Failure::bad_request(format!("q is 1 to {MAX_BYTES} bytes")));
    }
    Ok(())
}

impl Chat {
    pub(crate) async fn search_users(&self, window: &dyn Window, command: SearchUsers) -> Result<Reply, Error> {
        let SearchUsers { q, limit } = command;
        let limit = limit.unwrap_or(USUAL).clamp(1, MOST);
        let found = self.store()?.search_users(&window.identity().user, q.trim(), limit).await?;
        Ok(Reply::Profiles { users: found.into_iter().map(|profile| Known::new(profile, None)).collect() })
    }

    pub(crate) async fn search_messages(&self, window: &dyn Window, command: SearchMessages) -> Result<Reply, Error> {
        let SearchMessages { q, conversation_id, cursor, limit } = command;
        let limit = limit.unwrap_or(USUAL).clamp(1, MOST);
        let below: Option<MessageId> = match &cursor {
            Some(cursor) => Some(token::read(cursor).ok_or_else(|| Failure::bad_request("this is no cursor of ours"))?),
            None => None,
        };
        let user = &window.identity().user;
        let (mut messages, mut more) = self.store()?.search_messages(user, &q, conversation_id, below, limit).await?;
        let fits = fitting(messages.iter().map(weight));
        more |= fits < messages.len();
        messages.truncate(fits);
        let last = messages.last().and_then(|entry| match entry {
            Entry::Message(message) => Some(message.message_id),
            Entry::Deleted { .. } => None,
        });
        Ok(Reply::Found { messages, cursor: last.filter(|_| more).map(|last| token::write(&last)) })
    }
}
