//! `exchange`: relayed to a user, a room or a socket, and to nobody else.

use crate::harness::{NOW, hush, key, two_processes, with_policy};
use bytes::Bytes;
use chat::{Policy, Window};
use serde_json::json;
use types::Channel;

#[tokio::test]
async fn all_windows_of_a_user_get_it_with_who_sent_it_and_when() {
    let (a, b) = two_processes().await;
    let sender = a.window("m9", "a.1").await;
    let first = a.window("8", "a.2").await;
    let second = b.window("8", "b.1").await;
    let stranger = b.window("7", "b.2").await;
    let answer = a.ask(&sender, "exchange", r#"{"target":"user:8","payload":{"text":"你好"}}"#).await;
    assert_eq!(answer, json!({"ok": true}));
    let expected = json!({
        "meta": {"timestamp": NOW, "client": "a.1", "target": "user:8"},
        "data": {"action": "exchange", "payload": {"text": "你好"}},
    });
    assert_eq!(first.heard_one("exchange"), expected);
    assert_eq!(second.heard_one("exchange"), expected);
    assert_eq!((sender.heard(), stranger.heard()), (vec![], vec![]));
}

#[tokio::test]
async fn one_socket_gets_it_on_whatever_process_it_is() {
    let (a, b) = two_processes().await;
    let sender = a.window("m9", "a.1").await;
    let target = b.window("8", "/custom#b.1").await;
    let sibling = b.window("8", "b.2").await;
    a.ask(&sender, "exchange", r#"{"target":"/custom#b.1","payload":1}"#).await;
    assert_eq!(target.heard_one("exchange")["meta"]["target"], "/custom#b.1");
    assert_eq!(sibling.heard(), []);
    b.ask(&target, "exchange", r#"{"target":"a.1","payload":2}"#).await;
    assert_eq!(sender.heard_one("exchange")["data"]["payload"], 2);
}

#[tokio::test]
async fn a_socket_of_a_process_that_is_gone_is_not_found() {
    let (a, b) = two_processes().await;
    let sender = a.window("m9", "a.1").await;
    assert_eq!(a.refused(&sender, "exchange", r#"{"target":"c.1","payload":1}"#).await, "not_found");
    b.bus.detach();
    assert_eq!(a.refused(&sender, "exchange", r#"{"target":"b.1","payload":1}"#).await, "not_found");
}

#[tokio::test]
async fn the_others_in_a_room_get_it_and_only_members_may_say_it() {
    let (a, b) = two_processes().await;
    a.chat.put_room(&key("1001"), Vec::new()).await.unwrap();
    let sender = a.window("m9", "a.1").await;
    let member = b.window("8", "b.1").await;
    let outsider = b.window("7", "b.2").await;
    a.ask(&sender, "join", r#"{"room":"1001"}"#).await;
    b.ask(&member, "join", r#"{"room":"1001"}"#).await;
    hush(&[&sender, &member]);
    let answer = a.ask(&sender, "exchange", r#"{"target":"1001","payload":[1]}"#).await;
    assert_eq!(answer, json!({"ok": true}));
    assert_eq!(member.heard_one("exchange")["data"]["payload"], json!([1]));
    assert_eq!((sender.heard(), outsider.heard()), (vec![], vec![]));
    assert_eq!(b.refused(&outsider, "exchange", r#"{"target":"1001","payload":1}"#).await, "forbidden");
    assert_eq!((sender.heard(), member.heard()), (vec![], vec![]));
}

#[tokio::test]
async fn a_room_that_ended_unannounced_carries_nothing_more() {
    let (a, b) = two_processes().await;
    a.chat.put_room(&key("1001"), Vec::new()).await.unwrap();
    let sender = a.window("m9", "a.1").await;
    let member = b.window("8", "b.1").await;
    a.ask(&sender, "join", r#"{"room":"1001"}"#).await;
    b.ask(&member, "join", r#"{"room":"1001"}"#).await;
    hush(&[&sender, &member]);
    // As a back end does that deletes the room's key, and later as one that names others.
    a.bus.remove_room(&key("1001")).await.unwrap();
    assert_eq!(a.refused(&sender, "exchange", r#"{"target":"1001","payload":1}"#).await, "forbidden");
    assert_eq!(member.heard(), []);
    a.bus.put_room(&key("1001"), vec![key("7")]).await.unwrap();
    assert_eq!(b.refused(&member, "exchange", r#"{"target":"1001","payload":1}"#).await, "forbidden");
    assert_eq!(a.refused(&sender, "leave", r#"{"room":"1001"}"#).await, "not_found");
}

#[tokio::test]
async fn a_room_that_the_server_lets_its_windows_follow_needs_no_joining() {
    let (a, b) = two_processes().await;
    let sender = a.window("m9", "a.1").await;
    let other = b.window("8", "b.1").await;
    for window in [&sender, &other] {
        window.follow(Channel::Room(key("群聊"))).await.unwrap();
    }
    assert_eq!(a.ask(&sender, "exchange", r#"{"target":"群聊","payload":1}"#).await, json!({"ok": true}));
    assert_eq!(other.heard_one("exchange")["meta"]["target"], "群聊");
}

#[tokio::test]
async fn what_was_written_arrives_letter_by_letter_and_nothing_arrives_as_null() {
    let (a, b) = two_processes().await;
    let sender = a.window("m9", "a.1").await;
    let receiver = b.window("8", "b.1").await;
    let payload = r#"{"lone":"\ud83d", "n":1.50, "n":2}"#;
    a.ask(&sender, "exchange", &format!(r#"{{ "target":"user:8", "payload":{payload} }}"#)).await;
    let (name, text) = receiver.heard_text().remove(0);
    assert_eq!(name, "exchange");
    assert!(text.contains(&format!(r#""payload":{payload}"#)), "{text}");
    a.ask(&sender, "exchange", r#"{"target":"user:8"}"#).await;
    assert_eq!(receiver.heard_one("exchange")["data"]["payload"], json!(null));
}

#[tokio::test]
async fn binary_parts_come_along_and_those_outside_the_payload_do_not() {
    let (a, b) = two_processes().await;
    let sender = a.window("m9", "a.1").await;
    let receiver = b.window("8", "b.1").await;
    let payload = concat!(
        r#"{"target":"user:8","note":{"_placeholder":true,"num":0},"#,
        r#""payload":{"picture":{"_placeholder":true,"num":1}}}"#
    );
    let parts = [Bytes::from_static(b"note"), Bytes::from_static(b"\xff\x00picture")];
    assert_eq!(a.ask_with(&sender, "exchange", payload, &parts).await, json!({"ok": true}));
    let picture = &receiver.heard_one("exchange")["data"]["payload"]["picture"];
    assert_eq!(*picture, json!({"_placeholder": true, "num": 0}));
    assert_eq!(receiver.attachments(), [&b"\xff\x00picture"[..]]);
}

#[tokio::test]
async fn a_target_that_names_nobody_is_refused() {
    let (a, _) = two_processes().await;
    let sender = a.window("m9", "a.1").await;
    for target in ["user:", "user:x y", "user:客"] {
        let payload = json!({"target": target, "payload": 1}).to_string();
        assert_eq!(a.refused(&sender, "exchange", &payload).await, "bad_request", "{target}");
    }
    for target in ["1001", "im 1.x", "a b"] {
        let payload = json!({"target": target, "payload": 1}).to_string();
        assert_eq!(a.refused(&sender, "exchange", &payload).await, "forbidden", "{target}");
    }
    for target in [json!(""), json!(7), json!("x".repeat(257))] {
        let payload = json!({"target": target, "payload": 1}).to_string();
        assert_eq!(a.refused(&sender, "exchange", &payload).await, "bad_request", "{target}");
    }
}

#[tokio::test]
async fn buyers_reach_the_shop_and_not_each_other_but_answer_a_socket() {
    let (a, b) = with_policy(Policy::shops(&["m".to_owned()])).await;
    let buyer = a.window("8", "a.1").await;
    let other = b.window("9", "b.1").await;
    let shop = b.window("m7", "b.2").await;
    assert_eq!(a.refused(&buyer, "exchange", r#"{"target":"user:9","payload":1}"#).await, "forbidden");
    assert_eq!(other.heard(), []);
    a.ask(&buyer, "exchange", r#"{"target":"user:m7","payload":1}"#).await;
    assert_eq!(shop.heard_one("exchange")["meta"]["client"], "a.1");
    assert_eq!(a.ask(&buyer, "exchange", r#"{"target":"b.1","payload":1}"#).await, json!({"ok": true}));
}
