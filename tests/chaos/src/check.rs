//! Judges a history: pure, and ignorant of how it came about.

use crate::check::facts::{Facts, Said};
use crate::record::{Line, Record, State};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::fmt;

mod facts;
#[cfg(test)]
mod tests;

/// What a history must be free of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rule {
    /// A fault hit while nothing was in flight: it proves nothing.
    Idle,
    /// A message was neither acknowledged nor given up, or was given up.
    Unsettled,
    /// An acknowledged message is missing somewhere.
    Loss,
    /// A message is somewhere twice.
    Twice,
    /// Something that nobody said, or not there, or that the store does not have.
    Invented,
    /// A screen is not in the order of ids, ids and numbers disagree, or a place is not the acknowledged one.
    Order,
    /// A number of a conversation is taken by nothing.
    Hole,
    /// An answer stands above what it answers.
    Answer,
    /// Devices of a user disagree about a conversation, or with the store.
    State,
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) rule: Rule,
    pub(crate) what: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {}", self.rule, self.what)
    }
}

/// All that is wrong with a history; nothing of one that is clean.
pub(crate) fn check(history: &[Record]) -> Vec<Finding> {
    let facts = Facts::of(history);
    let mut found = Findings::default();
    faults(history, &mut found);
    acknowledgements(history, &facts, &mut found);
    for (conversation, pair) in &facts.pairs {
        for user in pair {
            let Some(store) = facts.stored.get(&(*user, *conversation)) else {
                found.add(Rule::Loss, format!("the store shows {user} nothing of {conversation}"));
                continue;
            };
            let place = |device: &str| Place { conversation, user, device: device.to_owned() };
            lines(&place("the store"), store.lines, &facts, &mut found);
            if store.state.head != store.lines.len() as u64 {
                found.add(Rule::State, format!("{}: the head is {}", place("the store"), store.state.head));
            }
            unread(&place("the store"), store.lines, store.state, &mut found);
            for device in facts.devices.get(user).copied().unwrap_or_default() {
                let key = (*user, device.as_str(), *conversation);
                let shown = facts.shown.get(&key).copied().unwrap_or_default();
                lines(&place(device), shown, &facts, &mut found);
                same_lines(&place(device), shown, store.lines, &mut found);
                if facts.states.get(&key) != Some(&store.state) {
                    let (here, there) = (facts.states.get(&key), store.state);
                    found.add(Rule::State, format!("{}: {here:?}, the store has {there:?}", place(device)));
                }
            }
        }
    }
    found.0
}

#[derive(Default)]
struct Findings(Vec<Finding>);

impl Findings {
    fn add(&mut self, rule: Rule, what: String) {
        self.0.push(Finding { rule, what });
    }
}

/// Where a conversation is looked at.
struct Place<'a> {
    conversation: &'a str,
    user: &'a str,
    device: String,
}

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} in {}", self.device, self.user, self.conversation)
    }
}

fn faults(history: &[Record], found: &mut Findings) {
    for record in history {
        if let Record::Fault { at_ms, what, in_flight: 0 } = record {
            found.add(Rule::Idle, format!("at {at_ms} ms: {what}"));
        }
    }
}

/// Each message was acknowledged, as one and the same; nothing else was.
fn acknowledgements(history: &[Record], facts: &Facts<'_>, found: &mut Findings) {
    for record in history {
        match record {
            Record::Failed { name, why } => found.add(Rule::Unsettled, format!("{name} was given up: {why}")),
            Record::Said { name, .. } if !facts.kept.contains_key(name.as_str()) => {
                found.add(Rule::Unsettled, format!("{name} was never acknowledged"));
            }
            Record::Kept { name, conversation, number, id } => {
                let first = &facts.kept[name.as_str()];
                if (first.conversation, first.number, first.id) != (conversation, *number, *id) {
                    let what = format!("{name} was acknowledged as {}, then as {number}", first.number);
                    found.add(Rule::Twice, what);
                }
                if !facts.said.contains_key(name.as_str()) {
                    found.add(Rule::Invented, format!("{name} was acknowledged and never said"));
                }
            }
            _ => {}
        }
    }
}

