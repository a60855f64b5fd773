//! `join {room}`: into a room that the back end opened. Who may not be there is denied and disconnected.

use crate::command::read;
use crate::place::Entry;
use crate::rooms::RoomName;
use crate::{Chat, Error, Reply, Window};
use bus::{Members, RoomError};
use serde::Deserialize;
use types::{Channel, Code, Failure, RoomAction, RoomId};

/// The request.
#[derive(Debug, Deserialize)]
pub struct Join {
    room: RoomName,
}

impl Join {
    /// For a connection whose handshake names a room.
    pub fn new(room: RoomId) -> Self {
        Self { room: RoomName(room) }
    }

    pub(crate) fn parse(payload: &str) -> Result<Self, Failure> {
        read("join", "{room}", payload)
    }
}

impl Chat {
    pub(crate) async fn join(&self, window: &dyn Window, Join { room }: Join) -> Result<Reply, Error> {
        let RoomName(room) = room;
        let entry = window.place().enter(&room, self.config.max_rooms_per_window);
        if entry == Entry::Full {
            let most = self.config.max_rooms_per_window;
            return Err(Failure::new(Code::TooLarge, format!("a window may be in {most} rooms")).into());
        }
        let members = match self.bus.enter_room(&room, window.socket(), &window.identity().user).await {
            Ok(members) => members,
            Err(RoomError::NotFound) => {
                self.put_out(window, &room).await;
                return Err(Error::Denied(Failure::not_found(format!("there is no room {room}"))));
            }
            Err(RoomError::Forbidden) => {
                self.put_out(window, &room).await;
                return Err(Error::Denied(Failure::forbidden(format!("room {room} is for others"))));
            }
            Err(RoomError::Bus(error)) => {
                self.undo(window, &room, entry).await;
                return Err(error.into());
            }
        };
        if members.sockets.len() > self.config.max_sockets_per_room {
            self.step_out(window, &room).await?;
            return Err(Error::Denied(Failure::forbidden(format!("room {room} is full"))));
        }
        if entry == Entry::New
            && let Err(error) = self.come_in(window, &room, &members).await
        {
            self.undo(window, &room, entry).await;
            return Err(error);
        }
        Ok(Reply::Clients { clients: members.sockets })
    }

    /// The newcomer hears its own coming: it follows first.
    async fn come_in(&self, window: &dyn Window, room: &RoomId, members: &Members) -> Result<(), Error> {
        window.follow(Channel::Room(room.clone())).await?;
        let (socket, user) = (window.socket(), &window.identity().user);
        self.announce_in_room(room, RoomAction::Join, socket, user, members).await?;
        Ok(())
    }

    /// After the bus failed in the middle: a newcomer is out again, as far as that can be said; who was in stays in.
    async fn undo(&self, window: &dyn Window, room: &RoomId, entry: Entry) {
        if entry != Entry::New {
            return;
        }
        if let Err(error) = self.step_out(window, room).await {
            tracing::warn!(%error, %room, "a socket that could not come in may still be listed");
            self.put_out(window, room).await;
        }
    }
}
