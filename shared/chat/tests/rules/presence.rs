//! Presence: who comes, who goes, and what others see.

use crate::harness::{Process, TestWindow, hush, key, two_processes, with_policy};
use bus::local::Exchange;
use chat::{Config, Policy, Window};
use serde_json::{Value, json};
use types::{Channel, Status};

async fn watch(process: &Process, window: &TestWindow, user: &str) -> Value {
    let answer = process.ask(window, "getPresence", &json!({"user_ids": [user]}).to_string()).await;
    answer["users"][0].clone()
}

fn seen(user: &str, status: &str) -> Value {
    json!({"user_id": user, "status": status, "online": status != "offline"})
}

#[tokio::test]
async fn watchers_see_the_first_window_come_and_the_last_one_go() {
    let (a, b) = two_processes().await;
    let watcher = a.window("m9", "a.1").await;
    assert_eq!(watch(&a, &watcher, "8").await, seen("8", "offline"));

    let first = b.window("8", "b.1").await;
    assert_eq!(watcher.heard_one("presencePush"), seen("8", "online"));
    let second = a.window("8", "a.2").await;
    assert_eq!(watcher.heard(), [], "a second window is no news");
    b.chat.left(&first).await;
    assert_eq!(watcher.heard(), [], "nor is its end");
    a.chat.left(&second).await;
    assert_eq!(watcher.heard_one("presencePush"), seen("8", "offline"));
    assert_eq!(watch(&a, &watcher, "8").await, seen("8", "offline"));
}

