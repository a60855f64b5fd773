//! What the fuzzer does with its input, one module a target. `run` panics when the codec breaks a promise.

pub mod engineio;
pub mod socketio;
pub mod websocket;
