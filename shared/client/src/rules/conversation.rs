//! One conversation on this device: the entries that are here, and how far they are whole.
//!
//! ```text
//!   1 …            floor ─────── run ─────── head     hole      waiting
//!   (older, not      │ every number is here  │        9 10     11 12   15
//!    loaded)         5                       8
//! ```
//!
//! Entries are seen as soon as they come, those that wait too; the head only says up to where none is missing. Knows
//! nothing of requests and of time: when a hole is fetched is decided elsewhere.

use super::entry::Entry;
use super::marks::Marks;
use super::output::{Change, Output, Summary};
use super::state::State;
use std::collections::{BTreeMap, VecDeque};
use types::{ConversationId, MessageId, UserKey};

/// Entries that wait beside one head. More are told by number only, and fetched.
const MOST_WAITING: usize = 1000;

#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) id: ConversationId,
    /// The other side.
    pub(super) peer: Option<UserKey>,
    pub(super) state: State,
    /// Whether the application knows of it as it is now.
    pub(super) announced: bool,
    /// Everything from the floor to the head; the floor is `head + 1 - run.len()`.
    run: VecDeque<Entry>,
    /// Nothing until it is known where the run begins.
    head: Option<u64>,
    waiting: BTreeMap<u64, Entry>,
    /// The highest number that is known to be taken.
    told: u64,
    marks: Marks,
    /// How many entries of the run are kept.
    keep: usize,
}

/// Where an entry comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Source {
    /// A push: one that is here already tells nothing new.
    Push,
    /// Read from the store: it may know more than what is here.
    Store,
}

impl Conversation {
    pub(super) fn new(id: ConversationId, keep: usize) -> Self {
        Self {
            id,
            peer: None,
            state: State::default(),
            announced: false,
            run: VecDeque::new(),
            head: None,
            waiting: BTreeMap::new(),
            told: 0,
            marks: Marks::default(),
            keep,
        }
    }

    /// The highest number up to which nothing is missing; nothing while it is not known where that begins.
    pub(super) fn head(&self) -> Option<u64> {
        self.head
    }

    /// The number at which the loaded entries begin.
    pub(super) fn floor(&self) -> Option<u64> {
        self.head.map(|head| head + 1 - self.run.len() as u64)
    }

    /// Whether an entry is missing between those that are known to be there.
    pub(super) fn has_hole(&self) -> bool {
        match self.head {
            Some(head) => self.told > head || !self.waiting.is_empty(),
            None => !self.waiting.is_empty(),
        }
    }

    /// The lowest number that waits.
    pub(super) fn first_waiting(&self) -> Option<u64> {
        self.waiting.keys().next().copied()
    }

