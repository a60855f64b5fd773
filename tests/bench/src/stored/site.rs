//! The sites that keep: one process with its file, and a cluster with a database.

use std::net::SocketAddr;
use std::time::Duration;
use tests::cluster::node;
use tests::mariadb::Mariadb;
use tests::redis::Redis;
use tests::{Cluster, Server};

pub(super) struct Site {
    servers: Servers,
    // Ended after the servers.
    _redis: Vec<Redis>,
    _database: Option<Mariadb>,
}

enum Servers {
    Alone(Box<Server>),
    Cluster(Cluster),
}

impl Site {
    pub(super) async fn alone() -> anyhow::Result<Self> {
        let server = Server::start("imserver", &[], &crate::UNLIMITED).await?;
        Ok(Self { servers: Servers::Alone(Box::new(server)), _redis: Vec::new(), _database: None })
    }

    pub(super) async fn clustered() -> anyhow::Result<Self> {
        let database = tokio::task::spawn_blocking(Mariadb::start).await?;
        let redis: Vec<Redis> = (0..4).map(|_| Redis::start()).collect();
        let nodes: Vec<String> = redis.iter().map(|one| node(one.port)).collect();
        let url = database.database();
        let settings = [&crate::UNLIMITED[..], &[("IM__STORE__URL", url.as_str())]].concat();
        let cluster = Cluster::start(2, &nodes, &settings).await?;
        Ok(Self { servers: Servers::Cluster(cluster), _redis: redis, _database: Some(database) })
    }

    fn servers(&self) -> &[Server] {
        match &self.servers {
            Servers::Alone(server) => std::slice::from_ref(server),
            Servers::Cluster(cluster) => &cluster.processes,
        }
    }

    /// The processes in turn.
    pub(super) fn address(&self, number: usize) -> SocketAddr {
        let servers = self.servers();
        servers[number % servers.len()].address()
    }

    pub(super) fn cpu(&self) -> anyhow::Result<Duration> {
        self.servers().iter().map(Server::pid).map(crate::process::cpu_time).sum()
    }
}
