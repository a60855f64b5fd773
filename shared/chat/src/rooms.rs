//! Rooms from the back end's door, and what joining and leaving share.

use crate::{Chat, Error, Window};
use bus::{Expelled, Members};
use serde::{Deserialize, Deserializer, de};
use types::{Channel, Event, Online, RoomAction, RoomId, SocketId, UserKey};

impl Chat {
    /// Opens a room to these users, to anyone if there are none, or changes whom it is open to. Whoever is in and may
    /// not be there any longer is put out.
    ///
    /// # Errors
    /// Those of the bus.
    pub async fn put_room(&self, room: &RoomId, members: Vec<UserKey>) -> Result<(), Error> {
        let admitted = members.len();
        let expelled = self.bus.put_room(room, members).await?;
        tracing::info!(%room, admitted, expelled = expelled.occupants.len(), "room put");
        self.announce_expelled(room, expelled).await
    }

    /// Ends a room; whoever is in is put out. False if there was no such room.
    ///
    /// # Errors
    /// Those of the bus.
    pub async fn remove_room(&self, room: &RoomId) -> Result<bool, Error> {
        let Some(expelled) = self.bus.remove_room(room).await? else { return Ok(false) };
        tracing::info!(%room, expelled = expelled.occupants.len(), "room removed");
        self.announce_expelled(room, expelled).await?;
        Ok(true)
    }

    /// Lets a window of this process hear nothing more of a room that it was put out of ([`crate::Then::PutOut`]).
    pub async fn put_out(&self, window: &dyn Window, room: &RoomId) {
        window.place().exit(room);
        window.unfollow(&Channel::Room(room.clone())).await;
    }

    /// Takes a window out of a room, and tells those who remain and returns them; none if it was not in.
    pub(crate) async fn step_out(&self, window: &dyn Window, room: &RoomId) -> Result<Vec<SocketId>, Error> {
        let remaining = self.bus.leave_room(room, window.socket()).await?;
        self.put_out(window, room).await;
        let Some(remaining) = remaining else { return Ok(Vec::new()) };
        let (socket, user) = (window.socket(), &window.identity().user);
        self.announce_in_room(room, RoomAction::Leave, socket, user, &remaining).await?;
        Ok(remaining.sockets)
    }

    pub(crate) async fn announce_in_room(
        &self,
        room: &RoomId,
        action: RoomAction,
        socket: &SocketId,
        user: &UserKey,
        members: &Members,
    ) -> Result<(), bus::Error> {
        let event = Event::Online(news(room, action, socket, user, members));
        self.publish(&Channel::Room(room.clone()), &event).await.map(drop)
    }

    /// Those who are put out still follow the room and hear of their own leaving: that is how their processes know.
    pub(crate) async fn announce_expelled(&self, room: &RoomId, expelled: Expelled) -> Result<(), Error> {
        for gone in &expelled.occupants {
            let (socket, user) = (&gone.socket, &gone.user);
            self.announce_in_room(room, RoomAction::Leave, socket, user, &expelled.remaining).await?;
        }
        Ok(())
    }
}

/// What is told of a coming or leaving.
pub(crate) fn news(room: &RoomId, action: RoomAction, socket: &SocketId, user: &UserKey, members: &Members) -> Online {
    let did = match action {
        RoomAction::Join => "joined",
        RoomAction::Leave => "left",
    };
    Online {
        clients: members.sockets.clone(),
        action,
        target: room.clone(),
        message: format!("User({user}) {did}.").into(),
        client: socket.clone(),
        user: user.clone(),
        revision: members.revision,
    }
}

/// A room as a client names it: back ends give rooms out as numbers, so a number will do for the string.
#[derive(Debug)]
pub(crate) struct RoomName(pub(crate) RoomId);

impl<'de> Deserialize<'de> for RoomName {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = RoomName;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a room, as a string or a whole number")
            }

            fn visit_str<E: de::Error>(self, room: &str) -> Result<RoomName, E> {
                room.parse().map(RoomName).map_err(E::custom)
            }

            fn visit_u64<E: de::Error>(self, room: u64) -> Result<RoomName, E> {
                self.visit_str(&room.to_string())
            }
        }
        deserializer.deserialize_any(Visitor)
    }
}
