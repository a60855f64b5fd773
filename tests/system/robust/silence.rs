//! Clients that fall silent: heartbeats of both kinds, namespaces never joined, sessions left lying about.

use super::client::{BOTH, Client, End, Over, SOCKET_IO, refusal};
use super::ground::Ground;
use tests::http::{Connection, head};
use tests::polling::Polling;
use tests::websocket::Raw;

/// Hearts that beat fast. The time-out is long enough for a bystander on a busy machine.
const HEART: [&str; 4] = ["--ping-interval", "300", "--ping-timeout", "2500"];
const SITE_HEART: [(&str, &str); 2] =
    [("IM__ENGINE__PING_INTERVAL_MS", "300"), ("IM__ENGINE__PING_TIMEOUT_MS", "2500")];

async fn echo_socket(ground: &Ground, revision: u8) -> Raw {
    let path = format!("/engine.io/?EIO={revision}&transport=websocket");
    let mut socket = Raw::connect(ground.address(), &path).await.unwrap();
    assert!(socket.read().await.unwrap().payload.starts_with(b"0"));
    socket
}

#[tokio::test]
async fn the_server_does_not_ping_before_the_interval() {
    let ground = Ground::echo(&[]).await;
    for revision in [3, 4] {
        let mut socket = echo_socket(&ground, revision).await;
        for n in 0..50 {
            let message = format!("4{n}");
            socket.text(&message).await.unwrap();
            assert_eq!(socket.read().await.unwrap().payload, message.as_bytes());
        }
    }
    ground.clear().await;
}

#[tokio::test]
async fn who_answers_pings_lives_and_who_stops_is_dead() {
    let ground = Ground::echo(&HEART).await;
    let mut socket = echo_socket(&ground, 4).await;
    for _ in 0..3 {
        assert_eq!(socket.read().await.unwrap().payload, b"2");
        socket.text("3").await.unwrap();
    }
    assert_eq!(socket.read().await.unwrap().payload, b"2");
    assert_eq!(socket.read().await.unwrap().opcode, 8, "no second ping without an answer to the first");
    let mut silent = echo_socket(&ground, 4).await;
    assert_eq!(silent.close_code().await.unwrap(), 4000);
    ground.clear().await;
}

#[tokio::test]
async fn pings_keep_to_their_interval_where_the_time_out_is_longer() {
    let ground = Ground::echo(&["--ping-interval", "300", "--ping-timeout", "5000"]).await;
    let mut pinged = echo_socket(&ground, 4).await;
    // The clock: it dies when interval and time-out are over, which is seventeen intervals.
    let mut silent = echo_socket(&ground, 3).await;
    let dead = tokio::spawn(async move { silent.close_code().await.unwrap() });
    let mut pings = 0;
    while !dead.is_finished() {
        assert_eq!(pinged.read().await.unwrap().payload, b"2");
        pinged.text("3").await.unwrap();
        pings += 1;
    }
    assert_eq!(dead.await.unwrap(), 4000);
    assert!(pings > 4, "only {pings}");
    drop(pinged);
    ground.clear().await;
}

#[tokio::test]
async fn who_polls_and_answers_no_ping_is_told_that_it_is_over() {
    let ground = Ground::echo(&HEART).await;
    let session = Polling::handshake(ground.address(), "/engine.io/", "EIO=4").await.unwrap();
    for _ in 0..2 {
        assert_eq!(session.get().await.unwrap(), ["2"]);
        assert_eq!(session.post("3").await.unwrap().status, 200);
    }
    assert_eq!(session.get().await.unwrap(), ["2"]);
    assert_eq!(session.get().await.unwrap(), ["1"]);
    assert_eq!(refusal(&session.poll().await.unwrap()), (400, 1));
    ground.clear().await;
}

