//! A node that dies, hangs, comes back empty, or throws a connection out: what its users feel, and that others do not.

use crate::attached::{Attached, channel_of, eventually, room_of, user_of};
use crate::suite::{connection, key};
use bus::Error;
use bus::redis::Notice;
use parts::redis::Redis as Server;
use serde_json::value::RawValue;
use shard::{Node, Rings};
use types::{Channel, Status};

fn nodes() -> [Server; 2] {
    [Server::start(), Server::start()]
}

fn is_down<T>(outcome: &Result<T, Error>) -> bool {
    matches!(outcome, Err(Error::Down(_)))
}

#[tokio::test]
async fn a_dead_node_is_named_and_fails_only_its_own_users() {
    let mut nodes = nodes();
    let mut a = Attached::to(&nodes, "a").await;
    let (dead, alive) = (channel_of(&nodes, 0, 0), channel_of(&nodes, 1, 0));
    a.bus.subscribe(&dead).await.unwrap();
    a.bus.subscribe(&alive).await.unwrap();
    assert_eq!(a.bus.health().degraded().count(), 0);
    nodes[0].kill();
    assert!(is_down(&a.publish(&dead, "lost").await));
    a.told_down().await;
    let (user, other) = (user_of(&nodes, 0, 1), user_of(&nodes, 1, 1));
    assert!(is_down(&a.bus.register(&user, connection("a.1")).await));
    assert!(is_down(&a.bus.set_status(&user, Status::Busy).await));
    assert!(is_down(&a.bus.subscribe(&Channel::User(user.clone())).await));
    assert!(is_down(&a.bus.room(&room_of(&nodes, 0)).await));
    let degraded: Vec<_> = a.bus.health().degraded().map(|node| node.name.to_string()).collect();
    assert_eq!(degraded, [format!("127.0.0.1:{}", nodes[0].port)]);

    assert!(a.bus.register(&other, connection("a.2")).await.unwrap().first);
    assert_eq!(a.publish(&alive, "heard").await, Ok(1));
    a.expect(&alive, "heard").await;
    let seen = a.bus.presence(&[user.clone(), other.clone()]).await.unwrap();
    assert_eq!(seen, [(other, Status::Online)], "of the others it is known, of the user of the dead node it is not");
    assert!(is_down(&a.bus.presence(&[user]).await));
}

