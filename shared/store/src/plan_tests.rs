//! What changes come to, on rows that a test makes up.

use super::*;
use crate::model::{Send, Standing};
use types::{Code, ListOp, Posted, State};

const NOW: u64 = 1_790_000_000_000;
const ID: ConversationId = ConversationId(5);

fn user(key: &str) -> UserKey {
    key.parse().unwrap()
}

/// Judges as a server would: whoever is blocked is refused.
fn judge(_: &Send, standing: &Standing) -> Result<(), Failure> {
    match standing.is_blocked {
        true => Err(Failure::new(Code::Blocked, "blocked")),
        false => Ok(()),
    }
}

struct Bench {
    loaded: Loaded,
    ids: IdClock,
}

impl Bench {
    /// Users 8 and m7 exist and have a conversation without an entry.
    fn new() -> Self {
        let pair = [user("8"), user("m7")];
        let mut loaded = Loaded::default();
        let row = Conversation { pair: pair.clone(), last_seq: 0, last_message_id: MessageId(0), is_new: false };
        loaded.conversations.insert(ID, row);
        loaded.pairs.insert(pair.clone(), ID);
        loaded.known.extend(pair);
        Self { loaded, ids: IdClock::new(0, 0, NOW + 60_000, NOW, 0) }
    }

    /// Decides one change, and keeps the rows for the next.
    fn decide(&mut self, by: &str, change: Change) -> (Verdict, Writes) {
        let request = Request { by: user(by), socket: Some("im1.a".parse().unwrap()), change };
        let loaded = std::mem::take(&mut self.loaded);
        let mut planner = Planner::new(loaded, &mut self.ids, 0, judge);
        let verdict = planner.decide(&request);
        let (loaded, writes) = (planner.loaded, planner.writes);
        self.loaded = loaded;
        for new in &writes.messages {
            let target = Target {
                conversation: new.conversation,
                conv_seq: new.conv_seq,
                from: new.from.clone(),
                kind: new.kind,
                recalled: 0,
                read_ms: 0,
            };
            self.loaded.targets.insert(new.message_id, target);
        }
        (verdict, writes)
    }

    fn granted(&mut self, by: &str, change: Change) -> (Done, Vec<(UserKey, Event)>, Writes) {
        match self.decide(by, change) {
            (Verdict::Granted(done, events), writes) => (done, events, writes),
            (verdict, _) => panic!("{verdict:?}"),
        }
    }

    /// The code of a refusal, which must have changed nothing.
    fn refused(&mut self, by: &str, change: Change) -> Code {
        match self.decide(by, change) {
            (Verdict::Refused(failure), writes) => {
                assert!(writes.is_empty(), "{writes:?}");
                failure.code
            }
            (verdict, _) => panic!("{verdict:?}"),
        }
    }

    fn say(&mut self, by: &str, to: &str, name: &str) -> MessageId {
        let (done, ..) = self.granted(by, text(to, name, "hello"));
        let Done::Sent { message_id, .. } = done else { panic!("{done:?}") };
        message_id
    }

    fn row(&self, of: &str) -> &Member {
        &self.loaded.members[&(ID, user(of))]
    }
}

fn text(to: &str, name: &str, text: &str) -> Change {
    Change::Send(Send {
        to: user(to),
        temp_message_id: name.into(),
        kind: MessageType::Text,
        body: format!("\"{text}\"").into(),
        as_asked: None,
        only_as_contact: false,
    })
}

fn read(messages: &[MessageId]) -> Change {
    Change::Read { conversation: ID, messages: messages.to_vec() }
}

fn states(events: &[(UserKey, Event)]) -> Vec<(&str, &State)> {
    let state = |(user, event): &'_ (UserKey, Event)| match event {
        Event::State(_) => Some(user.as_str().to_owned()),
        _ => None,
    };
    assert!(events.iter().all(|event| state(event).is_some()), "{events:?}");
    events
        .iter()
        .filter_map(|(user, event)| if let Event::State(state) = event { Some((user.as_str(), state)) } else { None })
        .collect()
}

#[test]
fn entries_are_numbered_without_a_gap_and_both_sides_hear_of_each() {
    let mut bench = Bench::new();
    for (number, (by, to)) in (1..).zip([("8", "m7"), ("m7", "8"), ("8", "m7")]) {
        let (done, events, writes) = bench.granted(by, text(to, &format!("t{number}"), "hello"));
        let Done::Sent { message_id, conversation_id, conv_seq } = done else { panic!() };
        assert_eq!((conversation_id, conv_seq), (ID, number));
        let [(first, Event::Posted(theirs)), (second, Event::Posted(own))] = &events[..] else { panic!() };
        assert_eq!((first.as_str(), second.as_str()), (to, by));
        assert_eq!(theirs.entry.temp_message_id, None);
        assert_eq!(own.entry.temp_message_id.as_deref(), Some(&*format!("t{number}")));
        assert_eq!(own.socketid.as_ref().unwrap().as_str(), "im1.a");
        assert!(theirs.unread.is_some() && own.unread.is_none());
        assert_eq!(writes.messages[0].message_id, message_id);
        assert_eq!(writes.members.len(), 2, "of each who is in it one row");
        assert_eq!(writes.references.len(), 2);
    }
    assert_eq!((bench.row("m7").unread, bench.row("8").unread), (2, 1));
}

