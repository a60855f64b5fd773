//! A site that keeps messages, and what must hold of a conversation whatever happened.

use crate::window::Window;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::time::Duration;
use tests::cluster::node;
use tests::mariadb::Mariadb;
use tests::redis::Redis;
use tests::{Cluster, Server};
use tokio::time::{Instant, sleep};

/// Longer than a lease, and what comes after it.
const LONG: Duration = Duration::from_secs(60);

/// Two processes over two Redis nodes and one database.
pub(super) struct Site {
    pub(super) cluster: Cluster,
    pub(super) redis: [Redis; 2],
    pub(super) url: String,
}

impl Site {
    pub(super) async fn start() -> Self {
        let url = tokio::task::spawn_blocking(|| Mariadb::shared().database()).await.unwrap();
        Self::on(url).await
    }

    pub(super) async fn on(url: String) -> Self {
        let redis = [Redis::start(), Redis::start()];
        let nodes = redis.each_ref().map(|one| node(one.port));
        let cluster = Cluster::start(2, &nodes, &[("IM__STORE__URL", &url)]).await.unwrap();
        Self { cluster, redis, url }
    }

    pub(super) fn pair(&self) -> [&Server; 2] {
        let [a, b] = &self.cluster.processes[..] else { panic!("two processes") };
        [a, b]
    }
}

/// A text, as it is sent.
pub(super) fn text(to: &str, name: &str, words: &str) -> Value {
    json!({"temp_message_id": name, "chat_type": "p2p", "to_user_id": to, "type": "text", "message": words})
}

fn name_of(words: &str) -> String {
    words.replace(' ', "-")
}

/// Sends a text of these words, named by them, that must be acknowledged.
pub(super) async fn say(window: &mut Window, to: &str, words: &str) -> Value {
    window.done("sendMessage", text(to, &name_of(words), words)).await
}

/// The same, over and over until it is acknowledged: as a client does that is told `unavailable`.
pub(super) async fn insist(window: &mut Window, to: &str, words: &str) -> Value {
    let end = Instant::now() + LONG;
    loop {
        let answer = window.ask("sendMessage", text(to, &name_of(words), words)).await;
        if answer["ok"] == true {
            return answer;
        }
        assert_eq!(answer["error"]["code"], "unavailable", "{answer}");
        assert!(answer["error"]["retry_after_ms"].is_u64(), "{answer}");
        assert!(Instant::now() < end, "{words} is never taken: {answer}");
        sleep(Duration::from_millis(100)).await;
    }
}

/// Every entry of a conversation, which have numbers without a hole and ids that rise; each word of `acknowledged` once,
/// and nothing of which it is not known that it was sent.
pub(super) async fn history(window: &mut Window, conversation: &Value, acknowledged: &[String]) -> Vec<Value> {
    let mut entries: Vec<Value> = Vec::new();
    loop {
        let after = entries.len();
        let request = json!({"conversation_id": conversation, "after": after, "limit": 200});
        let mut page = window.done("history", request).await;
        entries.append(page["messages"].as_array_mut().unwrap());
        if page["more"] == false {
            break;
        }
    }
    let numbers: Vec<u64> = entries.iter().map(|entry| entry["conv_seq"].as_u64().unwrap()).collect();
    assert_eq!(numbers, (1..=entries.len() as u64).collect::<Vec<_>>(), "numbers without a hole");
    let ids: Vec<u64> = entries.iter().map(|entry| entry["message_id"].as_str().unwrap().parse().unwrap()).collect();
    assert!(ids.is_sorted_by(|one, next| one < next), "ids that rise: {ids:?}");
    let words: Vec<&str> = entries.iter().filter_map(|entry| entry["message"].as_str()).collect();
    let distinct: HashSet<&str> = words.iter().copied().collect();
    assert_eq!(distinct.len(), words.len(), "nothing twice");
    for word in acknowledged {
        assert!(distinct.contains(word.as_str()), "{word} was acknowledged and is not kept");
    }
    entries
}

/// Waits until a window has heard all these words, and says in which order it first heard them.
pub(super) async fn hears(window: &mut Window, words: &[String]) -> Vec<String> {
    let mut missing: HashSet<&str> = words.iter().map(String::as_str).collect();
    let mut order = Vec::new();
    let end = Instant::now() + LONG;
    while !missing.is_empty() {
        let left = end.saturating_duration_since(Instant::now());
        let push = tokio::time::timeout(left, window.next_within("messagePush", LONG)).await;
        let push = push.unwrap_or_else(|_| panic!("never heard: {missing:?}"));
        let word = push["message"].as_str().unwrap();
        if missing.remove(word) {
            order.push(word.to_owned());
        }
    }
    order
}

/// Those of one name, numbered.
pub(super) fn numbered(name: &str, count: usize) -> Vec<String> {
    (1..=count).map(|number| format!("{name}{number}")).collect()
}
