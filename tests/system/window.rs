//! A logged-in window that keeps what it hears until it is asked for.

use crate::client::{Client, Over};
use serde_json::{Value, json};
use std::collections::VecDeque;
use std::time::Duration;
use tests::{PATIENCE, Server};
use tokio::time::Instant;

pub(crate) struct Window {
    client: Client,
    pub(crate) id: String,
    pub(crate) init: Value,
    heard: VecDeque<(String, Value)>,
}

impl Window {
    pub(crate) async fn open(server: &Server, user: &str) -> Self {
        let mut client = Client::open(server.address(), Over::WebSocket, &format!("userId={user}")).await;
        client.send("40").await;
        let mut window = Self { client, id: String::new(), init: Value::Null, heard: VecDeque::new() };
        window.init = window.next("init").await;
        window.id = window.init["socketid"].as_str().unwrap().to_owned();
        window
    }

    /// Asks for something, and returns the answer.
    pub(crate) async fn ask(&mut self, event: &str, argument: Value) -> Value {
        self.client.send(&format!("427{}", json!([event, argument]))).await;
        loop {
            let packet = self.client.next().await.unwrap();
            match packet.strip_prefix("437") {
                Some(answer) => return serde_json::from_str::<Value>(answer).unwrap()[0].take(),
                None => self.keep(&packet),
            }
        }
    }

    /// Asks for what must be granted.
    pub(crate) async fn done(&mut self, event: &str, argument: Value) -> Value {
        let answer = self.ask(event, argument).await;
        assert_eq!(answer["ok"], true, "{event}: {answer}");
        answer
    }

    /// The next event of this name: its one argument.
    pub(crate) async fn next(&mut self, event: &str) -> Value {
        self.next_within(event, PATIENCE).await
    }

    /// The same, of something that takes long. The server's heartbeats keep the connection going meanwhile.
    pub(crate) async fn next_within(&mut self, event: &str, limit: Duration) -> Value {
        let end = Instant::now() + limit;
        loop {
            if let Some(place) = self.heard.iter().position(|(name, _)| name == event) {
                return self.heard.remove(place).unwrap().1;
            }
            let left = end.saturating_duration_since(Instant::now());
            let packet = self.client.next_within(left).await;
            self.keep(&packet.unwrap_or_else(|end| panic!("no {event}: {end:?}")));
        }
    }

    /// The first event of this name for which `wanted` holds; those before it are passed over.
    pub(crate) async fn until(&mut self, event: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        loop {
            let heard = self.next(event).await;
            if wanted(&heard) {
                return heard;
            }
        }
    }

    /// How many events of this name came up to now and were not read.
    pub(crate) async fn waiting(&mut self, event: &str) -> usize {
        // An answer comes behind what was sent before it.
        self.done("getPresence", json!({ "user_ids": [] })).await;
        self.heard.iter().filter(|(name, _)| name == event).count()
    }

    fn keep(&mut self, packet: &str) {
        let Some(event) = packet.strip_prefix("42") else { return };
        let mut event: Value = serde_json::from_str(event).unwrap();
        self.heard.push_back((event[0].as_str().unwrap().to_owned(), event[1].take()));
    }
}
