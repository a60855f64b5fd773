//! What a process has registered and what the node has become the same again, whoever changed either.

use crate::attached::{Attached, channel_of, eventually, rings, room_of, user_of};
use crate::suite::{connection, key};
use bus::redis::{Notice, Options};
use bus::{Connection, Error};
use futures_util::future::join_all;
use parts::redis::Redis as Server;
use std::time::Duration;
use types::{RoomId, SocketId, UserKey};

fn often(options: &mut Options) {
    options.sweep = Duration::from_millis(300);
    options.lease = Duration::from_millis(1500);
}

/// Everybody who can go on does.
async fn yield_often() {
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
}

async fn inside(process: &Attached, room: &RoomId) -> Vec<SocketId> {
    process.bus.enter_room(room, &key("looker.1"), &key("0")).await.unwrap().sockets
}

#[tokio::test]
async fn who_was_put_out_of_a_room_unheard_is_told_and_stays_out() {
    let nodes = [Server::start()];
    let mut a = Attached::with(rings(&nodes), "a", often).await.unwrap();
    let (user, room) = (user_of(&nodes, 0, 0), room_of(&nodes, 0));
    a.bus.put_room(&room, Vec::new()).await.unwrap();
    a.bus.enter_room(&room, &key("a.1"), &user).await.unwrap();
    a.bus.enter_room(&room, &key("a.2"), &user).await.unwrap();
    nodes[0].ask(&["HDEL", &format!("ImRoomIn:{room}"), "a.1"]);
    let out = |notice| if let Notice::PutOut { room, occupants } = notice { Some((room, occupants)) } else { None };
    let (from, occupants) = a.told(out).await;
    assert_eq!(from, room);
    assert_eq!(occupants.iter().map(|who| who.socket.as_str()).collect::<Vec<_>>(), ["a.1"]);
    assert_eq!(inside(&a, &room).await, [key("a.2"), key("looker.1")]);
}

#[tokio::test]
async fn a_first_connection_is_announced_with_its_registration() {
    let nodes = [Server::start()];
    let a = Attached::with(rings(&nodes), "a", |_| {}).await.unwrap();
    let user = user_of(&nodes, 0, 0);
    let announced = |socket| Connection { announcement: Some("here".into()), ..connection(socket) };
    assert!(!a.bus.register(&user, connection("a.1")).await.unwrap().announced, "nothing was to be told");
    a.bus.unregister(&user, &key("a.1")).await.unwrap();
    assert!(a.bus.register(&user, announced("a.2")).await.unwrap().announced);
    assert!(!a.bus.register(&user, announced("a.3")).await.unwrap().announced, "it is not the first");
}

#[tokio::test]
async fn a_registration_confirms_the_subscription_that_it_comes_with() {
    let nodes = [Server::start()];
    let mut a = Attached::with(rings(&nodes), "a", |options| {
        // What looks for signs of life sends PINGs too.
        options.pulse = Duration::from_secs(60);
    })
    .await
    .unwrap();
    // Both connections are open, and the script is known.
    a.bus.subscribe(&channel_of(&nodes, 0, 0)).await.unwrap();
    a.bus.register(&user_of(&nodes, 0, 0), connection("a.0")).await.unwrap();
    nodes[0].ask(&["CONFIG", "RESETSTAT"]);
    for nth in 1..=20 {
        let (channel, user) = (channel_of(&nodes, 0, nth), user_of(&nodes, 0, nth));
        let socket = format!("a.{nth}");
        let (subscribed, registered) =
            tokio::join!(a.bus.subscribe(&channel), a.bus.register(&user, connection(&socket)));
        assert_eq!(subscribed, Ok(()));
        assert!(registered.unwrap().first);
        assert_eq!(a.publish(&channel, "heard").await, Ok(1));
        a.expect(&channel, "heard").await;
    }
    let stats = nodes[0].ask(&["INFO", "commandstats"]);
    let calls = |command: &str| {
        let line = stats.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
        line.and_then(|line| line.split(',').next()).map_or(0, |calls| calls.parse::<u32>().unwrap())
    };
    assert_eq!((calls("subscribe"), calls("evalsha"), calls("ping")), (20, 20, 0));
}

