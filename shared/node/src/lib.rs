//! What every process has, whatever it serves: its configuration, logs and metrics, the admin listener, signals, and
//! the order in which it lets its clients go. Nothing here knows what a connection speaks.

pub mod admin;
pub mod args;
pub mod config;
pub mod drain;
pub mod listen;
mod metrics;
mod runtime;
pub mod shutdown;
pub mod telemetry;

pub use admin::Health;
pub use args::Args;
pub use drain::{Drain, Schedule};
pub use runtime::runtime;
pub use shutdown::{Shutdown, Signals};
pub use telemetry::Metrics;