#[test]
fn the_same_message_again_is_the_same_answer_and_nothing_else() {
    let mut bench = Bench::new();
    let (first, ..) = bench.granted("8", text("m7", "t1", "hello"));
    let (again, events, writes) = bench.granted("8", text("m7", "t1", "hello"));
    assert_eq!(again, first);
    assert!(events.is_empty() && writes.is_empty());
    assert_eq!(bench.refused("8", text("m7", "t1", "bye")), Code::Conflict);
    bench.loaded.known.insert(user("m9"));
    assert_eq!(bench.refused("8", text("m9", "t1", "hello")), Code::Conflict);
    // Another sender's name is another name.
    bench.say("m7", "8", "t1");
}

#[test]
fn who_is_blocked_or_writes_to_nobody_is_refused_and_nothing_changes() {
    let mut bench = Bench::new();
    assert_eq!(bench.refused("8", text("404", "t1", "hello")), Code::NotFound);
    bench.granted("m7", Change::Block { user: user("8") });
    assert_eq!(bench.refused("8", text("m7", "t2", "hello")), Code::Blocked);
    bench.granted("m7", Change::Unblock { user: user("8") });
    bench.say("8", "m7", "t2");
}

#[test]
fn what_is_read_is_read_once_and_both_sides_are_told() {
    let mut bench = Bench::new();
    let (one, two) = (bench.say("8", "m7", "t1"), bench.say("8", "m7", "t2"));
    let own = bench.say("m7", "8", "t3");
    let (done, events, writes) = bench.granted("m7", read(&[one, own, MessageId(404), one]));
    assert_eq!(done, Done::Read { saved: vec![one], read_at: NOW, before: vec![], unread: 1, rev: 3 });
    assert_eq!(writes.reads, [(ID, 1)]);
    let [("8", theirs), ("m7", own_state)] = states(&events)[..] else { panic!("{events:?}") };
    assert_eq!(theirs.read.as_ref().unwrap().message_ids, [one]);
    assert_eq!((theirs.unread, theirs.socketid.is_none()), (None, true));
    assert_eq!((own_state.unread, own_state.rev, own_state.socketid.is_some()), (Some(1), 3, true));
    let (done, events, writes) = bench.granted("m7", read(&[one]));
    assert_eq!(done, Done::Read { saved: vec![one], read_at: NOW, before: vec![], unread: 1, rev: 3 });
    assert!(events.is_empty() && writes.is_empty());
    bench.granted("m7", read(&[one, two]));
    assert_eq!(bench.row("m7").unread, 0);
}

#[test]
fn who_reads_again_is_told_the_times_that_are_kept() {
    let mut bench = Bench::new();
    let all: Vec<MessageId> = ["t1", "t2", "t3", "t4"].into_iter().map(|name| bench.say("8", "m7", name)).collect();
    // Long ago, just now, and by a process whose clock is a little ahead.
    for (id, read_ms) in all.iter().zip([NOW - 9, NOW, NOW + 9]) {
        bench.loaded.targets.get_mut(id).unwrap().read_ms = read_ms;
    }
    let (done, events, writes) = bench.granted("m7", read(&all[..3]));
    let before = vec![(NOW - 9, vec![all[0]]), (NOW, vec![all[1]])];
    assert_eq!(done, Done::Read { saved: all[..3].to_vec(), read_at: NOW + 9, before, unread: 4, rev: 4 });
    assert!(events.is_empty() && writes.is_empty());
    let (done, events, writes) = bench.granted("m7", read(&all));
    let before = vec![(NOW - 9, vec![all[0]]), (NOW + 9, vec![all[2]])];
    assert_eq!(done, Done::Read { saved: all.clone(), read_at: NOW, before, unread: 3, rev: 5 });
    assert_eq!((states(&events).len(), writes.reads.len()), (2, 1), "one is new");
}

#[test]
fn clearing_does_not_mark_read_and_what_is_cleared_is_not_counted_twice() {
    let mut bench = Bench::new();
    let first = bench.say("8", "m7", "t1");
    bench.say("8", "m7", "t2");
    bench.say("8", "m7", "t3");
    bench.loaded.unread_above.insert((ID, user("m7"), 2), 1);
    let (done, events, _) = bench.granted("m7", Change::ClearUnread { conversation: ID, up_to: 2 });
    assert_eq!(done, Done::Cleared { unread: 1, rev: 4 });
    assert_eq!(states(&events)[0].1.unread, Some(1));
    bench.granted("m7", read(&[first]));
    assert_eq!(bench.row("m7").unread, 1, "the first was not counted any more");
    let (done, ..) = bench.granted("m7", Change::ClearUnread { conversation: ID, up_to: 99 });
    assert_eq!(done, Done::Cleared { unread: 0, rev: 6 });
    let (done, events, writes) = bench.granted("m7", Change::ClearUnread { conversation: ID, up_to: 1 });
    assert_eq!(done, Done::Cleared { unread: 0, rev: 6 }, "nothing comes back");
    assert!(events.is_empty() && writes.is_empty());
    bench.say("8", "m7", "t4");
    assert_eq!(bench.row("m7").unread, 1);
}

