//! The handle that applications hold.

use crate::error::Error;
use crate::event::Events;
use crate::journal::Writer;
use crate::options::{Auth, Options};
use crate::rules::{Kind, Outcome, Outgoing, Summary, View};
use crate::task::{Command, Task};
use serde::Serialize;
use serde_json::value::{RawValue, to_raw_value};
use std::sync::Arc;
use std::time::SystemTime;
use tokio::sync::{mpsc, oneshot};
use types::{ConversationId, MessageId, UserKey};

/// Commands that wait for the client's task. Whoever gives more waits.
const COMMANDS: usize = 64;

/// A client of the site: one user on one device. Cloning gives another handle to the same; the client ends with the last.
#[derive(Clone)]
pub struct Client {
    commands: mpsc::Sender<Command>,
    journal: Option<Writer>,
    most_queued: usize,
}

/// A message that is queued.
#[derive(Debug)]
pub struct Queued {
    temp_message_id: Box<str>,
    outcome: oneshot::Receiver<Result<Sent, Error>>,
}

/// A message that the server has for good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sent {
    pub message_id: MessageId,
    pub conversation_id: ConversationId,
    pub conv_seq: u64,
}

impl Client {
    /// Starts a client, which connects by itself and stays connected. Needs a runtime of tokio with time and IO.
    ///
    /// # Errors
    /// An address that is none, or a file of the queue that cannot be used. A server that cannot be reached is none: the
    /// client keeps trying.
    pub async fn start(options: Options) -> Result<(Self, Events), Error> {
        let (commands, taken) = mpsc::channel(COMMANDS);
        let (events, heard) = mpsc::channel(options.events.max(1));
        let most_queued = options.bounds.sends;
        let (journal, kept, is_over) = match &options.queue_file {
            Some(path) => {
                let (journal, kept, is_over) = Writer::start(path).await?;
                (Some(journal), kept, Some(is_over))
            }
            None => (None, Vec::new(), None),
        };
        let task = Task::new(options, taken, events, journal.clone())?;
        tokio::spawn(task.run(kept, is_over));
        Ok((Self { commands, journal, most_queued }, Events(heard)))
    }

    /// Queues a message: a text for [`MessageType::Text`](types::MessageType::Text), an object for other kinds.
    ///
    /// It is sent as soon as there is a connection, and again with the same `temp_message_id` until the server has answered:
    /// at least once on the wire, exactly once in the conversation. Messages to one user keep the order in which they
    /// were queued. With a queue file it is on the disk when this returns, and survives the end of the process. It fails
    /// for good when the server says so or after seven days; then [`retry`](Self::retry) or [`discard`](Self::discard).
    ///
    /// # Errors
    /// [`Error::Full`] if as many as [`Bounds::sends`](crate::rules::Bounds::sends) wait; or it could not be written. After
    /// [`Error::Ended`], with a queue file, it may be in the file: then it is sent after the next start.
    pub async fn send(
        &self,
        to: &UserKey,
        kind: impl Into<Kind>,
        message: &(impl Serialize + ?Sized),
    ) -> Result<Queued, Error> {
        self.send_as(&fresh_name(), to, kind, message).await
    }

    /// As [`send`](Self::send), under a `temp_message_id` of the application's own: 1 to 64 printable ASCII characters that
    /// this user never uses again for another message.
    ///
    /// # Errors
    /// As there, and [`Error::Name`].
    pub async fn send_as(
        &self,
        temp_message_id: &str,
        to: &UserKey,
        kind: impl Into<Kind>,
        message: &(impl Serialize + ?Sized),
    ) -> Result<Queued, Error> {
        let message = Arc::new(Outgoing {
            temp_message_id: temp_message_id.into(),
            to_user_id: to.clone(),
            kind: kind.into(),
            message: to_raw_value(message)?,
            made_at: now_ms(),
        });
        if let Some(journal) = &self.journal {
            self.ask(|done| Command::MayQueue { temp_message_id: temp_message_id.into(), done }).await??;
            journal.queue(message.clone(), self.most_queued).await?;
        }
        let outcome = self.ask(|done| Command::Send { message, done }).await??;
        Ok(Queued { temp_message_id: temp_message_id.into(), outcome })
    }

    /// Sends a message again that has failed, under the same name.
    ///
    /// # Errors
    /// [`Error::TooOld`]: the server may not know it any more, so that it could be there twice. Send a new one.
    pub async fn retry(&self, temp_message_id: &str) -> Result<(), Error> {
        self.ask(|done| Command::Retry { temp_message_id: temp_message_id.into(), done }).await?
    }

    /// Gives a message up. One that was under way may have arrived all the same.
    ///
    /// # Errors
    /// The client has ended.
    pub async fn discard(&self, temp_message_id: &str) -> Result<(), Error> {
        self.tell(Command::Discard(temp_message_id.into())).await
    }

