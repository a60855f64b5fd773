//! The connection on which this process publishes to one server.
//!
//! Publishing is most of what a node is asked, once or more for each message, so it goes a short way of its own:
//!
//! ```text
//!  publish ──► Outbox ──► Connection, a task ──► socket
//!     ▲                       │ numbers, in the order of the commands
//!     └────────── answer ◄────┘
//! ```
//!
//! Commands gather as bytes until the task comes round, and leave in one write. What is asked here is answered by a
//! number; everything else goes through fred ([`Link`](super::link::Link)), and to the same server: the keeper opens and
//! gives up both together.

use super::link::Target;
use super::options::Options;
use super::resp::{connect, encode, number};
use super::script::RAISE;
use super::trouble::Trouble;
use crate::{Error, NodeName};
use parking_lot::Mutex;
use secrecy::SecretString;
use smallvec::SmallVec;
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep, timeout};

/// Of commands that are not answered yet; as much again may be on its way to the socket.
const ROOM: usize = 16 << 20;

/// What a command takes beside its own bytes.
const OVERHEAD: usize = 128;

/// Answers are a few bytes each, and a refusal is a sentence.
const READ_AT_ONCE: usize = 4096;

/// What grew beyond this in a burst is given back: bytes of a buffer, places of those who wait.
const KEPT_CAPACITY: usize = 256 << 10;
const KEPT_PLACES: usize = 1_024;

/// Whoever publishes has this. Cheap to share; the [`Driver`] decides how long it lives.
pub(super) struct Publisher {
    node: NodeName,
    outbox: Mutex<Outbox>,
}

/// What the callers hand to the task, and what they wait for.
#[derive(Default)]
struct Outbox {
    /// Whole commands that the task has not taken yet.
    commands: Vec<u8>,
    /// How many these are.
    fresh: usize,
    /// In the order of the commands, from the first that is not answered.
    waiting: VecDeque<Waiting>,
    /// Bytes of the commands that are not answered.
    unanswered: usize,
    /// The task, when it has nothing to write.
    idle: Option<Waker>,
    is_closed: bool,
}

struct Waiting {
    since: Instant,
    size: usize,
    /// Whom to tell, unless he has waited too long and was told so.
    caller: Option<Caller>,
}

type Answer = Result<u64, Error>;
type Caller = oneshot::Sender<Answer>;

/// Answers with whom to tell them, unless he was told something else.
type Told = SmallVec<[(Option<Caller>, Answer); 8]>;

/// Keeps the connection open until it is dropped.
pub(super) struct Driver {
    publisher: Arc<Publisher>,
    task: JoinHandle<Trouble>,
}

impl Publisher {
    /// Connects to the server that goes by this run id, and to no other. Takes no longer than the patience of the
    /// options.
    pub(super) async fn open(
        node: &NodeName,
        target: &Target,
        password: Option<&SecretString>,
        run_id: &str,
        options: &Options,
    ) -> Result<Driver, Trouble> {
        let opening = timeout(options.patience, connect(target, password, run_id));
        let stream = opening.await.unwrap_or(Err(Trouble::Silent(options.patience)))?;
        let publisher = Arc::new(Self { node: node.clone(), outbox: Mutex::default() });
        let task = tokio::spawn(Connection::new(stream, publisher.clone(), options));
        Ok(Driver { publisher, task })
    }

    /// Publishes; how many connections received it.
    pub(super) async fn publish(&self, channel: &str, message: &[u8]) -> Result<usize, Error> {
        let received = self.ask(&[b"PUBLISH", channel.as_bytes(), message]).await?;
        Ok(usize::try_from(received).unwrap_or(usize::MAX))
    }

