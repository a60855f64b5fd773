//! Conversations as each of those in them sees them.

use super::{Site, shorts, user};
use store::{Change, Done, Range, Span, Summary};
use types::{Entry, MessageId};

async fn list(site: &Site, who: &str) -> Vec<Summary> {
    site.store.conversations(&user(who), None, 100).await.unwrap()
}

fn peers(list: &[Summary]) -> Vec<&str> {
    list.iter().map(|summary| summary.peer.as_str()).collect()
}

pub(crate) async fn a_list_has_pinned_ones_first_and_then_the_newest(site: Site) {
    site.meet(&["m7", "1", "2", "3", "4"]).await;
    let mut said = Vec::new();
    for from in ["1", "2", "3", "4"] {
        said.push(site.say(from, "m7", &format!("I am {from}")).await);
    }
    site.say("m7", "2", "hello").await;
    assert_eq!(peers(&list(&site, "m7").await), ["2", "4", "3", "1"]);
    let newest = &list(&site, "m7").await[0];
    assert_eq!((newest.head, newest.unread), (2, 1));
    assert_eq!(shorts(&[newest.last.clone().unwrap()]), ["2 hello"]);
    for pinned in [&said[0], &said[2]] {
        site.done("m7", Change::Pin { conversation: pinned.conversation_id, pinned: true }).await;
    }
    let list_of = list(&site, "m7").await;
    assert_eq!(peers(&list_of), ["3", "1", "2", "4"]);
    assert_eq!(list_of.iter().map(|one| one.pinned).collect::<Vec<_>>(), [true, true, false, false]);
    assert_eq!(peers(&list(&site, "1").await), ["m7"], "pins are one's own");
    assert!(!list(&site, "1").await[0].pinned);
}

pub(crate) async fn a_list_comes_in_pages(site: Site) {
    let buyers: Vec<String> = (1..=9).map(|number| number.to_string()).collect();
    let all: Vec<&str> = buyers.iter().map(String::as_str).chain(["m7"]).collect();
    site.meet(&all).await;
    for buyer in &buyers {
        let said = site.say(buyer, "m7", "hi").await;
        if ["2", "5", "6"].contains(&buyer.as_str()) {
            site.done("m7", Change::Pin { conversation: said.conversation_id, pinned: true }).await;
        }
    }
    for limit in [1, 2, 3, 4, 9] {
        let mut found = Vec::new();
        let mut after = None;
        loop {
            let page = site.store.conversations(&user("m7"), after, limit).await.unwrap();
            let Some(last) = page.last() else { break };
            after = Some((last.pinned, last.last_message_id));
            found.extend(page.iter().map(|one| one.peer.to_string()));
        }
        assert_eq!(found, ["6", "5", "2", "9", "8", "7", "4", "3", "1"], "{limit} at a time");
    }
}

pub(crate) async fn what_changed_since_a_time_is_found(site: Site) {
    site.meet(&["m7", "1", "2", "3"]).await;
    let first = site.say("1", "m7", "x").await;
    site.say("2", "m7", "x").await;
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let since = site.store.now_ms();
    assert_eq!(site.store.changed_since(&user("m7"), since + 10_000, 9).await.unwrap().len(), 0);
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    site.say("3", "m7", "x").await;
    site.done("m7", Change::Mute { conversation: first.conversation_id, muted: true }).await;
    let changed = site.store.changed_since(&user("m7"), since, 9).await.unwrap();
    let mut found = peers(&changed);
    found.sort_unstable();
    assert_eq!(found, ["1", "3"]);
    assert_eq!(site.store.changed_since(&user("m7"), since, 1).await.unwrap().len(), 1);
    assert_eq!(site.store.changed_since(&user("m7"), 0, 9).await.unwrap().len(), 3);
    assert!(site.store.changed_since(&user("2"), since, 9).await.unwrap().is_empty());
}

pub(crate) async fn read_marks_are_in_the_history_and_told_since_a_time(site: Site) {
    site.meet(&["8", "m7"]).await;
    let (one, two) = (site.say("8", "m7", "one").await, site.say("8", "m7", "two").await);
    let conversation = one.conversation_id;
    let read = |messages: &[MessageId]| Change::Read { conversation, messages: messages.to_vec() };
    let Done::Read { saved, read_at, unread, .. } = site.done("m7", read(&[one.message_id])).await else { panic!() };
    assert_eq!((saved, unread), (vec![one.message_id], 1));
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let since = site.store.now_ms();
    site.done("m7", read(&[one.message_id, two.message_id])).await;
    for who in ["8", "m7"] {
        let (entries, _) = site.store.history(&user(who), conversation, Span::Newest, 9).await.unwrap().unwrap();
        let marks: Vec<_> = entries
            .iter()
            .map(|entry| if let Entry::Message(message) = entry { message.read_at } else { None })
            .collect();
        assert_eq!(marks[0], Some(read_at), "the first mark stands");
        assert!(marks[1].unwrap() >= since);
    }
    let (marks, deleted) = site.store.marks_since(&user("8"), &[conversation], since).await.unwrap();
    assert_eq!(marks.iter().map(|mark| mark.message_id).collect::<Vec<_>>(), [two.message_id]);
    assert_eq!(marks[0].from, user("8"));
    assert!(deleted.is_empty());
    site.done("m7", Change::Delete { message: two.message_id }).await;
    let (marks, deleted) = site.store.marks_since(&user("m7"), &[conversation], since).await.unwrap();
    assert_eq!((marks.len(), deleted[&conversation].clone()), (1, vec![2]));
}

