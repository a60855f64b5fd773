//! What a thousand bad clients leave behind: nothing that grows.

use super::client::{Client, End, Over, refusal};
use super::ground::Ground;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use tests::http::{Connection, head};
use tests::polling::Polling;
use tests::websocket::Raw;

/// Clients of one round, and how many of them are at work at once.
const CLIENTS: usize = 1_000;
const ABREAST: usize = 20;

/// What memory may grow by in a round, in KiB: an allocator's own breath mostly takes half of it. A session keeps its
/// query, so had a thousand of them stayed, it were more than twice as much.
const GROWTH_KB: u64 = 3_000;

/// Rounds after the first. An allocator sometimes takes a large breath in one of them; what leaks grows in each.
const ROUNDS: usize = 4;
const QUERY_BYTES: usize = 7_000;

/// Where the two servers are and what their clients say.
#[derive(Clone, Copy)]
struct Place {
    address: SocketAddr,
    path: &'static str,
    is_site: bool,
}

impl Place {
    /// The query of a handshake, long. A user each: windows of the same one would all be told what each of them does.
    fn query(self, number: usize) -> String {
        format!("EIO=4&userId=8{number}&x={}", "x".repeat(QUERY_BYTES))
    }
}

async fn site() -> (Ground, Place) {
    let ground = Ground::site(&[
        ("IM__ENGINE__PING_INTERVAL_MS", "300"),
        ("IM__ENGINE__PING_TIMEOUT_MS", "2500"),
        ("IM__ENGINE__UPGRADE_TIMEOUT_MS", "1000"),
        ("IM__LIMITS__MAX_CONNECTIONS_PER_USER", "100000"),
        ("IM__LIMITS__EVENT_BURST_PER_USER", "1000000"),
        ("IM__LIMITS__HANDSHAKES_PER_SECOND_PER_ADDRESS", "100000"),
    ])
    .await;
    let place = Place { address: ground.address(), path: "/socket.io/", is_site: true };
    (ground, place)
}

async fn echo() -> (Ground, Place) {
    let ground = Ground::echo(&["--ping-interval", "300", "--ping-timeout", "2500", "--upgrade-timeout", "1000"]).await;
    let place = Place { address: ground.address(), path: "/engine.io/", is_site: false };
    (ground, place)
}

/// A session with something in its mailbox that nobody fetches.
async fn abandon(place: Place, number: usize) -> Option<Raw> {
    let session = Polling::handshake(place.address, place.path, &place.query(number)).await.unwrap();
    let body = match place.is_site {
        true => "40\u{1e}42[\"changeUser\",{\"toid\":\"m7\"}]",
        false => "4x",
    };
    assert_eq!(session.post(body).await.unwrap().status, 200);
    None
}

/// A handshake given up: before its answer, in the middle of it, or with half a request.
async fn abort(place: Place, number: usize) -> Option<Raw> {
    let transport = if number.is_multiple_of(2) { "polling" } else { "websocket" };
    let path = format!("{}?{}&transport={transport}", place.path, place.query(number));
    let upgrade = [
        ("Upgrade", "websocket"),
        ("Connection", "Upgrade"),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];
    let headers = if number.is_multiple_of(2) { &[][..] } else { &upgrade };
    let request = head(place.address, "GET", &path, headers, None);
    let mut connection = Connection::open(place.address).await.unwrap();
    match number % 3 {
        0 => connection.send(&request).await.unwrap(),
        1 => {
            connection.send(&request).await.unwrap();
            connection.take(20).await.unwrap();
        }
        _ => connection.send(&request[..request.len() - 3]).await.unwrap(),
    }
    None
}

/// A session whose upgrade dies before or behind the probe, and which is then abandoned. Some are left open: the server
/// must give them up by itself.
async fn die_upgrading(place: Place, number: usize) -> Option<Raw> {
    let session = Polling::handshake(place.address, place.path, &place.query(number)).await.unwrap();
    let path = format!("{}?EIO=4&transport=websocket&sid={}", place.path, session.sid);
    let mut socket = Raw::connect(place.address, &path).await.unwrap();
    if number.is_multiple_of(2) {
        socket.text("2probe").await.unwrap();
        assert_eq!(socket.read().await.unwrap().payload, b"3probe");
    }
    number.is_multiple_of(3).then_some(socket)
}

/// One round: all clients, and then the wait until their sessions are dead.
async fn round(place: Place, attack: impl AsyncFn(Place, usize) -> Option<Raw>) {
    let mut left_open = Vec::new();
    for group in 0..CLIENTS / ABREAST {
        let attack = &attack;
        let clients = (0..ABREAST).map(|client| attack(place, group * ABREAST + client));
        left_open.extend(futures_util::future::join_all(clients).await.into_iter().flatten());
    }
    for mut socket in left_open {
        assert_eq!(socket.close_code().await.unwrap(), 4004);
    }
    // Opened behind all of them, so dead behind all of them.
    let last = Polling::handshake(place.address, place.path, "EIO=4&userId=8").await.unwrap();
    while last.get().await.unwrap() != ["1"] {}
    assert_eq!(refusal(&last.poll().await.unwrap()), (400, 1));
}

/// The same again leaves the server no larger than it was before: in one of some rounds at least, for a leak spares none.
async fn leaves_nothing((ground, place): (Ground, Place), attack: impl AsyncFn(Place, usize) -> Option<Raw>) {
    round(place, &attack).await;
    ground.alone().await;
    let mut sizes = vec![ground.server.rss_kb().unwrap()];
    for _ in 0..ROUNDS {
        round(place, &attack).await;
        ground.alone().await;
        sizes.push(ground.server.rss_kb().unwrap());
        if let [.., before, after] = sizes[..]
            && after < before + GROWTH_KB
        {
            return ground.clear().await;
        }
    }
    panic!("it grew in every round, in KiB: {sizes:?}");
}

#[tokio::test]
async fn a_thousand_abandoned_sessions_leave_nothing_in_the_site() {
    leaves_nothing(site().await, abandon).await;
}

#[tokio::test]
async fn a_thousand_abandoned_sessions_leave_nothing_in_the_echo() {
    leaves_nothing(echo().await, abandon).await;
}

#[tokio::test]
async fn a_thousand_aborted_handshakes_leave_nothing_in_the_site() {
    leaves_nothing(site().await, abort).await;
}

#[tokio::test]
async fn a_thousand_aborted_handshakes_leave_nothing_in_the_echo() {
    leaves_nothing(echo().await, abort).await;
}

#[tokio::test]
async fn a_thousand_dead_upgrades_leave_nothing_in_the_site() {
    leaves_nothing(site().await, die_upgrading).await;
}

#[tokio::test]
async fn a_thousand_dead_upgrades_leave_nothing_in_the_echo() {
    leaves_nothing(echo().await, die_upgrading).await;
}

#[tokio::test]
async fn users_who_come_and_go_leave_nothing() {
    static USERS: AtomicUsize = AtomicUsize::new(0);
    let come_and_go = async |place: Place, number: usize| {
        // Another user each time: whatever is kept by user would pile up.
        let user = format!("5{}", USERS.fetch_add(1, Ordering::Relaxed));
        let over = if number.is_multiple_of(2) { Over::WebSocket } else { Over::Polling };
        let (mut client, _) = Client::log_in(place.address, over, &user).await;
        client.ask("changeUser", r#"{"toid":"m7"}"#).await;
        client.send("1").await;
        assert!(matches!(client.end().await, End::Code(1000) | End::Refused(400, 1)));
        None
    };
    leaves_nothing(site().await, come_and_go).await;
}
