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

use super::link::{Target, is_unfit};
use super::options::Options;
use super::script::RAISE;
use super::trouble::Trouble;
use crate::{Error, NodeName};
use parking_lot::Mutex;
use redis_protocol::resp2::decode::decode;
use redis_protocol::resp2::types::OwnedFrame;
use secrecy::{ExposeSecret, SecretString};
use std::collections::VecDeque;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::{Instant, Sleep, timeout};

/// Of commands that are not answered yet: many seconds of a busy process, and no danger.
const ROOM: usize = 32 << 20;

/// What a command takes beside its own bytes.
const OVERHEAD: usize = 128;

/// Answers are a few bytes each, and a refusal is a sentence.
const READ_AT_ONCE: usize = 4096;

/// A buffer that grew beyond this in a burst is given back.
const KEPT_CAPACITY: usize = 256 << 10;

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
    /// In the order of the commands, from the first that is not answered.
    waiting: VecDeque<Waiting>,
    unanswered: usize,
    /// The task, when it has nothing to write.
    idle: Option<Waker>,
    is_closed: bool,
}

struct Waiting {
    since: Instant,
    size: usize,
    answer: oneshot::Sender<Result<u64, Error>>,
}

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
        let opening = timeout(options.patience, open(target, password, run_id));
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

    /// Sends a command and waits for the number that answers it.
    async fn ask(&self, command: &[&[u8]]) -> Result<u64, Error> {
        let Some(answer) = self.enqueue(command) else { return Err(self.down()) };
        answer.await.unwrap_or_else(|_| Err(self.down()))
    }

    /// Nothing if the connection is over, or so far behind that more would fill the memory.
    fn enqueue(&self, command: &[&[u8]]) -> Option<oneshot::Receiver<Result<u64, Error>>> {
        let size = OVERHEAD + command.iter().map(|part| part.len()).sum::<usize>();
        let (answer, receiver) = oneshot::channel();
        let idle = {
            let mut outbox = self.outbox.lock();
            if outbox.is_closed || outbox.unanswered + size > ROOM {
                return None;
            }
            outbox.unanswered += size;
            encode(&mut outbox.commands, command);
            outbox.waiting.push_back(Waiting { since: Instant::now(), size, answer });
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
    /// The limit of one answer, and whether an answer that takes longer ends the connection.
    patience: std::time::Duration,
    gives_up: bool,
    /// When to look whether an answer is overdue: not before something is asked, and then at most once in a patience.
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
            watch: None,
        }
    }

    /// Pending: nothing more has come.
    fn poll_answers(&mut self, cx: &mut Context<'_>) -> Poll<Trouble> {
        loop {
            let mut buffer = ReadBuf::new(&mut self.answers[self.filled..]);
            match ready!(Pin::new(&mut self.stream).poll_read(cx, &mut buffer)) {
                Ok(()) if buffer.filled().is_empty() => return Poll::Ready(Trouble::Lost),
                Ok(()) => self.filled += buffer.filled().len(),
                Err(_) => return Poll::Ready(Trouble::Lost),
            }
            if let Err(trouble) = self.hand_out() {
                return Poll::Ready(trouble);
            }
        }
    }

    /// Gives the answers that are whole to those who wait for them.
    fn hand_out(&mut self) -> Result<(), Trouble> {
        let mut taken = 0;
        {
            let mut outbox = self.publisher.outbox.lock();
            while let Some(length) = self.answers[taken..self.filled].windows(2).position(|end| end == b"\r\n") {
                let answer = parse(&self.answers[taken..taken + length], &self.publisher.node)?;
                taken += length + 2;
                let Some(waiting) = outbox.waiting.pop_front() else {
                    return Err(Trouble::Unfit("an answer that nobody waits for".into()));
                };
                outbox.unanswered -= waiting.size;
                // Nobody may be there to hear it.
                waiting.answer.send(answer).ok();
            }
        }
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
                    outbox.idle = Some(cx.waker().clone());
                    return Poll::Pending;
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

    /// Pending: no answer is overdue.
    fn poll_overdue(&mut self, cx: &mut Context<'_>) -> Poll<Trouble> {
        while let Some(watch) = &mut self.watch {
            ready!(watch.as_mut().poll(cx));
            let outbox = self.publisher.outbox.lock();
            match outbox.waiting.front().map(|waiting| waiting.since + self.patience) {
                None => self.watch = None,
                Some(due) if due > Instant::now() => watch.as_mut().reset(due),
                Some(_) if self.gives_up => return Poll::Ready(Trouble::Silent(self.patience)),
                Some(_) => watch.as_mut().reset(Instant::now() + self.patience),
            }
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

async fn open(target: &Target, password: Option<&SecretString>, run_id: &str) -> Result<TcpStream, Trouble> {
    let failed = |error: std::io::Error| Trouble::Connect(error.to_string().into());
    let mut stream = TcpStream::connect((&*target.host, target.port)).await.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    let mut greeting = Vec::new();
    if let Some(password) = password {
        encode(&mut greeting, &[b"AUTH", password.expose_secret().as_bytes()]);
    }
    encode(&mut greeting, &[b"INFO", b"server"]);
    stream.write_all(&greeting).await.map_err(failed)?;
    let mut answers = Vec::new();
    loop {
        if stream.read_buf(&mut answers).await.map_err(failed)? == 0 {
            return Err(Trouble::Lost);
        }
        while let Some((frame, length)) =
            decode(&answers).map_err(|_| Trouble::Unfit("it does not speak RESP".into()))?
        {
            answers.drain(..length);
            match frame {
                OwnedFrame::Error(sentence) => return Err(Trouble::Unfit(sentence.into())),
                OwnedFrame::BulkString(info) => {
                    let info = String::from_utf8_lossy(&info);
                    let mut runs = info.lines().filter_map(|line| line.strip_prefix("run_id:"));
                    let is_it = runs.next().unwrap_or_default().trim() == run_id;
                    return if is_it { Ok(stream) } else { Err(Trouble::Stranger) };
                }
                _ => {}
            }
        }
    }
}

/// A command as an array of bulk strings.
fn encode(bytes: &mut Vec<u8>, parts: &[&[u8]]) {
    let head = |bytes: &mut Vec<u8>, kind: u8, length: usize| {
        bytes.push(kind);
        bytes.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
        bytes.extend_from_slice(b"\r\n");
    };
    head(bytes, b'*', parts.len());
    for part in parts {
        head(bytes, b'$', part.len());
        bytes.extend_from_slice(part);
        bytes.extend_from_slice(b"\r\n");
    }
}

/// A number or a refusal. Where the server is not what it should be, or does not answer by a number, the connection is
/// of no use.
fn parse(line: &[u8], node: &NodeName) -> Result<Result<u64, Error>, Trouble> {
    let text = std::str::from_utf8(line).unwrap_or_default();
    if let Some(Ok(number)) = text.strip_prefix(':').map(str::parse) {
        return Ok(Ok(number));
    }
    match text.strip_prefix('-') {
        Some(sentence) if is_unfit(sentence) => Err(Trouble::Unfit(sentence.into())),
        Some(sentence) => Ok(Err(Error::Refused { node: node.clone(), reason: sentence.into() })),
        None => Err(Trouble::Unfit("an answer that is no number".into())),
    }
}

#[cfg(test)]
#[path = "publisher_tests.rs"]
mod tests;
