//! When the bus is gone: every command says so, nothing is left half done, and leaving never fails.

use crate::harness::{hush, key, two_processes};
use std::sync::atomic::Ordering;
use types::Channel;

#[tokio::test]
async fn commands_are_unavailable_with_a_time_to_come_back() {
    let (a, _b) = two_processes().await;
    a.chat.put_room(&key("1001"), Vec::new()).await.unwrap();
    let window = a.window("m9", "a.1").await;
    a.bus.detach();
    for (name, payload) in [
        ("changeUser", r#"{"toid":"8"}"#),
        ("exchange", r#"{"target":"user:8","payload":1}"#),
        ("exchange", r#"{"target":"b.1","payload":1}"#),
        ("join", r#"{"room":"1001"}"#),
        ("typing", r#"{"to_user_id":"8","on":true}"#),
        ("getPresence", r#"{"user_ids":["8"]}"#),
        ("changeStatus", r#"{"status":"busy"}"#),
    ] {
        let answer = a.ask(&window, name, payload).await;
        assert_eq!(answer["error"]["code"], "unavailable", "{name}");
    }
    assert_eq!(window.heard(), [], "nothing is pushed that did not happen");
    assert!(!window.is_closed(), "nobody is denied what could not be looked up");
    assert_eq!(a.followers(&Channel::Room(key("1001"))), 0);
    assert!(a.chat.kick(&key("8"), "").await.is_err());
    assert!(a.chat.remove_room(&key("1001")).await.is_err());
}

#[tokio::test]
async fn who_is_in_a_room_stays_in_it_and_still_leaves_cleanly() {
    let (a, _b) = two_processes().await;
    a.chat.put_room(&key("1001"), Vec::new()).await.unwrap();
    let window = a.window("m9", "a.1").await;
    a.ask(&window, "join", r#"{"room":"1001"}"#).await;
    a.ask(&window, "getPresence", r#"{"user_ids":["8"]}"#).await;
    a.bus.detach();
    assert_eq!(a.refused(&window, "join", r#"{"room":"1001"}"#).await, "unavailable");
    assert_eq!(a.followers(&Channel::Room(key("1001"))), 1);
    a.chat.left(&window).await;
    assert!(a.follows_nothing());
}

#[tokio::test]
async fn an_arrival_fails_and_can_be_taken_back() {
    let (a, _b) = two_processes().await;
    a.bus.detach();
    let window = a.connect("m9", "a.1", types::Role::Merchant);
    let failure = a.chat.arrived(&window).await.unwrap_err().failure();
    assert_eq!(failure.code, types::Code::Unavailable);
    a.chat.left(&window).await;
    assert!(a.follows_nothing());
}

#[tokio::test]
async fn presence_that_could_not_be_followed_is_followed_when_asked_again() {
    let (a, b) = two_processes().await;
    let window = a.window("m9", "a.1").await;
    window.deaf.store(true, Ordering::SeqCst);
    assert_eq!(a.ask(&window, "changeUser", r#"{"toid":"8"}"#).await["ok"], true, "the talk goes on without it");
    assert_eq!(a.refused(&window, "getPresence", r#"{"user_ids":["7"]}"#).await, "unavailable");
    window.deaf.store(false, Ordering::SeqCst);
    a.ask(&window, "changeUser", r#"{"toid":"8"}"#).await;
    a.ask(&window, "getPresence", r#"{"user_ids":["7"]}"#).await;
    hush(&[&window]);
    b.window("8", "b.1").await;
    assert_eq!(window.heard_one("presencePush")["user_id"], "8");
    b.window("7", "b.2").await;
    assert_eq!(window.heard_one("presencePush")["user_id"], "7");
}

#[tokio::test]
async fn who_cannot_hear_a_room_is_not_in_it() {
    let (a, b) = two_processes().await;
    a.chat.put_room(&key("1001"), Vec::new()).await.unwrap();
    let member = b.window("8", "b.1").await;
    b.ask(&member, "join", r#"{"room":"1001"}"#).await;
    let window = a.window("m9", "a.1").await;
    window.deaf.store(true, Ordering::SeqCst);
    assert_eq!(a.refused(&window, "join", r#"{"room":"1001"}"#).await, "unavailable");
    assert_eq!(b.ask(&member, "join", r#"{"room":"1001"}"#).await["clients"], serde_json::json!(["b.1"]));
    window.deaf.store(false, Ordering::SeqCst);
    let answer = a.ask(&window, "join", r#"{"room":"1001"}"#).await;
    assert_eq!(answer["clients"], serde_json::json!(["b.1", "a.1"]));
    assert_eq!(window.heard_one("online")["action"], "join");
}
