//! `listConversations {cursor?, limit?}`: a user's conversations, pinned ones first, then newest first.

use super::page::{fitting, weight_of_row};
use super::token;
use crate::command::read;
use crate::reply::Conversation;
use crate::{Chat, Error, Reply, Window};
use serde::{Deserialize, Serialize};
use store::Summary;
use types::{Failure, MessageId};

/// The request.
#[derive(Debug, Deserialize)]
pub struct ListConversations {
    cursor: Option<String>,
    limit: Option<usize>,
}

/// Where a page ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    pinned: bool,
    last: MessageId,
}

const TAKES: &str = "{cursor?, limit?: 1 to 100}";

const MOST: usize = 100;
const USUAL: usize = 50;

impl ListConversations {
    pub(crate) fn parse(payload: &str) -> Result<Self, Failure> {
        read("listConversations", TAKES, payload)
    }
}

impl Place {
    pub(super) fn of(summary: &Summary) -> Self {
        // One without an entry is the last of all.
        Self { pinned: summary.pinned, last: MessageId(summary.last_message_id.0.max(1)) }
    }

    pub(super) fn after(self) -> (bool, MessageId) {
        (self.pinned, self.last)
    }
}

impl Chat {
    pub(crate) async fn list_conversations(
        &self,
        window: &dyn Window,
        command: ListConversations,
    ) -> Result<Reply, Error> {
        let ListConversations { cursor, limit } = command;
        let limit = limit.unwrap_or(USUAL).clamp(1, MOST);
        let place: Option<Place> = match &cursor {
            Some(cursor) => Some(token::read(cursor).ok_or_else(|| Failure::bad_request("this is no cursor of ours"))?),
            None => None,
        };
        let user = &window.identity().user;
        let mut found = self.store()?.conversations(user, place.map(Place::after), limit).await?;
        let fits = fitting(found.iter().map(weight_of_row));
        let full = found.len() == limit || fits < found.len();
        found.truncate(fits);
        let cursor = found.last().filter(|_| full).map(|last| token::write(&Place::of(last)));
        Ok(Reply::Conversations { conversations: found.into_iter().map(Conversation::from).collect(), cursor })
    }
}
