//! A live connection, whatever it speaks: accepting it, pumping its bytes, its bounded send queue, its heartbeat, the
//! limits it is held to, and the hub that knows which connection wants which channel.
//!
//! This crate knows sockets and time. It does not know the bus, the rules of chat, or any event's name.

pub mod auth;
pub mod clock;
pub mod heartbeat;
pub mod hub;
pub mod limits;
pub mod link;
pub mod listener;
pub mod metrics;
pub mod proxies;
pub mod pump;
pub mod stream;
pub mod sweep;
pub mod turn;
pub mod websocket;

pub use clock::{Clock, Millis};
pub use hub::Hub;
pub use link::{ENTRY_BYTES, Link, Sent, Weight};
pub use proxies::Proxies;
pub use stream::Stream;
