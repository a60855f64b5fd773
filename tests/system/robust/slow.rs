//! Readers that do not read: closed once too much waits for them, and nobody else notices.

use super::client::{Client, End, Over};
use super::ground::Ground;
use tests::websocket::{Raw, frame};

/// Small queues, and rates that leave the senders free.
const SMALL: [(&str, &str); 2] =
    [("IM__LIMITS__SEND_QUEUE_BYTES", "1000000"), ("IM__LIMITS__EVENT_BURST_PER_USER", "1000000")];

/// What a server may grow by while it holds a queue of the size above, in KiB. Most of it is what an allocator keeps of
/// the messages that went through it on a busy machine; the 40 MB that [`flood`] would send are more.
const GROWTH_KB: u64 = 32_000;

/// What the server has once messages of this size have gone through it, in KiB: its allocator keeps some of that.
async fn warm_rss_kb(ground: &Ground) -> u64 {
    let (mut client, _) = Client::log_in(ground.address(), Over::WebSocket, "70").await;
    let payload = "x".repeat(100_000);
    for _ in 0..100 {
        client.send(&format!("42[\"exchange\",{{\"target\":\"user:70\",\"payload\":\"{payload}\"}}]")).await;
        client.until(|packet| packet.starts_with("42[\"exchange\"")).await;
    }
    ground.server.rss_kb().unwrap()
}

/// Sends 100 KB at a time to a user until somebody is closed as `slow`, each time hearing that it was handed on.
async fn flood(ground: &Ground, user: &str) {
    let (mut sender, _) = Client::log_in(ground.address(), Over::WebSocket, "8").await;
    let payload = "x".repeat(100_000);
    // Far more than the queue and the sockets' own buffers take.
    for _ in 0..400 {
        let argument = format!("{{\"target\":\"user:{user}\",\"payload\":\"{payload}\"}}");
        assert!(sender.ask("exchange", &argument).await.contains("\"ok\":true"));
        if ground.closed("slow").await >= 1.0 {
            return;
        }
    }
    panic!("40 MB were sent to who reads nothing");
}

#[tokio::test]
async fn a_websocket_that_is_not_read_is_closed_as_slow() {
    let ground = Ground::site(&SMALL).await;
    let path = "/socket.io/?EIO=4&transport=websocket&userId=m7";
    let mut reader = Raw::connect(ground.address(), path).await.unwrap();
    reader.text("40").await.unwrap();
    while !reader.read().await.unwrap().payload.starts_with(b"42[\"init\"") {}
    // Another window of the same user reads, and misses nothing.
    let (mut other, _) = Client::log_in(ground.address(), Over::WebSocket, "m7").await;
    let heard = tokio::spawn(async move {
        let mut count = 0;
        while let Ok(packet) = other.next().await {
            count += u64::from(packet.starts_with("42[\"exchange\""));
            if packet.contains("\"last\"") {
                break;
            }
        }
        count
    });
    let before = warm_rss_kb(&ground).await;
    flood(&ground, "m7").await;
    let after = ground.server.rss_kb().unwrap();
    assert!(after < before + GROWTH_KB, "{before} KiB became {after}");
    // What it reads at last are whole frames, and then the end; only the last one may be cut off.
    let mut whole = 0;
    while let Ok(frame) = reader.read().await {
        assert!(frame.payload.starts_with(b"42[\"exchange\"") && frame.payload.ends_with(b"}]"));
        whole += 1;
    }
    let (mut sender, _) = Client::log_in(ground.address(), Over::WebSocket, "8").await;
    sender.ask("exchange", r#"{"target":"user:m7","payload":"last"}"#).await;
    assert!(heard.await.unwrap() > whole, "the other window got more");
    drop((sender, reader));
    ground.clear().await;
}

#[tokio::test]
async fn a_session_that_does_not_poll_is_closed_as_slow() {
    let ground = Ground::site(&SMALL).await;
    let (mut reader, _) = Client::log_in(ground.address(), Over::Polling, "m7").await;
    let before = warm_rss_kb(&ground).await;
    flood(&ground, "m7").await;
    let after = ground.server.rss_kb().unwrap();
    assert!(after < before + GROWTH_KB, "{before} KiB became {after}");
    assert_eq!(reader.end().await, End::Refused(400, 1));
    ground.clear().await;
}

#[tokio::test]
async fn who_does_not_read_answers_to_himself_is_closed_as_slow() {
    let ground = Ground::site(&SMALL).await;
    let path = "/socket.io/?EIO=4&transport=websocket&userId=8";
    let mut socket = Raw::connect(ground.address(), path).await.unwrap();
    let pings = frame(0x89, Some([1; 4]), &[b'x'; 125]).repeat(1_000);
    for _ in 0..400 {
        if socket.0.send(&pings).await.is_err() || ground.closed("slow").await >= 1.0 {
            break;
        }
    }
    ground.wait_closed("slow", 1.0).await;
    drop(socket);
    ground.clear().await;
}

#[tokio::test]
async fn what_matters_only_now_is_dropped_for_a_reader_who_is_behind() {
    let ground = Ground::site(&[("IM__LIMITS__SEND_QUEUE_BYTES", "100000"), SMALL[1]]).await;
    let (mut reader, _) = Client::log_in(ground.address(), Over::Polling, "m7").await;
    let (mut sender, _) = Client::log_in(ground.address(), Over::WebSocket, "8").await;
    let typing = async |sender: &mut Client| {
        let answer = sender.ask("typing", r#"{"to_user_id":"m7","on":true}"#).await;
        assert!(answer.contains("\"ok\":true"), "{answer}");
    };
    // To who is not behind it goes.
    typing(&mut sender).await;
    reader.until(|packet| packet.starts_with("42[\"typingPush\"")).await;
    let payload = "x".repeat(30_000);
    sender.ask("exchange", &format!("{{\"target\":\"user:m7\",\"payload\":\"{payload}\"}}")).await;
    // As a firm message each of these would count, and together they are more than the queue holds.
    for _ in 0..2_500 {
        typing(&mut sender).await;
    }
    sender.ask("exchange", r#"{"target":"user:m7","payload":"last"}"#).await;
    assert!(reader.next().await.unwrap().contains(&payload));
    assert!(reader.next().await.unwrap().contains("\"last\""), "nothing passing in between");
    typing(&mut sender).await;
    reader.until(|packet| packet.starts_with("42[\"typingPush\"")).await;
    reader.send("1").await;
    drop(sender);
    ground.clear().await;
}
