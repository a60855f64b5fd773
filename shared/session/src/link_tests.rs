//! The send queue and the pump over real sockets.

use super::*;
use crate::pump::{self, Fed, Then};
use std::sync::Arc;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::OwnedReadHalf;
use tokio::net::{TcpListener, TcpStream};

async fn pair(queue_limit: usize) -> (TcpStream, OwnedReadHalf, Arc<Link>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (read, write) = listener.accept().await.unwrap().0.into_split();
    (client, read, Arc::new(Link::new(write, queue_limit)))
}

/// Pumps a connection that answers nothing.
fn pump(read: OwnedReadHalf, link: Arc<Link>) -> tokio::task::JoinHandle<CloseReason> {
    tokio::spawn(async move {
        pump::run(read, &link, Vec::new(), None, |bytes| Fed { used: bytes.len(), then: Then::Continue }).await
    })
}

/// Fills the socket's buffers until frames queue.
fn stall(link: &Link) -> usize {
    let mut sent = 0;
    while !link.is_behind() {
        assert_eq!(link.send(Bytes::from(vec![b'.'; 64 * 1024]), Weight::Firm), Sent::Accepted);
        sent += 64 * 1024;
    }
    sent
}

#[tokio::test]
async fn frames_queued_behind_a_full_socket_arrive_in_order_once_it_drains() {
    let (mut client, read, link) = pair(64 << 20).await;
    let task = pump(read, link.clone());
    let filler = stall(&link);
    for number in 0..1_000_u32 {
        link.send_all([Bytes::from("n"), Bytes::copy_from_slice(&number.to_be_bytes())].into_iter(), Weight::Firm);
    }
    let mut got = vec![0; filler + 5_000];
    client.read_exact(&mut got).await.unwrap();
    for (number, chunk) in got[filler..].chunks(5).enumerate() {
        assert_eq!((chunk[0], u32::from_be_bytes(chunk[1..].try_into().unwrap())), (b'n', number as u32));
    }
    drop(client);
    assert_eq!(task.await.unwrap(), CloseReason::TransportClosed);
}

#[tokio::test]
async fn a_slow_reader_is_closed_not_buffered() {
    let (client, read, link) = pair(256 * 1024).await;
    let task = pump(read, link.clone());
    let mut outcome = Sent::Accepted;
    for _ in 0..10_000 {
        outcome = link.send(Bytes::from(vec![b'.'; 16 * 1024]), Weight::Firm);
        if outcome == Sent::Closed {
            break;
        }
    }
    assert_eq!(outcome, Sent::Closed);
    assert_eq!(task.await.unwrap(), CloseReason::Slow);
    assert_eq!(link.out.lock().bytes, 0);
    drop(client);
}

#[tokio::test]
async fn volatile_frames_are_dropped_while_the_reader_is_behind() {
    let (_client, read, link) = pair(64 << 20).await;
    let _task = pump(read, link.clone());
    assert_eq!(link.send(Bytes::from("now"), Weight::Volatile), Sent::Accepted);
    stall(&link);
    let queued = link.out.lock().bytes;
    assert_eq!(link.send(Bytes::from("late"), Weight::Volatile), Sent::Dropped);
    assert!(link.out.lock().bytes <= queued);
}

#[test]
fn passing_frames_are_dropped_only_behind_a_real_backlog() {
    assert!(!Weight::Passing.is_dropped(250, 1_000, false));
    assert!(Weight::Passing.is_dropped(251, 1_000, false));
    assert!(!Weight::Passing.is_dropped(251, 1_000, true));
    assert!(!Weight::Firm.is_dropped(1_000, 1_000, false));
    assert!(!Weight::Volatile.is_dropped(1, 1_000, true));
}

#[tokio::test]
async fn what_was_accepted_before_a_close_is_written_before_it() {
    let (mut client, read, link) = pair(64 << 20).await;
    let task = pump(read, link.clone());
    let filler = stall(&link);
    link.close(CloseReason::Drain, Some(Bytes::from("bye")));
    assert_eq!(link.send(Bytes::from("late"), Weight::Firm), Sent::Closed);
    let mut got = Vec::new();
    client.read_to_end(&mut got).await.unwrap();
    assert_eq!((got.len(), &got[filler..]), (filler + 3, &b"bye"[..]));
    drop(client);
    assert_eq!(task.await.unwrap(), CloseReason::Drain);
}

#[tokio::test]
async fn all_answers_to_one_read_leave_in_one_write() {
    let (mut client, read, link) = pair(1 << 20).await;
    let answering = link.clone();
    let task = tokio::spawn(async move {
        let feed = |bytes: &mut [u8]| {
            for byte in bytes.iter() {
                answering.send(Bytes::copy_from_slice(&[byte.to_ascii_uppercase()]), Weight::Firm);
                assert!(!answering.out.lock().queue.is_empty(), "corked while the read is worked on");
            }
            Fed { used: bytes.len(), then: Then::Continue }
        };
        pump::run(read, &link, b"ab".to_vec(), None, feed).await
    });
    client.write_all(b"cd").await.unwrap();
    let mut got = [0; 4];
    client.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"ABCD");
    drop(client);
    task.await.unwrap();
}

