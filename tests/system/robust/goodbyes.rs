//! Ends that the server decides on: each is told by its close code, or by its last packets to who polls.

use super::client::{BOTH, Client, End, Over, refusal};
use super::ground::Ground;
use tests::http::request;
use tests::polling::Polling;
use tests::websocket::Raw;

const SITE_HEART: [(&str, &str); 2] =
    [("IM__ENGINE__PING_INTERVAL_MS", "300"), ("IM__ENGINE__PING_TIMEOUT_MS", "4000")];

async fn kick(ground: &Ground, user: &str) {
    let internal = ground.server.listener("internal").await;
    let path = format!("/internal/v1/users/{user}/kick");
    let json = [("Content-Type", "application/json")];
    let answer = request(internal, "POST", &path, &json, br#"{"reason":"no more"}"#).await.unwrap();
    assert_eq!(answer.status, 204, "{}", answer.text());
}

#[tokio::test]
async fn who_is_kicked_is_told_why_and_that_it_is_final() {
    let ground = Ground::site(&[]).await;
    for over in BOTH {
        let (mut client, _) = Client::log_in(ground.address(), over, "8").await;
        kick(&ground, "8").await;
        let push = client.until(|packet| packet.starts_with("42[\"kickPush\"")).await;
        assert!(push.contains("\"reason\":\"no more\"") && push.contains("\"final\":true"), "{push}");
        assert_eq!(client.until(|packet| packet.starts_with("41")).await, "41");
        assert!(matches!(client.end().await, End::Code(4500) | End::Told));
    }
    ground.wait_closed("kicked", 2.0).await;
    ground.clear().await;
}

#[tokio::test]
async fn who_may_not_enter_a_room_is_denied_and_closed() {
    let ground = Ground::site(&[]).await;
    for over in BOTH {
        let (mut client, _) = Client::log_in(ground.address(), over, "8").await;
        client.send(r#"42["join",{"room":"no-such-room"}]"#).await;
        client.until(|packet| packet.starts_with("42[\"deny\"")).await;
        assert!(matches!(client.end().await, End::Code(4501) | End::Told));
    }
    ground.wait_closed("forbidden", 2.0).await;
    ground.clear().await;
}

#[tokio::test]
async fn who_is_between_two_polls_still_hears_why_it_is_over() {
    let ground = Ground::site(&SITE_HEART).await;
    let (mut client, _) = Client::log_in(ground.address(), Over::Polling, "8").await;
    let path = "/socket.io/?EIO=4&transport=websocket&userId=m7";
    let mut watch = Raw::connect(ground.address(), path).await.unwrap();
    kick(&ground, "8").await;
    // Pings of another connection are the clock: the kicked session's own next heartbeat goes by meanwhile.
    for _ in 0..4 {
        while watch.read().await.unwrap().payload != b"2" {}
        watch.text("3").await.unwrap();
    }
    client.until(|packet| packet.starts_with("42[\"kickPush\"")).await;
    assert_eq!(client.end().await, End::Told);
    let Client::Polling(session, _) = &client else { unreachable!() };
    assert_eq!(refusal(&session.poll().await.unwrap()), (400, 1));
    drop(watch);
    ground.clear().await;
}

#[tokio::test]
async fn a_goodbye_that_nobody_fetches_is_not_kept_for_ever() {
    let ground =
        Ground::site(&[("IM__ENGINE__PING_INTERVAL_MS", "300"), ("IM__ENGINE__PING_TIMEOUT_MS", "2500")]).await;
    let (client, _) = Client::log_in(ground.address(), Over::Polling, "8").await;
    kick(&ground, "8").await;
    // A session that opens later and answers nothing is dead later than the goodbye may be kept.
    let later = Polling::handshake(ground.address(), "/socket.io/", "EIO=4&userId=9").await.unwrap();
    while later.get().await.unwrap() != ["1"] {}
    let Client::Polling(session, _) = &client else { unreachable!() };
    assert_eq!(refusal(&session.poll().await.unwrap()), (400, 1));
    ground.clear().await;
}