    /// These messages of others are on the screen. They are gathered and reported until the server has them, after
    /// reconnects too, for as long as the process lives.
    ///
    /// # Errors
    /// The client has ended.
    pub async fn read(&self, conversation: ConversationId, messages: Vec<MessageId>) -> Result<(), Error> {
        self.tell(Command::Read { conversation, messages }).await
    }

    /// Goes back to older entries, at most 200 at a time; they come as events before this returns. Whether there are more.
    ///
    /// # Errors
    /// [`Error::Lost`] or [`Error::Refused`].
    pub async fn load_older(&self, conversation: ConversationId, limit: usize) -> Result<bool, Error> {
        #[derive(serde::Deserialize)]
        struct More {
            more: bool,
        }
        let outcome = self.ask(|done| Command::Load { conversation, limit, done }).await?;
        let More { more } = serde_json::from_str(taken(outcome)?.get())?;
        Ok(more)
    }

    /// Keeps so many of the newest entries of a conversation from now on, in place of the bound of all: few where nobody
    /// looks, many in the conversation that is open.
    ///
    /// # Errors
    /// The client has ended.
    pub async fn keep(&self, conversation: ConversationId, entries: usize) -> Result<(), Error> {
        self.tell(Command::Keep { conversation, entries }).await
    }

    /// Asks the server anything of its protocol, once, with an object: `pinConversation`, `saveDraft`, `recallMessage`,
    /// `exchange`, `searchUsers` and so on. What the answer changes comes as events too. Messages are to be sent by
    /// [`send`](Self::send).
    ///
    /// # Errors
    /// [`Error::Refused`] with the server's reason, or [`Error::Lost`]: then it may have been done or not.
    pub async fn request(&self, event: &str, payload: &(impl Serialize + ?Sized)) -> Result<Box<RawValue>, Error> {
        let payload = to_raw_value(payload)?;
        taken(self.ask(|done| Command::Ask { event: event.into(), payload, done }).await?)
    }

    /// What is true of each conversation, in the order of their ids.
    ///
    /// # Errors
    /// The client has ended.
    pub async fn conversations(&self) -> Result<Vec<Summary>, Error> {
        self.ask(Command::Conversations).await
    }

    /// What is here of a conversation; nothing if it is not known.
    ///
    /// # Errors
    /// The client has ended.
    pub async fn conversation(&self, id: ConversationId) -> Result<Option<View>, Error> {
        self.ask(|done| Command::Conversation { id, done }).await
    }

    /// The application has reason to think that the network is back, or was away, or that the machine slept: the connection is asked for a sign of life and
    /// kept if it gives one; without one the wait for the next attempt ends.
    ///
    /// # Errors
    /// The client has ended.
    pub async fn network_is_back(&self) -> Result<(), Error> {
        self.tell(Command::NetworkIsBack).await
    }

    /// Logs in with this from the next connection on, such as a fresh token; a client that ended because the old one was
    /// refused tries again. It must be of the same user.
    ///
    /// # Errors
    /// The client has ended for good.
    pub async fn set_auth(&self, auth: Auth) -> Result<(), Error> {
        self.tell(Command::SetAuth(auth)).await
    }

    /// Says goodbye to the server and ends the client, for its other handles too. When this returns, the queue's file is free.
    pub async fn close(self) {
        let (done, over) = oneshot::channel();
        self.commands.send(Command::Close { done }).await.ok();
        over.await.ok();
    }

    async fn tell(&self, command: Command) -> Result<(), Error> {
        self.commands.send(command).await.map_err(|_| Error::Ended)
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, Error> {
        let (done, answer) = oneshot::channel();
        self.tell(command(done)).await?;
        answer.await.map_err(|_| Error::Ended)
    }
}

impl Queued {
    /// What the message is called until the server has named it.
    pub fn temp_message_id(&self) -> &str {
        &self.temp_message_id
    }

    /// Waits until the server has it for good, or it has failed.
    ///
    /// # Errors
    /// [`Error::Refused`] (also with our own code `expired`), [`Error::Discarded`], or [`Error::Ended`]: the client ended
    /// first.
    pub async fn outcome(self) -> Result<Sent, Error> {
        self.outcome.await.map_err(|_| Error::Ended)?
    }
}

/// Milliseconds since 1970.
pub(crate) fn now_ms() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |time| time.as_millis() as u64)
}

fn taken(outcome: Outcome) -> Result<Box<RawValue>, Error> {
    match outcome {
        Outcome::Ok(answer) => Ok(answer),
        Outcome::Refused(refusal) => Err(Error::Refused(refusal)),
        Outcome::Lost(()) => Err(Error::Lost),
    }
}

/// A name that nobody else gives: 128 bits by chance.
fn fresh_name() -> String {
    let high = getrandom::u64().unwrap_or_else(|_| now_ms());
    let low = getrandom::u64().unwrap_or(high);
    format!("{high:016x}{low:016x}")
}
