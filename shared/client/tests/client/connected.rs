//! Connections: heartbeats, silence, doubt, refusals, reasons to stay away, over both transports.

use crate::ground::{Ground, OVER_BOTH, timing};
use crate::server::Server;
use client::{Auth, Client, End, Error, Event, Lost, Options, Timing, Transports};
use serde_json::{Value, json};
use std::time::Duration;

#[tokio::test]
async fn a_client_connects_syncs_and_says_goodbye() {
    for transports in OVER_BOTH {
        let server = Server::start().await;
        let mut ground = Ground::on(&server, "8", transports).await;
        ground.synced().await;
        ground.client.close().await;
        assert_eq!((server.seen("goodbye"), server.seen("heard") >= 1), (1, true), "{transports:?}");
        assert!(matches!(ground.events.rest().last(), Some(Event::Ended(End::Closed))));
    }
}

#[tokio::test]
async fn heartbeats_are_answered_and_keep_a_quiet_connection() {
    for transports in OVER_BOTH {
        let server = Server::start().await;
        server.fault(|faults| (faults.ping_interval_ms, faults.ping_timeout_ms) = (20, 5_000));
        let mut ground = Ground::on(&server, "8", transports).await;
        ground.synced().await;
        ground.until("several heartbeats", || server.seen("pong") >= 5).await;
        assert_eq!(server.seen("open"), 1, "{transports:?}");
    }
}

#[tokio::test]
async fn a_silent_connection_is_dropped_and_made_anew() {
    for transports in OVER_BOTH {
        let server = Server::start().await;
        server.fault(|faults| (faults.ping_interval_ms, faults.ping_timeout_ms) = (100, 900));
        let mut ground = Ground::on(&server, "8", transports).await;
        ground.synced().await;
        server.fault(|faults| faults.deaf = true);
        ground.hears(|event| matches!(event, Event::Disconnected(Lost::Silent))).await;
        server.fault(|faults| *faults = crate::server::Faults::default());
        ground.synced().await;
    }
}

#[tokio::test]
async fn polling_is_taken_where_no_websocket_can_be_had() {
    let server = Server::start().await;
    server.fault(|faults| faults.no_websocket = true);
    let mut ground = Ground::on(&server, "8", Transports::Both).await;
    ground.synced().await;
    assert_eq!((server.seen("open websocket"), server.seen("open polling")), (0, 1));
}

#[tokio::test]
async fn a_kick_is_final() {
    for transports in OVER_BOTH {
        let server = Server::start().await;
        let mut ground = Ground::on(&server, "8", transports).await;
        ground.synced().await;
        server.emit("8", "kickPush", &json!({ "reason": "elsewhere", "final": true }));
        server.close_all(4500);
        let end = ground.hears(|event| matches!(event, Event::Ended(_))).await;
        assert!(matches!(end, Event::Ended(End::Kicked(reason)) if &*reason == "elsewhere"));
        assert!(matches!(ground.client.request("getPresence", &json!({})).await, Err(Error::Lost)));
        assert_eq!(server.seen("open"), 1);
    }
}

#[tokio::test]
async fn a_final_code_ends_it_and_another_does_not() {
    let server = Server::start().await;
    let mut ground = Ground::on(&server, "8", Transports::WebSocketOnly).await;
    ground.synced().await;
    server.close_all(4000);
    ground.hears(|event| matches!(event, Event::Disconnected(Lost::Closed(4000)))).await;
    ground.synced().await;
    server.close_all(4501);
    ground.hears(|event| matches!(event, Event::Ended(End::Final(4501)))).await;
    assert_eq!(server.seen("open"), 2);
}

#[tokio::test]
async fn a_draining_server_is_left_and_come_back_to() {
    for transports in OVER_BOTH {
        let server = Server::start().await;
        let mut ground = Ground::on(&server, "8", transports).await;
        ground.synced().await;
        server.emit("8", "drainPush", &json!({ "retry_after_ms": 30 }));
        ground.hears_change("drainPush").await;
        server.close_all(4001);
        ground.synced().await;
        assert_eq!(server.seen("open"), 2);
    }
}

#[tokio::test]
async fn a_refused_login_ends_it_until_there_is_another() {
    for transports in OVER_BOTH {
        let server = Server::start().await;
        let options =
            Options { transports, timing: timing(), ..Options::new([server.address()], Auth::token("stale")) };
        let mut ground = Ground::with(options).await;
        let end = ground.hears(|event| matches!(event, Event::Ended(_))).await;
        assert!(matches!(end, Event::Ended(End::Refused { code, .. }) if &*code == "unauthorized"), "{transports:?}");
        ground.client.set_auth(Auth::token("valid-8")).await.unwrap();
        ground.synced().await;
    }
}

