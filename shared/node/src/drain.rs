//! The order in which a draining process lets its clients go. Pure: it is given the time, and says what is due.
//!
//! The window is cut into as many slots as there are connections; each closes at a random moment of its own slot. So
//! closings are even over any stretch of the window, and two processes that drain together do not beat in step.

/// When each of `n` connections closes: pairs of its index and its delay in milliseconds since the drain began,
/// ascending in both. Every delay is less than the window (0 when the window is 0).
#[derive(Debug, Clone)]
pub struct Schedule {
    connections: u64,
    window_ms: u64,
    seed: u64,
    next: u64,
}

/// A drain under way.
#[derive(Debug, Clone)]
pub struct Drain {
    closings: std::iter::Peekable<Schedule>,
    due: usize,
    started_ms: u64,
    deadline_ms: u64,
}

impl Schedule {
    /// The same seed gives the same schedule.
    pub fn new(connections: usize, window_ms: u64, seed: u64) -> Self {
        Self { connections: connections as u64, window_ms, seed, next: 0 }
    }

    /// How long the client at `index` is asked to stay away: up to `spread_ms`, even over the clients, so that those
    /// that closed together do not come back together.
    pub fn retry_after_ms(&self, index: usize, spread_ms: u64) -> u64 {
        below(spread_ms.saturating_add(1), mix(self.seed ^ RETRY ^ mix(index as u64)))
    }

    /// Slot boundaries computed in 128 bits: no product overflows.
    fn slot(&self, index: u64) -> u64 {
        (u128::from(index) * u128::from(self.window_ms) / u128::from(self.connections.max(1))) as u64
    }
}

impl Iterator for Schedule {
    type Item = (usize, u64);

    fn next(&mut self) -> Option<Self::Item> {
        if self.next == self.connections {
            return None;
        }
        let index = self.next;
        self.next += 1;
        let (from, to) = (self.slot(index), self.slot(index + 1));
        let delay = from + below(to - from, mix(self.seed ^ index));
        Some((index as usize, delay))
    }
}

impl Drain {
    /// Times are milliseconds of the caller's clock. The deadline counts from the start and is the window's end if
    /// it is given shorter.
    pub fn new(schedule: Schedule, started_ms: u64, deadline_ms: u64) -> Self {
        let deadline_ms = started_ms.saturating_add(deadline_ms.max(schedule.window_ms));
        Self { closings: schedule.peekable(), due: 0, started_ms, deadline_ms }
    }

    /// How many connections should have been closed by `now_ms`, in all. It never falls; from the window's end on it
    /// is the number the schedule was made for.
    pub fn due(&mut self, now_ms: u64) -> usize {
        let elapsed = now_ms.saturating_sub(self.started_ms);
        while self.closings.next_if(|(_, delay)| *delay <= elapsed).is_some() {
            self.due += 1;
        }
        self.due
    }

    /// When [`due`](Self::due) next grows; `None` when everything is due.
    pub fn next_ms(&mut self) -> Option<u64> {
        let (_, delay) = self.closings.peek()?;
        Some(self.started_ms.saturating_add(*delay))
    }

    /// Whether the deadline has come: what is open now is cut, whoever came late included.
    pub fn finished(&self, now_ms: u64) -> bool {
        now_ms >= self.deadline_ms
    }
}

/// Keeps the waits of returning clients apart from the moments of closing.
const RETRY: u64 = 0x5bd1_e995_9d1b_54a5;

/// A number below `bound` (0 for 0) from a random one.
fn below(bound: u64, random: u64) -> u64 {
    ((u128::from(bound) * u128::from(random)) >> 64) as u64
}

/// splitmix64's finalizer: neighbouring inputs give unrelated outputs.
fn mix(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn closings_are_spread_evenly_over_the_window() {
        let delays: Vec<u64> = Schedule::new(10_000, 20_000, 7).map(|(_, delay)| delay).collect();
        assert!(delays.is_sorted());
        for second in 0..20 {
            let within = delays.iter().filter(|delay| (second * 1000..(second + 1) * 1000).contains(*delay)).count();
            assert!((499..=501).contains(&within), "second {second}: {within}");
        }
    }

    #[test]
    fn closings_are_jittered_within_their_slots_and_by_seed() {
        let of = |seed| Schedule::new(100, 100_000, seed).map(|(_, delay)| delay).collect::<Vec<_>>();
        assert_eq!(of(1), of(1));
        assert_ne!(of(1), of(2));
        let offsets: Vec<u64> = of(1).iter().map(|delay| delay % 1000).collect();
        assert!(offsets.iter().any(|offset| *offset < 250) && offsets.iter().any(|offset| *offset > 750));
    }

    #[test]
    fn every_connection_closes_once_and_before_the_windows_end() {
        for (connections, window) in [(0, 1000), (1, 1000), (3, 0), (1000, 10), (7, u64::MAX)] {
            let schedule: Vec<_> = Schedule::new(connections, window, 3).collect();
            assert!(schedule.iter().map(|(index, _)| *index).eq(0..connections));
            assert!(schedule.iter().all(|(_, delay)| *delay < window.max(1)), "{connections} in {window}");
        }
    }

    #[test]
    fn a_drain_says_how_many_should_be_gone_by_now() {
        let mut drain = Drain::new(Schedule::new(100, 1000, 5), 50_000, 3000);
        assert!(drain.due(50_000) <= 1);
        assert_eq!(drain.due(49_000), drain.due(50_000));
        let half = drain.due(50_500);
        assert!((49..=51).contains(&half), "{half}");
        let next = drain.next_ms().unwrap();
        assert!(next > 50_500 && next < 50_520, "{next}");
        assert_eq!(drain.due(next), half + 1);
        assert_eq!(drain.due(51_000), 100);
        assert_eq!(drain.next_ms(), None);
        assert!(!drain.finished(52_999));
        assert!(drain.finished(53_000));
    }

    #[test]
    fn a_deadline_shorter_than_the_window_waits_for_the_window() {
        let drain = Drain::new(Schedule::new(10, 1000, 5), 0, 10);
        assert!(!drain.finished(999) && drain.finished(1000));
    }

    #[test]
    fn clients_that_left_together_do_not_return_together() {
        let schedule = Schedule::new(1000, 0, 9);
        let waits: Vec<u64> = (0..1000).map(|index| schedule.retry_after_ms(index, 9_999)).collect();
        for tenth in 0..10 {
            let within = waits.iter().filter(|wait| (tenth * 1000..(tenth + 1) * 1000).contains(*wait)).count();
            assert!((60..=140).contains(&within), "{within} in tenth {tenth}");
        }
        assert_eq!(schedule.retry_after_ms(5, 0), 0);
    }
}
