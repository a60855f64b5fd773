//! Requests that reach another process than the one that holds the session.

use crate::client::{SOCKET_IO, refusal};
use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tests::cluster::node;
use tests::http::{self, Answer};
use tests::polling::Polling;
use tests::redis::Redis;
use tests::{Cluster, Server, eventually, websocket};
use tokio_tungstenite::tungstenite::Message;

async fn two(env: &[(&str, &str)]) -> (Cluster, Redis) {
    let redis = Redis::start();
    (Cluster::start(2, &[node(redis.port)], env).await.unwrap(), redis)
}

/// A session of one process, and the same as another process is asked for it.
async fn session(owner: &Server, other: &Server, query: &str) -> (Polling, Polling) {
    let here = Polling::handshake(owner.address(), SOCKET_IO, query).await.unwrap();
    let there = here.by(other.address());
    (here, there)
}

fn is_unknown(answer: &Answer) -> bool {
    refusal(answer) == (400, 1)
}

async fn passed_on(process: &Server, outcome: &str) -> f64 {
    process.metric(&format!("im_requests_passed_on_total{{outcome=\"{outcome}\"}}")).await.unwrap_or(0.0)
}

#[tokio::test]
async fn a_polling_session_goes_on_through_any_process() {
    let (cluster, _redis) = two(&[]).await;
    let [owner, other] = &cluster.processes[..] else { panic!() };
    let (here, there) = session(owner, other, "EIO=4&userId=8").await;
    assert_eq!(there.post("40").await.unwrap().text(), "ok");
    let init = there.get_until(|packet| packet.starts_with("42[\"init\"")).await.unwrap();
    assert!(init.contains("\"process\":\"im1\""), "{init}");
    here.post("421[\"exchange\",{\"target\":\"user:8\",\"payload\":\"你好\"}]").await.unwrap();
    there.get_until(|packet| packet.contains("你好")).await.unwrap();
    assert!(passed_on(other, "answered").await >= 3.0);
    assert_eq!(passed_on(owner, "answered").await, 0.0, "the owner passes nothing on");
}

#[tokio::test]
async fn scripts_forms_and_too_much_are_answered_as_by_the_owner() {
    let env = [("IM__ENGINE__MAX_PAYLOAD_BYTES", "2000")];
    let (cluster, _redis) = two(&env).await;
    let [owner, other] = &cluster.processes[..] else { panic!() };
    let (_, there) = session(owner, other, "EIO=3&userId=8").await;
    let path = format!("{}&j=3", there.path());
    let form = [("Content-Type", "application/x-www-form-urlencoded")];
    let body = b"d=31%3A421%5B%22changeUser%22%2C%7B%22toid%22%3A%22m9%22%7D%5D";
    let posted = http::request(other.address(), "POST", &path, &form, body).await.unwrap();
    assert_eq!((posted.status, posted.header("content-type")), (200, Some("text/html")), "{}", posted.text());
    let script = http::get(other.address(), &path).await.unwrap();
    assert_eq!(script.header("content-type"), Some("text/javascript; charset=UTF-8"));
    assert!(script.text().starts_with("___eio[3](\""), "{}", script.text());
    let (_, there) = session(owner, other, "EIO=4&userId=8").await;
    assert_eq!(there.post(&"x".repeat(2_001)).await.unwrap().status, 413);
    let (_, there) = session(owner, other, "EIO=4&userId=8").await;
    assert_eq!(there.post(&format!("4{}", "x".repeat(1_999))).await.unwrap().status, 200, "exactly the limit");
}

#[tokio::test]
async fn another_origin_is_let_in_or_not_as_by_the_owner_and_told_once() {
    let env = [("IM__ENGINE__CORS__ORIGINS", "https://shop.example")];
    let (cluster, _redis) = two(&env).await;
    let [owner, other] = &cluster.processes[..] else { panic!() };
    let (_, there) = session(owner, other, "EIO=4&userId=8").await;
    there.post("40").await.unwrap();
    let origin = [("Origin", "https://shop.example")];
    let answer = http::request(other.address(), "GET", &there.path(), &origin, b"").await.unwrap();
    let allowed: Vec<_> = answer
        .headers
        .iter()
        .filter(|(name, _)| name == "access-control-allow-origin")
        .map(|(_, value)| value.as_str())
        .collect();
    assert_eq!((answer.status, allowed), (200, vec!["https://shop.example"]));
    let foreign = [("Origin", "https://evil.example")];
    assert_eq!(http::request(other.address(), "GET", &there.path(), &foreign, b"").await.unwrap().status, 403);
}

#[tokio::test]
async fn an_upgrade_is_tunnelled_and_ends_with_its_owner() {
    let (mut cluster, _redis) = two(&[]).await;
    let other = cluster.processes.pop().unwrap();
    let owner = cluster.processes.pop().unwrap();
    let (here, there) = session(&owner, &other, "EIO=4&userId=8").await;
    here.post("40").await.unwrap();
    here.get_until(|packet| packet.starts_with("42[\"init\"")).await.unwrap();
    let path = there.path().replace("transport=polling", "transport=websocket");
    let mut socket = websocket::connect(other.address(), &path).await.unwrap();
    socket.send(Message::text("2probe")).await.unwrap();
    assert_eq!(socket.next().await.unwrap().unwrap(), Message::text("3probe"));
    socket.send(Message::text("5")).await.unwrap();
    socket.send(Message::text("421[\"exchange\",{\"target\":\"user:8\",\"payload\":\"through\"}]")).await.unwrap();
    let heard = async |socket: &mut websocket::Socket, wanted: &str| loop {
        match socket.next().await {
            Some(Ok(Message::Text(text))) if text.contains(wanted) => break,
            Some(Ok(_)) => {}
            end => panic!("{wanted:?} did not come: {end:?}"),
        }
    };
    heard(&mut socket, "through").await;
    assert_eq!(other.metric("im_tunnels_open").await.unwrap(), 1.0);
    drop(owner); // kill -9
    // The client learns that its session is gone.
    while let Some(Ok(message)) = socket.next().await {
        if message.is_close() {
            break;
        }
    }
    let gone = async || match other.metric("im_tunnels_open").await {
        Ok(0.0) => Ok(()),
        open => Err(open),
    };
    eventually("the tunnel is closed", gone).await;
}

