//! The Rust SDK against the real server, over both transports.

use ::client::rules::{Change, View};
use ::client::{Auth, Client, End, Event, Events, Lost, Options, Timing, Transports};
use serde_json::{Value, json};
use std::path::Path;
use tests::server::fresh_folder;
use tests::{PATIENCE, Server, eventually, http};
use tokio::time::timeout;
use types::{ConversationId, MessageType, UserKey};

const OVER_BOTH: [Transports; 2] = [Transports::WebSocketOnly, Transports::PollingOnly];

/// A user with a client, and what it hears.
struct Person {
    client: Client,
    events: Events,
}

fn key(user: &str) -> UserKey {
    user.parse().unwrap()
}

fn options(server: &Server, user: &str, transports: Transports) -> Options {
    let timing = Timing { first_wait_ms: 50, longest_wait_ms: 500, ..Timing::default() };
    let address = server.address().to_string();
    Options { transports, timing, ..Options::new([address], Auth::development(key(user))) }
}

impl Person {
    async fn at(server: &Server, user: &str, transports: Transports) -> Self {
        let mut person = Self::with(options(server, user, transports)).await;
        person.synced().await;
        person
    }

    async fn with(options: Options) -> Self {
        let (client, events) = Client::start(options).await.unwrap();
        Self { client, events }
    }

    async fn hears(&mut self, wanted: impl Fn(&Event) -> bool) -> Event {
        let mut seen = Vec::new();
        loop {
            match timeout(PATIENCE, self.events.next()).await {
                Ok(Some(event)) if wanted(&event) => return event,
                Ok(event) => seen.push(event.expect("the client goes on")),
                Err(_) => panic!("it was not heard among {seen:?}"),
            }
        }
    }

    async fn synced(&mut self) {
        self.hears(|event| matches!(change(event), Some(Change::Synced { .. }))).await;
    }

    /// Reads up to a live event of this name; its payload.
    async fn live(&mut self, name: &str) -> Value {
        let is_it = |event: &Event| matches!(change(event), Some(Change::Event { event, .. }) if &**event == name);
        let event = self.hears(is_it).await;
        let Some(Change::Event { payload, .. }) = change(&event) else { panic!("{event:?}") };
        serde_json::from_str(payload.get()).unwrap()
    }

    /// Sends texts, and waits until they are kept.
    async fn says(&self, to: &str, texts: &[String]) -> ConversationId {
        let mut queued = Vec::new();
        for text in texts {
            queued.push(self.client.send(&key(to), MessageType::Text, text).await.unwrap());
        }
        let mut sent = Vec::new();
        for queued in queued {
            sent.push(timeout(PATIENCE, queued.outcome()).await.expect("it is kept").unwrap());
        }
        assert!(sent.windows(2).all(|pair| pair[0].conv_seq < pair[1].conv_seq), "{sent:?}");
        sent[0].conversation_id
    }

    async fn view(&self, id: ConversationId) -> View {
        self.client.conversation(id).await.unwrap().expect("a conversation")
    }

    /// Waits until all of a conversation is here, with these texts at its end.
    async fn comes_to_have(&self, id: ConversationId, texts: &[String]) -> View {
        let has = async || {
            let view = self.client.conversation(id).await.unwrap().ok_or("no conversation".to_owned())?;
            let has = texts_of(&view);
            if has.ends_with(texts) && view.waiting.is_empty() { Ok(view) } else { Err(format!("{has:?}")) }
        };
        eventually("the texts are here", has).await
    }
}

fn change(event: &Event) -> Option<&Change> {
    match event {
        Event::Change(change) => Some(change),
        _ => None,
    }
}

fn texts_of(view: &View) -> Vec<String> {
    let bodies = view.entries.iter().filter_map(|entry| entry.message()?.message.as_ref());
    bodies.filter_map(|body| serde_json::from_str(body.get()).ok()).collect()
}

fn numbered(name: &str, count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{name} {number}")).collect()
}

