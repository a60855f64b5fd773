//! `readMessage {conversation_id, message_ids}`: these were on the screen.

use super::send::unexpected;
use crate::command::read;
use crate::{Chat, Error, Reply, Window};
use serde::Deserialize;
use store::{Change, Done};
use types::{Code, ConversationId, Failure, MessageId, Read};

/// The request.
#[derive(Debug, Deserialize)]
pub struct ReadMessage {
    conversation_id: ConversationId,
    message_ids: Vec<MessageId>,
}

const MOST: usize = 200;

impl ReadMessage {
    pub(crate) fn parse(payload: &str) -> Result<Self, Failure> {
        let command: Self = read("readMessage", "{conversation_id, message_ids: [\"…\"]}", payload)?;
        if command.message_ids.len() > MOST {
            return Err(Failure::new(Code::TooLarge, format!("readMessage takes at most {MOST} messages")));
        }
        Ok(command)
    }
}

impl Chat {
    pub(crate) async fn read_message(&self, window: &dyn Window, command: ReadMessage) -> Result<Reply, Error> {
        let ReadMessage { conversation_id: conversation, message_ids: messages } = command;
        let (done, v) = self.change(window, Change::Read { conversation, messages }).await?;
        let Done::Read { saved, read_at, before, unread, rev } = done else { return Err(unexpected()) };
        let by = &window.identity().user;
        let read =
            before.into_iter().map(|(read_at, message_ids)| Read { message_ids, read_at, by: by.clone() }).collect();
        Ok(Reply::Read { saved, read_at, read, unread, rev, v })
    }
}
