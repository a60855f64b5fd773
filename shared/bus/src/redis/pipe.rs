//! A connection to one server on which commands leave together and their answers come in the same order.
//!
//! ```text
//!   ask ────► Outbox ──► Connection, a task ──► socket
//!    ▲                       │ answers, in the order of the commands
//!    └──────── answer ◄──────┘ and what the server says unasked, to the dialect
//! ```
//!
//! Commands gather as bytes until the task comes round, and leave in one write. A message costs one process a publishing
//! and another a hearing, so both go this short way ([`Publisher`](super::publisher::Publisher),
//! [`Receiver`](super::receiver::Receiver)), and what is registered with a subscription goes with it; everything else goes
//! through fred ([`Link`](super::link::Link)).

use super::beat::sign_due;
use super::options::Options;
use super::outbox::{Caller, OVERHEAD, Outbox, ROOM};
use super::trouble::Trouble;
use crate::{Error, NodeName};
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep, sleep_until};

/// A server that says more than is read so often must not keep what is to be written, the watch, and other tasks waiting.
const READS_IN_TURN: usize = 2;

/// What grew beyond this in a burst is given back: bytes of a buffer, places of those who wait.
const KEPT_CAPACITY: usize = 256 << 10;
const KEPT_PLACES: usize = 1_024;

/// How what comes is read.
pub(super) trait Dialect: Send + Unpin + 'static {
    type Answer: Send + 'static;

    /// As much is read at once.
    const AT_ONCE: usize;
    /// What a server may say in one piece.
    const LONGEST: usize;

    /// The first thing that these bytes say.
    fn read(&mut self, bytes: &[u8], node: &NodeName) -> Next<Said<Self::Answer>>;
}

/// Something that was said, and its length; nothing while it is not whole.
pub(super) type Next<T> = Result<Option<(T, usize)>, Trouble>;

pub(super) enum Said<A> {
    Answer(Result<A, Error>),
    /// Something that nobody waits for, and that the dialect has taken.
    Unasked,
}

/// Whoever asks has this. Cheap to share; the [`Driver`] decides how long it lives.
pub(super) struct Pipe<A> {
    node: NodeName,
    outbox: Mutex<Outbox<A>>,
}

/// Keeps the connection open until it is dropped.
pub(super) struct Driver<A> {
    pipe: Arc<Pipe<A>>,
    task: JoinHandle<Trouble>,
}

/// When the server is asked for a sign of life.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Pulse {
    /// When none has come of itself for a while.
    Asked,
    /// Never: what is asked anyway shows it.
    Unasked,
}

impl<A: Send + 'static> Pipe<A> {
    /// Drives a connection that is open.
    pub(super) fn over<D: Dialect<Answer = A>>(
        stream: TcpStream,
        node: &NodeName,
        dialect: D,
        pulse: Pulse,
        options: &Options,
    ) -> Driver<A> {
        let pipe = Arc::new(Self { node: node.clone(), outbox: Mutex::default() });
        let task = tokio::spawn(Connection::new(stream, pipe.clone(), dialect, pulse, options));
        Driver { pipe, task }
    }

    /// Sends a command and waits for its answer.
    pub(super) async fn ask(&self, command: &[&[u8]]) -> Result<A, Error> {
        let (caller, answer) = oneshot::channel();
        if !self.enqueue(command, Some(caller)) {
            return Err(self.down());
        }
        answer.await.unwrap_or_else(|_| Err(self.down()))
    }

    /// Sends a command that is not answered, as those are that subscribe; false as with [`Self::enqueue`].
    pub(super) fn tell(&self, command: &[&[u8]]) -> bool {
        self.enqueue(command, None)
    }

    /// False if the connection is over, or so far behind that more would fill the memory.
    fn enqueue(&self, command: &[&[u8]], caller: Option<Caller<A>>) -> bool {
        let size = OVERHEAD + command.iter().map(|part| part.len()).sum::<usize>();
        let idle = {
            let mut outbox = self.outbox.lock();
            if outbox.is_closed || outbox.unanswered.max(outbox.commands.len()) + size > ROOM {
                return false;
            }
            outbox.push(command, size, caller);
            outbox.idle.take()
        };
        if let Some(task) = idle {
            task.wake();
        }
        true
    }

    /// Whoever waits is told that the node is down.
    fn close(&self) {
        let waiting = {
            let mut outbox = self.outbox.lock();
            outbox.is_closed = true;
            outbox.commands = Vec::new();
            std::mem::take(&mut outbox.waiting)
        };
        drop(waiting);
    }

    pub(super) fn down(&self) -> Error {
        Error::Down(self.node.clone())
    }
}

