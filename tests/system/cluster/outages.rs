//! A Redis node that hangs, loses its memory, or cannot be reached by one process.

use super::bystanders::Bystanders;
use crate::places::{degraded, put_room, room_on, users_on};
use crate::window::Window;
use serde_json::{Value, json};
use std::time::Duration;
use tests::cluster::node;
use tests::proxy::{Link, Proxy};
use tests::redis::Redis;
use tests::{Cluster, Server, eventually, http};

async fn two_nodes() -> (Cluster, [Redis; 2]) {
    let redis = [Redis::start(), Redis::start()];
    let nodes = redis.each_ref().map(|one| node(one.port));
    (Cluster::start(2, &nodes, &[]).await.unwrap(), redis)
}

/// Waits until a process has noticed that it may have missed something.
async fn gap(process: &Server, port: u16) {
    let metric = format!("im_bus_gap_channels_total{{node=\"127.0.0.1:{port}\"}}");
    let noticed = async || process.metric(&metric).await;
    eventually("the process notices a gap", noticed).await;
}

/// Says something to a user until all these windows hear it.
async fn reaches(speaker: &mut Window, user: &str, windows: &mut [&mut Window]) {
    let target = format!("user:{user}");
    let granted = async || {
        let answer = speaker.ask("exchange", json!({"target": target, "payload": "here again"})).await;
        if answer["ok"] == true { Ok(()) } else { Err(answer) }
    };
    eventually("an exchange is granted", granted).await;
    for window in windows {
        assert_eq!(window.next("exchange").await["data"]["payload"], "here again");
    }
}

#[tokio::test]
async fn a_node_that_hangs_degrades_its_own_users_until_it_goes_on() {
    let (cluster, redis) = two_nodes().await;
    let [a, b] = &cluster.processes[..] else { panic!() };
    let [user, speaker] = users_on(0);
    let (mut here, mut there) = (Window::open(a, &user).await, Window::open(b, &user).await);
    let mut speaker = Window::open(a, &speaker).await;
    let bystanders = Bystanders::between(a, b, &users_on(1)).await;

    redis[0].pause();
    let part = format!("redis 127.0.0.1:{}", redis[0].port);
    for process in [a, b] {
        degraded(process, std::slice::from_ref(&part)).await;
    }
    let mut late = Window::open(b, &user).await;
    assert_eq!(late.init["degraded"], true);
    let refused = speaker.ask("exchange", json!({"target": format!("user:{user}"), "payload": 1})).await;
    assert_eq!(refused["error"]["code"], "unavailable", "{refused}");
    assert!(refused["error"]["retry_after_ms"].is_u64(), "{refused}");

    redis[0].go_on();
    for process in [a, b] {
        degraded(process, &[]).await;
    }
    reaches(&mut speaker, &user, &mut [&mut here, &mut there, &mut late]).await;
    assert_eq!(Window::open(a, &user).await.init.get("degraded"), None);
    bystanders.noticed_nothing().await;
}

#[tokio::test]
async fn a_node_that_comes_back_empty_is_told_everything_again() {
    let (cluster, mut redis) = two_nodes().await;
    let [a, b] = &cluster.processes[..] else { panic!() };
    let ([user], [watcher], room) = (users_on(0), users_on(1), room_on(0));
    put_room(a, &room).await;
    let (mut one, mut other) = (Window::open(a, &user).await, Window::open(b, &watcher).await);
    one.done("changeUser", json!({"toid": "8"})).await;
    one.done("changeStatus", json!({"status": "busy"})).await;
    one.done("join", json!({"room": room})).await;
    other.done("join", json!({"room": room})).await;
    other.done("getPresence", json!({"user_ids": [user]})).await;
    let bystanders = Bystanders::between(a, b, &users_on(1)).await;

    redis[0].kill();
    let part = format!("redis 127.0.0.1:{}", redis[0].port);
    degraded(b, &[part]).await;
    redis[0].run();
    for process in [a, b] {
        degraded(process, &[]).await;
    }

    let door = b.listener("internal").await;
    let seen = async || {
        let answer = http::get(door, &format!("/internal/v1/presence?user_ids={user}")).await.unwrap();
        let answer: Value = serde_json::from_slice(&answer.body).unwrap();
        if answer["users"][0]["status"] == "busy" { Ok(()) } else { Err(answer) }
    };
    eventually("the user is seen again, as before", seen).await;
    other.until("presencePush", |push| push["status"] == "busy").await;
    assert_eq!(Window::open(b, &user).await.init["target"]["toid"], "8");
    // The back end's keys are the back end's: it puts the room again, and nobody has to join anew.
    put_room(b, &room).await;
    let both = |online: &Value| online["clients"].as_array().is_some_and(|clients| clients.len() == 2);
    let inside = async || {
        let answer = other.done("join", json!({"room": room})).await;
        if both(&answer) { Ok(()) } else { Err(answer) }
    };
    eventually("both are in the room", inside).await;
    one.done("exchange", json!({"target": room, "payload": "still in"})).await;
    assert_eq!(other.next("exchange").await["data"]["payload"], "still in");
    bystanders.noticed_nothing().await;
}

