//! What can go wrong for the application.

use crate::rules::Refusal;

/// Why something that was asked of a client was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The server refused; asking the same again helps unless [`Refusal::is_final`].
    #[error("{0}")]
    Refused(Refusal),
    /// There is no connection, or it ended first, or no answer came in time: it may have been done or not.
    #[error("there was no answer")]
    Lost,
    /// The queue has no more room.
    #[error("the send queue is full")]
    Full,
    /// The `temp_message_id` is not 1 to 64 printable ASCII characters, or is in the queue already.
    #[error("this temp_message_id cannot be used")]
    Name,
    /// The message is so old that, sent again, it could be there twice.
    #[error("this message is too old to be sent again")]
    TooOld,
    /// The application gave the message up.
    #[error("the message was discarded")]
    Discarded,
    /// The client has ended.
    #[error("the client has ended")]
    Ended,
    /// An address that is none.
    #[error("{0}")]
    Address(Box<str>),
    /// Another client, of this process or of another, has the queue's file.
    #[error("the file of the send queue is in use: {0}")]
    InUse(Box<str>),
    /// The queue's file cannot be read or written. Nothing was queued.
    #[error("the file of the send queue: {0}")]
    File(#[from] std::io::Error),
    /// The queue's file holds something that no client wrote, at this line.
    #[error("the file of the send queue is damaged at line {0}")]
    Damaged(usize),
    /// What was to be sent is no JSON.
    #[error("not JSON: {0}")]
    Json(#[from] serde_json::Error),
}
