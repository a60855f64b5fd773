//! Random input against the whole server: real sessions gone wrong, and bytes that never were any.
//!
//! `IM_TEST_NOISE_SECONDS` lets it go on for longer, `IM_TEST_NOISE_SEED` repeats a run that failed; the timing of a
//! run is not repeated by it.

use super::ground::Ground;
use std::net::SocketAddr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use tests::http::{Connection, head};
use tests::polling::Polling;
use tests::websocket::{Raw, frame, header};
use tokio::time::Instant;

const SECONDS: u64 = 5;
/// Troublemakers at work at once.
const ABREAST: u64 = 6;

/// What real clients say, to be mutated.
const SAID: [&str; 26] = [
    "40",
    "40/,",
    "40/nope,{\"token\":\"x\"}",
    "41",
    "420[\"changeStatus\",{\"status\":\"busy\"}]",
    "421[\"exchange\",{\"target\":\"user:88\",\"payload\":{\"text\":\"你好 \\ud83d\"}}]",
    "422[\"join\",{\"room\":\"1001\"}]",
    "423[\"leave\",{\"room\":\"1001\"}]",
    "424[\"getPresence\",{\"user_ids\":[\"88\",\"m7\"]}]",
    "425[\"changeUser\",{\"toid\":\"m7\",\"n\":[1,2.5e3,null,true]}]",
    "42[\"typing\",{\"to_user_id\":\"m7\",\"on\":true}]",
    "42[\"sendMessage\",{}]",
    "430[{\"ok\":true}]",
    "451-[\"exchange\",{\"target\":\"user:88\",\"payload\":{\"_placeholder\":true,\"num\":0}}]",
    "461-7[{\"_placeholder\":true,\"num\":0}]",
    "bAAECAw==",
    "b4AAECAw==",
    "2",
    "2probe",
    "3",
    "3probe",
    "5",
    "6",
    "1",
    "2:40",
    "23:42[\"typing\",{\"on\":true}]",
];

/// Pieces that decoders stumble over.
const SPICE: [&[u8]; 16] = [
    b"\x1e",
    b"\x00",
    b"\xff",
    b"\xf0\x9f\x98",
    b"\xed\xa0\x80",
    b"\\ud83d",
    b"99999999999999999999",
    b"-1",
    b"[[[[[[[[[[[[[[[[",
    b"{\"_placeholder\":true,\"num\":4294967296}",
    b"__proto__",
    b"\r\n\r\n",
    b"%00%ff",
    b"&sid=",
    b":",
    b"\"",
];

/// SplitMix64: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end.max(1) as u64) as usize
    }

    fn one_in(&mut self, chances: usize) -> bool {
        self.below(chances) == 0
    }

    fn pick<T: Copy>(&mut self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    fn bytes(&mut self, most: usize) -> Vec<u8> {
        (0..self.below(most)).map(|_| self.next() as u8).collect()
    }

    /// Something a client might say, mostly with a few faults in it.
    fn message(&mut self) -> Vec<u8> {
        let said = self.pick(&SAID).as_bytes().to_vec();
        if self.one_in(3) { said } else { self.spoil(said) }
    }

    fn spoil(&mut self, mut bytes: Vec<u8>) -> Vec<u8> {
        for _ in 0..=self.below(3) {
            let at = self.below(bytes.len() + 1);
            match self.below(6) {
                0 => bytes.truncate(at),
                1 => drop(bytes.splice(at..at, self.pick(&SPICE).iter().copied())),
                2 => drop(bytes.splice(at..at, self.bytes(8))),
                3 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                4 if at < bytes.len() => drop(bytes.remove(at)),
                _ => bytes.extend_from_within(at..),
            }
        }
        bytes
    }
}

#[tokio::test]
async fn random_input_disturbs_nobody() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().expect(name));
    let seconds = number("IM_TEST_NOISE_SECONDS").unwrap_or(SECONDS);
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let seed = number("IM_TEST_NOISE_SEED").unwrap_or(now);
    println!("IM_TEST_NOISE_SEED={seed}");
    let ground = Ground::site(&[
        ("IM__ENGINE__PING_INTERVAL_MS", "500"),
        ("IM__ENGINE__PING_TIMEOUT_MS", "4000"),
        ("IM__ENGINE__UPGRADE_TIMEOUT_MS", "1000"),
        ("IM__ENGINE__CONNECT_TIMEOUT_MS", "3000"),
        ("IM__ENGINE__MAX_PAYLOAD_BYTES", "20000"),
        ("IM__LIMITS__EVENT_BURST_PER_USER", "1000000"),
        ("IM__LIMITS__MAX_CONNECTIONS_PER_USER", "100000"),
        ("IM__LIMITS__HANDSHAKES_PER_SECOND_PER_ADDRESS", "100000"),
    ])
    .await;
    let end = Instant::now() + Duration::from_secs(seconds);
    let troublemakers = (0..ABREAST).map(|index| make_trouble(ground.address(), Random(seed ^ (index << 56)), end));
    let done: u64 = futures_util::future::join_all(troublemakers).await.iter().sum();
    println!("{done} connections made trouble");
    assert!(done > 50 * seconds, "{done} connections only");
    ground.clear().await;
}

