//! Bytes to packets and back, for every protocol that clients speak. Pure functions over slices and values: no
//! runtime, no clock, no socket; time and input are passed in. Decoding borrows from the input, and what is sent
//! to many is encoded once and shared.

mod decimal;
pub mod engineio;
mod error;
mod json;
pub mod socketio;
pub mod websocket;

pub use error::Error;
