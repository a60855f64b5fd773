//! How a command ends when it does not succeed.

use crate::{DenyPush, Push};
use types::Failure;

/// Why the rules did not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The answer says why; the connection goes on.
    #[error(transparent)]
    Refused(#[from] Failure),
    /// The answer says why, [`Error::deny`] is sent, and the connection is closed with
    /// [`types::CloseReason::Forbidden`].
    #[error("denied: {0}")]
    Denied(Failure),
    /// Not the client's fault: the answer is `unavailable`, and the cause is for the log.
    #[error("the bus failed: {0}")]
    Bus(#[from] bus::Error),
}

impl Error {
    /// What the client is answered.
    pub fn failure(&self) -> Failure {
        match self {
            Self::Refused(failure) | Self::Denied(failure) => failure.clone(),
            Self::Bus(_) => Failure::unavailable("live events are not passed on right now").retry_after(1_000),
        }
    }

    /// What the client is sent before it is disconnected; nothing if it is not.
    pub fn deny(&self) -> Option<Push> {
        let Self::Denied(failure) = self else { return None };
        Some(Push::Deny(DenyPush { kind: "deny", message: failure.message.clone(), code: failure.code }))
    }
}
