//! The writing side of one connection: a direct, non-blocking write from whoever has something to say, and a queue
//! only while there is reason to wait.
//!
//! ```text
//! send ──► socket takes all ──► done, nothing kept
//!      ├─► held ► goes with what is sent next
//!      ├─► the thread is busy ► due ► the connection's task writes, with all that came meanwhile
//!      └─► socket would block ► queue (bounded in bytes) ──► the connection's task writes when the socket is ready
//!                                  └─► over the bound: volatile frames are dropped, any other closes with `slow`
//! ```
//!
//! A write is most of what a message costs. So where one thread does all the work and has several connections at work
//! ([`turn`]), what one of them causes waits until all that are ready have had their turn: an acknowledgement and a message
//! to the same client leave together.
//!
//! Frames are shared [`Bytes`]: a broadcast to a thousand connections holds one copy.

use crate::turn;
use bytes::Bytes;
use futures_util::task::AtomicWaker;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::io::{ErrorKind, IoSlice};
use std::task::{Context, Poll};
use tokio::net::tcp::OwnedWriteHalf;
use types::CloseReason;

/// How much a frame matters once the queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Weight {
    /// Only now: dropped if the reader is behind (Socket.IO's volatile emits).
    Volatile,
    /// Of passing interest (typing, presence): dropped while more than a quarter of the bound waits.
    Passing,
    /// Must arrive, or the connection closes with [`CloseReason::Slow`].
    Firm,
}

/// What became of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sent {
    /// The kernel has it, or the queue does.
    Accepted,
    /// It was volatile and the reader is behind.
    Dropped,
    /// The connection is closing or closed.
    Closed,
}

impl Weight {
    /// Whether a frame is dropped rather than put behind `waiting` bytes in a queue of `limit`. What is kept back only
    /// to leave with more does not wait for a slow reader.
    pub fn is_dropped(self, waiting: usize, limit: usize, kept_back: bool) -> bool {
        match self {
            Self::Volatile => waiting > 0 && !kept_back,
            Self::Passing => waiting > limit / 4 && !kept_back,
            Self::Firm => false,
        }
    }
}

/// What an entry of a queue costs beside its bytes: many tiny frames must not hold much memory either.
pub const ENTRY_BYTES: usize = 96;

/// How many slices one write hands the kernel.
const MAX_SLICES: usize = 32;

/// So much does not wait for more to go with it.
const ENOUGH_BYTES: usize = 16 * 1024;

/// The writing side, shared by everyone who sends to the connection.
pub struct Link {
    half: OwnedWriteHalf,
    out: Mutex<Out>,
    task: AtomicWaker,
    queue_limit: usize,
}

#[derive(Default)]
struct Out {
    /// Empty and without memory while nothing waits.
    queue: VecDeque<Bytes>,
    bytes: usize,
    /// The socket took no more.
    blocked: bool,
    /// The connection's task is at work, and writes when it is done.
    corked: bool,
    /// The connection's task has been woken to write.
    due: bool,
    /// What is queued waits for more to go with it.
    held: bool,
    closing: Option<CloseReason>,
    broken: bool,
}

impl Link {
    /// A link whose queue holds at most `queue_limit` bytes.
    pub fn new(half: OwnedWriteHalf, queue_limit: usize) -> Self {
        Self { half, out: Mutex::default(), task: AtomicWaker::new(), queue_limit }
    }

    /// Sends one complete frame. Never blocks; frames of one caller keep their order.
    pub fn send(&self, frame: Bytes, weight: Weight) -> Sent {
        self.send_all(std::iter::once(frame), weight)
    }

    /// Takes frames that leave with what is sent next, in one write; [`Link::release`] sends them where nothing follows.
    pub fn hold(&self, frames: impl Iterator<Item = Bytes>) -> Sent {
        let mut out = self.out.lock();
        if out.closing.is_some() || out.broken {
            return Sent::Closed;
        }
        // Behind others they wait anyway.
        out.held |= out.queue.is_empty();
        frames.for_each(|frame| out.push(frame));
        self.within_bound(&mut out)
    }

    /// Sends what is still held.
    pub fn release(&self) {
        let mut out = self.out.lock();
        if std::mem::take(&mut out.held) && !out.corked {
            self.write_out(&mut out);
        }
    }

    /// Sends frames that belong together: nothing comes between them, and either all are accepted or none.
    pub fn send_all(&self, mut frames: impl Iterator<Item = Bytes> + Clone, weight: Weight) -> Sent {
        let mut out = self.out.lock();
        if out.closing.is_some() || out.broken {
            return Sent::Closed;
        }
        if weight.is_dropped(out.bytes, self.queue_limit, !out.blocked) {
            return Sent::Dropped;
        }
        out.held = false;
        let is_direct = !out.corked && !out.due && !out.blocked && !turn::is_busy();
        if is_direct && out.queue.is_empty() {
            let Some(first) = frames.next() else { return Sent::Accepted };
            let written = match self.half.try_write(&first) {
                Ok(written) => written,
                Err(error) if error.kind() == ErrorKind::WouldBlock => 0,
                Err(_) => return self.break_off(&mut out),
            };
            if written < first.len() {
                out.push(first.slice(written..));
            }
        }
        // Everything is queued before the bound is looked at: a packet is never cut in half.
        frames.for_each(|frame| out.push(frame));
        if out.queue.is_empty() {
            return Sent::Accepted;
        }
        if is_direct || (out.is_a_write() && !out.blocked) {
            self.write_out(&mut out);
        } else if !out.corked && !out.blocked && !std::mem::replace(&mut out.due, true) {
            self.task.wake();
        }
        self.within_bound(&mut out)
    }

