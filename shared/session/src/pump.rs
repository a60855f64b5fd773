//! The reading side: one small task per connection.
//!
//! It waits until the socket is readable, reads into a buffer that all connections of the thread share, hands the
//! bytes on at once and keeps only an incomplete tail. So an idle connection owns no buffer.

use crate::{Link, turn};
use futures_util::future::BoxFuture;
use std::cell::RefCell;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, ReadBuf};
use tokio::net::tcp::OwnedReadHalf;
use types::CloseReason;

/// What the reader of the bytes made of them.
pub struct Fed {
    /// Bytes taken in from the start; the rest is kept and offered again with what follows.
    pub used: usize,
    pub then: Then,
}

/// How to go on.
pub enum Then {
    /// Read more.
    Continue,
    /// Work that must be done before the next bytes are looked at: order within a connection, and its back-pressure.
    Wait(BoxFuture<'static, ()>),
    /// End the connection; the link has been told why.
    Close,
}

/// One read takes at most this much; a larger frame collects in the connection's own tail.
const READ_BUFFER: usize = 32 * 1024;

/// How long a closing connection may take to get its last frames out and hear the peer's goodbye.
const LINGER: Duration = Duration::from_secs(2);

thread_local! {
    static BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_BUFFER].into_boxed_slice());
}

/// Pumps a connection until it ends, and says why it ended.
///
/// `tail` holds bytes that arrived before (behind the upgrade request); `first` is work to do before reading.
///
/// What it is given stands once in the future, which lives as long as the connection; the rest is boxed when it is needed.
pub fn run<F: FnMut(&mut [u8]) -> Fed>(
    half: OwnedReadHalf,
    link: &Link,
    tail: Vec<u8>,
    first: Option<BoxFuture<'static, ()>>,
    mut feed: F,
) -> impl Future<Output = CloseReason> {
    let fresh = !tail.is_empty();
    let mut pump = Pump { half, tail, waiting: first, fresh };
    async move {
        let reason = poll_fn(|cx| pump.poll(cx, link, &mut feed)).await;
        // A handler that is still at work is let finish: it must not be cut off in the middle.
        if let Some(rest) = pump.waiting.take() {
            rest.await;
        }
        pump.tail = Vec::new();
        Box::pin(say_goodbye(&mut pump.half, link, reason)).await;
        reason
    }
}

struct Pump {
    half: OwnedReadHalf,
    tail: Vec<u8>,
    waiting: Option<BoxFuture<'static, ()>>,
    /// The tail has bytes that were not yet offered since the last wait.
    fresh: bool,
}

impl Pump {
    /// What it causes on its own connection, and what has come for it meanwhile, is written at the end.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        link: &Link,
        feed: &mut impl FnMut(&mut [u8]) -> Fed,
    ) -> Poll<CloseReason> {
        turn::take();
        let was_due = link.cork();
        let end = self.advance(cx, link, feed);
        if end.is_ready() {
            link.uncork();
            return end;
        }
        if !was_due && turn::is_busy() && link.put_off(cx) {
            return Poll::Pending;
        }
        let flushed = link.poll_flush(cx);
        // Looked at once more, now that whoever closes the link wakes this task.
        match link.closing() {
            Some(reason) => Poll::Ready(reason),
            None => flushed.map(|()| CloseReason::TransportClosed),
        }
    }

    fn advance(
        &mut self,
        cx: &mut Context<'_>,
        link: &Link,
        feed: &mut impl FnMut(&mut [u8]) -> Fed,
    ) -> Poll<CloseReason> {
        loop {
            if let Some(reason) = link.closing() {
                return Poll::Ready(reason);
            }
            if let Some(work) = &mut self.waiting {
                ready!(work.as_mut().poll(cx));
                self.waiting = None;
                continue;
            }
            let then = if self.fresh {
                self.fresh = false;
                self.offer_tail(feed)
            } else {
                match ready!(self.poll_read(cx, feed)) {
                    Some(then) => then,
                    None => return Poll::Ready(link.closing().unwrap_or(CloseReason::TransportClosed)),
                }
            };
            match then {
                Then::Continue => {}
                Then::Wait(work) => {
                    self.waiting = Some(work);
                    self.fresh = !self.tail.is_empty();
                }
                Then::Close => return Poll::Ready(link.closing().unwrap_or(CloseReason::ServerClosed)),
            }
        }
    }

    /// Reads once; `None` when the peer is gone.
    fn poll_read(&mut self, cx: &mut Context<'_>, feed: &mut impl FnMut(&mut [u8]) -> Fed) -> Poll<Option<Then>> {
        BUFFER.with_borrow_mut(|buffer| {
            let mut read = ReadBuf::new(buffer);
            if ready!(Pin::new(&mut self.half).poll_read(cx, &mut read)).is_err() || read.filled().is_empty() {
                return Poll::Ready(None);
            }
            if !self.tail.is_empty() {
                self.tail.extend_from_slice(read.filled());
                return Poll::Ready(Some(self.offer_tail(feed)));
            }
            let bytes = read.filled_mut();
            let fed = feed(bytes);
            if fed.used < bytes.len() {
                self.tail.extend_from_slice(&bytes[fed.used..]);
            }
            Poll::Ready(Some(fed.then))
        })
    }

    fn offer_tail(&mut self, feed: &mut impl FnMut(&mut [u8]) -> Fed) -> Then {
        let fed = feed(&mut self.tail);
        if fed.used == self.tail.len() {
            self.tail = Vec::new();
        } else {
            self.tail.drain(..fed.used);
        }
        fed.then
    }
}

/// Flushes what is owed, sends FIN and reads the peer out for a moment, so that the last frames are not lost to a
/// reset. A slow reader gets none of that.
async fn say_goodbye(half: &mut OwnedReadHalf, link: &Link, reason: CloseReason) {
    link.close(reason, None);
    if reason == CloseReason::Slow {
        return;
    }
    let last_words = async {
        poll_fn(|cx| link.poll_flush(cx)).await;
        link.shutdown();
        poll_fn(|cx| poll_drain(cx, half)).await;
    };
    tokio::time::timeout(LINGER, last_words).await.ok();
}

fn poll_drain(cx: &mut Context<'_>, half: &mut OwnedReadHalf) -> Poll<()> {
    BUFFER.with_borrow_mut(|buffer| {
        loop {
            let mut read = ReadBuf::new(buffer);
            let result = ready!(Pin::new(&mut *half).poll_read(cx, &mut read));
            if result.is_err() || read.filled().is_empty() {
                return Poll::Ready(());
            }
        }
    })
}
