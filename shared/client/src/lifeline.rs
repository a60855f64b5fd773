//! Staying connected, as pure rules: when to connect and where, when silence means that a connection is dead, how long to
//! stay away. No runtime, no clock, no socket; the time is passed in.
//!
//! ```text
//!            ┌──── failed, lost ◄──────────────────────────────┐
//!            ▼                                                 │
//!   start ─► waiting ── time ─► connecting ── opened ─► open ──┤
//!            ▲    network back ─┘                        │     │
//!            │                              suspect: probe     │
//!            │                                 │    └ heard: kept
//!            └──── not answered: closed first ─┘
//!                                                  final code, kick, refusal ─► ended
//! ```

use crate::rules::Pace;
use types::CloseReason;

/// How a client stays connected. Times are milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Timing {
    /// From the first byte to `init`; then the attempt has failed.
    pub connect_ms: u64,
    /// How long an old connection that is in doubt has to answer.
    pub probe_ms: u64,
    /// The wait after a first failure; it doubles with each more in a row.
    pub first_wait_ms: u64,
    /// The longest of these waits.
    pub longest_wait_ms: u64,
    /// A connection that was open for so long has held: failures before it do not count any more.
    pub held_ms: u64,
}

impl Default for Timing {
    fn default() -> Self {
        Self { connect_ms: 15_000, probe_ms: 5_000, first_wait_ms: 1_000, longest_wait_ms: 30_000, held_ms: 10_000 }
    }
}

/// What bytes travel by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Transport {
    WebSocket,
    Polling,
}

/// Which transports are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Transports {
    /// WebSocket, and polling where no WebSocket can be had.
    #[default]
    Both,
    WebSocketOnly,
    PollingOnly,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Open a connection to the address of this index. There is no other.
    Connect { address: usize, transport: Transport },
    /// Ask the connection for a sign of life.
    Probe,
    /// Close the connection, or give the attempt up, and tell why.
    Drop(Lost),
}

/// Why a connection ended, or an attempt failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// Nobody answered at the address, or the connection broke.
    Broken,
    /// Nothing was heard for longer than the server's heartbeat allows.
    Silent,
    /// There was no `init` in time.
    TimedOut,
    /// Something on the way does not let WebSockets through.
    NoWebSocket,
    /// The server cannot take more connections now.
    Busy { retry_after_ms: Option<u64> },
    /// The server closed with this code.
    Closed(u16),
    /// The server ended the session without a code.
    PutOut,
    /// The server did not keep the protocol.
    Protocol,
}

/// Why a client does not come back by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// The application closed it.
    Closed,
    /// `kickPush`: another login, or the back end, with a sentence to show.
    Kicked(Box<str>),
    /// A close code that is final, such as 4501.
    Final(u16),
    /// The server does not believe who this is, or does not let it in.
    Refused { code: Box<str>, message: Box<str> },
    /// The server says that this is another user than before.
    OtherUser,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Until then; the server may have asked for a part of it.
    Waiting {
        until: u64,
        told_until: u64,
    },
    Connecting {
        give_up_at: u64,
    },
    Open {
        since: u64,
        heard: u64,
        patience_ms: u64,
        probed_until: Option<u64>,
        come_back_at: u64,
    },
    Ended,
}

#[derive(Debug)]
pub(crate) struct Lifeline {
    timing: Timing,
    pace: Pace,
    addresses: usize,
    address: usize,
    transports: Transports,
    transport: Transport,
    state: State,
    /// In a row.
    failures: u32,
}

impl Lifeline {
    /// Of so many addresses, at least one; it begins at any of them.
    pub(crate) fn new(timing: Timing, transports: Transports, addresses: usize, mut pace: Pace) -> Self {
        let addresses = addresses.max(1);
        let address = pace.up_to(addresses as u64 - 1) as usize;
        let transport = match transports {
            Transports::PollingOnly => Transport::Polling,
            _ => Transport::WebSocket,
        };
        let state = State::Waiting { until: 0, told_until: 0 };
        Self { timing, pace, addresses, address, transports, transport, state, failures: 0 }
    }

    /// When something is due.
    pub(crate) fn due(&self) -> Option<u64> {
        match self.state {
            State::Waiting { until, .. } => Some(until),
            State::Connecting { give_up_at } => Some(give_up_at),
            State::Open { heard, patience_ms, probed_until, .. } => {
                Some((heard + patience_ms).min(probed_until.unwrap_or(u64::MAX)))
            }
            State::Ended => None,
        }
    }

    pub(crate) fn tick(&mut self, now: u64) -> Option<Order> {
        if self.due().is_none_or(|due| due > now) {
            return None;
        }
        match self.state {
            State::Waiting { .. } => {
                self.state = State::Connecting { give_up_at: now + self.timing.connect_ms };
                Some(Order::Connect { address: self.address, transport: self.transport })
            }
            State::Connecting { .. } => {
                self.failed(now, Lost::TimedOut);
                Some(Order::Drop(Lost::TimedOut))
            }
            State::Open { .. } => {
                self.lost(now, Lost::Silent);
                Some(Order::Drop(Lost::Silent))
            }
            State::Ended => None,
        }
    }