    /// Holds writes back until [`Link::uncork`], so that all answers to one read leave in one write if they are small.
    /// What a slow reader left is tried first. Says whether the connection's task has been woken to write.
    pub fn cork(&self) -> bool {
        let mut out = self.out.lock();
        // Without a wake: this is the task, and it waits for the socket at the end of its turn.
        if out.blocked && !out.held && self.write_queue(&mut out).is_err() {
            self.break_off(&mut out);
        }
        out.corked = true;
        out.due
    }

    /// For the connection's task: takes the cork out and wakes the task once more to write what waits, behind all
    /// that are ready now. False when nothing waits that could be written.
    pub(crate) fn put_off(&self, cx: &Context<'_>) -> bool {
        let mut out = self.out.lock();
        out.corked = false;
        if out.queue.is_empty() || out.held || out.blocked {
            return false;
        }
        out.due = true;
        self.task.register(cx.waker());
        cx.waker().wake_by_ref();
        true
    }

    /// Writes what was held back.
    pub fn uncork(&self) {
        let mut out = self.out.lock();
        out.corked = false;
        if !out.held {
            self.write_out(&mut out);
        }
    }

    fn write_out(&self, out: &mut Out) {
        if out.queue.is_empty() {
            return;
        }
        if self.write_queue(out).is_err() {
            self.break_off(out);
        } else if !out.queue.is_empty() || out.closing.is_some() {
            self.task.wake();
        }
    }

    /// Whether frames wait because the reader is behind.
    pub fn is_behind(&self) -> bool {
        self.out.lock().blocked
    }

    /// Says the last word and ends the connection once it is written; the first reason given stands. A slow reader
    /// gets no last word: its queue is dropped.
    pub fn close(&self, reason: CloseReason, last: Option<Bytes>) {
        let mut out = self.out.lock();
        if out.closing.is_some() || out.broken {
            return;
        }
        out.closing = Some(reason);
        out.held = false;
        if reason == CloseReason::Slow {
            out.discard();
        } else if let Some(last) = last {
            out.push(last);
            if !out.corked && self.write_queue(&mut out).is_err() {
                out.broken = true;
                out.discard();
            }
        }
        self.task.wake();
    }

    /// Why the connection is ending, if it is.
    pub fn closing(&self) -> Option<CloseReason> {
        let out = self.out.lock();
        out.closing.or(out.broken.then_some(CloseReason::TransportClosed))
    }

    /// For the connection's task: takes the cork out and writes what waits. Ready once the link is closing and all is
    /// written, or nothing more can be.
    pub(crate) fn poll_flush(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.task.register(cx.waker());
        loop {
            {
                let mut out = self.out.lock();
                (out.corked, out.due) = (false, false);
                if !out.broken && !out.held && self.write_queue(&mut out).is_err() {
                    self.break_off(&mut out);
                }
                if out.broken {
                    return Poll::Ready(());
                }
                if out.held {
                    return Poll::Pending;
                }
                if out.queue.is_empty() {
                    return if out.closing.is_some() { Poll::Ready(()) } else { Poll::Pending };
                }
            }
            match self.half.as_ref().poll_write_ready(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(_)) => {
                    self.break_off(&mut self.out.lock());
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Sends FIN: no more will be written.
    pub(crate) fn shutdown(&self) {
        // It fails only on a socket that is already gone.
        socket2::SockRef::from(self.half.as_ref()).shutdown(std::net::Shutdown::Write).ok();
    }

    fn within_bound(&self, out: &mut Out) -> Sent {
        if out.weight() > self.queue_limit {
            // Nobody is slow whose socket was not tried.
            out.held = false;
            self.write_out(out);
        }
        if out.broken {
            return Sent::Closed;
        }
        if out.weight() <= self.queue_limit {
            return Sent::Accepted;
        }
        out.closing = Some(CloseReason::Slow);
        out.discard();
        self.task.wake();
        Sent::Closed
    }

    fn break_off(&self, out: &mut Out) -> Sent {
        out.broken = true;
        out.discard();
        self.task.wake();
        Sent::Closed
    }

    /// Writes as much of the queue as the socket takes; `Err` when the connection is broken.
    fn write_queue(&self, out: &mut Out) -> Result<(), ()> {
        while !out.queue.is_empty() {
            let mut slices = [IoSlice::new(&[]); MAX_SLICES];
            let count = out.queue.len().min(MAX_SLICES);
            for (slice, frame) in slices.iter_mut().zip(&out.queue) {
                *slice = IoSlice::new(frame);
            }
            match self.half.try_write_vectored(&slices[..count]) {
                Ok(0) => return Err(()),
                Ok(written) => out.advance(written),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    out.blocked = true;
                    return Ok(());
                }
                Err(_) => return Err(()),
            }
        }
        out.blocked = false;
        Ok(())
    }
}

impl Out {
    fn push(&mut self, frame: Bytes) {
        self.bytes += frame.len();
        self.queue.push_back(frame);
    }

    fn advance(&mut self, mut written: usize) {
        self.bytes -= written;
        while let Some(front) = self.queue.front_mut() {
            if written < front.len() {
                *front = front.slice(written..);
                return;
            }
            written -= front.len();
            self.queue.pop_front();
        }
        self.queue = VecDeque::new();
    }

    /// Whether there is enough for a write of its own.
    fn is_a_write(&self) -> bool {
        self.queue.len() >= MAX_SLICES || self.bytes >= ENOUGH_BYTES
    }

    /// What counts against the bound.
    fn weight(&self) -> usize {
        self.bytes + self.queue.len() * ENTRY_BYTES
    }

    fn discard(&mut self) {
        self.queue = VecDeque::new();
        self.bytes = 0;
        self.blocked = false;
    }
}

#[cfg(test)]
#[path = "link_tests.rs"]
mod tests;
