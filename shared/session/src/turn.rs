//! How much a thread has to do: how often it took up a connection since it last slept.
//!
//! Once, and whatever that causes is written at once. More often, and writes are put off until all that are ready have had
//! their turn ([`crate::Link`]). Only a thread that says when it sleeps is counted, and only one that has no others beside
//! it should: a task that puts itself off wakes them.

use std::cell::Cell;

thread_local! {
    static TAKEN_UP: Cell<Option<u32>> = const { Cell::new(None) };
}

/// A connection's task is at work.
pub(crate) fn take() {
    TAKEN_UP.set(TAKEN_UP.get().map(|times| times.saturating_add(1)));
}

/// Whether it was not the first.
pub(crate) fn is_busy() -> bool {
    TAKEN_UP.get().is_some_and(|times| times > 1)
}

/// This thread has nothing more to do; for the runtime, before it lets the thread wait.
pub fn end() {
    TAKEN_UP.set(Some(0));
}
