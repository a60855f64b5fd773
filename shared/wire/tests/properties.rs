//! What holds for any input: packets come back from their encoding as they were, lengths are the ones JavaScript
//! counts, and no bytes make the codec panic.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

use bytes::Bytes;
use proptest::prelude::*;
use serde_json::Value;
use wire::engineio::{
    ContentKind, Data, Frame, Kind, Packet, Revision, decode_binary, decode_binary_payload, decode_payload,
    decode_text, encode_payload, jsonp, undo_double_utf8,
};
use wire::socketio::{self, Arg, Args, Decoder, Limits, Packet as SocketIo, Version};

fn revision() -> impl Strategy<Value = Revision> {
    prop::sample::select(vec![Revision::V3, Revision::V4])
}

/// A message to send; text without the record separator, which revision 4 cannot carry.
#[derive(Clone, Debug)]
enum Message {
    Text(String),
    Binary(Vec<u8>),
}

impl Message {
    fn frame(&self) -> Frame {
        match self {
            Message::Text(text) => Frame::message(text),
            Message::Binary(data) => Frame::binary(data),
        }
    }

    fn packet(&self) -> Packet<'_> {
        let data = match self {
            Message::Text(text) => Data::Text(text.as_str().into()),
            Message::Binary(data) => Data::Binary(data.as_slice().into()),
        };
        Packet { kind: Kind::Message, data }
    }
}

fn message() -> impl Strategy<Value = Message> {
    prop_oneof![
        "[a-z é€😀\u{10ffff}]{0,12}".prop_map(Message::Text),
        any::<String>().prop_map(|text| Message::Text(text.replace('\u{1e}', ""))),
        any::<Vec<u8>>().prop_map(Message::Binary),
    ]
}

/// Any JSON value, floats left out since they need not come back bit by bit.
fn value() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<String>().prop_map(Value::from),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::hash_map("[a-z_\"\\\\é]{0,6}", inner, 0..6).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// A namespace as a client may name one.
fn namespace() -> impl Strategy<Value = String> {
    prop_oneof![Just("/".to_owned()), "/[a-z0-9#\"聊天]{1,8}"]
}

/// Feeds a packet's frames to a decoder, as a client's messages.
fn receive(decoder: &mut Decoder, frames: &[Frame]) -> SocketIo {
    let mut complete = None;
    for frame in frames {
        assert!(complete.is_none(), "complete too early");
        complete = if frame.is_binary() {
            decoder.binary(Bytes::copy_from_slice(frame.payload())).unwrap()
        } else {
            decoder.text(std::str::from_utf8(&frame.payload()[1..]).unwrap()).unwrap()
        };
    }
    complete.expect("complete")
}

