//! A Redis master with a replica, and real Sentinels that watch over them.

use crate::redis::{Redis, ask, free_port, keep, scratch};
use std::path::PathBuf;
use std::process::Child;
use std::time::{Duration, Instant};

/// A master with a replica, and three Sentinels that agree about them.
pub struct Watched {
    name: String,
    pub master: Redis,
    pub replica: Redis,
    sentinels: Vec<RealSentinel>,
}

struct RealSentinel {
    port: u16,
    dir: PathBuf,
    keeper: Option<Child>,
}

impl Watched {
    /// `name` is what the Sentinels call the master.
    pub async fn start(name: &str) -> Self {
        // Else a replica waits five seconds for others that might want the same copy.
        let master = Redis::with(&["--repl-diskless-sync-delay", "0"]);
        let replica = Redis::with(&["--replicaof", "127.0.0.1", &master.port.to_string()]);
        let sentinels = (0..3).map(|_| RealSentinel::start(name, master.port)).collect();
        let watched = Self { name: name.to_owned(), master, replica, sentinels };
        let begun = Instant::now();
        while !watched.sentinels.iter().all(|sentinel| sentinel.agrees(name)) {
            assert!(begun.elapsed() < Duration::from_secs(30), "the Sentinels do not agree");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        watched.knows_a_replica().await;
        watched
    }

    /// As it stands in a node list.
    pub fn node(&self) -> String {
        let hosts: Vec<String> = self.sentinels.iter().map(|one| format!("[\"127.0.0.1\", {}]", one.port)).collect();
        format!(r#"{{"sentinel": {{"name": "{}", "hosts": [{}]}}}}"#, self.name, hosts.join(", "))
    }

    /// One that is master now; after a fail-over that is the other one.
    pub fn serving(&self) -> &Redis {
        let is_master = |one: &&Redis| ask(one.port, &["ROLE"]).is_some_and(|role| role.starts_with("master"));
        [&self.replica, &self.master].into_iter().find(is_master).expect("a master")
    }

    /// Waits until the Sentinels that live would promote a replica, as they do only if it follows a master that serves.
    pub async fn knows_a_replica(&self) {
        let begun = Instant::now();
        let replica_is_well = |sentinel: &RealSentinel| {
            let replicas = ask(sentinel.port, &["SENTINEL", "REPLICAS", &self.name]).unwrap_or_default();
            let words: Vec<_> = replicas.lines().collect();
            words.windows(2).any(|pair| pair == ["flags", "slave"])
                && words.windows(2).any(|pair| pair == ["master-link-status", "ok"])
        };
        while !self.sentinels.iter().filter(|sentinel| sentinel.keeper.is_some()).all(replica_is_well) {
            assert!(begun.elapsed() < Duration::from_secs(30), "the Sentinels know no replica");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// `kill -9` of one Sentinel.
    pub fn kill_sentinel(&mut self, number: usize) {
        self.sentinels[number].kill();
    }
}

impl RealSentinel {
    fn start(name: &str, master: u16) -> Self {
        let (port, dir) = (free_port(), scratch());
        let config = dir.join("sentinel.conf");
        let text = format!(
            "port {port}\nbind 127.0.0.1\ndir {}\nsentinel monitor {name} 127.0.0.1 {master} 2\n\
             sentinel down-after-milliseconds {name} 500\nsentinel failover-timeout {name} 3000\n",
            dir.display()
        );
        std::fs::write(&config, text).expect("a file of its own");
        let (keeper, _) = keep(&dir.join("log"), &["redis-sentinel", &config.to_string_lossy()]);
        Self { port, dir, keeper: Some(keeper) }
    }

    /// Knows the replica and both other Sentinels.
    fn agrees(&self, name: &str) -> bool {
        let Some(known) = ask(self.port, &["SENTINEL", "MASTER", name]) else { return false };
        let words: Vec<_> = known.lines().collect();
        let says = |field, value| words.windows(2).any(|pair| pair == [field, value]);
        says("num-slaves", "1") && says("num-other-sentinels", "2") && says("flags", "master")
    }

    fn kill(&mut self) {
        if let Some(mut keeper) = self.keeper.take() {
            drop(keeper.stdin.take());
            keeper.wait().expect("a file of its own");
        }
    }
}

impl Drop for RealSentinel {
    fn drop(&mut self) {
        self.kill();
        std::fs::remove_dir_all(&self.dir).ok();
    }
}
