//! Messages: sent, read back, taken back, deleted.

use super::{Said, Site, Stamps, short, shorts, text, user};
use store::{Change, Done, Span};
use types::{Code, Entry};

async fn history(site: &Site, who: &str, said: Said, span: Span, limit: usize) -> (Vec<String>, bool) {
    let (entries, more) = site.store.history(&user(who), said.conversation_id, span, limit).await.unwrap().unwrap();
    (shorts(&entries), more)
}

pub(crate) async fn what_is_said_stands_in_order_and_is_read_both_ways(site: Site) {
    site.meet(&["8", "m7"]).await;
    let mut said = site.say("8", "m7", "one").await;
    for (from, to, words) in [("m7", "8", "two"), ("8", "m7", "三 😀"), ("8", "m7", "four \"quoted\"")] {
        let next = site.say(from, to, words).await;
        assert_eq!((next.conversation_id, next.conv_seq), (said.conversation_id, said.conv_seq + 1));
        assert!(next.message_id > said.message_id);
        said = next;
    }
    for who in ["8", "m7"] {
        let all = ["1 one", "2 two", "3 三 😀", "4 four \"quoted\""].map(str::to_owned).to_vec();
        assert_eq!(history(&site, who, said, Span::Newest, 9).await, (all.clone(), false));
        assert_eq!(history(&site, who, said, Span::Newest, 2).await, (all[2..].to_vec(), true));
        assert_eq!(history(&site, who, said, Span::Before(3), 9).await, (all[..2].to_vec(), false));
        assert_eq!(history(&site, who, said, Span::Before(4), 2).await, (all[1..3].to_vec(), true));
        assert_eq!(history(&site, who, said, Span::After(1), 2).await, (all[1..3].to_vec(), true));
        assert_eq!(history(&site, who, said, Span::After(4), 2).await, (Vec::new(), false));
    }
    let entries = site.store.history(&user("m7"), said.conversation_id, Span::After(2), 1).await.unwrap().unwrap().0;
    let Entry::Message(third) = &entries[0] else { panic!() };
    assert_eq!((third.from_user_id.as_str(), third.to_user_id.as_ref().unwrap().as_str()), ("8", "m7"));
    assert_eq!((third.send_time, third.read_at), (third.message_id.time_ms(), None));
    assert!(third.send_time.abs_diff(site.store.now_ms()) < 60_000);
}

pub(crate) async fn many_at_once_are_numbered_without_a_gap(site: Site) {
    site.meet(&["8", "m7", "m8"]).await;
    let saying = (0..200).map(|number: u32| {
        let (from, to) = [("8", "m7"), ("m7", "8"), ("8", "m8")][number as usize % 3];
        site.say(from, to, "x")
    });
    let mut said: Vec<Said> = futures(saying).await;
    said.sort_by_key(|said| (said.conversation_id, said.conv_seq));
    for both in said.windows(2) {
        if both[0].conversation_id == both[1].conversation_id {
            assert_eq!(both[1].conv_seq, both[0].conv_seq + 1);
            assert!(both[1].message_id > both[0].message_id);
        } else {
            assert_eq!(both[1].conv_seq, 1);
        }
    }
    assert_eq!(said.iter().filter(|said| said.conv_seq == 1).count(), 2);
}

pub(crate) async fn the_same_again_is_the_same_message(site: Site) {
    site.meet(&["8", "m7", "m8"]).await;
    // Also at the same moment, from two windows.
    let (one, two) = tokio::join!(site.done("8", text("m7", "t", "hello")), site.done("8", text("m7", "t", "hello")));
    assert_eq!(one, two);
    assert_eq!(site.done("8", text("m7", "t", "hello")).await, one);
    assert_eq!(site.refused("8", text("m7", "t", "bye")).await, Code::Conflict);
    assert_eq!(site.refused("8", text("m8", "t", "hello")).await, Code::Conflict);
    assert_ne!(site.done("m7", text("8", "t", "hello")).await, one, "another sender's name");
    let Done::Sent { conversation_id, .. } = one else { panic!() };
    let (entries, _) = site.store.history(&user("8"), conversation_id, Span::Newest, 9).await.unwrap().unwrap();
    assert_eq!(shorts(&entries), ["1 hello", "2 hello"]);
    assert_eq!(site.heard_by("m7").len(), 2);
}

pub(crate) async fn who_may_not_write_changes_nothing(site: Site) {
    site.meet(&["8", "m7"]).await;
    assert_eq!(site.refused("8", text("404", "t1", "hello")).await, Code::NotFound);
    site.done("m7", Change::Block { user: user("8") }).await;
    assert_eq!(site.refused("8", text("m7", "t2", "hello")).await, Code::Blocked);
    assert_eq!(site.refused("m7", text("8", "t3", "hello")).await, Code::Blocked);
    assert!(site.store.conversations(&user("8"), None, 9).await.unwrap().is_empty());
    site.done("m7", Change::Unblock { user: user("8") }).await;
    assert_eq!(site.say("8", "m7", "at last").await.conv_seq, 1);
}

