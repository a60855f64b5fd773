//! What handles ask of the task.

use super::Task;
use crate::client::Sent;
use crate::error::Error;
use crate::journal::Fate;
use crate::lifeline::End;
use crate::options::Auth;
use crate::rules::{NotQueued, Outcome, Outgoing, Summary, View};
use serde_json::value::RawValue;
use std::sync::Arc;
use tokio::sync::oneshot;
use types::{ConversationId, MessageId};

pub(crate) enum Command {
    /// Whether a message of this name may be queued, before it is written down.
    MayQueue {
        temp_message_id: Box<str>,
        done: oneshot::Sender<Result<(), Error>>,
    },
    Send {
        message: Arc<Outgoing>,
        done: oneshot::Sender<Result<oneshot::Receiver<Result<Sent, Error>>, Error>>,
    },
    Retry {
        temp_message_id: Box<str>,
        done: oneshot::Sender<Result<(), Error>>,
    },
    Discard(Box<str>),
    Read {
        conversation: ConversationId,
        messages: Vec<MessageId>,
    },
    Load {
        conversation: ConversationId,
        limit: usize,
        done: oneshot::Sender<Outcome>,
    },
    Keep {
        conversation: ConversationId,
        entries: usize,
    },
    Ask {
        event: Box<str>,
        payload: Box<RawValue>,
        done: oneshot::Sender<Outcome>,
    },
    Conversations(oneshot::Sender<Vec<Summary>>),
    Conversation {
        id: ConversationId,
        done: oneshot::Sender<Option<View>>,
    },
    NetworkIsBack,
    SetAuth(Auth),
    Close {
        done: oneshot::Sender<()>,
    },
}

impl Task {
    /// Does what a handle asks. Who does not wait for the answer any more is not told.
    pub(super) async fn obey(&mut self, command: Command) {
        let now = self.now();
        match command {
            Command::MayQueue { temp_message_id, done } => {
                drop(done.send(self.rules.may_queue(&temp_message_id).map_err(Error::from)));
            }
            Command::Send { message, done } => drop(done.send(self.send(message).await)),
            Command::Retry { temp_message_id, done } => {
                let retried = self.rules.retry(now, &temp_message_id, &mut self.outputs);
                if let (Ok(()), Some(journal)) = (&retried, &self.journal) {
                    journal.note(Fate::Retried(temp_message_id)).await;
                }
                done.send(retried.map_err(Error::from)).ok();
            }
            Command::Discard(temp_message_id) => self.rules.discard(&temp_message_id, &mut self.outputs),
            Command::Read { conversation, messages } => self.rules.read(now, conversation, &messages),
            Command::Load { conversation, limit, done } => {
                let ticket = self.ticket(done);
                self.rules.load_older(now, ticket, conversation, limit, &mut self.outputs);
            }
            Command::Keep { conversation, entries } => self.rules.keep(conversation, entries, &mut self.outputs),
            Command::Ask { event, payload, done } => {
                let ticket = self.ticket(done);
                self.rules.ask(ticket, &event, &payload, &mut self.outputs);
            }
            Command::Conversations(done) => drop(done.send(self.rules.conversations())),
            Command::Conversation { id, done } => drop(done.send(self.rules.view(id))),
            Command::NetworkIsBack => self.suspect().await,
            Command::SetAuth(auth) => {
                self.options.auth = auth;
                if matches!(self.ended, Some(End::Refused { .. })) {
                    self.ended = None;
                    self.lifeline.begin_again(now);
                }
            }
            Command::Close { done } => drop(done.send(())),
        }
        self.carry_out_outputs().await;
    }

    async fn send(&mut self, message: Arc<Outgoing>) -> Result<oneshot::Receiver<Result<Sent, Error>>, Error> {
        let name = message.temp_message_id.clone();
        let queued = self.rules.send(message, &mut self.outputs);
        if let (Err(why), Some(journal)) = (queued, &self.journal) {
            // Another of this name is in the file only if it is in the queue, and then the file has refused it.
            if why != NotQueued::Name {
                journal.note(Fate::Settled(name)).await;
            }
            return Err(why.into());
        }
        queued?;
        let (outcome, waits) = oneshot::channel();
        self.sends.insert(name, outcome);
        Ok(waits)
    }

    fn ticket(&mut self, done: oneshot::Sender<Outcome>) -> u64 {
        self.last_ticket += 1;
        self.tickets.insert(self.last_ticket, done);
        self.last_ticket
    }
}

impl From<NotQueued> for Error {
    fn from(why: NotQueued) -> Self {
        match why {
            NotQueued::Full => Self::Full,
            NotQueued::Name => Self::Name,
            NotQueued::TooOld => Self::TooOld,
        }
    }
}
