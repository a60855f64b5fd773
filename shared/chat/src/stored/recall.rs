//! `recallMessage {message_id}`: takes a message of one's own back, while it is fresh.

use super::send::unexpected;
use crate::command::read;
use crate::{Chat, Error, Reply, Window};
use serde::Deserialize;
use store::{Change, Done};
use types::{Failure, MessageId};

/// The request.
#[derive(Debug, Deserialize)]
pub struct RecallMessage {
    message_id: MessageId,
}

impl RecallMessage {
    pub(crate) fn parse(payload: &str) -> Result<Self, Failure> {
        read("recallMessage", "{message_id}", payload)
    }
}

impl Chat {
    pub(crate) async fn recall_message(&self, window: &dyn Window, command: RecallMessage) -> Result<Reply, Error> {
        let within_ms = self.config.recall_within_ms;
        let (done, v) = self.change(window, Change::Recall { message: command.message_id, within_ms }).await?;
        let Done::Recalled { conversation_id, conv_seq, message_id } = done else { return Err(unexpected()) };
        let send_time = message_id.map(MessageId::time_ms);
        Ok(Reply::Recalled { conversation_id, conv_seq, message_id, send_time, v })
    }
}
