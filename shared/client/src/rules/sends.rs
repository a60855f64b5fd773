//! The queue of messages that go out: each again until the server has it, in the order in which they were made, one after
//! the other for each receiver.
//!
//! ```text
//!   queued ─► under way ─► sent          by the acknowledgement, or by its entry, whichever comes first
//!      ▲          ├──────► failed        a refusal that would come again, or seven days
//!      └── waits ◄┘                      busy, out of order, no answer; a new connection ends a wait of our own
//! ```
//!
//! A message keeps its `temp_message_id` however often it is sent: the server knows it by that.

use super::Rules;
use super::conversation::Source;
use super::entry::{Entry, Kind, Message};
use super::output::{Change, Outcome, Outgoing, Output, SendState, Sending};
use super::refusal::Refusal;
use super::requests::{Purpose, part};
use super::timers::Timer;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::sync::Arc;
use types::{ChatType, ConversationId, MessageId, UserKey};

/// The longest `temp_message_id` in bytes.
pub const MAX_TEMP_ID: usize = 64;

const DAY_MS: u64 = 24 * 60 * 60 * 1000;
/// How long a message is tried.
const TRIED_MS: u64 = 7 * DAY_MS;
/// How old it may be when it is tried by hand again: the server knows it by its name for 30 days, and seven more are tried.
const RETRIED_MS: u64 = 23 * DAY_MS;

/// Why a message was not queued.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NotQueued {
    /// As many as may be wait already.
    Full,
    /// The `temp_message_id` is not 1 to 64 printable ASCII characters, or is in the queue already.
    Name,
    /// It is so old that the server may not know it any more: sent again it could be there twice.
    TooOld,
}

#[derive(Debug, Default)]
pub(super) struct Sends {
    last: u64,
    queue: BTreeMap<u64, Send>,
    by_name: HashMap<Box<str>, u64>,
    /// What is to be sent to each receiver, in order; the first is under way or waits.
    lines: HashMap<UserKey, VecDeque<u64>>,
    /// Receivers whose line has moved.
    moved: Vec<UserKey>,
}

#[derive(Debug)]
struct Send {
    message: Arc<Outgoing>,
    standing: Standing,
    failures: u32,
    gives_up_at: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Queued,
    UnderWay,
    /// Until then; told by the server, or not.
    Waits {
        until: u64,
        told: bool,
    },
    Failed,
}

#[derive(Serialize)]
struct Ask<'a> {
    temp_message_id: &'a str,
    chat_type: ChatType,
    to_user_id: &'a str,
    #[serde(rename = "type")]
    kind: &'a Kind,
    message: &'a RawValue,
}

#[derive(Deserialize)]
struct Sent {
    message_id: MessageId,
    conversation_id: ConversationId,
    conv_seq: u64,
    send_time: u64,
    /// The text as it was stored, where the server has changed it.
    #[serde(default)]
    message: Option<Box<RawValue>>,
}

#[derive(Deserialize)]
struct Beside {
    #[serde(default)]
    v: Option<u64>,
}

impl Rules {
    /// Takes a message that is to be sent. It is shown as pending at once.
    ///
    /// # Errors
    /// It was not taken.
    pub fn send(&mut self, message: impl Into<Arc<Outgoing>>, out: &mut Vec<Output>) -> Result<(), NotQueued> {
        let message = message.into();
        self.may_queue(&message.temp_message_id)?;
        self.enqueue(message, None, out);
        self.advance_sends(out);
        Ok(())
    }

    /// Takes a message that was in the queue when the process ended; with a refusal if it had failed.
    pub fn restore(&mut self, message: impl Into<Arc<Outgoing>>, failed: Option<Refusal>, out: &mut Vec<Output>) {
        let message = message.into();
        if !self.sends.by_name.contains_key(&message.temp_message_id) {
            self.enqueue(message, failed, out);
        }
        self.advance_sends(out);
    }

    /// Whether a message by this name can be queued.
    ///
    /// # Errors
    /// It cannot.
    pub fn may_queue(&self, temp_message_id: &str) -> Result<(), NotQueued> {
        let is_plain = temp_message_id.bytes().all(|byte| byte.is_ascii_graphic() || byte == b' ');
        let is_name = (1..=MAX_TEMP_ID).contains(&temp_message_id.len()) && is_plain;
        if !is_name || self.sends.by_name.contains_key(temp_message_id) {
            return Err(NotQueued::Name);
        }
        if self.sends.queue.len() >= self.bounds.sends { Err(NotQueued::Full) } else { Ok(()) }
    }

