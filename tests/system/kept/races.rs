//! The same at once from two sides.

use super::site::{Site, hears, history, numbered, say, text};
use crate::window::Window;
use serde_json::{Value, json};

#[tokio::test]
async fn two_processes_that_race_in_one_conversation_number_it_together() {
    const EACH: usize = 60;
    let site = Site::start().await;
    let [a, b] = site.pair();
    let (mut buyer, mut shop) = (Window::open(a, "8").await, Window::open(b, "m7").await);
    let (mut watching_buyer, mut watching_shop) = (Window::open(b, "8").await, Window::open(a, "m7").await);
    let conversation = say(&mut buyer, "m7", "begun").await["conversation_id"].clone();
    let asks = async {
        for words in numbered("ask", EACH) {
            say(&mut buyer, "m7", &words).await;
        }
    };
    let answers = async {
        for words in numbered("answer", EACH) {
            say(&mut shop, "8", &words).await;
        }
    };
    tokio::join!(asks, answers);
    let said = [numbered("ask", EACH), numbered("answer", EACH)].concat();
    let entries = history(&mut watching_buyer, &conversation, &said).await;
    assert_eq!(entries.len(), 2 * EACH + 1);
    // Each was heard once by each other window, and those of one side in their order.
    for window in [&mut watching_buyer, &mut watching_shop] {
        let heard = hears(window, &said).await;
        for (name, sent) in [("ask", numbered("ask", EACH)), ("answer", numbered("answer", EACH))] {
            let ours: Vec<_> = heard.iter().filter(|word| word.starts_with(name)).cloned().collect();
            assert_eq!(ours, sent);
        }
        assert_eq!(window.waiting("messagePush").await, 0);
    }
}

#[tokio::test]
async fn one_name_of_a_message_from_two_windows_at_once_is_one_message() {
    let site = Site::start().await;
    let [a, b] = site.pair();
    let mut shop = Window::open(b, "m7").await;
    let (mut one, mut two) = (Window::open(a, "8").await, Window::open(b, "8").await);
    for round in numbered("round", 20) {
        let message = text("m7", &round, "once");
        let (first, second) = tokio::join!(one.done("sendMessage", message.clone()), two.done("sendMessage", message));
        for field in ["message_id", "conv_seq", "send_time"] {
            assert_eq!(first[field], second[field], "{first} {second}");
        }
    }
    let last = say(&mut one, "m7", "last").await;
    let entries = last["conv_seq"].as_u64().unwrap();
    assert_eq!(entries, 21, "each once");
    shop.until("messagePush", |push| push["message"] == "last").await;
}

#[tokio::test]
async fn a_name_that_is_taken_is_a_conflict_and_only_for_who_took_it() {
    let site = Site::start().await;
    let [a, b] = site.pair();
    let (mut buyer, mut other, mut shop) =
        (Window::open(a, "8").await, Window::open(b, "9").await, Window::open(b, "m7").await);
    Window::open(a, "m8").await;
    let taken = buyer.done("sendMessage", text("m7", "t1", "the first")).await;
    let refused = [text("m7", "t1", "another body"), text("m8", "t1", "the first"), {
        json!({"temp_message_id": "t1", "chat_type": "p2p", "to_user_id": "m7", "type": "emoji", "message": "the first"})
    }];
    for message in refused {
        let answer = buyer.ask("sendMessage", message).await;
        assert_eq!(answer["error"]["code"], "conflict", "{answer}");
    }
    // Somebody else's is a message of its own.
    let theirs = other.done("sendMessage", text("m7", "t1", "the first")).await;
    assert_ne!(theirs["message_id"], taken["message_id"]);
    let heard: Vec<Value> = vec![shop.next("messagePush").await, shop.next("messagePush").await];
    assert_ne!(heard[0]["from_user_id"], heard[1]["from_user_id"]);
    assert_eq!(shop.waiting("messagePush").await, 0, "what was refused changed nothing");
    history(&mut shop, &taken["conversation_id"], &["the first".to_owned()]).await;
}
