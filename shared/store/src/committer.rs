//! Group commit: one task that gathers what has come meanwhile, commits it in one transaction and hands on what is to be
//! published; between batches it keeps the lease and the house.
//!
//! ```text
//! Store::change ─► queue ─► gather ─► attempt ──► committed ─► sink (published, then answered)
//!                             ▲          │ locked elsewhere: into a later batch
//!                             └──────────┤ in the way, commit unknown: the same again
//!                                        │ the store is away: again until the askers' time is up
//!                                        └ refused: in halves, until the one that is the reason stands alone
//! ```

use crate::engine::{Attempt, Engine, Holder, Trouble};
use crate::ids::{IdClock, REACH_MS};
use crate::metrics;
use crate::model::{Batch, Change, Committed, Judge, OutboxId, Request, Ticket};
use crate::outbox::Reference;
use crate::plan::Verdict;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep};
use tokio_util::sync::CancellationToken;
use types::{Failure, MessageId};

/// Changes of one transaction, and bytes of their bodies.
const MOST_AT_ONCE: usize = 256;
const MOST_BYTES: usize = 1 << 20;

/// How often the house is looked after.
const TICK: Duration = Duration::from_millis(250);
const RENEW: Duration = Duration::from_secs(2);
const CLAIM: Duration = Duration::from_secs(5);
const PURGE: Duration = Duration::from_secs(10);

/// Published batches stay so long, for processes that missed something; names of messages for their senders.
pub(crate) const OUTBOX_KEPT_MS: u64 = 600_000;
const NAMES_KEPT_MS: u64 = 30 * 86_400_000;

/// Whoever publishes a batch does so within this, or it is published again.
const PUBLISHED_BY_MS: u64 = 5_000;

/// An id is given out at most so long before its commit.
const SETTLED_MS: u64 = REACH_MS + 2_000;

/// Messages indexed for search between two batches.
const INDEXED_AT_ONCE: usize = 200;

/// A change that waits.
pub(crate) struct Job {
    pub(crate) request: Request,
    pub(crate) ticket: Ticket,
    pub(crate) deadline: Instant,
}

/// What the task shares with the handles of the store.
pub(crate) struct Shared {
    /// Batches that were published and are to be stamped.
    pub(crate) stamps: Mutex<Vec<OutboxId>>,
    /// Why the store does not work; nothing while it does.
    pub(crate) trouble: watch::Sender<Option<Box<str>>>,
    /// The store's time: what it was when this process's own clock said that.
    pub(crate) time: Mutex<(u64, Instant)>,
}

/// Where committed batches go, and batches that were found unpublished.
pub(crate) struct Sinks {
    pub(crate) committed: mpsc::Sender<Batch>,
    pub(crate) found: mpsc::Sender<(OutboxId, Vec<Reference>)>,
}

pub(crate) struct Committer<E> {
    engine: E,
    holder: Holder,
    judge: Judge,
    ids: Option<IdClock>,
    begun: Instant,
    shared: Arc<Shared>,
    sinks: Sinks,
    waiting: VecDeque<Job>,
    renewed: Instant,
    claimed: Instant,
    purged: Instant,
}

impl<E: Engine> Committer<E> {
    pub(crate) fn new(engine: E, holder: Holder, judge: Judge, shared: Arc<Shared>, sinks: Sinks) -> Self {
        let now = Instant::now();
        Self {
            engine,
            holder,
            judge,
            ids: None,
            begun: now,
            shared,
            sinks,
            waiting: VecDeque::new(),
            renewed: now,
            // What an earlier start has left is looked for at once.
            claimed: now.checked_sub(CLAIM).unwrap_or(now),
            purged: now,
        }
    }

    /// Commits what comes until `stop`, and then what has come.
    pub(crate) async fn run(mut self, mut queue: mpsc::Receiver<Job>, stop: CancellationToken) {
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut gathered = Vec::new();
        loop {
            let room = MOST_AT_ONCE.saturating_sub(self.waiting.len());
            tokio::select! {
                biased;
                () = stop.cancelled() => break,
                _ = tick.tick() => self.look_after_the_house(queue.is_empty()).await,
                came = queue.recv_many(&mut gathered, room), if room > 0 => {
                    if came == 0 {
                        break;
                    }
                }
                // What another process has locked is tried again soon.
                () = sleep(Duration::from_millis(2)), if !self.waiting.is_empty() => {}
            }
            self.waiting.extend(gathered.drain(..));
            if !self.waiting.is_empty() {
                let batch = self.take_batch();
                self.commit(batch).await;
            }
        }
        queue.close();
        while let Ok(job) = queue.try_recv() {
            self.waiting.push_back(job);
        }
        while !self.waiting.is_empty() {
            let batch = self.take_batch();
            self.commit(batch).await;
        }
        self.flush_stamps().await;
        if let Some(ids) = &self.ids {
            let (worker, now) = (ids.worker(), ids.now(self.own_ms()));
            let ended = Holder { lease_ms: 0, ..self.holder.clone() };
            // Whoever comes next may take over at once.
            self.engine.renew_lease(&ended, worker, now, 0).await.ok();
        }
    }

