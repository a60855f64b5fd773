//! Socket.IO packets that are malformed, abuse attachments, nest without end, or carry half a character.

use super::client::{BOTH, Client, End, Over};
use super::ground::Ground;
use tests::websocket::{Raw, frame};

const MASK: Option<[u8; 4]> = Some([9, 8, 7, 6]);

/// A WebSocket of a logged-in user whose frames the test writes.
async fn raw(ground: &Ground, user: &str) -> Raw {
    let path = format!("/socket.io/?EIO=4&transport=websocket&userId={user}");
    let mut socket = Raw::connect(ground.address(), &path).await.unwrap();
    socket.text("40").await.unwrap();
    while !socket.read().await.unwrap().payload.starts_with(b"42[\"init\"") {}
    socket
}

#[tokio::test]
async fn a_malformed_packet_ends_its_connection_on_either_transport() {
    let ground = Ground::site(&[]).await;
    let wrong = [
        "4",
        "47",
        "49",
        "4x",
        "42",
        "42[",
        "42]",
        "42{}",
        "42\"x\"",
        "42null",
        "42[]",
        "42[null]",
        "42[{}]",
        "42[[\"x\"]]",
        "42[\"x\"",
        "42[\"x\",]",
        "42[\"x\"]]",
        "42[\"x\"] x",
        "42[\"\\u12\"]",
        "42[\"x\\",
        "42[\"x\",nul]",
        "42[\"connect\"]",
        "42[\"disconnect\",1]",
        "4299999999999999999999[\"x\"]",
        "42-1[\"x\"]",
        "43[1]",
        "43",
        "437",
        "437{}",
        "44{}",
        "44\"no\"",
        "40\"x\"",
        "40[]",
        "407{}",
        "40{",
        "40{\"a\":}",
        "41x",
        "45[\"x\"]",
        "45-[\"x\"]",
        "46-1[]",
        "42[\"x\",1e]",
        "42[\"x\",01]",
        "42[\"x\",\"\u{1}\"]",
    ];
    for over in BOTH {
        for packet in wrong {
            let (mut client, _) = Client::log_in(ground.address(), over, "8").await;
            client.try_send(packet).await;
            let end = client.end().await;
            assert!(end.is_protocol_error(), "{packet} over {over:?}: {end:?}");
        }
    }
    ground.wait_closed("protocol_error", 2.0 * wrong.len() as f64).await;
    ground.clear().await;
}

