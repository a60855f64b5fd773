//! What protects against the traps of the client library and of Redis. Each guard is shown twice: with it the harm does
//! not happen, and without it, it does.

use crate::attached::{Attached, channel_of, is_so_within, rings};
use crate::deaf::DeafProxy;
use crate::sentinel::FakeSentinel;
use bus::redis::{Guards, Notice, Options};
use futures_util::future::join_all;
use parts::redis::{Redis as Server, encode};
use shard::{Node, Rings};
use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;
use types::Channel;

/// Far longer than any protection takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// Enough to be sure that nothing protects.
const HARM: Duration = Duration::from_secs(3);

/// Makes two tests of a scenario that tells whether it ended well.
macro_rules! guards {
    ($($guard:ident: $scenario:ident;)+) => {
        $(mod $guard {
            use super::*;

            #[tokio::test]
            async fn holds() {
                assert!($scenario(Guards::default(), PATIENCE).await, "the guard does not hold");
            }

            #[tokio::test]
            async fn is_needed() {
                let without = Guards { $guard: false, ..Guards::default() };
                assert!(!$scenario(without, HARM).await, "nothing happens without the guard");
            }
        })+
    };
}

guards! {
    pulse: a_hung_node_is_noticed;
    barrier: subscribed_is_what_the_server_confirmed;
    chunks: resubscribing_comes_in_parts;
    role: a_replica_is_not_served;
    probe: a_deaf_subscriber_is_found;
    switches: a_switch_of_the_master_is_followed;
    same_address: a_switch_to_the_same_address_is_none;
}

async fn attach(servers: &[Server], guards: Guards, tune: impl FnOnce(&mut Options)) -> Attached {
    let tune = |options: &mut Options| {
        options.guards = guards;
        tune(options);
    };
    Attached::with(rings(servers), "a", tune).await.unwrap()
}

async fn a_hung_node_is_noticed(guards: Guards, limit: Duration) -> bool {
    let nodes = [Server::start()];
    let mut a = attach(&nodes, guards, |_| {}).await;
    a.bus.subscribe(&channel_of(&nodes, 0, 0)).await.unwrap();
    nodes[0].pause();
    a.told_within(limit, |notice| matches!(notice, Notice::Down { .. }).then_some(())).await.is_some()
}

/// The answers are not read: they are a few bytes each.
fn burst(server: &Server, channel: &Channel, messages: usize) -> TcpStream {
    let mut bytes = Vec::new();
    for number in 1..=messages {
        bytes.extend(encode(&["PUBLISH", &channel.to_string(), &number.to_string()]));
    }
    let mut connection = server.connection();
    connection.write_all(&bytes).unwrap();
    connection
}

async fn hear_until(a: &mut Attached, last: usize) -> usize {
    let mut heard = 0;
    loop {
        heard += 1;
        if *a.hear().await.1 == *last.to_string().as_bytes() {
            return heard;
        }
    }
}

#[tokio::test]
async fn a_burst_is_taken_whole() {
    const MESSAGES: usize = 50_000;
    let nodes = [Server::start()];
    let mut a = attach(&nodes, Guards::default(), |_| {}).await;
    let channel = channel_of(&nodes, 0, 0);
    a.bus.subscribe(&channel).await.unwrap();
    let _connection = burst(&nodes[0], &channel, MESSAGES);
    assert_eq!(hear_until(&mut a, MESSAGES).await, MESSAGES);
    assert_eq!(a.untold(), []);
}

async fn subscribed_is_what_the_server_confirmed(guards: Guards, _: Duration) -> bool {
    let nodes = [Server::start()];
    let a = attach(&nodes, guards, |_| {}).await;
    a.bus.subscribe(&channel_of(&nodes, 0, 0)).await.unwrap();
    nodes[0].pause();
    a.bus.subscribe(&channel_of(&nodes, 0, 1)).await.is_err()
}