#[tokio::test]
async fn a_registration_that_nobody_waits_for_any_more_leaves_nobody_behind() {
    let nodes = [Server::start()];
    let a = Attached::with(rings(&nodes), "a", |options| {
        options.patience = Duration::from_millis(200);
        // The connections outlive the pause: what they carry is done when it is over.
        options.guards.pulse = false;
    })
    .await
    .unwrap();
    a.bus.subscribe(&channel_of(&nodes, 0, 0)).await.unwrap();
    for nth in 1..=10 {
        let (channel, user) = (channel_of(&nodes, 0, nth), user_of(&nodes, 0, nth));
        let socket: SocketId = key(&format!("a.{nth}"));
        nodes[0].pause();
        let before = channel_of(&nodes, 0, 200 + nth);
        let coming_and_going = async {
            // What is under way on the connection is awaited before this goes out.
            yield_often().await;
            let (_, registered) =
                tokio::join!(a.bus.subscribe(&channel), a.bus.register(&user, connection(socket.as_str())));
            assert!(registered.is_err());
            let going_on = async {
                yield_often().await;
                nodes[0].go_on();
            };
            tokio::join!(a.bus.unregister(&user, &socket), going_on).0
        };
        let (_, unregistered) = tokio::join!(a.bus.subscribe(&before), coming_and_going);
        unregistered.unwrap();
        // On both connections everything before has been done then.
        eventually("it serves again", async || {
            let (later, other) = (channel_of(&nodes, 0, 100), user_of(&nodes, 0, 100));
            let both = tokio::join!(a.bus.subscribe(&later), a.bus.presence(std::slice::from_ref(&other)));
            a.bus.unsubscribe(&later).await.is_ok() && both.0.is_ok() && both.1.is_ok()
        })
        .await;
        eventually("he is gone", async || nodes[0].ask(&["HKEYS", &format!("ImOnline:{user}")]).is_empty()).await;
    }
}

#[tokio::test]
async fn what_is_subscribed_and_registered_while_connections_break_is_both_or_neither() {
    let nodes = [Server::start()];
    let a = Attached::with(rings(&nodes), "a", often).await.unwrap();
    let lives = (0..40).map(async |nth| {
        let (channel, user) = (channel_of(&nodes, 0, nth), user_of(&nodes, 0, nth));
        for round in 0..25 {
            let socket: SocketId = key(&format!("a.{nth}-{round}"));
            let (subscribed, _) =
                tokio::join!(a.bus.subscribe(&channel), a.bus.register(&user, connection(socket.as_str())));
            subscribed.unwrap();
            if (nth + round) % 2 == 0 {
                a.bus.unsubscribe(&channel).await.unwrap();
                a.bus.unregister(&user, &socket).await.ok();
            }
        }
    });
    let breaking = async {
        for round in 0..20 {
            tokio::time::sleep(Duration::from_millis(10)).await;
            nodes[0].ask(&["CLIENT", "KILL", "TYPE", if round % 3 == 0 { "normal" } else { "pubsub" }]);
        }
    };
    tokio::join!(join_all(lives), breaking);
    // In the last round, the 24th, those of an even number left.
    eventually("the node has what is registered", async || {
        let mut is_so = true;
        for nth in 0..40 {
            let online = nodes[0].ask(&["HKEYS", &format!("ImOnline:{}", user_of(&nodes, 0, nth))]);
            let wanted = (0..25).filter(|round| (nth + round) % 2 == 1).map(|round| format!("a.{nth}-{round}"));
            let mut online: Vec<&str> = online.lines().collect();
            let mut wanted: Vec<String> = wanted.collect();
            online.sort_unstable();
            wanted.sort_unstable();
            is_so &= online == wanted;
        }
        is_so
    })
    .await;
    eventually("the node has what is subscribed", async || {
        let mut is_so = true;
        for nth in 0..40 {
            is_so &= a.publish(&channel_of(&nodes, 0, nth), "heard").await == Ok(usize::from(nth % 2 == 1));
        }
        is_so
    })
    .await;
}

#[tokio::test]
async fn a_process_whose_lease_had_ended_says_again_what_it_has() {
    let nodes = [Server::start()];
    let mut a = Attached::with(rings(&nodes), "a", often).await.unwrap();
    let mut b = Attached::with(rings(&nodes), "b", |_| {}).await.unwrap();
    let (user, room) = (user_of(&nodes, 0, 0), room_of(&nodes, 0));
    a.bus.register(&user, connection("a.1")).await.unwrap();
    a.bus.put_room(&room, Vec::new()).await.unwrap();
    a.bus.enter_room(&room, &key("a.1"), &user).await.unwrap();
    // As if it had been paused for long: others take out what was its.
    nodes[0].ask(&["DEL", "ImProc:a"]);
    assert_eq!(inside(&b, &room).await, [key("looker.1")]);
    b.told(|notice| matches!(notice, Notice::Left { .. }).then_some(())).await;
    eventually("it is in again", async || inside(&b, &room).await == [key("a.1"), key("looker.1")]).await;
    let other = b.bus.register(&user, connection("b.1")).await.unwrap();
    assert_eq!((other.connections, other.first), (2, false));
    assert!(a.untold().iter().all(|notice| !matches!(notice, Notice::PutOut { .. })));
}

#[tokio::test]
async fn what_was_removed_behind_its_back_is_registered_again() {
    let nodes = [Server::start()];
    let mut a = Attached::with(rings(&nodes), "a", often).await.unwrap();
    let user = user_of(&nodes, 0, 0);
    a.bus.register(&user, connection("a.1")).await.unwrap();
    nodes[0].ask(&["DEL", &format!("ImOnline:{user}"), &format!("ImStatus:{user}")]);
    let restored = a.told(|notice| if let Notice::Restored { users } = notice { Some(users) } else { None }).await;
    assert_eq!(restored, std::slice::from_ref(&user));
    assert!(!a.bus.register(&user, connection("a.2")).await.unwrap().first);
}

