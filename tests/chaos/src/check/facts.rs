//! A history, sorted so that it can be asked.

use crate::record::{Line, Record, State};
use std::collections::{BTreeMap, HashMap};

/// A user, a device of it, a conversation.
type Spot<'a> = (&'a str, &'a str, &'a str);

#[derive(Default)]
pub(super) struct Facts<'a> {
    pub(super) devices: HashMap<&'a str, &'a [String]>,
    pub(super) said: HashMap<&'a str, Said<'a>>,
    /// By the first acknowledgement of each.
    pub(super) kept: HashMap<&'a str, Kept<'a>>,
    /// What was acknowledged in each conversation.
    pub(super) of_conversation: HashMap<&'a str, Vec<&'a str>>,
    /// The two users of each conversation.
    pub(super) pairs: BTreeMap<&'a str, [&'a str; 2]>,
    pub(super) shown: HashMap<Spot<'a>, &'a [Line]>,
    pub(super) states: HashMap<Spot<'a>, &'a State>,
    pub(super) stored: HashMap<(&'a str, &'a str), Stored<'a>>,
}

pub(super) struct Said<'a> {
    pub(super) from: &'a str,
    pub(super) to: &'a str,
    pub(super) answers: Option<&'a str>,
}

pub(super) struct Kept<'a> {
    pub(super) conversation: &'a str,
    pub(super) number: u64,
    pub(super) id: u64,
}

pub(super) struct Stored<'a> {
    pub(super) lines: &'a [Line],
    pub(super) state: &'a State,
}

/// The two users of a conversation, whoever speaks.
pub(super) fn pair<'a>(one: &'a str, other: &'a str) -> [&'a str; 2] {
    if one <= other { [one, other] } else { [other, one] }
}

impl<'a> Facts<'a> {
    pub(super) fn of(history: &'a [Record]) -> Self {
        let mut facts = Self::default();
        for record in history {
            facts.take(record);
        }
        for (name, kept) in &facts.kept {
            facts.of_conversation.entry(kept.conversation).or_default().push(name);
            if let Some(said) = facts.said.get(name) {
                facts.pairs.entry(kept.conversation).or_insert_with(|| pair(said.from, said.to));
            }
        }
        facts
    }

    fn take(&mut self, record: &'a Record) {
        match record {
            Record::Began { users, .. } => {
                self.devices.extend(users.iter().map(|(user, devices)| (user.as_str(), devices.as_slice())));
            }
            Record::Said { name, from, to, answers, .. } => {
                self.said.insert(name, Said { from, to, answers: answers.as_deref() });
            }
            Record::Kept { name, conversation, number, id } => {
                self.kept.entry(name).or_insert(Kept { conversation, number: *number, id: *id });
            }
            Record::Shown { user, device, conversation, lines } => {
                self.shown.insert((user, device, conversation), lines);
            }
            Record::State { user, device, conversation, state } => {
                self.states.insert((user, device, conversation), state);
            }
            Record::Stored { user, conversation, lines, state } => {
                self.stored.insert((user, conversation), Stored { lines, state });
            }
            Record::Failed { .. } | Record::Fault { .. } => {}
        }
    }
}
