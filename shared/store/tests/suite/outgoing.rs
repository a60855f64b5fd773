//! What a commit must bring about elsewhere.

use super::{Site, Stamps, eventually, text, user};
use store::{Change, Done, Reference};
use types::{Event, MessageType};

pub(crate) async fn what_is_committed_is_to_be_published_to_both(site: Site) {
    site.meet(&["8", "m7"]).await;
    let said = site.say("8", "m7", "hello").await;
    for (who, other) in [("8", "m7"), ("m7", "8")] {
        let heard = site.heard_by(who);
        let [Event::Posted(posted)] = &heard[..] else { panic!("{heard:?}") };
        assert_eq!((posted.entry.message_id, posted.entry.conv_seq), (said.message_id, 1));
        assert_eq!(posted.unread.is_some(), who == "m7");
        assert_eq!(posted.entry.temp_message_id.is_some(), who == "8");
        assert!([&posted.entry.from_user_id, posted.entry.to_user_id.as_ref().unwrap()].contains(&&user(other)));
    }
}

/// As if the process had died between commit and publishing: another start finds it, at once if it is the same process.
pub(crate) async fn what_was_not_published_is_found_again(mut site: Site) {
    site.meet(&["8", "m7"]).await;
    site.say("8", "m7", "published").await;
    // The stamp goes out with the next look after the house, or when the store closes.
    let url = site.medium.clone().downcast::<super::super::Medium>().unwrap().url.clone();
    site.close().await;
    let mut dying = Site::open(&url, "im1", Stamps::No, site.medium.clone()).await;
    let said = dying.say("8", "m7", "not published").await;
    dying.close().await;
    let mut next = Site::open(&url, "im1", Stamps::Yes, site.medium.clone()).await;
    let (outbox, references) =
        tokio::time::timeout(super::PATIENCE, next.found.recv()).await.expect("it is found").unwrap();
    let wanted = |who: &str| Reference::Entry(user(who), said.conversation_id, said.conv_seq);
    assert_eq!(references, [wanted("m7"), wanted("8")]);
    let events = next.store.events(&references, 0).await.unwrap();
    let [(first, Event::Posted(own)), (second, Event::Posted(theirs))] = &events[..] else { panic!("{events:?}") };
    assert_eq!((first.as_str(), second.as_str()), ("8", "m7"));
    assert_eq!(own.entry.message_id, said.message_id);
    assert_eq!(theirs.unread.unwrap().unread, 2);
    next.store.stamp(outbox);
    next.close().await;
    let mut last = Site::open(&url, "im1", Stamps::Yes, site.medium.clone()).await;
    // What is found is found before the first change is answered.
    last.say("8", "m7", "more").await;
    tokio::time::sleep(std::time::Duration::from_millis(700)).await;
    assert!(last.found.try_recv().is_err(), "it was published");
}

pub(crate) async fn the_outbox_tells_what_was_missed(site: Site) {
    site.meet(&["8", "m7"]).await;
    let old = site.say("8", "m7", "old").await;
    let other = site.say("8", "m7", "other").await;
    tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    let since = site.store.now_ms();
    let said = site.say("m7", "8", "new").await;
    let conversation = said.conversation_id;
    let mut read = Vec::new();
    for id in [old.message_id, other.message_id] {
        let done = site.done("m7", Change::Read { conversation, messages: vec![id] }).await;
        let Done::Read { read_at, .. } = done else { panic!("{done:?}") };
        read.push((vec![id], read_at));
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
    site.done("8", Change::SaveDraft { conversation, text: "draft".into() }).await;
    site.done("8", Change::Block { user: user("m7") }).await;
    site.done("8", Change::SetProfile { nickname: "八".into(), avatar: "".into() }).await;
    let start = site.store.outbox_at(since).expect("it reaches back so far");
    assert_eq!(site.store.outbox_at(since - 3_600_000), None, "not an hour");
    let mut references = Vec::new();
    let mut after = start;
    while let Some((last, more)) = site.store.outbox_after(after).await.unwrap() {
        references.extend(more.into_iter().filter(|reference| *reference.user() == user("8")));
        after = last;
    }
    assert_eq!(references.len(), 6, "{references:?}");
    let events = site.store.events(&references, since).await.unwrap();
    let posted =
        events.iter().find_map(|(_, event)| if let Event::Posted(posted) = event { Some(posted) } else { None });
    assert_eq!(posted.unwrap().entry.message_id, said.message_id);
    assert_eq!(posted.unwrap().entry.kind, MessageType::Text);
    // Each with the time that it has on every other device.
    let told = events.iter().filter_map(|(_, event)| match event {
        Event::State(state) => state.read.as_ref(),
        _ => None,
    });
    let told: Vec<_> = told.map(|one| (one.by.as_str(), one.message_ids.clone(), one.read_at)).collect();
    let as_read: Vec<_> = read.into_iter().map(|(ids, read_at)| ("m7", ids, read_at)).collect();
    assert_eq!(told, as_read);
    let draft = events.iter().find_map(|(_, event)| match event {
        Event::State(state) => state.draft.as_deref(),
        _ => None,
    });
    assert_eq!(draft, Some("draft"));
    assert!(events.iter().any(|(_, event)| matches!(event, Event::Listed(listed) if listed.lists_rev == 1)));
    assert!(events.iter().any(|(_, event)| matches!(event, Event::Profile(profile) if &*profile.nickname == "八")));
    assert!(site.store.events(&[], 0).await.unwrap().is_empty());
}

pub(crate) async fn what_waits_is_committed_when_the_store_closes(mut site: Site) {
    site.meet(&["8", "m7"]).await;
    eventually("the store is open", async || site.store.trouble().is_none().then_some(())).await;
    let store = site.store.clone();
    let waiting: Vec<_> = (0..50)
        .map(|number: u32| {
            let store = store.clone();
            let change = text("m7", &format!("last{number}"), "x");
            let request = store::Request { by: user("8"), socket: None, change };
            tokio::spawn(async move { store.change(request).await })
        })
        .collect();
    tokio::task::yield_now().await;
    site.close().await;
    let mut committed = 0;
    for one in waiting {
        match one.await.unwrap() {
            Ok(granted) => {
                assert!(matches!(granted.done, Done::Sent { .. }));
                committed += 1;
            }
            // What came too late was refused, and is not there.
            Err(failure) => assert_eq!(failure.code, types::Code::Unavailable),
        }
    }
    let list = site.store.conversations(&user("8"), None, 1).await.unwrap();
    assert_eq!(list.first().map_or(0, |row| row.head), committed);
}