/// What must hold of the lines of one conversation, wherever they stand.
fn lines(place: &Place<'_>, lines: &[Line], facts: &Facts<'_>, found: &mut Findings) {
    let mut at: HashMap<&str, usize> = HashMap::new();
    for (index, line) in lines.iter().enumerate() {
        if at.insert(&line.name, index).is_some() {
            found.add(Rule::Twice, format!("{place}: {:?}, number {}", line.name, line.number));
        }
        if !facts.said.get(line.name.as_str()).is_some_and(|said| belongs(said, line, place, facts)) {
            found.add(Rule::Invented, format!("{place}: {:?}, number {} from {}", line.name, line.number, line.from));
        }
        let acknowledged = facts.kept.get(line.name.as_str()).map(|kept| (kept.number, kept.id));
        if acknowledged.is_some_and(|kept| kept != (line.number, line.id)) {
            let what = format!("{place}: {} is number {}, acknowledged as {acknowledged:?}", line.name, line.number);
            found.add(Rule::Order, what);
        }
    }
    for name in facts.of_conversation.get(place.conversation).into_iter().flatten() {
        if !at.contains_key(name) {
            found.add(Rule::Loss, format!("{place}: {name}"));
        }
    }
    for pair in lines.windows(2).filter(|pair| pair[0].id >= pair[1].id || pair[0].number >= pair[1].number) {
        found.add(Rule::Order, format!("{place}: {} stands above {}", pair[0].name, pair[1].name));
    }
    let numbers: HashSet<u64> = lines.iter().map(|line| line.number).collect();
    let last = numbers.iter().max().copied().unwrap_or_default();
    for hole in (1..=last).filter(|number| !numbers.contains(number)) {
        found.add(Rule::Hole, format!("{place}: number {hole} of {last}"));
    }
    for (name, index) in &at {
        let question = facts.said.get(name).and_then(|said| said.answers);
        if let Some(question) = question.filter(|question| at.get(question).is_some_and(|there| there > index)) {
            found.add(Rule::Answer, format!("{place}: {name} stands above {question}"));
        }
    }
}

/// Whether what was said is this line, in a conversation of these two.
fn belongs(said: &Said<'_>, line: &Line, place: &Place<'_>, facts: &Facts<'_>) -> bool {
    let pair = facts.pairs.get(place.conversation);
    said.from == line.from && pair.is_some_and(|pair| *pair == facts::pair(said.from, said.to))
}

/// A screen has what the store has, read marks too, and nothing else.
fn same_lines(place: &Place<'_>, shown: &[Line], stored: &[Line], found: &mut Findings) {
    let here: BTreeMap<u64, &Line> = shown.iter().map(|line| (line.number, line)).collect();
    let there: BTreeMap<u64, &Line> = stored.iter().map(|line| (line.number, line)).collect();
    for line in shown.iter().filter(|line| !there.contains_key(&line.number)) {
        found.add(Rule::Invented, format!("{place}: number {}, which the store does not have", line.number));
    }
    for line in stored {
        match here.get(&line.number) {
            None => found.add(Rule::Loss, format!("{place}: number {} of the store, {}", line.number, line.name)),
            Some(shown) if (shown.id, &shown.name) != (line.id, &line.name) => {
                let what = format!("{place}: number {} is {}, the store has {}", line.number, shown.name, line.name);
                found.add(Rule::Order, what);
            }
            Some(shown) if shown.read_at != line.read_at => {
                let (shown, stored) = (shown.read_at, line.read_at);
                found.add(Rule::State, format!("{place}: {} read {shown:?}, the store has {stored:?}", line.name));
            }
            Some(_) => {}
        }
    }
}

/// What others wrote and was not read is unread.
fn unread(place: &Place<'_>, lines: &[Line], state: &State, found: &mut Findings) {
    let count = lines.iter().filter(|line| line.from != place.user && line.read_at.is_none()).count() as u64;
    if count != state.unread {
        found.add(Rule::State, format!("{place}: {count} lines are not read, {} are said to be", state.unread));
    }
}