    /// Runs the script that raises a version and publishes with it; the version.
    pub(super) async fn raise(&self, key: &str, args: [&[u8]; 4]) -> Result<u64, Error> {
        let [channel, message, generation, kept] = args;
        let with = async |command: &str, script: &str| {
            let script = [command.as_bytes(), script.as_bytes(), b"1", key.as_bytes()];
            self.ask(&[&script[..], &[channel, message, generation, kept]].concat()).await
        };
        match with("EVALSHA", RAISE.digest()).await {
            Err(Error::Refused { reason, .. }) if reason.starts_with("NOSCRIPT") => with("EVAL", RAISE.text()).await,
            other => other,
        }
    }

    /// Returns when the server has done all that was published before, or the connection is over.
    pub(super) async fn drained(&self) {
        // Any command would do that reads little and is answered by a number.
        self.ask(&[b"DBSIZE"]).await.ok();
    }

    /// Sends a command and waits for the number that answers it.
    async fn ask(&self, command: &[&[u8]]) -> Answer {
        let Some(answer) = self.enqueue(command) else { return Err(self.down()) };
        answer.await.unwrap_or_else(|_| Err(self.down()))
    }

    /// Nothing if the connection is over, or so far behind that more would fill the memory.
    fn enqueue(&self, command: &[&[u8]]) -> Option<oneshot::Receiver<Answer>> {
        let size = OVERHEAD + command.iter().map(|part| part.len()).sum::<usize>();
        let (caller, receiver) = oneshot::channel();
        let idle = {
            let mut outbox = self.outbox.lock();
            if outbox.is_closed || outbox.unanswered + size > ROOM {
                return None;
            }
            outbox.unanswered += size;
            encode(&mut outbox.commands, command);
            outbox.fresh += 1;
            outbox.waiting.push_back(Waiting { since: Instant::now(), size, caller: Some(caller) });
            outbox.idle.take()
        };
        if let Some(task) = idle {
            task.wake();
        }
        Some(receiver)
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

    fn down(&self) -> Error {
        Error::Down(self.node.clone())
    }
}

impl Driver {
    pub(super) fn publisher(&self) -> &Arc<Publisher> {
        &self.publisher
    }

    /// Returns when the connection has ended.
    pub(super) async fn ended(&mut self) -> Trouble {
        (&mut self.task).await.unwrap_or(Trouble::Lost)
    }

    /// Ends the connection now; the socket is closed when this returns.
    pub(super) async fn close(mut self) {
        self.publisher.close();
        self.task.abort();
        if !self.task.is_finished() {
            let _ = (&mut self.task).await;
        }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.publisher.close();
        self.task.abort();
    }
}

/// The task that has the socket.
struct Connection {
    stream: TcpStream,
    publisher: Arc<Publisher>,
    /// Commands on their way, and how much of them the socket has taken.
    commands: Vec<u8>,
    written: usize,
    /// What has come of answers, up to the beginning of one.
    answers: Box<[u8; READ_AT_ONCE]>,
    filled: usize,
    /// The limit of one answer.
    patience: Duration,
    /// Whether a server that owes answers and says nothing for so long is given up.
    gives_up: bool,
    /// Since when nothing has come, though something was asked.
    silent_since: Instant,
    /// When an answer will be overdue. It is set where it was not when something is asked, and looked at when it is
    /// reached: hardly more than once in a patience.
    watch: Option<Pin<Box<Sleep>>>,
}

impl Connection {
    fn new(stream: TcpStream, publisher: Arc<Publisher>, options: &Options) -> Self {
        Self {
            stream,
            publisher,
            commands: Vec::new(),
            written: 0,
            answers: Box::new([0; READ_AT_ONCE]),
            filled: 0,
            patience: options.patience,
            gives_up: options.guards.pulse,
            silent_since: Instant::now(),
            watch: None,
        }
    }