#[tokio::test]
async fn live_events_go_from_one_to_the_other() {
    let server = Server::start("imserver", &[], &[]).await.unwrap();
    for transports in OVER_BOTH {
        let a = Person::at(&server, "8", transports).await;
        let mut b = Person::at(&server, "m7", transports).await;
        let payload = json!({ "target": "user:m7", "payload": { "text": "你好" } });
        let answer = a.client.request("exchange", &payload).await.unwrap();
        assert_eq!(answer.get(), r#"{"ok":true}"#);
        assert_eq!(b.live("exchange").await["data"]["payload"]["text"], "你好");
        let refused = a.client.request("exchange", &json!({ "target": 7 })).await;
        assert!(matches!(refused, Err(::client::Error::Refused(refusal)) if &*refusal.code == "bad_request"));
    }
}

#[tokio::test]
async fn a_kick_by_the_back_end_is_final() {
    let server = Server::start("imserver", &[], &[]).await.unwrap();
    let internal = server.listener("internal").await;
    for transports in OVER_BOTH {
        let mut person = Person::at(&server, "8", transports).await;
        let kick = ("/internal/v1/users/8/kick", r#"{"reason": "closed"}"#);
        let headers = [("content-type", "application/json")];
        let answer = http::request(internal, "POST", kick.0, &headers, kick.1.as_bytes()).await.unwrap();
        assert_eq!(answer.status, 204);
        let end = person.hears(|event| matches!(event, Event::Ended(_))).await;
        assert!(matches!(end, Event::Ended(End::Kicked(reason)) if &*reason == "closed"), "{transports:?}");
    }
}

#[tokio::test]
async fn a_draining_server_sends_its_clients_away_for_a_time() {
    for transports in OVER_BOTH {
        let env = [("IM__SERVER__DRAIN_WINDOW_MS", "100"), ("IM__SERVER__DRAIN_RETRY_SPREAD_MS", "100")];
        let server = Server::start("imserver", &[], &env).await.unwrap();
        let mut person = Person::at(&server, "8", transports).await;
        server.sigterm().unwrap();
        person.live("drainPush").await;
        let end = |event: &Event| matches!(event, Event::Disconnected(Lost::Closed(4001) | Lost::PutOut));
        person.hears(end).await;
    }
}

#[tokio::test]
async fn a_token_that_is_not_believed_ends_it() {
    let secret = [("IM__AUTH__SECRET", "k3v9Qx7LmB2wTz8RyN4pHs6JdFgA1cUe")];
    let server = Server::start("imserver", &["--auth", "token"], &secret).await.unwrap();
    for transports in OVER_BOTH {
        let options = Options { auth: Auth::token("not.a.token"), ..options(&server, "8", transports) };
        let end = Person::with(options).await.hears(|event| matches!(event, Event::Ended(_))).await;
        assert!(matches!(end, Event::Ended(End::Refused { code, .. }) if &*code == "unauthorized"), "{transports:?}");
    }
}

#[tokio::test]
async fn messages_reach_every_device_of_both_sides_in_one_order() {
    let server = Server::start("imserver", &[], &[]).await.unwrap();
    let [a, a_again, b] = [("8", OVER_BOTH[0]), ("8", OVER_BOTH[1]), ("m7", OVER_BOTH[1])];
    let (a, a_again, b) = (
        Person::at(&server, a.0, a.1).await,
        Person::at(&server, a_again.0, a_again.1).await,
        Person::at(&server, b.0, b.1).await,
    );
    let (from_a, from_b) = (numbered("from a", 20), numbered("from b", 20));
    let (id, _) = tokio::join!(a.says("m7", &from_a), b.says("8", &from_b));
    let whole = |view: &View| view.head == Some(40) && view.floor == Some(1) && view.waiting.is_empty();
    let mut orders = Vec::new();
    for person in [&a, &a_again, &b] {
        let has_all =
            async || Some(person.client.conversation(id).await.unwrap()).flatten().filter(&whole).ok_or("not all");
        orders.push(texts_of(&eventually("all entries are here", has_all).await));
    }
    assert!(orders.iter().all(|order| *order == orders[0]), "{orders:?}");
    let of = |name: &str| orders[0].iter().filter(|text| text.starts_with(name)).cloned().collect::<Vec<_>>();
    assert_eq!((of("from a"), of("from b")), (from_a, from_b));
}

#[tokio::test]
async fn who_was_away_gets_what_was_missed_and_goes_back_further() {
    let server = Server::start("imserver", &[], &[]).await.unwrap();
    let b = Person::at(&server, "m7", Transports::Both).await;
    b.client.close().await;
    let a = Person::at(&server, "8", Transports::Both).await;
    let texts = numbered("text", 60);
    let id = a.says("m7", &texts).await;
    for transports in OVER_BOTH {
        let b = Person::at(&server, "m7", transports).await;
        let view = b.comes_to_have(id, &texts[40..]).await;
        assert_eq!((view.floor, view.head), (Some(41), Some(60)));
        assert_eq!(b.client.conversations().await.unwrap()[0].unread, 60);
        assert!(b.client.load_older(id, 30).await.unwrap());
        assert!(!b.client.load_older(id, 30).await.unwrap());
        assert_eq!(texts_of(&b.view(id).await), texts);
    }
}

#[tokio::test]
async fn read_marks_recalls_and_drafts_are_seen_on_the_other_side_and_in_other_windows() {
    let server = Server::start("imserver", &[], &[]).await.unwrap();
    let b = Person::at(&server, "m7", Transports::Both).await;
    let b_again = Person::at(&server, "m7", OVER_BOTH[1]).await;
    let a = Person::at(&server, "8", Transports::Both).await;
    let id = a.says("m7", &numbered("text", 3)).await;
    let view = b.comes_to_have(id, &numbered("text", 3)).await;
    let ids: Vec<_> = view.entries.iter().filter_map(|entry| Some(entry.message()?.message_id)).collect();
    b.client.read(id, ids[..2].to_vec()).await.unwrap();
    let marked = async || {
        let entries = a.view(id).await.entries;
        let read = entries.iter().filter(|entry| entry.message().is_some_and(|message| message.read_at.is_some()));
        if read.count() == 2 { Ok(()) } else { Err(()) }
    };
    eventually("the sender sees what was read", marked).await;
    a.client.request("recallMessage", &json!({ "message_id": ids[2] })).await.unwrap();
    b.client.request("saveDraft", &json!({ "conversation_id": id, "text": "half a sen" })).await.unwrap();
    let seen = async || {
        let view = b_again.view(id).await;
        let recalled = view.entries.iter().any(|entry| entry.message().is_some_and(|message| message.recalled));
        let summary = b_again.client.conversations().await.unwrap().remove(0);
        let as_it_should = recalled && view.head == Some(4) && &*summary.draft == "half a sen" && summary.unread == 0;
        if as_it_should { Ok(()) } else { Err(format!("{view:?} {summary:?}")) }
    };
    eventually("the other window sees all of it", seen).await;
    // The recall is an entry, which the acknowledgement does not tell: it is fetched.
    let whole = async || if a.view(id).await.head == Some(4) { Ok(()) } else { Err(()) };
    eventually("the recall is here", whole).await;
}

#[tokio::test]
async fn a_server_that_is_killed_loses_and_repeats_nothing() {
    let folder = fresh_folder().unwrap();
    let mut server = killable(&folder, "127.0.0.1:0").await;
    let address = server.address().to_string();
    let b = Person::at(&server, "m7", OVER_BOTH[0]).await;
    let a = Person::at(&server, "8", OVER_BOTH[1]).await;
    let texts = numbered("text", 200);
    let mut queued = Vec::new();
    for (number, text) in texts.iter().enumerate() {
        queued.push(a.client.send(&key("m7"), MessageType::Text, text).await.unwrap());
        if number % 70 == 50 {
            // It goes without a word, in the middle of what it does.
            drop(server);
            server = killable(&folder, &address).await;
        }
    }
    let mut id = None;
    for queued in queued {
        id = Some(timeout(PATIENCE, queued.outcome()).await.expect("it is kept").unwrap().conversation_id);
    }
    let id = id.expect("a conversation");
    for person in [&a, &b] {
        person.comes_to_have(id, &texts[199..]).await;
        // Who heard nothing before the first death was told the newest only, when he came back.
        assert!(!person.client.load_older(id, 200).await.unwrap());
        let view = person.view(id).await;
        assert_eq!((view.head, texts_of(&view)), (Some(200), texts.clone()));
    }
    drop(server);
    std::fs::remove_dir_all(folder).unwrap();
}

async fn killable(data: &Path, listen: &str) -> Server {
    let data = data.to_str().expect("a plain name");
    let started = async || Server::start("imserver", &["--data-dir", data, "--listen", listen], &[]).await;
    eventually("it starts", started).await
}
