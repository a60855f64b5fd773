//! `ackMessage {conversation_id, conv_seq}`: this device has everything of the conversation up to here.

use crate::command::read;
use crate::{Chat, Error, Reply, Window};
use serde::Deserialize;
use types::{ConversationId, Failure};

/// The request.
#[derive(Debug, Deserialize)]
pub struct AckMessage {
    conversation_id: ConversationId,
    conv_seq: u64,
}

impl AckMessage {
    pub(crate) fn parse(payload: &str) -> Result<Self, Failure> {
        read("ackMessage", "{conversation_id, conv_seq}", payload)
    }
}

impl Chat {
    /// A receipt is between a window and its server: nothing of it is kept.
    pub(crate) fn ack_message(&self, window: &dyn Window, command: &AckMessage) -> Result<Reply, Error> {
        self.store()?;
        window.receipts().lock().acknowledge(command.conversation_id, command.conv_seq);
        Ok(Reply::Done {})
    }
}
