//! `changeUser`: one window turns, the user's others follow.

use crate::harness::{hush, key, two_processes, with_policy};
use chat::Policy;
use serde_json::json;
use types::Channel;

#[tokio::test]
async fn the_window_gets_the_push_and_each_other_window_one_sync_with_its_own_socket() {
    let (a, b) = two_processes().await;
    let first = a.window("m9", "a.1").await;
    let second = a.window("m9", "a.2").await;
    let third = b.window("m9", "b.1").await;
    let stranger = b.window("8", "b.2").await;

    let answer = a.ask(&first, "changeUser", r#"{"toid":"8","product":77}"#).await;
    assert_eq!(answer, json!({"ok": true}));
    assert_eq!(first.heard_one("changeUserPush"), json!({"toid": "8", "product": 77}));
    assert_eq!(second.heard_one("syncChangeUserPush"), json!({"toid": "8", "socketid": "a.2"}));
    assert_eq!(third.heard_one("syncChangeUserPush"), json!({"toid": "8", "socketid": "b.1"}));
    assert_eq!(stranger.heard(), []);
}

#[tokio::test]
async fn a_later_window_starts_where_the_others_are() {
    let (a, b) = two_processes().await;
    let first = a.window("m9", "a.1").await;
    assert!(a.chat.arrived(&first).await.unwrap().target.is_none());
    a.ask(&first, "changeUser", r#"{"toid":"8", "lone":"\ud83d"}"#).await;
    let pushed = first.heard_text();
    assert_eq!(pushed, [("changeUserPush", r#"{"toid":"8", "lone":"\ud83d"}"#.to_owned())]);

    let second = b.connect("m9", "b.1", types::Role::Merchant);
    let arrival = b.chat.arrived(&second).await.unwrap();
    assert_eq!(arrival.target.unwrap().get(), r#"{"toid":"8", "lone":"\ud83d"}"#);
    // And it sees the other side come, as the first one does.
    b.window("8", "b.2").await;
    for window in [&first, &second] {
        let heard = window.heard();
        assert!(heard.iter().any(|(name, push)| *name == "presencePush" && push["user_id"] == "8"), "{heard:?}");
    }
}

#[tokio::test]
async fn turning_follows_the_presence_of_the_new_and_not_of_the_old_target() {
    let (a, b) = two_processes().await;
    let window = a.window("m9", "a.1").await;
    a.ask(&window, "changeUser", r#"{"toid":"7"}"#).await;
    a.ask(&window, "changeUser", r#"{"toid":"8"}"#).await;
    hush(&[&window]);
    b.window("7", "b.1").await;
    assert_eq!(window.heard(), []);
    b.window("8", "b.2").await;
    assert_eq!(window.heard_one("presencePush"), json!({"user_id": "8", "status": "online", "online": true}));
}

#[tokio::test]
async fn whoever_was_asked_for_stays_watched_when_the_window_turns_away() {
    let (a, b) = two_processes().await;
    let window = a.window("m9", "a.1").await;
    a.ask(&window, "changeUser", r#"{"toid":"8"}"#).await;
    a.ask(&window, "getPresence", r#"{"user_ids":["8"]}"#).await;
    a.ask(&window, "changeUser", r#"{"toid":"order-list"}"#).await;
    hush(&[&window]);
    b.window("8", "b.1").await;
    assert_eq!(window.heard_one("presencePush")["user_id"], "8");
}

#[tokio::test]
async fn a_target_need_not_be_a_user_but_must_be_a_short_string() {
    let (a, _) = two_processes().await;
    let window = a.window("m9", "a.1").await;
    assert_eq!(a.ask(&window, "changeUser", r#"{"toid":"群聊"}"#).await, json!({"ok": true}));
    for toid in ["\"\"", "7", "null", "\"\\ud83d\"", &format!("{:?}", "x".repeat(129))] {
        assert_eq!(a.refused(&window, "changeUser", &format!("{{\"toid\":{toid}}}")).await, "bad_request", "{toid}");
    }
    let large = format!(r#"{{"toid":"8","x":"{}"}}"#, "x".repeat(16 * 1024));
    assert_eq!(a.refused(&window, "changeUser", &large).await, "too_large");
}

#[tokio::test]
async fn a_back_end_may_turn_all_windows() {
    let (a, b) = two_processes().await;
    let first = a.window("m9", "a.1").await;
    let second = b.window("m9", "b.1").await;
    let event = br#"{"type":"syncChangeUser","uid":"m9","socketid":"","changeUserData":{"toid":"8"}}"#;
    a.bus.publish(&Channel::User(key("m9")), bytes::Bytes::from_static(event)).await.unwrap();
    assert_eq!(first.heard_one("syncChangeUserPush"), json!({"toid": "8", "socketid": "a.1"}));
    assert_eq!(second.heard_one("syncChangeUserPush"), json!({"toid": "8", "socketid": "b.1"}));
}

#[tokio::test]
async fn the_presence_of_whom_one_may_not_reach_is_not_followed() {
    let (a, _) = with_policy(Policy::shops(&["m".to_owned()])).await;
    let window = a.window("8", "a.1").await;
    assert_eq!(a.ask(&window, "changeUser", r#"{"toid":"9"}"#).await, json!({"ok": true}));
    assert_eq!(a.followers(&Channel::Presence(key("9"))), 0);
    a.ask(&window, "changeUser", r#"{"toid":"m9"}"#).await;
    assert_eq!(a.followers(&Channel::Presence(key("m9"))), 1);
}
