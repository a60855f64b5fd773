//! Numbers and rates that a client is held to, with the words it is told so in.

use super::client::{BOTH, Client, End, Over, SOCKET_IO, refusal};
use super::ground::Ground;
use tests::eventually;
use tests::http::{Answer, get};

/// Answers of both transports to a handshake.
async fn handshakes(ground: &Ground, user: &str) -> [Answer; 2] {
    let path = format!("{SOCKET_IO}?EIO=4&transport=polling&userId={user}");
    let polling = get(ground.address(), &path).await.unwrap();
    let upgrade = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let path = path.replace("polling", "websocket");
    [polling, tests::http::request(ground.address(), "GET", &path, &upgrade, b"").await.unwrap()]
}

fn is_refused(answer: &Answer, status: u16) {
    assert_eq!(refusal(answer), (status, 4));
    let wait: u32 = answer.header("retry-after").expect("when to come back").parse().expect("whole seconds");
    assert!(wait >= 1);
}

/// Logs in as soon as a place is free.
async fn place(ground: &Ground, over: Over) -> Client {
    let opened = async || Client::open_if_let(ground.address(), over, "userId=8").await.ok_or("refused");
    let mut client = eventually("a place is free", opened).await;
    client.send("40").await;
    client.until(|packet| packet.starts_with("42[\"init\"")).await;
    client
}

#[tokio::test]
async fn connections_of_an_address_are_bounded() {
    // The bystanders have two of them.
    let ground = Ground::site(&[("IM__LIMITS__MAX_CONNECTIONS_PER_ADDRESS", "5")]).await;
    for over in BOTH {
        let mut held = Vec::new();
        for _ in 0..3 {
            held.push(place(&ground, over).await);
        }
        for answer in handshakes(&ground, "9").await {
            is_refused(&answer, 429);
        }
        assert!(held[0].ask("changeStatus", r#"{"status":"busy"}"#).await.contains("\"ok\":true"));
        for mut client in held {
            client.send("1").await;
            client.end().await;
        }
    }
    ground.clear().await;
}

#[tokio::test]
async fn connections_of_a_process_are_bounded() {
    let ground = Ground::site(&[("IM__LIMITS__MAX_CONNECTIONS", "4")]).await;
    for over in BOTH {
        let mut held = vec![place(&ground, over).await, place(&ground, over).await];
        for answer in handshakes(&ground, "9").await {
            is_refused(&answer, 503);
        }
        assert!(held[0].ask("changeStatus", r#"{"status":"busy"}"#).await.contains("\"ok\":true"));
        for mut client in held {
            client.send("1").await;
            client.end().await;
        }
    }
    ground.clear().await;
}

#[tokio::test]
async fn connections_of_a_user_are_bounded_and_the_last_is_told_so() {
    let ground = Ground::site(&[("IM__LIMITS__MAX_CONNECTIONS_PER_USER", "2")]).await;
    let (mut first, _) = Client::log_in(ground.address(), Over::WebSocket, "8").await;
    let (second, _) = Client::log_in(ground.address(), Over::Polling, "8").await;
    for over in BOTH {
        let mut third = Client::open(ground.address(), over, "userId=8").await;
        third.send("40").await;
        let refused = third.until(|packet| packet.starts_with("44")).await;
        let refused: serde_json::Value = serde_json::from_str(&refused[2..]).unwrap();
        assert_eq!(refused["data"]["code"], "rate_limited");
        assert!(refused["data"]["retry_after_ms"].as_u64().is_some_and(|wait| wait > 0), "{refused}");
        assert!(refused["message"].as_str().is_some_and(|message| !message.is_empty()));
        // Someone else may still come, on this very connection's address.
        let (mut other, _) = Client::log_in(ground.address(), over, "9").await;
        for client in [&mut third, &mut other] {
            client.send("1").await;
            client.end().await;
        }
    }
    first.send("1").await;
    assert_eq!(first.end().await, End::Code(1000));
    let again = async || {
        let mut client = Client::open(ground.address(), Over::WebSocket, "userId=8").await;
        client.send("40").await;
        match client.next().await {
            Ok(packet) if packet.starts_with("40") => Ok(()),
            other => Err(other),
        }
    };
    eventually("the place is free again", again).await;
    let Client::Polling(session, _) = &second else { unreachable!() };
    session.post("1").await.unwrap();
    ground.clear().await;
}

#[tokio::test]
async fn handshakes_of_an_address_are_slowed_down() {
    let ground = Ground::site(&[("IM__LIMITS__HANDSHAKES_PER_SECOND_PER_ADDRESS", "1")]).await;
    let mut clients = Vec::new();
    // A burst of ten, of which the bystanders have used two; one or two more if a second goes by.
    let refused = loop {
        let client = Client::open_if_let(ground.address(), Over::WebSocket, "userId=8").await;
        match client {
            Some(client) => clients.push(client),
            None => break get(ground.address(), &format!("{SOCKET_IO}?EIO=4&transport=polling")).await.unwrap(),
        }
        assert!(clients.len() < 100, "nobody holds it back");
    };
    assert!(clients.len() >= 8, "after {} only", clients.len());
    is_refused(&refused, 429);
    // Who is in already is not slowed down.
    for mut client in clients {
        client.send("40").await;
        client.until(|packet| packet.starts_with("42[\"init\"")).await;
    }
    ground.clear().await;
}

#[tokio::test]
async fn events_of_a_user_are_counted_over_all_windows_and_far_too_many_close_the_one_that_sends_them() {
    let ground = Ground::site(&[
        ("IM__LIMITS__EVENTS_PER_SECOND_PER_USER", "1"),
        ("IM__LIMITS__EVENT_BURST_PER_USER", "3000"),
        ("IM__LIMITS__REFUSED_EVENTS_TO_CLOSE", "100"),
    ])
    .await;
    let (mut flooder, _) = Client::log_in(ground.address(), Over::WebSocket, "8").await;
    let (mut window, _) = Client::log_in(ground.address(), Over::Polling, "8").await;
    let (mut other, _) = Client::log_in(ground.address(), Over::WebSocket, "9").await;
    let ask = r#"{"status":"busy"}"#;
    let mut answers = 0;
    let refused = loop {
        let answer = flooder.ask("changeStatus", ask).await;
        answers += 1;
        if !answer.contains("\"ok\":true") {
            break answer;
        }
    };
    assert!(answers > 2_900, "refused after {answers}");
    let refused: serde_json::Value = serde_json::from_str(&refused[3..]).unwrap();
    assert_eq!(refused[0]["error"]["code"], "rate_limited");
    let wait = refused[0]["error"]["retry_after_ms"].as_u64().expect("when to go on");
    assert!((1..=1_000).contains(&wait), "{wait}");
    assert!(other.ask("changeStatus", ask).await.contains("\"ok\":true"), "another user is not held back");
    let answer = window.ask("changeStatus", ask).await;
    assert!(answer.contains("rate_limited") || answer.contains("\"ok\":true"), "{answer}");
    // One may get through now and then; that many in a row, in one write, may not.
    flooder.send_many(r#"42["changeStatus",{"status":"busy"}]"#, 1_000).await;
    assert_eq!(flooder.end().await, End::Code(4005));
    assert!(window.ask("changeStatus", ask).await.starts_with("437["), "the other window goes on");
    window.send("1").await;
    drop(other);
    ground.clear().await;
}
