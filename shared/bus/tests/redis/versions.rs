//! Versions on real nodes: what is missed is noticed, and what a node forgets begins anew.

use crate::attached::{Attached, channel_of, eventually};
use bus::redis::Notice;
use bytes::Bytes;
use parts::redis::Redis as Server;
use std::time::Duration;
use types::Channel;

const EVENT: Bytes = Bytes::from_static(br#"{"type":"x"}"#);

/// Every channel about which something may have been missed, as told so far.
fn gaps(side: &mut Attached) -> Vec<Channel> {
    let told = side.untold().into_iter();
    told.flat_map(|notice| if let Notice::Gap { channels, .. } = notice { channels } else { Vec::new() }).collect()
}

#[tokio::test]
async fn a_number_that_was_passed_over_is_told_as_a_gap_once() {
    let nodes = [Server::start()];
    let mut a = Attached::to(&nodes, "a").await;
    let (channel, other) = (channel_of(&nodes, 0, 0), channel_of(&nodes, 0, 1));
    for channel in [&channel, &other] {
        a.bus.subscribe(channel).await.unwrap();
        a.bus.raise(channel, EVENT).await.unwrap();
        a.expect(channel, r#"{"v":1,"type":"x"}"#).await;
    }
    // The node counts a message that nobody hears.
    nodes[0].ask(&["HINCRBY", &version_key(&channel), "v", "1"]);
    for channel in [&channel, &other] {
        a.bus.raise(channel, EVENT).await.unwrap();
        a.hear().await;
    }
    assert_eq!(gaps(&mut a), std::slice::from_ref(&channel));
    a.bus.raise(&channel, EVENT).await.unwrap();
    a.expect(&channel, r#"{"v":4,"type":"x"}"#).await;
    assert_eq!(gaps(&mut a), [], "it is told once");
}

#[tokio::test]
async fn a_number_that_nothing_follows_is_found_by_comparing() {
    let nodes = [Server::start()];
    let tune = |options: &mut bus::redis::Options| options.sweep = Duration::from_millis(100);
    let mut a = Attached::with(crate::attached::rings(&nodes), "a", tune).await.unwrap();
    let (channel, quiet) = (channel_of(&nodes, 0, 0), channel_of(&nodes, 0, 1));
    for channel in [&channel, &quiet] {
        a.bus.subscribe(channel).await.unwrap();
        a.bus.raise(channel, EVENT).await.unwrap();
        a.hear().await;
    }
    nodes[0].ask(&["HINCRBY", &version_key(&channel), "v", "2"]);
    assert!(!a.told_gap(&channel).await);
    compared_again(&nodes[0]).await;
    a.bus.raise(&channel, EVENT).await.unwrap();
    a.expect(&channel, r#"{"v":4,"type":"x"}"#).await;
    assert_eq!(gaps(&mut a), []);
}

#[tokio::test]
async fn a_channel_that_was_counted_before_it_was_subscribed_has_no_gap() {
    let nodes = [Server::start()];
    let tune = |options: &mut bus::redis::Options| options.sweep = Duration::from_millis(50);
    let mut a = Attached::with(crate::attached::rings(&nodes), "a", tune).await.unwrap();
    let channel = channel_of(&nodes, 0, 0);
    for _ in 0..5 {
        a.bus.raise(&channel, EVENT).await.unwrap();
    }
    a.bus.subscribe(&channel).await.unwrap();
    compared_again(&nodes[0]).await;
    a.bus.raise(&channel, EVENT).await.unwrap();
    a.expect(&channel, r#"{"v":6,"type":"x"}"#).await;
    assert_eq!(gaps(&mut a), []);
}

#[tokio::test]
async fn a_node_that_forgot_counts_anew_and_no_version_of_before_is_equal() {
    let mut nodes = [Server::start()];
    let mut a = Attached::to(&nodes, "a").await;
    let channel = channel_of(&nodes, 0, 0);
    a.bus.subscribe(&channel).await.unwrap();
    a.bus.raise(&channel, EVENT).await.unwrap();
    let before = a.bus.version(&channel).await.unwrap();
    nodes[0].kill();
    a.told_down().await;
    nodes[0].run();
    assert!(a.told_gap(&channel).await, "the node was emptied");
    a.bus.raise(&channel, EVENT).await.unwrap();
    let after = a.bus.version(&channel).await.unwrap();
    assert_eq!((before.number, after.number), (1, 1));
    assert_ne!(before.generation, after.generation);
    assert_ne!(before.server, after.server);
}

#[tokio::test]
async fn a_flushed_node_begins_another_generation() {
    let nodes = [Server::start()];
    let mut a = Attached::to(&nodes, "a").await;
    let channel = channel_of(&nodes, 0, 0);
    a.bus.subscribe(&channel).await.unwrap();
    for _ in 0..2 {
        a.bus.raise(&channel, EVENT).await.unwrap();
    }
    let before = a.bus.version(&channel).await.unwrap();
    nodes[0].ask(&["FLUSHALL"]);
    for _ in 0..2 {
        a.bus.raise(&channel, EVENT).await.unwrap();
    }
    let after = a.bus.version(&channel).await.unwrap();
    assert_eq!((before.number, after.number), (2, 2));
    assert_eq!(before.server, after.server);
    assert_ne!(before.generation, after.generation);
    assert!(!a.told_gap(&channel).await, "the numbers went back");
}

/// Waits until what the node has counted was compared several times.
async fn compared_again(node: &Server) {
    let read = || {
        let stats = node.ask(&["INFO", "commandstats"]);
        let calls = stats.lines().find_map(|line| line.strip_prefix("cmdstat_hget:calls=")?.split(',').next());
        calls.map_or(0, |calls| calls.parse::<u32>().unwrap())
    };
    let before = read();
    eventually("versions are compared", async || read() >= before + 8).await;
}

fn version_key(channel: &Channel) -> String {
    channel.to_string().replace("ImMsgPub", "ImVer")
}