#[tokio::test]
async fn a_request_that_says_nonsense_is_answered_and_its_connection_goes_on() {
    let ground = Ground::site(&[]).await;
    for over in BOTH {
        let (mut client, _) = Client::log_in(ground.address(), over, "8").await;
        for (event, argument) in [
            ("exchange", "null"),
            ("exchange", r#"{"target":7}"#),
            ("exchange", r#"{"target":""}"#),
            ("exchange", r#"{"target":"user:\ud83d","payload":1}"#),
            ("join", r#"{"room":"\ud83d"}"#),
            ("getPresence", r#"{"user_ids":["8","8","\ud83d"]}"#),
            ("nobody's", "1"),
            ("__proto__", "{}"),
            ("\\ud83d", "{}"),
        ] {
            let answer = client.ask(event, argument).await;
            assert!(answer.starts_with("437[{\"ok\":false,\"error\":{\"code\":\""), "{event} {argument}: {answer}");
        }
        // What is for no namespace of this client, or answers nothing that was asked, is nobody's.
        for stray in ["42/other,[\"x\"]", "43123[1]", "41/other,", "4318446744073709551615[]"] {
            client.send(stray).await;
        }
        assert!(client.ask("changeStatus", r#"{"status":"busy"}"#).await.contains("\"ok\":true"));
        client.send("1").await;
        client.end().await;
    }
    ground.clear().await;
}

#[tokio::test]
async fn an_unknown_namespace_is_refused_and_the_known_one_still_open() {
    let ground = Ground::site(&[]).await;
    let long = format!("/{}", "n".repeat(100_000));
    for over in BOTH {
        let mut client = Client::open(ground.address(), over, "userId=8").await;
        for namespace in ["/nope", "/../", "/\u{7fa4}", "/?x=1", "/constructor", long.as_str()] {
            client.send(&format!("40{namespace},")).await;
            let refused = format!("44{namespace},{{\"message\":\"Invalid namespace\"}}");
            assert_eq!(client.next().await, Ok(refused));
        }
        client.send("40").await;
        client.until(|packet| packet.starts_with("42[\"init\"")).await;
        client.send("40").await;
        let end = client.end().await;
        assert!(end.is_protocol_error(), "joined twice: {end:?}");
    }
    ground.clear().await;
}

#[tokio::test]
async fn an_event_before_any_namespace_ends_the_connection() {
    let ground = Ground::site(&[]).await;
    for over in BOTH {
        let mut client = Client::open(ground.address(), over, "userId=8").await;
        client.try_send(r#"42["changeStatus",{"status":"busy"}]"#).await;
        let end = client.end().await;
        assert!(end.is_protocol_error(), "{end:?}");
    }
    ground.clear().await;
}

#[tokio::test]
async fn attachments_are_bounded_in_number_and_in_size_together() {
    let ground = Ground::site(&[("IM__ENGINE__MAX_PAYLOAD_BYTES", "10000")]).await;
    let (mut hearer, _) = Client::log_in(ground.address(), Over::WebSocket, "m7").await;
    let event = |count: usize| {
        let places: Vec<String> = (0..count).map(|n| format!("{{\"_placeholder\":true,\"num\":{n}}}")).collect();
        let places = places.join(",");
        format!("45{count}-[\"exchange\",{{\"target\":\"user:m7\",\"payload\":[{places}]}}]")
    };
    let mut fine = raw(&ground, "8").await;
    fine.text(&event(10)).await.unwrap();
    for part in 0..10 {
        fine.0.send(&frame(0x82, MASK, &[part; 1_000])).await.unwrap();
    }
    hearer.until(|packet| packet.starts_with("4510-[\"exchange\"")).await;
    for part in 0..10 {
        assert_eq!(hearer.next().await.unwrap(), format!("bytes {:?}", [part; 1_000]), "each in its place");
    }
    drop(fine);
    let mut many = raw(&ground, "8").await;
    many.text(&event(11)).await.unwrap();
    assert_eq!(many.close_code().await.unwrap(), 1002, "one too many");
    let mut large = raw(&ground, "8").await;
    large.text(&event(10)).await.unwrap();
    large.0.send(&frame(0x82, MASK, &[1; 9_999])).await.unwrap();
    large.0.send(&frame(0x82, MASK, &[2; 2])).await.unwrap();
    assert_eq!(large.close_code().await.unwrap(), 1002, "too large together");
    // Announced and never sent: nothing is kept but the little that came.
    let mut silent = raw(&ground, "8").await;
    silent.text(&event(10)).await.unwrap();
    drop((silent, hearer));
    ground.clear().await;
}

#[tokio::test]
async fn attachments_that_do_not_fit_their_packet_end_the_connection() {
    let ground = Ground::site(&[]).await;
    let part = frame(0x82, MASK, b"part");
    let text = |packet: &str| frame(0x81, MASK, packet.as_bytes());
    let place = |n: &str| format!("{{\"_placeholder\":true,\"num\":{n}}}");
    let one = |n: &str| text(&format!("451-[\"exchange\",{{\"target\":\"user:m7\",\"payload\":{}}}]", place(n)));
    for (what, bytes) in [
        ("nothing announced it", part.clone()),
        ("a text in between", [one("0"), text("42[\"x\"]")].concat()),
        ("too many to read", text("4599999999999999999999-[\"x\"]")),
        ("none announced", text("450-[\"x\"]")),
        ("a sign", text("45-1-[\"x\"]")),
        ("a place out of range", one("1")),
        ("a negative place", one("-1")),
        ("a broken place", one("0.5")),
        ("a place that is no number", one("\"0\"")),
        ("a place beyond all numbers", one("18446744073709551616")),
        ("no place at all", text("451-[\"exchange\",{\"target\":\"user:m7\",\"payload\":1}]")),
        ("one place for two", text(&format!("452-[\"x\",{}]", place("0")))),
    ] {
        let mut socket = raw(&ground, "8").await;
        socket.0.send(&bytes).await.unwrap();
        assert_eq!(socket.close_code().await.unwrap(), 1002, "{what}");
    }
    // Without an announcement a placeholder is an object like any other.
    let (mut hearer, _) = Client::log_in(ground.address(), Over::WebSocket, "m7").await;
    let mut socket = raw(&ground, "8").await;
    socket.text(&format!("42[\"exchange\",{{\"target\":\"user:m7\",\"payload\":{}}}]", place("5"))).await.unwrap();
    let heard = hearer.until(|packet| packet.contains("_placeholder")).await;
    assert!(heard.starts_with("42[") && heard.contains(&place("5")), "{heard}");
    drop((socket, hearer));
    ground.clear().await;
}

#[tokio::test]
async fn nesting_within_reason_is_relayed_and_without_end_is_refused() {
    let ground = Ground::site(&[]).await;
    let lists = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
    let objects = |depth: usize| format!("{}1{}", "{\"a\":".repeat(depth), "}".repeat(depth));
    let exchange = |payload: &str| format!("427[\"exchange\",{{\"target\":\"user:m7\",\"payload\":{payload}}}]");
    let (mut hearer, _) = Client::log_in(ground.address(), Over::WebSocket, "m7").await;
    for over in BOTH {
        let (mut client, _) = Client::log_in(ground.address(), over, "8").await;
        for payload in [lists(900), objects(900)] {
            client.send(&exchange(&payload)).await;
            let heard = hearer.until(|packet| packet.starts_with("42[\"exchange\"")).await;
            assert!(heard.contains(&payload), "it arrived changed");
            client.until(|packet| packet.starts_with("437[{\"ok\":true")).await;
        }
        client.send("1").await;
        client.end().await;
        for packet in [
            exchange(&lists(100_000)),
            exchange(&objects(100_000)),
            format!("42[\"join\",{}]", lists(100_000)),
            format!("437[{}]", lists(100_000)),
            format!("451-[\"x\",{}]", lists(100_000)),
            format!("42[\"x\",{}", "[".repeat(900_000)),
            format!("42[{}", "{\"a\":".repeat(100_000)),
            format!("40/other,{}", "{\"a\":".repeat(100_000)),
        ] {
            let (mut client, _) = Client::log_in(ground.address(), over, "8").await;
            client.try_send(&packet).await;
            let end = client.end().await;
            assert!(end.is_protocol_error(), "{packet:.40} over {over:?}: {end:?}");
        }
        // What a client shows of itself at a login is read by other means.
        let mut client = Client::open(ground.address(), over, "userId=8").await;
        client.try_send(&format!("40{{\"token\":{}}}", lists(100_000))).await;
        match client.next().await {
            Ok(refused) => assert!(refused.starts_with("44{\"message\""), "{refused:.80}"),
            Err(end) => assert!(end.is_protocol_error(), "{end:?}"),
        }
        client.try_send("1").await;
    }
    drop(hearer);
    ground.clear().await;
}

#[tokio::test]
async fn half_a_character_is_relayed_as_it_was_written() {
    let ground = Ground::site(&[]).await;
    let (mut on_websocket, _) = Client::log_in(ground.address(), Over::WebSocket, "m7").await;
    let (mut on_polling, _) = Client::log_in(ground.address(), Over::Polling, "m7").await;
    let payload = r#"{"text":"\ud83d","\ude00":["\udbff\ud800","\ud83d\ude00 群"]}"#;
    for over in BOTH {
        let (mut client, _) = Client::log_in(ground.address(), over, "8").await;
        let answer = client.ask("exchange", &format!("{{\"target\":\"user:m7\",\"payload\":{payload}}}")).await;
        assert!(answer.contains("\"ok\":true"), "{answer}");
        for hearer in [&mut on_websocket, &mut on_polling] {
            let heard = hearer.until(|packet| packet.starts_with("42[\"exchange\"")).await;
            assert!(heard.contains(payload), "{heard}");
        }
        client.send("1").await;
        client.end().await;
    }
    on_polling.send("1").await;
    assert_eq!(on_polling.end().await, End::Refused(400, 1));
    drop(on_websocket);
    ground.clear().await;
}
