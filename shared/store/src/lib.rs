//! What is kept: conversations, messages, and what is true of them for each who is in them.
//!
//! *Acknowledged is committed, durably.* Changes of one moment share a transaction (group commit); everything about one
//! conversation is decided under its lock, so that its entries are numbered without a gap and in one order, whoever
//! writes. What a commit must bring about elsewhere stands in the same transaction (the outbox), so that nothing is
//! forgotten if a process dies in between.
//!
//! One contract, on the methods of [`Store`], and one suite of tests that both engines pass (`tests/suite`). This crate
//! knows no channel and no connection, and it alone knows SQL.

mod committer;
mod config;
mod engine;
mod error;
mod ids;
mod metrics;
mod model;
mod mysql;
mod needs;
mod outbox;
mod plan;
mod query;
mod read;
mod sqlite;
mod words;

pub use config::Config;
pub use error::OpenError;
pub use model::{
    Batch, Change, Committed, Contact, Done, Granted, Judge, OutboxId, Profile, QuickReply, ReadMark, Request, Send,
    Span, Standing, Summary, Ticket,
};
pub use outbox::Reference;
pub use read::{Range, ReadError};

use committer::{Committer, Job, Shared, Sinks};
use config::Place;
use engine::Holder;
use parking_lot::Mutex;
use read::Reader;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use types::{ConversationId, Failure, UserKey};

/// Changes that wait to be committed; more are refused at once.
const QUEUE: usize = 8_192;

/// Batches that wait to be published.
const PUBLISHING: usize = 64;

/// How long a change waits for the store before its asker is told to try again.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a process is believed to give out ids after it was last heard of.
const LEASE_MS: u64 = 15_000;

/// Who opens the store.
#[derive(Debug, Clone)]
pub struct Process {
    /// Unique among live processes.
    pub id: Box<str>,
    /// New with every start.
    pub incarnation: Box<str>,
}

/// A handle of the store. Clones share it.
#[derive(Clone)]
pub struct Store {
    queue: mpsc::Sender<Job>,
    reader: Reader,
    shared: Arc<Shared>,
    identity: Arc<str>,
}

/// What comes out of the store unasked.
pub struct Outgoing {
    /// What was committed, in order: whoever takes it publishes it, answers the tickets, and stamps the batch.
    pub committed: mpsc::Receiver<Batch>,
    /// What was committed some time ago, by this process or one that died, and was not published: likewise.
    pub found: mpsc::Receiver<(OutboxId, Vec<Reference>)>,
    /// Why the store does not work; nothing while it does.
    pub trouble: watch::Receiver<Option<Box<str>>>,
    /// Ends when the store is closed and everything that was asked for is answered.
    pub closed: oneshot::Receiver<()>,
}

/// Opens the store and starts its task; `stop` closes it, once what waits is committed. `data_dir` is where a file is kept
/// if the configuration names no place.
///
/// # Errors
/// A sentence that says what to change.
pub async fn open(
    config: &Config,
    data_dir: &Path,
    process: Process,
    judge: Judge,
    stop: CancellationToken,
) -> Result<(Store, Outgoing), OpenError> {
    let (queue, jobs) = mpsc::channel(QUEUE);
    let (committed, batches) = mpsc::channel(PUBLISHING);
    let (found, lost) = mpsc::channel(PUBLISHING);
    let (done, closed) = oneshot::channel();
    let trouble = watch::Sender::new(None);
    let watching = trouble.subscribe();
    let shared =
        Arc::new(Shared { stamps: Mutex::default(), trouble, time: Mutex::new((unix_millis(), Instant::now())) });
    let sinks = Sinks { committed, found };
    let holder = Holder { process: process.id, incarnation: process.incarnation, lease_ms: LEASE_MS };
    let reader = match config.place(data_dir)? {
        Place::Sqlite(path) => {
            let (engine, readers) = sqlite::open(&path, &holder.incarnation, config)?;
            let committer = Committer::new(engine, holder, judge, shared.clone(), sinks);
            // On a thread of its own: it waits for the disk.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
            let runtime = runtime.map_err(|error| OpenError::Sqlite { path, reason: error.to_string() })?;
            std::thread::Builder::new()
                .name("store".into())
                .spawn(move || {
                    runtime.block_on(committer.run(jobs, stop));
                    done.send(()).ok();
                })
                .map_err(|error| OpenError::Sqlite { path: data_dir.to_owned(), reason: error.to_string() })?;
            Reader::Sqlite(readers)
        }
        Place::Mysql(url) => {
            let (engine, readers) = mysql::open(&url, &holder.incarnation, config).await?;
            let committer = Committer::new(engine, holder, judge, shared.clone(), sinks);
            tokio::spawn(async move {
                committer.run(jobs, stop).await;
                done.send(()).ok();
            });
            Reader::Mysql(readers)
        }
    };
    let identity = read::identity(&reader).await?;
    Ok((
        Store { queue, reader, shared, identity },
        Outgoing { committed: batches, found: lost, trouble: watching, closed },
    ))
}

/// Changing.
impl Store {
    /// Asks for a change, and returns when it is committed and whoever publishes has answered it.
    ///
    /// # Errors
    /// A failure as the client is told it. `unavailable`: it may have been committed or not; the same message sent again
    /// finds out, and so does any other change, which may be made twice.
    pub async fn change(&self, request: Request) -> Result<Granted, Failure> {
        let (answer, answered) = oneshot::channel();
        let job = Job { request, ticket: Ticket(answer), deadline: Instant::now() + PATIENCE };
        if self.queue.try_send(job).is_err() {
            return Err(Failure::unavailable("the store is behind: try again").retry_after(1_000));
        }
        answered.await.unwrap_or_else(|_| Err(committer::unavailable()))
    }

    /// Everything of a batch was published: it need not be published again.
    pub fn stamp(&self, outbox: OutboxId) {
        self.shared.stamps.lock().push(outbox);
    }

    /// What this store is called: all processes that share it say the same.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    /// The store's time, in milliseconds since 1970.
    pub fn now_ms(&self) -> u64 {
        let (time_ms, at) = *self.shared.time.lock();
        time_ms + at.elapsed().as_millis() as u64
    }

    /// Why the store does not work; nothing while it does.
    pub fn trouble(&self) -> Option<Box<str>> {
        self.shared.trouble.borrow().clone()
    }

    /// Makes sure that users exist, who are known from now on.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn meet(&self, users: &[UserKey]) -> Result<(), Failure> {
        for user in users {
            let request = Request { by: user.clone(), socket: None, change: Change::Meet };
            self.change(request).await?;
        }
        Ok(())
    }
}

/// The newest entries of a conversation whose head is known.
pub fn newest_of(conversation: ConversationId, head: u64, count: u64) -> Range {
    read::newest_of(conversation, head, count)
}

fn unix_millis() -> u64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |since| since.as_millis() as u64)
}
