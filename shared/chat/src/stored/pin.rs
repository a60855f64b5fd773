//! `pinConversation {conversation_id, pinned}`: keeps a conversation at the top of one's list, or not any more.

use super::send::unexpected;
use crate::command::read;
use crate::{Chat, Error, Reply, Window};
use serde::Deserialize;
use store::{Change, Done};
use types::{ConversationId, Failure};

/// The request.
#[derive(Debug, Deserialize)]
pub struct PinConversation {
    conversation_id: ConversationId,
    pinned: bool,
}

impl PinConversation {
    pub(crate) fn parse(payload: &str) -> Result<Self, Failure> {
        read("pinConversation", "{conversation_id, pinned}", payload)
    }
}

impl Chat {
    pub(crate) async fn pin_conversation(&self, window: &dyn Window, command: PinConversation) -> Result<Reply, Error> {
        let PinConversation { conversation_id, pinned } = command;
        let (done, v) = self.change(window, Change::Pin { conversation: conversation_id, pinned }).await?;
        let Done::Set { rev } = done else { return Err(unexpected()) };
        Ok(Reply::Set { rev, v })
    }
}