#[tokio::test]
async fn presence_is_told_in_the_order_asked_each_user_once() {
    let (a, b) = two_processes().await;
    let watcher = a.window("m9", "a.1").await;
    b.window("8", "b.1").await;
    let answer = a.ask(&watcher, "getPresence", r#"{"user_ids":["9","8","9","m9"]}"#).await;
    let users = json!([seen("9", "offline"), seen("8", "online"), seen("m9", "online")]);
    assert_eq!(answer, json!({"ok": true, "users": users}));
}

#[tokio::test]
async fn a_status_holds_in_all_windows_and_is_told_when_others_see_it_change() {
    let (a, b) = two_processes().await;
    let watcher = a.window("m9", "a.1").await;
    let user = b.window("8", "b.1").await;
    watch(&a, &watcher, "8").await;

    let answer = b.ask(&user, "changeStatus", r#"{"status":"busy"}"#).await;
    assert_eq!(answer, json!({"ok": true, "status": "busy"}));
    assert_eq!(watcher.heard_one("presencePush"), seen("8", "busy"));
    b.ask(&user, "changeStatus", r#"{"status":"busy"}"#).await;
    assert_eq!(watcher.heard(), [], "the same again is no news");
    let second = a.connect("8", "a.2", types::Role::Buyer);
    assert_eq!(a.chat.arrived(&second).await.unwrap().status, Status::Busy);
    a.ask(&second, "changeStatus", r#"{"status":"away"}"#).await;
    assert_eq!(watcher.heard_one("presencePush"), seen("8", "away"));
}

#[tokio::test]
async fn invisible_looks_offline_and_is_never_named() {
    let (a, b) = two_processes().await;
    let watcher = a.window("m9", "a.1").await;
    let user = b.window("8", "b.1").await;
    watch(&a, &watcher, "8").await;
    let answer = b.ask(&user, "changeStatus", r#"{"status":"invisible"}"#).await;
    assert_eq!(answer["status"], "invisible");
    assert_eq!(watcher.heard_one("presencePush"), seen("8", "offline"));
    assert_eq!(watch(&a, &watcher, "8").await, seen("8", "offline"));
    b.chat.left(&user).await;
    assert_eq!(watcher.heard_one("presencePush"), seen("8", "offline"));
}

#[tokio::test]
async fn a_status_that_is_none_is_refused() {
    let (a, _) = two_processes().await;
    let window = a.window("m9", "a.1").await;
    for status in ["\"offline\"", "\"Online\"", "\"\"", "1", "null"] {
        let payload = format!("{{\"status\":{status}}}");
        assert_eq!(a.refused(&window, "changeStatus", &payload).await, "bad_request", "{status}");
    }
    let early = a.connect("8", "a.2", types::Role::Buyer);
    assert_eq!(a.refused(&early, "changeStatus", r#"{"status":"busy"}"#).await, "unavailable");
}

#[tokio::test]
async fn lists_and_watching_are_bounded() {
    let config = Config { max_watched_per_window: 3, ..Config::default() };
    let process = Process::start(&Exchange::new(), "a", Policy::Anyone, config).await;
    let window = process.window("m9", "a.1").await;
    let ids = |from: u32, to: u32| json!({"user_ids": (from..to).map(|id| id.to_string()).collect::<Vec<_>>()});
    assert_eq!(process.refused(&window, "getPresence", &ids(0, 201).to_string()).await, "too_large");
    assert_eq!(process.refused(&window, "getPresence", &ids(0, 4).to_string()).await, "too_large");
    assert_eq!(process.followers(&Channel::Presence(key("0"))), 0, "all or none");
    assert_eq!(process.ask(&window, "getPresence", &ids(0, 3).to_string()).await["ok"], true);
    assert_eq!(process.ask(&window, "getPresence", &ids(1, 3).to_string()).await["ok"], true);
    assert_eq!(process.refused(&window, "getPresence", &ids(2, 4).to_string()).await, "too_large");
    assert_eq!(process.refused(&window, "getPresence", r#"{"user_ids":["x"]}"#).await, "bad_request");
    assert_eq!(process.ask(&window, "getPresence", r#"{"user_ids":[]}"#).await, json!({"ok": true, "users": []}));
}

#[tokio::test]
async fn who_may_not_be_reached_may_not_be_watched() {
    let (a, _) = with_policy(Policy::shops(&["m".to_owned()])).await;
    let buyer = a.window("8", "a.1").await;
    assert_eq!(a.refused(&buyer, "getPresence", r#"{"user_ids":["m7","9"]}"#).await, "forbidden");
    assert_eq!(a.followers(&Channel::Presence(key("m7"))), 0);
    assert_eq!(watch(&a, &buyer, "m7").await, seen("m7", "offline"));
}

#[tokio::test]
async fn who_left_follows_nothing_and_hears_nothing() {
    let (a, b) = two_processes().await;
    let watcher = a.window("m9", "a.1").await;
    watch(&a, &watcher, "8").await;
    a.ask(&watcher, "changeUser", r#"{"toid":"7"}"#).await;
    hush(&[&watcher]);
    assert!(watcher.follows(&Channel::User(key("m9"))));
    a.chat.left(&watcher).await;
    assert!(a.follows_nothing());
    b.window("8", "b.1").await;
    b.window("7", "b.2").await;
    assert_eq!(watcher.heard(), []);
}

#[tokio::test]
async fn what_is_announced_last_is_what_holds_however_changes_overlap() {
    // A second process changes the status from within the first one's announcement, as late as it can: when the
    // watcher's own sink is called with what is by then an old status.
    let exchange = Exchange::new();
    let process = Process::start(&exchange, "a", Policy::Anyone, Config::default()).await;
    let window = process.window("8", "a.1").await;
    let heard = std::sync::Arc::new(parking_lot::Mutex::new(Vec::<String>::new()));
    let (log, bus) = (heard.clone(), process.bus.clone());
    let meddler = std::sync::Arc::new(move |_: &Channel, bytes: &[u8]| {
        let event: Value = serde_json::from_slice(bytes).unwrap();
        log.lock().push(event["status"].as_str().unwrap().to_owned());
        if event["status"] == "busy" {
            let user = key("8");
            let mut change = std::pin::pin!(bus.set_status(&user, Status::Invisible));
            let mut context = std::task::Context::from_waker(std::task::Waker::noop());
            assert!(change.as_mut().poll(&mut context).is_ready());
        }
    });
    let other = exchange.attach(key("b"), meddler).unwrap();
    other.subscribe(&Channel::Presence(window.user().clone())).await.unwrap();
    process.ask(&window, "changeStatus", r#"{"status":"busy"}"#).await;
    assert_eq!(*heard.lock(), ["busy", "offline"]);
}
