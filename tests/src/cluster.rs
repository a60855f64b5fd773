//! Several imservers over several Redis nodes.

use crate::Server;
use crate::process::scratch;
use anyhow::Context;
use std::path::{Path, PathBuf};

/// Running imservers, `im1` and so on, that share a node list.
pub struct Cluster {
    pub processes: Vec<Server>,
    list: PathBuf,
    env: Vec<(String, String)>,
}

impl Cluster {
    /// Starts so many imservers over these nodes, each written as in a node list.
    ///
    /// # Errors
    /// One did not start; with its log.
    pub async fn start(processes: usize, nodes: &[String], env: &[(&str, &str)]) -> anyhow::Result<Self> {
        let list = scratch().join("nodes.json");
        std::fs::write(&list, format!("[{}]", nodes.join(", ")))?;
        let env = env.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let mut cluster = Self { processes: Vec::new(), list, env };
        for number in 1..=processes {
            let process = cluster.another(&format!("im{number}")).await?;
            cluster.processes.push(process);
        }
        Ok(cluster)
    }

    /// One more that reaches the nodes by other addresses, such as a proxy's.
    ///
    /// # Errors
    /// It did not start; with its log.
    pub async fn another_by(&self, id: &str, nodes: &[String]) -> anyhow::Result<Server> {
        let list = self.list.with_file_name(format!("{id}.json"));
        std::fs::write(&list, format!("[{}]", nodes.join(", ")))?;
        self.launch(id, &list, &[]).await
    }

    /// One more at addresses that are known beforehand (where clients connect, admin, internal), with people to be and a
    /// folder for their pictures.
    ///
    /// # Errors
    /// It did not start; with its log.
    pub async fn another_at(&self, id: &str, [listen, admin, internal]: [&str; 3]) -> anyhow::Result<Server> {
        let (config, pictures) = (self.list.with_file_name("im.toml"), self.list.with_file_name("pictures"));
        std::fs::write(&config, format!("{}\n[pictures]\ndir = {pictures:?}\n", people_of_standalone()))?;
        let config = config.to_str().context("a folder with a plain name")?;
        let at = ["--listen", listen, "--admin-listen", admin, "--internal-listen", internal, "--config", config];
        self.launch(id, &self.list, &at).await
    }

    /// One more imserver, which the caller keeps.
    ///
    /// # Errors
    /// It did not start; with its log.
    pub async fn another(&self, id: &str) -> anyhow::Result<Server> {
        self.launch(id, &self.list, &[]).await
    }

    async fn launch(&self, id: &str, list: &Path, more: &[&str]) -> anyhow::Result<Server> {
        let list = list.to_str().context("a folder with a plain name")?;
        let env: Vec<_> = self.env.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
        let args = [&["--redis", list, "--process-id", id], more].concat();
        Server::start("imserver", &args, &env).await
    }
}

/// Those of the one process, as the site IM alone has them in its configuration.
fn people_of_standalone() -> String {
    const STANDALONE: &str = include_str!("../../config/standalone.toml");
    let people = STANDALONE.find("[[imserver.people]]").map_or("", |begin| &STANDALONE[begin..]);
    people.replace("[[imserver.people]]", "[[people]]")
}

impl Drop for Cluster {
    fn drop(&mut self) {
        if let Some(folder) = self.list.parent() {
            std::fs::remove_dir_all(folder).ok();
        }
    }
}

/// A node as it stands in a node list.
pub fn node(port: u16) -> String {
    format!(r#"{{"host": "127.0.0.1", "port": {port}}}"#)
}
