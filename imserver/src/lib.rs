//! The site IM: Socket.IO for pages, with long-polling, WebSocket and the upgrade between them, and its HTTP API.

pub mod engineio;
pub mod http;
pub mod socketio;
