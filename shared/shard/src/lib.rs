//! Which Redis node a user lives on: source → ring, key → slot → node.
//!
//! The rule is the back end's. In its own words (PHP):
//!
//! ```php
//! function getKey($mark, $sourceid, $uid) { return $mark . ':' . $sourceid . $uid; }
//! function getNo($key, $num)              { return hexdec(substr(md5($key), 0, 2)) % $num; }
//! ```
//!
//! Every user's place is that of the key `getKey("ImMsgPub", …)`. Between key and node stands a slot, the first three
//! hex digits of the md5, so that a table can say otherwise for a slot without anyone moving that need not. The default
//! table says what `getNo` says.
//!
//! `vectors.json` beside this crate has examples for other languages to check themselves against.

mod nodes;
mod rings;

use md5::{Digest, Md5};
pub use nodes::{Address, Node, NodeListError, parse_nodes};
pub use rings::{NodeIndex, Rings, RingsError};
use std::num::NonZeroU16;
use types::UserKey;

/// The number of slots: what three hex digits count.
pub const SLOTS: usize = 4096;

/// The mark whose key places a user.
pub const USER_MARK: &str = "ImMsgPub";

/// The mark whose key places a room.
pub const ROOM_MARK: &str = "ImRoom";

/// The mark whose key places a group.
pub const GROUP_MARK: &str = "ImGroupPub";

/// The back end's `getKey`: `mark + ":" + sourceid + uid`, such as `ImMsgPub:hua1024`.
pub fn key(mark: &str, user: &UserKey) -> String {
    format!("{mark}:{user}")
}

/// The back end's `getNo`: the first two hex digits of the key's md5, modulo the number of nodes. Nodes count from 0 in
/// the order of their list; of more than 256 the later ones get nobody.
pub fn node_no(key: &str, nodes: NonZeroU16) -> u16 {
    u16::from(digest(key)[0]) % nodes
}

/// One of the 4,096 parts that all keys fall into.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slot(u16);

/// The slot of a key: the first three hex digits of its md5.
pub fn slot(key: &str) -> Slot {
    let [first, second, ..] = digest(key);
    Slot(u16::from(first) << 4 | u16::from(second) >> 4)
}

impl Slot {
    /// Its number, from 0 to 4095.
    pub fn number(self) -> u16 {
        self.0
    }
}

/// Says for every slot which node holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotTable {
    nodes: Box<[u16; SLOTS]>,
}

impl SlotTable {
    /// The table that agrees with [`node_no`] for every key: `(slot >> 4) % nodes`.
    pub fn default_for(nodes: NonZeroU16) -> Self {
        let mut table = Box::new([0; SLOTS]);
        for (slot, node) in (0u16..).zip(table.iter_mut()) {
            *node = (slot >> 4) % nodes;
        }
        Self { nodes: table }
    }

    /// The number of the node that holds a slot.
    pub fn node(&self, slot: Slot) -> u16 {
        self.nodes[usize::from(slot.0)]
    }
}

fn digest(key: &str) -> [u8; 16] {
    Md5::digest(key.as_bytes()).into()
}

#[cfg(test)]
mod tests;
