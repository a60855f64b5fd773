//! `block {user_id}`, `unblock {user_id}`, `listBlocked`: whose messages are refused.

use super::send::unexpected;
use crate::command::read;
use crate::{Chat, Error, Reply, Window};
use serde::Deserialize;
use store::{Change, Done};
use types::{Failure, UserKey};

/// `block` and `unblock`.
#[derive(Debug)]
pub struct Block {
    user: UserKey,
    blocked: bool,
}

/// `listBlocked`.
#[derive(Debug, Deserialize)]
pub struct ListBlocked {}

impl Block {
    pub(crate) fn parse(payload: &str, blocked: bool) -> Result<Self, Failure> {
        let name = if blocked { "block" } else { "unblock" };
        let Input { user_id } = read(name, "{user_id: \"<user key>\"}", payload)?;
        Ok(Self { user: user_id, blocked })
    }
}

impl ListBlocked {
    pub(crate) fn parse(payload: &str) -> Result<Self, Failure> {
        read("listBlocked", "{}", payload)
    }
}

#[derive(Deserialize)]
struct Input {
    user_id: UserKey,
}

impl Chat {
    pub(crate) async fn block(&self, window: &dyn Window, command: Block) -> Result<Reply, Error> {
        let Block { user, blocked } = command;
        if user == window.identity().user {
            return Err(Failure::bad_request("nobody blocks themselves").into());
        }
        let change = if blocked { Change::Block { user } } else { Change::Unblock { user } };
        let (done, v) = self.change(window, change).await?;
        let Done::Listed { lists_rev } = done else { return Err(unexpected()) };
        Ok(Reply::Listed { lists_rev, v })
    }

    pub(crate) async fn list_blocked(&self, window: &dyn Window) -> Result<Reply, Error> {
        let blocked = self.store()?.blocked(&window.identity().user).await?;
        let users = blocked.into_iter().map(|(user_id, since)| crate::reply::Blocked { user_id, since }).collect();
        Ok(Reply::Blocked { users })
    }
}
