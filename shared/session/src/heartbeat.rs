//! The heartbeat of one connection, as a decision: given the time, ping, wait or give up.
//!
//! ```text
//! server pings:   opened ──interval──► ping ──timeout without pong──► dead
//!                    ▲                  │ pong
//!                    └──────────────────┘
//! client pings:   opened ──interval + timeout without a ping──► dead
//! ```

use crate::Millis;

/// Who sends the pings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pinger {
    Server,
    Client,
}

/// Periods in milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Periods {
    pub interval: u32,
    pub timeout: u32,
}

/// What to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// Nothing until [`Heartbeat::due`].
    Rest,
    /// Send a ping.
    Ping,
    /// The other side is gone.
    Dead,
}

#[derive(Debug, Clone, Copy)]
pub struct Heartbeat {
    due: Millis,
    awaiting_pong: bool,
    pinger: Pinger,
}

impl Heartbeat {
    pub fn new(pinger: Pinger, now: Millis, periods: Periods) -> Self {
        let first = match pinger {
            Pinger::Server => periods.interval,
            Pinger::Client => periods.interval + periods.timeout,
        };
        Self { due: now + Millis::from(first), awaiting_pong: false, pinger }
    }

    /// When the next decision falls.
    pub fn due(&self) -> Millis {
        self.due
    }

    /// Decides. Deadlines count from when the ping was due, not from when the sweep came round to it, so a late sweep
    /// never lengthens a dead connection's life.
    pub fn beat(&mut self, now: Millis, periods: Periods) -> Beat {
        if now < self.due {
            return Beat::Rest;
        }
        if self.awaiting_pong || self.pinger == Pinger::Client {
            return Beat::Dead;
        }
        let ping_due = self.due;
        self.awaiting_pong = true;
        // A process that was paused must not take its clients for dead when it wakes: they get their full time.
        let base = if now - ping_due > Millis::from(periods.timeout) / 2 { now } else { ping_due };
        self.due = base + Millis::from(periods.timeout);
        Beat::Ping
    }

    /// The other side showed life: its pong (server pings) or its ping (client pings).
    pub fn alive(&mut self, now: Millis, periods: Periods) {
        let quiet = match self.pinger {
            Pinger::Server => periods.interval,
            Pinger::Client => periods.interval + periods.timeout,
        };
        self.awaiting_pong = false;
        self.due = now + Millis::from(quiet);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PERIODS: Periods = Periods { interval: 25_000, timeout: 10_000 };

    #[test]
    fn the_first_ping_comes_after_the_interval_and_not_before() {
        let mut heart = Heartbeat::new(Pinger::Server, 0, PERIODS);
        assert_eq!(heart.beat(24_999, PERIODS), Beat::Rest);
        assert_eq!(heart.beat(25_000, PERIODS), Beat::Ping);
        assert_eq!(heart.beat(34_999, PERIODS), Beat::Rest);
        assert_eq!(heart.beat(35_000, PERIODS), Beat::Dead);
    }

    #[test]
    fn a_pong_earns_a_whole_interval() {
        let mut heart = Heartbeat::new(Pinger::Server, 0, PERIODS);
        assert_eq!(heart.beat(25_000, PERIODS), Beat::Ping);
        heart.alive(26_000, PERIODS);
        assert_eq!(heart.beat(50_999, PERIODS), Beat::Rest);
        assert_eq!(heart.beat(51_000, PERIODS), Beat::Ping);
    }

    #[test]
    fn a_client_that_pings_is_dead_after_interval_and_timeout_without_one() {
        let mut heart = Heartbeat::new(Pinger::Client, 0, PERIODS);
        heart.alive(20_000, PERIODS);
        assert_eq!(heart.beat(54_999, PERIODS), Beat::Rest);
        assert_eq!(heart.beat(55_000, PERIODS), Beat::Dead);
    }

    #[test]
    fn a_late_sweep_gives_the_client_its_time_only_if_the_process_was_paused() {
        let mut slightly_late = Heartbeat::new(Pinger::Server, 0, PERIODS);
        assert_eq!(slightly_late.beat(25_200, PERIODS), Beat::Ping);
        assert_eq!(slightly_late.due(), 35_000);
        let mut paused = Heartbeat::new(Pinger::Server, 0, PERIODS);
        assert_eq!(paused.beat(60_000, PERIODS), Beat::Ping);
        assert_eq!(paused.due(), 70_000);
    }
}
