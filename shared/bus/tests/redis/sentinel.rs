//! Sentinels: a fake one that says what a test wants, when it wants it, and real ones.

use parking_lot::Mutex;
use parts::redis::read_command;
use parts::sentinel::Watched;
use shard::{Address, Node, Rings};
use std::io::{BufReader, Write};
use std::net::{Ipv4Addr, Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

/// What the Sentinels call the master.
const NAME: &str = "im-0";

pub(crate) struct FakeSentinel {
    port: u16,
    master: Arc<AtomicU16>,
    listeners: Arc<Mutex<Vec<TcpStream>>>,
}

impl FakeSentinel {
    pub(crate) fn naming(master: u16) -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (master, listeners) = (Arc::new(AtomicU16::new(master)), Arc::<Mutex<Vec<TcpStream>>>::default());
        let shared = (master.clone(), listeners.clone());
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let (master, listeners) = shared.clone();
                std::thread::spawn(move || serve(connection, &master, &listeners));
            }
        });
        Self { port, master, listeners }
    }

    pub(crate) fn rings(&self) -> Rings {
        rings_of(vec![self.port])
    }

    pub(crate) fn listeners(&self) -> usize {
        self.listeners.lock().len()
    }

    /// Nobody hears of the switch, because all connections are lost just then.
    pub(crate) fn switch_unheard(&self, port: u16) {
        self.master.store(port, Ordering::SeqCst);
        for listener in self.listeners.lock().drain(..) {
            listener.shutdown(Shutdown::Both).ok();
        }
    }

    pub(crate) fn switch_to(&self, port: u16) {
        let old = self.master.swap(port, Ordering::SeqCst);
        let text = format!("{NAME} 127.0.0.1 {old} 127.0.0.1 {port}");
        let push = format!(">3\r\n$7\r\nmessage\r\n$14\r\n+switch-master\r\n${}\r\n{text}\r\n", text.len());
        for listener in self.listeners.lock().iter_mut() {
            listener.write_all(push.as_bytes()).ok();
        }
    }
}

fn serve(connection: TcpStream, master: &AtomicU16, listeners: &Mutex<Vec<TcpStream>>) {
    let mut answers = connection.try_clone().unwrap();
    let mut commands = BufReader::new(connection);
    while let Some(command) = read_command(&mut commands) {
        let answer = match command[0].to_uppercase().as_str() {
            "HELLO" => "%1\r\n$6\r\nserver\r\n$5\r\nredis\r\n".to_owned(),
            "INFO" => "$11\r\nrun_id:fake\r\n".to_owned(),
            "ROLE" => "*1\r\n$8\r\nsentinel\r\n".to_owned(),
            "PING" => "+PONG\r\n".to_owned(),
            "SENTINEL" => {
                let port = master.load(Ordering::SeqCst).to_string();
                format!("*2\r\n$9\r\n127.0.0.1\r\n${}\r\n{port}\r\n", port.len())
            }
            "SUBSCRIBE" => {
                listeners.lock().push(answers.try_clone().unwrap());
                ">3\r\n$9\r\nsubscribe\r\n$14\r\n+switch-master\r\n:1\r\n".to_owned()
            }
            _ => "+OK\r\n".to_owned(),
        };
        if answers.write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn rings_of(ports: Vec<u16>) -> Rings {
    let hosts = ports.into_iter().map(|port| ("127.0.0.1".to_owned(), port)).collect();
    let address = Address::Sentinel { name: NAME.to_owned(), hosts };
    Rings::new(vec![Node { address, password: None }]).unwrap()
}

/// Where a master is whom real Sentinels watch.
pub(crate) fn rings(watched: &Watched) -> Rings {
    rings_of(watched.sentinels())
}

pub(crate) async fn watched() -> Watched {
    Watched::start(NAME).await
}
