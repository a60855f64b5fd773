//! Messages over real connections, which break anywhere, lose, repeat and reorder; and applications that are slow.

use crate::ground::{Ground, OVER_BOTH, PATIENCE, options};
use crate::server::{Faults, Server};
use crate::site::Asker;
use bytes::Bytes;
use client::rules::{Change, View};
use client::{Client, Error, Event, Options, Queued, Transports};
use serde_json::{Value, json, value::to_raw_value};
use tokio::time::timeout;
use types::{ConversationId, MessageType, UserKey};
use wire::socketio::{Arg, Args, event_raw};

fn key(user: &str) -> UserKey {
    user.parse().unwrap()
}

async fn say(client: &Client, to: &str, text: &str) -> Queued {
    client.send(&key(to), MessageType::Text, text).await.unwrap()
}

async fn settled(queued: Queued) -> client::Sent {
    timeout(PATIENCE, queued.outcome()).await.expect("it is sent").unwrap()
}

/// What the site has between two users, as texts.
fn texts(server: &Server, a: &str, b: &str) -> Vec<Value> {
    let site = server.shared.site.lock();
    let Some(id) = site.between(a, b) else { return Vec::new() };
    site.conversations[&id].entries.iter().map(|entry| entry.message.clone()).collect()
}

fn as_site_has_it(server: &Server, user: &str, id: ConversationId, view: &View) -> Result<(), String> {
    let stored = server.shared.site.lock().entries(user, id.0);
    let kept: Vec<Value> = view.entries.iter().map(|entry| serde_json::to_value(entry).unwrap()).collect();
    let floor = view.floor.unwrap_or(1) as usize;
    let is_same = view.waiting.is_empty() && kept == stored[floor - 1..];
    if is_same { Ok(()) } else { Err(format!("{user} has {kept:?}\nthe site {stored:?}")) }
}

#[tokio::test]
async fn what_one_sends_the_other_hears_in_order() {
    for transports in OVER_BOTH {
        let server = Server::start().await;
        let a = Ground::on(&server, "8", transports).await;
        let mut b = Ground::on(&server, "m7", transports).await;
        b.synced().await;
        let mut queued = Vec::new();
        for number in 0..30 {
            queued.push(say(&a.client, "m7", &format!("text {number}")).await);
        }
        let mut sent = Vec::new();
        for queued in queued {
            sent.push(settled(queued).await);
        }
        assert!(sent.iter().map(|sent| sent.conv_seq).eq(1..=30), "{sent:?}");
        let mut heard = Vec::new();
        while heard.len() < 30 {
            let event = b.hears(|event| matches!(event, Event::Change(_))).await;
            if let Event::Change(change) = event
                && let Change::Added { entry, before: None } = *change
            {
                heard.push(entry.message().unwrap().message.as_ref().unwrap().get().to_owned());
            }
        }
        assert_eq!(heard, (0..30).map(|number| format!("\"text {number}\"")).collect::<Vec<_>>());
        b.until("it is acknowledged", || server.seen("ackMessage") > 0).await;
        a.client.close().await;
        b.client.close().await;
    }
}

#[tokio::test]
async fn a_connection_that_breaks_off_at_any_byte_loses_and_repeats_nothing() {
    let server = Server::start().await;
    let mut number = 100;
    for transports in OVER_BOTH {
        // From the first byte of the handshake to the answers of the third message.
        for bytes in (0..1_200).step_by(17) {
            number += 1;
            let (from, to) = (number.to_string(), format!("m{number}"));
            server.fault(|faults| faults.cut_next = Some(bytes));
            let ground = Ground::on(&server, &from, transports).await;
            let mut queued = Vec::new();
            for text in ["one", "two", "three"] {
                queued.push(say(&ground.client, &to, text).await);
            }
            for queued in queued {
                settled(queued).await;
            }
            assert_eq!(texts(&server, &from, &to), ["one", "two", "three"], "{transports:?} cut after {bytes}");
            let id = ConversationId(server.shared.site.lock().between(&from, &to).unwrap());
            let view = ground.client.conversation(id).await.unwrap().unwrap();
            assert_eq!((view.head, view.waiting), (Some(3), vec![]), "{transports:?} cut after {bytes}");
        }
    }
}

