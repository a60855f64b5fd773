//! The input as a connection's messages, separated by a byte 255: binary after a byte 0, text otherwise. Every packet
//! that comes out is relayed and must come out again the same.

use bytes::Bytes;
use serde_json::value::RawValue;
use wire::socketio::{self, Args, Decoder, Encoded, Limits, Packet, Version};

/// Feeds the messages to a decoder of each protocol, until it refuses one.
pub fn run(data: &[u8]) {
    for version in [Version::V4, Version::V5] {
        let mut decoder = Decoder::new(version, LIMITS);
        for message in data.split(|&byte| byte == SEPARATOR) {
            let decoded = match message {
                [BINARY, attachment @ ..] => decoder.binary(Bytes::copy_from_slice(attachment)),
                text => match std::str::from_utf8(text) {
                    Ok(text) => decoder.text(text),
                    Err(_) => return,
                },
            };
            match decoded {
                Ok(Some(packet)) => check(version, packet),
                Ok(None) => {}
                Err(_) => break,
            }
        }
    }
}

const LIMITS: Limits = Limits { max_attachments: 4, max_attachment_bytes: 64 };
const SEPARATOR: u8 = 255;
const BINARY: u8 = 0;

fn check(version: Version, packet: Packet) {
    assert!(packet.namespace().starts_with('/'));
    match packet {
        Packet::Event { namespace, id, name, args } => {
            check_args(&args);
            let encoded = socketio::event_raw(&namespace, id, &name, &args);
            let Packet::Event { namespace: namespace_again, id: id_again, name: name_again, args: args_again } =
                receive(version, &encoded)
            else {
                panic!("an event became something else");
            };
            assert_eq!((&*namespace, id, &*name), (&*namespace_again, id_again, &*name_again));
            assert_same(&args, &args_again);
        }
        Packet::Ack { namespace, id, args } => {
            check_args(&args);
            let encoded = socketio::ack_raw(&namespace, id, &args);
            let Packet::Ack { namespace: namespace_again, id: id_again, args: args_again } = receive(version, &encoded)
            else {
                panic!("an acknowledgement became something else");
            };
            assert_eq!((&*namespace, id), (&*namespace_again, id_again));
            assert_same(&args, &args_again);
        }
        Packet::Connect { auth, query, .. } => match version {
            Version::V4 => assert!(auth.is_none()),
            Version::V5 => {
                assert!(query.is_none());
                assert!(auth.is_none_or(|auth| auth.get().starts_with('{')));
            }
        },
        Packet::Disconnect { .. } => {}
    }
}

/// The text is JSON to another parser too, and each argument is where its index says.
fn check_args(args: &Args) {
    let array = format!("[{}]", args.json());
    let values: Vec<Box<RawValue>> = serde_json::from_str(&array).expect("arguments are JSON");
    assert_eq!(values.len(), args.len());
    for (index, value) in values.iter().enumerate() {
        assert_eq!(args.raw(index), Some(value.get()));
        let _ = args.get::<serde_json::Value>(index);
        let _ = args.attachment(index);
    }
    assert_eq!(args.raw(args.len()), None);
}

fn assert_same(one: &Args, other: &Args) {
    assert_eq!((one.len(), one.json(), one.attachments()), (other.len(), other.json(), other.attachments()));
}

fn receive(version: Version, encoded: &Encoded) -> Packet {
    let mut decoder = Decoder::new(version, LIMITS);
    let mut complete = None;
    for frame in encoded.frames() {
        assert!(complete.is_none(), "complete too early");
        let decoded = if frame.is_binary() {
            decoder.binary(Bytes::copy_from_slice(frame.payload()))
        } else {
            let text = std::str::from_utf8(frame.payload()).expect("a text frame is UTF-8");
            decoder.text(text.strip_prefix('4').expect("a packet travels as a message"))
        };
        complete = decoded.expect("what is relayed is accepted");
    }
    complete.expect("all attachments were sent")
}