    fn own_ms(&self) -> u64 {
        self.begun.elapsed().as_millis() as u64
    }

    fn take_batch(&mut self) -> Vec<Job> {
        let mut bytes = 0;
        let mut batch = Vec::new();
        while let Some(job) = self.waiting.front() {
            bytes += size(&job.request);
            if !batch.is_empty() && (batch.len() == MOST_AT_ONCE || bytes > MOST_BYTES) {
                break;
            }
            batch.extend(self.waiting.pop_front());
        }
        batch
    }

    async fn commit(&mut self, batch: Vec<Job>) {
        let mut parts = vec![batch];
        while let Some(mut jobs) = parts.pop() {
            let begun = Instant::now();
            match self.attempt(&jobs).await {
                Ok(attempt) => {
                    metrics::committed(jobs.len(), begun.elapsed());
                    self.settle(jobs, attempt).await;
                }
                Err(Trouble::Bad(reason)) if jobs.len() > 1 => {
                    tracing::warn!(%reason, changes = jobs.len(), "a batch was refused: in halves");
                    let second = jobs.split_off(jobs.len() / 2);
                    parts.push(second);
                    parts.push(jobs);
                }
                Err(Trouble::Bad(reason)) => {
                    tracing::error!(%reason, "the store refused a change");
                    refuse(jobs, &Failure::new(types::Code::Internal, "the store could not keep this"));
                }
                Err(trouble) => {
                    tracing::warn!(%trouble, changes = jobs.len(), "changes were not committed in time");
                    refuse(jobs, &unavailable());
                }
            }
        }
    }

