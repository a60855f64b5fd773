//! Connections, status and target of a user.

use super::{Pair, connection, key};
use bus::Connection;
use serde_json::value::RawValue;
use types::{Channel, Status, UserKey};

fn target(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

async fn status(pair: &Pair, user: &UserKey) -> Status {
    pair.b.bus.presence(std::slice::from_ref(user)).await.unwrap()[0].1
}

pub(crate) async fn the_first_connection_anywhere_is_the_first(pair: Pair) {
    let user = key("m7");
    let first = pair.a.bus.register(&user, connection("a.1")).await.unwrap();
    assert_eq!((first.first, first.connections, first.status), (true, 1, Status::Online));
    let second = pair.b.bus.register(&user, connection("b.1")).await.unwrap();
    assert_eq!((second.first, second.connections), (false, 2));
    assert!(pair.b.bus.register(&key("m8"), connection("b.2")).await.unwrap().first);
}

pub(crate) async fn only_the_last_unregistered_is_the_last(pair: Pair) {
    let user = key("m7");
    pair.a.bus.register(&user, connection("a.1")).await.unwrap();
    pair.b.bus.register(&user, connection("b.1")).await.unwrap();
    assert_eq!(pair.a.bus.unregister(&user, &key("a.1")).await, Ok(false));
    assert_eq!(pair.a.bus.unregister(&user, &key("a.1")).await, Ok(false));
    assert_eq!(status(&pair, &user).await, Status::Online);
    assert_eq!(pair.b.bus.unregister(&user, &key("b.1")).await, Ok(true));
    assert_eq!(pair.b.bus.unregister(&user, &key("b.1")).await, Ok(false));
    assert_eq!(status(&pair, &user).await, Status::Offline);
}

pub(crate) async fn the_same_socket_again_is_no_second_connection(pair: Pair) {
    let user = key("m7");
    pair.a.bus.register(&user, connection("a.1")).await.unwrap();
    let again = pair.a.bus.register(&user, connection("a.1")).await.unwrap();
    assert_eq!((again.first, again.connections), (false, 1));
    assert_eq!(pair.a.bus.unregister(&user, &key("a.1")).await, Ok(true));
}

pub(crate) async fn a_status_is_the_users_on_all_processes(pair: Pair) {
    let user: UserKey = key("m7");
    pair.a.bus.register(&user, connection("a.1")).await.unwrap();
    assert_eq!(pair.a.bus.set_status(&user, Status::Invisible).await, Ok(Some(Status::Online)));
    assert_eq!(pair.b.bus.set_status(&user, Status::Busy).await, Ok(Some(Status::Invisible)));
    assert_eq!(pair.b.bus.register(&user, connection("b.1")).await.unwrap().status, Status::Busy);
    let asked = [key("8"), user.clone(), key("8")];
    let told = pair.a.bus.presence(&asked).await.unwrap();
    assert_eq!(told, [(key("8"), Status::Offline), (user, Status::Busy), (key("8"), Status::Offline)]);
}

pub(crate) async fn without_a_connection_there_is_no_status_and_no_target(pair: Pair) {
    let user = key("m7");
    assert_eq!(pair.a.bus.set_status(&user, Status::Busy).await, Ok(None));
    pair.a.bus.set_target(&user, target("{}")).await.unwrap();
    assert_eq!(status(&pair, &user).await, Status::Offline);
    let registered = pair.a.bus.register(&user, connection("a.1")).await.unwrap();
    assert!(registered.first && registered.target.is_none());
    assert_eq!(registered.status, Status::Online);
}

pub(crate) async fn a_target_waits_for_the_next_window(pair: Pair) {
    let user = key("m7");
    pair.a.bus.register(&user, connection("a.1")).await.unwrap();
    pair.a.bus.set_target(&user, target(r#"{"toid":"8"}"#)).await.unwrap();
    pair.b.bus.set_target(&user, target(r#"{"toid":"9", "lone":"\ud83d"}"#)).await.unwrap();
    let next = pair.b.bus.register(&user, connection("b.1")).await.unwrap();
    assert_eq!(next.target.unwrap().get(), r#"{"toid":"9", "lone":"\ud83d"}"#);
    assert_eq!(pair.b.bus.target(&user).await.unwrap().unwrap().get(), r#"{"toid":"9", "lone":"\ud83d"}"#);
}

pub(crate) async fn all_is_gone_with_the_last_connection(pair: Pair) {
    let user = key("m7");
    pair.a.bus.register(&user, connection("a.1")).await.unwrap();
    pair.a.bus.set_target(&user, target("{}")).await.unwrap();
    pair.a.bus.set_status(&user, Status::Away).await.unwrap();
    pair.a.bus.unregister(&user, &key("a.1")).await.unwrap();
    let anew = pair.b.bus.register(&user, connection("b.1")).await.unwrap();
    assert!(anew.first && anew.target.is_none());
    assert!(pair.b.bus.target(&user).await.unwrap().is_none());
    assert_eq!(anew.status, Status::Online);
}

pub(crate) async fn connections_of_a_process_that_left_do_not_count(pair: Pair) {
    let (both, only) = (key("m7"), key("m8"));
    pair.a.bus.register(&both, connection("a.1")).await.unwrap();
    pair.a.bus.register(&only, connection("a.2")).await.unwrap();
    pair.b.bus.register(&both, connection("b.1")).await.unwrap();
    pair.a.leave().await;
    assert_eq!(status(&pair, &only).await, Status::Offline);
    assert_eq!(status(&pair, &both).await, Status::Online);
    assert_eq!(pair.b.bus.unregister(&both, &key("b.1")).await, Ok(true));
}

/// Whether the bus tells it or leaves that to the caller, watchers hear of a first connection once, and of a second nothing.
pub(crate) async fn a_first_connection_is_announced_once(mut pair: Pair) {
    let user: UserKey = key("8");
    let channel = Channel::Presence(user.clone());
    pair.b.bus.subscribe(&channel).await.unwrap();
    for socket in ["a.1", "a.2"] {
        let announced = Connection { announcement: Some("here".into()), ..connection(socket) };
        let registered = pair.a.bus.register(&user, announced).await.unwrap();
        if registered.first && !registered.announced {
            pair.a.bus.publish(&channel, "here".into()).await.unwrap();
        }
    }
    pair.a.bus.publish(&channel, "that was all".into()).await.unwrap();
    pair.b.expect(&channel, "here").await;
    pair.b.expect(&channel, "that was all").await;
}