    /// `init` has come, on a connection that the server lets hear something at least every `patience_ms`.
    pub(crate) fn opened(&mut self, now: u64, patience_ms: u64) {
        self.state = State::Open { since: now, heard: now, patience_ms, probed_until: None, come_back_at: 0 };
    }

    /// The server let something be heard.
    pub(crate) fn heard(&mut self, now: u64) {
        if let State::Open { heard, probed_until, .. } = &mut self.state {
            (*heard, *probed_until) = (now, None);
        }
    }

    /// The attempt came to nothing.
    pub(crate) fn failed(&mut self, now: u64, why: Lost) {
        let other = match (why, self.transport, self.transports) {
            (Lost::NoWebSocket | Lost::TimedOut | Lost::Broken, Transport::WebSocket, Transports::Both) => {
                Some(Transport::Polling)
            }
            (_, Transport::Polling, Transports::Both) => Some(Transport::WebSocket),
            _ => None,
        };
        if let (Lost::NoWebSocket, Some(other)) = (why, other) {
            // The address answers: there is nothing to wait for.
            self.transport = other;
            self.state = State::Waiting { until: now, told_until: 0 };
            return;
        }
        self.failures += 1;
        self.address = (self.address + 1) % self.addresses;
        let round = self.failures / self.addresses as u32;
        if self.address_begins_round() {
            self.transport = other.unwrap_or(self.transport);
        }
        let told = retry_after(why);
        let wait = match self.failures as usize % self.addresses {
            0 => self.pace.growing(round.max(1), self.timing.first_wait_ms, self.timing.longest_wait_ms),
            // The next address may be well: only so much that not all come there at the same moment.
            _ => self.pace.up_to(self.timing.first_wait_ms / 4),
        };
        self.wait(now, wait, told);
    }

    /// The connection has ended.
    pub(crate) fn lost(&mut self, now: u64, why: Lost) {
        let State::Open { since, probed_until, come_back_at, .. } = self.state else {
            return self.failed(now, why);
        };
        if let Lost::Closed(code) = why
            && code >= 4500
        {
            self.state = State::Ended;
            return;
        }
        let has_held = now.saturating_sub(since) >= self.timing.held_ms;
        self.failures = if has_held { 0 } else { self.failures + 1 };
        let told = retry_after(why).max(come_back_at.saturating_sub(now));
        let wait = match self.failures {
            // A process that ended has many clients: they come back over a second.
            0 if come_back_at == 0 && probed_until.is_none() => self.pace.up_to(self.timing.first_wait_ms),
            0 => 0,
            failures => self.pace.growing(failures, self.timing.first_wait_ms, self.timing.longest_wait_ms),
        };
        self.wait(now, wait, told);
    }

    /// `drainPush`: the process is going away and asks its clients, each at a time of its own, to come back after so long.
    pub(crate) fn drain(&mut self, now: u64, retry_after_ms: u64) {
        if let State::Open { come_back_at, .. } = &mut self.state {
            *come_back_at = now.saturating_add(retry_after_ms);
        }
    }

    /// Something speaks for trouble, or for its end: a request was not answered, the network is back.
    pub(crate) fn suspect(&mut self, now: u64) -> Option<Order> {
        match &mut self.state {
            State::Open { probed_until, .. } if probed_until.is_none() => {
                *probed_until = Some(now + self.timing.probe_ms);
                Some(Order::Probe)
            }
            State::Waiting { until, told_until } => {
                *until = (*told_until).max(now).min(*until);
                None
            }
            _ => None,
        }
    }

    /// No more attempts.
    pub(crate) fn end(&mut self) {
        self.state = State::Ended;
    }

    /// There is a reason to try again after all.
    pub(crate) fn begin_again(&mut self, now: u64) {
        if self.state == State::Ended {
            self.failures = 0;
            self.state = State::Waiting { until: now, told_until: 0 };
        }
    }

    fn address_begins_round(&self) -> bool {
        (self.failures as usize).is_multiple_of(self.addresses)
    }

    fn wait(&mut self, now: u64, own: u64, told: u64) {
        self.state = State::Waiting { until: now + own.max(told), told_until: now + told };
    }
}

/// The least that a client stays away after this.
fn retry_after(why: Lost) -> u64 {
    match why {
        Lost::Busy { retry_after_ms } => retry_after_ms.unwrap_or(1_000),
        Lost::Closed(code) => {
            let known = CloseReason::ALL.into_iter().find(|reason| reason.code() == code);
            known.and_then(CloseReason::retry_after_ms).unwrap_or(0)
        }
        Lost::Protocol => 1_000,
        _ => 0,
    }
}

#[cfg(test)]
#[path = "lifeline_tests.rs"]
mod tests;