#[tokio::test]
async fn many_clients_over_bad_connections_end_with_what_the_site_has() {
    let server = Server::start().await;
    server.fault(|faults| {
        (faults.lose_answers, faults.lose_pushes, faults.cut_every) = (11, 9, 3);
        (faults.repeat_pushes, faults.reorder_pushes) = (true, true);
    });
    let users: Vec<String> =
        (0..12).map(|number| if number % 2 == 0 { format!("{number}") } else { format!("m{number}") }).collect();
    let mut grounds = Vec::new();
    for (number, user) in users.iter().enumerate() {
        let transports = OVER_BOTH[number % 2];
        let options = Options { request_ms: 300, seed: Some(number as u64), ..options(&server, user, transports) };
        grounds.push(Ground::with(options).await);
    }
    let mut queued = Vec::new();
    for round in 0..6 {
        for (number, ground) in grounds.iter().enumerate() {
            for step in [1, 3, 5] {
                let to = &users[(number + step) % users.len()];
                queued.push(say(&ground.client, to, &format!("{round} of {number} to {to}")).await);
            }
        }
        if round % 2 == 1 {
            server.close_all(4000);
        }
    }
    for queued in queued {
        settled(queued).await;
    }
    server.fault(|faults| *faults = Faults::default());
    server.close_all(4000);
    for (ground, user) in grounds.iter_mut().zip(&users) {
        let looked = async {
            loop {
                ground.synced().await;
                let mut wrong = Ok(());
                for summary in ground.client.conversations().await.unwrap() {
                    let id = summary.conversation_id;
                    let view = ground.client.conversation(id).await.unwrap().unwrap();
                    wrong = wrong.and(as_site_has_it(&server, user, id, &view));
                }
                if wrong.is_ok() {
                    return;
                }
                // It was a sync of before the last reconnect.
            }
        };
        timeout(PATIENCE, looked).await.unwrap_or_else(|_| panic!("{user} does not have what the site has"));
    }
    for (number, user) in users.iter().enumerate() {
        for step in [1, 3, 5] {
            let to = &users[(number + step) % users.len()];
            let own: Vec<Value> = texts(&server, user, to)
                .into_iter()
                .filter(|text| text.as_str().unwrap().ends_with(&format!("of {number} to {to}")))
                .collect();
            let expected: Vec<String> = (0..6).map(|round| format!("{round} of {number} to {to}")).collect();
            assert_eq!(own, expected);
        }
    }
}

