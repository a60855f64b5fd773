//! What those who ask on a [`Pipe`](super::pipe::Pipe) hand to its task, and what they wait for.

use super::resp::encode;
use crate::Error;
use std::collections::VecDeque;
use std::task::Waker;
use tokio::sync::oneshot;
use tokio::time::Instant;

/// Of commands that are not answered yet; as much again may be on its way to the socket.
pub(super) const ROOM: usize = 16 << 20;

/// What a command takes beside its own bytes.
pub(super) const OVERHEAD: usize = 128;

/// Commands, and who waits for their answers.
pub(super) struct Outbox<A> {
    /// Whole commands that the task has not taken yet.
    pub(super) commands: Vec<u8>,
    /// How many of these the server answers.
    pub(super) fresh: usize,
    /// In the order of the commands, from the first that is not answered.
    pub(super) waiting: VecDeque<Waiting<A>>,
    /// Bytes of the commands that are not answered.
    pub(super) unanswered: usize,
    /// The task, when it has nothing to write.
    pub(super) idle: Option<Waker>,
    pub(super) is_closed: bool,
}

pub(super) struct Waiting<A> {
    pub(super) since: Instant,
    pub(super) size: usize,
    /// Whom to tell, unless he has waited too long and was told so.
    pub(super) caller: Option<Caller<A>>,
}

pub(super) type Caller<A> = oneshot::Sender<Result<A, Error>>;

impl<A> Outbox<A> {
    /// Without a caller nothing is answered, as to those that subscribe.
    pub(super) fn push(&mut self, command: &[&[u8]], size: usize, caller: Option<Caller<A>>) {
        encode(&mut self.commands, command);
        if caller.is_some() {
            self.owe(size, caller);
        }
    }

    /// Notes that the last command is answered.
    pub(super) fn owe(&mut self, size: usize, caller: Option<Caller<A>>) {
        self.unanswered += size;
        self.fresh += 1;
        self.waiting.push_back(Waiting { since: Instant::now(), size, caller });
    }
}

impl<A> Default for Outbox<A> {
    fn default() -> Self {
        Self { commands: Vec::new(), fresh: 0, waiting: VecDeque::new(), unanswered: 0, idle: None, is_closed: false }
    }
}
