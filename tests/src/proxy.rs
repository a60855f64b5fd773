//! A TCP proxy that spoils a link: cuts it, closes half of it, lets nothing through, lets answers through and no messages,
//! or holds everything back for a while.

use parking_lot::Mutex;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;

/// What happens to a link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Link {
    Whole,
    /// Both ends stay open and hear nothing of each other, as when a cable is pulled.
    Silent,
    /// Answers of a Redis come through, messages of its channels do not, as when it has lost a subscription.
    Deaf,
    /// Whatever connects is closed at once, and so is what was connected.
    Cut,
    /// The far end says that it will say no more; what the near end says still gets through, and is still taken.
    HalfClosed,
}

/// Listens on a port of its own, and forwards to another.
pub struct Proxy {
    port: u16,
    state: Arc<State>,
    stop: CancellationToken,
}

struct State {
    link: AtomicU8,
    delay: Mutex<Duration>,
    /// Ends the connections of now.
    cut: Mutex<CancellationToken>,
    /// Ends what the far ends say, on the connections of now and on those that come before it is replaced.
    hush: Mutex<CancellationToken>,
}

impl Proxy {
    /// Forwards to a port of this machine.
    ///
    /// # Errors
    /// No port is free.
    pub async fn before(port: u16) -> anyhow::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let own = listener.local_addr()?.port();
        let state = Arc::new(State {
            link: AtomicU8::new(Link::Whole as u8),
            delay: Mutex::default(),
            cut: Mutex::default(),
            hush: Mutex::default(),
        });
        let stop = CancellationToken::new();
        let target = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        tokio::spawn(accept(listener, target, state.clone(), stop.clone()));
        Ok(Self { port: own, state, stop })
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Changes what happens, also to the connections that are there.
    pub fn set(&self, link: Link) {
        self.state.link.store(link as u8, Ordering::SeqCst);
        match link {
            Link::Cut => std::mem::take(&mut *self.state.cut.lock()).cancel(),
            Link::HalfClosed => self.state.hush.lock().cancel(),
            Link::Whole | Link::Silent | Link::Deaf => *self.state.hush.lock() = CancellationToken::new(),
        }
    }

    /// Holds back what comes from either side for so long.
    pub fn delay(&self, delay: Duration) {
        *self.state.delay.lock() = delay;
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.stop.cancel();
        self.state.cut.lock().cancel();
    }
}

async fn accept(listener: TcpListener, target: SocketAddr, state: Arc<State>, stop: CancellationToken) {
    while let Some(Ok((near, _))) = stop.run_until_cancelled(listener.accept()).await {
        if state.link() == Link::Cut {
            continue;
        }
        let (state, cut) = (state.clone(), state.cut.lock().clone());
        tokio::spawn(async move {
            cut.run_until_cancelled(forward(near, target, &state)).await;
        });
    }
}

async fn forward(near: TcpStream, target: SocketAddr, state: &State) {
    let Ok(far) = TcpStream::connect(target).await else { return };
    near.set_nodelay(true).and_then(|()| far.set_nodelay(true)).ok();
    let (mut near_read, mut near_write) = near.into_split();
    let (mut far_read, mut far_write) = far.into_split();
    let hush = state.hush.lock().clone();
    let upwards = copy(&mut near_read, &mut far_write, state, false);
    let downwards = async {
        hush.run_until_cancelled(copy(&mut far_read, &mut near_write, state, true)).await;
        near_write.shutdown().await.ok();
        // What the far end says goes on being taken, or it would notice.
        let mut nowhere = vec![0; 65_536];
        while let Ok(1..) = far_read.read(&mut nowhere).await {}
    };
    // One side's end is passed on as such; the other may go on.
    tokio::join!(upwards, downwards);
}

async fn copy(
    from: &mut tokio::net::tcp::OwnedReadHalf,
    to: &mut tokio::net::tcp::OwnedWriteHalf,
    state: &State,
    downwards: bool,
) {
    let mut buffer = vec![0; 65_536];
    while let Ok(length @ 1..) = from.read(&mut buffer).await {
        let bytes = &buffer[..length];
        let delay = *state.delay.lock();
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        let passes = match state.link() {
            Link::Whole | Link::HalfClosed => true,
            Link::Silent | Link::Cut => false,
            // What is published while little happens comes in a packet of its own.
            Link::Deaf => !downwards || !bytes.starts_with(b">3\r\n$7\r\nmessage\r\n"),
        };
        if passes && to.write_all(bytes).await.is_err() {
            break;
        }
    }
    to.shutdown().await.ok();
}

impl State {
    fn link(&self) -> Link {
        match self.link.load(Ordering::SeqCst) {
            0 => Link::Whole,
            1 => Link::Silent,
            2 => Link::Deaf,
            3 => Link::Cut,
            _ => Link::HalfClosed,
        }
    }
}