    /// Sends a message again that has failed. Nothing happens to one that has not.
    ///
    /// # Errors
    /// [`NotQueued::TooOld`].
    pub fn retry(&mut self, now: u64, temp_message_id: &str, out: &mut Vec<Output>) -> Result<(), NotQueued> {
        let Some((number, send)) = self.sends.named(temp_message_id) else { return Ok(()) };
        if send.standing != Standing::Failed {
            return Ok(());
        }
        if now > send.message.made_at.saturating_add(RETRIED_MS) {
            return Err(NotQueued::TooOld);
        }
        (send.standing, send.failures, send.gives_up_at) = (Standing::Queued, 0, now + TRIED_MS);
        let message = send.message.clone();
        self.timers.set(now + TRIED_MS, Timer::GiveUp(number));
        self.sends.line_up(number, &message.to_user_id);
        out.push(Change::Sending(Sending { message, state: SendState::Pending }).into());
        self.advance_sends(out);
        Ok(())
    }

    /// Gives a message up. If it was under way it may have arrived all the same; then it comes as an entry.
    pub fn discard(&mut self, temp_message_id: &str, out: &mut Vec<Output>) {
        if let Some(message) = self.take_out(temp_message_id) {
            out.push(Change::Sending(Sending { message, state: SendState::Discarded }).into());
        }
        self.advance_sends(out);
    }

    /// Sends whatever has come to the front of its line.
    pub(super) fn advance_sends(&mut self, out: &mut Vec<Output>) {
        for receiver in std::mem::take(&mut self.sends.moved) {
            let first = self.sends.lines.get(&receiver).and_then(|line| line.front().copied());
            let Some((number, send)) = first.and_then(|number| Some((number, self.sends.queue.get_mut(&number)?)))
            else {
                continue;
            };
            if send.standing != Standing::Queued || !self.connected {
                continue;
            }
            send.standing = Standing::UnderWay;
            let message = &send.message;
            let ask = Ask {
                temp_message_id: &message.temp_message_id,
                chat_type: ChatType::P2p,
                to_user_id: message.to_user_id.as_str(),
                kind: &message.kind,
                message: &message.message,
            };
            self.requests.begin(Purpose::Send(number), "sendMessage", &ask, out);
        }
    }

    /// There is a connection again.
    pub(super) fn resend(&mut self, now: u64, out: &mut Vec<Output>) {
        for send in self.sends.queue.values_mut() {
            if let Standing::Waits { until, told } = send.standing
                && (!told || until <= now)
            {
                send.standing = Standing::Queued;
            }
            if send.standing == Standing::Queued {
                self.sends.moved.push(send.message.to_user_id.clone());
            }
        }
        self.advance_sends(out);
    }

    pub(super) fn send_again(&mut self, now: u64, number: u64, out: &mut Vec<Output>) {
        let Some(send) = self.sends.queue.get_mut(&number) else { return };
        if matches!(send.standing, Standing::Waits { until, .. } if until <= now) {
            send.standing = Standing::Queued;
            self.sends.moved.push(send.message.to_user_id.clone());
            self.advance_sends(out);
        }
    }

    pub(super) fn give_up(&mut self, now: u64, number: u64, out: &mut Vec<Output>) {
        let Some(send) = self.sends.queue.get(&number) else { return };
        // One that is under way is still waited for; it is given up if it is not answered well.
        let gives_up = now >= send.gives_up_at && matches!(send.standing, Standing::Queued | Standing::Waits { .. });
        if gives_up {
            self.fail(number, Refusal::own("expired", "it could not be sent for seven days"), out);
            self.advance_sends(out);
        }
    }

    pub(super) fn send_answered(&mut self, now: u64, number: u64, outcome: &Outcome, out: &mut Vec<Output>) {
        match outcome {
            Outcome::Ok(answer) => match part::<Sent>(answer) {
                Some(sent) => {
                    self.was_sent(now, number, sent, out);
                    self.note_version(now, part(answer).and_then(|beside: Beside| beside.v));
                }
                None => self.send_later(now, number, None, out),
            },
            Outcome::Refused(refusal) if refusal.is_final() => self.fail(number, refusal.clone(), out),
            Outcome::Refused(refusal) => self.send_later(now, number, Some(refusal), out),
            Outcome::Lost(()) => self.send_later(now, number, None, out),
        }
    }

    /// Own messages among entries that came are sent, whatever became of their acknowledgements.
    pub(super) fn settle_all(&mut self, entries: &[Entry], out: &mut Vec<Output>) {
        entries.iter().for_each(|entry| self.settle(entry, out));
    }

    pub(super) fn settle(&mut self, entry: &Entry, out: &mut Vec<Output>) {
        let Some(message) = entry.message().filter(|message| self.user.as_ref() == Some(&message.from_user_id)) else {
            return;
        };
        let Some(sent) = message.temp_message_id.as_ref().and_then(|name| self.take_out(name)) else { return };
        let state = SendState::Sent {
            message_id: message.message_id,
            conversation_id: message.conversation_id,
            conv_seq: message.conv_seq,
        };
        out.push(Change::Sending(Sending { message: sent, state }).into());
    }

