//! What the rules remember of one window: the rooms it is in, whose presence it watches, whom it talks to.
//!
//! Notes are made before what they note is done, and taken back when it fails: a connection that ends in the middle
//! is cleaned up all the same.

use parking_lot::Mutex;
use std::collections::HashSet;
use types::{RoomId, UserKey};

/// The notes on a window; nothing is allocated before the first one.
#[derive(Debug, Default)]
pub struct Place(Mutex<Option<Box<Notes>>>);

#[derive(Debug, Default)]
pub(crate) struct Notes {
    pub(crate) rooms: Vec<RoomId>,
    /// Watched because the window asked for their presence.
    pub(crate) watched: HashSet<UserKey>,
    /// Watched because the window talks to this user.
    pub(crate) target: Option<UserKey>,
}

/// What noting a room found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Entry {
    New,
    Already,
    Full,
}

/// Whose presence to follow and to unfollow when a window turns to another user.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Turn {
    pub(crate) follow: Option<UserKey>,
    pub(crate) unfollow: Option<UserKey>,
}

impl Place {
    pub(crate) fn enter(&self, room: &RoomId, most: usize) -> Entry {
        self.note(|notes| {
            if notes.rooms.contains(room) {
                return Entry::Already;
            }
            if notes.rooms.len() >= most {
                return Entry::Full;
            }
            notes.rooms.push(room.clone());
            Entry::New
        })
    }

    pub(crate) fn exit(&self, room: &RoomId) {
        if let Some(notes) = self.0.lock().as_mut() {
            notes.rooms.retain(|known| known != room);
        }
    }

    pub(crate) fn is_in(&self, room: &RoomId) -> bool {
        self.0.lock().as_ref().is_some_and(|notes| notes.rooms.contains(room))
    }

    pub(crate) fn rooms(&self) -> Vec<RoomId> {
        self.0.lock().as_ref().map(|notes| notes.rooms.clone()).unwrap_or_default()
    }

    /// Notes users to watch, all or none; returns those that were not watched, or nothing if they would be too many.
    pub(crate) fn watch(&self, users: &[UserKey], most: usize) -> Option<Vec<UserKey>> {
        self.note(|notes| {
            let new: HashSet<&UserKey> = users.iter().filter(|user| !notes.watched.contains(*user)).collect();
            if notes.watched.len() + new.len() > most {
                return None;
            }
            let new: Vec<UserKey> = new.into_iter().cloned().collect();
            notes.watched.extend(new.iter().cloned());
            Some(new)
        })
    }

    pub(crate) fn unwatch(&self, user: &UserKey) {
        self.note(|notes| notes.watched.remove(user));
    }

    pub(crate) fn turn_to(&self, target: Option<UserKey>) -> Turn {
        self.note(|notes| {
            if notes.target == target {
                return Turn::default();
            }
            let old = std::mem::replace(&mut notes.target, target.clone());
            let unasked = |user: &UserKey| !notes.watched.contains(user);
            Turn { follow: target.filter(unasked), unfollow: old.filter(unasked) }
        })
    }

    /// Takes all notes, for the end of the window.
    pub(crate) fn clear(&self) -> Notes {
        self.0.lock().take().map(|notes| *notes).unwrap_or_default()
    }

    fn note<T>(&self, change: impl FnOnce(&mut Notes) -> T) -> T {
        change(self.0.lock().get_or_insert_default())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn user(key: &str) -> UserKey {
        key.parse().unwrap()
    }

    #[test]
    fn rooms_are_bounded_and_a_room_counts_once() {
        let place = Place::default();
        let room = |id: &str| id.parse::<RoomId>().unwrap();
        assert_eq!(place.enter(&room("1"), 2), Entry::New);
        assert_eq!(place.enter(&room("2"), 2), Entry::New);
        assert_eq!(place.enter(&room("1"), 2), Entry::Already);
        assert_eq!(place.enter(&room("3"), 2), Entry::Full);
        place.exit(&room("1"));
        assert!(!place.is_in(&room("1")) && place.is_in(&room("2")));
        assert_eq!(place.enter(&room("3"), 2), Entry::New);
    }

    #[test]
    fn watching_is_all_or_none_within_the_bound() {
        let place = Place::default();
        assert_eq!(place.watch(&[user("1"), user("1")], 2).unwrap(), [user("1")]);
        assert_eq!(place.watch(&[user("2"), user("3")], 2), None);
        assert_eq!(place.watch(&[user("1"), user("2")], 2).unwrap(), [user("2")]);
        place.unwatch(&user("2"));
        assert_eq!(place.watch(&[user("3")], 2).unwrap(), [user("3")]);
    }

    #[test]
    fn turning_away_keeps_what_was_asked_for() {
        let place = Place::default();
        let turn = |follow: Option<&str>, unfollow: Option<&str>| Turn {
            follow: follow.map(user),
            unfollow: unfollow.map(user),
        };
        assert_eq!(place.turn_to(Some(user("1"))), turn(Some("1"), None));
        assert_eq!(place.turn_to(Some(user("1"))), turn(None, None));
        assert_eq!(place.turn_to(Some(user("2"))), turn(Some("2"), Some("1")));
        place.watch(&[user("2"), user("3")], 9);
        assert_eq!(place.turn_to(Some(user("3"))), turn(None, None));
        place.unwatch(&user("3"));
        assert_eq!(place.turn_to(None), turn(None, Some("3")));
    }
}
