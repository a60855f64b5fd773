//! What is noted of rooms stays right whichever of two things that overlap ends first.

#![allow(clippy::unwrap_used)] // a test that meets an error has failed

use super::*;

fn room() -> RoomId {
    "1001".parse().unwrap()
}

fn who(socket: &str) -> Occupant {
    Occupant { socket: socket.parse().unwrap(), user: "m7".parse().unwrap() }
}

/// A room with one socket, as the node confirmed it.
fn rooms_with(socket: &str) -> Rooms {
    let rooms = Rooms::default();
    rooms.note(&room(), who(socket));
    rooms.settle(&room(), &who(socket).socket, 1_000);
    rooms
}

fn orders(record: &Record) -> Vec<(&str, u64)> {
    record.inside.iter().map(|mine| (mine.who.socket.as_str(), mine.order)).collect()
}

#[test]
fn a_comparison_that_was_overtaken_is_made_again() {
    let rooms = rooms_with("a.1");
    let compared = rooms.of(&room()).unwrap();
    rooms.note(&room(), who("a.2"));
    let again = rooms.compared(&room(), compared.changes, &[who("a.1")]).unwrap();
    assert_eq!(orders(&again), [("a.1", 1_000), ("a.2", 0)], "nobody is put out by what is not true any more");
    rooms.settle(&room(), &who("a.2").socket, 2_000);
    let again = rooms.compared(&room(), again.changes, &[]).unwrap();
    assert_eq!(orders(&again), [("a.1", 1_000), ("a.2", 2_000)]);
    assert!(rooms.compared(&room(), again.changes, &[who("a.1")]).is_none());
    assert_eq!(orders(&rooms.of(&room()).unwrap()), [("a.2", 2_000)]);
}

#[test]
fn a_comparison_does_not_bring_back_who_left_meanwhile() {
    let rooms = rooms_with("a.1");
    let compared = rooms.of(&room()).unwrap();
    rooms.forget(&room(), &who("a.1").socket);
    rooms.forgotten(&room(), true);
    assert!(rooms.all().is_empty());
    let again = rooms.compared(&room(), compared.changes, &[]).unwrap();
    assert_eq!(orders(&again), []);
    assert!(rooms.compared(&room(), again.changes, &[]).is_none());
    assert!(rooms.all().is_empty());
}

#[test]
fn a_socket_that_left_is_remembered_until_the_node_knows() {
    let rooms = rooms_with("a.1");
    rooms.forget(&room(), &who("a.1").socket);
    rooms.forgotten(&room(), false);
    assert_eq!(rooms.unsure(), [room()]);
    let compared = rooms.of(&room()).unwrap();
    assert!(rooms.compared(&room(), compared.changes, &[]).is_none());
    assert!(rooms.unsure().is_empty() && rooms.all().is_empty());
}

#[test]
fn a_list_of_names_may_hold_numbers_and_nothing_else() {
    let names = |list| read_names(list).map(|names| names.iter().map(ToString::to_string).collect::<Vec<_>>());
    assert_eq!(names(r#"["m7", 8]"#), Some(vec!["m7".into(), "8".into()]));
    assert_eq!(names(r#"{"1": "m7"}"#), Some(vec!["m7".into()]), "what PHP makes of a list with a hole");
    for wrong in ["", "7", "\"m7\"", "[null]", "[\"\"]", "[-7]"] {
        assert_eq!(names(wrong), None, "{wrong}");
    }
}
