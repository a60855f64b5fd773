//! A master that Sentinels replace: killed, hung, and back again.

use super::bystanders::Bystanders;
use super::places::{degraded, put_room, room_on, users_on};
use super::window::Window;
use serde_json::json;
use tests::cluster::node;
use tests::redis::{Redis, ask};
use tests::sentinel::Watched;
use tests::{Cluster, Server, eventually};

/// The first node is watched by Sentinels, the second is plain.
async fn watched() -> (Cluster, Watched, Redis) {
    let (watched, plain) = (Watched::start("im-0").await, Redis::start());
    let cluster = Cluster::start(2, &[watched.node(), node(plain.port)], &[]).await.unwrap();
    (cluster, watched, plain)
}

/// People of the watched node: two windows of a user on two processes, and somebody else in a room with one of them.
struct People {
    user: String,
    room: String,
    one: Window,
    two: Window,
    guest: Window,
}

impl People {
    async fn gather(a: &Server, b: &Server) -> Self {
        let ([user, guest], room) = (users_on(0), room_on(0));
        put_room(a, &room).await;
        let (one, two) = (Window::open(a, &user).await, Window::open(b, &user).await);
        let mut people = Self { user, room, one, two, guest: Window::open(b, &guest).await };
        people.one.done("join", json!({"room": people.room})).await;
        people.guest.done("join", json!({"room": people.room})).await;
        people.guest.done("getPresence", json!({"user_ids": [people.user]})).await;
        people
    }

    /// Nobody of them connected anew, and all that they had works.
    async fn are_served(&mut self, toid: &str) {
        let Self { user, room, one, two, guest } = self;
        let granted = async || {
            let answer = guest.ask("exchange", json!({"target": format!("user:{user}"), "payload": toid})).await;
            if answer["ok"] == true { Ok(()) } else { Err(answer) }
        };
        eventually("an exchange is granted", granted).await;
        for window in [&mut *one, &mut *two] {
            window.until("exchange", |exchange| exchange["data"]["payload"] == *toid).await;
        }
        one.done("changeUser", json!({"toid": toid})).await;
        two.until("syncChangeUserPush", |sync| sync["toid"] == *toid).await;
        one.done("exchange", json!({"target": room, "payload": toid})).await;
        guest.until("exchange", |exchange| exchange["data"]["payload"] == *toid).await;
        let seen = guest.done("getPresence", json!({"user_ids": [user]})).await;
        assert_eq!(seen["users"][0]["online"], true);
    }
}

/// Channels about which a process may have missed something: each fail-over makes some.
async fn gaps(process: &Server) -> f64 {
    process.metric("im_bus_gap_channels_total{node=\"sentinel:im-0\"}").await.unwrap_or(0.0)
}

/// Waits until both processes have found the new master, and say that nothing is out of order.
async fn replaced(a: &Server, b: &Server, gaps_before: f64) {
    let found = async || {
        let (here, there) = (gaps(a).await, gaps(b).await);
        if here + there > gaps_before && here > 0.0 && there > 0.0 { Ok(()) } else { Err((here, there)) }
    };
    eventually("the processes notice the fail-over", found).await;
    for process in [a, b] {
        degraded(process, &[]).await;
    }
}

#[tokio::test]
async fn a_killed_master_is_replaced_although_a_sentinel_died_and_a_killed_successor_too() {
    let (cluster, mut watched, _plain) = watched().await;
    let [a, b] = &cluster.processes[..] else { panic!() };
    let mut people = People::gather(a, b).await;
    let bystanders = Bystanders::between(a, b, &users_on(1)).await;

    watched.kill_sentinel(0);
    let before = gaps(a).await + gaps(b).await;
    watched.master.kill();
    replaced(a, b, before).await;
    people.are_served("8").await;

    // The old master comes back, empty, as the replica of the new one, and is given everything before it is master again.
    watched.master.run();
    let old = watched.master.port;
    let follows = async || {
        let role = ask(old, &["ROLE"]).unwrap_or_default();
        if role.starts_with("slave") && role.contains("connected") { Ok(()) } else { Err(role) }
    };
    eventually("the old master follows the new one", follows).await;
    watched.knows_a_replica().await;
    people.are_served("9").await;
    let before = gaps(a).await + gaps(b).await;
    watched.replica.kill();
    replaced(a, b, before).await;
    people.are_served("10").await;
    bystanders.noticed_nothing().await;
}

#[tokio::test]
async fn a_hung_master_is_replaced_and_not_gone_back_to_when_it_wakes() {
    let (cluster, watched, _plain) = watched().await;
    let [a, b] = &cluster.processes[..] else { panic!() };
    let mut people = People::gather(a, b).await;
    let bystanders = Bystanders::between(a, b, &users_on(1)).await;

    let before = gaps(a).await + gaps(b).await;
    watched.master.pause();
    replaced(a, b, before).await;
    people.are_served("8").await;
    watched.master.go_on();
    let old = watched.master.port;
    let follows = async || {
        let role = ask(old, &["ROLE"]).unwrap_or_default();
        if role.starts_with("slave") { Ok(()) } else { Err(role) }
    };
    eventually("the old master follows the new one", follows).await;
    people.are_served("9").await;
    bystanders.noticed_nothing().await;
}
