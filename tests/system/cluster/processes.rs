//! Processes that die, that meet their own name, or that are held up.

use crate::window::Window;
use serde_json::json;
use tests::cluster::node;
use tests::redis::Redis;
use tests::{Cluster, eventually, http};

const JSON: (&str, &str) = ("Content-Type", "application/json");

#[tokio::test]
async fn who_was_on_a_killed_process_is_offline_and_out_of_the_room_within_its_lease() {
    let redis = Redis::start();
    let env = [("IM__REDIS__LEASE_MS", "3000")];
    let mut cluster = Cluster::start(2, &[node(redis.port)], &env).await.unwrap();
    let doomed = cluster.processes.pop().unwrap();
    let survivor = &cluster.processes[0];
    let door = survivor.listener("internal").await;
    let put = http::request(door, "PUT", "/internal/v1/rooms/7001", &[JSON], br#"{"members":[]}"#).await;
    assert_eq!(put.unwrap().status, 204);
    let (mut stays, mut goes) = (Window::open(survivor, "8").await, Window::open(&doomed, "m9").await);
    stays.done("getPresence", json!({"user_ids": ["m9"]})).await;
    stays.done("join", json!({"room": "7001"})).await;
    goes.done("join", json!({"room": "7001"})).await;
    stays.until("online", |online| online["client"] == *goes.id).await;
    drop(doomed); // kill -9
    let left = stays.until("online", |online| online["action"] == "leave").await;
    assert_eq!((&left["client"], &left["user"], &left["clients"]), (&json!(goes.id), &json!("m9"), &json!([stays.id])));
    let push = stays.until("presencePush", |push| push["online"] == false).await;
    assert_eq!(push["user_id"], "m9");
    let answer = stays.done("getPresence", json!({"user_ids": ["m9"]})).await;
    assert_eq!(answer["users"][0]["online"], false);
}

#[tokio::test]
async fn a_second_process_of_the_same_id_refuses_and_the_first_goes_on() {
    let redis = Redis::start();
    let cluster = Cluster::start(1, &[node(redis.port)], &[]).await.unwrap();
    let refusal = cluster.another("im1").await.err().expect("it must not start").to_string();
    assert!(refusal.contains("another live process is called `im1`"), "{refusal}");
    let mut window = Window::open(&cluster.processes[0], "8").await;
    window.done("exchange", json!({"target": "user:8", "payload": 1})).await;
    window.next("exchange").await;
}

#[tokio::test]
async fn a_process_starts_though_the_node_of_its_own_channel_is_not_there() {
    let redis = Redis::start();
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let absent = nobody.local_addr().unwrap().port();
    drop(nobody);
    let two = std::num::NonZeroU16::new(2).unwrap();
    let cluster = Cluster::start(0, &[node(redis.port), node(absent)], &[]).await.unwrap();
    let on_the_other = |id: &String| shard::node_no(&format!("ImProcPub:{id}"), two) == 1;
    let id = (1..).map(|number| format!("im{number}")).find(on_the_other).unwrap();
    let process = cluster.another(&id).await.unwrap();
    let user =
        (1..).map(|number| number.to_string()).find(|user| shard::node_no(&format!("ImMsgPub:{user}"), two) == 0);
    let user = user.unwrap();
    let mut window = Window::open(&process, &user).await;
    window.done("exchange", json!({"target": format!("user:{user}"), "payload": 1})).await;
    window.next("exchange").await;
}

#[tokio::test]
async fn an_id_is_taken_over_at_once_from_a_process_that_is_dead() {
    let redis = Redis::start();
    let mut cluster = Cluster::start(1, &[node(redis.port)], &[]).await.unwrap();
    drop(cluster.processes.pop());
    let lease = redis.ask(&["GET", "ImProc:im1"]);
    assert!(!lease.is_empty(), "its lease is still there");
    let successor = cluster.another("im1").await.unwrap();
    assert_ne!(redis.ask(&["GET", "ImProc:im1"]), lease);
    Window::open(&successor, "8").await;
}

#[tokio::test]
async fn a_process_that_ends_in_order_leaves_nothing_on_redis() {
    let redis = Redis::start();
    let env = [("IM__SERVER__DRAIN_WINDOW_MS", "100")];
    let mut cluster = Cluster::start(1, &[node(redis.port)], &env).await.unwrap();
    let _window = Window::open(&cluster.processes[0], "8").await;
    assert_ne!(redis.ask(&["HLEN", "ImOnline:8"]), "0");
    cluster.processes[0].sigterm().unwrap();
    cluster.processes[0].wait_exit().await;
    assert_eq!(redis.ask(&["EXISTS", "ImProc:im1", "ImOnline:8"]), "0");
}

#[tokio::test]
async fn a_subscriber_that_redis_hung_up_on_for_being_slow_comes_back() {
    let redis = Redis::start();
    redis.ask(&["CONFIG", "SET", "client-output-buffer-limit", "pubsub 65536 65536 1"]);
    let cluster = Cluster::start(2, &[node(redis.port)], &[]).await.unwrap();
    let [a, b] = &cluster.processes[..] else { panic!() };
    let (mut here, mut there) = (Window::open(a, "7").await, Window::open(b, "8").await);
    a.pause().unwrap();
    let big = json!({"type": "none", "text": "x".repeat(100_000)}).to_string();
    // More than the sockets' buffers hold.
    let overrun = async || {
        redis.ask(&["PUBLISH", "ImMsgPub:7", &big]);
        let info = redis.ask(&["INFO", "stats"]);
        match info.lines().find_map(|line| line.strip_prefix("client_output_buffer_limit_disconnections:")) {
            Some("0") => Err(()),
            Some(_) => Ok(()),
            // Redis before 7.2 does not count them.
            None if redis.log().contains("scheduled to be closed ASAP") => Ok(()),
            None => Err(()),
        }
    };
    eventually("Redis hangs up", overrun).await;
    a.resume().unwrap();
    let heard = async || {
        there.done("exchange", json!({"target": "user:7", "payload": "again"})).await;
        let waiting = here.waiting("exchange").await;
        (waiting > 0).then_some(()).ok_or(waiting)
    };
    eventually("messages come again", heard).await;
    let gaps = a.metric(&format!("im_bus_gap_channels_total{{node=\"127.0.0.1:{}\"}}", redis.port)).await.unwrap();
    assert!(gaps >= 1.0, "{gaps}");
}
