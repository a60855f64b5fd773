//! Commands that keep something, through the store and the bus and back to windows.

use crate::harness::{Process, TestWindow, two_that_keep};
use chat::WordList;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// Sends a text; what it was answered.
async fn say(process: &Process, window: &TestWindow, to: &str, name: &str, words: &str) -> Value {
    let payload =
        json!({"temp_message_id": name, "chat_type": "p2p", "to_user_id": to, "type": "text", "message": words});
    process.ask(window, "sendMessage", &payload.to_string()).await
}

async fn said(process: &Process, window: &TestWindow, to: &str, name: &str) -> Value {
    let answer = say(process, window, to, name, name).await;
    assert_eq!(answer["ok"], true, "{answer}");
    answer
}

/// Waits until so many events of this name came.
async fn heard(window: &TestWindow, name: &str, count: usize) -> Vec<Value> {
    let mut found = Vec::new();
    for _ in 0..1_000 {
        let news = window.heard().into_iter();
        found.extend(news.filter(|(event, _)| *event == name).map(|(_, value)| value));
        if found.len() >= count {
            assert_eq!(found.len(), count, "{found:?}");
            return found;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    panic!("{name} came {} times", found.len())
}

async fn ask(process: &Process, window: &TestWindow, name: &str, payload: Value) -> Value {
    let answer = process.ask(window, name, &payload.to_string()).await;
    assert_eq!(answer["ok"], true, "{name}: {answer}");
    answer
}

#[tokio::test]
async fn a_message_reaches_the_receiver_and_the_senders_other_windows_and_is_acknowledged_to_the_one_that_sent_it() {
    let (a, b, _store, _folder) = two_that_keep(Arc::new(())).await;
    let (sender, other, receiver) =
        (a.window("8", "a.1").await, b.window("8", "b.1").await, b.window("m7", "b.2").await);
    let answer = said(&a, &sender, "m7", "t1").await;
    assert_eq!((&answer["temp_message_id"], &answer["conv_seq"], &answer["v"]), (&json!("t1"), &json!(1), &json!(1)));
    let id: u64 = answer["message_id"].as_str().unwrap().parse().unwrap();
    assert_eq!(answer["send_time"], json!(id >> 21));

    let push = heard(&receiver, "messagePush", 1).await.remove(0);
    assert_eq!((&push["message_id"], &push["message"], &push["v"]), (&answer["message_id"], &json!("t1"), &json!(1)));
    assert_eq!((&push["unread"], &push["rev"]), (&json!(1), &json!(1)));
    assert_eq!(push.get("temp_message_id"), None);
    let push = heard(&other, "messagePush", 1).await.remove(0);
    assert_eq!((&push["temp_message_id"], push.get("unread")), (&json!("t1"), None));
    assert_eq!(sender.heard(), []);
    let again = said(&a, &sender, "m7", "t1").await;
    assert_eq!(again["message_id"], answer["message_id"]);
    // A marker behind it: nothing was pushed twice.
    said(&a, &sender, "m7", "t2").await;
    assert_eq!(heard(&receiver, "messagePush", 1).await[0]["conv_seq"], 2);
}

#[tokio::test]
async fn what_may_not_be_sent_has_its_code() {
    let (a, _b, _store, _folder) = two_that_keep(Arc::new(())).await;
    let (window, shop) = (a.window("8", "a.1").await, a.window("m7", "a.2").await);
    let code = async |to: &str, words: &str| say(&a, &window, to, "t1", words).await["error"]["code"].clone();
    assert_eq!(code("8", "to myself").await, "bad_request");
    assert_eq!(code("404", "to nobody").await, "not_found");
    assert_eq!(code("m7", &"x".repeat(70_000)).await, "too_large");
    ask(&a, &shop, "block", json!({"user_id": "8"})).await;
    assert_eq!(code("m7", "hello").await, "blocked");
    ask(&a, &shop, "unblock", json!({"user_id": "8"})).await;
    assert_eq!(say(&a, &window, "m7", "t1", "hello").await["ok"], true);
    assert_eq!(code("m7", "something else").await, "conflict");
    let history = ask(&a, &shop, "listConversations", json!({})).await;
    assert_eq!(history["conversations"][0]["head"], 1, "of all that one was kept");
}

#[tokio::test]
async fn the_hook_sees_texts_before_they_are_kept() {
    let hook = Arc::new(WordList::parse("spam\n!bomb"));
    let (a, _b, _store, _folder) = two_that_keep(hook).await;
    let (window, shop) = (a.window("8", "a.1").await, a.window("m7", "a.2").await);
    assert_eq!(say(&a, &window, "m7", "t1", "a bomb").await["error"]["code"], "refused");
    let answer = say(&a, &window, "m7", "t2", "no Spam").await;
    assert_eq!(heard(&shop, "messagePush", 1).await[0]["message"], "no ****");
    assert_eq!(say(&a, &window, "m7", "t2", "no Spam").await["message_id"], answer["message_id"], "the same again");
}

#[tokio::test]
async fn state_of_a_conversation_is_the_same_in_all_windows() {
    let (a, b, _store, _folder) = two_that_keep(Arc::new(())).await;
    let (buyer, one, two) = (a.window("8", "a.1").await, a.window("m7", "a.2").await, b.window("m7", "b.1").await);
    let sent = said(&a, &buyer, "m7", "t1").await;
    let conversation = &sent["conversation_id"];
    heard(&two, "messagePush", 1).await;
    for (name, more, what) in [
        ("pinConversation", json!({"pinned": true}), "pinned"),
        ("muteConversation", json!({"muted": true}), "muted"),
        ("saveDraft", json!({"text": "half"}), "draft"),
        ("clearUnread", json!({"up_to": 1}), "unread"),
    ] {
        let mut payload = more;
        payload["conversation_id"] = conversation.clone();
        let answer = ask(&a, &one, name, payload).await;
        let push = heard(&two, "statePush", 1).await.remove(0);
        assert_eq!((&push["rev"], &push["v"]), (&answer["rev"], &answer["v"]), "{name}");
        assert!(push.get(what).is_some(), "{name}: {push}");
        assert_eq!(push.get("socketid"), None);
    }
    let read = json!({"conversation_id": conversation, "message_ids": [sent["message_id"], "404"]});
    let answer = ask(&a, &one, "readMessage", read).await;
    assert_eq!((&answer["saved"], &answer["unread"]), (&json!([sent["message_id"]]), &json!(0)));
    let seen = heard(&buyer, "statePush", 1).await.remove(0);
    assert_eq!(seen["read"], json!({"message_ids": [sent["message_id"]], "read_at": answer["read_at"], "by": "m7"}));
    assert_eq!(heard(&two, "statePush", 1).await[0]["unread"], 0);
    assert!(one.heard().iter().all(|(name, _)| *name != "statePush"), "the window that caused it was answered");

    let deleted = ask(&b, &two, "deleteMessage", json!({"message_id": sent["message_id"]})).await;
    assert_eq!(heard(&one, "statePush", 1).await[0]["deleted"], json!([1]));
    assert_eq!(deleted["conv_seq"], 1);
    let recalled = ask(&a, &buyer, "recallMessage", json!({"message_id": sent["message_id"]})).await;
    assert_eq!(recalled["conv_seq"], 2);
    let push = heard(&one, "recallPush", 1).await.remove(0);
    assert_eq!(push["message"], json!({"message_id": sent["message_id"], "conv_seq": 1}));
    let history = ask(&a, &buyer, "history", json!({"conversation_id": conversation})).await;
    assert_eq!(
        (&history["messages"][0]["recalled"], &history["messages"][1]["type"]),
        (&json!(true), &json!("recall"))
    );
}

#[tokio::test]
async fn a_first_sync_comes_in_pages_and_its_token_knows_of_nothing_missed() {
    let (a, _b, _store, _folder) = two_that_keep(Arc::new(())).await;
    let shop = a.window("m7", "a.0").await;
    for buyer in 1..=25 {
        let window = a.window(&buyer.to_string(), &format!("a.{buyer}")).await;
        for number in 0..3 {
            said(&a, &window, "m7", &format!("t{number}")).await;
        }
    }
    let (mut named, mut messages, mut request) = (Vec::new(), HashSet::new(), json!({"limit": 200}));
    let last = loop {
        let page = ask(&a, &shop, "sync", request).await;
        for one in page["conversations"].as_array().unwrap() {
            // The last page names again what changed of late.
            if !named.contains(&one["user_id"]) {
                named.push(one["user_id"].clone());
            }
        }
        messages.extend(page["messages"].as_array().unwrap().iter().map(|one| one["message_id"].to_string()));
        if page["more"] == false {
            break page;
        }
        assert_eq!(page.get("token"), None);
        request = json!({"cursor": page["cursor"], "limit": 200});
    };
    let newest_first: Vec<Value> = (1..=25).rev().map(|buyer: u32| json!(buyer.to_string())).collect();
    assert_eq!((named, messages.len()), (newest_first, 75));
    assert_eq!(last["v"], 75);
    let again = ask(&a, &shop, "sync", json!({"token": last["token"], "v": 75})).await;
    assert_eq!((&again["conversations"], &again["more"]), (&json!([]), &json!(false)));
    assert_eq!((&again["v"], again.get("lists_rev")), (&json!(75), None), "nothing of the store was read");
}

#[tokio::test]
async fn a_later_sync_brings_what_was_missed_and_nothing_else() {
    let (a, _b, _store, _folder) = two_that_keep(Arc::new(())).await;
    let (shop, one, two) = (a.window("m7", "a.0").await, a.window("1", "a.1").await, a.window("2", "a.2").await);
    let first = said(&a, &one, "m7", "t1").await;
    let read = said(&a, &shop, "1", "s1").await;
    said(&a, &two, "m7", "t1").await;
    let start = ask(&a, &shop, "sync", json!({})).await;
    let token = &start["token"];
    for number in 2..=30 {
        said(&a, &one, "m7", &format!("t{number}")).await;
    }
    let conversation = &first["conversation_id"];
    ask(&a, &one, "readMessage", json!({"conversation_id": conversation, "message_ids": [read["message_id"]]})).await;
    ask(&a, &shop, "addContact", json!({"user_id": "1"})).await;

    let named = ask(&a, &shop, "sync", json!({"token": token, "v": start["v"]})).await;
    let changed = named["conversations"].as_array().unwrap();
    // What changed shortly before the token is named again: it does no harm.
    let one_of = changed.iter().find(|row| row["user_id"] == "1").unwrap();
    assert_eq!((&one_of["head"], &one_of["unread"]), (&json!(31), &json!(30)));
    assert_eq!(one_of["read"][0]["message_ids"], json!([read["message_id"]]));
    assert_eq!((&named["messages"], &named["more"]), (&json!([]), &json!(true)));
    let mut heads = serde_json::Map::new();
    for row in changed {
        let head = if row["user_id"] == "1" { json!(2) } else { row["head"].clone() };
        heads.insert(row["conversation_id"].as_str().unwrap().to_owned(), head);
    }
    let id = conversation.as_str().unwrap();
    let (mut seqs, mut others, mut pages) = (Vec::new(), Vec::new(), 0);
    let mut cursor = named["cursor"].clone();
    let last = loop {
        let request = json!({"token": token, "cursor": cursor, "heads": heads, "limit": 20});
        let mut page = ask(&a, &shop, "sync", request).await;
        pages += 1;
        let entries = page["messages"].as_array().unwrap();
        let (ours, theirs): (Vec<_>, Vec<_>) =
            entries.iter().partition(|entry| entry["conversation_id"] == *conversation);
        seqs.extend(ours.iter().map(|entry| entry["conv_seq"].as_u64().unwrap()));
        others.extend(theirs.iter().map(|entry| entry["message"].clone()));
        if page["more"] == false {
            break page;
        }
        heads[id] = ours.last().unwrap()["conv_seq"].clone();
        cursor = page["cursor"].take();
        if pages == 1 {
            // What comes between the rounds comes with the next.
            said(&a, &two, "m7", "between").await;
        }
    };
    assert_eq!((seqs, others, pages), ((3..=31).collect(), vec![json!("between")], 2));
    assert_eq!(last["v"], 34, "as it was when this sync began: 32 messages, a mark and a contact");
    assert_eq!(last["lists_rev"], 1);
    let again = ask(&a, &shop, "sync", json!({"token": last["token"], "v": 35})).await;
    assert_eq!(again["conversations"], json!([]), "the push of what came between was heard");
}

#[tokio::test]
async fn what_changes_while_a_later_sync_goes_on_and_whose_push_is_lost_is_not_missed() {
    let (a, _b, _store, _folder) = two_that_keep(Arc::new(())).await;
    let (shop, buyer) = (a.window("m7", "a.1").await, a.window("8", "a.2").await);
    let conversation = said(&a, &buyer, "m7", "t1").await["conversation_id"].clone();
    let start = ask(&a, &shop, "sync", json!({})).await;
    said(&a, &buyer, "m7", "t2").await;
    let named = ask(&a, &shop, "sync", json!({"token": start["token"], "v": start["v"]})).await;
    // Another window pins it, and this one hears nothing of that.
    let other = a.window("m7", "a.3").await;
    ask(&a, &other, "pinConversation", json!({"conversation_id": conversation, "pinned": true})).await;
    let heads = json!({conversation.as_str().unwrap(): 1});
    let with_cursor = json!({"token": start["token"], "heads": heads, "cursor": named["cursor"]});
    let without = json!({"token": start["token"], "heads": heads});
    for request in [with_cursor, without] {
        let last = ask(&a, &shop, "sync", request).await;
        assert_eq!((&last["more"], last["messages"].as_array().unwrap().len()), (&json!(false), 1));
        let again = ask(&a, &shop, "sync", json!({"token": last["token"], "v": last["v"]})).await;
        assert_eq!(again["conversations"][0]["pinned"], true, "{again}");
    }
    let forged = json!({"token": start["token"], "heads": heads, "cursor": "nonsense"});
    assert_eq!(a.refused(&shop, "sync", &forged.to_string()).await, "bad_request");
}

#[tokio::test]
async fn a_conversation_that_moves_to_the_front_between_two_pages_is_named() {
    let (a, _b, _store, _folder) = two_that_keep(Arc::new(())).await;
    let shop = a.window("m7", "a.0").await;
    let mut windows = Vec::new();
    for buyer in 1..=4 {
        let window = a.window(&buyer.to_string(), &format!("a.{buyer}")).await;
        said(&a, &window, "m7", "first").await;
        windows.push(window);
    }
    // Pages of two conversations: 4 and 3, then 2 and 1, and 2 moves to the front meanwhile.
    let first = ask(&a, &shop, "sync", json!({"limit": 40})).await;
    said(&a, &windows[1], "m7", "second").await;
    let last = ask(&a, &shop, "sync", json!({"cursor": first["cursor"], "limit": 40})).await;
    assert_eq!(last["more"], false);
    let mut named: Vec<(String, u64)> = Vec::new();
    for page in [&first, &last] {
        let rows = page["conversations"].as_array().unwrap().iter();
        named.extend(rows.map(|row| (row["user_id"].as_str().unwrap().to_owned(), row["head"].as_u64().unwrap())));
    }
    assert!(named.contains(&("2".to_owned(), 2)), "{named:?}");
    let entries = last["messages"].as_array().unwrap();
    assert!(entries.iter().any(|entry| entry["message"] == "second"), "{entries:?}");
}

#[tokio::test]
async fn a_token_that_is_of_no_use_begins_anew() {
    let (a, _b, _store, _folder) = two_that_keep(Arc::new(())).await;
    let (shop, other) = (a.window("m7", "a.0").await, a.window("8", "a.1").await);
    said(&a, &other, "m7", "t1").await;
    let theirs = ask(&a, &other, "sync", json!({})).await["token"].clone();
    for token in [json!("nonsense"), json!(""), theirs] {
        let page = ask(&a, &shop, "sync", json!({ "token": token })).await;
        assert_eq!((&page["reset"], page["conversations"].as_array().unwrap().len()), (&json!(true), 1));
    }
    assert_eq!(a.refused(&shop, "sync", r#"{"cursor":"nonsense"}"#).await, "bad_request");
    let progress = ask(&a, &shop, "sync", json!({})).await;
    assert_eq!(progress.get("reset"), None);
}

#[tokio::test]
async fn what_a_process_missed_is_told_from_the_store() {
    let (a, _b, store, _folder) = two_that_keep(Arc::new(())).await;
    let (buyer, _shop) = (a.window("8", "a.1").await, a.window("m7", "a.2").await);
    let since = store.now_ms();
    let answer = said(&a, &buyer, "m7", "t1").await;
    let users: HashSet<_> = HashSet::from(["m7".parse().unwrap()]);
    let chat::Missed::Events(events) = a.chat.missed(&users, since).await.unwrap() else { panic!("too long") };
    let [(user, types::Event::Posted(posted))] = &events[..] else { panic!("{events:?}") };
    assert_eq!((user.as_str(), json!(posted.entry.message_id)), ("m7", answer["message_id"].clone()));
    let long_ago = a.chat.missed(&users, since - 3_600_000).await.unwrap();
    assert!(matches!(long_ago, chat::Missed::TooLong));
}

#[tokio::test]
async fn a_device_acknowledges_and_what_it_does_not_is_sent_again() {
    let (a, _b, _store, _folder) = two_that_keep(Arc::new(())).await;
    let (buyer, shop) = (a.window("8", "a.1").await, a.window("m7", "a.2").await);
    let answer = said(&a, &buyer, "m7", "t1").await;
    said(&a, &buyer, "m7", "t2").await;
    heard(&shop, "messagePush", 2).await;
    ask(&a, &shop, "ackMessage", json!({"conversation_id": answer["conversation_id"], "conv_seq": 1})).await;
    let conversation = serde_json::from_value(answer["conversation_id"].clone()).unwrap();
    a.chat.repeat(&shop, &[(conversation, 1, 2)]).await;
    let again = heard(&shop, "messagePush", 1).await.remove(0);
    assert_eq!((&again["conv_seq"], again.get("v")), (&json!(2), None));
}

#[tokio::test]
async fn people_and_lists() {
    let (a, b, _store, _folder) = two_that_keep(Arc::new(())).await;
    let (one, two) = (a.window("8", "a.1").await, b.window("8", "b.1").await);
    a.window("m7", "a.2").await;
    let answer = ask(&a, &one, "addContact", json!({"user_id": "m7", "remark": "好店"})).await;
    let push = heard(&two, "listsPush", 1).await.remove(0);
    let change = json!({"list": "contacts", "op": "add", "user_id": "m7", "remark": "好店"});
    assert_eq!((&push["change"], &push["lists_rev"]), (&change, &answer["lists_rev"]));
    let contacts = ask(&b, &two, "listContacts", json!({})).await;
    assert_eq!(contacts["contacts"], json!([{"user_id": "m7", "nickname": "", "avatar": "", "remark": "好店"}]));
    ask(&a, &one, "block", json!({"user_id": "m7"})).await;
    assert_eq!(ask(&a, &one, "listBlocked", json!({})).await["users"][0]["user_id"], "m7");
    assert_eq!(ask(&a, &one, "searchUsers", json!({"q": "好"})).await["users"][0]["user_id"], "m7");
    let profiles = ask(&a, &one, "getProfiles", json!({"user_ids": ["m7", "404"]})).await;
    assert_eq!(profiles["users"].as_array().unwrap().len(), 1);
    for (name, payload) in
        [("block", r#"{"user_id":"8"}"#), ("addContact", r#"{"user_id":"8"}"#), ("searchUsers", r#"{"q":" "}"#)]
    {
        assert_eq!(a.refused(&one, name, payload).await, "bad_request", "{name}");
    }
}

#[tokio::test]
async fn no_answer_is_larger_than_a_phone_takes_in_a_moment() {
    const LARGE: usize = 60_000;
    let (a, _b, _store, _folder) = two_that_keep(Arc::new(())).await;
    let (buyer, shop) = (a.window("8", "a.1").await, a.window("m7", "a.2").await);
    let start = ask(&a, &shop, "sync", json!({})).await;
    let mut conversation = Value::Null;
    for number in 1..=30 {
        let answer = say(&a, &buyer, "m7", &format!("t{number}"), &"x".repeat(LARGE)).await;
        conversation = answer["conversation_id"].clone();
    }
    let numbers = |page: &Value| -> Vec<u64> {
        let entries = page["messages"].as_array().unwrap();
        assert!(page.to_string().len() < 600_000, "{} bytes", page.to_string().len());
        entries.iter().map(|entry| entry["conv_seq"].as_u64().unwrap()).collect()
    };
    let newest = ask(&a, &shop, "history", json!({"conversation_id": conversation, "limit": 200})).await;
    assert_eq!((numbers(&newest), &newest["more"]), ((23..=30).collect(), &json!(true)));
    let before = ask(&a, &shop, "history", json!({"conversation_id": conversation, "before": 23, "limit": 200})).await;
    assert_eq!((numbers(&before), &before["more"]), ((15..=22).collect(), &json!(true)));
    let after = ask(&a, &shop, "history", json!({"conversation_id": conversation, "after": 26, "limit": 200})).await;
    assert_eq!((numbers(&after), &after["more"]), ((27..=30).collect(), &json!(false)));

    let id = conversation.as_str().unwrap();
    let (mut head, mut seqs) = (0, Vec::new());
    let named = ask(&a, &shop, "sync", json!({"token": start["token"], "v": start["v"]})).await;
    assert_eq!(named["conversations"][0]["head"], 30);
    for _ in 0..10 {
        let page = ask(&a, &shop, "sync", json!({"token": start["token"], "heads": {id: head}, "limit": 1000})).await;
        seqs.extend(numbers(&page));
        head = *seqs.last().unwrap();
        if page["more"] == false {
            break;
        }
    }
    assert_eq!(seqs, (11..=30).collect::<Vec<_>>(), "the newest twenty of one that is new, over several pages");
    // The first sync of a user with several such conversations is cut between them.
    for other in ["m8", "m9"] {
        a.window(other, "a.9").await;
        for number in 1..=8 {
            say(&a, &buyer, other, &format!("{other}-{number}"), &"x".repeat(LARGE)).await;
        }
    }
    let (mut request, mut named, mut entries) = (json!({"limit": 1000}), Vec::new(), HashSet::new());
    loop {
        let page = ask(&a, &buyer, "sync", request).await;
        named.push(page["conversations"][0]["user_id"].clone());
        entries.extend(page["messages"].as_array().unwrap().iter().map(|one| one["message_id"].to_string()));
        if page["more"] == false {
            break;
        }
        request = json!({"cursor": page["cursor"], "limit": 1000});
    }
    assert_eq!((named, entries.len()), (vec![json!("m9"), json!("m8"), json!("m7")], 8 + 8 + 20));
}
