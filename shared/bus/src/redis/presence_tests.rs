//! What is noted of connections stays right whichever of two things that overlap ends first.

#![allow(clippy::unwrap_used)] // a test that meets an error has failed

use super::*;

fn user() -> UserKey {
    "m7".parse().unwrap()
}

fn socket(name: &str) -> SocketId {
    name.parse().unwrap()
}

fn mine(name: &str) -> Mine {
    Mine { socket: socket(name), entry: "{".to_owned(), generation: 0 }
}

/// A user with one connection, as the node confirmed it.
fn users_with(name: &str) -> Users {
    let users = Users::default();
    users.note(&user(), mine(name));
    users.settle(&user(), &socket(name), Some(1_000));
    users
}

fn generations(record: &Record) -> Vec<(&str, u64)> {
    record.connections.iter().map(|mine| (mine.socket.as_str(), mine.generation)).collect()
}

#[test]
fn a_connection_is_left_alone_while_it_is_being_registered() {
    let users = Users::default();
    users.note(&user(), mine("a.1"));
    assert_eq!(generations(&users.of(&user()).unwrap()), [("a.1", 0)]);
    users.settle(&user(), &socket("a.1"), Some(1_000));
    assert_eq!(generations(&users.of(&user()).unwrap()), [("a.1", 1_000)]);
}

#[test]
fn a_comparison_that_was_overtaken_is_made_again() {
    let users = users_with("a.1");
    let compared = users.of(&user()).unwrap();
    users.note(&user(), mine("a.2"));
    let again = users.compared(&user(), compared.changes).unwrap();
    assert_eq!(generations(&again), [("a.1", 1_000), ("a.2", 0)]);
    users.settle(&user(), &socket("a.2"), Some(2_000));
    let again = users.compared(&user(), again.changes).unwrap();
    assert_eq!(generations(&again), [("a.1", 1_000), ("a.2", 2_000)]);
    assert!(users.compared(&user(), again.changes).is_none());
}

#[test]
fn a_comparison_does_not_bring_back_who_left_meanwhile() {
    let users = users_with("a.1");
    let compared = users.of(&user()).unwrap();
    users.forget(&user(), &socket("a.1"));
    users.forgotten(&user(), true);
    assert!(users.all().is_empty());
    let again = users.compared(&user(), compared.changes).unwrap();
    assert_eq!(generations(&again), []);
    assert!(users.compared(&user(), again.changes).is_none());
    assert!(users.all().is_empty());
}

#[test]
fn what_the_node_may_not_have_heard_is_compared() {
    let users = Users::default();
    users.note(&user(), mine("a.1"));
    assert!(users.unsure().is_empty());
    users.settle(&user(), &socket("a.1"), None);
    assert_eq!(users.unsure(), [user()]);
    let compared = users.of(&user()).unwrap();
    assert_eq!(generations(&compared), [("a.1", 1)], "it has no generation yet");
    users.compared(&user(), compared.changes);
    assert!(users.unsure().is_empty());
    users.forget(&user(), &socket("a.1"));
    users.forgotten(&user(), false);
    assert_eq!(users.unsure(), [user()], "a connection that left is remembered until the node knows");
}

#[test]
fn of_what_was_set_the_newest_is_kept() {
    let users = users_with("a.1");
    let status = |text: &str, revision| Some(Stated { text: text.to_owned(), revision });
    for (text, revision, kept) in [("busy", 5, "busy"), ("away", 4, "busy"), ("online", 6, "online")] {
        users.learn(&user(), status(text, revision), None);
        assert_eq!(users.of(&user()).unwrap().status.unwrap().text, kept);
    }
}
