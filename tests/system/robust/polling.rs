//! Long-polling gone wrong: bodies too large, broken or cut off, requests at once, requests given up.

use super::client::{Client, End, Over, SOCKET_IO, refusal};
use super::ground::Ground;
use tests::http::{Answer, Connection, head, request};
use tests::polling::{Polling, packets};

const MAX: usize = 2_000;
const MAX_TEXT: &str = "2000";
const TEXT: (&str, &str) = ("Content-Type", "text/plain;charset=UTF-8");

/// A session of the raw echo, where a message may be anything.
async fn echo(ground: &Ground, revision: u8) -> Polling {
    Polling::handshake(ground.address(), "/engine.io/", &format!("EIO={revision}")).await.unwrap()
}

/// Posts a body in chunks of the given size.
async fn post_chunked(ground: &Ground, session: &Polling, body: &[u8], size: usize) -> Answer {
    let mut connection = Connection::open(ground.address()).await.unwrap();
    let headers = [TEXT, ("Transfer-Encoding", "chunked")];
    connection.send(&head(ground.address(), "POST", &session.path(), &headers, None)).await.unwrap();
    for chunk in body.chunks(size) {
        let framed = [format!("{:x}\r\n", chunk.len()).as_bytes(), chunk, b"\r\n"].concat();
        connection.send(&framed).await.unwrap();
    }
    connection.send(b"0\r\n\r\n").await.unwrap();
    connection.answer().await.unwrap()
}

#[tokio::test]
async fn exactly_the_largest_body_is_taken_and_one_byte_more_is_not() {
    let ground = Ground::echo(&["--max-payload", MAX_TEXT]).await;
    let session = echo(&ground, 4).await;
    let exact = format!("4{}", "x".repeat(MAX - 1));
    let over = format!("4{}", "x".repeat(MAX));
    assert_eq!(session.post(&exact).await.unwrap().status, 200);
    assert_eq!(session.get().await.unwrap(), [exact.as_str()]);
    assert_eq!(refusal(&session.post(&over).await.unwrap()), (413, 3));
    for size in [1, 7, MAX, MAX + 1] {
        assert_eq!(post_chunked(&ground, &session, exact.as_bytes(), size).await.status, 200, "chunks of {size}");
        assert_eq!(session.get().await.unwrap(), [exact.as_str()]);
        let answer = post_chunked(&ground, &session, over.as_bytes(), size).await;
        assert_eq!(refusal(&answer), (413, 3), "chunks of {size}");
    }
    // Bytes count, not characters.
    let wide = format!("4{}", "群".repeat(MAX / 3 + 1));
    assert_eq!(refusal(&session.post(&wide).await.unwrap()), (413, 3));
    assert_eq!(session.post("4still here").await.unwrap().status, 200);
    assert_eq!(session.get().await.unwrap(), ["4still here"]);
    ground.clear().await;
}

#[tokio::test]
async fn the_largest_jsonp_form_is_measured_by_what_it_spells() {
    let ground = Ground::echo(&["--max-payload", MAX_TEXT]).await;
    let session = echo(&ground, 3).await;
    let path = format!("{}&j=0", session.path());
    let form = |count: usize| format!("d={count}%3A4{}", "%78".repeat(count - 1));
    // The length, the colon and the packet make the body: five bytes more than the packet.
    for (count, status) in [(MAX - 5, 200), (MAX - 4, 413)] {
        let kind = [("Content-Type", "application/x-www-form-urlencoded")];
        let answer = request(ground.address(), "POST", &path, &kind, form(count).as_bytes()).await.unwrap();
        assert_eq!(answer.status, status, "{count}: {}", answer.text());
    }
    assert_eq!(session.get().await.unwrap(), [format!("4{}", "x".repeat(MAX - 6))]);
    ground.clear().await;
}

#[tokio::test]
async fn a_body_that_is_too_large_is_read_out_before_it_is_refused() {
    let ground = Ground::echo(&["--max-payload", MAX_TEXT]).await;
    let session = echo(&ground, 4).await;
    // More than the sockets' buffers hold: a server that does not read it would reset the connection.
    let body = vec![b'x'; 12 << 20];
    let answer = request(ground.address(), "POST", &session.path(), &[TEXT], &body).await.unwrap();
    assert_eq!(refusal(&answer), (413, 3));
    assert_eq!(answer.header("connection"), Some("close"));
    // There is an end to its patience: what goes on and on is cut off.
    let mut connection = Connection::open(ground.address()).await.unwrap();
    connection.send(&head(ground.address(), "POST", &session.path(), &[TEXT], Some(1 << 40))).await.unwrap();
    let before = ground.server.rss_kb().unwrap();
    while connection.send(&body[..1 << 20]).await.is_ok() {}
    assert!(ground.server.rss_kb().unwrap() < before + 8_000, "it was kept in memory");
    assert_eq!(session.post("4still here").await.unwrap().status, 200);
    assert_eq!(session.get().await.unwrap(), ["4still here"]);
    ground.clear().await;
}

