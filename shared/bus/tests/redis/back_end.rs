//! What a back end does on the nodes with its own means.

use crate::attached::{Attached, channel_of, eventually, room_of, user_of};
use crate::suite::{connection, key};
use bus::{Error, RoomError};
use parts::redis::Redis as Server;
use std::process::Command;
use types::UserKey;

fn redis_cli(server: &Server, args: &[&str]) -> String {
    let output = Command::new("redis-cli").args(["-p", &server.port.to_string()]).args(args).output().unwrap();
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[tokio::test]
async fn what_redis_cli_publishes_for_a_user_arrives() {
    let nodes = [Server::start(), Server::start()];
    let mut a = Attached::to(&nodes, "a").await;
    for node in [0, 1] {
        let channel = channel_of(&nodes, node, 0);
        a.bus.subscribe(&channel).await.unwrap();
        let card = r#"{"type":"card","id":"order-77-buyer","message":{"title":"已发货"}}"#;
        assert_eq!(redis_cli(&nodes[node], &["PUBLISH", &channel.to_string(), card]), "1");
        a.expect(&channel, card).await;
    }
}

#[tokio::test]
async fn a_room_that_the_back_end_wrote_admits_whom_it_names() {
    let nodes = [Server::start()];
    let a = Attached::to(&nodes, "a").await;
    let room = room_of(&nodes, 0);
    let enter = async |user: &str| a.bus.enter_room(&room, &key(&format!("a.{user}")), &key(user)).await;
    nodes[0].ask(&["SET", &format!("ImRoom:{room}"), r#"["m7", 8, 1234567890123456]"#]);
    assert_eq!(a.bus.room(&room).await, Ok(Some(vec![key("m7"), key("8"), key("1234567890123456")])));
    for user in ["m7", "8", "1234567890123456"] {
        assert!(enter(user).await.is_ok(), "{user}");
    }
    assert_eq!(enter("9").await, Err(RoomError::Forbidden));
    nodes[0].ask(&["SET", &format!("ImRoom:{room}"), "[]"]);
    assert!(enter("9").await.is_ok());
    nodes[0].ask(&["DEL", &format!("ImRoom:{room}")]);
    assert_eq!(enter("10").await, Err(RoomError::NotFound));
}

#[tokio::test]
async fn a_room_that_is_no_list_is_refused_and_harms_nothing() {
    let nodes = [Server::start()];
    let a = Attached::to(&nodes, "a").await;
    let room = room_of(&nodes, 0);
    for wrong in ["m7", "7", "\"m7\""] {
        nodes[0].ask(&["SET", &format!("ImRoom:{room}"), wrong]);
        let refused = a.bus.enter_room(&room, &key("a.1"), &key("m7")).await;
        assert!(matches!(refused, Err(RoomError::Bus(Error::Refused { .. }))), "{wrong}: {refused:?}");
        assert!(matches!(a.bus.room(&room).await, Err(Error::Refused { .. })), "{wrong}");
    }
    a.bus.put_room(&room, Vec::new()).await.unwrap();
    assert_eq!(a.bus.enter_room(&room, &key("a.2"), &key("m7")).await.unwrap().sockets, [key("a.2")]);
}

#[tokio::test]
async fn presence_can_be_read_from_the_users_key() {
    let nodes = [Server::start()];
    let a = Attached::to(&nodes, "a").await;
    let user: UserKey = user_of(&nodes, 0, 0);
    let mut first = connection("a.1");
    first.device = Some("phone \"one\"".into());
    a.bus.register(&user, first).await.unwrap();
    let entry = nodes[0].ask(&["HGET", &format!("ImOnline:{user}"), "a.1"]);
    let entry: serde_json::Value = serde_json::from_str(&entry).unwrap();
    assert_eq!(entry["process"], "a");
    assert_eq!(entry["tier"], "imserver");
    assert_eq!(entry["platform"], "pc");
    assert_eq!(entry["device"], "phone \"one\"");
    let lease = nodes[0].ask(&["GET", "ImProc:a"]);
    // A process that keeps no messages names no store.
    assert_eq!(lease.trim_end(), format!("{} a.internal:1", entry["incarnation"].as_str().unwrap()));
    let earlier = entry["generation"].as_u64().unwrap();
    a.bus.register(&user, connection("a.1")).await.unwrap();
    let entry = nodes[0].ask(&["HGET", &format!("ImOnline:{user}"), "a.1"]);
    let entry: serde_json::Value = serde_json::from_str(&entry).unwrap();
    assert!(entry["generation"].as_u64().unwrap() > earlier);
}

#[tokio::test]
async fn what_is_not_ours_under_our_keys_does_not_count() {
    let nodes = [Server::start()];
    let a = Attached::to(&nodes, "a").await;
    let user = user_of(&nodes, 0, 0);
    nodes[0].ask(&[
        "HSET",
        &format!("ImOnline:{user}"),
        "junk",
        "junk",
        "7",
        "7",
        "a.0",
        r#"{"process":"a","incarnation":"old"}"#,
    ]);
    assert!(a.bus.register(&user, connection("a.1")).await.unwrap().first);
    eventually("it is gone", async || nodes[0].ask(&["HLEN", &format!("ImOnline:{user}")]) == "1").await;
}