proptest! {
    #[test]
    fn payloads_come_back_as_they_were(
        rev in revision(),
        messages in prop::collection::vec(message(), 1..6),
        base64_only: bool,
    ) {
        let frames: Vec<_> = messages.iter().map(Message::frame).collect();
        let (kind, body) = encode_payload(rev, &frames, base64_only, false);
        let expected: Vec<_> = messages.iter().map(Message::packet).collect();
        let decoded: Vec<_> = match kind {
            ContentKind::Text => {
                let body = std::str::from_utf8(&body).unwrap();
                decode_payload(rev, body, frames.len()).map(Result::unwrap).map(owned).collect()
            }
            ContentKind::Octets => {
                decode_binary_payload(&body, frames.len()).map(Result::unwrap).map(owned).collect()
            }
        };
        prop_assert_eq!(decoded, expected);
    }

    #[test]
    fn lengths_of_revision_3_are_those_of_javascript(text in "[a-zé€😀\u{10ffff}]{0,20}") {
        let (_, body) = encode_payload(Revision::V3, &[Frame::message(&text)], true, false);
        let expected = format!("{}:4{text}", 1 + text.encode_utf16().count());
        prop_assert_eq!(String::from_utf8(body).unwrap(), expected);
    }

    #[test]
    fn frames_come_back_as_they_were(rev in revision(), message in message()) {
        let bytes = message.frame().websocket(rev);
        let payload = &bytes[if bytes[1] == 126 { 4 } else { 2 }..];
        let packet = match message {
            Message::Text(_) => decode_text(rev, std::str::from_utf8(payload).unwrap()),
            Message::Binary(_) => decode_binary(rev, payload),
        };
        prop_assert_eq!(packet.unwrap(), message.packet());
    }

    #[test]
    fn ascii_json_means_the_same(values in prop::collection::vec(value(), 0..4)) {
        let encoded = socketio::event("/", None, "说", &values).unwrap();
        let (_, body) = encode_payload(Revision::V3, encoded.frames(), true, true);
        prop_assert!(body.is_ascii());
        let body = String::from_utf8(body).unwrap();
        let packets: Vec<_> = decode_payload(Revision::V3, &body, 2).map(Result::unwrap).collect();
        let [Packet { data: Data::Text(text), .. }] = packets.as_slice() else { panic!("{packets:?}") };
        let mut decoder = Decoder::new(Version::V4, Limits::default());
        let Some(SocketIo::Event { name, args, .. }) = decoder.text(text).unwrap() else { panic!("{text}") };
        prop_assert_eq!(&*name, "说");
        let read: Vec<Value> = (0..args.len()).map(|index| args.get(index).unwrap()).collect();
        prop_assert_eq!(read, values);
    }

    #[test]
    fn text_encoded_twice_is_what_was_meant(text: String) {
        let twice: String = text.bytes().map(char::from).collect();
        prop_assert_eq!(undo_double_utf8(&twice).unwrap_or(twice), text);
    }

    #[test]
    fn a_script_holds_its_body(index: u32, body: String) {
        let script = jsonp::wrap(index, &body);
        let head = format!("___eio[{index}](");
        let json = script.strip_prefix(&head).unwrap().strip_suffix(");").unwrap();
        prop_assert_eq!(serde_json::from_str::<String>(json).unwrap(), body);
        let ends_early = script.contains("</") || script.contains(['\n', '\u{2028}', '\u{2029}']);
        prop_assert!(!ends_early, "{}", script);
    }

    #[test]
    fn events_come_back_as_they_were(
        namespace in namespace(),
        id: Option<u64>,
        name in "[a-zé\"\\\\\n😀]{0,8}",
        values in prop::collection::vec(value(), 0..4),
    ) {
        let encoded = socketio::event(&namespace, id, &name, &values).unwrap();
        let packet = receive(&mut Decoder::new(Version::V5, Limits::default()), encoded.frames());
        let SocketIo::Event { namespace: got_namespace, id: got_id, name: got_name, args } = packet else {
            panic!("{packet:?}");
        };
        prop_assert_eq!((&*got_namespace, got_id, &*got_name), (&*namespace, id, &*name));
        let read: Vec<Value> = (0..args.len()).map(|index| args.get(index).unwrap()).collect();
        prop_assert_eq!(&read, &values);

        let relayed = socketio::event_raw(&namespace, id, &name, &args);
        prop_assert_eq!(relayed.frames(), encoded.frames());
    }

    #[test]
    fn attachments_come_back_in_their_places(
        namespace in namespace(),
        id: u64,
        parts in prop::collection::vec(prop_oneof![value().prop_map(Ok), any::<Vec<u8>>().prop_map(Err)], 0..8),
    ) {
        let raw: Vec<_> =
            parts.iter().map(|part| part.as_ref().map(|value| serde_json::value::to_raw_value(value).unwrap())).collect();
        let sent: Vec<_> = raw
            .iter()
            .map(|part| match part {
                Ok(value) => Arg::Json(value),
                Err(data) => Arg::Binary(Bytes::copy_from_slice(data)),
            })
            .collect();
        let encoded = socketio::ack_raw(&namespace, id, &Args::from_parts(&sent));
        let packet = receive(&mut Decoder::new(Version::V5, Limits::default()), encoded.frames());
        let SocketIo::Ack { id: got_id, args, .. } = packet else { panic!("{packet:?}") };
        prop_assert_eq!((got_id, args.len()), (id, parts.len()));
        for (index, part) in parts.iter().enumerate() {
            match part {
                Ok(value) => prop_assert_eq!(&args.get::<Value>(index).unwrap(), value),
                Err(data) => prop_assert_eq!(args.attachment(index).unwrap(), data),
            }
        }
    }
}

fn owned(packet: Packet<'_>) -> Packet<'static> {
    let data = match packet.data {
        Data::Text(text) => Data::Text(text.into_owned().into()),
        Data::Binary(bytes) => Data::Binary(bytes.into_owned().into()),
    };
    Packet { kind: packet.kind, data }
}
