//! `history {conversation_id, before? | after?, limit?}`: entries of a conversation, by their numbers.

use super::no_such_conversation;
use super::page::{fitting, weight};
use crate::command::read;
use crate::{Chat, Error, Reply, Window};
use serde::Deserialize;
use store::Span;
use types::{ConversationId, Failure};

/// The request.
#[derive(Debug)]
pub struct History {
    conversation: ConversationId,
    span: Span,
    limit: usize,
}

const TAKES: &str = "{conversation_id, before: conv_seq or after: conv_seq, limit: 1 to 200}";

const MOST: usize = 200;
const USUAL: usize = 50;

impl History {
    pub(crate) fn parse(payload: &str) -> Result<Self, Failure> {
        let Input { conversation_id, before, after, limit } = read("history", TAKES, payload)?;
        let span = match (before, after) {
            (None, None) => Span::Newest,
            (Some(before), None) => Span::Before(before),
            (None, Some(after)) => Span::After(after),
            (Some(_), Some(_)) => {
                return Err(Failure::bad_request(format!("history takes {TAKES}: before or after, not both")));
            }
        };
        let limit = limit.unwrap_or(USUAL).clamp(1, MOST);
        Ok(Self { conversation: conversation_id, span, limit })
    }
}

#[derive(Deserialize)]
struct Input {
    conversation_id: ConversationId,
    before: Option<u64>,
    after: Option<u64>,
    limit: Option<usize>,
}

impl Chat {
    pub(crate) async fn history(&self, window: &dyn Window, command: History) -> Result<Reply, Error> {
        let History { conversation, span, limit } = command;
        let user = &window.identity().user;
        let found = self.store()?.history(user, conversation, span, limit).await?;
        let (mut messages, mut more) = found.ok_or_else(no_such_conversation)?;
        let count = messages.len();
        // What does not fit is left out at the far end.
        match span {
            Span::After(_) => messages.truncate(fitting(messages.iter().map(weight))),
            Span::Before(_) | Span::Newest => {
                drop(messages.drain(..count - fitting(messages.iter().rev().map(weight))));
            }
        }
        more |= messages.len() < count;
        Ok(Reply::Entries { messages, more })
    }
}
