//! The harness: real binaries on free ports, and clients small enough to send what no proper client would.
//!
//! Everything that waits is bounded; what ran out says what it waited for.

pub mod cluster;
pub mod eventually;
pub mod http;
pub mod polling;
pub mod proxy;
pub mod server;
pub mod websocket;

pub use cluster::Cluster;
pub use eventually::eventually;
pub use parts::{disk, mariadb, nginx, process, redis, sentinel};
pub use server::Server;

use std::time::Duration;

/// How long anything in a test may take before it counts as never happening. Long, since a machine may be busy.
pub const PATIENCE: Duration = Duration::from_secs(20);
