//! The metrics of the bus. The only place of this crate where their names stand.

use crate::NodeName;
use metrics::{counter, gauge, histogram};
use std::time::Duration;

/// From publishing a probe on a node to hearing it.
pub(crate) fn lag(node: &NodeName, lag: Duration) {
    histogram!("im_bus_probe_seconds", "node" => node.to_string()).record(lag);
}

/// Whether a node serves.
pub(crate) fn up(node: &NodeName, up: bool) {
    gauge!("im_bus_node_up", "node" => node.to_string()).set(if up { 1.0 } else { 0.0 });
}

/// Channels about which something may have been missed.
pub(crate) fn gap(node: &NodeName, channels: usize) {
    counter!("im_bus_gap_channels_total", "node" => node.to_string()).increment(channels as u64);
}
