//! The metrics of connections. The only place of this crate where their names stand.

use metrics::{Counter, Gauge, counter, gauge};
use types::CloseReason;

/// Handles of one tier, made once: a cached handle costs a tenth of a look-up.
pub struct Connections {
    open: Gauge,
    opened: Counter,
    closed: Vec<Counter>,
    frames_in: Counter,
    frames_out: Counter,
}

impl Connections {
    /// `tier` is `imserver`, `pushserver` or `huaserver`.
    pub fn new(tier: &'static str) -> Self {
        let closed = CloseReason::ALL
            .map(|reason| counter!("im_connections_closed_total", "tier" => tier, "reason" => reason.name()));
        Self {
            open: gauge!("im_connections_open", "tier" => tier),
            opened: counter!("im_connections_opened_total", "tier" => tier),
            closed: closed.into(),
            frames_in: counter!("im_packets_received_total", "tier" => tier),
            frames_out: counter!("im_packets_sent_total", "tier" => tier),
        }
    }

    pub fn opened(&self) {
        self.open.increment(1.0);
        self.opened.increment(1);
    }

    pub fn closed(&self, reason: CloseReason) {
        self.open.decrement(1.0);
        let place = CloseReason::ALL.iter().position(|known| *known == reason);
        if let Some(counter) = place.and_then(|place| self.closed.get(place)) {
            counter.increment(1);
        }
    }

    pub fn received(&self) {
        self.frames_in.increment(1);
    }

    pub fn sent(&self) {
        self.frames_out.increment(1);
    }
}
