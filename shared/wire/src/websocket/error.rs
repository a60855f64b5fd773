//! How a client breaks RFC 6455, and which close code answers it.

use types::CloseReason;

/// A frame that ends its connection. The decoder that returned it is not to be used again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A reserved bit is set, though no extension was negotiated (section 5.2).
    #[error("reserved bit set")]
    Reserved,
    /// An opcode that the protocol does not have (section 5.2).
    #[error("unknown opcode {0}")]
    Opcode(u8),
    /// A frame without a mask (section 5.1).
    #[error("frame is not masked")]
    Unmasked,
    /// A ping, pong or close in fragments (section 5.5).
    #[error("fragmented control frame")]
    FragmentedControl,
    /// A ping, pong or close of more than 125 bytes (section 5.5).
    #[error("control frame longer than 125 bytes")]
    LongControl,
    /// A length of 2^63 or more (section 5.2).
    #[error("length has its highest bit set")]
    Length,
    /// A continuation of nothing (section 5.4).
    #[error("continuation without a message under way")]
    NothingToContinue,
    /// A new message inside an unfinished one (section 5.4).
    #[error("new message before the last one ended")]
    Unfinished,
    /// A close of exactly one byte (section 5.5.1).
    #[error("close frame of one byte")]
    CloseLength,
    /// A close code that no endpoint may send (section 7.4).
    #[error("close code {0} may not be sent")]
    CloseCode(u16),
    /// A text or a close reason that is not UTF-8 (section 8.1).
    #[error("malformed UTF-8")]
    Utf8,
    /// A message larger than [`Limits::max_message`](super::Limits::max_message), all its fragments counted.
    #[error("message larger than allowed")]
    TooLarge,
}

impl Error {
    /// The close reason whose code answers this error: 1002, 1007 or 1009.
    pub fn reason(self) -> CloseReason {
        match self {
            Self::Utf8 => CloseReason::InvalidText,
            Self::TooLarge => CloseReason::TooLarge,
            _ => CloseReason::ProtocolError,
        }
    }
}
