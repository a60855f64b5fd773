//! The process's place on the bus: within this process, or on Redis with others.

use crate::ask;
use crate::mend::Mending;
use crate::repair::Repair;
use crate::site::unix_millis;
use anyhow::Context;
use bus::{Bus, Holder, Sink};
use std::sync::Arc;
use std::time::Duration;
use types::ProcessId;

/// How other processes know this one.
pub(crate) struct Name {
    pub(crate) process: ProcessId,
    /// Tells this start of the process from those before it.
    pub(crate) incarnation: String,
    /// The internal listener as others reach it; empty if it is shut.
    pub(crate) address: String,
    /// What the store is called; empty if no messages are kept.
    pub(crate) store: String,
}

/// Takes the place. On Redis that needs one node that answers; the others may come later.
///
/// # Errors
/// A sentence that says what to change.
pub(crate) async fn open(
    name: Name,
    config: &bus::Config,
    exchange: &bus::local::Exchange,
    sink: Sink,
    mending: &Arc<Mending>,
    repair: &Arc<Repair>,
) -> anyhow::Result<Bus> {
    let Some(rings) = config.rings()? else {
        return Ok(exchange.attach(name.process, sink)?);
    };
    let Name { process: id, incarnation, address, store } = name;
    let (mending, repair) = (mending.clone(), repair.clone());
    let notices = Arc::new(move |notice| {
        repair.notice(&notice, unix_millis());
        mending.notice(notice);
    });
    let ask = Arc::new(|holder: Holder| -> futures_util::future::BoxFuture<'static, bool> {
        Box::pin(ask::is_alive(holder))
    });
    let mut options = bus::redis::Options::new(notices, ask);
    options.lease = Duration::from_millis(config.lease_ms);
    let process = bus::redis::Process { id, incarnation, address, tier: "imserver", store };
    bus::redis::connect(rings, process, sink, options).await.context("the bus over Redis")
}
