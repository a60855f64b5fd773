//! `leave {room}`.

use crate::command::read;
use crate::rooms::RoomName;
use crate::{Chat, Error, Reply, Window};
use serde::Deserialize;
use types::Failure;

/// The request.
#[derive(Debug, Deserialize)]
pub struct Leave {
    room: RoomName,
}

impl Leave {
    pub(crate) fn parse(payload: &str) -> Result<Self, Failure> {
        read("leave", "{room}", payload)
    }
}

impl Chat {
    pub(crate) async fn leave(&self, window: &dyn Window, Leave { room }: Leave) -> Result<Reply, Error> {
        let RoomName(room) = room;
        if !window.place().is_in(&room) {
            return Err(Failure::not_found("you are not in that room").into());
        }
        let clients = self.step_out(window, &room).await?;
        Ok(Reply::Clients { clients })
    }
}