#[tokio::test]
async fn bytes_behind_a_waiting_handler_are_looked_at_after_it_in_order() {
    let (mut client, read, link) = pair(1 << 20).await;
    let (seen, log) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(Vec::new())));
    let gate = Arc::new(tokio::sync::Notify::new());
    let (gate2, seen2, log2) = (gate.clone(), seen.clone(), log.clone());
    let task = tokio::spawn(async move {
        let feed = |bytes: &mut [u8]| {
            seen2.lock().push(bytes[0]);
            let (gate, log, byte) = (gate2.clone(), log2.clone(), bytes[0]);
            Fed {
                used: 1,
                then: Then::Wait(Box::pin(async move {
                    gate.notified().await;
                    log.lock().push(byte);
                })),
            }
        };
        pump::run(read, &link, Vec::new(), None, feed).await
    });
    client.write_all(b"123").await.unwrap();
    for expected in 1..=3 {
        while seen.lock().len() < expected {
            tokio::task::yield_now().await;
        }
        assert_eq!(log.lock().len(), expected - 1, "the next byte waits for the handler");
        gate.notify_one();
    }
    drop(client);
    task.await.unwrap();
    assert_eq!(*log.lock(), b"123");
}

#[tokio::test]
async fn what_is_held_leaves_with_what_is_sent_next() {
    let (mut client, read, link) = pair(1 << 20).await;
    let task = pump(read, link.clone());
    let mut got = [0; 3];
    assert_eq!(link.hold(std::iter::once(Bytes::from("a"))), Sent::Accepted);
    link.hold(std::iter::once(Bytes::from("b")));
    link.cork();
    link.uncork();
    tokio::task::yield_now().await;
    assert_eq!(link.out.lock().bytes, 2, "held");
    assert!(!link.is_behind(), "nobody is slow");
    assert_eq!(link.send(Bytes::from("c"), Weight::Volatile), Sent::Accepted);
    assert_eq!(link.out.lock().bytes, 0, "written at once");
    client.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"abc");
    // Nothing follows: it is released, or the end sends it.
    link.hold(std::iter::once(Bytes::from("d")));
    link.release();
    link.hold(std::iter::once(Bytes::from("e")));
    link.close(CloseReason::Drain, None);
    let mut rest = Vec::new();
    client.read_to_end(&mut rest).await.unwrap();
    assert_eq!(rest, b"de");
    drop(client);
    assert_eq!(task.await.unwrap(), CloseReason::Drain);
}

#[tokio::test]
async fn what_is_held_behind_a_full_socket_keeps_its_place() {
    let (mut client, read, link) = pair(64 << 20).await;
    let task = pump(read, link.clone());
    let filler = stall(&link);
    link.hold(std::iter::once(Bytes::from("held")));
    assert_eq!(link.send(Bytes::from("next"), Weight::Firm), Sent::Accepted);
    let mut got = vec![0; filler + 8];
    client.read_exact(&mut got).await.unwrap();
    assert_eq!(&got[filler..], b"heldnext");
    drop(client);
    task.await.unwrap();
}

/// As if more than one connection was at work on this thread.
fn be_busy() {
    turn::end();
    turn::take();
    turn::take();
}

#[tokio::test]
async fn a_thread_with_nothing_else_to_do_writes_at_once() {
    let (mut client, _read, link) = pair(1 << 20).await;
    turn::end();
    link.send(Bytes::from("a"), Weight::Firm);
    assert_eq!(link.out.lock().bytes, 0);
    assert_eq!(client.read_u8().await.unwrap(), b'a');
}

#[tokio::test]
async fn what_comes_on_a_busy_thread_waits_for_the_connections_task() {
    let (mut client, read, link) = pair(1 << 20).await;
    let task = pump(read, link.clone());
    tokio::task::yield_now().await;
    be_busy();
    link.send(Bytes::from("a"), Weight::Firm);
    link.send_all([Bytes::from("b"), Bytes::from("c")].into_iter(), Weight::Volatile);
    assert_eq!(link.out.lock().bytes, 3, "nobody is slow, and nothing is written yet");
    let mut got = [0; 3];
    client.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"abc");
    drop(client);
    task.await.unwrap();
}

#[tokio::test]
async fn an_acknowledgement_waits_for_the_message_of_another_that_is_ready() {
    let (mut client, read, link) = pair(1 << 20).await;
    let (other, other_read, other_link) = pair(1 << 20).await;
    be_busy();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (one, see) = (link.clone(), seen.clone());
    let first = tokio::spawn(async move {
        let answer = |bytes: &mut [u8]| {
            one.send(Bytes::from("ack "), Weight::Firm);
            Fed { used: bytes.len(), then: Then::Continue }
        };
        pump::run(read, &one, b"x".to_vec(), None, answer).await
    });
    let second = tokio::spawn(async move {
        let tell = |bytes: &mut [u8]| {
            see.lock().push(link.out.lock().bytes);
            link.send(Bytes::from("message"), Weight::Firm);
            see.lock().push(link.out.lock().bytes);
            Fed { used: bytes.len(), then: Then::Continue }
        };
        pump::run(other_read, &other_link, b"x".to_vec(), None, tell).await
    });
    let mut got = [0; 11];
    client.read_exact(&mut got).await.unwrap();
    assert_eq!(&got, b"ack message");
    assert_eq!(*seen.lock(), [4, 11], "the acknowledgement had not left, and the message waited beside it");
    drop((client, other));
    first.await.unwrap();
    second.await.unwrap();
}