#[tokio::test]
async fn an_old_client_pings_and_is_never_pinged() {
    // Slack for a machine that is busy with other tests: this client's life hangs on its own pings.
    let ground = Ground::echo(&["--ping-interval", "300", "--ping-timeout", "5000"]).await;
    let mut old = echo_socket(&ground, 3).await;
    let mut watch = echo_socket(&ground, 4).await;
    // The other's pings are the clock: twenty of them are more than an old client may be silent.
    for _ in 0..20 {
        assert_eq!(watch.read().await.unwrap().payload, b"2");
        watch.text("3").await.unwrap();
        old.text("2probe?").await.unwrap();
        assert_eq!(old.read().await.unwrap().payload, b"3probe?");
    }
    let polls = async {
        let polling = Polling::handshake(ground.address(), "/engine.io/", "EIO=3").await.unwrap();
        assert_eq!(polling.post("1:2").await.unwrap().status, 200);
        assert_eq!(polling.get().await.unwrap(), ["3"]);
        assert_eq!(polling.get().await.unwrap(), ["1"], "no ping, but the end");
    };
    let (code, ()) = tokio::join!(old.close_code(), polls);
    assert_eq!(code.unwrap(), 4000, "it fell silent");
    drop(watch);
    ground.clear().await;
}

#[tokio::test]
async fn who_joins_no_namespace_in_time_is_closed() {
    let ground = Ground::site(&[("IM__ENGINE__CONNECT_TIMEOUT_MS", "300")]).await;
    for over in BOTH {
        let mut client = Client::open(ground.address(), over, "userId=8").await;
        // Knocking at doors that are not there is not joining.
        client.send("40/nope,").await;
        assert!(client.next().await.unwrap().starts_with("44/nope,"));
        let end = client.end().await;
        assert!(matches!(end, End::Code(4004) | End::Told), "{end:?}");
        let (mut joined, _) = Client::log_in(ground.address(), over, "8").await;
        let mut late = Client::open(ground.address(), over, "userId=8").await;
        late.end().await;
        // Whose time began later is closed; who joined is not.
        assert!(joined.ask("changeStatus", r#"{"status":"busy"}"#).await.contains("\"ok\":true"));
        joined.send("1").await;
        joined.end().await;
    }
    ground.wait_closed("connect_timeout", 4.0).await;
    ground.clear().await;
}

#[tokio::test]
async fn an_engine_io_session_without_namespaces_need_not_join_one() {
    let ground = Ground::echo(&["--connect-timeout", "200"]).await;
    let mut bare = echo_socket(&ground, 4).await;
    let path = format!("{SOCKET_IO}?EIO=4&transport=websocket");
    let mut other = Raw::connect(ground.address(), &path).await.unwrap();
    assert_eq!(other.close_code().await.unwrap(), 4004);
    bare.text("4x").await.unwrap();
    assert_eq!(bare.read().await.unwrap().payload, b"4x");
    drop(bare);
    ground.clear().await;
}

#[tokio::test]
async fn a_session_left_lying_about_ends_by_itself_and_its_user_is_seen_to_leave() {
    let ground = Ground::site(&SITE_HEART).await;
    let (mut watcher, _) = Client::log_in(ground.address(), Over::WebSocket, "m7").await;
    let (left, _) = Client::log_in(ground.address(), Over::Polling, "8").await;
    assert!(watcher.ask("getPresence", r#"{"user_ids":["8"]}"#).await.contains("\"online\":true"));
    let push = watcher.until(|packet| packet.starts_with("42[\"presencePush\"")).await;
    assert!(push.contains("\"user_id\":\"8\"") && push.contains("\"online\":false"), "{push}");
    let Client::Polling(session, _) = &left else { unreachable!() };
    assert_eq!(refusal(&session.poll().await.unwrap()), (400, 1));
    drop(watcher);
    ground.wait_closed("ping_timeout", 1.0).await;
    ground.clear().await;
}

#[tokio::test]
async fn half_a_post_does_not_keep_a_dead_session_alive() {
    let ground = Ground::site(&SITE_HEART).await;
    let (client, _) = Client::log_in(ground.address(), Over::Polling, "8").await;
    let Client::Polling(session, _) = &client else { unreachable!() };
    let mut half = Connection::open(ground.address()).await.unwrap();
    half.send(&head(ground.address(), "POST", &session.path(), &[], Some(100))).await.unwrap();
    half.send(b"3").await.unwrap();
    ground.wait_closed("ping_timeout", 1.0).await;
    // The rest comes too late to do anything.
    half.send(&[b'3'; 99]).await.unwrap();
    assert_ne!(half.answer().await.unwrap().status, 500);
    assert_eq!(refusal(&session.poll().await.unwrap()), (400, 1));
    drop(half);
    ground.clear().await;
}
