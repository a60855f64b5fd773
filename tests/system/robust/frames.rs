//! WebSocket frames that break RFC 6455 or the size that is allowed, each answered with its close code.

use super::ground::Ground;
use tests::websocket::{Raw, frame, header};

const MASK: Option<[u8; 4]> = Some([0x37, 0xfa, 0x21, 0x3d]);
const MAX: usize = 2_000;
const MAX_TEXT: &str = "2000";

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
/// The first frame of a text that goes on.
const BEGIN: u8 = 0x01;
const GO_ON: u8 = 0x00;
const END: u8 = 0x80;

/// A WebSocket to the raw echo, behind its open packet.
async fn echo(ground: &Ground) -> Raw {
    let mut socket = Raw::connect(ground.address(), "/engine.io/?EIO=4&transport=websocket").await.unwrap();
    assert_eq!(socket.read().await.unwrap().payload.first(), Some(&b'0'));
    socket
}

async fn close_code_of(ground: &Ground, bytes: &[u8]) -> u16 {
    let mut socket = echo(ground).await;
    // A message before it is still answered: what was good counts.
    socket.text("4good").await.unwrap();
    assert_eq!(socket.read().await.unwrap().payload, b"4good");
    socket.0.send(bytes).await.unwrap();
    let code = socket.close_code().await.unwrap();
    assert_eq!(socket.0.rest().await.unwrap(), b"", "nothing comes behind a close frame");
    code
}

#[tokio::test]
async fn a_frame_that_breaks_the_rfc_is_answered_with_a_protocol_error() {
    let ground = Ground::echo(&[]).await;
    for (what, bytes) in [
        ("no mask", frame(TEXT, None, b"4x")),
        ("a reserved bit", frame(0xc1, MASK, b"4x")),
        ("another reserved bit", frame(0x91, MASK, b"4x")),
        ("an unknown opcode", frame(0x83, MASK, b"4x")),
        ("an unknown control opcode", frame(0x8b, MASK, b"")),
        ("a ping in fragments", frame(0x09, MASK, b"x")),
        ("a long ping", frame(PING, MASK, &[b'x'; 126])),
        ("a continuation of nothing", frame(END, MASK, b"4x")),
        ("a message within a message", [frame(BEGIN, MASK, b"4"), frame(TEXT, MASK, b"4x")].concat()),
        ("a close of one byte", frame(CLOSE, MASK, &[3])),
        ("a close code that may not be sent", frame(CLOSE, MASK, &1006u16.to_be_bytes())),
        ("a close code out of range", frame(CLOSE, MASK, &999u16.to_be_bytes())),
        ("a length of 2^63", header(BINARY, MASK, 1 << 63)),
    ] {
        assert_eq!(close_code_of(&ground, &bytes).await, 1002, "{what}");
    }
    ground.clear().await;
}

#[tokio::test]
async fn a_text_that_is_not_utf_8_is_answered_as_such() {
    let ground = Ground::echo(&[]).await;
    for (what, bytes) in [
        ("a stray byte", frame(TEXT, MASK, b"4\xff")),
        ("a surrogate", frame(TEXT, MASK, b"4\xed\xa0\x80")),
        ("an overlong form", frame(TEXT, MASK, b"4\xc0\xaf")),
        ("a character cut off", frame(TEXT, MASK, "4群".as_bytes().split_last().unwrap().1)),
        ("in the second fragment", [frame(BEGIN, MASK, b"4"), frame(GO_ON, MASK, b"\xff")].concat()),
        ("a close reason", frame(CLOSE, MASK, b"\x03\xe8\xff")),
    ] {
        assert_eq!(close_code_of(&ground, &bytes).await, 1007, "{what}");
    }
    ground.clear().await;
}

#[tokio::test]
async fn exactly_the_largest_message_is_taken_however_it_is_cut() {
    let ground = Ground::echo(&["--max-payload", MAX_TEXT]).await;
    let exact = [b"4".as_slice(), &[b'x'; MAX - 1]].concat();
    let mut socket = echo(&ground).await;
    for pieces in [1, 2, 3, 100, MAX] {
        socket.0.send(&fragments(&exact, MAX.div_ceil(pieces))).await.unwrap();
        assert_eq!(socket.read().await.unwrap().payload, exact, "{pieces} pieces");
    }
    // Pings in between, an empty fragment now and then, and one byte at a time on the wire.
    let woven = [
        frame(BEGIN, MASK, b""),
        frame(PING, MASK, b"a"),
        frame(GO_ON, MASK, "4群".as_bytes().get(..2).unwrap()),
        frame(GO_ON, MASK, b""),
        frame(PING, MASK, b"b"),
        frame(END, MASK, "4群".as_bytes().get(2..).unwrap()),
    ];
    for byte in woven.concat() {
        socket.0.send(&[byte]).await.unwrap();
    }
    for (opcode, payload) in [(10, b"a".as_slice()), (10, b"b"), (1, "4群".as_bytes())] {
        let answer = socket.read().await.unwrap();
        assert_eq!((answer.opcode, answer.payload.as_slice()), (opcode, payload));
    }
    drop(socket);
    ground.clear().await;
}