/// One connection after another until the end; how many.
async fn make_trouble(address: SocketAddr, mut random: Random, end: Instant) -> u64 {
    let mut done = 0;
    while Instant::now() < end {
        // The server may break off whatever this is at any point: what comes of it is looked at from elsewhere.
        let outcome = match random.below(8) {
            0 => raw_bytes(address, &mut random).await,
            1 => spoilt_request(address, &mut random).await,
            2..=4 => spoilt_websocket(address, &mut random).await,
            5 | 6 => spoilt_polling(address, &mut random).await,
            _ => spoilt_upgrade(address, &mut random).await,
        };
        drop(outcome);
        done += 1;
    }
    done
}

async fn raw_bytes(address: SocketAddr, random: &mut Random) -> anyhow::Result<()> {
    let mut connection = Connection::open(address).await?;
    connection.send(&random.bytes(4_000)).await?;
    glance(connection.answer()).await
}

async fn spoilt_request(address: SocketAddr, random: &mut Random) -> anyhow::Result<()> {
    let method = random.pick(&["GET", "POST", "OPTIONS", "PUT"]);
    let revision = random.pick(&["3", "4", "5"]);
    let transport = random.pick(&["polling", "websocket", "x"]);
    let path = format!("/socket.io/?EIO={revision}&transport={transport}&userId=88&sid=im1.x&j=1&b64=1");
    let headers = [("Upgrade", "websocket"), ("Connection", "Upgrade"), ("Transfer-Encoding", "chunked")];
    let count = random.below(4);
    let length = random.one_in(2).then(|| random.below(40_000));
    let mut request = head(address, method, &path, &headers[..count], length);
    request.extend(random.message());
    let mut connection = Connection::open(address).await?;
    connection.send(&random.spoil(request)).await?;
    glance(connection.answer()).await
}

async fn spoilt_websocket(address: SocketAddr, random: &mut Random) -> anyhow::Result<()> {
    let revision = random.pick(&["3", "4"]);
    let path = format!("/socket.io/?EIO={revision}&transport=websocket&userId=88");
    let mut socket = Raw::connect(address, &path).await?;
    if random.one_in(2) {
        socket.text("40").await?;
    }
    scribble(&mut socket, random).await?;
    glance(socket.close_code()).await
}

/// Frames with messages in them, good ones and others.
async fn scribble(socket: &mut Raw, random: &mut Random) -> anyhow::Result<()> {
    for _ in 0..random.below(20) {
        let mask = (!random.one_in(20)).then(|| (random.next() as u32).to_be_bytes());
        let message = random.message();
        let first = random.pick(&[0x81, 0x81, 0x81, 0x82, 0x01, 0x00, 0x80, 0x89, 0x8a]);
        let bytes = match random.below(30) {
            0 => random.bytes(300),
            1 => random.spoil(frame(first, mask, &message)),
            2 => header(first, mask, random.next()),
            3 => frame(first, mask, &vec![b'4'; random.below(21_000)]),
            4 => frame(0x88, mask, &random.bytes(10)),
            _ => frame(first, mask, &message),
        };
        socket.0.send(&bytes).await?;
    }
    Ok(())
}

async fn spoilt_polling(address: SocketAddr, random: &mut Random) -> anyhow::Result<()> {
    let session = handshake(address, random).await?;
    for _ in 0..random.below(6) {
        let mut body = Vec::new();
        for index in 0..random.below(5) {
            body.extend_from_slice(if index == 0 { b"" } else { b"\x1e" });
            body.extend(random.message());
        }
        let kind = random.pick(&["text/plain", "application/octet-stream", "application/x-www-form-urlencoded", ""]);
        let claimed = if random.one_in(5) { random.below(21_000) } else { body.len() };
        let jsonp = if random.one_in(5) { "&j=0" } else { "" };
        let path = format!("{}{jsonp}", session.path());
        let mut connection = Connection::open(address).await?;
        connection.send(&head(address, "POST", &path, &[("Content-Type", kind)], Some(claimed))).await?;
        connection.send(&body).await?;
        let mut poll = Connection::open(address).await?;
        if random.one_in(2) {
            poll.send(&head(address, "GET", &path, &[], None)).await?;
        }
        glance(connection.answer()).await.ok();
        glance(poll.answer()).await.ok();
    }
    Ok(())
}

async fn spoilt_upgrade(address: SocketAddr, random: &mut Random) -> anyhow::Result<()> {
    let session = handshake(address, random).await?;
    let revision = random.pick(&["3", "4"]);
    let path = format!("/socket.io/?EIO={revision}&transport=websocket&userId=88&sid={}", session.sid);
    let mut sockets = vec![Raw::connect(address, &path).await?];
    if random.one_in(3) {
        sockets.push(Raw::connect(address, &path).await?);
    }
    for socket in &mut sockets {
        for word in ["2probe", "5", "40"] {
            if !random.one_in(4) {
                socket.text(word).await?;
            }
        }
        if random.one_in(2) {
            session.post(&String::from_utf8_lossy(&random.message())).await?;
        }
        scribble(socket, random).await?;
    }
    for mut socket in sockets {
        glance(socket.close_code()).await.ok();
    }
    Ok(())
}

async fn handshake(address: SocketAddr, random: &mut Random) -> anyhow::Result<Polling> {
    let query = random.pick(&["EIO=4&userId=88", "EIO=3&userId=88", "EIO=3&userId=88&b64=1", "EIO=4"]);
    Polling::handshake(address, "/socket.io/", query).await
}

/// Looks for an answer a moment long: there need not be one.
async fn glance<T>(answer: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<()> {
    tokio::time::timeout(Duration::from_millis(20), answer).await??;
    Ok(())
}