    fn enqueue(&mut self, message: Arc<Outgoing>, failed: Option<Refusal>, out: &mut Vec<Output>) {
        let gives_up_at = message.made_at.saturating_add(TRIED_MS);
        let (standing, state) = match failed {
            Some(refusal) => (Standing::Failed, SendState::Failed { refusal }),
            None => (Standing::Queued, SendState::Pending),
        };
        self.sends.last += 1;
        let number = self.sends.last;
        self.sends.by_name.insert(message.temp_message_id.clone(), number);
        self.sends.queue.insert(number, Send { message: message.clone(), standing, failures: 0, gives_up_at });
        if standing == Standing::Queued {
            self.timers.set(gives_up_at, Timer::GiveUp(number));
            self.sends.line_up(number, &message.to_user_id);
        }
        out.push(Change::Sending(Sending { message, state }).into());
    }

    fn was_sent(&mut self, now: u64, number: u64, sent: Sent, out: &mut Vec<Output>) {
        let id = sent.conversation_id;
        let (Some(from_user_id), Some(send)) = (self.user.clone(), self.sends.queue.get(&number)) else {
            // Its entry came first; or it was discarded, and its entry is fetched.
            self.conversation(id).tell(sent.conv_seq);
            return self.look_for_hole(now, id);
        };
        let outgoing = send.message.clone();
        let entry = Entry::Message(Arc::new(Message {
            message_id: sent.message_id,
            temp_message_id: Some(outgoing.temp_message_id.clone()),
            conversation_id: id,
            conv_seq: sent.conv_seq,
            chat_type: ChatType::P2p,
            kind: outgoing.kind.clone(),
            from_user_id,
            to_user_id: Some(outgoing.to_user_id.clone()),
            message: Some(sent.message.unwrap_or_else(|| outgoing.message.clone())),
            send_time: sent.send_time,
            read_at: None,
            recalled: false,
        }));
        self.settle(&entry, out);
        self.note_peer(&entry);
        self.announce(id, false, out);
        self.conversation(id).take(entry, Source::Store, out);
        self.look_for_hole(now, id);
        self.look_at_receipt(now, id);
    }

    fn send_later(&mut self, now: u64, number: u64, refusal: Option<&Refusal>, out: &mut Vec<Output>) {
        let Some(send) = self.sends.queue.get_mut(&number) else { return };
        if now >= send.gives_up_at {
            return self.fail(number, Refusal::own("expired", "it could not be sent for seven days"), out);
        }
        if !self.connected {
            send.standing = Standing::Queued;
            return;
        }
        send.failures += 1;
        let until = now + self.pace.after(send.failures, refusal);
        let told = refusal.is_some_and(|refusal| refusal.retry_after_ms.is_some());
        send.standing = Standing::Waits { until, told };
        self.timers.set(until, Timer::Send(number));
    }

    /// Takes a message out of the queue, with all that waits for it.
    fn take_out(&mut self, name: &str) -> Option<Arc<Outgoing>> {
        let (number, send) = self.sends.remove(name)?;
        self.timers.forget(send.gives_up_at, Timer::GiveUp(number));
        Some(send.message)
    }

    fn fail(&mut self, number: u64, refusal: Refusal, out: &mut Vec<Output>) {
        let Some(send) = self.sends.queue.get_mut(&number) else { return };
        send.standing = Standing::Failed;
        self.timers.forget(send.gives_up_at, Timer::GiveUp(number));
        let message = send.message.clone();
        self.sends.leave_line(number, &message.to_user_id);
        out.push(Change::Sending(Sending { message, state: SendState::Failed { refusal } }).into());
    }
}

impl Sends {
    fn named(&mut self, name: &str) -> Option<(u64, &mut Send)> {
        let number = *self.by_name.get(name)?;
        Some((number, self.queue.get_mut(&number)?))
    }

    fn remove(&mut self, name: &str) -> Option<(u64, Send)> {
        let number = self.by_name.remove(name)?;
        let send = self.queue.remove(&number)?;
        self.leave_line(number, &send.message.to_user_id);
        Some((number, send))
    }

    fn line_up(&mut self, number: u64, receiver: &UserKey) {
        self.lines.entry(receiver.clone()).or_default().push_back(number);
        self.moved.push(receiver.clone());
    }

    fn leave_line(&mut self, number: u64, receiver: &UserKey) {
        let Some(line) = self.lines.get_mut(receiver) else { return };
        line.retain(|waits| *waits != number);
        if line.is_empty() {
            self.lines.remove(receiver);
        } else {
            self.moved.push(receiver.clone());
        }
    }
}