    /// Pending: nothing more has come.
    fn poll_answers(&mut self, cx: &mut Context<'_>) -> Poll<Trouble> {
        loop {
            let mut buffer = ReadBuf::new(&mut self.answers[self.filled..]);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer)) {
                Ok(()) if buffer.filled().is_empty() => return Poll::Ready(Trouble::Lost),
                Ok(()) => {
                    self.filled += buffer.filled().len();
                    self.silent_since = Instant::now();
                }
                Err(_) => return Poll::Ready(Trouble::Lost),
            }
            if let Err(trouble) = self.hand_out() {
                return Poll::Ready(trouble);
            }
        }
    }

    /// Gives the answers that are whole to those who wait for them.
    fn hand_out(&mut self) -> Result<(), Trouble> {
        let mut told = Told::new();
        let outcome = self.take_answers(&mut told);
        for (caller, answer) in told {
            // He may have gone.
            caller.map(|caller| caller.send(answer));
        }
        outcome
    }

    fn take_answers(&mut self, told: &mut Told) -> Result<(), Trouble> {
        let mut taken = 0;
        let mut outbox = self.publisher.outbox.lock();
        while let Some(length) = self.answers[taken..self.filled].windows(2).position(|end| end == b"\r\n") {
            let answer = number(&self.answers[taken..taken + length], &self.publisher.node)?;
            taken += length + 2;
            let unasked = || Trouble::Unfit("an answer that nobody waits for".into());
            let waiting = outbox.waiting.pop_front().ok_or_else(unasked)?;
            outbox.unanswered -= waiting.size;
            told.push((waiting.caller, answer));
        }
        drop(outbox);
        self.answers.copy_within(taken..self.filled, 0);
        self.filled -= taken;
        if self.filled == READ_AT_ONCE { Err(Trouble::Unfit("an answer without an end".into())) } else { Ok(()) }
    }

    /// Pending: everything is written, or the socket takes no more.
    fn poll_commands(&mut self, cx: &mut Context<'_>) -> Poll<Trouble> {
        loop {
            if self.written == self.commands.len() {
                self.commands.clear();
                self.commands.shrink_to(KEPT_CAPACITY);
                self.written = 0;
                let mut outbox = self.publisher.outbox.lock();
                if outbox.commands.is_empty() {
                    if outbox.waiting.is_empty() {
                        outbox.waiting.shrink_to(KEPT_PLACES);
                    }
                    outbox.idle = Some(cx.waker().clone());
                    return Poll::Pending;
                }
                let owed_before = outbox.waiting.len() - std::mem::take(&mut outbox.fresh);
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
                self.watch = Some(Box::pin(tokio::time::sleep(self.patience)));
            }
        }
    }

    /// Tells whoever has waited too long. Pending: the server is not given up.
    fn poll_overdue(&mut self, cx: &mut Context<'_>) -> Poll<Trouble> {
        while let Some(watch) = &mut self.watch {
            ready!(watch.as_mut().poll(cx));
            let now = Instant::now();
            let mut outbox = self.publisher.outbox.lock();
            if outbox.waiting.is_empty() {
                self.watch = None;
                return Poll::Pending;
            }
            if self.gives_up && self.silent_since + self.patience <= now {
                return Poll::Ready(Trouble::Silent(self.patience));
            }
            let is_due = |waiting: &&mut Waiting| waiting.since + self.patience <= now;
            for waiting in outbox.waiting.iter_mut().take_while(is_due) {
                // Who is not there any more hears that the node is down.
                waiting.caller = None;
            }
            let next = outbox.waiting.iter().find(|waiting| waiting.caller.is_some());
            watch.as_mut().reset(next.map_or(now, |waiting| waiting.since) + self.patience);
        }
        Poll::Pending
    }
}

impl Future for Connection {
    type Output = Trouble;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Trouble> {
        let this = &mut *self;
        for poll in [Self::poll_answers, Self::poll_commands, Self::poll_overdue] {
            if let Poll::Ready(trouble) = poll(this, cx) {
                return Poll::Ready(trouble);
            }
        }
        Poll::Pending
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.publisher.close();
    }
}

#[cfg(test)]
#[path = "publisher_tests.rs"]
mod tests;