    /// Until it is committed, or refused, or the askers' time is up.
    async fn attempt(&mut self, jobs: &[Job]) -> Result<Attempt, Trouble> {
        let requests: Vec<&Request> = jobs.iter().map(|job| &job.request).collect();
        let deadline = jobs.iter().map(|job| job.deadline).min().unwrap_or_else(Instant::now);
        let mut pause = Duration::from_millis(2);
        loop {
            let trouble = match self.try_once(&requests).await {
                Ok(attempt) => {
                    self.is_well();
                    return Ok(attempt);
                }
                Err(bad @ Trouble::Bad(_)) => return Err(bad),
                Err(trouble) => trouble,
            };
            metrics::repeated();
            match &trouble {
                Trouble::Down(reason) => self.is_ill(reason),
                Trouble::LeaseLost => self.ids = None,
                Trouble::OutOfIds => {
                    if let Err(Trouble::Down(reason)) = self.renew().await {
                        self.is_ill(&reason);
                    }
                }
                Trouble::Again(_) | Trouble::Bad(_) => {}
            }
            if Instant::now() + pause > deadline {
                return Err(trouble);
            }
            sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(200));
        }
    }

    async fn try_once(&mut self, requests: &[&Request]) -> Result<Attempt, Trouble> {
        let own_ms = self.own_ms();
        if self.ids.is_none() {
            let lease = self.engine.take_lease(&self.holder, REACH_MS).await?;
            tracing::info!(worker = lease.worker, "a worker is leased");
            let ids = IdClock::new(lease.worker, lease.floor_ms, lease.ceiling_ms, lease.store_ms, own_ms);
            self.ids = Some(ids);
            self.renewed = Instant::now();
            self.tell_time();
        }
        let Some(ids) = &mut self.ids else { return Err(Trouble::LeaseLost) };
        self.engine.attempt(requests, ids, own_ms, self.judge).await
    }

    async fn settle(&mut self, jobs: Vec<Job>, attempt: Attempt) {
        let mut changes = Vec::with_capacity(jobs.len());
        let mut postponed = Vec::new();
        for (job, verdict) in jobs.into_iter().zip(attempt.verdicts) {
            match verdict {
                Some(Verdict::Granted(done, events)) => {
                    changes.push(Committed { done, events, by: job.request.by, ticket: job.ticket });
                }
                Some(Verdict::Refused(failure)) => job.ticket.answer(Err(failure)),
                Some(Verdict::OutOfIds) | None if Instant::now() < job.deadline => postponed.push(job),
                Some(Verdict::OutOfIds) | None => job.ticket.answer(Err(unavailable())),
            }
        }
        for job in postponed.into_iter().rev() {
            self.waiting.push_front(job);
        }
        if !changes.is_empty() {
            // Whoever publishes ends after this task; if it is gone all the same, the outbox remembers.
            self.sinks.committed.send(Batch { outbox: attempt.outbox, changes }).await.ok();
        }
    }

    async fn look_after_the_house(&mut self, is_idle: bool) {
        let now = Instant::now();
        let mut outcome = Ok(());
        if self.ids.is_none() || now.duration_since(self.renewed) >= RENEW {
            outcome = self.renew().await;
        }
        let Some(ids) = &self.ids else { return self.note(outcome) };
        let (worker, time) = (ids.worker(), ids.now(self.own_ms()));
        self.flush_stamps().await;
        if outcome.is_ok() && now.duration_since(self.claimed) >= CLAIM {
            self.claimed = now;
            outcome = self.claim(worker, time).await;
        }
        if outcome.is_ok() && now.duration_since(self.purged) >= PURGE {
            self.purged = now;
            let (outbox, names) = (before(time, OUTBOX_KEPT_MS), before(time, NAMES_KEPT_MS));
            outcome = self.engine.purge(outbox, names).await;
        }
        if outcome.is_ok() && is_idle {
            let indexed = self.engine.index(before(time, SETTLED_MS), INDEXED_AT_ONCE).await;
            outcome = indexed.map(drop);
        }
        self.note(outcome);
    }

    async fn renew(&mut self) -> Result<(), Trouble> {
        let own_ms = self.own_ms();
        let Some(ids) = &mut self.ids else {
            let attempt = self.try_once(&[]).await;
            return attempt.map(drop);
        };
        let renewed = self.engine.renew_lease(&self.holder, ids.worker(), ids.now(own_ms), REACH_MS).await?;
        match renewed {
            Some((store_ms, ceiling_ms)) => {
                ids.renew(ceiling_ms, store_ms, own_ms);
                self.renewed = Instant::now();
                self.tell_time();
            }
            None => {
                tracing::warn!("the lease of the worker is lost: another one is taken");
                self.ids = None;
            }
        }
        Ok(())
    }

    async fn claim(&mut self, worker: u16, time: u64) -> Result<(), Trouble> {
        let found = self.engine.claim(&self.holder, worker, before(time, PUBLISHED_BY_MS), time).await?;
        for (id, references) in found {
            // If there is no room, it is found again.
            self.sinks.found.try_send((id, references)).ok();
        }
        Ok(())
    }

    async fn flush_stamps(&mut self) {
        let stamps = std::mem::take(&mut *self.shared.stamps.lock());
        let Some(ids) = &self.ids else { return };
        if stamps.is_empty() {
            return;
        }
        if let Err(trouble) = self.engine.stamp(&stamps, ids.now(self.own_ms())).await {
            tracing::debug!(%trouble, "published batches were not stamped");
            self.shared.stamps.lock().extend(stamps);
        }
    }

    fn note(&mut self, outcome: Result<(), Trouble>) {
        match outcome {
            Ok(()) => self.is_well(),
            Err(Trouble::Down(reason)) => self.is_ill(&reason),
            Err(Trouble::LeaseLost) => self.ids = None,
            Err(trouble) => tracing::debug!(%trouble, "the store's chores wait"),
        }
    }

    fn is_well(&self) {
        self.shared.trouble.send_if_modified(|trouble| {
            let was_ill = trouble.take().is_some();
            if was_ill {
                tracing::info!("the store works again");
            }
            was_ill
        });
    }

    fn is_ill(&self, reason: &str) {
        self.shared.trouble.send_if_modified(|trouble| {
            let was_well = trouble.is_none();
            if was_well {
                tracing::warn!(%reason, "the store does not work");
                *trouble = Some(reason.into());
            }
            was_well
        });
    }

    fn tell_time(&self) {
        if let Some(ids) = &self.ids {
            *self.shared.time.lock() = (ids.now(self.own_ms()), Instant::now());
        }
    }
}

/// The first outbox id of the moment so long ago.
fn before(now_ms: u64, ago_ms: u64) -> OutboxId {
    OutboxId(MessageId::first(now_ms.saturating_sub(ago_ms), 0).as_i64())
}

fn size(request: &Request) -> usize {
    match &request.change {
        Change::Send(send) => send.body.len() + 256,
        Change::SaveDraft { text, .. } => text.len() + 256,
        Change::Read { messages, .. } => messages.len() * 16 + 256,
        _ => 256,
    }
}

fn refuse(jobs: Vec<Job>, failure: &Failure) {
    for job in jobs {
        job.ticket.answer(Err(failure.clone()));
    }
}

/// Whether it was committed may be unknown: the same sent again finds out.
pub(crate) fn unavailable() -> Failure {
    Failure::unavailable("the store is not available just now: try again").retry_after(1_000)
}
