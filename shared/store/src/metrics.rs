//! The metrics of the store. The only place of this crate where their names stand.

use metrics::{counter, histogram};
use std::time::Duration;

/// A transaction with so many changes.
pub(crate) fn committed(changes: usize, took: Duration) {
    counter!("im_store_changes_total").increment(changes as u64);
    histogram!("im_store_commit_seconds").record(took);
}

/// An attempt that must be made again.
pub(crate) fn repeated() {
    counter!("im_store_attempts_repeated_total").increment(1);
}
