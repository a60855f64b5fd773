//! Names inside packets, kept as cheaply as what they name: the main namespace costs nothing, an event's name shares
//! the packet's text.

use std::fmt;
use std::ops::{Deref, Range};
use std::sync::Arc;

/// A namespace with its leading slash. The main one, `/`, takes no memory of its own.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Namespace(Option<Box<str>>);

impl Namespace {
    /// The namespace that every client has, `/`.
    pub const MAIN: Namespace = Namespace(None);

    /// Whether this is `/`.
    pub fn is_main(&self) -> bool {
        self.0.is_none()
    }
}

impl From<&str> for Namespace {
    fn from(name: &str) -> Namespace {
        Namespace((name != MAIN).then(|| name.into()))
    }
}

impl Deref for Namespace {
    type Target = str;

    fn deref(&self) -> &str {
        self.0.as_deref().unwrap_or(MAIN)
    }
}

impl fmt::Display for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Namespace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

/// The name of an event: a part of the packet's text.
#[derive(Clone)]
pub struct Name {
    text: Arc<str>,
    range: Range<usize>,
}

impl Name {
    pub(super) fn part_of(text: &Arc<str>, range: Range<usize>) -> Name {
        Name { text: text.clone(), range }
    }
}

impl From<String> for Name {
    fn from(name: String) -> Name {
        Name { range: 0..name.len(), text: name.into() }
    }
}

impl Deref for Name {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text[self.range.clone()]
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

pub(super) const MAIN: &str = "/";
