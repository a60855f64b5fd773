//! The threads that a process runs on.

use std::io;
use std::thread::available_parallelism;
use tokio::runtime::{Builder, Runtime};

/// Says otherwise how many worker threads there are, as for every program on tokio.
const THREADS: &str = "TOKIO_WORKER_THREADS";

/// A runtime with a worker thread for every second core, and one at least.
///
/// A message is a few microseconds of work between waits, and a thread that wakes another to share it costs more than that:
/// `tests/bench/PROFILES.md` has the figures. The other cores are the kernel's, the store's and other processes'. One
/// thread alone is the main thread, on a scheduler that has nobody to share with. It calls
/// `before_sleep` when it has nothing to do.
///
/// # Errors
/// The system gives no threads.
pub fn runtime(before_sleep: fn()) -> io::Result<Runtime> {
    let named = std::env::var(THREADS).ok().and_then(|number| number.parse().ok());
    let cores = available_parallelism().map_or(1, usize::from);
    build(threads(named, cores), before_sleep)
}

fn build(threads: usize, before_sleep: fn()) -> io::Result<Runtime> {
    let mut builder = match threads {
        1 => {
            let mut builder = Builder::new_current_thread();
            builder.on_thread_park(before_sleep);
            builder
        }
        more => {
            let mut builder = Builder::new_multi_thread();
            builder.worker_threads(more);
            builder
        }
    };
    builder.enable_all().build()
}

fn threads(named: Option<usize>, cores: usize) -> usize {
    named.unwrap_or(cores / 2).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};
    use std::time::Duration;

    static SLEPT: AtomicU32 = AtomicU32::new(0);

    #[test]
    fn whoever_asked_is_told_before_the_one_thread_sleeps() {
        let before_sleep = || {
            SLEPT.fetch_add(1, Ordering::Relaxed);
        };
        build(1, before_sleep).unwrap().block_on(async { tokio::time::sleep(Duration::from_millis(1)).await });
        assert!(SLEPT.load(Ordering::Relaxed) > 0);
    }

    #[test]
    fn there_is_a_thread_for_every_second_core_unless_somebody_says_otherwise() {
        assert_eq!([1, 2, 3, 8].map(|cores| threads(None, cores)), [1, 1, 1, 4]);
        assert_eq!(threads(Some(6), 2), 6);
        assert_eq!(threads(Some(0), 8), 1);
    }
}
