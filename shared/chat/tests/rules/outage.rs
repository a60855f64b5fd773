//! When the bus is gone: every command says so, nothing is left half done, and leaving never fails.

use crate::harness::{key, two_processes};
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
