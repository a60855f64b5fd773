//! The disk under the file is full.

use super::site::{history, insist, numbered, say, text};
use crate::window::Window;
use serde_json::Value;
use tests::disk::Disk;
use tests::{Server, eventually, http};

/// What `/readyz` says is out of order.
async fn out_of_order(server: &Server) -> Value {
    let answer = http::get(server.listener("admin").await, "/readyz").await.unwrap();
    assert_eq!(answer.status, 200, "a full disk does not empty the balancer");
    let report: Value = serde_json::from_slice(&answer.body).unwrap();
    report["degraded"].clone()
}

#[tokio::test]
async fn a_full_disk_refuses_and_has_lost_nothing_when_there_is_space() {
    let disk = Disk::of(4 << 20);
    let data = disk.path().join("data");
    let server = Server::start("imserver", &["--data-dir", data.to_str().unwrap()], &[]).await.unwrap();
    let (mut buyer, mut shop) = (Window::open(&server, "8").await, Window::open(&server, "m7").await);
    let conversation = say(&mut buyer, "m7", "begun").await["conversation_id"].clone();
    let mut acknowledged = vec!["begun".to_owned()];
    let refused = loop {
        let words = format!("{}{}", acknowledged.len(), "x".repeat(60_000));
        let answer = buyer.ask("sendMessage", text("m7", &format!("t{}", acknowledged.len()), &words)).await;
        if answer["ok"] != true {
            break answer;
        }
        acknowledged.push(words);
        assert!(acknowledged.len() < 1_000, "it never fills");
    };
    assert_eq!(refused["error"]["code"], "unavailable", "{refused}");
    assert!(refused["error"]["retry_after_ms"].is_u64());
    eventually("the process says so", async || {
        let parts = out_of_order(&server).await;
        if parts == serde_json::json!(["store"]) { Ok(()) } else { Err(parts) }
    })
    .await;
    // What is there can be read, and live events go on.
    history(&mut shop, &conversation, &acknowledged).await;
    buyer.done("exchange", serde_json::json!({"target": "user:m7", "payload": 1})).await;

    disk.resize(64 << 20);
    let more = numbered("more", 3);
    for words in &more {
        insist(&mut buyer, "m7", words).await;
    }
    eventually("the process says so", async || {
        let parts = out_of_order(&server).await;
        if parts == serde_json::json!([]) { Ok(()) } else { Err(parts) }
    })
    .await;
    acknowledged.extend(more);
    history(&mut shop, &conversation, &acknowledged).await;
    // The file is sound, and has it all, when it is opened again.
    drop(server);
    let server = Server::start("imserver", &["--data-dir", data.to_str().unwrap()], &[]).await.unwrap();
    let mut shop = Window::open(&server, "m7").await;
    history(&mut shop, &conversation, &acknowledged).await;
}
