//! `typing {to_user_id, on}`: tells a user that somebody types to them, or stopped.

use crate::command::read;
use crate::{Chat, Error, Reply, Window};
use serde::Deserialize;
use serde::de::IgnoredAny;
use types::{Channel, Event, Failure, UserKey};

/// The request.
#[derive(Debug)]
pub struct Typing {
    to: UserKey,
    on: bool,
}

const TAKES: &str = "{to_user_id, on}";

impl Typing {
    pub(crate) fn parse(payload: &str) -> Result<Self, Failure> {
        let Input { to_user_id, block_id, on } = read("typing", TAKES, payload)?;
        if block_id.is_some() {
            return Err(Failure::unavailable("typing in a group needs groups, which this server has not"));
        }
        let Some(to) = to_user_id else {
            return Err(Failure::bad_request(format!("typing takes {TAKES}: to_user_id is missing")));
        };
        Ok(Self { to, on })
    }
}

#[derive(Deserialize)]
struct Input {
    to_user_id: Option<UserKey>,
    block_id: Option<IgnoredAny>,
    on: bool,
}

impl Chat {
    pub(crate) async fn typing(&self, window: &dyn Window, Typing { to, on }: Typing) -> Result<Reply, Error> {
        let from = &window.identity().user;
        if *from == to {
            return Err(Failure::bad_request("typing is for somebody else than yourself").into());
        }
        self.policy.check(window.identity(), &to)?;
        let event = types::Typing { from_user_id: from.clone(), to_user_id: to.clone(), on };
        self.publish(&Channel::User(to), &Event::Typing(event)).await?;
        Ok(Reply::Done {})
    }
}