impl<A: Send + 'static> Driver<A> {
    pub(super) fn pipe(&self) -> &Arc<Pipe<A>> {
        &self.pipe
    }

    /// Returns when the connection has ended.
    pub(super) async fn ended(&mut self) -> Trouble {
        (&mut self.task).await.unwrap_or(Trouble::Lost)
    }

    /// Ends the connection now; the socket is closed when this returns.
    pub(super) async fn close(mut self) {
        self.pipe.close();
        self.task.abort();
        if !self.task.is_finished() {
            let _ = (&mut self.task).await;
        }
    }
}

impl<A> Drop for Driver<A> {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// The task that has the socket.
struct Connection<D: Dialect> {
    stream: TcpStream,
    pipe: Arc<Pipe<D::Answer>>,
    dialect: D,
    /// Commands on their way, and how much of them the socket has taken.
    commands: Vec<u8>,
    written: usize,
    /// What has come, up to the beginning of what is not whole yet, and room for more.
    said: Vec<u8>,
    filled: usize,
    /// The limit of one answer.
    patience: Duration,
    /// Whether a server that owes answers and says nothing for so long is given up.
    gives_up: bool,
    /// How long a server that owes nothing may say nothing, until it is asked for a sign of life.
    pulse: Option<Duration>,
    /// Since when nothing has come, though something was asked.
    silent_since: Instant,
    /// When an answer will be overdue, or a sign of life due. It is set where it was not when something is asked, and
    /// looked at when it is reached: hardly more than once in a patience or pulse.
    watch: Option<Pin<Box<Sleep>>>,
}

impl<D: Dialect> Connection<D> {
    fn new(stream: TcpStream, pipe: Arc<Pipe<D::Answer>>, dialect: D, pulse: Pulse, options: &Options) -> Self {
        let gives_up = options.guards.pulse;
        let pulse = (gives_up && pulse == Pulse::Asked).then_some(options.pulse);
        Self {
            stream,
            pipe,
            dialect,
            commands: Vec::new(),
            written: 0,
            said: vec![0; D::AT_ONCE],
            filled: 0,
            patience: options.patience,
            gives_up,
            pulse,
            silent_since: Instant::now(),
            watch: pulse.map(|pulse| Box::pin(sleep_until(sign_due(Instant::now(), pulse)))),
        }
    }

    /// Pending: nothing more has come, or it is others' turn.
    fn poll_said(&mut self, cx: &mut Context<'_>) -> Poll<Trouble> {
        for _ in 0..READS_IN_TURN {
            let mut buffer = ReadBuf::new(&mut self.said[self.filled..]);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer)) {
                Ok(()) if buffer.filled().is_empty() => return Poll::Ready(Trouble::Lost),
                Ok(()) => {
                    self.filled += buffer.filled().len();
                    self.silent_since = Instant::now();
                }
                Err(_) => return Poll::Ready(Trouble::Lost),
            }
            if let Err(trouble) = self.take_said() {
                return Poll::Ready(trouble);
            }
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    /// Takes what is whole, and makes room.
    fn take_said(&mut self) -> Result<(), Trouble> {
        let mut answers: SmallVec<[_; 8]> = SmallVec::new();
        let mut taken = 0;
        let outcome = loop {
            match self.dialect.read(&self.said[taken..self.filled], &self.pipe.node) {
                Ok(Some((said, length))) => {
                    taken += length;
                    if let Said::Answer(answer) = said {
                        answers.push(answer);
                    }
                }
                Ok(None) => break Ok(()),
                Err(trouble) => break Err(trouble),
            }
        };
        self.hand_out(answers)?;
        outcome?;
        self.said.copy_within(taken..self.filled, 0);
        self.filled -= taken;
        if self.filled == D::LONGEST {
            return Err(Trouble::Unfit("an answer without an end".into()));
        }
        if self.filled == self.said.len() {
            self.said.resize((2 * self.filled).min(D::LONGEST), 0);
        } else if self.filled == 0 && self.said.len() > D::AT_ONCE.max(KEPT_CAPACITY) {
            self.said = vec![0; D::AT_ONCE];
        }
        Ok(())
    }

