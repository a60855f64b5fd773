//! Rings: which list of nodes a user is on, and which node of it.
//!
//! Which ring is a function of the source of the user alone, never of the tier that the user is connected to. So every
//! process loads every ring.

use crate::{Address, GROUP_MARK, Node, ROOM_MARK, SlotTable, USER_MARK, key, slot};
use std::num::NonZeroU16;
use types::{GroupId, RoomId, UserKey};

/// A node, as [`Rings::nodes`] counts them.
pub type NodeIndex = usize;

/// All nodes of all rings, and who is where.
#[derive(Debug, Clone)]
pub struct Rings {
    nodes: Vec<Node>,
    main: Ring,
    /// The ring of the apps' users, and the sources that are on it.
    push: Option<(Ring, Vec<Box<str>>)>,
}

#[derive(Debug, Clone)]
struct Ring {
    table: SlotTable,
    /// Where the table's nodes are in the list of all.
    places: Vec<NodeIndex>,
}

/// Why nodes and sources make no rings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RingsError {
    #[error("a ring has at least one node")]
    Empty,
    #[error("more nodes than a ring can have")]
    TooMany,
    #[error("`{0}` is no source: a source is letters, or empty for the main site")]
    Source(String),
    #[error("node {0} has two passwords: it is in both rings")]
    Passwords(String),
}

impl Rings {
    /// One ring for everybody.
    ///
    /// # Errors
    /// [`RingsError`] if there are no nodes, or too many.
    pub fn new(main: Vec<Node>) -> Result<Self, RingsError> {
        let places = (0..main.len()).collect();
        Ok(Self { main: Ring::new(places)?, nodes: main, push: None })
    }

    /// A second ring, for the users of these sources. A node that is in both rings is one node.
    ///
    /// # Errors
    /// [`RingsError`] if there are no nodes or too many, or a source cannot be one.
    pub fn with_push<S: AsRef<str>>(mut self, nodes: Vec<Node>, sources: &[S]) -> Result<Self, RingsError> {
        let is_source = |source: &str| source.bytes().all(|byte| byte.is_ascii_alphabetic());
        if let Some(wrong) = sources.iter().map(AsRef::as_ref).find(|source| !is_source(source)) {
            return Err(RingsError::Source(wrong.to_owned()));
        }
        let places = nodes.into_iter().map(|node| self.place(node)).collect::<Result<_, _>>()?;
        self.push = Some((Ring::new(places)?, sources.iter().map(|source| source.as_ref().into()).collect()));
        Ok(self)
    }

    /// Every node of every ring, once.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// Where all that Redis holds of a user is: the slot of `ImMsgPub:<user>`, in the ring of the user's source.
    pub fn node_of(&self, user: &UserKey) -> NodeIndex {
        let ring = match &self.push {
            Some((ring, sources)) if sources.iter().any(|source| **source == *user.sourceid()) => ring,
            _ => &self.main,
        };
        ring.node(&key(USER_MARK, user))
    }

    /// Where a room is: the slot of `ImRoom:<room>`, in the main ring.
    pub fn node_of_room(&self, room: &RoomId) -> NodeIndex {
        self.main.node(&format!("{ROOM_MARK}:{room}"))
    }

    /// Where a group is: the slot of `ImGroupPub:<group>`, in the main ring.
    pub fn node_of_group(&self, group: &GroupId) -> NodeIndex {
        self.main.node(&format!("{GROUP_MARK}:{group}"))
    }

    fn place(&mut self, node: Node) -> Result<NodeIndex, RingsError> {
        let same = |address: &Address| self.nodes.iter().position(|known| known.address == *address);
        let Some(place) = same(&node.address) else {
            self.nodes.push(node);
            return Ok(self.nodes.len() - 1);
        };
        if !same_password(&self.nodes[place], &node) {
            return Err(RingsError::Passwords(node.to_string()));
        }
        Ok(place)
    }
}

impl Ring {
    fn new(places: Vec<NodeIndex>) -> Result<Self, RingsError> {
        let count = u16::try_from(places.len()).map_err(|_| RingsError::TooMany)?;
        let count = NonZeroU16::new(count).ok_or(RingsError::Empty)?;
        Ok(Self { table: SlotTable::default_for(count), places })
    }

    fn node(&self, key: &str) -> NodeIndex {
        self.places[usize::from(self.table.node(slot(key)))]
    }
}

fn same_password(one: &Node, other: &Node) -> bool {
    use secrecy::ExposeSecret;
    let exposed = |node: &Node| node.password.as_ref().map(|password| password.expose_secret().to_owned());
    exposed(one) == exposed(other)
}

#[cfg(test)]
#[path = "rings_tests.rs"]
mod tests;
