//! `changeStatus {status}`: what the user wants to be seen as, in all windows.

use crate::command::read;
use crate::presence::seen_by_others;
use crate::{Chat, Error, Reply, Window};
use serde::Deserialize;
use types::{Failure, Status};

/// The request.
#[derive(Debug)]
pub struct ChangeStatus {
    status: Status,
}

const TAKES: &str = "{status: \"online\", \"busy\", \"away\" or \"invisible\"}";

impl ChangeStatus {
    pub(crate) fn parse(payload: &str) -> Result<Self, Failure> {
        let Input { status } = read("changeStatus", TAKES, payload)?;
        if status == Status::Offline {
            let sentence = format!("changeStatus takes {TAKES}: offline is who has no connection");
            return Err(Failure::bad_request(sentence));
        }
        Ok(Self { status })
    }
}

#[derive(Deserialize)]
struct Input {
    status: Status,
}

impl Chat {
    pub(crate) async fn change_status(&self, window: &dyn Window, command: ChangeStatus) -> Result<Reply, Error> {
        let ChangeStatus { status } = command;
        let user = &window.identity().user;
        let Some(before) = self.bus.set_status(user, status).await? else {
            return Err(Failure::unavailable("this connection is not counted as yours yet").retry_after(1_000).into());
        };
        if seen_by_others(before) != seen_by_others(status) {
            self.announce_presence(user).await?;
        }
        Ok(Reply::Status { status })
    }
}
