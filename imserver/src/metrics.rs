//! The metrics of the site IM. The only place of this crate where their names stand.

use metrics::{counter, gauge};

/// A request for a session of another process: `answered` by it, its holder `unknown`, or `unreachable`.
pub(crate) fn passed_on(outcome: &'static str) {
    counter!("im_requests_passed_on_total", "outcome" => outcome).increment(1);
}

/// WebSockets that end here and whose sessions are elsewhere.
pub(crate) fn tunnels(open: usize) {
    gauge!("im_tunnels_open").set(open as f64);
}
