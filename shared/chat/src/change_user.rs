//! `changeUser {toid, …}`: this window turns to another user, and the user's other windows follow.

use crate::command::read;
use crate::{Chat, Error, Push, Reply, Window};
use serde::Deserialize;
use serde_json::value::RawValue;
use types::{Channel, Code, Event, Failure, SyncChangeUser, UserKey};

/// The request.
#[derive(Debug)]
pub struct ChangeUser {
    /// Whom the window talks to, if `toid` is a user at all: pages may name other things.
    target: Option<UserKey>,
    /// All that the window sent.
    payload: Box<RawValue>,
}

const MAX_TOID_BYTES: usize = 128;

/// The payload is kept for as long as the user is connected, and sent to each new window.
const MAX_PAYLOAD_BYTES: usize = 16 * 1024;

const TAKES: &str = "{toid: \"<user key>\", …}";

impl ChangeUser {
    pub(crate) fn parse(payload: &str) -> Result<Self, Failure> {
        let Input { toid } = read("changeUser", TAKES, payload)?;
        if toid.is_empty() || toid.len() > MAX_TOID_BYTES {
            return Err(Failure::bad_request(format!("changeUser takes {TAKES}: toid is 1 to {MAX_TOID_BYTES} bytes")));
        }
        if payload.len() > MAX_PAYLOAD_BYTES {
            let sentence = format!("changeUser takes at most {MAX_PAYLOAD_BYTES} bytes");
            return Err(Failure::new(Code::TooLarge, sentence));
        }
        Ok(Self { target: toid.parse().ok(), payload: raw(payload)? })
    }
}

#[derive(Deserialize)]
struct Input {
    toid: String,
}

impl Chat {
    pub(crate) async fn change_user(&self, window: &dyn Window, command: ChangeUser) -> Result<Reply, Error> {
        let user = &window.identity().user;
        self.bus.set_target(user, command.payload.clone()).await?;
        let sync = Event::SyncChangeUser(SyncChangeUser {
            uid: user.clone(),
            socketid: window.socket().as_str().into(),
            change_user_data: command.payload.clone(),
        });
        self.publish(&Channel::User(user.clone()), &sync).await?;
        self.turn_to(window, command.target).await;
        window.emit(&Push::ChangeUser(command.payload));
        Ok(Reply::Done {})
    }

    /// Where a window starts that is opened while the user talks to somebody.
    pub(crate) async fn start_at(&self, window: &dyn Window, target: &RawValue) {
        let Ok(Input { toid }) = serde_json::from_str(target.get()) else { return };
        self.turn_to(window, toid.parse().ok()).await;
    }

    /// Lets the window see the presence of whom it talks to. Without it the talk goes on, so a failure is only logged.
    async fn turn_to(&self, window: &dyn Window, target: Option<UserKey>) {
        let target = target.filter(|target| self.policy.allows(window.identity(), target));
        let turn = window.place().turn_to(target);
        if let Some(new) = turn.follow
            && let Err(failure) = window.follow(Channel::Presence(new)).await
        {
            tracing::warn!(%failure, "presence of the other side is not followed");
            window.place().turn_to(None);
        }
        if let Some(old) = turn.unfollow {
            window.unfollow(&Channel::Presence(old)).await;
        }
    }
}

fn raw(json: &str) -> Result<Box<RawValue>, Failure> {
    RawValue::from_string(json.to_owned()).map_err(|error| Failure::bad_request(error.to_string()))
}
