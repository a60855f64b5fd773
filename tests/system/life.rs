//! The life of a server process: how it starts, says where it is and how it is, and ends.

use futures_util::{SinkExt, StreamExt};
use std::fs;
use tests::polling::Polling;
use tests::server::{fresh_folder, run};
use tests::{Server, eventually, http, websocket};
use tokio_tungstenite::tungstenite::Message;

const SOCKET_IO: &str = "/socket.io/";

/// A server whose drain lasts long enough to be looked at: the one session's turn comes within an hour.
async fn slow_to_drain() -> Server {
    let env = [("IM__SERVER__DRAIN_WINDOW_MS", "3600000"), ("IM__SERVER__DRAIN_DEADLINE_MS", "3600000")];
    Server::start("imserver", &[], &env).await.unwrap()
}

async fn readiness(server: &Server) -> (u16, String) {
    let answer = http::get(server.listener("admin").await, "/readyz").await.unwrap();
    (answer.status, answer.text())
}

async fn wait_for_drain(server: &Server) {
    let drains = async || match readiness(server).await {
        (503, body) if body.contains("\"draining\":true") => Ok(()),
        other => Err(other),
    };
    eventually("it drains", drains).await;
}

#[tokio::test]
async fn a_server_says_where_it_is_and_that_it_is_well() {
    let server = Server::start("imserver", &[], &[]).await.unwrap();
    let admin = server.listener("admin").await;
    assert_eq!(http::get(admin, "/healthz").await.unwrap().status, 200);
    assert_eq!(readiness(&server).await, (200, r#"{"ready":true,"draining":false,"degraded":[]}"#.into()));
    assert_ne!(server.listener("internal").await.port(), 0);
    // What is for operators is not served where clients connect.
    for path in ["/metrics", "/readyz"] {
        assert_eq!(http::get(server.address(), path).await.unwrap().status, 404, "{path}");
    }
}

#[tokio::test]
async fn connections_are_counted_while_they_are_open() {
    let server = Server::start("imserver", &[], &[]).await.unwrap();
    let open = async |wanted: f64| {
        let seen = async || match server.metric("im_connections_open{tier=\"imserver\"}").await {
            Ok(value) if (value - wanted).abs() < 0.5 => Ok(()),
            other => Err(format!("{other:?}, not {wanted}")),
        };
        eventually("the gauge follows", seen).await;
    };
    let path = format!("{SOCKET_IO}?EIO=4&transport=websocket&userId=m7");
    let socket = websocket::connect(server.address(), &path).await.unwrap();
    let _polling = Polling::handshake(server.address(), SOCKET_IO, "EIO=4&userId=8").await.unwrap();
    open(2.0).await;
    drop(socket);
    open(1.0).await;
    assert!(server.metric("im_process_resident_bytes").await.unwrap() > 1e6);
}

#[tokio::test]
async fn sigterm_sends_everybody_away_and_then_ends_the_process_well() {
    let env = [("IM__SERVER__DRAIN_WINDOW_MS", "200"), ("IM__SERVER__DRAIN_DEADLINE_MS", "20000")];
    let mut server = Server::start("imserver", &[], &env).await.unwrap();
    let mut sockets = Vec::new();
    for user in 0..20 {
        let path = format!("{SOCKET_IO}?EIO=4&transport=websocket&userId=1{user}");
        let mut socket = websocket::connect(server.address(), &path).await.unwrap();
        socket.send(Message::text("40")).await.unwrap();
        sockets.push(socket);
    }
    server.sigterm().unwrap();
    for mut socket in sockets {
        let mut told = false;
        loop {
            match tokio::time::timeout(tests::PATIENCE, socket.next()).await.expect("it is sent away") {
                Some(Ok(Message::Text(text))) => told |= text.contains("drainPush") && text.contains("retry_after_ms"),
                Some(Ok(Message::Close(Some(frame)))) => {
                    assert_eq!(frame.reason.as_str(), "drain");
                    break;
                }
                Some(Ok(_)) => {}
                other => panic!("no close frame but {other:?}"),
            }
        }
        assert!(told, "closed without a word");
    }
    assert_eq!(server.wait_exit().await.code(), Some(0), "{}", server.log());
}

#[tokio::test]
async fn a_draining_server_takes_nobody_in() {
    let server = slow_to_drain().await;
    let _held = Polling::handshake(server.address(), SOCKET_IO, "EIO=4&userId=m7").await.unwrap();
    server.sigterm().unwrap();
    wait_for_drain(&server).await;
    let answer = http::get(server.address(), &format!("{SOCKET_IO}?EIO=4&transport=polling&userId=8")).await;
    let refused = answer.map_or(true, |answer| answer.status == 503);
    assert!(refused, "a handshake was let in");
}

#[tokio::test]
async fn a_second_signal_ends_a_drain_at_once() {
    let mut server = slow_to_drain().await;
    let _held = Polling::handshake(server.address(), SOCKET_IO, "EIO=4&userId=m7").await.unwrap();
    server.sigterm().unwrap();
    wait_for_drain(&server).await;
    assert!(server.is_running().unwrap());
    server.sigterm().unwrap();
    // 128 and the signal's number, as shells tell it.
    assert_eq!(server.wait_exit().await.code(), Some(143), "{}", server.log());
}

#[test]
fn check_config_says_what_is_wrong_and_starts_nothing() {
    let folder = fresh_folder().unwrap();
    let (status, _, errors) = run("imserver", &["--check-config"], &folder).unwrap();
    assert!(status.success(), "{errors}");
    fs::write(folder.join("im.toml"), "[engine]\nping_intervall_ms = 5\n").unwrap();
    let (status, output, errors) = run("imserver", &["--check-config", "--config", "im.toml"], &folder).unwrap();
    assert_eq!(status.code(), Some(1), "{output}");
    assert_eq!(errors.trim(), "unknown key engine.ping_intervall_ms in im.toml: did you mean engine.ping_interval_ms?");
    fs::remove_dir_all(folder).unwrap();
}

#[tokio::test]
async fn a_taken_address_is_named_with_the_flag_that_helps() {
    let first = Server::start("imserver", &[], &[]).await.unwrap();
    let taken = first.address().to_string();
    let Err(error) = Server::start("imserver", &["--listen", &taken], &[]).await else {
        panic!("two servers on one address");
    };
    let said = error.to_string();
    assert!(said.contains(&format!("{taken} is in use")) && said.contains("--listen"), "{said}");
}
