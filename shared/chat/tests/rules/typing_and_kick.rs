//! `typing`, `kick`, and what needs a store.

use crate::harness::{key, two_processes, with_policy};
use chat::Policy;
use serde_json::json;
use types::Channel;

#[tokio::test]
async fn typing_is_told_to_the_other_side_alone() {
    let (a, b) = two_processes().await;
    let from = a.window("m9", "a.1").await;
    let own = b.window("m9", "b.1").await;
    let to = [a.window("8", "a.2").await, b.window("8", "b.2").await];
    assert_eq!(a.ask(&from, "typing", r#"{"to_user_id":"8","on":true}"#).await, json!({"ok": true}));
    for window in &to {
        assert_eq!(window.heard_one("typingPush"), json!({"from_user_id": "m9", "on": true}));
    }
    a.ask(&from, "typing", r#"{"to_user_id":"8","on":false}"#).await;
    assert_eq!(to[0].heard_one("typingPush")["on"], false);
    assert_eq!((from.heard(), own.heard()), (vec![], vec![]));
}

#[tokio::test]
async fn typing_to_nobody_to_oneself_or_to_a_group_is_refused() {
    let (a, _) = two_processes().await;
    let window = a.window("m9", "a.1").await;
    for (payload, code) in [
        (r#"{"on":true}"#, "bad_request"),
        (r#"{"to_user_id":"8"}"#, "bad_request"),
        (r#"{"to_user_id":"8","on":1}"#, "bad_request"),
        (r#"{"to_user_id":"not a user","on":true}"#, "bad_request"),
        (r#"{"to_user_id":"m9","on":true}"#, "bad_request"),
        (r#"{"block_id":"77","on":true}"#, "unavailable"),
    ] {
        assert_eq!(a.refused(&window, "typing", payload).await, code, "{payload}");
    }
    assert_eq!(window.heard(), []);
}

#[tokio::test]
async fn a_buyer_types_to_shops_only() {
    let (a, b) = with_policy(Policy::shops(&["m".to_owned()])).await;
    let buyer = a.window("8", "a.1").await;
    let (other, shop) = (b.window("9", "b.1").await, b.window("m7", "b.2").await);
    assert_eq!(a.refused(&buyer, "typing", r#"{"to_user_id":"9","on":true}"#).await, "forbidden");
    assert_eq!(other.heard(), []);
    a.ask(&buyer, "typing", r#"{"to_user_id":"m7","on":true}"#).await;
    shop.heard_one("typingPush");
}

#[tokio::test]
async fn a_kick_reaches_all_windows_of_the_user_and_closes_them() {
    let (a, b) = two_processes().await;
    let kicked = [a.window("m9", "a.1").await, b.window("m9", "b.1").await];
    let other = a.window("8", "a.2").await;
    assert_eq!(b.chat.kick(&key("m9"), "shop closed").await, Ok(2));
    for window in &kicked {
        assert_eq!(window.heard_one("kickPush"), json!({"reason": "shop closed", "final": true}));
        assert!(window.is_closed());
    }
    assert_eq!(other.heard(), []);
    assert!(!other.is_closed());
    assert_eq!(b.chat.kick(&key("7"), "nobody there").await, Ok(0));
    assert!(b.chat.kick(&key("7"), &"x".repeat(1_025)).await.is_err());
}

#[tokio::test]
async fn a_kick_may_name_one_socket() {
    let (a, _) = two_processes().await;
    let (first, second) = (a.window("m9", "a.1").await, a.window("m9", "a.2").await);
    let event = bytes::Bytes::from_static(br#"{"type":"kick","reason":"","socketid":"a.2"}"#);
    a.bus.publish(&Channel::User(key("m9")), event).await.unwrap();
    assert!(second.is_closed() && !first.is_closed());
    assert_eq!((first.heard().len(), second.heard().len()), (0, 1));
}

#[tokio::test]
async fn what_needs_a_store_is_unavailable_and_says_so() {
    let (a, _) = two_processes().await;
    let window = a.window("m9", "a.1").await;
    let message = r#"{"temp_message_id":"t1","chat_type":"p2p","to_user_id":"8","type":"text","message":"hi"}"#;
    for (name, payload) in [("sendMessage", message), ("sync", "{}"), ("addContact", r#"{"user_id":"8"}"#)] {
        let answer = a.ask(&window, name, payload).await;
        assert_eq!(answer["error"]["code"], "unavailable", "{name} {answer}");
        assert_eq!(answer["error"]["message"], "this server keeps no messages", "{name}");
    }
    let answer = a.ask(&window, "createGroup", "{}").await;
    assert_eq!(answer["error"]["message"], "createGroup is not served yet");
    assert_eq!(window.heard(), []);
}

#[test]
fn an_event_on_a_channel_of_another_kind_is_nobodys() {
    use types::{Event, ProcessId, RoomId, UserKey};
    let process: ProcessId = key("a");
    let room: RoomId = key("1");
    let user: UserKey = key("8");
    let all = [Channel::User(user.clone()), Channel::Presence(user), Channel::Room(room), Channel::Process(process)];
    let samples: [(&str, &[usize]); 6] = [
        (r#"{"type":"syncChangeUser","uid":"8","changeUserData":{"toid":"9"}}"#, &[0]),
        (r#"{"type":"exchange","client":"a.1","target":"a.2","timestamp":1,"payload":1}"#, &[0, 2, 3]),
        (r#"{"type":"typing","from_user_id":"9","to_user_id":"8","on":true}"#, &[0]),
        (r#"{"type":"presence","user_id":"8","status":"online"}"#, &[1]),
        (
            concat!(
                r#"{"type":"online","clients":[],"action":"join","target":"1","message":"","client":"a.1","#,
                r#""user":"8","revision":1}"#
            ),
            &[2],
        ),
        (r#"{"type":"kick"}"#, &[0]),
    ];
    for (json, on) in samples {
        let event = Event::decode(json.as_bytes()).unwrap();
        for (index, channel) in all.iter().enumerate() {
            let delivered = chat::deliver(channel, event.clone(), None, 0).is_some();
            assert_eq!(delivered, on.contains(&index), "{} on {channel}", event.name());
        }
    }
    let bare = Event::decode(br#"{"type":"syncChangeUser","uid":"8","changeUserData":[]}"#).unwrap();
    assert!(chat::deliver(&all[0], bare, None, 0).is_none(), "without a toid there is nothing to follow");
}
