//! Clients behind reverse proxies are told apart by what trusted proxies say, and by nobody else's word.

use crate::client::SOCKET_IO;
use tests::http;
use tests::server::{Server, fresh_folder, run};

/// A server that admits one connection from each address.
async fn one_each(trusted: &str) -> Server {
    let env = [("IM__LIMITS__MAX_CONNECTIONS_PER_ADDRESS", "1"), ("IM__SERVER__TRUSTED_PROXIES", trusted)];
    let env = if trusted.is_empty() { &env[..1] } else { &env };
    Server::start("imserver", &[], env).await.unwrap()
}

/// The status of a handshake whose header says this.
async fn handshake(server: &Server, forwarded: &str) -> u16 {
    let path = format!("{SOCKET_IO}?EIO=4&transport=polling&userId=8");
    let headers = [("X-Forwarded-For", forwarded), ("Connection", "close")];
    http::request(server.address(), "GET", &path, &headers, b"").await.unwrap().status
}

#[tokio::test]
async fn clients_behind_a_trusted_proxy_are_counted_by_their_own_addresses() {
    let server = one_each("10.0.0.0/8,127.0.0.1").await;
    assert_eq!(handshake(&server, "198.51.100.1").await, 200);
    assert_eq!(handshake(&server, "198.51.100.2").await, 200);
    assert_eq!(handshake(&server, "198.51.100.1").await, 429, "the first one again");
    assert_eq!(handshake(&server, "192.0.2.1, 198.51.100.2, 10.0.0.1").await, 429, "whatever stands before it");
    assert_eq!(handshake(&server, "2001:db8::7").await, 200);
}

#[tokio::test]
async fn many_connections_of_a_trusted_proxy_are_served_at_once() {
    let server = one_each("127.0.0.0/8").await;
    let mut held = Vec::new();
    for _ in 0..5 {
        let mut connection = http::Connection::open(server.address()).await.unwrap();
        connection.send(&http::head(server.address(), "GET", "/", &[], None)).await.unwrap();
        assert_eq!(connection.answer().await.unwrap().status, 200);
        held.push(connection);
    }
}

#[tokio::test]
async fn who_is_no_trusted_proxy_is_counted_by_the_address_it_comes_from() {
    for trusted in ["", "10.0.0.0/8"] {
        let server = one_each(trusted).await;
        assert_eq!(handshake(&server, "198.51.100.1").await, 200);
        tests::eventually("its connection is closed, its session is not", async || {
            let path = format!("{SOCKET_IO}?EIO=4&transport=polling");
            let forged = [("X-Forwarded-For", "198.51.100.2"), ("Connection", "close")];
            match http::request(server.address(), "GET", &path, &forged, b"").await {
                Ok(answer) if answer.status == 429 => Ok(()),
                other => Err(format!("{other:?}")),
            }
        })
        .await;
    }
}

#[test]
fn what_is_no_network_is_refused_with_a_sentence() {
    let folder = fresh_folder().unwrap();
    let file = folder.join("im.toml");
    std::fs::write(&file, "[server]\ntrusted_proxies = [\"10.0.0.0/8\", \"proxy.example\"]\n").unwrap();
    let args = ["--check-config", "--config", file.to_str().unwrap()];
    let (status, _, said) = run("imserver", &args, &folder).unwrap();
    assert!(!status.success());
    assert!(said.contains("server.trusted_proxies") && said.contains("proxy.example"), "{said}");
    std::fs::remove_dir_all(folder).unwrap();
}
