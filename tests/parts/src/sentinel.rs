//! Redis masters with a replica each, and real Sentinels that watch over them.

use crate::process::{Kept, free_port, scratch};
use crate::redis::{Redis, ask};
use parking_lot::Mutex;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Three Sentinels. They may watch several masters.
pub struct Sentinels(Mutex<Vec<Sentinel>>);

/// A master with a replica, and the Sentinels that agree about them.
pub struct Watched {
    name: String,
    pub master: Redis,
    pub replica: Redis,
    sentinels: Arc<Sentinels>,
}

struct Sentinel {
    port: u16,
    dir: PathBuf,
    process: Option<Kept>,
}

/// Far longer than Sentinels take to agree, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

impl Sentinels {
    /// On free ports.
    pub fn start() -> Arc<Self> {
        Self::on([free_port(), free_port(), free_port()])
    }

    pub fn on(ports: [u16; 3]) -> Arc<Self> {
        Arc::new(Self(Mutex::new(ports.into_iter().map(Sentinel::start).collect())))
    }

    /// Those that have not been killed.
    pub fn ports(&self) -> Vec<u16> {
        self.0.lock().iter().filter(|one| one.process.is_some()).map(|one| one.port).collect()
    }

    /// `kill -9`.
    pub fn kill(&self, number: usize) {
        self.0.lock()[number].process = None;
    }
}

impl Watched {
    /// `name` is what the Sentinels call the master; they are this master's own.
    pub async fn start(name: &str) -> Self {
        Self::by(&Sentinels::start(), name, [free_port(), free_port()]).await
    }

    /// On these ports, the master's first, watched by Sentinels that may watch others too.
    pub async fn by(sentinels: &Arc<Sentinels>, name: &str, ports: [u16; 2]) -> Self {
        // Else a replica waits five seconds for others that might want the same copy.
        let master = Redis::on(ports[0], &["--repl-diskless-sync-delay", "0"]);
        let of_master = ["--replicaof", "127.0.0.1", &master.port.to_string()];
        let replica = Redis::on(ports[1], &of_master);
        for sentinel in sentinels.ports() {
            watch(sentinel, name, master.port);
        }
        let watched = Self { name: name.to_owned(), master, replica, sentinels: sentinels.clone() };
        until("the Sentinels agree", || watched.sentinels.ports().into_iter().all(|port| agrees(port, name))).await;
        watched.knows_a_replica().await;
        watched
    }

    /// As it stands in a node list.
    pub fn node(&self) -> String {
        let ports = self.sentinels.ports();
        let hosts: Vec<String> = ports.iter().map(|port| format!("[\"127.0.0.1\", {port}]")).collect();
        format!(r#"{{"sentinel": {{"name": "{}", "hosts": [{}]}}}}"#, self.name, hosts.join(", "))
    }

    /// One that is master now; after a fail-over that is the other one.
    pub fn serving(&self) -> &Redis {
        let is_master = |one: &&Redis| ask(one.port, &["ROLE"]).is_some_and(|role| role.starts_with("master"));
        [&self.replica, &self.master].into_iter().find(is_master).expect("a master")
    }

    /// Waits until the Sentinels that live would promote a replica, as they do only if it follows a master that serves.
    pub async fn knows_a_replica(&self) {
        let is_well = |port: u16| {
            let replicas = ask(port, &["SENTINEL", "REPLICAS", &self.name]).unwrap_or_default();
            says(&replicas, "flags", "slave") && says(&replicas, "master-link-status", "ok")
        };
        until("the Sentinels know a replica", || self.sentinels.ports().into_iter().all(is_well)).await;
    }

    /// The Sentinels' ports.
    pub fn sentinels(&self) -> Vec<u16> {
        self.sentinels.ports()
    }

    /// `kill -9` of one Sentinel.
    pub fn kill_sentinel(&self, number: usize) {
        self.sentinels.kill(number);
    }
}

impl Sentinel {
    fn start(port: u16) -> Self {
        let dir = scratch();
        let config = dir.join("sentinel.conf");
        std::fs::write(&config, format!("port {port}\nbind 127.0.0.1\ndir {}\n", dir.display())).expect("its own file");
        let process = Kept::start(&dir.join("log"), &["redis-sentinel", &config.to_string_lossy()]);
        let begun = Instant::now();
        while ask(port, &["PING"]).is_none() {
            assert!(begun.elapsed() < PATIENCE, "a Sentinel does not start on {port}");
            std::thread::sleep(Duration::from_millis(5));
        }
        Self { port, dir, process: Some(process) }
    }
}

impl Drop for Sentinel {
    fn drop(&mut self) {
        self.process = None;
        std::fs::remove_dir_all(&self.dir).ok();
    }
}

/// Has a Sentinel watch a master, and give it up half a second after it fell silent.
fn watch(sentinel: u16, name: &str, master: u16) {
    ask(sentinel, &["SENTINEL", "MONITOR", name, "127.0.0.1", &master.to_string(), "2"]);
    ask(sentinel, &["SENTINEL", "SET", name, "down-after-milliseconds", "500", "failover-timeout", "3000"]);
}

/// Knows the replica and both other Sentinels.
fn agrees(sentinel: u16, name: &str) -> bool {
    let known = ask(sentinel, &["SENTINEL", "MASTER", name]).unwrap_or_default();
    says(&known, "num-slaves", "1") && says(&known, "num-other-sentinels", "2") && says(&known, "flags", "master")
}

fn says(answer: &str, field: &str, value: &str) -> bool {
    let words: Vec<_> = answer.lines().collect();
    words.windows(2).any(|pair| pair == [field, value])
}

async fn until(what: &str, so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < PATIENCE, "it did not come about that {what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}
