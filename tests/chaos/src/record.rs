//! What happened in a round, one record a line as JSON. The checker knows nothing else of it.

use anyhow::Context;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

/// The device of that name is what a user has who looks for the first time, when all is over.
pub(crate) const FRESH: &str = "fresh";

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "record", rename_all = "snake_case")]
pub(crate) enum Record {
    /// The devices of each user.
    Began { seed: u64, users: BTreeMap<String, Vec<String>> },
    /// A device was told to send a text, which is its name. Where it answers, it had that text on its screen.
    Said {
        name: String,
        from: String,
        device: String,
        to: String,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answers: Option<String>,
    },
    /// The device has it acknowledged.
    Kept { name: String, conversation: String, number: u64, id: u64 },
    /// The device gave it up.
    Failed { name: String, why: String },
    /// Something was broken, while so many messages were said and not acknowledged.
    Fault { at_ms: u64, what: String, in_flight: usize },
    /// All that stands on the screen of a device at the end, from top to bottom.
    Shown { user: String, device: String, conversation: String, lines: Vec<Line> },
    /// What a device says of a conversation at the end.
    State { user: String, device: String, conversation: String, state: State },
    /// What the store has of a conversation at the end, as it answers this user, and what it says of it.
    Stored { user: String, conversation: String, lines: Vec<Line>, state: State },
}

/// An entry of a conversation. A name that is empty is none that a device said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) id: u64,
    pub(crate) number: u64,
    pub(crate) name: String,
    pub(crate) from: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) read_at: Option<u64>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct State {
    pub(crate) head: u64,
    pub(crate) unread: u64,
    pub(crate) pinned: bool,
    pub(crate) muted: bool,
    pub(crate) draft: String,
}

/// Reads a history.
///
/// # Errors
/// The file cannot be read, or a line is no record.
pub(crate) fn read(path: &Path) -> anyhow::Result<Vec<Record>> {
    let file = File::open(path).with_context(|| path.display().to_string())?;
    let mut history = Vec::new();
    for (number, line) in (1..).zip(BufReader::new(file).lines()) {
        let record = serde_json::from_str(&line?).with_context(|| format!("{} line {number}", path.display()))?;
        history.push(record);
    }
    Ok(history)
}
