//! `muteConversation {conversation_id, muted}`: has a conversation make no noise, or again.

use super::send::unexpected;
use crate::command::read;
use crate::{Chat, Error, Reply, Window};
use serde::Deserialize;
use store::{Change, Done};
use types::{ConversationId, Failure};

/// The request.
#[derive(Debug, Deserialize)]
pub struct MuteConversation {
    conversation_id: ConversationId,
    muted: bool,
}

impl MuteConversation {
    pub(crate) fn parse(payload: &str) -> Result<Self, Failure> {
        read("muteConversation", "{conversation_id, muted}", payload)
    }
}

impl Chat {
    pub(crate) async fn mute_conversation(
        &self,
        window: &dyn Window,
        command: MuteConversation,
    ) -> Result<Reply, Error> {
        let MuteConversation { conversation_id, muted } = command;
        let (done, v) = self.change(window, Change::Mute { conversation: conversation_id, muted }).await?;
        let Done::Set { rev } = done else { return Err(unexpected()) };
        Ok(Reply::Set { rev, v })
    }
}
