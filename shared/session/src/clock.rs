//! Monotonic milliseconds since the process started: small enough to keep per connection, and injectable.

use std::time::Instant;

/// Milliseconds on a [`Clock`].
pub type Millis = u64;

/// The process's monotonic clock.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    #[allow(clippy::new_without_default)] // a clock has a starting moment, not a default
    pub fn new() -> Self {
        Self { start: Instant::now() }
    }

    pub fn now(&self) -> Millis {
        self.start.elapsed().as_millis() as Millis
    }

    /// The moment as the runtime's timers take it.
    pub fn instant(&self, at: Millis) -> Instant {
        self.start + std::time::Duration::from_millis(at)
    }
}
