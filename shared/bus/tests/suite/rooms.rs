//! Rooms and who is in them.

use super::{Pair, key};
use bus::{Expelled, Members, Occupant, RoomError};
use types::{RoomId, SocketId, UserKey};

fn room() -> RoomId {
    key("1001")
}

fn sockets(members: &Members) -> Vec<&str> {
    members.sockets.iter().map(SocketId::as_str).collect()
}

fn occupant(socket: &str, user: &str) -> Occupant {
    Occupant { socket: key(socket), user: key(user) }
}

async fn enter(pair: &Pair, user: &str) -> Result<Members, RoomError> {
    pair.b.bus.enter_room(&room(), &key(&format!("b.{user}")), &key(user)).await
}

pub(crate) async fn a_room_exists_while_it_is_put(pair: Pair) {
    assert_eq!(pair.b.bus.room(&room()).await, Ok(None));
    assert_eq!(enter(&pair, "8").await, Err(RoomError::NotFound));
    pair.a.bus.put_room(&room(), vec![key("m7"), key("8")]).await.unwrap();
    assert_eq!(pair.b.bus.room(&room()).await, Ok(Some(vec![key("m7"), key("8")])));
    assert!(enter(&pair, "8").await.is_ok());
    assert!(pair.a.bus.remove_room(&room()).await.unwrap().is_some());
    assert_eq!(pair.a.bus.remove_room(&room()).await, Ok(None));
    assert_eq!(pair.b.bus.room(&room()).await, Ok(None));
    assert_eq!(enter(&pair, "8").await, Err(RoomError::NotFound));
}

pub(crate) async fn only_the_named_may_enter(pair: Pair) {
    pair.a.bus.put_room(&room(), vec![key("m7"), key("8")]).await.unwrap();
    assert!(enter(&pair, "m7").await.is_ok());
    assert_eq!(enter(&pair, "9").await, Err(RoomError::Forbidden));
    assert_eq!(sockets(&enter(&pair, "8").await.unwrap()), ["b.m7", "b.8"]);
}

pub(crate) async fn an_empty_list_admits_anyone(pair: Pair) {
    pair.a.bus.put_room(&room(), Vec::new()).await.unwrap();
    assert_eq!(pair.b.bus.room(&room()).await, Ok(Some(Vec::<UserKey>::new())));
    assert!(enter(&pair, "9").await.is_ok());
    assert!(enter(&pair, "m7").await.is_ok());
}

pub(crate) async fn members_are_listed_in_the_order_they_came(pair: Pair) {
    pair.a.bus.put_room(&room(), Vec::new()).await.unwrap();
    pair.b.bus.enter_room(&room(), &key("b.1"), &key("8")).await.unwrap();
    pair.a.bus.enter_room(&room(), &key("a.1"), &key("m7")).await.unwrap();
    let members = pair.b.bus.enter_room(&room(), &key("b.0"), &key("8")).await.unwrap();
    assert_eq!(sockets(&members), ["b.1", "a.1", "b.0"]);
}

pub(crate) async fn entering_twice_is_entering_once(pair: Pair) {
    pair.a.bus.put_room(&room(), Vec::new()).await.unwrap();
    enter(&pair, "8").await.unwrap();
    let once = enter(&pair, "9").await.unwrap();
    let again = enter(&pair, "8").await.unwrap();
    assert_eq!(sockets(&again), ["b.8", "b.9"]);
    assert_eq!(again.revision, once.revision);
}

pub(crate) async fn leaving_tells_who_remains(pair: Pair) {
    assert_eq!(pair.b.bus.leave_room(&room(), &key("b.8")).await, Ok(None));
    pair.a.bus.put_room(&room(), Vec::new()).await.unwrap();
    assert_eq!(pair.b.bus.leave_room(&room(), &key("b.8")).await, Ok(None));
    enter(&pair, "8").await.unwrap();
    enter(&pair, "9").await.unwrap();
    let remaining = pair.b.bus.leave_room(&room(), &key("b.8")).await.unwrap().unwrap();
    assert_eq!(sockets(&remaining), ["b.9"]);
    assert_eq!(pair.b.bus.leave_room(&room(), &key("b.8")).await, Ok(None));
    let remaining = pair.b.bus.leave_room(&room(), &key("b.9")).await.unwrap().unwrap();
    assert!(remaining.sockets.is_empty());
    assert!(pair.a.bus.room(&room()).await.unwrap().is_some(), "an empty room is still a room");
}

pub(crate) async fn changing_a_room_puts_out_who_may_no_longer_be_there(pair: Pair) {
    assert_eq!(pair.a.bus.put_room(&room(), Vec::new()).await, Ok(Expelled::default()));
    enter(&pair, "8").await.unwrap();
    let before = enter(&pair, "9").await.unwrap();
    let expelled = pair.a.bus.put_room(&room(), vec![key("9"), key("10")]).await.unwrap();
    assert_eq!(expelled.occupants, [occupant("b.8", "8")]);
    assert_eq!(sockets(&expelled.remaining), ["b.9"]);
    assert!(expelled.remaining.revision > before.revision);
    assert_eq!(enter(&pair, "8").await, Err(RoomError::Forbidden));
    let unchanged = pair.a.bus.put_room(&room(), vec![key("9")]).await.unwrap();
    assert!(unchanged.occupants.is_empty());
    assert_eq!(unchanged.remaining, expelled.remaining);
}

pub(crate) async fn removing_a_room_puts_everybody_out(pair: Pair) {
    pair.a.bus.put_room(&room(), Vec::new()).await.unwrap();
    enter(&pair, "8").await.unwrap();
    enter(&pair, "9").await.unwrap();
    let expelled = pair.a.bus.remove_room(&room()).await.unwrap().unwrap();
    assert_eq!(expelled.occupants, [occupant("b.8", "8"), occupant("b.9", "9")]);
    assert!(expelled.remaining.sockets.is_empty());
    pair.a.bus.put_room(&room(), Vec::new()).await.unwrap();
    assert_eq!(sockets(&enter(&pair, "9").await.unwrap()), ["b.9"]);
}

pub(crate) async fn revisions_rise_even_across_the_end_of_a_room(pair: Pair) {
    let mut revisions = Vec::new();
    for _ in 0..2 {
        pair.a.bus.put_room(&room(), Vec::new()).await.unwrap();
        revisions.push(enter(&pair, "8").await.unwrap().revision);
        revisions.push(enter(&pair, "9").await.unwrap().revision);
        revisions.push(pair.b.bus.leave_room(&room(), &key("b.8")).await.unwrap().unwrap().revision);
        revisions.push(pair.a.bus.remove_room(&room()).await.unwrap().unwrap().remaining.revision);
    }
    assert!(revisions.is_sorted_by(|earlier, later| earlier < later), "{revisions:?}");
}

pub(crate) async fn sockets_of_a_process_that_left_are_out(pair: Pair) {
    pair.a.bus.put_room(&room(), Vec::new()).await.unwrap();
    pair.a.bus.enter_room(&room(), &key("a.1"), &key("m7")).await.unwrap();
    let before = enter(&pair, "8").await.unwrap();
    pair.a.leave().await;
    let after = enter(&pair, "8").await.unwrap();
    assert_eq!(sockets(&after), ["b.8"]);
    assert!(after.revision > before.revision);
}
