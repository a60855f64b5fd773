//! One timing wheel for all connections instead of a timer each.
//!
//! An entry is a weak pointer in the slot of its due time. A sweep visits the slots that have passed, asks each living
//! entry for its next due time and files it again. So a connection costs one pointer here, and a closed one costs
//! nothing once its slot comes round.

use crate::{Clock, Millis};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

/// Something with a next moment at which it must decide.
pub trait Timed: Send + Sync + 'static {
    /// Acts on the time; answers when it wants to be asked again, `None` when it is over.
    fn tick(self: &Arc<Self>, now: Millis) -> Option<Millis>;
}

const SLOTS: usize = 512;

/// The wheel.
pub struct Sweep<T> {
    slots: Box<[Mutex<Vec<Weak<T>>>]>,
    tick: Millis,
    /// The number of ticks swept so far.
    swept: AtomicU64,
    filed: AtomicUsize,
    /// There is an entry again.
    filled: Notify,
}

impl<T: Timed> Sweep<T> {
    /// A wheel of steps of `tick` milliseconds: an entry is visited at its due time or up to one step later.
    pub fn new(tick: Millis) -> Self {
        let slots = (0..SLOTS).map(|_| Mutex::new(Vec::new())).collect();
        Self { slots, tick: tick.max(1), swept: AtomicU64::new(0), filed: AtomicUsize::new(0), filled: Notify::new() }
    }

    /// A step that is fine enough for the shortest of the periods: a twentieth of it, between 5 and 250 ms.
    pub fn tick_for(shortest_period: Millis) -> Millis {
        (shortest_period / 20).clamp(5, 250)
    }

    /// Files an entry to be asked at `due`.
    pub fn add(&self, entry: &Arc<T>, due: Millis) {
        self.file(Arc::downgrade(entry), due);
    }

    /// Visits every slot that has passed by `now`.
    pub fn sweep(&self, now: Millis) {
        let target = now / self.tick;
        let first = self.swept.load(Ordering::Acquire);
        let mut visited = Vec::new();
        // After a long pause one turn of the wheel visits everything there is.
        let from = first.max(target.saturating_sub(SLOTS as u64));
        for step in from..target {
            self.swept.store(step + 1, Ordering::Release);
            std::mem::swap(&mut visited, &mut *self.slots[step as usize % SLOTS].lock());
            self.filed.fetch_sub(visited.len(), Ordering::AcqRel);
            for entry in visited.drain(..) {
                let Some(alive) = entry.upgrade() else { continue };
                if let Some(due) = alive.tick(now) {
                    self.file(entry, due);
                }
            }
        }
    }

    /// Sweeps until told to stop. Where nothing is filed, nothing is woken.
    pub async fn run(&self, clock: Clock, stop: CancellationToken) {
        let mut timer = tokio::time::interval(Duration::from_millis(self.tick));
        timer.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let mut wait = async || {
            while self.filed.load(Ordering::Acquire) == 0 {
                self.filled.notified().await;
            }
            timer.tick().await;
        };
        while stop.run_until_cancelled(wait()).await.is_some() {
            self.sweep(clock.now());
        }
    }

    fn file(&self, entry: Weak<T>, due: Millis) {
        // Counted first: a sweep takes off only what was counted.
        let was_empty = self.filed.fetch_add(1, Ordering::AcqRel) == 0;
        loop {
            let swept = self.swept.load(Ordering::Acquire);
            // Rounded up, so that nothing is asked before it is due; beyond the wheel's horizon it is asked early and
            // simply files itself again.
            let step = due.div_ceil(self.tick).clamp(swept + 1, swept + SLOTS as u64 - 1);
            let mut slot = self.slots[step as usize % SLOTS].lock();
            // A sweep that has come by meanwhile said so before it took the slot.
            if self.swept.load(Ordering::Acquire) <= step {
                slot.push(entry);
                break;
            }
        }
        if was_empty {
            self.filled.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Every {
        period: Millis,
        asked: Mutex<Vec<Millis>>,
        due: Mutex<Millis>,
    }

    impl Timed for Every {
        fn tick(self: &Arc<Self>, now: Millis) -> Option<Millis> {
            let mut due = self.due.lock();
            if now >= *due {
                self.asked.lock().push(now);
                *due = now + self.period;
            }
            Some(*due)
        }
    }

    fn entry(sweep: &Sweep<Every>, period: Millis) -> Arc<Every> {
        let entry = Arc::new(Every { period, asked: Mutex::default(), due: Mutex::new(period) });
        sweep.add(&entry, period);
        entry
    }

    #[test]
    fn an_entry_is_asked_when_due_never_before_and_at_most_a_step_late() {
        let sweep = Sweep::new(10);
        let entry = entry(&sweep, 95);
        for now in 0..400 {
            sweep.sweep(now);
        }
        let asked = entry.asked.lock().clone();
        assert_eq!(asked.len(), 3);
        let mut last = 0;
        for at in asked {
            assert!((95..=115).contains(&(at - last)), "{at} after {last}");
            last = at;
        }
    }

    #[test]
    fn what_lies_beyond_the_horizon_is_still_asked_in_time() {
        let sweep = Sweep::new(1);
        let entry = entry(&sweep, 2_000);
        for now in 0..2_010 {
            sweep.sweep(now);
        }
        assert_eq!(entry.asked.lock().len(), 1);
    }

    #[test]
    fn a_paused_process_catches_up_in_one_turn() {
        let sweep = Sweep::new(1);
        let entry = entry(&sweep, 100);
        sweep.sweep(1_000_000);
        assert_eq!(*entry.asked.lock(), [1_000_000]);
    }

    #[test]
    fn the_dead_are_forgotten() {
        let sweep = Sweep::new(10);
        drop(entry(&sweep, 50));
        for now in 0..100 {
            sweep.sweep(now);
        }
        assert!(sweep.slots.iter().all(|slot| slot.lock().is_empty()));
        assert_eq!(sweep.filed.load(Ordering::Relaxed), 0);
    }

    #[tokio::test]
    async fn a_sweep_that_had_nothing_to_do_takes_up_what_comes() {
        let (sweep, clock, stop) = (Arc::new(Sweep::new(5)), Clock::new(), CancellationToken::new());
        let (sweeping, until) = (sweep.clone(), stop.clone());
        let running = tokio::spawn(async move { sweeping.run(clock, until).await });
        for _ in 0..3 {
            while sweep.filed.load(Ordering::Acquire) > 0 {
                tokio::task::yield_now().await;
            }
            let entry = Arc::new(Every { period: 5, asked: Mutex::default(), due: Mutex::new(clock.now()) });
            sweep.add(&entry, clock.now());
            while entry.asked.lock().is_empty() {
                tokio::task::yield_now().await;
            }
        }
        stop.cancel();
        running.await.unwrap();
    }
}
