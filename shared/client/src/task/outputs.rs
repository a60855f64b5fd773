//! Carrying out what the rules say.

use super::{Link, MOST_BEYOND, Task};
use crate::client::Sent;
use crate::error::Error;
use crate::event::Event;
use crate::journal::Fate;
use crate::rules::{Change, Output, SendState, Sending};
use tokio::sync::mpsc::error::TrySendError;

impl Task {
    pub(super) async fn carry_out_outputs(&mut self) {
        if self.outputs.is_empty() {
            return;
        }
        let mut outputs = std::mem::take(&mut self.outputs);
        for output in outputs.drain(..) {
            match output {
                Output::Request(request) => {
                    let deadline = self.now() + self.options.request_ms;
                    if let Link::Open(connection) = &mut self.link {
                        connection.emit(request.id, &request.event, &request.payload);
                        self.deadlines.insert(request.id, deadline);
                    }
                }
                Output::Done(done) => {
                    if let Some(waits) = self.tickets.remove(&done.ticket) {
                        waits.send(done.outcome).ok();
                    }
                }
                Output::Change(change) => {
                    if let Change::Sending(sending) = &change {
                        self.note_sending(sending).await;
                    }
                    self.tell(Event::Change(Box::new(change)));
                }
            }
        }
        // The memory is used again.
        self.outputs = outputs;
    }

    /// Hands an event to the application, or keeps it until there is room. Without anybody who listens it is dropped.
    pub(super) fn tell(&mut self, event: Event) {
        if self.beyond.len() >= MOST_BEYOND && matches!(event, Event::Disconnected(_)) {
            // Who does not listen needs not hear of each attempt.
            return;
        }
        if !self.beyond.is_empty() {
            return self.beyond.push_back(event);
        }
        if let Err(TrySendError::Full(event)) = self.events.try_send(event) {
            self.beyond.push_back(event);
        }
    }

    /// Tells who waits for a message what became of it, and the queue's file.
    async fn note_sending(&mut self, sending: &Sending) {
        let name = &sending.message.temp_message_id;
        let (outcome, fate) = match &sending.state {
            SendState::Pending => return,
            SendState::Sent { message_id, conversation_id, conv_seq } => {
                let (message_id, conversation_id, conv_seq) = (*message_id, *conversation_id, *conv_seq);
                (Ok(Sent { message_id, conversation_id, conv_seq }), Fate::Settled(name.clone()))
            }
            SendState::Failed { refusal } => {
                (Err(Error::Refused(refusal.clone())), Fate::Failed(name.clone(), refusal.clone()))
            }
            SendState::Discarded => (Err(Error::Discarded), Fate::Settled(name.clone())),
        };
        if let Some(waits) = self.sends.remove(name) {
            waits.send(outcome).ok();
        }
        if let Some(journal) = &self.journal {
            journal.note(fate).await;
        }
    }
}