async fn resubscribing_comes_in_parts(guards: Guards, _: Duration) -> bool {
    const CHANNELS: usize = 1_200;
    let nodes = [Server::start()];
    let mut a = attach(&nodes, guards, |_| {}).await;
    let channels: Vec<_> = (0..CHANNELS).map(|uid| Channel::User(format!("m{uid}").parse().unwrap())).collect();
    for outcome in join_all(channels.iter().map(|channel| a.bus.subscribe(channel))).await {
        outcome.unwrap();
    }
    for (setting, value) in [("slowlog-log-slower-than", "0"), ("slowlog-max-len", "100000")] {
        nodes[0].ask(&["CONFIG", "SET", setting, value]);
    }
    nodes[0].ask(&["CLIENT", "KILL", "TYPE", "pubsub"]);
    let mut back = 0;
    while back < CHANNELS {
        let part = |notice| if let Notice::Gap { channels, .. } = notice { Some(channels.len()) } else { None };
        let part = a.told(part).await;
        assert!(part <= 500, "{part} channels in one notice");
        back += part;
    }
    assert_eq!(back, CHANNELS);
    // Of a long command the log has 31 words and how many more there are.
    let log = nodes[0].ask(&["SLOWLOG", "GET", "-1"]);
    let more = log.lines().filter_map(|line| line.strip_prefix("... (")?.strip_suffix(" more arguments)"));
    let longest: usize = more.map(|more| more.parse::<usize>().unwrap() + 31).max().unwrap();
    longest <= 501
}

async fn a_replica_is_not_served(guards: Guards, _: Duration) -> bool {
    let master = Server::start();
    // One that lets itself be written to, so that nothing but its role gives it away.
    let replica = Server::with(&["--replicaof", "127.0.0.1", &master.port.to_string(), "--replica-read-only", "no"]);
    let linked = async || replica.ask(&["INFO", "replication"]).contains("master_link_status:up");
    assert!(is_so_within(PATIENCE, linked).await);
    let tune = |options: &mut Options| options.guards = guards;
    Attached::with(rings(&[replica]), "a", tune).await.is_err()
}

async fn a_deaf_subscriber_is_found(guards: Guards, limit: Duration) -> bool {
    let server = Server::start();
    let proxy = DeafProxy::before(&server);
    let rings = Rings::new(vec![Node::direct("127.0.0.1", proxy.port())]).unwrap();
    let tune = |options: &mut Options| {
        options.guards = guards;
        options.probe = Duration::from_millis(200);
    };
    let mut a = Attached::with(rings, "a", tune).await.unwrap();
    let channel = Channel::User("m7".parse().unwrap());
    a.bus.subscribe(&channel).await.unwrap();
    a.publish(&channel, "heard").await.unwrap();
    a.expect(&channel, "heard").await;
    proxy.deafen();
    let gap = a.told_within(limit, |notice| matches!(notice, Notice::Gap { .. }).then_some(())).await;
    if gap.is_some() {
        a.publish(&channel, "again").await.unwrap();
        a.expect(&channel, "again").await;
    }
    gap.is_some()
}

async fn a_switch_of_the_master_is_followed(guards: Guards, limit: Duration) -> bool {
    // The old master lives and serves, as it does for a while when a switch is ordered by hand.
    let (old, new) = (Server::start(), Server::start());
    let sentinel = FakeSentinel::naming(old.port);
    let tune = |options: &mut Options| options.guards = guards;
    let mut a = Attached::with(sentinel.rings(), "a", tune).await.unwrap();
    let channel = Channel::User("m7".parse().unwrap());
    a.bus.subscribe(&channel).await.unwrap();
    is_so_within(limit, async || sentinel.listeners() > 0).await;
    sentinel.switch_to(new.port);
    let there = async || new.ask(&["PUBLISH", &channel.to_string(), "news"]) == "1";
    let followed = is_so_within(limit, there).await;
    if followed {
        a.expect(&channel, "news").await;
        assert!(a.told_gap(&channel).await, "another server has other things in its memory");
    }
    followed
}

async fn a_switch_to_the_same_address_is_none(guards: Guards, limit: Duration) -> bool {
    let (old, new) = (Server::start(), Server::start());
    let sentinel = FakeSentinel::naming(old.port);
    let tune = |options: &mut Options| options.guards = guards;
    let a = Attached::with(sentinel.rings(), "a", tune).await.unwrap();
    let channel = Channel::User("m7".parse().unwrap());
    a.bus.subscribe(&channel).await.unwrap();
    assert!(is_so_within(PATIENCE, async || sentinel.listeners() > 0).await);
    // Every connection asks for the role once; a number stands behind `calls=`.
    let connections = || {
        old.ask(&["INFO", "commandstats"]).lines().find_map(|line| Some(line.strip_prefix("cmdstat_role:")?.to_owned()))
    };
    let calls =
        || connections().and_then(|line| line.split([',', '=']).nth(1)?.parse::<u32>().ok()).unwrap_or_default();
    let before = calls();
    sentinel.switch_to(old.port);
    let again = is_so_within(HARM.min(limit), async || calls() > before).await;
    sentinel.switch_to(new.port);
    let there = async || new.ask(&["PUBLISH", &channel.to_string(), "news"]) == "1";
    assert!(is_so_within(PATIENCE, there).await, "a true switch is followed all the same");
    !again
}