#[tokio::test]
async fn one_byte_more_than_the_largest_message_is_too_large_however_it_is_cut() {
    let ground = Ground::echo(&["--max-payload", MAX_TEXT]).await;
    let over = [b"4".as_slice(), &[b'x'; MAX]].concat();
    for pieces in [1, 2, 3, 100, MAX] {
        let size = over.len().div_ceil(pieces);
        assert_eq!(close_code_of(&ground, &fragments(&over, size)).await, 1009, "{pieces} pieces");
    }
    // Refused for what the header claims, before any of it is sent.
    for length in [MAX as u64 + 1, 1 << 32, (1 << 63) - 1] {
        for first in [TEXT, BINARY, BEGIN] {
            assert_eq!(close_code_of(&ground, &header(first, MASK, length)).await, 1009, "{length}");
        }
    }
    ground.clear().await;
}

#[tokio::test]
async fn a_claimed_length_takes_no_memory_before_it_arrives() {
    let ground = Ground::echo(&["--max-payload", "100000000"]).await;
    let before = ground.server.rss_kb().unwrap();
    let mut held = Vec::new();
    for _ in 0..100 {
        let mut socket = echo(&ground).await;
        socket.0.send(&header(BINARY, MASK, 100_000_000)).await.unwrap();
        socket.0.send(&[0; 1_000]).await.unwrap();
        held.push(socket);
    }
    let after = ground.server.rss_kb().unwrap();
    assert!(after < before + 20_000, "{before} KiB became {after}");
    drop(held);
    ground.clear().await;
}

#[tokio::test]
async fn a_packet_that_breaks_engine_io_is_a_protocol_error() {
    let ground = Ground::echo(&[]).await;
    for packet in ["", "9", "x", "b!!!!", "\u{0}", "2", "2probe", "群"] {
        assert_eq!(close_code_of(&ground, &frame(TEXT, MASK, packet.as_bytes())).await, 1002, "{packet:?}");
    }
    // The older revision spells the type of a binary packet in its first byte.
    for packet in [b"".as_slice(), b"\x07x", b"4x", b"\xff"] {
        let mut socket = Raw::connect(ground.address(), "/engine.io/?EIO=3&transport=websocket").await.unwrap();
        socket.0.send(&frame(BINARY, MASK, packet)).await.unwrap();
        assert_eq!(socket.close_code().await.unwrap(), 1002, "{packet:?}");
    }
    ground.clear().await;
}

#[tokio::test]
async fn a_goodbye_is_answered_and_what_follows_it_is_not_read() {
    let ground = Ground::echo(&[]).await;
    let code = |code: u16| frame(CLOSE, MASK, &code.to_be_bytes());
    let behind = |first: Vec<u8>| [first, frame(TEXT, MASK, b"4late")].concat();
    for (bytes, wanted) in [(code(1000), 1000), (code(1001), 1001), (code(4999), 4999), (frame(CLOSE, MASK, b""), 1000)]
    {
        assert_eq!(close_code_of(&ground, &behind(bytes)).await, wanted);
    }
    assert_eq!(close_code_of(&ground, &behind(frame(TEXT, MASK, b"1"))).await, 1000, "Engine.IO's own");
    ground.clear().await;
}

#[tokio::test]
async fn a_socket_cut_off_anywhere_is_let_go() {
    let ground = Ground::site(&[]).await;
    let path = "/socket.io/?EIO=4&transport=websocket&userId=8";
    let bytes = [frame(TEXT, MASK, b"40"), frame(TEXT, MASK, br#"42["changeStatus",{"status":"busy"}]"#)].concat();
    for length in 0..bytes.len() {
        let mut socket = Raw::connect(ground.address(), path).await.unwrap();
        socket.0.send(&bytes[..length]).await.unwrap();
    }
    ground.clear().await;
}

/// A text message in fragments of the given size.
fn fragments(message: &[u8], size: usize) -> Vec<u8> {
    let count = message.len().div_ceil(size);
    let cut = message.chunks(size).enumerate().map(|(index, piece)| {
        let first = if index == 0 { BEGIN } else { GO_ON };
        frame(if index + 1 == count { first | 0x80 } else { first }, MASK, piece)
    });
    cut.flatten().collect()
}