#[tokio::test]
async fn a_server_that_is_busy_is_asked_again() {
    for transports in OVER_BOTH {
        let server = Server::start().await;
        server.fault(|faults| faults.busy = Some(0));
        let mut ground = Ground::on(&server, "8", transports).await;
        ground.hears(|event| matches!(event, Event::Disconnected(Lost::Busy { .. }))).await;
        server.fault(|faults| faults.busy = None);
        ground.synced().await;
    }
}

#[tokio::test]
async fn a_login_that_is_refused_for_a_while_is_tried_again() {
    let server = Server::start().await;
    server.fault(|faults| faults.refuse = Some("unavailable"));
    let mut ground = Ground::on(&server, "8", Transports::Both).await;
    ground.hears(|event| matches!(event, Event::Disconnected(Lost::Busy { .. }))).await;
    server.fault(|faults| faults.refuse = None);
    ground.synced().await;
}

#[tokio::test]
async fn a_request_without_an_answer_puts_the_connection_in_doubt_and_it_is_kept_if_it_answers() {
    for transports in OVER_BOTH {
        let server = Server::start().await;
        server.fault(|faults| faults.ignore = Some("searchUsers"));
        let mut ground = Ground::impatient(&server, "8", transports, 15_000).await;
        ground.synced().await;
        let lost = ground.client.request("searchUsers", &json!({ "q": "x" })).await;
        assert!(matches!(lost, Err(Error::Lost)), "{lost:?}");
        ground.until("it was probed", || server.seen("getPresence") == 1).await;
        let answer = ground.client.request("getPresence", &json!({ "user_ids": [] })).await.unwrap();
        assert_eq!(serde_json::from_str::<Value>(answer.get()).unwrap()["ok"], true);
        assert_eq!(server.seen("open"), 1, "{transports:?}");
    }
}

#[tokio::test]
async fn a_connection_that_does_not_answer_in_doubt_is_closed_before_another_is_opened() {
    for transports in OVER_BOTH {
        let server = Server::start().await;
        let mut ground = Ground::impatient(&server, "8", transports, 500).await;
        ground.synced().await;
        server.fault(|faults| faults.deaf = true);
        ground.client.network_is_back().await.unwrap();
        ground.hears(|event| matches!(event, Event::Disconnected(Lost::Silent))).await;
        server.fault(|faults| faults.deaf = false);
        ground.synced().await;
        let log = server.shared.log.lock().clone();
        let place =
            |what: &str, from: usize| from + log[from..].iter().position(|line| line.starts_with(what)).unwrap();
        let first = place("open", 0);
        assert!(place("gone", first) < place("open", first + 1), "{transports:?} {log:?}");
    }
}

#[tokio::test]
async fn of_several_addresses_one_that_answers_is_found() {
    let dead = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
    let server = Server::start().await;
    for seed in 0..4 {
        let addresses = [dead.clone(), server.address(), dead.clone()];
        let options = Options { seed: Some(seed), timing: timing(), ..Options::new(addresses, development("8")) };
        Ground::with(options).await.synced().await;
    }
}

#[tokio::test]
async fn the_wait_for_the_next_attempt_ends_when_the_network_is_back() {
    let server = Server::start().await;
    let address = server.address();
    drop(server);
    // Without that it would be an hour.
    let timing = Timing { first_wait_ms: 3_600_000, longest_wait_ms: 3_600_000, ..Timing::default() };
    let options = Options { timing, ..Options::new([address.clone()], development("8")) };
    let mut ground = Ground::with(options).await;
    ground.hears(|event| matches!(event, Event::Disconnected(_))).await;
    let _server = Server::with(crate::site::Site::default(), &address).await;
    ground.client.network_is_back().await.unwrap();
    ground.synced().await;
}

#[tokio::test]
async fn an_address_that_is_none_is_refused() {
    for addresses in [vec![], vec!["https://im.example".to_owned()]] {
        let refused = Client::start(Options::new(addresses, development("8"))).await;
        assert!(matches!(refused.err(), Some(Error::Address(_))));
    }
}

#[tokio::test]
async fn another_user_on_the_same_client_ends_it() {
    let server = Server::start().await;
    let options = Options { timing: timing(), ..Options::new([server.address()], Auth::token("valid-8")) };
    let mut ground = Ground::with(options).await;
    ground.synced().await;
    ground.client.set_auth(Auth::token("valid-9")).await.unwrap();
    server.close_all(4000);
    ground.hears(|event| matches!(event, Event::Ended(End::OtherUser))).await;
}

#[tokio::test]
async fn a_client_whose_handles_are_gone_ends() {
    let server = Server::start().await;
    let mut ground = Ground::on(&server, "8", Transports::Both).await;
    ground.synced().await;
    drop(ground.client);
    let end = async { while ground.events.0.next().await.is_some() {} };
    tokio::time::timeout(Duration::from_secs(20), end).await.expect("the events end");
}

fn development(user: &str) -> Auth {
    Auth::development(user.parse().unwrap())
}
