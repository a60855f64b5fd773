//! The section `[redis]`: which Redis nodes carry the bus, if any.

use serde::Deserialize;
use shard::{NodeListError, Rings, RingsError, parse_nodes};
use std::io;
use std::path::{Path, PathBuf};

/// Where the node lists are. Without any the bus is the one within the process.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The node list of the main ring; empty for none.
    pub nodes: PathBuf,
    /// The node list of the ring that the users of `push_sources` are on; empty for none.
    pub push_nodes: PathBuf,
    /// Sources of user keys, such as `hua`.
    pub push_sources: Vec<String>,
    /// How long a process is believed to live after it was last heard of, in milliseconds.
    pub lease_ms: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { nodes: PathBuf::new(), push_nodes: PathBuf::new(), push_sources: Vec::new(), lease_ms: 15_000 }
    }
}

/// Why there are no rings.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("{key} names {path}, which cannot be read: {error}")]
    Unreadable { key: &'static str, path: PathBuf, error: io::Error },
    #[error("{key} names {path}: {error}")]
    NodeList { key: &'static str, path: PathBuf, error: NodeListError },
    #[error("redis.push_nodes is set without redis.nodes: the main ring needs nodes first")]
    OnlyPush,
    #[error("redis.lease_ms is {0}: write a number of milliseconds from 1000 to 600000")]
    Lease(u64),
    #[error(
        "redis.push_sources and redis.push_nodes belong together: write both, or neither to have everybody on one ring"
    )]
    HalfPush,
    #[error(transparent)]
    Rings(#[from] RingsError),
}

impl Config {
    /// Whether processes share live events over Redis.
    pub fn is_shared(&self) -> bool {
        !self.nodes.as_os_str().is_empty()
    }

    /// Reads the node lists. Nothing if there are none.
    ///
    /// # Errors
    /// A sentence that says what to write.
    pub fn rings(&self) -> Result<Option<Rings>, ConfigError> {
        if !(1_000..=600_000).contains(&self.lease_ms) {
            return Err(ConfigError::Lease(self.lease_ms));
        }
        let has_push = !self.push_nodes.as_os_str().is_empty();
        if has_push == self.push_sources.is_empty() {
            return Err(ConfigError::HalfPush);
        }
        if !self.is_shared() {
            return if has_push { Err(ConfigError::OnlyPush) } else { Ok(None) };
        }
        let rings = Rings::new(read("redis.nodes", &self.nodes)?)?;
        if !has_push {
            return Ok(Some(rings));
        }
        let push = read("redis.push_nodes", &self.push_nodes)?;
        Ok(Some(rings.with_push(push, &self.push_sources)?))
    }
}

fn read(key: &'static str, path: &Path) -> Result<Vec<shard::Node>, ConfigError> {
    let unreadable = |error| ConfigError::Unreadable { key, path: path.to_owned(), error };
    let json = std::fs::read_to_string(path).map_err(unreadable)?;
    parse_nodes(&json).map_err(|error| ConfigError::NodeList { key, path: path.to_owned(), error })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The lists of this repository.
    fn list(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config").join(name)
    }

    #[test]
    fn without_nodes_there_are_no_rings() {
        assert!(Config::default().rings().unwrap().is_none());
    }

    #[test]
    fn the_lists_of_the_repository_make_rings() {
        let config = Config {
            nodes: list("redis_online.json"),
            push_nodes: list("redis_push_online.json"),
            push_sources: vec!["hua".to_owned()],
            ..Config::default()
        };
        let rings = config.rings().unwrap().unwrap();
        let (site, app) = (rings.node_of(&"m9".parse().unwrap()), rings.node_of(&"hua9".parse().unwrap()));
        assert!(site < 4 && app >= 4, "{site} {app}");
    }

    #[test]
    fn what_is_wrong_is_said_in_a_sentence() {
        let error = |config: Config| config.rings().unwrap_err().to_string();
        let nodes = PathBuf::from("no-such.json");
        assert!(error(Config { nodes, ..Config::default() }).starts_with("redis.nodes names no-such.json"));
        let push_sources = vec!["hua".to_owned()];
        assert!(error(Config { push_sources: push_sources.clone(), ..Config::default() }).contains("belong together"));
        let push_nodes = list("redis_push_online.json");
        assert!(error(Config { push_nodes, push_sources, ..Config::default() }).contains("main ring"));
        let nodes = list("imserver.toml");
        assert!(error(Config { nodes, ..Config::default() }).contains("a node list is JSON"));
    }
}
