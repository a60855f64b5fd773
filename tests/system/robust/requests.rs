//! HTTP requests that open no session: refused with their code, or no HTTP at all.

use super::client::{Client, End, Over, SOCKET_IO, refusal};
use super::ground::Ground;
use std::net::SocketAddr;
use tests::http::{self, Connection, head, request};
use tests::polling::Polling;

const WEBSOCKET: [(&str, &str); 4] = [
    ("Upgrade", "websocket"),
    ("Connection", "Upgrade"),
    ("Sec-WebSocket-Version", "13"),
    ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
];

/// Status and code that `method` on Engine.IO's path with this query is refused with.
async fn refused(address: SocketAddr, method: &str, query: &str, headers: &[(&str, &str)]) -> (u16, u64) {
    let answer = request(address, method, &format!("{SOCKET_IO}?{query}"), headers, b"").await.unwrap();
    refusal(&answer)
}

#[tokio::test]
async fn a_bad_handshake_is_refused_with_the_code_of_what_is_wrong() {
    let ground = Ground::site(&[]).await;
    let long = format!("EIO=4&transport=polling&sid={}", "x".repeat(8_000));
    let wrong = [
        ("GET", "", 0),
        ("GET", "EIO=4", 0),
        ("GET", "EIO=4&transport=", 0),
        ("GET", "EIO=4&transport=webtransport", 0),
        ("GET", "EIO=4&transport=constructor", 0),
        ("GET", "EIO=4&transport=__proto__", 0),
        ("GET", "EIO=4&transport=Polling", 0),
        ("GET", "EIO=4&transport=%70%6f%ff", 0),
        ("GET", "EIO=4&transport=polling&sid=nobody", 1),
        ("POST", "EIO=4&transport=polling&sid=im1.AAAAAAAAAAAAAAAAAAAA", 1),
        ("GET", "EIO=4&transport=polling&sid=%00%ff%e4", 1),
        ("GET", "EIO=4&transport=polling&sid=..%2f..%2fetc", 1),
        ("GET", "EIO=4&transport=websocket&sid=nobody", 1),
        ("GET", &long, 1),
        ("POST", "EIO=4&transport=polling", 2),
        ("PUT", "EIO=4&transport=polling", 2),
        ("DELETE", "EIO=4&transport=polling", 2),
        ("BREW", "EIO=4&transport=polling", 2),
        ("GET", "EIO=4&transport=polling&j=x", 3),
        ("GET", "EIO=3&transport=polling&j=alert(1)", 3),
        ("GET", "EIO=4&transport=websocket", 3),
        ("GET", "transport=polling", 5),
        ("GET", "EIO=abc&transport=polling", 5),
        ("GET", "EIO=&transport=polling", 5),
        ("GET", "EIO=2&transport=polling", 5),
        ("GET", "EIO=5&transport=polling", 5),
        ("GET", "EIO=4.0&transport=polling", 5),
        ("GET", "EIO=44444444444444444444&transport=polling", 5),
    ];
    for (method, query, code) in wrong {
        assert_eq!(refused(ground.address(), method, query, &[]).await, (400, code), "{method} {query}");
    }
    ground.clear().await;
}

#[tokio::test]
async fn a_bad_websocket_handshake_is_refused() {
    let ground = Ground::site(&[]).await;
    let good = WEBSOCKET;
    let change = |name: &str, value: &'static str| -> Vec<(&'static str, &'static str)> {
        good.iter().map(|&(key, old)| (key, if key == name { value } else { old })).collect()
    };
    let query = "EIO=4&transport=websocket&userId=8";
    for headers in [
        change("Sec-WebSocket-Version", "8"),
        change("Sec-WebSocket-Version", "13, 8"),
        change("Sec-WebSocket-Key", ""),
        change("Sec-WebSocket-Key", "c2hvcnQ="),
        change("Sec-WebSocket-Key", "!!!!"),
        change("Upgrade", "h2c"),
        change("Connection", "close"),
        good[..2].to_vec(),
        good[..3].to_vec(),
    ] {
        assert_eq!(refused(ground.address(), "GET", query, &headers).await, (400, 3), "{headers:?}");
    }
    assert_eq!(refused(ground.address(), "POST", query, &good).await, (400, 2));
    let polling = "EIO=4&transport=polling&userId=8";
    assert_eq!(refused(ground.address(), "GET", polling, &good).await, (400, 3), "a WebSocket for polling");
    ground.clear().await;
}

