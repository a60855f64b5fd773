//! `clearUnread {conversation_id, up_to}`: nothing up to this number counts as unread any more; nothing is marked read.

use super::send::unexpected;
use crate::command::read;
use crate::{Chat, Error, Reply, Window};
use serde::Deserialize;
use store::{Change, Done};
use types::{ConversationId, Failure};

/// The request.
#[derive(Debug, Deserialize)]
pub struct ClearUnread {
    conversation_id: ConversationId,
    up_to: u64,
}

impl ClearUnread {
    pub(crate) fn parse(payload: &str) -> Result<Self, Failure> {
        read("clearUnread", "{conversation_id, up_to: conv_seq}", payload)
    }
}

impl Chat {
    pub(crate) async fn clear_unread(&self, window: &dyn Window, command: ClearUnread) -> Result<Reply, Error> {
        let ClearUnread { conversation_id: conversation, up_to } = command;
        let (done, v) = self.change(window, Change::ClearUnread { conversation, up_to }).await?;
        let Done::Cleared { unread, rev } = done else { return Err(unexpected()) };
        Ok(Reply::Cleared { unread, rev, v })
    }
}
