//! Upgrades from polling to WebSocket that stop half way, say the wrong thing, or come twice.

use super::client::{Client, End, Over, SOCKET_IO, refusal};
use super::ground::Ground;
use tests::http::{Connection, head};
use tests::polling::Polling;
use tests::websocket::{Raw, frame};

const SHORT: [(&str, &str); 1] = [("IM__ENGINE__UPGRADE_TIMEOUT_MS", "300")];

/// A logged-in user who polls, with `init` behind him.
async fn polling(ground: &Ground) -> Client {
    Client::log_in(ground.address(), Over::Polling, "8").await.0
}

fn session(client: &Client) -> &Polling {
    let Client::Polling(session, _) = client else { unreachable!("it polls") };
    session
}

/// The WebSocket that wants to take a session over.
async fn candidate(ground: &Ground, session: &Polling) -> Raw {
    let path = format!("{SOCKET_IO}?EIO=4&transport=websocket&sid={}", session.sid);
    Raw::connect(ground.address(), &path).await.unwrap()
}

/// Asks, and is answered: the WebSocket could take over now.
async fn probe(ground: &Ground, session: &Polling) -> Raw {
    let mut socket = candidate(ground, session).await;
    socket.text("2probe").await.unwrap();
    assert_eq!(socket.read().await.unwrap().payload, b"3probe");
    socket
}