#[tokio::test]
async fn a_write_is_put_off_once_however_busy_the_connection_is() {
    let (client, read, link) = pair(1 << 20).await;
    be_busy();
    let answer = |bytes: &mut [u8]| {
        link.send(Bytes::from("a"), Weight::Firm);
        Fed { used: bytes.len(), then: Then::Continue }
    };
    let mut pumped = std::pin::pin!(pump::run(read, &link, b"x".to_vec(), None, answer));
    let mut cx = Context::from_waker(std::task::Waker::noop());
    assert!(pumped.as_mut().poll(&mut cx).is_pending());
    assert_eq!(link.out.lock().bytes, 1, "put off");
    link.send(Bytes::from("b"), Weight::Firm);
    assert!(pumped.as_mut().poll(&mut cx).is_pending());
    assert_eq!(link.out.lock().bytes, 0, "written with what came meanwhile");
    drop(client);
}

#[tokio::test]
async fn what_is_put_off_does_not_grow_into_a_backlog() {
    let (mut client, read, link) = pair(1_000).await;
    let task = pump(read, link.clone());
    tokio::task::yield_now().await;
    be_busy();
    for _ in 0..100 {
        assert_eq!(link.send(Bytes::from(vec![b'.'; 700]), Weight::Firm), Sent::Accepted, "the socket takes it");
    }
    let mut got = vec![0; 70_000];
    client.read_exact(&mut got).await.unwrap();
    drop(client);
    assert_eq!(task.await.unwrap(), CloseReason::TransportClosed);
}

#[tokio::test]
async fn the_last_word_follows_what_was_put_off() {
    let (mut client, read, link) = pair(1 << 20).await;
    let task = pump(read, link.clone());
    tokio::task::yield_now().await;
    be_busy();
    link.send(Bytes::from("a"), Weight::Firm);
    assert_eq!(link.out.lock().bytes, 1, "put off");
    link.close(CloseReason::Drain, Some(Bytes::from("bye")));
    let mut got = Vec::new();
    client.read_to_end(&mut got).await.unwrap();
    assert_eq!(got, b"abye");
    drop(client);
    assert_eq!(task.await.unwrap(), CloseReason::Drain);
}

#[tokio::test]
async fn a_reader_who_has_caught_up_is_not_slow() {
    const LIMIT: usize = 1 << 20;
    let (mut client, _read, link) = pair(LIMIT).await;
    let mut sent = stall(&link);
    assert_eq!(link.send(Bytes::from(vec![b'.'; LIMIT - 200_000]), Weight::Firm), Sent::Accepted);
    sent += LIMIT - 200_000;
    let taken = sent - link.out.lock().bytes;
    assert!(taken > 2 * LIMIT, "the kernel has {taken} bytes, and room for the rest once they are read");
    client.read_exact(&mut vec![0; taken]).await.unwrap();
    link.half.as_ref().writable().await.unwrap();
    // Nobody has written since: whoever sends finds the queue full and the socket free.
    assert_eq!(link.send(Bytes::from(vec![b'.'; 300_000]), Weight::Firm), Sent::Accepted);
    assert!(link.out.lock().bytes < LIMIT);
    assert_eq!(link.closing(), None);
}

#[tokio::test]
async fn threads_that_do_not_say_when_they_sleep_write_at_once() {
    let (mut client, _read, link) = pair(1 << 20).await;
    let writing = std::thread::spawn(move || {
        turn::take();
        turn::take();
        link.send(Bytes::from("a"), Weight::Firm);
        link.out.lock().bytes
    });
    assert_eq!(writing.join().unwrap(), 0);
    assert_eq!(client.read_u8().await.unwrap(), b'a');
}

#[derive(Default)]
struct Woken(std::sync::atomic::AtomicU32);

impl std::task::Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_task_sleeps_while_its_reader_is_behind() {
    let (client, read, link) = pair(64 << 20).await;
    stall(&link);
    let woken = Arc::new(Woken::default());
    let waker = woken.clone().into();
    let mut cx = Context::from_waker(&waker);
    let taking = |bytes: &mut [u8]| Fed { used: bytes.len(), then: Then::Continue };
    let mut pumped = std::pin::pin!(pump::run(read, &link, Vec::new(), None, taking));
    for _ in 0..3 {
        assert!(pumped.as_mut().poll(&mut cx).is_pending());
    }
    assert!(link.is_behind());
    assert_eq!(woken.0.load(std::sync::atomic::Ordering::Relaxed), 0, "only the socket wakes it");
    drop(client);
}
