//! Kicking a user: from the back end's door.

use crate::{Chat, Error};
use types::{Channel, Code, Event, Failure, Kick, UserKey};

/// A sentence to show, not a document.
const MAX_REASON_BYTES: usize = 1_024;

impl Chat {
    /// Ends all connections of a user for good; each is told the reason first. Returns how many processes heard of it,
    /// which is none if the user is connected nowhere.
    ///
    /// # Errors
    /// `too_large` for a reason of more than 1,024 bytes; those of the bus.
    pub async fn kick(&self, user: &UserKey, reason: &str) -> Result<usize, Error> {
        if reason.len() > MAX_REASON_BYTES {
            let sentence = format!("a reason to kick is at most {MAX_REASON_BYTES} bytes");
            return Err(Failure::new(Code::TooLarge, sentence).into());
        }
        let event = Event::Kick(Kick { reason: reason.into(), socketid: None });
        let processes = self.publish(&Channel::User(user.clone()), &event).await?;
        tracing::info!(%user, processes, "user kicked");
        Ok(processes)
    }
}