/// The session polls as if nothing had happened, and then says goodbye.
async fn still_polls(mut client: Client) {
    assert!(client.ask("changeStatus", r#"{"status":"busy"}"#).await.contains("\"ok\":true"));
    client.send("1").await;
    assert_eq!(client.end().await, End::Refused(400, 1));
}

#[tokio::test]
async fn a_candidate_that_says_the_wrong_thing_is_closed_and_polling_goes_on() {
    let ground = Ground::site(&[]).await;
    for first in [
        frame(0x81, Some([1; 4]), b"5"),
        frame(0x81, Some([1; 4]), b"2"),
        frame(0x81, Some([1; 4]), b"2probe "),
        frame(0x81, Some([1; 4]), b"3probe"),
        frame(0x81, Some([1; 4]), b"1"),
        frame(0x81, Some([1; 4]), b"40"),
        frame(0x81, Some([1; 4]), b""),
        frame(0x82, Some([1; 4]), b"2probe"),
        frame(0x81, None, b"2probe"),
        [frame(0x81, Some([1; 4]), b"2probe"), frame(0x81, Some([1; 4]), b"2probe")].concat(),
        [frame(0x81, Some([1; 4]), b"2probe"), frame(0x81, Some([1; 4]), b"42[\"x\"]")].concat(),
        [frame(0x81, Some([1; 4]), b"2probe"), frame(0x82, Some([1; 4]), b"5")].concat(),
    ] {
        let client = polling(&ground).await;
        let mut socket = candidate(&ground, session(&client)).await;
        socket.0.send(&first).await.unwrap();
        assert_eq!(socket.close_code().await.unwrap(), 1002, "{first:?}");
        still_polls(client).await;
    }
    ground.clear().await;
}

#[tokio::test]
async fn a_candidate_that_dies_leaves_polling_as_it_was() {
    let ground = Ground::site(&[]).await;
    let client = polling(&ground).await;
    drop(candidate(&ground, session(&client)).await);
    drop(probe(&ground, session(&client)).await);
    let mut closed = probe(&ground, session(&client)).await;
    closed.0.send(&frame(0x88, Some([1; 4]), &1000u16.to_be_bytes())).await.unwrap();
    assert_eq!(closed.close_code().await.unwrap(), 1000);
    let mut half = candidate(&ground, session(&client)).await;
    half.0.send(&frame(0x81, Some([1; 4]), b"2probe")[..4]).await.unwrap();
    drop(half);
    still_polls(client).await;
    ground.clear().await;
}

#[tokio::test]
async fn a_candidate_that_waits_too_long_is_closed_and_polling_goes_on() {
    let ground = Ground::site(&SHORT).await;
    for probed in [false, true] {
        let client = polling(&ground).await;
        let mut socket =
            if probed { probe(&ground, session(&client)).await } else { candidate(&ground, session(&client)).await };
        assert_eq!(socket.close_code().await.unwrap(), 4004, "probed: {probed}");
        still_polls(client).await;
    }
    ground.clear().await;
}

#[tokio::test]
async fn an_upgrade_that_is_done_outlives_the_time_for_upgrades() {
    let ground = Ground::site(&SHORT).await;
    let client = polling(&ground).await;
    let mut socket = probe(&ground, session(&client)).await;
    socket.text("5").await.unwrap();
    // Another's time began later; once that is over, this one's is as well.
    let other = polling(&ground).await;
    let mut late = candidate(&ground, session(&other)).await;
    assert_eq!(late.close_code().await.unwrap(), 4004);
    still_polls(other).await;
    socket.text(r#"427["changeStatus",{"status":"busy"}]"#).await.unwrap();
    assert!(socket.read().await.unwrap().payload.starts_with(b"437[{\"ok\":true"));
    drop(socket);
    ground.clear().await;
}

#[tokio::test]
async fn a_probe_frees_the_waiting_poll() {
    let ground = Ground::site(&[]).await;
    let client = polling(&ground).await;
    let waiting = tokio::spawn({
        let session = session(&client).clone();
        async move { session.get().await.unwrap() }
    });
    let mut socket = probe(&ground, session(&client)).await;
    assert_eq!(waiting.await.unwrap(), ["6"]);
    // Until the switch every poll is answered at once, so that the client can stop.
    assert_eq!(session(&client).get().await.unwrap(), ["6"]);
    socket.text("5").await.unwrap();
    socket.text(r#"427["changeStatus",{"status":"busy"}]"#).await.unwrap();
    assert!(socket.read().await.unwrap().payload.starts_with(b"437["));
    assert_eq!(refusal(&session(&client).poll().await.unwrap()), (400, 3), "it polls no more");
    assert_eq!(refusal(&session(&client).post("3").await.unwrap()), (400, 3));
    drop(socket);
    ground.wait_closed("transport_closed", 1.0).await;
    ground.clear().await;
}

#[tokio::test]
async fn of_two_candidates_one_takes_over_and_the_other_is_closed() {
    let ground = Ground::site(&[]).await;
    let client = polling(&ground).await;
    let mut first = probe(&ground, session(&client)).await;
    let mut second = probe(&ground, session(&client)).await;
    second.text("5").await.unwrap();
    second.text(r#"427["changeStatus",{"status":"busy"}]"#).await.unwrap();
    assert!(second.read().await.unwrap().payload.starts_with(b"437["));
    assert_eq!(first.close_code().await.unwrap(), 4003, "replaced");
    second.text(r#"428["changeStatus",{"status":"away"}]"#).await.unwrap();
    assert!(second.read().await.unwrap().payload.starts_with(b"438["));
    drop(second);
    ground.clear().await;
}

#[tokio::test]
async fn candidates_of_a_session_are_few() {
    let ground = Ground::site(&[]).await;
    let client = polling(&ground).await;
    let mut waiting = Vec::new();
    for _ in 0..4 {
        waiting.push(probe(&ground, session(&client)).await);
    }
    assert_eq!(candidate(&ground, session(&client)).await.close_code().await.unwrap(), 1002);
    drop(waiting);
    still_polls(client).await;
    ground.clear().await;
}

#[tokio::test]
async fn a_session_that_is_upgraded_cannot_be_upgraded_again() {
    let ground = Ground::site(&[]).await;
    let client = polling(&ground).await;
    let mut socket = probe(&ground, session(&client)).await;
    socket.text("5").await.unwrap();
    socket.text(r#"427["changeStatus",{"status":"busy"}]"#).await.unwrap();
    assert!(socket.read().await.unwrap().payload.starts_with(b"437["));
    let headers = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let path = format!("{SOCKET_IO}?EIO=4&transport=websocket&sid={}", session(&client).sid);
    let mut again = Connection::open(ground.address()).await.unwrap();
    again.send(&head(ground.address(), "GET", &path, &headers, None)).await.unwrap();
    assert_eq!(refusal(&again.answer().await.unwrap()), (400, 3));
    socket.text(r#"428["changeStatus",{"status":"away"}]"#).await.unwrap();
    assert!(socket.read().await.unwrap().payload.starts_with(b"438["));
    drop((socket, again));
    ground.clear().await;
}

#[tokio::test]
async fn a_session_that_ends_takes_its_candidates_along() {
    let ground = Ground::site(&[]).await;
    let client = polling(&ground).await;
    let mut socket = probe(&ground, session(&client)).await;
    assert_eq!(session(&client).post("1").await.unwrap().status, 200);
    assert_eq!(socket.close_code().await.unwrap(), 1000);
    ground.clear().await;
}

#[tokio::test]
async fn order_holds_across_the_upgrade_both_ways() {
    const COUNT: u32 = 300;
    const SWITCH: u32 = 120;
    let ground = Ground::site(&[]).await;
    let (client, id) = Client::log_in(ground.address(), Over::Polling, "8").await;
    let (mut other, other_id) = Client::log_in(ground.address(), Over::WebSocket, "m7").await;
    let to = |id: &str, n: u32| format!("42[\"exchange\",{{\"target\":\"{id}\",\"payload\":{{\"n\":{n}}}}}]");
    // What comes for the session while nobody polls, and while it switches.
    let feed = tokio::spawn({
        let lines: Vec<String> = (0..COUNT).map(|n| to(&id, n)).collect();
        async move {
            for line in lines {
                other.send(&line).await;
            }
            let mut heard = Vec::new();
            for _ in 0..COUNT {
                heard.push(number(&other.until(|packet| packet.starts_with("42[\"exchange\"")).await));
            }
            heard
        }
    });
    let body: Vec<String> = (0..SWITCH).map(|n| to(&other_id, n)).collect();
    assert_eq!(session(&client).post(&body.join("\u{1e}")).await.unwrap().status, 200);
    let mut got = Vec::new();
    let take = |got: &mut Vec<u32>, packet: &str| {
        if packet.starts_with("42[\"exchange\"") {
            got.push(number(packet));
        }
    };
    session(&client).get().await.unwrap().iter().for_each(|packet| take(&mut got, packet));
    let mut socket = probe(&ground, session(&client)).await;
    socket.text("5").await.unwrap();
    for n in SWITCH..COUNT {
        socket.text(&to(&other_id, n)).await.unwrap();
    }
    while got.len() < COUNT as usize {
        let packet = String::from_utf8(socket.read().await.unwrap().payload).unwrap();
        take(&mut got, &packet);
    }
    assert_eq!(got, (0..COUNT).collect::<Vec<_>>(), "to the session");
    assert_eq!(feed.await.unwrap(), (0..COUNT).collect::<Vec<_>>(), "from the session");
    drop(socket);
    ground.clear().await;
}

fn number(packet: &str) -> u32 {
    let (_, rest) = packet.split_once("\"n\":").expect("a number");
    rest.split('}').next().and_then(|digits| digits.parse().ok()).expect("a number")
}
