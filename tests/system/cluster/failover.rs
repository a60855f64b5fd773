//! A master that Sentinels replace: killed, hung, and back again.

use super::bystanders::Bystanders;
use crate::places::{degraded, put_room, room_on, users_on};
use crate::window::Window;
use serde_json::json;
use tests::cluster::node;
use tests::process::free_port;
use tests::redis::{Redis, ask};
use tests::sentinel::{Sentinels, Watched};
use tests::{Cluster, Server, eventually};

/// Two processes over four nodes: three Sentinels watch the first two, the others are plain.
struct Site {
    cluster: Cluster,
    watched: [Watched; 2],
    _plain: [Redis; 2],
}

impl Site {
    async fn start() -> Self {
        let sentinels = Sentinels::start();
        let ports = || [free_port(), free_port()];
        let first = Watched::by(&sentinels, "im-0", ports()).await;
        let watched = [first, Watched::by(&sentinels, "im-1", ports()).await];
        let plain = [Redis::start(), Redis::start()];
        let mut nodes = watched.each_ref().map(Watched::node).to_vec();
        nodes.extend(plain.iter().map(|one| node(one.port)));
        Self { cluster: Cluster::start(2, &nodes, &[]).await.unwrap(), watched, _plain: plain }
    }
}

fn pair(cluster: &Cluster) -> [&Server; 2] {
    let [a, b] = &cluster.processes[..] else { panic!("two processes") };
    [a, b]
}

/// People of a watched node: two windows of a user on two processes, and somebody else in a room with one of them.
struct People {
    user: String,
    room: String,
    one: Window,
    two: Window,
    guest: Window,
}

impl People {
    async fn gather(a: &Server, b: &Server, node: usize) -> Self {
        let ([user, guest], room) = (users_on(node), room_on(node));
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
async fn gaps(process: &Server, master: &str) -> f64 {
    let metric = format!("im_bus_gap_channels_total{{node=\"sentinel:{master}\"}}");
    process.metric(&metric).await.unwrap_or(0.0)
}

/// What both processes had missed of a master before it failed.
struct Before([f64; 2]);

impl Before {
    async fn failure([a, b]: [&Server; 2], master: &str) -> Self {
        Self([gaps(a, master).await, gaps(b, master).await])
    }
}

/// Waits until both processes have found the new master, and say that nothing is out of order.
async fn replaced(processes: [&Server; 2], master: &str, Before(before): Before) {
    for (process, before) in processes.into_iter().zip(before) {
        let found = async || {
            let now = gaps(process, master).await;
            if now > before { Ok(()) } else { Err(now) }
        };
        eventually("the process notices the fail-over", found).await;
    }
    for process in processes {
        degraded(process, &[]).await;
    }
}

/// Waits until a master that came back follows the one that took its place.
async fn follows(old: u16) {
    let follows = async || {
        let role = ask(old, &["ROLE"]).unwrap_or_default();
        if role.starts_with("slave") && role.contains("connected") { Ok(()) } else { Err(role) }
    };
    eventually("the old master follows the new one", follows).await;
}

#[tokio::test]
async fn a_killed_master_is_replaced_although_a_sentinel_died_and_a_killed_successor_too() {
    let mut site = Site::start().await;
    let [a, b] = pair(&site.cluster);
    let mut people = People::gather(a, b, 0).await;
    let bystanders = [Bystanders::between(a, b, &users_on(1)).await, Bystanders::between(a, b, &users_on(2)).await];
    let watched = &mut site.watched[0];

    watched.kill_sentinel(0);
    let before = Before::failure([a, b], "im-0").await;
    watched.master.kill();
    replaced([a, b], "im-0", before).await;
    people.are_served("8").await;

    // The old master comes back, empty, as the replica of the new one, and is given everything before it is master again.
    watched.master.run();
    follows(watched.master.port).await;
    watched.knows_a_replica().await;
    people.are_served("9").await;
    let before = Before::failure([a, b], "im-0").await;
    watched.replica.kill();
    replaced([a, b], "im-0", before).await;
    people.are_served("10").await;
    for bystanders in bystanders {
        bystanders.noticed_nothing().await;
    }
}

#[tokio::test]
async fn a_hung_master_is_replaced_and_not_gone_back_to_when_it_wakes() {
    let site = Site::start().await;
    let [a, b] = pair(&site.cluster);
    let mut people = People::gather(a, b, 0).await;
    let bystanders = Bystanders::between(a, b, &users_on(1)).await;
    let watched = &site.watched[0];

    let before = Before::failure([a, b], "im-0").await;
    watched.master.pause();
    replaced([a, b], "im-0", before).await;
    people.are_served("8").await;
    watched.master.go_on();
    follows(watched.master.port).await;
    people.are_served("9").await;
    bystanders.noticed_nothing().await;
}

#[tokio::test]
async fn two_masters_killed_at_once_are_both_replaced() {
    let mut site = Site::start().await;
    let [a, b] = pair(&site.cluster);
    let mut people = [People::gather(a, b, 0).await, People::gather(a, b, 1).await];
    let bystanders = Bystanders::between(a, b, &users_on(3)).await;

    let before = [Before::failure([a, b], "im-0").await, Before::failure([a, b], "im-1").await];
    for watched in &mut site.watched {
        watched.master.kill();
    }
    for (master, before) in ["im-0", "im-1"].into_iter().zip(before) {
        replaced([a, b], master, before).await;
    }
    for people in &mut people {
        people.are_served("8").await;
    }
    bystanders.noticed_nothing().await;
}
