//! A connection that goes deaf: answers pass, messages do not, and nobody hangs up. As after a server or a proxy on the
//! way has lost a connection's subscriptions.

use parts::redis::Redis as Server;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

pub(crate) struct DeafProxy {
    port: u16,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    accepted: AtomicU32,
    /// Connections with a smaller number are deaf.
    deaf_below: AtomicU32,
}

impl DeafProxy {
    pub(crate) fn before(server: &Server) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let (port, to) = (listener.local_addr().unwrap().port(), server.port);
        let state = Arc::<State>::default();
        let shared = state.clone();
        // Ends with the test process; what it holds is a socket.
        std::thread::spawn(move || {
            for near in listener.incoming().flatten() {
                let Ok(far) = TcpStream::connect((Ipv4Addr::LOCALHOST, to)) else { continue };
                let number = shared.accepted.fetch_add(1, Ordering::SeqCst);
                let (near_too, far_too) = (near.try_clone().unwrap(), far.try_clone().unwrap());
                let state = shared.clone();
                std::thread::spawn(move || copy(near, far, |_| true));
                std::thread::spawn(move || {
                    let deaf = || number < state.deaf_below.load(Ordering::SeqCst);
                    copy(far_too, near_too, |bytes| !(deaf() && is_message(bytes)));
                });
            }
        });
        Self { port, state }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// The connections that are there now hear no message any more.
    pub(crate) fn deafen(&self) {
        self.state.deaf_below.store(self.state.accepted.load(Ordering::SeqCst), Ordering::SeqCst);
    }
}

/// What is published while little happens comes in a packet of its own.
fn is_message(bytes: &[u8]) -> bool {
    bytes.starts_with(b">3\r\n$7\r\nmessage\r\n")
}

fn copy(mut from: TcpStream, mut to: TcpStream, passes: impl Fn(&[u8]) -> bool) {
    let mut buffer = vec![0; 65_536];
    while let Ok(length @ 1..) = from.read(&mut buffer) {
        if passes(&buffer[..length]) && to.write_all(&buffer[..length]).is_err() {
            break;
        }
    }
    from.shutdown(Shutdown::Both).ok();
    to.shutdown(Shutdown::Both).ok();
}
