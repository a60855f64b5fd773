//! What the committer needs of an engine: one attempt at a batch, the lease, and the housekeeping. Each engine has its own
//! statements; what a batch comes to is decided by [`crate::plan`] for both.

use crate::ids::IdClock;
use crate::model::{Judge, OutboxId, Request};
use crate::outbox::Reference;
use crate::plan::Verdict;

/// Why an attempt came to nothing. Nothing of it is in the store, but for [`Trouble::Again`] after a commit whose answer
/// was lost.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    /// Another process was in the way, or nobody knows whether it was committed: the same again finds out.
    #[error("{0}")]
    Again(Box<str>),
    #[error("another process has this one's worker")]
    LeaseLost,
    /// The lease does not reach as far as the ids that are needed.
    #[error("the lease must be renewed first")]
    OutOfIds,
    /// The store is not there, or has no room.
    #[error("{0}")]
    Down(Box<str>),
    /// The store would not: one change may be the reason.
    #[error("{0}")]
    Bad(Box<str>),
}

/// What an attempt came to.
pub(crate) struct Attempt {
    /// For each request; nothing for one whose conversation another process has locked: it goes into a later batch.
    pub(crate) verdicts: Vec<Option<Verdict>>,
    pub(crate) outbox: Option<OutboxId>,
}

/// A worker that this process has now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lease {
    pub(crate) worker: u16,
    /// The ceiling of whoever had it before.
    pub(crate) floor_ms: u64,
    pub(crate) ceiling_ms: u64,
    pub(crate) store_ms: u64,
}

/// Who asks for a worker.
#[derive(Debug, Clone)]
pub(crate) struct Holder {
    pub(crate) process: Box<str>,
    /// New with every start.
    pub(crate) incarnation: Box<str>,
    pub(crate) lease_ms: u64,
}

/// The writing side of a store. Used by one task, one call after the other.
pub(crate) trait Engine: Send {
    /// Carries out what it can of a batch in one transaction.
    async fn attempt(
        &mut self,
        requests: &[&Request],
        ids: &mut IdClock,
        own_ms: u64,
        judge: Judge,
    ) -> Result<Attempt, Trouble>;

    /// Takes a worker: its own of an earlier start, one whose lease has ended, or a new one.
    async fn take_lease(&mut self, holder: &Holder, reach_ms: u64) -> Result<Lease, Trouble>;

    /// Renews the lease; the store's time, and the new ceiling. Nothing if somebody else has the worker. `now_ms` is the
    /// store's time as this process has counted on.
    async fn renew_lease(
        &mut self,
        holder: &Holder,
        worker: u16,
        now_ms: u64,
        reach_ms: u64,
    ) -> Result<Option<(u64, u64)>, Trouble>;

    /// Notes that batches were published.
    async fn stamp(&mut self, outbox: &[OutboxId], now_ms: u64) -> Result<(), Trouble>;

    /// Takes over batches that must be published and whose process does not do it: its own older than `before`, and
    /// those of workers whose lease has ended at `now_ms`.
    async fn claim(
        &mut self,
        holder: &Holder,
        worker: u16,
        before: OutboxId,
        now_ms: u64,
    ) -> Result<Vec<(OutboxId, Vec<Reference>)>, Trouble>;

    /// Deletes what is older than it must be kept: published batches before the one, names of messages before the other.
    /// A bounded number at once.
    async fn purge(&mut self, outbox_before: OutboxId, names_before: OutboxId) -> Result<(), Trouble>;

    /// Writes the words of some messages that can be searched; how many it looked at. None above `before`.
    async fn index(&mut self, before: OutboxId, most: usize) -> Result<usize, Trouble>;
}
