//! Where a node's master is: at the address of the list, or where the Sentinels say.

use super::link::{Driver, Link, Purpose, Target};
use super::node::Node;
use super::trouble::Trouble;
use fred::types::Value;
use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use shard::Address;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::broadcast::error::RecvError;

/// A pause between two Sentinels of which neither answers.
const NEXT_SENTINEL: Duration = Duration::from_millis(250);

/// The channel on which Sentinels say `name old-host old-port new-host new-port`.
const SWITCH: &str = "+switch-master";

/// Where the master is now. Of several Sentinels the first to answer is believed: whatever it says is checked by the role
/// of the server that is there.
pub(super) async fn locate(node: &Node) -> Result<Target, Trouble> {
    let (name, hosts) = match &node.spec.address {
        Address::Direct { host, port } => return Ok(Target { host: host.clone(), port: *port }),
        Address::Sentinel { name, hosts } => (name, hosts),
    };
    let mut asking: FuturesUnordered<_> = hosts.iter().map(|host| ask(node, host, name)).collect();
    while let Some(answer) = asking.next().await {
        if let Some(target) = answer {
            return Ok(target);
        }
    }
    Err(Trouble::Nowhere)
}

/// Listens to one Sentinel after the other and notes where the master went, until this process leaves. A node without
/// Sentinels has nothing to listen to.
pub(super) async fn watch_switches(node: Arc<Node>) {
    let Address::Sentinel { name, hosts } = &node.spec.address else { return };
    if !node.options().guards.switches {
        return;
    }
    let listening = async {
        for host in hosts.iter().cycle() {
            if let Ok(driver) = open(&node, host).await {
                listen(&node, driver, name).await;
            }
            tokio::time::sleep(NEXT_SENTINEL).await;
        }
    };
    tokio::select! {
        () = listening => {}
        () = node.seat.leaving.cancelled() => {}
    }
}

async fn listen(node: &Node, mut driver: Driver, name: &str) {
    let link = driver.link().clone();
    let mut messages = link.messages();
    let hearing = async {
        if link.subscribe(vec![SWITCH.to_owned()]).await.is_err() || link.barrier().await.is_err() {
            return;
        }
        // A switch that happened while nobody listened.
        if let Some(target) = master(&link, name).await {
            node.moved.send_replace(Some(target));
        }
        loop {
            match messages.recv().await {
                Ok(message) => {
                    let text = message.value.into_string().unwrap_or_default();
                    if let Some(target) = read_switch(&text, name) {
                        tracing::info!(node = %node.name, host = target.host, port = target.port, "the master moves");
                        node.moved.send_replace(Some(target));
                    }
                }
                Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            }
        }
    };
    tokio::select! {
        () = hearing => {}
        _ = driver.ended() => {}
        _ = Driver::silence(&link, node.options()) => {}
    }
    driver.close().await;
}

async fn ask(node: &Node, host: &(String, u16), name: &str) -> Option<Target> {
    let driver = open(node, host).await.ok()?;
    let target = master(driver.link(), name).await;
    driver.close().await;
    target
}

async fn open(node: &Node, (host, port): &(String, u16)) -> Result<Driver, Trouble> {
    let target = Target { host: host.clone(), port: *port };
    Link::open(&node.name, &target, None, Purpose::Sentinel, node.options()).await
}

async fn master(link: &Link, name: &str) -> Option<Target> {
    let answer = link.command("SENTINEL", vec!["get-master-addr-by-name".into(), name.into()]).await.ok()?;
    let mut parts = answer.into_array().into_iter().filter_map(Value::into_string);
    Some(Target { host: parts.next()?, port: parts.next()?.parse().ok()? })
}

fn read_switch(text: &str, name: &str) -> Option<Target> {
    let mut words = text.split(' ');
    if words.next()? != name {
        return None;
    }
    let (host, port) = (words.nth(2)?, words.next()?);
    Some(Target { host: host.to_owned(), port: port.parse().ok()? })
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_switch_names_the_new_master_of_one_name() {
        let target = read_switch("im-0 10.0.0.1 6379 10.0.0.2 6380", "im-0").unwrap();
        assert_eq!(target, Target { host: "10.0.0.2".into(), port: 6380 });
        assert_eq!(read_switch("im-1 10.0.0.1 6379 10.0.0.2 6380", "im-0"), None);
        assert_eq!(read_switch("im-0 10.0.0.1 6379", "im-0"), None);
    }
}
