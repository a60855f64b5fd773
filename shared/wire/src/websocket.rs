//! The server's side of WebSocket (RFC 6455): the handshake's checks, a decoder of what clients send, and the frames a
//! server says by itself.
//!
//! The decoder borrows the caller's bytes, takes the mask off in place, and owns memory only while a fragmented
//! message is under way; an idle connection costs two words. It knows neither sockets nor extensions (none is
//! negotiated, so no reserved bit may be set).

mod decode;
mod encode;
mod error;
mod handshake;
mod mask;

pub use decode::{Decoder, Item, Limits, Step};
pub use encode::{Opcode, close_frame, frame_header, ping_frame, pong_frame};
pub use error::Error;
pub use handshake::{Offer, OfferError, accept_key};

#[cfg(test)]
mod autobahn_tests;
#[cfg(test)]
mod testing;