#[tokio::test]
async fn a_malformed_body_is_refused_and_ends_its_session() {
    let ground = Ground::echo(&[]).await;
    let octets = ("Content-Type", "application/octet-stream");
    let wrong: [(u8, (&str, &str), &[u8]); 24] = [
        (4, TEXT, b""),
        (4, TEXT, b"abc"),
        (4, TEXT, b"9x"),
        (4, TEXT, b"4x\x1e"),
        (4, TEXT, b"\x1e4x"),
        (4, TEXT, b"4x\x1e\x1e4y"),
        (4, TEXT, b"b!!!!"),
        (4, TEXT, b"bA"),
        (4, octets, b"4x"),
        (4, octets, b"\x04\x01\x02"),
        (3, TEXT, b""),
        (3, TEXT, b"4x"),
        (3, TEXT, b"3:4x"),
        (3, TEXT, b"1:4x"),
        (3, TEXT, b"-1:4"),
        (3, TEXT, b"x:4"),
        (3, TEXT, b"99999999999999999999999:4"),
        (3, TEXT, "2:4群1:".as_bytes()),
        // A length that ends in the middle of a character of two units.
        (3, TEXT, "2:4\u{1F600}".as_bytes()),
        (3, octets, b"\x00"),
        (3, octets, b"\x00\x01\xff"),
        (3, octets, b"\x00\x05\xff4x"),
        (3, octets, b"\x02\x01\xff4"),
        (3, octets, b"\x00\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\xff4"),
    ];
    for (revision, kind, body) in wrong {
        let session = echo(&ground, revision).await;
        let answer = request(ground.address(), "POST", &session.path(), &[kind], body).await.unwrap();
        let body = String::from_utf8_lossy(body);
        assert_eq!(answer.status, 400, "revision {revision}: {body:?}");
        assert_eq!(refusal(&answer), (400, 3), "revision {revision}: {body:?}");
        assert_eq!(refusal(&session.poll().await.unwrap()), (400, 1), "revision {revision}: {body:?}");
    }
    ground.clear().await;
}

#[tokio::test]
async fn a_body_that_is_not_utf_8_or_not_a_form_is_refused() {
    let ground = Ground::echo(&[]).await;
    let session = echo(&ground, 3).await;
    let answer = request(ground.address(), "POST", &session.path(), &[TEXT], b"3:4\xff\xfe").await.unwrap();
    assert_eq!(refusal(&answer), (400, 3));
    let path = format!("{}&j=1", session.path());
    for form in ["", "x=1", "d", "4x"] {
        let session = echo(&ground, 3).await;
        let path = path.replace(&path[path.find("sid=").unwrap()..], &format!("sid={}&j=1", session.sid));
        let answer = request(ground.address(), "POST", &path, &[TEXT], form.as_bytes()).await.unwrap();
        assert_eq!(refusal(&answer), (400, 3), "{form:?}");
    }
    ground.clear().await;
}

#[tokio::test]
async fn a_body_of_very_many_packets_is_refused() {
    let ground = Ground::echo(&[]).await;
    let session = echo(&ground, 4).await;
    let many = vec!["4"; 100_000].join("\u{1e}");
    assert_eq!(refusal(&session.post(&many).await.unwrap()), (400, 3));
    ground.clear().await;
}

#[tokio::test]
async fn two_polls_at_once_end_the_session() {
    let ground = Ground::site(&[]).await;
    let (client, _) = Client::log_in(ground.address(), Over::Polling, "8").await;
    let Client::Polling(session, _) = &client else { unreachable!() };
    let (first, second) = tokio::join!(session.poll(), session.poll());
    let (first, second) = (first.unwrap(), second.unwrap());
    let (told, refused) = if first.status == 200 { (first, second) } else { (second, first) };
    assert_eq!(refusal(&refused), (400, 3));
    assert_eq!((told.status, packets(&told.text())), (200, vec!["1".to_owned()]));
    assert_eq!(refusal(&session.poll().await.unwrap()), (400, 1));
    ground.wait_closed("protocol_error", 1.0).await;
    ground.clear().await;
}

#[tokio::test]
async fn two_posts_at_once_end_the_session() {
    let ground = Ground::site(&[]).await;
    let (client, _) = Client::log_in(ground.address(), Over::Polling, "8").await;
    let Client::Polling(session, _) = &client else { unreachable!() };
    let mut half = half_a_post(&ground, session, "42[\"changeStatus\"", 1_000).await;
    // Not before the server has seen the first one's head: its place is then taken.
    let refused = tests::eventually("the second is refused", async || match session.post("3").await.unwrap() {
        answer if answer.status == 200 => Err(answer.status),
        answer => Ok(answer),
    });
    assert_eq!(refusal(&refused.await), (400, 3));
    assert_eq!(refusal(&session.poll().await.unwrap()), (400, 1));
    half.send(&[b'x'; 1_000]).await.ok();
    drop(half);
    ground.wait_closed("protocol_error", 1.0).await;
    ground.clear().await;
}

