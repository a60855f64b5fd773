//! `deleteMessage {message_id}`: deletes an entry for oneself; the other side keeps it.

use super::send::unexpected;
use crate::command::read;
use crate::{Chat, Error, Reply, Window};
use serde::Deserialize;
use store::{Change, Done};
use types::{Failure, MessageId};

/// The request.
#[derive(Debug, Deserialize)]
pub struct DeleteMessage {
    message_id: MessageId,
}

impl DeleteMessage {
    pub(crate) fn parse(payload: &str) -> Result<Self, Failure> {
        read("deleteMessage", "{message_id}", payload)
    }
}

impl Chat {
    pub(crate) async fn delete_message(&self, window: &dyn Window, command: DeleteMessage) -> Result<Reply, Error> {
        let (done, v) = self.change(window, Change::Delete { message: command.message_id }).await?;
        let Done::Deleted { conversation_id, conv_seq, rev } = done else { return Err(unexpected()) };
        Ok(Reply::Deleted { conversation_id, conv_seq, rev, v })
    }
}