#[test]
fn a_recall_is_an_entry_and_takes_the_unread_message_with_it() {
    let mut bench = Bench::new();
    let message = bench.say("8", "m7", "t1");
    let recall = |within_ms| Change::Recall { message, within_ms };
    assert_eq!(bench.refused("m7", recall(1_000)), Code::Forbidden);
    assert_eq!(bench.refused("9", recall(1_000)), Code::NotFound, "whoever is not in it knows of nothing");
    let (done, events, writes) = bench.granted("8", recall(1_000));
    assert!(matches!(done, Done::Recalled { conversation_id: ID, conv_seq: 2, message_id: Some(_) }), "{done:?}");
    assert_eq!(writes.recalled, [(ID, 1, message, 2)]);
    let [(to, Event::Posted(Posted { entry, unread, .. })), _] = &events[..] else { panic!("{events:?}") };
    assert_eq!((to.as_str(), entry.kind, unread.unwrap().unread), ("m7", MessageType::Recall, 0));
    assert_eq!(entry.message.as_ref().unwrap().get(), format!(r#"{{"message_id":"{message}","conv_seq":1}}"#));
    let (again, events, writes) = bench.granted("8", recall(1_000));
    assert_eq!(again, Done::Recalled { conversation_id: ID, conv_seq: 2, message_id: None });
    assert!(events.is_empty() && writes.is_empty());
}

#[test]
fn a_recall_comes_too_late_after_its_time() {
    let mut bench = Bench::new();
    let message = bench.say("8", "m7", "t1");
    bench.ids = IdClock::new(0, 0, NOW + 900_000, NOW + 121_000, 0);
    assert_eq!(bench.refused("8", Change::Recall { message, within_ms: 120_000 }), Code::Refused);
    bench.granted("8", Change::Recall { message, within_ms: 121_000 });
}

#[test]
fn pins_mutes_drafts_and_deletions_are_ones_own() {
    let mut bench = Bench::new();
    let message = bench.say("8", "m7", "t1");
    let conversation = ID;
    for (rev, change) in (1..).zip([
        Change::Pin { conversation, pinned: true },
        Change::Mute { conversation, muted: true },
        Change::SaveDraft { conversation, text: "half a".into() },
        Change::Delete { message },
    ]) {
        let (_, events, writes) = bench.granted("8", change.clone());
        let [("8", state)] = states(&events)[..] else { panic!("{events:?}") };
        assert_eq!((state.rev, state.socketid.is_some()), (rev, true));
        assert_eq!(writes.members.keys().collect::<Vec<_>>(), [&(ID, user("8"))]);
        assert_eq!(bench.refused("9", change), Code::NotFound);
    }
    let row = bench.row("8");
    assert_eq!((row.pinned, row.muted, &*row.draft), (true, true, "half a"));
    assert_eq!((bench.row("m7").rev, bench.row("m7").pinned), (1, false));
}

#[test]
fn lists_change_once_and_their_revision_rises() {
    let mut bench = Bench::new();
    let add = |remark: &str| Change::AddContact { user: user("m7"), remark: remark.into() };
    let (done, events, _) = bench.granted("8", add("shop"));
    assert_eq!(done, Done::Listed { lists_rev: 1 });
    let [(_, Event::Listed(listed))] = &events[..] else { panic!("{events:?}") };
    assert_eq!(listed.change.as_ref().unwrap().op, ListOp::Add);
    let (done, events, writes) = bench.granted("8", add("shop"));
    assert_eq!(done, Done::Listed { lists_rev: 1 });
    assert!(events.is_empty() && writes.is_empty());
    assert_eq!(bench.granted("8", add("my shop")).0, Done::Listed { lists_rev: 2 });
    assert_eq!(bench.granted("8", Change::Block { user: user("m7") }).0, Done::Listed { lists_rev: 3 });
    assert_eq!(bench.granted("8", Change::RemoveContact { user: user("m7") }).0, Done::Listed { lists_rev: 4 });
    let unknown = Change::AddContact { user: user("404"), remark: "".into() };
    assert_eq!(bench.refused("8", unknown), Code::NotFound);
}

#[test]
fn without_ids_nothing_is_decided() {
    let mut bench = Bench::new();
    bench.ids = IdClock::new(0, NOW + 10, NOW + 5, NOW, 0);
    assert!(matches!(bench.decide("8", text("m7", "t1", "x")).0, Verdict::OutOfIds));
}
