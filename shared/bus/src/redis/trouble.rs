//! Why a node, or one connection to it, does not serve. For people: it ends in logs and health, never in a decision.

use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Trouble {
    #[error("not connected yet")]
    New,
    #[error("cannot connect: {0}")]
    Connect(Box<str>),
    #[error("the connection was lost")]
    Lost,
    #[error("no sign of life within {0:?}")]
    Silent(Duration),
    #[error("not a master but a {0}")]
    Role(Box<str>),
    #[error("it refuses: {0}")]
    Unfit(Box<str>),
    #[error("another server answers at its address")]
    Stranger,
    #[error("what is published there is not heard")]
    Deaf,
    #[error("its master has moved")]
    Moved,
    #[error("no Sentinel names its master")]
    Nowhere,
    #[error("another process holds the id there, and is asked")]
    Asking,
    #[error("another process holds the id there")]
    Taken,
    #[error("the process {0} keeps messages in another store")]
    OtherStore(types::ProcessId),
    #[error("this process leaves")]
    Leaving,
}
