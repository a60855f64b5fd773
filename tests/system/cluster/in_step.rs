//! Windows on different processes are one user's, one room's, one site's.

use crate::window::Window;
use serde_json::json;
use tests::cluster::node;
use tests::redis::Redis;
use tests::{Cluster, http};

async fn two_processes() -> (Cluster, [Redis; 2]) {
    let redis = [Redis::start(), Redis::start()];
    let nodes = redis.each_ref().map(|one| node(one.port));
    (Cluster::start(2, &nodes, &[]).await.unwrap(), redis)
}

#[tokio::test]
async fn each_other_window_follows_a_change_of_the_target_once() {
    let (cluster, _redis) = two_processes().await;
    let [a, b] = &cluster.processes[..] else { panic!() };
    let mut cause = Window::open(a, "m9").await;
    let mut others = [Window::open(a, "m9").await, Window::open(b, "m9").await, Window::open(b, "m9").await];
    cause.done("changeUser", json!({"toid": "8", "name": "买家"})).await;
    assert_eq!(cause.next("changeUserPush").await, json!({"toid": "8", "name": "买家"}));
    for other in &mut others {
        assert_eq!(other.next("syncChangeUserPush").await, json!({"toid": "8", "socketid": other.id}));
        assert_eq!(other.waiting("syncChangeUserPush").await, 0);
    }
    assert_eq!(cause.waiting("syncChangeUserPush").await, 0);
    assert_eq!(Window::open(b, "m9").await.init["target"]["toid"], "8", "a window opened later starts there");
}

#[tokio::test]
async fn what_is_relayed_reaches_users_rooms_and_sockets_of_other_processes() {
    let (cluster, _redis) = two_processes().await;
    let [a, b] = &cluster.processes[..] else { panic!() };
    let (mut one, mut two, mut three) =
        (Window::open(a, "7").await, Window::open(b, "8").await, Window::open(a, "8").await);
    one.done("exchange", json!({"target": "user:8", "payload": "to the user"})).await;
    for window in [&mut two, &mut three] {
        assert_eq!(window.next("exchange").await["data"]["payload"], "to the user");
    }
    one.done("exchange", json!({"target": two.id, "payload": "to the socket"})).await;
    assert_eq!(two.next("exchange").await["data"]["payload"], "to the socket");
    assert_eq!(three.waiting("exchange").await, 0);

    let door = b.listener("internal").await;
    let put = http::request(door, "PUT", "/internal/v1/rooms/7001", &[JSON], br#"{"members":["7","8"]}"#).await;
    assert_eq!(put.unwrap().status, 204);
    one.done("join", json!({"room": "7001"})).await;
    let clients = two.done("join", json!({"room": "7001"})).await["clients"].clone();
    assert_eq!(clients, json!([one.id, two.id]));
    let came = one.until("online", |online| online["client"] == *two.id).await;
    assert_eq!((&came["action"], &came["clients"]), (&json!("join"), &clients));
    two.done("exchange", json!({"target": "7001", "payload": "to the room"})).await;
    assert_eq!(one.next("exchange").await["data"]["payload"], "to the room");
    two.done("leave", json!({"room": "7001"})).await;
    let left = one.until("online", |online| online["action"] == "leave").await;
    assert_eq!((&left["client"], &left["clients"]), (&json!(two.id), &json!([one.id])));
}

#[tokio::test]
async fn presence_and_a_kick_cross_processes() {
    let (cluster, _redis) = two_processes().await;
    let [a, b] = &cluster.processes[..] else { panic!() };
    let mut watcher = Window::open(a, "8").await;
    watcher.done("getPresence", json!({"user_ids": ["m9"]})).await;
    let mut agent = Window::open(b, "m9").await;
    assert_eq!(watcher.next("presencePush").await, json!({"user_id": "m9", "status": "online", "online": true}));
    agent.done("changeStatus", json!({"status": "busy"})).await;
    assert_eq!(watcher.next("presencePush").await["status"], "busy");
    let door = a.listener("internal").await;
    let kick = http::request(door, "POST", "/internal/v1/users/m9/kick", &[JSON], br#"{"reason":"shift over"}"#).await;
    assert_eq!(kick.unwrap().status, 204);
    assert_eq!(agent.next("kickPush").await, json!({"reason": "shift over", "final": true}));
    assert_eq!(watcher.next("presencePush").await["online"], false);
}

const JSON: (&str, &str) = ("Content-Type", "application/json");
