//! The lease of a process on a node: while it lasts, what the process has registered there counts, and nobody else goes by
//! its id.

use super::link::Link;
use super::names;
use super::node::Node;
use super::options::Notice;
use super::script::{Answer, LEASE};
use super::trouble::Trouble;
use crate::{Error, Holder};
use parking_lot::Mutex;
use std::collections::HashMap;
use tokio::time::timeout;
use types::ProcessId;

/// Takes the lease, also from a process that does not answer any more; whether it was not held.
pub(super) async fn take(node: &Node, link: &Link, trouble: &Mutex<Trouble>) -> Result<bool, Trouble> {
    let refused = |error: Error| Trouble::Unfit(error.to_string().into());
    let mut taken = claim(node, link, "").await.map_err(refused)?;
    if let Err(Claimed::By(holder)) = &taken {
        *trouble.lock() = Trouble::Asking;
        let limit = node.options().patience;
        if timeout(limit, (node.options().ask)(holder.clone())).await.unwrap_or(false) {
            let news = node.taken_by.lock().replace(holder.clone()).as_ref() != Some(holder);
            if news {
                node.seat.notify(Notice::Taken { holder: holder.clone() });
            }
            return Err(Trouble::Taken);
        }
        taken = claim(node, link, &holder.incarnation).await.map_err(refused)?;
    }
    match taken {
        Ok((anew, _)) => {
            node.taken_by.lock().take();
            Ok(anew)
        }
        Err(other) => Err(other.trouble()),
    }
}

/// Why the lease is not to be had.
pub(super) enum Claimed {
    By(Holder),
    /// A process that keeps messages in another store.
    Apart(ProcessId),
}

impl Claimed {
    pub(super) fn trouble(self) -> Trouble {
        match self {
            Self::By(_) => Trouble::Taken,
            Self::Apart(process) => Trouble::OtherStore(process),
        }
    }
}

/// The processes with a lease, and what the leases say.
pub(super) type Living = HashMap<ProcessId, String>;

/// Takes or renews the lease: whether it was not held, and which processes live.
pub(super) async fn claim(
    node: &Node,
    link: &Link,
    instead_of: &str,
) -> Result<Result<(bool, Living), Claimed>, Error> {
    let process = &node.seat.process;
    let args = vec![
        process.id.as_str().into(),
        process.incarnation.as_str().into(),
        process.address.as_str().into(),
        node.options().lease.as_millis().to_string().into(),
        instead_of.into(),
        process.store.as_str().into(),
    ];
    let mut answer = Answer::of(link.run(&LEASE, names::lease(&process.id), args).await?);
    match answer.number() {
        1 => {}
        2 => {
            let other = answer.text().and_then(|name| name.parse().ok());
            return Ok(Err(Claimed::Apart(other.unwrap_or_else(|| process.id.clone()))));
        }
        _ => {
            let incarnation = answer.text().unwrap_or_default().into();
            let address = answer.text().unwrap_or_default().into();
            return Ok(Err(Claimed::By(Holder { process: process.id.clone(), incarnation, address })));
        }
    }
    let anew = answer.flag();
    let mut list = answer.list().texts();
    let mut living = Living::new();
    while let (Some(name), Some(lease)) = (list.next(), list.next()) {
        if let Ok(name) = name.parse() {
            living.insert(name, lease);
        }
    }
    Ok(Ok((anew, living)))
}
