//! `saveDraft {conversation_id, text}`: what is written and not sent yet, for one's other windows; empty for none.

use super::send::unexpected;
use crate::command::read;
use crate::{Chat, Error, Reply, Window};
use serde::Deserialize;
use store::{Change, Done};
use types::{Code, ConversationId, Failure, without_lone_surrogates};

/// The request.
#[derive(Debug, Deserialize)]
pub struct SaveDraft {
    conversation_id: ConversationId,
    text: Box<str>,
}

const MAX_BYTES: usize = 16_000;

impl SaveDraft {
    pub(crate) fn parse(payload: &str) -> Result<Self, Failure> {
        let repaired = without_lone_surrogates(payload);
        let payload = repaired.as_deref().unwrap_or(payload);
        let command: Self = read("saveDraft", "{conversation_id, text}", payload)?;
        if command.text.len() > MAX_BYTES {
            return Err(Failure::new(Code::TooLarge, format!("a draft has at most {MAX_BYTES} bytes")));
        }
        Ok(command)
    }
}

impl Chat {
    pub(crate) async fn save_draft(&self, window: &dyn Window, command: SaveDraft) -> Result<Reply, Error> {
        let SaveDraft { conversation_id: conversation, text } = command;
        let (done, v) = self.change(window, Change::SaveDraft { conversation, text }).await?;
        let Done::Set { rev } = done else { return Err(unexpected()) };
        Ok(Reply::Set { rev, v })
    }
}
