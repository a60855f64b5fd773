//! More channels than one connection takes.

use crate::attached::{Attached, channel_of, rings};
use bus::Error;
use bus::redis::Options;
use futures_util::future::join_all;
use parts::redis::Redis as Server;

#[tokio::test]
async fn channels_spread_over_more_connections_when_one_is_full_and_end_at_a_bound() {
    let nodes = [Server::start(), Server::start()];
    let tune = |options: &mut Options| (options.channels, options.subscribers) = (10, 2);
    let mut a = Attached::with(rings(&nodes), "a", tune).await.unwrap();
    let connections = || {
        let list = nodes[0].ask(&["CLIENT", "LIST", "TYPE", "pubsub"]);
        list.lines().filter(|line| line.contains("id=")).count()
    };
    for nth in 0..20 {
        let channel = channel_of(&nodes, 0, nth);
        a.bus.subscribe(&channel).await.unwrap();
        a.bus.subscribe(&channel).await.unwrap();
        assert_eq!(connections(), nth / 10 + 1);
        assert_eq!(a.publish(&channel, "heard").await, Ok(1));
        a.expect(&channel, "heard").await;
    }
    let more = channel_of(&nodes, 0, 20);
    assert!(matches!(a.bus.subscribe(&more).await, Err(Error::Full(_))));
    assert!(a.bus.subscribe(&channel_of(&nodes, 1, 0)).await.is_ok(), "the bound is that of a node");
    a.bus.unsubscribe(&channel_of(&nodes, 0, 3)).await.unwrap();
    a.bus.subscribe(&more).await.unwrap();
    assert_eq!(a.publish(&more, "heard").await, Ok(1));
    assert_eq!(a.bus.health().nodes[0].channels, 20);
}

#[tokio::test]
async fn the_bound_holds_for_those_who_come_at_once() {
    let nodes = [Server::start()];
    let tune = |options: &mut Options| (options.channels, options.subscribers) = (10, 2);
    let a = Attached::with(rings(&nodes), "a", tune).await.unwrap();
    let channels: Vec<_> = (0..50).map(|nth| channel_of(&nodes, 0, nth)).collect();
    let outcomes = join_all(channels.iter().map(|channel| a.bus.subscribe(channel))).await;
    assert_eq!(outcomes.iter().filter(|outcome| outcome.is_ok()).count(), 20);
    assert_eq!(outcomes.iter().filter(|outcome| matches!(outcome, Err(Error::Full(_)))).count(), 30);
}
