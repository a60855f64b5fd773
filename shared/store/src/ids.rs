//! Time and ids: what a process may give out between two looks at the store.
//!
//! ```text
//! previous holder's ceiling ─► ids of this lease ─► ceiling      never outside, whatever any clock does
//!                               time of the store, carried on by a clock that only goes forward
//! ```
//!
//! All times are the store's. A process asks for it with every renewal of its lease and counts on by itself in between.

use types::MessageId;

/// How far above the time of the last renewal ids may be given out.
pub(crate) const REACH_MS: u64 = 10_000;

/// A worker's right to give out ids, and the time.
#[derive(Debug, Clone)]
pub(crate) struct IdClock {
    worker: u16,
    /// No id below this: the ceiling of whoever had the worker before.
    floor_ms: u64,
    /// No id above this.
    ceiling_ms: u64,
    /// The time of the store at the last renewal, and this process's own clock then.
    store_ms: u64,
    own_ms: u64,
    last: MessageId,
}

impl IdClock {
    /// A new lease. `store_ms` is the store's time when this process's own clock, which never goes back, said `own_ms`.
    pub(crate) fn new(worker: u16, floor_ms: u64, ceiling_ms: u64, store_ms: u64, own_ms: u64) -> Self {
        Self { worker, floor_ms, ceiling_ms, store_ms, own_ms, last: MessageId(0) }
    }

    pub(crate) fn worker(&self) -> u16 {
        self.worker
    }

    /// The lease was renewed.
    pub(crate) fn renew(&mut self, ceiling_ms: u64, store_ms: u64, own_ms: u64) {
        self.ceiling_ms = self.ceiling_ms.max(ceiling_ms);
        // A store whose clock went back does not take the time back.
        self.store_ms = store_ms.max(self.now(own_ms));
        self.own_ms = own_ms;
    }

    /// The store's time.
    pub(crate) fn now(&self, own_ms: u64) -> u64 {
        self.store_ms + own_ms.saturating_sub(self.own_ms)
    }

    /// The next id above `after`; nothing if it would be above the ceiling: the lease must be renewed first.
    pub(crate) fn next(&mut self, after: MessageId, own_ms: u64) -> Option<MessageId> {
        let time = self.now(own_ms).max(self.floor_ms).max(after.time_ms()).max(self.last.time_ms());
        let mut next = MessageId::first(time, self.worker);
        if next <= self.last {
            next = MessageId(self.last.0 + 1);
            if next.count() == 0 {
                // The millisecond is used up.
                next = MessageId::first(time + 1, self.worker);
            }
        }
        if next <= after {
            next = MessageId::first(time + 1, self.worker);
        }
        if next.time_ms() > self.ceiling_ms {
            return None;
        }
        self.last = next;
        Some(next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_790_000_000_000;

    fn clock() -> IdClock {
        IdClock::new(3, NOW - 500, NOW + REACH_MS, NOW, 1_000)
    }

    #[test]
    fn ids_rise_and_carry_the_time() {
        let mut clock = clock();
        let first = clock.next(MessageId(0), 1_000).unwrap();
        assert_eq!((first.time_ms(), first.count()), (NOW, 0));
        let second = clock.next(MessageId(0), 1_000).unwrap();
        assert_eq!(second.0, first.0 + 1);
        assert_eq!(clock.next(MessageId(0), 1_007).unwrap().time_ms(), NOW + 7);
    }

    #[test]
    fn an_id_is_above_the_last_of_its_conversation_whoever_gave_that_out() {
        let mut clock = clock();
        for worker in [0, 3, 9] {
            let after = MessageId(MessageId::first(NOW + 40, worker).0 + 17);
            assert!(clock.next(after, 1_000).unwrap() > after);
        }
    }

    #[test]
    fn a_millisecond_that_is_used_up_is_followed_by_the_next() {
        let mut clock = clock();
        let mut last = MessageId(0);
        for _ in 0..3 * MessageId::PER_MS {
            let next = clock.next(MessageId(0), 1_000).unwrap();
            assert!(next > last);
            last = next;
        }
        assert_eq!(last.time_ms(), NOW + 2);
    }

    #[test]
    fn nothing_is_given_out_above_the_ceiling_or_below_the_floor() {
        let mut clock = IdClock::new(3, NOW + 5, NOW + 10, NOW, 0);
        assert_eq!(clock.next(MessageId(0), 0).unwrap().time_ms(), NOW + 5);
        assert_eq!(clock.next(MessageId(0), 11), None);
        clock.renew(NOW + 30, NOW + 11, 11);
        assert_eq!(clock.next(MessageId(0), 11).unwrap().time_ms(), NOW + 11);
    }

    #[test]
    fn time_never_goes_back_though_the_stores_clock_does() {
        let mut clock = clock();
        let before = clock.next(MessageId(0), 2_000).unwrap();
        clock.renew(NOW + 20_000, NOW - 3_600_000, 3_000);
        assert_eq!(clock.now(3_000), NOW + 2_000);
        assert!(clock.next(MessageId(0), 3_000).unwrap() > before);
    }
}