    /// All entries that are here, in order.
    pub(super) fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.run.iter().chain(self.waiting.values())
    }

    pub(super) fn waiting(&self) -> impl Iterator<Item = u64> {
        self.waiting.keys().copied()
    }

    /// The conversation is known to reach up to here.
    pub(super) fn tell(&mut self, head: u64) {
        self.told = self.told.max(head);
    }

    /// The conversation has no entry yet: the first will be number 1.
    pub(super) fn begin_empty(&mut self) {
        self.head.get_or_insert(0);
    }

    /// Where its beginning is not known, the store has nothing below what waits.
    pub(super) fn begin_where_it_waits(&mut self) {
        if let (None, Some(first)) = (self.head, self.first_waiting()) {
            self.head = Some(first - 1);
            self.swallow();
        }
    }

    /// Takes one entry, whatever is missing before it. True if it was not here.
    pub(super) fn take(&mut self, entry: Entry, source: Source, out: &mut Vec<Output>) -> bool {
        let is_new = self.put(entry, source, out);
        self.trim(out);
        is_new
    }

    /// Takes a page that was read from the store: ascending, nothing missing between its entries.
    ///
    /// Where it does not meet what is here, it takes its place: what is older goes.
    pub(super) fn join(&mut self, page: Vec<Entry>, out: &mut Vec<Output>) {
        let Some(first) = page.first().map(Entry::conv_seq) else { return };
        if self.head.is_none_or(|head| first > head + 1) {
            self.begin_at(first, out);
        }
        let (older, fresh): (Vec<_>, Vec<_>) =
            page.into_iter().partition(|entry| Some(entry.conv_seq()) < self.floor());
        for entry in fresh {
            self.put(entry, Source::Store, out);
        }
        self.prepend(older, out);
        self.trim(out);
    }

    /// As [`join`](Self::join), and everything older goes in any case: nobody told what became of it.
    pub(super) fn start_anew(&mut self, page: Vec<Entry>, out: &mut Vec<Output>) {
        let first = page.first().map(Entry::conv_seq);
        self.join(page, out);
        if let (Some(first), Some(floor)) = (first, self.floor())
            && floor < first
        {
            self.run.drain(..(first - floor) as usize);
            out.push(Change::Forgotten { conversation_id: self.id, below: first }.into());
        }
    }

    /// Takes older entries that the user asked for, and keeps as many more from now on.
    pub(super) fn join_older(&mut self, page: Vec<Entry>, out: &mut Vec<Output>) {
        if self.head.is_none() {
            return self.join(page, out);
        }
        let (older, known): (Vec<_>, Vec<_>) =
            page.into_iter().partition(|entry| Some(entry.conv_seq()) < self.floor());
        for entry in known {
            self.put(entry, Source::Store, out);
        }
        self.keep += self.prepend(older, out);
    }

    /// Marks messages as read, those that are still to come too.
    pub(super) fn mark_read(&mut self, ids: &[MessageId], read_at: u64, out: &mut Vec<Output>) {
        let mut ids = ids.to_vec();
        ids.sort_unstable();
        let Some(lowest) = ids.first().copied() else { return };
        let entries = self.waiting.values_mut().rev().chain(self.run.iter_mut().rev());
        let (mut found, mut changed) = (Vec::new(), Vec::new());
        for entry in entries.take_while(|entry| entry.message_id().is_none_or(|id| id >= lowest)) {
            let Some(place) = entry.message_id().and_then(|id| ids.binary_search(&id).ok()) else { continue };
            found.push(place);
            if entry.mark_read(read_at) {
                changed.push(Change::Updated { entry: entry.clone() });
            }
        }
        out.extend(changed.into_iter().rev().map(Output::from));
        for (place, id) in ids.into_iter().enumerate() {
            if !found.contains(&place) {
                self.marks.read(id, read_at);
            }
        }
    }

    /// Takes entries away that the user deleted for himself, those that are still to come too.
    pub(super) fn mark_deleted(&mut self, numbers: &[u64], out: &mut Vec<Output>) {
        for number in numbers {
            let Some(entry) = self.entry_mut(*number) else {
                self.marks.deleted(*number);
                continue;
            };
            if entry.mark_deleted() {
                out.push(Change::Updated { entry: entry.clone() }.into());
            }
        }
    }

    /// Takes an entry back, also one that is still to come.
    pub(super) fn mark_recalled(&mut self, number: u64, out: &mut Vec<Output>) {
        let Some(entry) = self.entry_mut(number) else { return self.marks.recalled(number) };
        if entry.mark_recalled() {
            out.push(Change::Updated { entry: entry.clone() }.into());
        }
    }

    /// Nothing is under way that could bring an old copy of an entry: marks wait only for entries above the head.
    pub(super) fn forget_marks(&mut self) {
        if self.marks.is_empty() {
            return;
        }
        let Some(head) = self.head else { return };
        let id_of_head = self.run.iter().rev().find_map(Entry::message_id);
        self.marks.forget(head, id_of_head);
    }

    /// The number of the message that has this id.
    pub(super) fn number_of(&self, id: MessageId) -> Option<u64> {
        self.entries().rev().find(|entry| entry.message_id() == Some(id)).map(Entry::conv_seq)
    }

    pub(super) fn summary(&self) -> Summary {
        Summary {
            conversation_id: self.id,
            user_id: self.peer.clone(),
            unread: self.state.unread.value,
            pinned: self.state.pinned.value,
            muted: self.state.muted.value,
            draft: self.state.draft.value.clone(),
        }
    }

    /// The run begins at this number; what is below goes.
    fn begin_at(&mut self, first: u64, out: &mut Vec<Output>) {
        let above = self.waiting.split_off(&first);
        let below = std::mem::replace(&mut self.waiting, above);
        if !self.run.is_empty() || !below.is_empty() {
            self.run.clear();
            out.push(Change::Forgotten { conversation_id: self.id, below: first }.into());
        }
        self.head = Some(first - 1);
        self.swallow();
    }

    fn put(&mut self, mut entry: Entry, source: Source, out: &mut Vec<Output>) -> bool {
        let number = entry.conv_seq();
        if let Some(known) = self.entry_mut(number) {
            if source == Source::Store && known.learn(&entry) {
                out.push(Change::Updated { entry: known.clone() }.into());
            }
            return false;
        }
        if number == 1 {
            self.begin_empty();
        }
        if self.head.is_some_and(|head| number <= head) {
            // Forgotten, and seen before that.
            return false;
        }
        self.tell(number);
        if self.waiting.len() >= MOST_WAITING && self.head.is_none_or(|head| number != head + 1) {
            return true;
        }
        self.marks.apply(&mut entry);
        let before = self.waiting.range(number + 1..).next().map(|(number, _)| *number);
        let recalled = entry.recalls();
        out.push(Change::Added { entry: entry.clone(), before }.into());
        self.waiting.insert(number, entry);
        self.swallow();
        if let Some(recalled) = recalled {
            self.mark_recalled(recalled, out);
        }
        true
    }

    /// Moves the head over what waits right beside it.
    fn swallow(&mut self) {
        let Some(mut head) = self.head else { return };
        while let Some(entry) = self.waiting.remove(&(head + 1)) {
            self.run.push_back(entry);
            head += 1;
        }
        self.head = Some(head);
    }

    /// Puts those before the run that meet it; how many.
    fn prepend(&mut self, mut older: Vec<Entry>, out: &mut Vec<Output>) -> usize {
        let length = self.run.len();
        while let (Some(mut entry), Some(floor)) = (older.pop(), self.floor()) {
            if entry.conv_seq() + 1 != floor {
                break;
            }
            self.marks.apply(&mut entry);
            let before = self.entries().next().map(Entry::conv_seq);
            out.push(Change::Added { entry: entry.clone(), before }.into());
            self.run.push_front(entry);
        }
        self.run.len() - length
    }

    /// Keeps so many of the newest entries from now on, however many older ones were loaded.
    pub(super) fn keep_newest(&mut self, count: usize, out: &mut Vec<Output>) {
        self.keep = count.max(1);
        self.trim(out);
    }

    fn trim(&mut self, out: &mut Vec<Output>) {
        // Not one by one, so that the application is not told of each.
        if self.run.len() <= self.keep + self.keep / 4 {
            return;
        }
        self.run.drain(..self.run.len() - self.keep);
        if let Some(below) = self.floor() {
            out.push(Change::Forgotten { conversation_id: self.id, below }.into());
        }
    }

    fn entry_mut(&mut self, number: u64) -> Option<&mut Entry> {
        let floor = self.floor().unwrap_or(u64::MAX);
        match number.checked_sub(floor).and_then(|at| usize::try_from(at).ok()) {
            Some(at) if at < self.run.len() => self.run.get_mut(at),
            _ => self.waiting.get_mut(&number),
        }
    }
}
