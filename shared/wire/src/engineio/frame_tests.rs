//! Outgoing frames: the WebSocket form of each size and kind.

use super::*;

/// The header of a WebSocket frame from a server, by RFC 6455 section 5.2, and what follows it.
fn parse(frame: &[u8]) -> (u8, u64, &[u8]) {
    assert_eq!(frame[0] & 0xf0, 0x80, "final, nothing reserved");
    assert_eq!(frame[1] & 0x80, 0, "a server does not mask");
    let (len, at) = match frame[1] {
        127 => (u64::from_be_bytes(frame[2..10].try_into().unwrap()), 10),
        126 => (u16::from_be_bytes(frame[2..4].try_into().unwrap()).into(), 4),
        len => (len.into(), 2),
    };
    (frame[0] & 0x0f, len, &frame[at..])
}

/// Around each change of the header's form.
const SIZES: [usize; 8] = [0, 1, 125, 126, 127, 65_535, 65_536, 65_537];

#[test]
fn a_text_frame_has_the_shortest_header_for_its_length() {
    for size in SIZES {
        let frame = Frame::text(|out| out.resize(out.len() + size, b'x'));
        for rev in [Revision::V3, Revision::V4] {
            let bytes = frame.websocket(rev);
            let (opcode, len, payload) = parse(&bytes);
            assert_eq!((opcode, len, payload), (1, size as u64, &vec![b'x'; size][..]));
            assert_eq!(frame.len(), bytes.len());
        }
        assert_eq!(frame.payload(), vec![b'x'; size]);
        assert_eq!(
            frame.len() - size,
            if size < 126 {
                2
            } else if size < 65_536 {
                4
            } else {
                10
            }
        );
        assert!(!frame.is_binary());
    }
}

#[test]
fn a_binary_frame_is_bare_in_revision_4_and_typed_in_revision_3() {
    for size in SIZES {
        let data = vec![7; size];
        let frame = Frame::binary(&data);
        assert!(frame.is_binary());
        assert_eq!(frame.payload(), data);

        let bytes = frame.websocket(Revision::V4);
        assert_eq!(parse(&bytes), (2, size as u64, &data[..]));

        let bytes = frame.websocket(Revision::V3);
        let (opcode, len, payload) = parse(&bytes);
        assert_eq!((opcode, len), (2, 1 + size as u64));
        assert_eq!((payload[0], &payload[1..]), (4, &data[..]));
    }
}

#[test]
fn binary_becomes_text_for_a_client_that_asked_for_base64() {
    let frame = Frame::binary(&[1, 2, 255]);
    assert_eq!(parse(&frame.websocket_base64(Revision::V3)), (1, 6, &b"b4AQL/"[..]));
    assert_eq!(parse(&frame.websocket_base64(Revision::V4)), (1, 5, &b"bAQL/"[..]));
    assert_eq!(parse(&Frame::message("hi").websocket_base64(Revision::V4)), (1, 3, &b"4hi"[..]));
}

#[test]
fn connections_share_one_buffer() {
    let frame = Frame::message("shared");
    let copy = frame.clone();
    let (one, other) = (frame.websocket(Revision::V4), copy.websocket(Revision::V3));
    assert_eq!(one.as_ptr(), other.as_ptr());
    assert_eq!(frame.payload().as_ptr(), one[2..].as_ptr());
}

#[test]
fn control_frames_are_what_clients_expect() {
    let frames = [
        (ping(), "2"),
        (pong(""), "3"),
        (pong("probe"), "3probe"),
        (noop(), "6"),
        (close(), "1"),
        (Frame::message(""), "4"),
        (Frame::message("né"), "4né"),
    ];
    for (frame, expected) in frames {
        assert_eq!(frame.payload(), expected.as_bytes());
        assert_eq!(parse(&frame.websocket(Revision::V4)), (1, expected.len() as u64, expected.as_bytes()));
    }
}

#[test]
fn the_handshake_names_the_session_the_upgrades_and_the_times() {
    let frame = open("a\"b", &["websocket"], 25_000, 10_000, 1_000_000);
    let expected = concat!(
        r#"0{"sid":"a\"b","upgrades":["websocket"],"pingInterval":25000,"#,
        r#""pingTimeout":10000,"maxPayload":1000000}"#
    );
    assert_eq!(frame.payload(), expected.as_bytes());
}

#[test]
fn a_frame_never_shows_its_data_when_printed() {
    let shown = format!("{:?}", Frame::message("geheim"));
    assert!(shown.contains("len: 9") && !shown.contains("geheim"), "{shown}");
}
