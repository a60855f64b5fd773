//! Publishes what was committed, in order, and answers those who asked.
//!
//! ```text
//! batch ─► for each change: raise the receiver's version, raise the asker's ─► the asker is answered with its version,
//!              50 ms after the commit at the latest without          └► all of a batch confirmed: stamped in the store
//! ```
//!
//! Publishing begins in the order of the commits, without waiting for one to be confirmed before the next begins: each
//! Redis node carries out what it is sent in that order.

use crate::Chat;
use bytes::Bytes;
use futures_util::StreamExt;
use futures_util::future::{BoxFuture, join, join_all};
use futures_util::stream::FuturesUnordered;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use store::{Batch, Committed, Granted, OutboxId, Outgoing, Reference, Store};
use tokio::sync::oneshot;
use tokio::time::timeout;
use types::{Channel, Event, UserKey};

/// An acknowledgement waits so long for its version.
const PATIENCE: Duration = Duration::from_millis(50);

/// Changes whose publishing is under way; more wait, and in the end the store's queue fills.
const MOST: usize = 4_096;

/// Publishes until the store is closed and everything is answered.
pub async fn publish(chat: Arc<Chat>, mut outgoing: Outgoing) {
    let Some(store) = chat.kept.as_ref().map(|kept| kept.store.clone()) else { return };
    let mut under_way: FuturesUnordered<BoxFuture<'_, ()>> = FuturesUnordered::new();
    loop {
        tokio::select! {
            Some(()) = under_way.next() => {}
            batch = outgoing.committed.recv(), if under_way.len() < MOST => match batch {
                Some(batch) => begin(&chat, &store, batch, &mut under_way),
                None => break,
            },
            Some((outbox, references)) = outgoing.found.recv() => {
                under_way.push(Box::pin(publish_again(&chat, &store, outbox, references)));
            }
        }
    }
    while under_way.next().await.is_some() {}
}

/// What the changes of a batch share.
struct Publishing {
    store: Store,
    outbox: Option<OutboxId>,
    failed: AtomicBool,
}

/// When the last one is done, the batch is, unless one failed.
impl Drop for Publishing {
    fn drop(&mut self) {
        if let Some(outbox) = self.outbox.filter(|_| !self.failed.load(Ordering::Acquire)) {
            self.store.stamp(outbox);
        }
    }
}

fn begin<'a>(chat: &'a Arc<Chat>, store: &Store, batch: Batch, under_way: &mut FuturesUnordered<BoxFuture<'a, ()>>) {
    let failed = AtomicBool::new(false);
    let publishing = Arc::new(Publishing { store: store.clone(), outbox: batch.outbox, failed });
    for change in batch.changes {
        under_way.push(Box::pin(publish_change(chat, publishing.clone(), change)));
    }
}

async fn publish_change(chat: &Arc<Chat>, publishing: Arc<Publishing>, change: Committed) {
    let Committed { done, by, events, ticket } = change;
    let (own, others): (Vec<_>, Vec<_>) = events.into_iter().partition(|(user, _)| *user == by);
    let others = join_all(others.into_iter().map(|(user, event)| raise(chat, user, event)));
    let own = join_all(own.into_iter().map(|(user, event)| raise(chat, user, event)));
    let answering = async {
        let mut own = std::pin::pin!(own);
        let (known, late) = oneshot::channel();
        if let Ok(versions) = timeout(PATIENCE, own.as_mut()).await {
            // Without a version there is none to wait for: `known` goes with this block.
            ticket.answer(Ok(Granted { done, version: last(&versions).ok_or(late) }));
            return versions;
        }
        ticket.answer(Ok(Granted { done, version: Err(late) }));
        let versions = own.await;
        if let Some(version) = last(&versions) {
            known.send(version).ok();
        }
        versions
    };
    let (others, own) = join(others, answering).await;
    if others.iter().chain(&own).any(Option::is_none) {
        publishing.failed.store(true, Ordering::Release);
    }
}

fn last(versions: &[Option<u64>]) -> Option<u64> {
    versions.iter().rev().find_map(|version| *version)
}

/// Publishes an event with the next version of its user; nothing if that failed.
async fn raise(chat: &Chat, user: UserKey, event: Event) -> Option<u64> {
    let message = Bytes::from(event.encode());
    let watched = matches!(event, Event::Profile(_)).then(|| (Channel::Presence(user.clone()), message.clone()));
    let raised = chat.bus.raise(&Channel::User(user), message).await;
    if let Some((channel, message)) = watched {
        // Live only: who watches now sees it now.
        chat.bus.publish(&channel, message).await.ok();
    }
    raised.inspect_err(|error| tracing::debug!(%error, "an event is published later")).ok()
}

/// What a dead process committed and did not publish, or this one could not.
async fn publish_again(chat: &Chat, store: &Store, outbox: OutboxId, references: Vec<Reference>) {
    // However long ago that was: what it marked is told.
    let events = match store.events(&references, outbox.time_ms()).await {
        Ok(events) => events,
        Err(error) => return tracing::debug!(%error, "a batch is published later"),
    };
    let raised = join_all(events.into_iter().map(|(user, event)| raise(chat, user, event))).await;
    if raised.iter().all(Option::is_some) {
        store.stamp(outbox);
    }
}
