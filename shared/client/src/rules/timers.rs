//! What is due when. There is one wake-up for all of it, so a client needs one timer.

use std::collections::BTreeSet;
use types::ConversationId;

/// What may be due. Of things due at the same moment the order is that of this list, then of conversations and numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// The sync that failed is tried again.
    Sync,
    /// A hole in the versions has stayed too long.
    Version,
    /// A hole in a conversation has stayed too long.
    Hole(ConversationId),
    /// What a head has reached is acknowledged.
    Receipt(ConversationId),
    /// What was seen is reported as read.
    Read(ConversationId),
    /// A message (by its place in the queue) is sent again.
    Send(u64),
    /// A message has been tried for long enough.
    GiveUp(u64),
}

/// Moments that were asked for. One that has lost its reason comes all the same and finds nothing to do.
#[derive(Debug, Default)]
pub(super) struct Timers(BTreeSet<(u64, Timer)>);

impl Timers {
    pub(super) fn set(&mut self, at: u64, timer: Timer) {
        self.0.insert((at, timer));
    }

    /// One that was set for this moment is not needed any more.
    pub(super) fn forget(&mut self, at: u64, timer: Timer) {
        self.0.remove(&(at, timer));
    }

    pub(super) fn next(&self) -> Option<u64> {
        self.0.first().map(|(at, _)| *at)
    }

    /// Takes the first that is due.
    pub(super) fn due(&mut self, now: u64) -> Option<Timer> {
        let (at, timer) = self.0.first().copied()?;
        if at > now {
            return None;
        }
        self.0.remove(&(at, timer));
        Some(timer)
    }
}
