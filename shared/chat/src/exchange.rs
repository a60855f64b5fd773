//! `exchange {target, payload}`: relays something to a user, a room or a socket. Nothing stores it.

use crate::command::read;
use crate::{Chat, Error, Reply, Window, attachments};
use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use types::{Channel, Event, Failure, RoomId, SocketId, UserKey};

/// The request.
#[derive(Debug)]
pub struct Exchange {
    target: String,
    payload: Box<RawValue>,
    /// The payload's own.
    attachments: Vec<Bytes>,
}

const TAKES: &str = "{target: \"user:<user key>\", a room or a socket id, payload}";

/// Before a user key in `target`. A room or socket cannot be meant then.
const USER: &str = "user:";

/// No id of any kind is longer.
const MAX_TARGET_BYTES: usize = 256;

impl Exchange {
    pub(crate) fn parse(payload: &str, attachments: &[Bytes]) -> Result<Self, Failure> {
        let Input { target, payload } = read("exchange", TAKES, payload)?;
        if target.is_empty() || target.len() > MAX_TARGET_BYTES {
            let sentence = format!("exchange takes {TAKES}: target is 1 to {MAX_TARGET_BYTES} bytes");
            return Err(Failure::bad_request(sentence));
        }
        let payload = payload.map_or_else(|| RawValue::NULL.to_owned(), RawValue::to_owned);
        let (payload, attachments) = attachments::of_payload(payload, attachments)?;
        Ok(Self { target, payload, attachments })
    }
}

#[derive(Deserialize)]
struct Input<'a> {
    target: String,
    /// `undefined` does not travel in JSON.
    #[serde(borrow, default)]
    payload: Option<&'a RawValue>,
}

impl Chat {
    pub(crate) async fn exchange(&self, window: &dyn Window, command: Exchange) -> Result<Reply, Error> {
        let channel = self.addressee(window, &command.target).await?;
        let event = Event::Exchange(types::Exchange {
            client: window.socket().clone(),
            target: command.target.into(),
            timestamp: (self.clock)(),
            payload: command.payload,
            attachments: command.attachments,
        });
        let received = self.publish(&channel, &event).await?;
        if received == 0 && matches!(channel, Channel::Process(_)) {
            return Err(Failure::not_found("no such socket: the process that it was on is gone").into());
        }
        Ok(Reply::Done {})
    }

    async fn addressee(&self, window: &dyn Window, target: &str) -> Result<Channel, Error> {
        if let Some(user) = target.strip_prefix(USER) {
            let user: UserKey = user.parse().map_err(|error| Failure::bad_request(format!("exchange: {error}")))?;
            self.policy.check(window.identity(), &user)?;
            return Ok(Channel::User(user));
        }
        if let Ok(room) = target.parse::<RoomId>() {
            let channel = Channel::Room(room.clone());
            if window.follows(&channel) {
                Box::pin(self.check_still_admitted(window, &room)).await?;
                return Ok(channel);
            }
        }
        match target.parse::<SocketId>() {
            Ok(socket) => Ok(Channel::Process(socket.process())),
            Err(_) => Err(Failure::forbidden("you are not in that room; join it first").into()),
        }
    }

    /// A back end may end a room by deleting its key, and nobody is told: whoever speaks next finds out. A room that
    /// the server lets its windows follow without joining is the server's own affair.
    async fn check_still_admitted(&self, window: &dyn Window, room: &RoomId) -> Result<(), Error> {
        if !window.place().is_in(room) {
            return Ok(());
        }
        let admits = self.bus.room(room).await?;
        let user = &window.identity().user;
        if admits.is_some_and(|users| users.is_empty() || users.contains(user)) {
            return Ok(());
        }
        self.step_out(window, room).await?;
        Err(Failure::forbidden("you are not in that room any longer").into())
    }
}
