//! Waiting for something that another process does.

use crate::PATIENCE;
use std::fmt::Debug;
use std::time::Duration;
use tokio::time::Instant;

/// How often is looked. Short: a test should not wait longer than what it waits for.
const LOOK: Duration = Duration::from_millis(10);

/// Tries until `check` succeeds, and returns what it found.
///
/// ```no_run
/// # async fn test(server: &tests::Server) {
/// let open = async || match server.metric("im_connections_open{tier=\"imserver\"}").await {
///     Ok(0.0) => Ok(()),
///     other => Err(other),
/// };
/// tests::eventually("all connections are gone", open).await;
/// # }
/// ```
///
/// # Panics
/// It did not within [`PATIENCE`]: with `what` and the last error.
pub async fn eventually<T, E: Debug>(what: &str, mut check: impl AsyncFnMut() -> Result<T, E>) -> T {
    let end = Instant::now() + PATIENCE;
    loop {
        match check().await {
            Ok(found) => return found,
            Err(error) if Instant::now() >= end => panic!("not within {PATIENCE:?}: {what}; last seen: {error:?}"),
            Err(_) => tokio::time::sleep(LOOK).await,
        }
    }
}