#[tokio::test]
async fn a_session_whose_owner_is_dead_is_unknown() {
    let (mut cluster, _redis) = two(&[]).await;
    let other = cluster.processes.pop().unwrap();
    let (_, there) = session(&cluster.processes[0], &other, "EIO=4&userId=8").await;
    drop(cluster.processes.pop());
    assert!(is_unknown(&there.poll().await.unwrap()), "its lease lives, it does not");
    assert_eq!(passed_on(&other, "unreachable").await, 1.0);
    // A successor of the same name is somebody else.
    let successor = cluster.another("im1").await.unwrap();
    let unknown = async || match there.poll().await.unwrap() {
        answer if is_unknown(&answer) => Ok(()),
        answer => Err(answer),
    };
    eventually("the session stays unknown", unknown).await;
    assert!(is_unknown(&there.by(successor.address()).poll().await.unwrap()));
}

#[tokio::test]
async fn an_id_that_no_process_made_costs_no_look_up() {
    let (cluster, _redis) = two(&[]).await;
    let [owner, other] = &cluster.processes[..] else { panic!() };
    let (_, mut there) = session(owner, other, "EIO=4&userId=8").await;
    let end = there.sid.pop().unwrap();
    there.sid.push(if end == 'A' { 'B' } else { 'A' });
    assert!(is_unknown(&there.poll().await.unwrap()));
    for outcome in ["answered", "unknown", "unreachable"] {
        assert_eq!(passed_on(other, outcome).await, 0.0, "{outcome}");
    }
}

#[tokio::test]
async fn nobody_but_a_process_of_the_cluster_passes_requests_on() {
    let (cluster, _redis) = two(&[]).await;
    let [owner, other] = &cluster.processes[..] else { panic!() };
    let (here, _) = session(owner, other, "EIO=4&userId=8").await;
    let forged = [("im-forward-secret", "0"), ("im-forward-for", "10.0.0.1:1")];
    let internal = owner.listener("internal").await;
    for headers in [&forged[..], &[]] {
        assert_eq!(http::request(internal, "GET", &here.path(), headers, b"").await.unwrap().status, 401);
        let wish = format!("/internal/v1/let-go?sid={}&retry_after_ms=1", here.sid);
        assert_eq!(http::request(internal, "POST", &wish, headers, b"").await.unwrap().status, 401);
    }
    // Where clients connect, these headers mean nothing.
    assert_eq!(http::request(other.address(), "POST", &here.path(), &forged, b"40").await.unwrap().status, 200);
}

#[tokio::test]
async fn a_process_that_drains_has_the_clients_let_go_that_it_tunnels() {
    let env = [("IM__SERVER__DRAIN_WINDOW_MS", "100")];
    let (mut cluster, _redis) = two(&env).await;
    let mut other = cluster.processes.pop().unwrap();
    let owner = &cluster.processes[0];
    let (here, there) = session(owner, &other, "EIO=4&userId=8").await;
    here.post("40").await.unwrap();
    here.get_until(|packet| packet.starts_with("42[\"init\"")).await.unwrap();
    let path = there.path().replace("transport=polling", "transport=websocket");
    let mut socket = websocket::connect(other.address(), &path).await.unwrap();
    for packet in ["2probe", "5"] {
        socket.send(Message::text(packet)).await.unwrap();
    }
    let carried = async || match other.metric("im_tunnels_open").await {
        Ok(1.0) => Ok(()),
        open => Err(open),
    };
    eventually("the tunnel is open", carried).await;
    other.sigterm().unwrap();
    let mut heard = Vec::new();
    while let Some(Ok(message)) = socket.next().await {
        heard.push(message);
    }
    let told = heard.iter().any(|message| matches!(message, Message::Text(text) if text.contains("drainPush")));
    assert!(told, "{heard:?}");
    assert!(other.wait_exit().await.success());
}

#[tokio::test]
async fn an_owner_that_drains_lets_clients_go_that_come_through_others() {
    let env = [("IM__SERVER__DRAIN_WINDOW_MS", "100")];
    let (cluster, _redis) = two(&env).await;
    let [owner, other] = &cluster.processes[..] else { panic!() };
    let (_, there) = session(owner, other, "EIO=4&userId=8").await;
    there.post("40").await.unwrap();
    there.get_until(|packet| packet.starts_with("42[\"init\"")).await.unwrap();
    owner.sigterm().unwrap();
    there.get_until(|packet| packet.contains("drainPush")).await.unwrap();
    // Whoever comes back meanwhile is served by the other one.
    let again = Polling::handshake(other.address(), SOCKET_IO, "EIO=4&userId=8").await.unwrap();
    let open: Value = serde_json::from_str(&again.open).unwrap();
    assert!(open["sid"].as_str().unwrap().starts_with("im2."), "{open}");
}
