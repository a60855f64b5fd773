//! Node lists: which Redis nodes a ring has, in their order, as the back end reads them too.
//!
//! One JSON file per environment, an array of nodes. A node is an address, or a master that Sentinels know:
//!
//! ```json
//! [
//!   {"host": "10.0.0.1", "port": 6379},
//!   {"host": "10.0.0.2", "port": 6379, "password": "…"},
//!   {"sentinel": {"name": "im-2", "hosts": [["10.0.0.7", 26379], ["10.0.0.8", 26379]]}, "password": "…"}
//! ]
//! ```

use secrecy::SecretString;
use serde_json::{Map, Value};
use std::fmt;

/// A Redis node. Its `Display` is its name in logs, metrics and errors.
#[derive(Debug, Clone)]
pub struct Node {
    pub address: Address,
    pub password: Option<SecretString>,
}

/// Where a node's master is, or who knows.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Address {
    Direct {
        host: String,
        port: u16,
    },
    /// The master of that name, wherever these Sentinels say it is.
    Sentinel {
        name: String,
        hosts: Vec<(String, u16)>,
    },
}

/// Why a text is no node list. Nodes are counted from 0, as everywhere.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NodeListError {
    #[error("a node list is JSON: {0}")]
    Json(String),
    #[error(
        "a node list is a JSON array of at least one node, such as `[{{\"host\": \"127.0.0.1\", \"port\": 6379}}]`"
    )]
    NotAList,
    #[error("more than {} nodes: a key's slot cannot tell them apart", NodeListError::MOST)]
    TooMany,
    #[error("node {node}: {problem}")]
    Node { node: usize, problem: String },
    #[error("node {node} is the same as node {first}: each node stands once in the list")]
    Twice { node: usize, first: usize },
}

impl NodeListError {
    /// As many as two hex digits tell apart; later ones would get nobody.
    const MOST: usize = 256;
}

/// Reads a node list.
///
/// # Errors
/// A sentence that says what to write. Keys that are not known are refused, so that a slip of the pen is seen.
pub fn parse_nodes(json: &str) -> Result<Vec<Node>, NodeListError> {
    let value: Value = serde_json::from_str(json).map_err(|error| NodeListError::Json(error.to_string()))?;
    let Value::Array(list) = value else { return Err(NodeListError::NotAList) };
    if list.is_empty() {
        return Err(NodeListError::NotAList);
    }
    if list.len() > NodeListError::MOST {
        return Err(NodeListError::TooMany);
    }
    let mut nodes: Vec<Node> = Vec::with_capacity(list.len());
    for (number, entry) in list.iter().enumerate() {
        let node = read_node(entry).map_err(|problem| NodeListError::Node { node: number, problem })?;
        if let Some(first) = nodes.iter().position(|known| known.address == node.address) {
            return Err(NodeListError::Twice { node: number, first });
        }
        nodes.push(node);
    }
    Ok(nodes)
}

impl Node {
    /// A node without a password.
    pub fn direct(host: impl Into<String>, port: u16) -> Self {
        Self { address: Address::Direct { host: host.into(), port }, password: None }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.address.fmt(f)
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Direct { host, port } => write!(f, "{host}:{port}"),
            Self::Sentinel { name, .. } => write!(f, "sentinel:{name}"),
        }
    }
}

fn read_node(entry: &Value) -> Result<Node, String> {
    let Value::Object(entry) = entry else {
        return Err("a node is an object with `host` and `port`, or with `sentinel`".to_owned());
    };
    let address = if let Some(sentinel) = entry.get("sentinel") {
        only(entry, &["sentinel", "password"])?;
        read_sentinel(sentinel)?
    } else {
        only(entry, &["host", "port", "password"])?;
        let host = text(entry.get("host"), "`host` is a name or an address, such as \"127.0.0.1\"")?;
        Address::Direct { host, port: port(entry.get("port"))? }
    };
    let password = match entry.get("password") {
        None => None,
        some => Some(text(some, "`password` is a text; leave it out if there is none")?.into()),
    };
    Ok(Node { address, password })
}

fn read_sentinel(entry: &Value) -> Result<Address, String> {
    let Value::Object(entry) = entry else {
        return Err("`sentinel` is an object with `name` and `hosts`".to_owned());
    };
    only(entry, &["name", "hosts"])?;
    let name = text(entry.get("name"), "`name` is what the Sentinels call the master")?;
    let hosts = entry.get("hosts").and_then(Value::as_array).filter(|hosts| !hosts.is_empty());
    let hosts = hosts.ok_or_else(|| "`hosts` is a list of Sentinels, such as [[\"10.0.0.1\", 26379]]".to_owned())?;
    let host = |pair: &Value| match pair.as_array().map(Vec::as_slice) {
        Some([host, number]) => Ok((text(Some(host), "a Sentinel is [host, port]")?, port(Some(number))?)),
        _ => Err("a Sentinel is [host, port], such as [\"10.0.0.1\", 26379]".to_owned()),
    };
    Ok(Address::Sentinel { name, hosts: hosts.iter().map(host).collect::<Result<_, _>>()? })
}

fn only(entry: &Map<String, Value>, known: &[&str]) -> Result<(), String> {
    match entry.keys().find(|key| !known.contains(&key.as_str())) {
        Some(key) => Err(format!("there is no key `{key}` here: write {}", known.join(", "))),
        None => Ok(()),
    }
}

fn text(value: Option<&Value>, otherwise: &str) -> Result<String, String> {
    let text = value.and_then(Value::as_str).filter(|text| !text.is_empty());
    text.map(str::to_owned).ok_or_else(|| otherwise.to_owned())
}

fn port(value: Option<&Value>) -> Result<u16, String> {
    let number = value.and_then(Value::as_u64).and_then(|number| u16::try_from(number).ok()).filter(|port| *port > 0);
    number.ok_or_else(|| "a port is a number from 1 to 65535".to_owned())
}

#[cfg(test)]
#[path = "nodes_tests.rs"]
mod tests;
