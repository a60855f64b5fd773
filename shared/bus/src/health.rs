//! What is known of the medium and of the processes on it.

use std::sync::Arc;
use std::time::Duration;
use types::ProcessId;

/// A Redis node, as logs, metrics and errors call it: `host:port`, or `sentinel:name`.
pub type NodeName = Arc<str>;

/// What works and what does not. Without nodes, as of the bus within one process, nothing can be missing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Health {
    pub nodes: Vec<NodeHealth>,
    /// Another process that goes by this one's id: this one is not ready then.
    pub taken_by: Option<Holder>,
}

/// One Redis node, as this process finds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NodeHealth {
    pub name: NodeName,
    /// Why it does not serve; nothing while it does.
    pub trouble: Option<Box<str>>,
    /// How long the last probe took from publishing to hearing it; nothing before the first one.
    pub lag: Option<Duration>,
    /// Channels that this process wants there.
    pub channels: usize,
}

/// A process that has a place on the bus.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    pub process: ProcessId,
    /// Tells a process from its predecessor of the same id.
    pub incarnation: Box<str>,
    /// Its internal listener, as others reach it; empty if it has none.
    pub address: Box<str>,
}

impl Health {
    /// The nodes that do not serve.
    pub fn degraded(&self) -> impl Iterator<Item = &NodeHealth> {
        self.nodes.iter().filter(|node| node.trouble.is_some())
    }
}
