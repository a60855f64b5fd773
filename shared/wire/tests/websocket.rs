//! Agreement with tungstenite over random streams of frames, whole and damaged, in pieces of any size. What is compared
//! stands with the fuzz target.

use proptest::prelude::*;
use proptest::sample::Index;
use tokio_tungstenite::tungstenite::Bytes;
use tokio_tungstenite::tungstenite::protocol::frame::coding::OpCode;
use tokio_tungstenite::tungstenite::protocol::frame::{Frame, FrameHeader};

/// The body of the fuzz target.
#[path = "../fuzz/src/websocket.rs"]
pub mod target;

/// The largest message, in the units of the target.
const MAX: u8 = 75;

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
const FIN: u8 = 0x80;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_500))]

    #[test]
    fn streams_of_frames_come_to_the_same(stream in stream(), piece: u8) {
        target::run(&[&[piece, MAX], &stream[..]].concat());
    }

    #[test]
    fn damaged_streams_come_to_the_same(
        stream in stream(),
        damage in prop::collection::vec((any::<Index>(), any::<u8>()), 1..4),
        piece: u8,
    ) {
        let mut stream = stream;
        for (place, byte) in damage {
            if !stream.is_empty() {
                let place = place.index(stream.len());
                stream[place] = byte;
            }
        }
        target::run(&[&[piece, MAX], &stream[..]].concat());
    }
}

/// Messages, some in fragments cut anywhere, control frames between; now and then something that breaks a rule.
fn stream() -> impl Strategy<Value = Vec<u8>> {
    let mistake = (any::<u8>(), any::<Vec<u8>>()).prop_map(|(first, data)| frame(first & 0x8f, &data));
    let goodbye = (prop_oneof![any::<u16>(), 999u16..1020], any::<Vec<u8>>()).prop_map(close);
    let polite = (999u16..1020, "\\PC{0,8}".prop_map(String::into_bytes)).prop_map(close);
    let part = prop_oneof![6 => message(), 2 => control(), 1 => mistake, 1 => goodbye, 1 => polite];
    prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
}

fn message() -> impl Strategy<Value = Vec<u8>> {
    let most = usize::from(MAX) * 4;
    let text = prop_oneof![8 => "\\PC{0,90}".prop_map(String::into_bytes), 1 => any::<Vec<u8>>()];
    let body = prop_oneof![(Just(TEXT), text), (Just(BINARY), prop::collection::vec(any::<u8>(), 0..most + 20))];
    let cuts = prop::collection::vec((any::<Index>(), prop::option::weighted(0.3, control())), 0..4);
    (body, cuts).prop_map(|((opcode, body), cuts)| {
        let mut places: Vec<_> = cuts.into_iter().map(|(cut, between)| (cut.index(body.len() + 1), between)).collect();
        places.sort_by_key(|(place, _)| *place);
        let (mut bytes, mut start, mut opcode) = (Vec::new(), 0, opcode);
        for (place, between) in places {
            bytes.extend(frame(opcode, &body[start..place]));
            bytes.extend(between.unwrap_or_default());
            (start, opcode) = (place, CONTINUATION);
        }
        bytes.extend(frame(FIN | opcode, &body[start..]));
        bytes
    })
}

fn control() -> impl Strategy<Value = Vec<u8>> {
    (prop_oneof![Just(PING), Just(PONG)], prop::collection::vec(any::<u8>(), 0..127))
        .prop_map(|(opcode, data)| frame(FIN | opcode, &data))
}

fn close((code, reason): (u16, Vec<u8>)) -> Vec<u8> {
    frame(FIN | CLOSE, &[&code.to_be_bytes(), &reason[..]].concat())
}

/// A client's frame with this first byte.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let header = FrameHeader {
        is_final: first & FIN != 0,
        opcode: OpCode::from(first & 0x0f),
        mask: Some([0x37, 0xfa, 0x21, 0x3d]),
        ..FrameHeader::default()
    };
    let mut bytes = Vec::new();
    Frame::from_payload(header, Bytes::copy_from_slice(payload)).format(&mut bytes).expect("a vector takes it");
    bytes
}