#[tokio::test]
async fn nothing_stays_of_connections_that_came_and_went_while_the_link_broke() {
    let nodes = [Server::start()];
    let a = Attached::with(rings(&nodes), "a", often).await.unwrap();
    let room = room_of(&nodes, 0);
    a.bus.put_room(&room, Vec::new()).await.unwrap();
    let users: Vec<UserKey> = (0..40).map(|nth| user_of(&nodes, 0, nth)).collect();
    let lives = users.iter().enumerate().map(async |(nth, user)| {
        for round in 0..25 {
            let socket: SocketId = key(&format!("a.{nth}-{round}"));
            a.bus.register(user, connection(socket.as_str())).await.ok();
            a.bus.enter_room(&room, &socket, user).await.ok();
            a.bus.leave_room(&room, &socket).await.ok();
            a.bus.unregister(user, &socket).await.ok();
        }
    });
    let breaking = async {
        for _ in 0..15 {
            tokio::time::sleep(Duration::from_millis(15)).await;
            nodes[0].ask(&["CLIENT", "KILL", "TYPE", "normal"]);
        }
    };
    tokio::join!(join_all(lives), breaking);
    eventually("nothing is left", async || {
        let keys = nodes[0].ask(&["KEYS", "Im*"]);
        !keys.lines().any(|key| key.starts_with("ImOnline:") || key.starts_with("ImRoomIn:"))
    })
    .await;
}

#[tokio::test]
async fn a_lease_that_cannot_be_renewed_degrades_the_node() {
    let nodes = [Server::start()];
    let mut a = Attached::with(rings(&nodes), "a", often).await.unwrap();
    nodes[0].ask(&["CONFIG", "SET", "maxmemory", "1"]);
    a.told_down().await;
    assert_eq!(a.bus.health().degraded().count(), 1);
    assert!(a.bus.presence(&[user_of(&nodes, 0, 0)]).await.is_ok(), "what needs no memory goes on");
    nodes[0].ask(&["CONFIG", "SET", "maxmemory", "0"]);
    a.told_up().await;
    assert_eq!(a.bus.health().degraded().count(), 0);
}

#[tokio::test]
async fn what_waits_for_a_connection_is_subscribed_on_the_next_one() {
    let nodes = [Server::start()];
    let mut a = Attached::with(rings(&nodes), "a", |_| {}).await.unwrap();
    a.bus.subscribe(&channel_of(&nodes, 0, 0)).await.unwrap();
    for nth in 1..20 {
        let channel = channel_of(&nodes, 0, nth);
        let killing = async { nodes[0].ask(&["CLIENT", "KILL", "TYPE", "pubsub"]) };
        let (subscribed, _) = tokio::join!(a.bus.subscribe(&channel), killing);
        assert_eq!(subscribed, Ok(()));
        assert_eq!(a.publish(&channel, "heard").await, Ok(1));
        a.expect(&channel, "heard").await;
    }
}

#[tokio::test]
async fn a_process_that_cannot_be_named_is_refused() {
    let nodes = [Server::start()];
    for (incarnation, address) in [("", "a:1"), ("a b", "a:1"), ("a", "a:1 b"), (&*"x".repeat(65), "a:1")] {
        let mut process = crate::attached::process("a");
        (process.incarnation, process.address) = (incarnation.to_owned(), address.to_owned());
        let (options, _) = crate::attached::options();
        let sink = std::sync::Arc::new(|_: &_, _: &_| {});
        let refused = bus::redis::connect(rings(&nodes), process, sink, options).await.err();
        assert_eq!(refused, Some(Error::Misnamed), "{incarnation:?} {address:?}");
    }
}

#[tokio::test]
async fn a_connection_that_is_lost_again_and_again_is_down() {
    let nodes = [Server::start()];
    let mut a = Attached::with(rings(&nodes), "a", |_| {}).await.unwrap();
    // Connecting goes well, and subscribing does not.
    nodes[0].ask(&["ACL", "SETUSER", "default", "-subscribe"]);
    assert!(a.bus.subscribe(&channel_of(&nodes, 0, 0)).await.is_err());
    a.told_down().await;
    let attempts = nodes[0].ask(&["INFO", "stats"]);
    let attempts: u32 =
        attempts.lines().find_map(|line| line.strip_prefix("total_connections_received:")).unwrap().parse().unwrap();
    assert!(attempts < 60, "it does not try without a pause: {attempts}");
    nodes[0].ask(&["ACL", "SETUSER", "default", "+subscribe"]);
    a.told_gap(&channel_of(&nodes, 0, 0)).await;
}