#[tokio::test]
async fn what_a_cut_link_kept_from_a_process_is_told_when_it_is_back() {
    missed_over(Link::Cut).await;
}

#[tokio::test]
async fn what_a_silent_link_kept_from_a_process_is_told_when_it_is_back() {
    missed_over(Link::Silent).await;
}

#[tokio::test]
async fn what_a_half_closed_link_kept_from_a_process_is_told_when_it_is_back() {
    missed_over(Link::HalfClosed).await;
}

#[tokio::test]
async fn a_slow_link_is_slow_and_nothing_worse() {
    let redis = Redis::start();
    let proxy = Proxy::before(redis.port).await.unwrap();
    let cluster = Cluster::start(1, &[node(redis.port)], &[]).await.unwrap();
    let far = cluster.another_by("im2", &[node(proxy.port())]).await.unwrap();
    let mut near = Window::open(&cluster.processes[0], "8").await;
    let mut other = Window::open(&far, "8").await;
    proxy.delay(Duration::from_millis(150));
    for number in 0..5 {
        near.done("exchange", json!({"target": "user:8", "payload": number})).await;
        other.done("exchange", json!({"target": "user:8", "payload": number})).await;
        for window in [&mut near, &mut other] {
            for _ in 0..2 {
                assert_eq!(window.next("exchange").await["data"]["payload"], number);
            }
        }
    }
    let probed = async || {
        let metrics = far.metrics().await.unwrap();
        let slow = metrics.lines().find_map(|line| line.strip_prefix("im_bus_probe_seconds_sum{")?.split(' ').nth(1));
        let slow: f64 = slow.and_then(|sum| sum.parse().ok()).unwrap_or(0.0);
        if slow >= 0.3 { Ok(()) } else { Err(slow) }
    };
    eventually("the way is measured", probed).await;
    degraded(&far, &[]).await;
    let gaps =
        far.metrics().await.unwrap().lines().filter(|line| line.starts_with("im_bus_gap_channels_total")).count();
    assert_eq!(gaps, 0, "nothing was missed");
}

#[tokio::test]
async fn what_a_subscriber_that_is_silently_dead_did_not_hear_is_told_when_it_is_replaced() {
    missed_over(Link::Deaf).await;
}

/// One process reaches the first node through a proxy. What changes on the other while that spoils the link is right at
/// its windows afterwards, and none of them connects anew.
async fn missed_over(link: Link) {
    let redis = [Redis::start(), Redis::start()];
    let proxy = Proxy::before(redis[0].port).await.unwrap();
    let cluster = Cluster::start(1, &redis.each_ref().map(|one| node(one.port)), &[]).await.unwrap();
    let far: Server = cluster.another_by("im2", &[node(proxy.port()), node(redis[1].port)]).await.unwrap();
    let near = &cluster.processes[0];
    let ([user, leaver], [watcher], room) = (users_on(0), users_on(1), room_on(0));
    put_room(near, &room).await;
    let mut cause = Window::open(near, &user).await;
    let mut other = Window::open(&far, &user).await;
    let mut leaving = Window::open(near, &leaver).await;
    let mut watching = Window::open(&far, &watcher).await;
    watching.done("getPresence", json!({"user_ids": [leaver]})).await;
    leaving.done("join", json!({"room": room})).await;
    watching.done("join", json!({"room": room})).await;
    let bystanders = Bystanders::between(near, &far, &users_on(1)).await;

    proxy.set(link);
    cause.done("changeUser", json!({"toid": "8"})).await;
    drop(leaving);
    // A subscriber that is deaf is replaced at once by one that is deaf too; the others leave the node down.
    if link == Link::Deaf {
        gap(&far, proxy.port()).await;
    } else {
        degraded(&far, &[format!("redis 127.0.0.1:{}", proxy.port())]).await;
    }
    proxy.set(Link::Whole);
    degraded(&far, &[]).await;

    assert_eq!(other.next("syncChangeUserPush").await, json!({"toid": "8", "socketid": other.id}));
    watching.until("presencePush", |push| push["user_id"] == *leaver && push["online"] == false).await;
    let alone = json!([watching.id]);
    watching.until("online", |online| online["clients"] == alone).await;
    assert_eq!(other.waiting("syncChangeUserPush").await, 0);
    assert_eq!(cause.waiting("syncChangeUserPush").await, 0);
    reaches(&mut cause, &user, &mut [&mut other]).await;
    bystanders.noticed_nothing().await;
}
