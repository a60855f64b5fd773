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