pub(crate) async fn a_recalled_message_keeps_its_place_without_its_words(site: Site) {
    site.meet(&["8", "m7", "9"]).await;
    let said = site.say("8", "m7", "a secret").await;
    site.say("m7", "8", "what?").await;
    let recall = Change::Recall { message: said.message_id, within_ms: 60_000 };
    assert_eq!(site.refused("m7", recall.clone()).await, Code::Forbidden);
    assert_eq!(site.refused("9", recall.clone()).await, Code::NotFound);
    let done = site.done("8", recall.clone()).await;
    let Done::Recalled { conversation_id, conv_seq: 3, message_id: Some(id) } = done else { panic!("{done:?}") };
    assert_eq!(conversation_id, said.conversation_id);
    assert!(id > said.message_id);
    let again = Done::Recalled { conversation_id, conv_seq: 3, message_id: None };
    assert_eq!(site.done("8", recall).await, again, "once");
    for who in ["8", "m7"] {
        let (entries, _) = history(&site, who, said, Span::Newest, 9).await;
        assert_eq!(entries, ["1 recalled", "2 what?", "3 recall"]);
    }
    let late = Change::Recall { message: site.say("8", "m7", "x").await.message_id, within_ms: 0 };
    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    assert_eq!(site.refused("8", late).await, Code::Refused);
}

pub(crate) async fn what_one_deletes_the_other_keeps(site: Site) {
    site.meet(&["8", "m7", "9"]).await;
    let said = site.say("8", "m7", "one").await;
    site.say("8", "m7", "two").await;
    assert_eq!(site.refused("9", Change::Delete { message: said.message_id }).await, Code::NotFound);
    let done = site.done("m7", Change::Delete { message: said.message_id }).await;
    assert!(matches!(done, Done::Deleted { conv_seq: 1, .. }), "{done:?}");
    assert_eq!(history(&site, "m7", said, Span::Newest, 9).await.0, ["1 deleted", "2 two"]);
    assert_eq!(history(&site, "8", said, Span::Newest, 9).await.0, ["1 one", "2 two"]);
}

pub(crate) async fn ids_are_above_all_before_them_also_after_a_new_start(mut site: Site) {
    site.meet(&["8", "m7", "9"]).await;
    let before = site.say("8", "m7", "before").await;
    let url = site.medium.clone().downcast::<super::super::Medium>().unwrap().url.clone();
    site.close().await;
    let again = Site::open(&url, "im1", Stamps::Yes, site.medium.clone()).await;
    let after = again.say("8", "m7", "after").await;
    assert_eq!(after.conv_seq, before.conv_seq + 1);
    assert!(after.message_id > before.message_id);
    assert!(again.say("9", "m7", "elsewhere").await.message_id > before.message_id);
    assert_eq!(history(&again, "m7", after, Span::Newest, 9).await.0, ["1 before", "2 after"]);
}

pub(crate) async fn the_senders_own_name_comes_back_to_the_sender_alone(site: Site) {
    site.meet(&["8", "m7"]).await;
    let Done::Sent { conversation_id, .. } = site.done("8", text("m7", "my-name-1", "hello")).await else { panic!() };
    for (who, wanted) in [("8", Some("my-name-1")), ("m7", None)] {
        let (entries, _) = site.store.history(&user(who), conversation_id, Span::Newest, 1).await.unwrap().unwrap();
        let Entry::Message(message) = &entries[0] else { panic!() };
        assert_eq!(message.temp_message_id.as_deref(), wanted);
    }
}

pub(crate) async fn whoever_is_not_in_a_conversation_reads_nothing(site: Site) {
    site.meet(&["8", "m7", "9"]).await;
    let said = site.say("8", "m7", "private").await;
    assert!(site.store.history(&user("9"), said.conversation_id, Span::Newest, 9).await.unwrap().is_none());
    for change in [
        Change::Read { conversation: said.conversation_id, messages: vec![said.message_id] },
        Change::ClearUnread { conversation: said.conversation_id, up_to: 1 },
        Change::Pin { conversation: said.conversation_id, pinned: true },
        Change::Mute { conversation: said.conversation_id, muted: true },
        Change::SaveDraft { conversation: said.conversation_id, text: "x".into() },
    ] {
        assert_eq!(site.refused("9", change).await, Code::NotFound);
    }
    let (entries, _) = site.store.history(&user("8"), said.conversation_id, Span::Newest, 9).await.unwrap().unwrap();
    assert_eq!(short(&entries[0]), "1 private");
}

/// All at once.
pub(crate) async fn futures<T>(all: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    futures_util::future::join_all(all).await
}