#[tokio::test]
async fn the_wrong_method_or_transport_for_a_session_is_refused_and_leaves_it_alone() {
    let ground = Ground::site(&[]).await;
    let (mut polling, _) = Client::log_in(ground.address(), Over::Polling, "8").await;
    let Client::Polling(session, _) = &polling else { unreachable!() };
    let query = format!("EIO=4&transport=polling&sid={}", session.sid);
    for method in ["PUT", "DELETE", "PATCH", "BREW"] {
        assert_eq!(refused(ground.address(), method, &query, &[]).await, (400, 3), "{method}");
    }
    let websocket = query.replace("polling", "websocket");
    assert_eq!(refused(ground.address(), "GET", &websocket, &[]).await, (400, 3));
    assert_eq!(refused(ground.address(), "GET", &query, &WEBSOCKET).await, (400, 3));
    assert_eq!(refused(ground.address(), "GET", &query.replace("polling", "carrier"), &[]).await, (400, 0));
    assert!(polling.ask("changeStatus", r#"{"status":"busy"}"#).await.contains("\"ok\":true"));
    polling.send("1").await;
    assert_eq!(polling.end().await, End::Refused(400, 1));
    ground.clear().await;
}

#[tokio::test]
async fn a_session_on_a_websocket_cannot_be_polled() {
    let ground = Ground::site(&[]).await;
    let path = format!("{SOCKET_IO}?EIO=4&transport=websocket&userId=8");
    let mut socket = tests::websocket::Raw::connect(ground.address(), &path).await.unwrap();
    let open = String::from_utf8(socket.read().await.unwrap().payload).unwrap();
    let sid = open.split('"').nth(3).unwrap();
    let query = format!("EIO=4&transport=polling&sid={sid}");
    assert_eq!(refused(ground.address(), "GET", &query, &[]).await, (400, 3));
    assert_eq!(refused(ground.address(), "POST", &query, &[]).await, (400, 3));
    assert_eq!(refused(ground.address(), "GET", &query.replace("polling", "websocket"), &WEBSOCKET).await, (400, 3));
    socket.text("40").await.unwrap();
    assert!(socket.read().await.unwrap().payload.starts_with(b"40"), "it still lives on its WebSocket");
    drop(socket);
    ground.clear().await;
}

#[tokio::test]
async fn what_is_switched_off_is_refused() {
    let ground = Ground::site(&[("IM__ENGINE__ALLOW_EIO3", "false")]).await;
    for transport in ["polling", "websocket"] {
        let query = format!("EIO=3&transport={transport}&userId=8");
        assert_eq!(refused(ground.address(), "GET", &query, &[]).await, (400, 5));
    }
    ground.clear().await;
}

#[tokio::test]
async fn a_foreign_page_is_refused_and_told_why_where_it_may_know() {
    let ground = Ground::site(&[("IM__ENGINE__CORS__ORIGINS", "https://shop.example")]).await;
    let handshake = format!("{SOCKET_IO}?EIO=4&transport=polling&userId=8");
    let foreign = [("Origin", "https://evil.example")];
    for (method, path, headers) in [
        ("GET", handshake.clone(), &foreign[..]),
        ("OPTIONS", handshake.clone(), &foreign[..]),
        ("GET", handshake.replace("polling", "websocket"), &[&WEBSOCKET[..], &foreign[..]].concat()[..]),
        ("GET", handshake.replace('4', "3") + "&j=0", &[("Referer", "https://evil.example/page")][..]),
    ] {
        let answer = request(ground.address(), method, &path, headers, b"").await.unwrap();
        assert_eq!(refusal(&answer), (403, 4), "{method} {path}");
        assert_eq!(answer.header("access-control-allow-origin"), None);
    }
    let own = [("Origin", "https://shop.example")];
    let answer = request(ground.address(), "GET", &format!("{SOCKET_IO}?EIO=4"), &own, b"").await.unwrap();
    assert_eq!(refusal(&answer), (400, 0));
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://shop.example"), "of an error too");
    ground.clear().await;
}

#[tokio::test]
async fn what_is_no_http_ends_its_own_connection() {
    let ground = Ground::site(&[]).await;
    let path = format!("{SOCKET_IO}?EIO=4&transport=polling&userId=8");
    let many: Vec<(String, String)> = (0..500).map(|n| (format!("X-{n}"), "x".into())).collect();
    let many: Vec<(&str, &str)> = many.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    let long = "x".repeat(100_000);
    let both = [("Transfer-Encoding", "chunked"), ("Content-Length", "3")];
    let twice = [("Content-Length", "3"), ("Content-Length", "4")];
    for bytes in [
        b"\x00\x01\x02\x03\r\n\r\n".to_vec(),
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n".to_vec(),
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
        b"GET\r\n\r\n".to_vec(),
        format!("GET {path} HTTP/9.9\r\n\r\n").into_bytes(),
        format!("GET {path}\x00 HTTP/1.1\r\nHost: x\r\n\r\n").into_bytes(),
        head(ground.address(), "GET", &format!("{path}&x={long}"), &[], None),
        head(ground.address(), "GET", &path, &[("X-Long", &long)], None),
        head(ground.address(), "GET", &path, &many, None),
        head(ground.address(), "GET", &path, &[("Content-Length", "-1")], None),
        head(ground.address(), "GET", &path, &[("Content-Length", "99999999999999999999999")], None),
        head(ground.address(), "GET", &path, &[("Transfer-Encoding", "gzip")], None),
        head(ground.address(), "GET", &path, &twice, None),
    ] {
        let mut connection = Connection::open(ground.address()).await.unwrap();
        // The server may hang up before it has read all of it.
        connection.send(&bytes).await.ok();
        let answer = connection.rest().await.unwrap();
        let answer = String::from_utf8_lossy(&answer);
        assert!(answer.is_empty() || answer.starts_with("HTTP/1.1 4"), "{answer}");
    }
    // Allowed by RFC 9112, section 6.1, if the connection is then closed; never may the body pass for a request.
    let mut connection = Connection::open(ground.address()).await.unwrap();
    connection.send(&head(ground.address(), "GET", "/api/v1/me?userId=8", &both, None)).await.unwrap();
    connection.send(b"0\r\n\r\n").await.ok();
    let answer = connection.answer().await;
    assert!(answer.is_err() || answer.is_ok_and(|answer| answer.status != 500));
    ground.clear().await;
}

#[tokio::test]
async fn half_a_request_head_and_an_idle_connection_hold_nobody_up() {
    let ground = Ground::site(&[]).await;
    let path = format!("{SOCKET_IO}?EIO=4&transport=polling&userId=8");
    let whole = head(ground.address(), "GET", &path, &[], None);
    let mut held = Vec::new();
    for length in (0..whole.len()).step_by(7) {
        let mut connection = Connection::open(ground.address()).await.unwrap();
        connection.send(&whole[..length]).await.unwrap();
        held.push(connection);
    }
    let session = Polling::handshake(ground.address(), SOCKET_IO, "EIO=4&userId=8").await.unwrap();
    assert_eq!(session.post("1").await.unwrap().status, 200);
    drop(held);
    ground.clear().await;
}

#[tokio::test]
async fn requests_in_one_write_are_answered_in_their_order() {
    let ground = Ground::site(&[]).await;
    let mut connection = Connection::open(ground.address()).await.unwrap();
    let bad = |query: &str| head(ground.address(), "GET", &format!("{SOCKET_IO}?{query}"), &[], None);
    let burst = [bad("EIO=4"), bad("EIO=9&transport=polling"), bad("EIO=4&transport=polling&sid=x")].concat();
    connection.send(&burst).await.unwrap();
    for code in [0, 5, 1] {
        assert_eq!(refusal(&connection.answer().await.unwrap()), (400, code));
    }
    drop(connection);
    ground.clear().await;
}

#[tokio::test]
async fn a_refused_login_says_why_and_holds_nothing() {
    let ground = Ground::site(&[("IM__ENGINE__CONNECT_TIMEOUT_MS", "1000")]).await;
    let long = "9".repeat(65);
    for user in ["", "nobody", "m", "8%00", "%ff", "7.7", &long] {
        let mut client = Client::open(ground.address(), Over::WebSocket, &format!("userId={user}")).await;
        client.send("40").await;
        let answer = client.next().await.unwrap();
        assert!(answer.starts_with("44{\"message\":\""), "{user}: {answer}");
        assert_eq!(client.end().await, End::Code(4004), "{user}");
    }
    let answer = http::get(ground.address(), "/api/v1/me?userId=nobody").await.unwrap();
    assert_eq!(answer.status, 401, "{}", answer.text());
    ground.clear().await;
}
