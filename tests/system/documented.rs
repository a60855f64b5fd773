//! The lines that PROTOCOL.md offers to back ends, run as they stand there.

use crate::client::{Client, Over};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Command;
use tests::cluster::node;
use tests::redis::Redis;
use tests::{Cluster, eventually};

/// The line of PROTOCOL.md that begins so.
fn line(beginning: &str) -> String {
    let text = std::fs::read_to_string(root().join("PROTOCOL.md")).unwrap();
    let mut lines = text.lines().filter(|line| line.starts_with(beginning));
    lines.next().unwrap_or_else(|| panic!("no line {beginning}…")).to_owned()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

fn shell(line: &str) -> String {
    let output = Command::new("sh").args(["-c", line]).output().unwrap();
    assert!(output.status.success(), "{line}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn php_and_javascript_find_the_node_that_every_vector_names() {
    let vectors = std::fs::read_to_string(root().join("shared/shard/vectors.json")).unwrap();
    let vectors: Vec<Value> = serde_json::from_str(&vectors).unwrap();
    let example = "ImMsgPub:hua1024 4";
    for beginning in ["php -r 'echo hexdec", "node -e 'const [key"] {
        let line = line(beginning);
        assert_eq!(shell(&line), "2", "what the document says that it prints");
        for vector in &vectors {
            let key = vector["key"].as_str().unwrap();
            for num in ["4", "7", "256"] {
                let found = shell(&line.replace(example, &format!("'{key}' {num}")));
                assert_eq!(found, vector["node"][num].to_string(), "{beginning}… {key} {num}");
            }
        }
    }
}

#[tokio::test]
async fn what_back_ends_publish_reaches_each_window_once() {
    let redis = Redis::start();
    let cluster = Cluster::start(2, &[node(redis.port)], &[]).await.unwrap();
    let mut windows = Vec::new();
    for process in &cluster.processes {
        windows.push(Client::log_in(process.address(), Over::WebSocket, "8").await.0);
    }
    let lines = ["redis-cli -p 6379 PUBLISH", "node -e 'const c", "php -r '$c"].map(|line_begins| {
        let line = line(line_begins);
        assert!(line.contains("6379"), "{line}");
        line.replace("6379", &redis.port.to_string())
    });
    // Each twice: the same is shown once.
    for line in lines.iter().chain(&lines) {
        shell(line);
    }
    let published = async || {
        let stats = redis.ask(&["INFO", "commandstats"]);
        let calls = stats.lines().find_map(|line| line.strip_prefix("cmdstat_publish:calls=")?.split(',').next());
        let calls: u32 = calls.and_then(|calls| calls.parse().ok()).unwrap_or(0);
        if calls >= 6 { Ok(()) } else { Err(calls) }
    };
    eventually("all is published", published).await;
    redis.ask(&["PUBLISH", "ImMsgPub:8", r#"{"type":"system","message":{"text":"the end"}}"#]);
    for window in &mut windows {
        let mut heard = Vec::new();
        loop {
            let packet =
                window.until(|packet| packet.starts_with("42[\"messagePush") || packet.contains("systemPush")).await;
            let mut event: Value = serde_json::from_str(&packet[2..]).unwrap();
            if event[1]["message"]["text"] == "the end" {
                break;
            }
            let time = event[1].as_object_mut().unwrap().remove("send_time");
            assert!(time.is_some_and(|time| time.is_u64()));
            heard.push(event);
        }
        heard.sort_by_key(|event| event[1]["id"].as_str().unwrap_or_default().to_owned());
        let whole = |kind: &str, id: &str, message: Value| json!({"id": id, "chat_type": "p2p", "type": kind, "from_user_id": "m9", "to_user_id": "8", "message": message});
        let card = json!({"title": "订单已付款", "order_id": "77", "url": "https://shop.example/orders/77"});
        let expected = [
            json!(["messagePush", whole("text", "hello-1", json!("您好"))]),
            json!(["systemPush", {"id": "night-1", "message": {"text": "今晚维护"}}]),
            json!(["messagePush", whole("card", "order-77-buyer", card)]),
        ];
        assert_eq!(heard, expected);
    }
}
