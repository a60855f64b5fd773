//! What all devices of a round share: its history, how many messages are in flight, and when to stop.

use crate::record::Record;
use anyhow::Context;
use parking_lot::Mutex;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};
use tokio_util::sync::CancellationToken;

pub(crate) struct World {
    begun: Instant,
    history: Mutex<History>,
    /// Messages that were said and not acknowledged.
    in_flight: AtomicUsize,
    /// Nobody says anything new.
    pub(crate) stop: CancellationToken,
}

struct History {
    records: Vec<Record>,
    file: BufWriter<File>,
}

impl World {
    /// Its history goes to a file as it happens.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn begin(path: &Path) -> anyhow::Result<Self> {
        let file = BufWriter::new(File::create(path).with_context(|| path.display().to_string())?);
        Ok(Self {
            begun: Instant::now(),
            history: Mutex::new(History { records: Vec::new(), file }),
            in_flight: AtomicUsize::new(0),
            stop: CancellationToken::new(),
        })
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Adds to the history.
    ///
    /// # Panics
    /// The disk is full: a history with holes proves nothing.
    pub(crate) fn note(&self, record: Record) {
        let mut history = self.history.lock();
        let line = serde_json::to_string(&record).expect("plain records");
        writeln!(history.file, "{line}").expect("the history can be written");
        history.records.push(record);
    }

    /// What was noted so far, and more.
    pub(crate) fn history_with(&self, more: &[Record]) -> Vec<Record> {
        let history = self.history.lock();
        history.records.iter().chain(more).cloned().collect()
    }

    /// Writes to the disk what is noted.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(crate) fn flush(&self) -> anyhow::Result<()> {
        Ok(self.history.lock().file.flush()?)
    }

    pub(crate) fn departs(&self) {
        self.in_flight.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn lands(&self) {
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
    }

    pub(crate) fn in_flight(&self) -> usize {
        self.in_flight.load(Ordering::SeqCst)
    }
}