#[tokio::test]
async fn the_queue_survives_the_end_of_the_process() {
    let folder = std::env::temp_dir().join(format!("im-queue-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("queue");
    let server = Server::start().await;
    let address = server.address();
    let with_file = || Options { queue_file: Some(file.clone()), ..options(&server, "8", Transports::Both) };
    let offline = Options { addresses: vec!["127.0.0.1:1".into()], ..with_file() };
    let ground = Ground::with(offline.clone()).await;
    for text in ["one", "two", "three"] {
        say(&ground.client, "m7", text).await;
    }
    let refused = ground.client.send_as("群", &key("m7"), MessageType::Text, "x").await;
    assert!(matches!(refused, Err(Error::Name)));
    assert!(matches!(Client::start(offline).await.err(), Some(Error::InUse(_))));
    let handle = ground.client.clone();
    ground.client.close().await;
    assert!(matches!(handle.send(&key("m7"), MessageType::Text, "four").await, Err(Error::Ended)));
    let mut again = Ground::with(with_file()).await;
    again.synced().await;
    again.until("all is there", || texts(&server, "8", "m7") == ["one", "two", "three"]).await;
    again.client.close().await;
    // A third time there is nothing left, and the file is not for somebody else.
    let mut third = Ground::with(with_file()).await;
    third.synced().await;
    third.client.close().await;
    assert_eq!(server.seen("sendMessage"), 3);
    let other = Options { auth: client::Auth::development(key("9")), ..with_file() };
    let mut other = Ground::with(other).await;
    other.hears(|event| matches!(event, Event::Ended(client::End::OtherUser))).await;
    assert_eq!(address, server.address());
    std::fs::remove_dir_all(&folder).unwrap();
}

#[tokio::test]
async fn a_slow_application_misses_nothing() {
    const MANY: u64 = 3_000;
    let server = Server::start().await;
    let options = Options { events: 1, ..options(&server, "8", Transports::WebSocketOnly) };
    let mut ground = Ground::with(options).await;
    ground.synced().await;
    for number in 0..MANY {
        let payload =
            json!({ "temp_message_id": format!("t{number}"), "to_user_id": "8", "type": "text", "message": number });
        let (_, pushes) = server.shared.site.lock().ask(Asker { user: "m7", socket: None }, "sendMessage", &payload);
        pushes.into_iter().filter(|push| push.user == "8").for_each(|push| server.emit("8", push.event, &push.payload));
    }
    let mut next = 0;
    while next < MANY {
        let event = ground.hears(|event| matches!(event, Event::Change(_) | Event::Disconnected(_))).await;
        let Event::Change(change) = event else { panic!("{event:?}") };
        if let Change::Added { entry, .. } = *change {
            assert_eq!(entry.conv_seq(), next + 1);
            next += 1;
        }
    }
}

#[tokio::test]
async fn a_refused_message_is_retried_or_discarded_by_hand() {
    let server = Server::start().await;
    let ground = Ground::on(&server, "8", Transports::Both).await;
    let queued = say(&ground.client, "m7", "forbidden words").await;
    let name = queued.temp_message_id().to_owned();
    let refused = timeout(PATIENCE, queued.outcome()).await.unwrap();
    assert!(matches!(refused, Err(Error::Refused(refusal)) if &*refusal.code == "refused"));
    let again = ground.client.send_as(&name, &key("m7"), MessageType::Text, "other words").await;
    assert!(matches!(again, Err(Error::Name)), "the name is taken");
    ground.client.retry(&name).await.unwrap();
    ground.until("it is sent again", || server.seen("sendMessage") == 2).await;
    ground.client.discard(&name).await.unwrap();
    settled(say(&ground.client, "m7", "other words").await).await;
    assert_eq!(texts(&server, "8", "m7"), ["other words"]);
}

#[tokio::test]
async fn older_entries_and_states_are_there_for_the_asking() {
    let server = Server::start().await;
    for number in 0..50 {
        let payload =
            json!({ "temp_message_id": format!("t{number}"), "to_user_id": "8", "type": "text", "message": "x" });
        server.shared.site.lock().ask(Asker { user: "m7", socket: None }, "sendMessage", &payload);
    }
    let mut ground = Ground::on(&server, "8", Transports::Both).await;
    ground.synced().await;
    let id = ground.client.conversations().await.unwrap()[0].conversation_id;
    assert_eq!(ground.client.conversation(id).await.unwrap().unwrap().floor, Some(31));
    assert!(ground.client.load_older(id, 20).await.unwrap());
    assert!(!ground.client.load_older(id, 20).await.unwrap());
    let view = ground.client.conversation(id).await.unwrap().unwrap();
    assert_eq!((view.floor, view.head, view.entries.len()), (Some(1), Some(50), 50));
    ground.client.request("pinConversation", &json!({ "conversation_id": id, "pinned": true })).await.unwrap();
    let ids = view.entries.iter().filter_map(|entry| Some(entry.message()?.message_id)).collect();
    ground.client.read(id, ids).await.unwrap();
    let read = |event: &Event| matches!(event, Event::Change(change) if matches!(&**change, Change::Conversation(one) if one.unread == 0 && one.pinned));
    ground.hears(read).await;
    let refused = ground.client.request("recallMessage", &json!({ "message_id": "7" })).await;
    assert!(matches!(refused, Err(Error::Refused(refusal)) if refusal.is_final()));
}

#[tokio::test]
async fn live_events_are_handed_on_with_their_binary_parts() {
    for transports in OVER_BOTH {
        let server = Server::start().await;
        let mut ground = Ground::on(&server, "8", transports).await;
        ground.synced().await;
        server.emit("8", "typingPush", &json!({ "from_user_id": "m7", "on": true }));
        let Change::Event { payload, .. } = ground.hears_change("typingPush").await else { panic!("another change") };
        assert_eq!(payload.get(), r#"{"from_user_id":"m7","on":true}"#);
        let json = to_raw_value(&json!({ "data": { "_placeholder": true, "num": 0 } })).unwrap();
        let args = Args::from_parts(&[Arg::Json(&json)]);
        let args = Args::from_json(&format!("[{}]", args.json()), vec![Bytes::from_static(b"\x00\xff")]).unwrap();
        server.emit_frames("8", event_raw("/", None, "exchange", &args).frames());
        let event = ground.hears(|event| matches!(event, Event::Binary { .. })).await;
        let Event::Binary { event, attachments, .. } = event else { panic!("another event") };
        assert_eq!((&*event, &attachments[..]), ("exchange", &[Bytes::from_static(b"\x00\xff")][..]));
    }
}