#[tokio::test]
async fn what_a_node_forgot_is_there_again_when_it_is_back() {
    let mut nodes = nodes();
    let mut a = Attached::to(&nodes, "a").await;
    let mut b = Attached::to(&nodes, "b").await;
    let (user, room) = (user_of(&nodes, 0, 0), room_of(&nodes, 0));
    let channel = Channel::User(user.clone());
    a.bus.subscribe(&channel).await.unwrap();
    a.bus.register(&user, connection("a.1")).await.unwrap();
    b.bus.register(&user, connection("b.1")).await.unwrap();
    b.bus.set_target(&user, RawValue::from_string(r#"{"toid":"8"}"#.into()).unwrap()).await.unwrap();
    b.bus.set_status(&user, Status::Busy).await.unwrap();
    b.bus.put_room(&room, Vec::new()).await.unwrap();
    b.bus.enter_room(&room, &key("b.1"), &user).await.unwrap();
    let before = a.bus.enter_room(&room, &key("a.1"), &user).await.unwrap();

    nodes[0].kill();
    a.told_down().await;
    b.told_down().await;
    nodes[0].run();
    assert!(a.told_gap(&channel).await);
    assert!(a.told_up().await && b.told_up().await, "the node was emptied");
    assert_eq!(b.publish(&channel, "news").await, Ok(1));
    a.expect(&channel, "news").await;

    let third = a.bus.register(&user, connection("a.2")).await.unwrap();
    assert_eq!((third.connections, third.first, third.status), (3, false, Status::Busy));
    assert_eq!(third.target.unwrap().get(), r#"{"toid":"8"}"#);
    assert_eq!(a.bus.room(&room).await, Ok(None), "rooms are the back end's to put again");
    b.bus.put_room(&room, Vec::new()).await.unwrap();
    let after = a.bus.enter_room(&room, &key("a.1"), &user).await.unwrap();
    assert_eq!(after.sockets, before.sockets);
    assert!(after.revision > before.revision);
}

#[tokio::test]
async fn whose_presence_was_forgotten_is_told_to_the_process_that_restored_it() {
    let mut nodes = nodes();
    let mut a = Attached::to(&nodes, "a").await;
    let (user, other) = (user_of(&nodes, 0, 0), user_of(&nodes, 1, 0));
    a.bus.register(&user, connection("a.1")).await.unwrap();
    a.bus.register(&other, connection("a.2")).await.unwrap();
    nodes[0].kill();
    nodes[0].run();
    let restored = a.told(|notice| if let Notice::Restored { users } = notice { Some(users) } else { None }).await;
    assert_eq!(restored, [user]);
}

#[tokio::test]
async fn a_node_that_forgot_the_processes_does_not_make_them_gone() {
    let mut nodes = nodes();
    let mut a = Attached::to(&nodes, "a").await;
    let mut b = Attached::to(&nodes, "b").await;
    // Whoever is back first finds the other's lease missing.
    for _ in 0..3 {
        nodes[0].kill();
        nodes[0].run();
        for process in [&mut a, &mut b] {
            let mut gone = None;
            process
                .told(|notice| match notice {
                    Notice::Gone { process, .. } => {
                        gone = Some(process);
                        None
                    }
                    Notice::Up { .. } => Some(()),
                    _ => None,
                })
                .await;
            assert_eq!(gone, None);
        }
    }
}

#[tokio::test]
async fn what_was_asked_of_a_dead_node_is_done_when_it_is_back() {
    let mut nodes = nodes();
    let mut a = Attached::to(&nodes, "a").await;
    let (came, went) = (user_of(&nodes, 0, 0), user_of(&nodes, 0, 1));
    let (wanted, unwanted) = (Channel::User(came.clone()), Channel::User(went.clone()));
    a.bus.subscribe(&unwanted).await.unwrap();
    a.bus.register(&went, connection("a.1")).await.unwrap();
    nodes[0].kill();
    a.told_down().await;
    assert!(is_down(&a.bus.register(&came, connection("a.2")).await));
    assert!(is_down(&a.bus.unregister(&went, &key("a.1")).await));
    assert!(is_down(&a.bus.subscribe(&wanted).await));
    a.bus.unsubscribe(&unwanted).await.ok();
    nodes[0].run();
    a.told_gap(&wanted).await;
    assert_eq!(a.publish(&wanted, "heard").await, Ok(1));
    assert_eq!(a.publish(&unwanted, "unheard").await, Ok(0));
    let seen = async || a.bus.presence(&[came.clone(), went.clone()]).await.unwrap();
    eventually("the one who came counts", async || seen().await[0].1 == Status::Online).await;
    assert_eq!(seen().await[1].1, Status::Offline);
}

#[tokio::test]
async fn a_hung_node_is_down_until_it_goes_on() {
    let nodes = nodes();
    let mut a = Attached::to(&nodes, "a").await;
    let mut b = Attached::to(&nodes, "b").await;
    let (user, channel) = (user_of(&nodes, 0, 0), channel_of(&nodes, 0, 0));
    a.bus.subscribe(&channel).await.unwrap();
    a.bus.register(&user, connection("a.1")).await.unwrap();
    nodes[0].pause();
    a.told_down().await;
    b.told_down().await;
    assert!(is_down(&a.publish(&channel, "lost").await));
    assert_eq!(a.publish(&channel_of(&nodes, 1, 0), "to nobody").await, Ok(0));
    nodes[0].go_on();
    a.told_gap(&channel).await;
    assert!(!a.told_up().await && !b.told_up().await, "it has forgotten nothing");
    assert_eq!(b.publish(&channel, "news").await, Ok(1));
    a.expect(&channel, "news").await;
    assert_eq!(b.bus.presence(std::slice::from_ref(&user)).await.unwrap()[0].1, Status::Online);
}

#[tokio::test]
async fn a_subscriber_that_is_thrown_out_comes_back_and_says_what_it_may_have_missed() {
    let nodes = nodes();
    let mut a = Attached::to(&nodes, "a").await;
    let (mine, others) = (channel_of(&nodes, 0, 0), channel_of(&nodes, 1, 0));
    a.bus.subscribe(&mine).await.unwrap();
    a.bus.subscribe(&others).await.unwrap();
    assert_eq!(nodes[0].ask(&["CLIENT", "KILL", "TYPE", "pubsub"]), "1");
    assert!(!a.told_gap(&mine).await);
    assert_eq!(a.publish(&mine, "again").await, Ok(1));
    a.expect(&mine, "again").await;
    let gaps = a.untold().into_iter().filter(|notice| matches!(notice, Notice::Gap { .. }));
    assert_eq!(gaps.count(), 0, "the other node's channels missed nothing");
}

#[tokio::test]
async fn an_overrun_output_buffer_is_a_gap() {
    let nodes = nodes();
    nodes[0].ask(&["CONFIG", "SET", "client-output-buffer-limit", "pubsub 65536 32768 60"]);
    let mut a = Attached::to(&nodes, "a").await;
    let channel = channel_of(&nodes, 0, 0);
    a.bus.subscribe(&channel).await.unwrap();
    nodes[0].ask(&["PUBLISH", &channel.to_string(), &"x".repeat(200_000)]);
    a.told_gap(&channel).await;
    assert_eq!(a.publish(&channel, "small").await, Ok(1));
    a.expect(&channel, "small").await;
}

#[tokio::test]
async fn commands_go_on_over_a_new_connection() {
    let nodes = nodes();
    let a = Attached::to(&nodes, "a").await;
    let (user, channel) = (user_of(&nodes, 0, 0), channel_of(&nodes, 0, 0));
    a.bus.subscribe(&channel).await.unwrap();
    nodes[0].ask(&["CLIENT", "KILL", "TYPE", "normal"]);
    eventually("it publishes again", async || a.publish(&channel, "x").await == Ok(1)).await;
    assert!(a.bus.register(&user, connection("a.1")).await.unwrap().first);
}

#[tokio::test]
async fn publishing_goes_on_over_a_new_connection() {
    let nodes = nodes();
    let mut a = Attached::to(&nodes, "a").await;
    let channel = channel_of(&nodes, 0, 0);
    a.bus.subscribe(&channel).await.unwrap();
    assert_eq!(a.publish(&channel, "first").await, Ok(1));
    let clients = nodes[0].ask(&["CLIENT", "LIST"]);
    let publisher = clients.lines().find(|client| client.contains(" cmd=publish ")).expect("one that publishes");
    let id = publisher.split(' ').find_map(|part| part.strip_prefix("id=")).unwrap();
    assert_eq!(nodes[0].ask(&["CLIENT", "KILL", "ID", id]), "1");
    eventually("it publishes again", async || a.publish(&channel, "again").await == Ok(1)).await;
    a.expect(&channel, "first").await;
    a.expect(&channel, "again").await;
    assert!(a.untold().iter().all(|notice| !matches!(notice, Notice::Down { .. } | Notice::Gap { .. })));
}

#[tokio::test]
async fn a_node_is_served_that_asks_for_a_password_or_for_none() {
    let servers = nodes();
    servers[0].ask(&["CONFIG", "SET", "requirepass", "sesame"]);
    let nodes = servers.each_ref().map(|server| {
        let node = Node::direct("127.0.0.1", server.port);
        Node { password: Some("sesame".into()), ..node }
    });
    let rings = Rings::new(nodes.to_vec()).unwrap();
    let mut a = Attached::with(rings, "a", |_| {}).await.unwrap();
    assert_eq!(a.bus.health().degraded().count(), 0);
    for nth in 0..8 {
        let channel = Channel::User(format!("{nth}").parse().unwrap());
        a.bus.subscribe(&channel).await.unwrap();
        assert_eq!(a.publish(&channel, "x").await, Ok(1));
        a.expect(&channel, "x").await;
    }
}

#[tokio::test]
async fn scripts_that_a_node_has_lost_are_given_again() {
    let nodes = nodes();
    let a = Attached::to(&nodes, "a").await;
    let user = user_of(&nodes, 0, 0);
    a.bus.register(&user, connection("a.1")).await.unwrap();
    nodes[0].ask(&["SCRIPT", "FLUSH"]);
    assert_eq!(a.bus.register(&user, connection("a.2")).await.unwrap().connections, 2);
}

#[tokio::test]
async fn a_process_is_reached_through_any_node() {
    let mut nodes = nodes();
    let mut a = Attached::to(&nodes, "a").await;
    let mut b = Attached::to(&nodes, "b").await;
    let channel = Channel::Process(key("a"));
    a.bus.subscribe(&channel).await.unwrap();
    for dead in [0, 1] {
        assert_eq!(b.publish(&channel, "both").await, Ok(1), "heard once, not once per node");
        a.expect(&channel, "both").await;
        nodes[dead].kill();
        b.told_down().await;
        assert_eq!(b.publish(&channel, "one").await, Ok(1));
        a.expect(&channel, "one").await;
        nodes[dead].run();
        b.told_up().await;
        a.told_up().await;
    }
}