#[tokio::test]
async fn a_poll_that_its_client_gives_up_ends_the_session() {
    let ground = Ground::site(&[]).await;
    let (client, _) = Client::log_in(ground.address(), Over::Polling, "8").await;
    let Client::Polling(session, _) = &client else { unreachable!() };
    // Given up before the server has looked at it, a request was never made; so it may take more than one.
    let given_up = async || {
        let mut connection = Connection::open(ground.address()).await.unwrap();
        connection.send(&head(ground.address(), "GET", &session.path(), &[], None)).await.unwrap();
        ground.closed("protocol_error").await;
        connection.finish().await.unwrap();
        connection.rest().await.unwrap();
        if ground.closed("transport_closed").await < 1.0 { Err(()) } else { Ok(()) }
    };
    tests::eventually("the session ends with its poll", given_up).await;
    assert_eq!(refusal(&session.poll().await.unwrap()), (400, 1));
    ground.clear().await;
}

#[tokio::test]
async fn a_post_cut_off_half_way_does_nothing_and_its_place_is_free_again() {
    let ground = Ground::site(&[]).await;
    let (mut client, _) = Client::log_in(ground.address(), Over::Polling, "8").await;
    let body = r#"42["changeStatus",{"status":"busy"}]"#;
    for length in [0, 1, body.len()] {
        let Client::Polling(session, _) = &client else { unreachable!() };
        let mut half = half_a_post(&ground, session, &body[..length], 1_000).await;
        half.finish().await.unwrap();
        // Once the server has closed its side it has let go of the request.
        half.rest().await.unwrap();
    }
    assert!(client.ask("getPresence", r#"{"user_ids":["8"]}"#).await.contains("online"));
    client.send("1").await;
    assert_eq!(client.end().await, End::Refused(400, 1));
    ground.clear().await;
}

#[tokio::test]
async fn a_chunked_post_that_breaks_its_framing_does_nothing() {
    let ground = Ground::site(&[]).await;
    let (mut client, _) = Client::log_in(ground.address(), Over::Polling, "8").await;
    for framing in ["zz\r\n", "-1\r\n", "4\r\n42[\"x\"]\r\n", "fffffffffffffffff\r\nx"] {
        let Client::Polling(session, _) = &client else { unreachable!() };
        let mut connection = Connection::open(ground.address()).await.unwrap();
        let headers = [TEXT, ("Transfer-Encoding", "chunked")];
        connection.send(&head(ground.address(), "POST", &session.path(), &headers, None)).await.unwrap();
        connection.send(framing.as_bytes()).await.unwrap();
        assert_eq!(refusal(&connection.answer().await.unwrap()), (400, 3), "{framing:?}");
    }
    assert!(client.ask("changeStatus", r#"{"status":"busy"}"#).await.contains("\"ok\":true"));
    client.send("1").await;
    ground.clear().await;
}

#[tokio::test]
async fn who_knows_anothers_socket_id_cannot_use_that_session() {
    let ground = Ground::site(&[]).await;
    // Clients 1.x and 2.x have their session's id for a socket id, which everybody may see.
    let session = Polling::handshake(ground.address(), SOCKET_IO, "EIO=3&userId=8").await.unwrap();
    for query in ["EIO=3&userId=9", "EIO=3", "EIO=4&userId=9"] {
        for (method, transport) in [("GET", "polling"), ("POST", "polling"), ("GET", "websocket")] {
            let path = format!("{SOCKET_IO}?{query}&transport={transport}&sid={}", session.sid);
            let upgrade = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Sec-WebSocket-Version", "13")];
            let key = [("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==")];
            let headers = if transport == "websocket" { [&upgrade[..], &key].concat() } else { vec![TEXT] };
            let answer = request(ground.address(), method, &path, &headers, b"1:1").await.unwrap();
            assert_eq!(refusal(&answer), (403, 4), "{method} {transport} {query}");
        }
    }
    session.get_until(|packet| packet.starts_with("42[\"init\"")).await.unwrap();
    assert_eq!(session.post("1:1").await.unwrap().status, 200, "its own client still can");
    ground.clear().await;
}

/// Sends a POST's head, with the length that is claimed, and the beginning of its body.
async fn half_a_post(ground: &Ground, session: &Polling, body: &str, length: usize) -> Connection {
    let mut connection = Connection::open(ground.address()).await.unwrap();
    connection.send(&head(ground.address(), "POST", &session.path(), &[TEXT], Some(length))).await.unwrap();
    connection.send(body.as_bytes()).await.unwrap();
    connection
}