pub(crate) async fn unread_is_counted_cleared_and_read(site: Site) {
    site.meet(&["8", "m7"]).await;
    let mut said = Vec::new();
    for number in 0..5 {
        said.push(site.say("8", "m7", &number.to_string()).await);
    }
    let conversation = said[0].conversation_id;
    let unread = async || list(&site, "m7").await[0].unread;
    assert_eq!((unread().await, list(&site, "8").await[0].unread), (5, 0));
    site.done("m7", Change::Read { conversation, messages: vec![said[1].message_id] }).await;
    assert_eq!(unread().await, 4);
    let done = site.done("m7", Change::ClearUnread { conversation, up_to: 3 }).await;
    assert!(matches!(done, Done::Cleared { unread: 2, .. }), "{done:?}");
    site.done("m7", Change::Read { conversation, messages: vec![said[0].message_id, said[3].message_id] }).await;
    assert_eq!(unread().await, 1, "the first one was cleared before");
    site.done("8", Change::Recall { message: said[4].message_id, within_ms: 60_000 }).await;
    assert_eq!(unread().await, 0);
    site.say("8", "m7", "again").await;
    assert_eq!(unread().await, 1);
    site.done("m7", Change::ClearUnread { conversation, up_to: 1_000 }).await;
    assert_eq!(unread().await, 0);
    let (marks, _) = site.store.marks_since(&user("8"), &[conversation], 0).await.unwrap();
    assert_eq!(marks.len(), 3, "clearing marks nothing as read");
}

pub(crate) async fn state_is_kept(site: Site) {
    site.meet(&["8", "m7"]).await;
    let conversation = site.say("8", "m7", "x").await.conversation_id;
    let draft = "我想问 😀".to_owned();
    let mut revs = Vec::new();
    for change in [
        Change::Pin { conversation, pinned: true },
        Change::Mute { conversation, muted: true },
        Change::SaveDraft { conversation, text: draft.as_str().into() },
    ] {
        let Done::Set { rev } = site.done("m7", change).await else { panic!() };
        revs.push(rev);
    }
    assert_eq!(revs, [2, 3, 4], "the message was the first");
    let row = &list(&site, "m7").await[0];
    assert_eq!((row.pinned, row.muted, &*row.draft, row.rev), (true, true, &*draft, 4));
    site.say("8", "m7", "y").await;
    let row = &list(&site, "m7").await[0];
    assert_eq!((row.pinned, row.muted, &*row.draft, row.rev, row.unread), (true, true, &*draft, 5, 2));
    site.done("m7", Change::SaveDraft { conversation, text: "".into() }).await;
    assert_eq!(&*list(&site, "m7").await[0].draft, "");
    assert_eq!(&*list(&site, "8").await[0].draft, "");
}

pub(crate) async fn ranges_of_many_conversations_come_at_once(site: Site) {
    let buyers: Vec<String> = (1..=120).map(|number| number.to_string()).collect();
    let all: Vec<&str> = buyers.iter().map(String::as_str).chain(["m7"]).collect();
    site.meet(&all).await;
    let mut ranges = Vec::new();
    for part in buyers.chunks(40) {
        let saying = part.iter().map(async |buyer| {
            site.say(buyer, "m7", "one").await;
            site.say(buyer, "m7", "two").await;
            site.say(buyer, "m7", "three").await
        });
        for said in super::messages::futures(saying).await {
            ranges.push(Range { conversation: said.conversation_id, above: 1, up_to: 3 });
        }
    }
    let entries = site.store.entries(&user("m7"), &ranges).await.unwrap();
    assert_eq!(entries.len(), 240);
    for pair in entries.chunks(2) {
        assert_eq!(pair[0].conversation_id(), pair[1].conversation_id());
        assert_eq!(shorts(pair), ["2 two", "3 three"]);
    }
    assert!(site.store.entries(&user("m7"), &[]).await.unwrap().is_empty());
}
