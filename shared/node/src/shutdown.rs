//! How a process ends.
//!
//! ```text
//! serving ──signal──► draining ──all clients gone, or the deadline──► over
//!                        └──a second signal──► the process exits at once
//! ```

use std::io;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

/// The phases of an end; one shared handle.
#[derive(Debug, Clone)]
pub struct Shutdown {
    draining: CancellationToken,
    over: CancellationToken,
    deadline: Duration,
}

/// SIGTERM and SIGINT, caught from the moment this exists.
#[derive(Debug)]
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Shutdown {
    /// `deadline` is how long a drain may take.
    pub fn new(deadline: Duration) -> Self {
        Self { draining: CancellationToken::new(), over: CancellationToken::new(), deadline }
    }

    /// Cancelled when the drain begins: take no new clients, let those that are here go.
    pub fn draining(&self) -> &CancellationToken {
        &self.draining
    }

    /// Cancelled when the drain is done or its time is up: cut what is still open and return.
    pub fn over(&self) -> &CancellationToken {
        &self.over
    }

    pub fn deadline(&self) -> Duration {
        self.deadline
    }

    /// Begins the drain, as a signal does.
    pub fn begin(&self) {
        self.draining.cancel();
    }

    /// Says that nothing is left to drain.
    pub fn finish(&self) {
        self.draining.cancel();
        self.over.cancel();
    }

    /// Turns signals and the deadline into phases. Returns when it is over; a signal during the drain exits the
    /// process at once, with the status that shells give to one that a signal ended.
    pub async fn watch(self, mut signals: Signals) {
        let mut deadline = std::pin::pin!(self.keep_deadline());
        loop {
            tokio::select! {
                () = &mut deadline => return,
                number = signals.next() => {
                    if self.draining.is_cancelled() {
                        warn!("second signal: exiting at once");
                        std::process::exit(128 + number);
                    }
                    info!(deadline_ms = self.deadline.as_millis() as u64, "draining");
                    self.begin();
                }
            }
        }
    }

    async fn keep_deadline(&self) {
        self.draining.cancelled().await;
        if tokio::time::timeout(self.deadline, self.over.cancelled()).await.is_err() {
            warn!("the drain's time is up: closing what is still open");
            self.over.cancel();
        }
    }
}

impl Signals {
    /// Catches the signals. Call it before the process says that it serves.
    ///
    /// # Errors
    /// The runtime refused.
    pub fn install() -> io::Result<Self> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// The number of the next signal.
    async fn next(&mut self) -> i32 {
        tokio::select! {
            _ = self.terminate.recv() => SignalKind::terminate().as_raw_value(),
            _ = self.interrupt.recv() => SignalKind::interrupt().as_raw_value(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::Instant;

    #[tokio::test(start_paused = true)]
    async fn a_drain_that_takes_too_long_is_over_at_its_deadline() {
        let shutdown = Shutdown::new(Duration::from_secs(30));
        let watch = tokio::spawn(shutdown.clone().watch(Signals::install().unwrap()));
        let begun = Instant::now();
        shutdown.begin();
        shutdown.over().cancelled().await;
        assert_eq!(begun.elapsed().as_secs(), 30);
        watch.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn a_drain_that_is_done_ends_before_its_deadline() {
        let shutdown = Shutdown::new(Duration::from_secs(30));
        let watch = tokio::spawn(shutdown.clone().watch(Signals::install().unwrap()));
        let begun = Instant::now();
        shutdown.begin();
        shutdown.draining().cancelled().await;
        assert!(!shutdown.over().is_cancelled());
        shutdown.finish();
        watch.await.unwrap();
        assert_eq!(begun.elapsed().as_secs(), 0);
    }

    #[tokio::test(start_paused = true)]
    async fn nothing_is_over_while_nobody_asked() {
        let shutdown = Shutdown::new(Duration::from_secs(1));
        let watch = shutdown.clone().watch(Signals::install().unwrap());
        assert!(tokio::time::timeout(Duration::from_secs(3600), watch).await.is_err());
        assert!(!shutdown.draining().is_cancelled() && !shutdown.over().is_cancelled());
    }
}
