//! What is set right after the bus had missed something, without a client noticing more than a moment's delay.
//!
//! Live events that were missed are gone; what they changed is read again: who is seen, who is in a room, whom a user
//! talks to. Saying again what a window knows already does no harm.

use crate::presence::{is_online, seen_by_others};
use crate::rooms::news;
use crate::{Chat, Error, PresencePush, Push, Window};
use bus::{Expelled, Members, RoomError};
use serde_json::value::RawValue;
use types::{RoomAction, RoomId, UserKey};

impl Chat {
    /// What those who watch these users are to see now. Users about whom nobody can be asked are left out.
    ///
    /// # Errors
    /// Nobody can be asked about any of them.
    pub async fn seen_now(&self, users: &[UserKey]) -> Result<Vec<(UserKey, Push)>, Error> {
        let known = self.bus.presence(users).await?;
        let push = |(user, status): (UserKey, types::Status)| {
            let status = seen_by_others(status);
            let push = PresencePush { user_id: user.clone(), status, online: is_online(status) };
            (user, Push::Presence(push))
        };
        Ok(known.into_iter().map(push).collect())
    }

    /// Whom the user talks to now, as the last `changeUser` said it.
    ///
    /// # Errors
    /// Those of the bus.
    pub async fn target(&self, user: &UserKey) -> Result<Option<Box<RawValue>>, Error> {
        Ok(self.bus.target(user).await?)
    }

    /// Tells everybody of users whose connections a Redis node had forgotten and has been told again.
    pub async fn announce_restored(&self, users: &[UserKey]) {
        for user in users {
            self.announce_presence_or_log(user).await;
        }
    }

    /// Tells a room of sockets whose process is gone.
    ///
    /// # Errors
    /// Those of the bus.
    pub async fn announce_lost(&self, room: &RoomId, lost: Expelled) -> Result<(), Error> {
        self.announce_expelled(room, lost).await
    }

    /// Sees to it that a window that is in a room is known to be, and tells it who else is; `aloud`, the others are told
    /// too, because they may not know any more. A room that is not there just now is left alone: it may have been
    /// forgotten with the rest.
    ///
    /// # Errors
    /// Those of the bus.
    pub async fn return_to_room(&self, window: &dyn Window, room: &RoomId, aloud: bool) -> Result<(), Error> {
        if !window.place().is_in(room) {
            return Ok(());
        }
        let (socket, user) = (window.socket(), &window.identity().user);
        match self.bus.enter_room(room, socket, user).await {
            Ok(members) if aloud => self.announce_in_room(room, RoomAction::Join, socket, user, &members).await?,
            Ok(members) => {
                window.emit(&Push::Online(news(room, RoomAction::Join, socket, user, &members).into()));
            }
            Err(RoomError::Bus(error)) => return Err(error.into()),
            Err(RoomError::NotFound | RoomError::Forbidden) => {}
        }
        Ok(())
    }

    /// Tells a window that it was put out of a room while nobody could tell it.
    pub async fn put_out_unheard(&self, window: &dyn Window, room: &RoomId) {
        if !window.place().is_in(room) {
            return;
        }
        let (socket, user) = (window.socket(), &window.identity().user);
        let nobody = Members::default();
        window.emit(&Push::Online(news(room, RoomAction::Leave, socket, user, &nobody).into()));
        self.put_out(window, room).await;
    }
}
