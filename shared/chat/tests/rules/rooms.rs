//! Rooms: opened and closed by the back end, entered by those it names.

use crate::harness::{Process, hush, key, two_processes};
use bus::local::Exchange;
use chat::{Config, Join, Policy, Window};
use serde_json::{Value, json};
use types::{Channel, RoomId};

fn room() -> RoomId {
    key("1001")
}

/// `online` without the revision.
fn online(clients: &[&str], action: &str, client: &str, user: &str) -> Value {
    let did = if action == "join" { "joined" } else { "left" };
    json!({
        "clients": clients, "action": action, "target": "1001", "message": format!("User({user}) {did}."),
        "client": client, "user": user,
    })
}

fn without_revision(mut push: Value) -> (Value, u64) {
    let revision = push.as_object_mut().unwrap().remove("revision").unwrap();
    (push, revision.as_u64().unwrap())
}

#[tokio::test]
async fn who_comes_and_who_leaves_is_told_to_all_who_are_in() {
    let (a, b) = two_processes().await;
    a.chat.put_room(&room(), vec![key("m9"), key("8")]).await.unwrap();
    let shop = a.window("m9", "a.1").await;
    let buyer = b.window("8", "b.1").await;

    let answer = a.ask(&shop, "join", r#"{"room":"1001"}"#).await;
    assert_eq!(answer, json!({"ok": true, "clients": ["a.1"]}));
    let (push, first) = without_revision(shop.heard_one("online"));
    assert_eq!(push, online(&["a.1"], "join", "a.1", "m9"));

    let answer = b.ask(&buyer, "join", r#"{"room":1001}"#).await;
    assert_eq!(answer, json!({"ok": true, "clients": ["a.1", "b.1"]}));
    let mut second = 0;
    for window in [&shop, &buyer] {
        let (push, revision) = without_revision(window.heard_one("online"));
        assert_eq!(push, online(&["a.1", "b.1"], "join", "b.1", "8"));
        assert!(revision > first);
        second = revision;
    }

    let answer = a.ask(&shop, "leave", r#"{"room":"1001"}"#).await;
    assert_eq!(answer, json!({"ok": true, "clients": ["b.1"]}));
    assert_eq!(shop.heard(), []);
    let (push, third) = without_revision(buyer.heard_one("online"));
    assert_eq!(push, online(&["b.1"], "leave", "a.1", "m9"));
    assert!(third > second);
    assert_eq!(a.refused(&shop, "leave", r#"{"room":"1001"}"#).await, "not_found");
}

#[tokio::test]
async fn joining_twice_is_joining_once() {
    let (a, b) = two_processes().await;
    a.chat.put_room(&room(), Vec::new()).await.unwrap();
    let window = a.window("m9", "a.1").await;
    let other = b.window("8", "b.1").await;
    a.ask(&window, "join", r#"{"room":"1001"}"#).await;
    b.ask(&other, "join", r#"{"room":"1001"}"#).await;
    hush(&[&window, &other]);
    let answer = a.ask(&window, "join", r#"{"room":"1001"}"#).await;
    assert_eq!(answer, json!({"ok": true, "clients": ["a.1", "b.1"]}));
    assert_eq!((window.heard(), other.heard()), (vec![], vec![]));
    a.ask(&window, "leave", r#"{"room":"1001"}"#).await;
    assert_eq!(other.heard().len(), 1);
}

#[tokio::test]
async fn a_room_that_is_not_there_or_for_others_denies_and_ends_the_connection() {
    let (a, b) = two_processes().await;
    let nowhere = a.window("9", "a.1").await;
    assert_eq!(a.refused(&nowhere, "join", r#"{"room":"1001"}"#).await, "not_found");
    let deny = nowhere.heard_one("deny");
    assert_eq!(deny, json!({"type": "deny", "message": "there is no room 1001", "code": "not_found"}));
    assert!(nowhere.is_closed());

    a.chat.put_room(&room(), vec![key("m9"), key("8")]).await.unwrap();
    let member = b.window("8", "b.1").await;
    b.ask(&member, "join", r#"{"room":"1001"}"#).await;
    hush(&[&member]);
    let third = a.window("9", "a.2").await;
    assert_eq!(a.refused(&third, "join", r#"{"room":"1001"}"#).await, "forbidden");
    let deny = third.heard_one("deny");
    assert_eq!(deny, json!({"type": "deny", "message": "room 1001 is for others", "code": "forbidden"}));
    assert!(third.is_closed() && !third.follows(&Channel::Room(room())));
    assert_eq!(a.refused(&third, "leave", r#"{"room":"1001"}"#).await, "not_found");
    assert_eq!(member.heard(), []);
}

#[tokio::test]
async fn who_comes_back_to_a_room_that_ended_or_is_for_others_now_is_out_of_it_too() {
    let (a, _) = two_processes().await;
    for ended in [true, false] {
        a.chat.put_room(&room(), Vec::new()).await.unwrap();
        let window = a.window("9", if ended { "a.1" } else { "a.2" }).await;
        a.ask(&window, "join", r#"{"room":"1001"}"#).await;
        // Straight at the bus, as a back end changes the room's key: nobody is told.
        if ended {
            a.bus.remove_room(&room()).await.unwrap();
        } else {
            a.bus.put_room(&room(), vec![key("8")]).await.unwrap();
        }
        assert_eq!(a.refused(&window, "join", r#"{"room":1001}"#).await, if ended { "not_found" } else { "forbidden" });
        assert!(window.is_closed() && !window.follows(&Channel::Room(room())));
    }
}

#[tokio::test]
async fn a_handshake_that_names_a_room_joins_it() {
    let (a, _) = two_processes().await;
    a.chat.put_room(&room(), Vec::new()).await.unwrap();
    let window = a.window("m9", "a.1").await;
    let joined = a.chat.handle(&window, chat::Command::Join(Join::new(room()))).await.unwrap();
    let chat::Reply::Clients { clients } = joined else { panic!("{joined:?}") };
    assert_eq!(clients, [key("a.1")]);
}

#[tokio::test]
async fn ending_a_room_puts_everybody_out_and_says_so() {
    let (a, b) = two_processes().await;
    a.chat.put_room(&room(), Vec::new()).await.unwrap();
    let (first, second) = (a.window("m9", "a.1").await, b.window("8", "b.1").await);
    a.ask(&first, "join", r#"{"room":"1001"}"#).await;
    b.ask(&second, "join", r#"{"room":"1001"}"#).await;
    hush(&[&first, &second]);
    assert!(b.chat.remove_room(&room()).await.unwrap());
    for window in [&first, &second] {
        let heard: Vec<Value> = window.heard().into_iter().map(|(_, push)| without_revision(push).0).collect();
        assert_eq!(heard, [online(&[], "leave", "a.1", "m9"), online(&[], "leave", "b.1", "8")]);
    }
    a.put_out(&[&first]).await;
    b.put_out(&[&second]).await;
    assert!(!first.follows(&Channel::Room(room())) && !second.follows(&Channel::Room(room())));
    assert!(!b.chat.remove_room(&room()).await.unwrap());

    // The room may come back, and so may they.
    a.chat.put_room(&room(), Vec::new()).await.unwrap();
    let answer = a.ask(&first, "join", r#"{"room":"1001"}"#).await;
    assert_eq!(answer["clients"], json!(["a.1"]));
    assert_eq!(first.heard_one("online")["action"], "join");
}

#[tokio::test]
async fn naming_others_puts_out_only_who_is_not_named() {
    let (a, b) = two_processes().await;
    a.chat.put_room(&room(), Vec::new()).await.unwrap();
    let (stays, goes) = (a.window("m9", "a.1").await, b.window("8", "b.1").await);
    a.ask(&stays, "join", r#"{"room":"1001"}"#).await;
    b.ask(&goes, "join", r#"{"room":"1001"}"#).await;
    hush(&[&stays, &goes]);
    a.chat.put_room(&room(), vec![key("m9"), key("7")]).await.unwrap();
    assert_eq!(without_revision(stays.heard_one("online")).0, online(&["a.1"], "leave", "b.1", "8"));
    hush(&[&goes]);
    a.put_out(&[&stays]).await;
    b.put_out(&[&goes]).await;
    assert_eq!(a.ask(&stays, "exchange", r#"{"target":"1001","payload":1}"#).await, json!({"ok": true}));
    assert_eq!(goes.heard(), []);
    assert!(stays.follows(&Channel::Room(room())));
}

#[tokio::test]
async fn a_connection_that_ends_leaves_its_rooms() {
    let (a, b) = two_processes().await;
    a.chat.put_room(&room(), Vec::new()).await.unwrap();
    let (goes, stays) = (a.window("m9", "a.1").await, b.window("8", "b.1").await);
    a.ask(&goes, "join", r#"{"room":"1001"}"#).await;
    b.ask(&stays, "join", r#"{"room":"1001"}"#).await;
    hush(&[&goes, &stays]);
    a.chat.left(&goes).await;
    assert_eq!(without_revision(stays.heard_one("online")).0, online(&["b.1"], "leave", "a.1", "m9"));
    assert_eq!(goes.heard(), []);
    assert!(a.follows_nothing());
    a.chat.left(&goes).await;
    assert_eq!(stays.heard(), []);
}

#[tokio::test]
async fn a_window_may_be_in_so_many_rooms() {
    let config = Config { max_rooms_per_window: 2, ..Config::default() };
    let process = Process::start(&Exchange::new(), "a", Policy::Anyone, config).await;
    let window = process.window("m9", "a.1").await;
    for number in 1..=3 {
        process.chat.put_room(&key(&number.to_string()), Vec::new()).await.unwrap();
    }
    process.ask(&window, "join", r#"{"room":"1"}"#).await;
    process.ask(&window, "join", r#"{"room":"2"}"#).await;
    assert_eq!(process.refused(&window, "join", r#"{"room":"3"}"#).await, "too_large");
    assert!(!window.is_closed());
    process.ask(&window, "leave", r#"{"room":"1"}"#).await;
    assert_eq!(process.ask(&window, "join", r#"{"room":"3"}"#).await["ok"], true);
}

#[tokio::test]
async fn what_is_no_room_is_a_bad_request() {
    let (a, _) = two_processes().await;
    let window = a.window("m9", "a.1").await;
    for name in ["join", "leave"] {
        for room in ["\"\"", "-1", "1.5", "null", "true", "[1]", "\"a\\nb\"", &format!("{:?}", "x".repeat(129))] {
            let payload = format!("{{\"room\":{room}}}");
            assert_eq!(a.refused(&window, name, &payload).await, "bad_request", "{name} {room}");
        }
    }
    assert!(!window.is_closed());
}
