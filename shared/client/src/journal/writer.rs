//! The thread that writes the queue's file, so that nobody who has other things to do waits for a disk. What is queued at
//! the same time is put on the disk together.

use super::{Fate, Journal, Kept};
use crate::error::Error;
use crate::rules::Outgoing;
use std::path::Path;
use std::sync::Arc;
use tokio::sync::{mpsc, oneshot};
use types::UserKey;

/// Orders that wait for the thread. Whoever queues more waits until it has caught up.
const ORDERS: usize = 256;

/// A journal, as seen by those who use it. The thread ends, and the file is free, after [`end`](Self::end), or when the last of
/// these is gone.
#[derive(Clone)]
pub(crate) struct Writer(mpsc::Sender<Order>);

enum Order {
    Queue { message: Arc<Outgoing>, most: usize, done: oneshot::Sender<Result<(), Error>> },
    BelongTo { user: UserKey, done: oneshot::Sender<bool> },
    Note(Fate),
    End,
}

impl Writer {
    /// Opens the file and starts the thread; with what was queued. The receiver hears when the thread has ended.
    pub(crate) async fn start(path: &Path) -> Result<(Self, Vec<Kept>, oneshot::Receiver<()>), Error> {
        let (orders, taken) = mpsc::channel(ORDERS);
        let (opened, outcome) = oneshot::channel();
        let (ended, is_over) = oneshot::channel();
        let path = path.to_owned();
        std::thread::Builder::new().name("send-queue".into()).spawn(move || {
            match Journal::open(&path) {
                Ok((journal, kept)) => {
                    opened.send(Ok(kept)).ok();
                    work(journal, taken);
                }
                Err(error) => drop(opened.send(Err(error))),
            }
            ended.send(()).ok();
        })?;
        let kept = outcome.await.map_err(|_| Error::Ended)??;
        Ok((Self(orders), kept, is_over))
    }

    /// Queues a message, of `most` at most. It is on the disk when this returns.
    pub(crate) async fn queue(&self, message: Arc<Outgoing>, most: usize) -> Result<(), Error> {
        let (done, outcome) = oneshot::channel();
        self.0.send(Order::Queue { message, most, done }).await.map_err(|_| Error::Ended)?;
        outcome.await.map_err(|_| Error::Ended)?
    }

    /// Whether the file is this user's; one that is nobody's yet becomes it.
    pub(crate) async fn belongs_to(&self, user: UserKey) -> bool {
        let (done, outcome) = oneshot::channel();
        let asked = self.0.send(Order::BelongTo { user, done }).await;
        asked.is_ok() && outcome.await.unwrap_or(false)
    }

    /// Notes what became of a message.
    pub(crate) async fn note(&self, fate: Fate) {
        // Without the thread the note is lost: the message is sent once more, which does no harm.
        self.0.send(Order::Note(fate)).await.ok();
    }

    /// Ends the thread, when it has done what it was told before.
    pub(crate) async fn end(&self) {
        self.0.send(Order::End).await.ok();
    }
}

fn work(mut journal: Journal, mut orders: mpsc::Receiver<Order>) {
    while let Some(order) = orders.blocking_recv() {
        let mut queued = Vec::new();
        let mut next = Some(order);
        while let Some(order) = next {
            match order {
                Order::Queue { message, most, done } => match queue(&mut journal, &message, most) {
                    Ok(()) => queued.push((message, done)),
                    Err(error) => drop(done.send(Err(error))),
                },
                // What came before is still taken.
                Order::End => orders.close(),
                Order::BelongTo { user, done } => drop(done.send(belongs_to(&mut journal, &user))),
                Order::Note(fate) => {
                    if let Err(error) = journal.note(&fate) {
                        tracing::warn!(%error, "the fate of a message could not be noted; it is sent once more after a restart");
                    }
                }
            }
            next = orders.try_recv().ok();
        }
        if queued.is_empty() {
            continue;
        }
        let outcome = journal.sync();
        for (message, done) in queued {
            if outcome.is_err() {
                // It may be in the file all the same, though nobody was told so.
                journal.note(&Fate::Settled(message.temp_message_id.clone())).ok();
            }
            let failed = outcome.as_ref().err().map(|error| Error::File(std::io::Error::other(error.to_string())));
            done.send(failed.map_or(Ok(()), Err)).ok();
        }
    }
}

fn queue(journal: &mut Journal, message: &Outgoing, most: usize) -> Result<(), Error> {
    match journal.holds(&message.temp_message_id) {
        (true, _) => Err(Error::Name),
        (false, count) if count >= most => Err(Error::Full),
        _ => journal.queue(message),
    }
}

fn belongs_to(journal: &mut Journal, user: &UserKey) -> bool {
    match journal.user() {
        Some(known) => known == user,
        None => journal.belong_to(user).inspect_err(|error| tracing::warn!(%error, "the queue's user")).is_ok(),
    }
}