    /// Gives the answers to those who wait for them.
    fn hand_out(&self, answers: SmallVec<[Result<D::Answer, Error>; 8]>) -> Result<(), Trouble> {
        if answers.is_empty() {
            return Ok(());
        }
        let mut told: SmallVec<[_; 8]> = SmallVec::new();
        let mut outcome = Ok(());
        {
            let mut outbox = self.pipe.outbox.lock();
            for answer in answers {
                let Some(waiting) = outbox.waiting.pop_front() else {
                    outcome = Err(Trouble::Unfit("an answer that nobody waits for".into()));
                    break;
                };
                outbox.unanswered -= waiting.size;
                told.push((waiting.caller, answer));
            }
        }
        for (caller, answer) in told {
            // He may have gone.
            caller.map(|caller| caller.send(answer));
        }
        outcome
    }

    /// Pending: everything is written, or the socket takes no more.
    fn poll_commands(&mut self, cx: &mut Context<'_>) -> Poll<Trouble> {
        loop {
            if self.written == self.commands.len() {
                self.commands.clear();
                self.commands.shrink_to(KEPT_CAPACITY);
                self.written = 0;
                let mut outbox = self.pipe.outbox.lock();
                if outbox.commands.is_empty() {
                    if outbox.waiting.is_empty() {
                        outbox.waiting.shrink_to(KEPT_PLACES);
                    }
                    outbox.idle = Some(cx.waker().clone());
                    return Poll::Pending;
                }
                let owed_before = outbox.waiting.len().saturating_sub(std::mem::take(&mut outbox.fresh));
                if owed_before == 0 {
                    self.silent_since = Instant::now();
                }
                std::mem::swap(&mut outbox.commands, &mut self.commands);
            }
            match ready!(Pin::new(&mut self.stream).poll_write(cx, &self.commands[self.written..])) {
                Ok(0) | Err(_) => return Poll::Ready(Trouble::Lost),
                Ok(written) => self.written += written,
            }
            if self.watch.is_none() {
                self.watch = Some(Box::pin(sleep_until(Instant::now() + self.patience)));
            }
        }
    }

    /// Tells whoever has waited too long; when the next of the others will have.
    fn tell_overdue(outbox: &mut Outbox<D::Answer>, now: Instant, patience: Duration) -> Instant {
        for waiting in outbox.waiting.iter_mut().take_while(|waiting| waiting.since + patience <= now) {
            // Who is not there any more hears that the node is down.
            waiting.caller = None;
        }
        let next = outbox.waiting.iter().find(|waiting| waiting.caller.is_some());
        next.map_or(now, |waiting| waiting.since) + patience
    }

    /// Asks for a sign of life when it is due, and tells whoever has waited too long. Pending: the server is not given up.
    fn poll_watch(&mut self, cx: &mut Context<'_>) -> Poll<Trouble> {
        while let Some(watch) = &mut self.watch {
            ready!(watch.as_mut().poll(cx));
            let now = Instant::now();
            let mut outbox = self.pipe.outbox.lock();
            if outbox.waiting.is_empty() {
                let Some(pulse) = self.pulse else {
                    self.watch = None;
                    return Poll::Pending;
                };
                let due = sign_due(self.silent_since, pulse);
                if due > now {
                    watch.as_mut().reset(due);
                    continue;
                }
                outbox.push(&[b"PING"], 0, None);
                outbox.owe(0, None);
                if let Some(task) = outbox.idle.take() {
                    task.wake();
                }
                watch.as_mut().reset(sign_due(now, pulse).min(now + self.patience));
                continue;
            }
            if self.gives_up && self.silent_since + self.patience <= now {
                return Poll::Ready(Trouble::Silent(self.patience));
            }
            let given_up = if self.gives_up { self.silent_since + self.patience } else { now + self.patience };
            let due = match self.pulse {
                // Behind much that is unasked an answer may be long in coming, from a server that does what it can.
                Some(pulse) => sign_due(now, pulse),
                None => Self::tell_overdue(&mut outbox, now, self.patience),
            };
            watch.as_mut().reset(due.min(given_up));
        }
        Poll::Pending
    }
}

impl<D: Dialect> Future for Connection<D> {
    type Output = Trouble;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Trouble> {
        let this = &mut *self;
        for poll in [Self::poll_said, Self::poll_commands, Self::poll_watch] {
            if let Poll::Ready(trouble) = poll(this, cx) {
                return Poll::Ready(trouble);
            }
        }
        Poll::Pending
    }
}

impl<D: Dialect> Drop for Connection<D> {
    fn drop(&mut self) {
        self.pipe.close();
    }
}

#[cfg(test)]
#[path = "pipe_tests.rs"]
mod tests;
