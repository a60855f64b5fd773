//! Bytes as the reference packages write them: engine.io-parser 1.3, 2.2 and 5.2, socket.io-parser 2.3, 3.3 and 4.2.
//! Each vector is read and, where the server writes such bytes too, written.

#![allow(clippy::unwrap_used, reason = "a test says what went wrong by panicking")]

use bytes::Bytes;
use serde_json::json;
use serde_json::value::to_raw_value;
use wire::engineio::{
    ContentKind, Data, Frame, Kind, Packet, Revision, decode_binary_payload, decode_payload, encode_payload, noop,
    pong, undo_double_utf8,
};
use wire::socketio::{self, Arg, Args, Decoder, Encoded, Limits, Version};

/// Text outside the basic plane, binary whose base64 has a slash, data on a control packet, a bare control packet.
fn packets() -> [Packet<'static>; 4] {
    [
        Packet { kind: Kind::Message, data: Data::Text("€uro 😀".into()) },
        Packet { kind: Kind::Message, data: Data::Binary([1, 2, 255].as_slice().into()) },
        Packet { kind: Kind::Pong, data: Data::Text("probe".into()) },
        Packet { kind: Kind::Noop, data: Data::Text("".into()) },
    ]
}

/// The same, to be sent.
fn frames() -> [Frame; 4] {
    [Frame::message("€uro 😀"), Frame::binary(&[1, 2, 255]), pong("probe"), noop()]
}

const V4_TEXT: &str = "4€uro 😀\u{1e}bAQL/\u{1e}3probe\u{1e}6";
const V3_TEXT: &str = "8:4€uro 😀6:b4AQL/6:3probe1:6";
const V3_TEXT_1X: &str = "12:4\u{e2}\u{82}\u{ac}uro \u{f0}\u{9f}\u{98}\u{80}6:b4AQL/6:3probe1:6";
const V3_OCTETS: &[u8] =
    b"\x00\x01\x02\xff4\xe2\x82\xacuro \xf0\x9f\x98\x80\x01\x04\xff\x04\x01\x02\xff\x00\x06\xff3probe\x00\x01\xff6";

#[test]
fn payloads_are_read_as_the_reference_writes_them() {
    let read = |rev, body| decode_payload(rev, body, 4).map(Result::unwrap).collect::<Vec<_>>();
    assert_eq!(read(Revision::V4, V4_TEXT), packets());
    assert_eq!(read(Revision::V3, V3_TEXT), packets());
    let octets: Vec<_> = decode_binary_payload(V3_OCTETS, 4).map(Result::unwrap).collect();
    assert_eq!(octets, packets());
}

#[test]
fn payloads_are_written_as_the_reference_writes_them() {
    let written = |rev, base64_only| encode_payload(rev, &frames(), base64_only, false);
    assert_eq!(written(Revision::V4, false), (ContentKind::Text, V4_TEXT.into()));
    assert_eq!(written(Revision::V3, true), (ContentKind::Text, V3_TEXT.into()));
    assert_eq!(written(Revision::V3, false), (ContentKind::Octets, V3_OCTETS.into()));
}

#[test]
fn a_1x_payload_means_the_same_when_decoded_again() {
    let received: Vec<_> = decode_payload(Revision::V3, V3_TEXT_1X, 4).map(Result::unwrap).collect();
    let Data::Text(twice) = &received[0].data else { panic!("{received:?}") };
    assert_eq!(undo_double_utf8(twice).unwrap(), "€uro 😀");
    assert_eq!(received[1..], packets()[1..]);
}

#[test]
fn binary_frames_are_written_as_the_reference_writes_them() {
    let frame = Frame::binary(&[1, 2, 255]);
    assert_eq!(frame.websocket(Revision::V4)[2..], [1, 2, 255]);
    assert_eq!(frame.websocket(Revision::V3)[2..], [4, 1, 2, 255]);
    assert_eq!(frame.websocket_base64(Revision::V4)[2..], *b"bAQL/");
    assert_eq!(frame.websocket_base64(Revision::V3)[2..], *b"b4AQL/");
}

/// The messages of a packet: text without the Engine.IO type digit, and attachments.
fn messages(encoded: &Encoded) -> (String, Vec<Vec<u8>>) {
    let [text, attachments @ ..] = encoded.frames() else { panic!("{encoded:?}") };
    let text = std::str::from_utf8(text.payload()).unwrap().strip_prefix('4').unwrap().to_owned();
    (text, attachments.iter().map(|frame| frame.payload().to_vec()).collect())
}

#[test]
fn packets_are_written_as_the_reference_writes_them() {
    let data = to_raw_value(&json!({ "code": 1 })).unwrap();
    let event = |namespace, id, name, args| socketio::event(namespace, id, name, &args).unwrap();
    let vectors = [
        (r#"0{"sid":"abc"}"#, socketio::connect(Version::V5, "/", "abc")),
        (r#"0/admin,{"sid":"abc"}"#, socketio::connect(Version::V5, "/admin", "abc")),
        ("0", socketio::connect(Version::V4, "/", "abc")),
        ("0/admin,", socketio::connect(Version::V4, "/admin", "abc")),
        ("1", socketio::disconnect("/")),
        ("1/admin,", socketio::disconnect("/admin")),
        (r#"2["hi"]"#, event("/", None, "hi", json!([]))),
        (r#"2["hi","é😀",1.5,null,{"a":[true]}]"#, event("/", None, "hi", json!(["é😀", 1.5, null, { "a": [true] }]))),
        (r#"2/admin,456["project:delete",123]"#, event("/admin", Some(456), "project:delete", json!([123]))),
        (r#"20["a"]"#, event("/", Some(0), "a", json!([]))),
        (r#"2["q\"\\\n"]"#, event("/", None, "q\"\\\n", json!([]))),
        ("3/admin,456[]", socketio::ack("/admin", 456, &()).unwrap()),
        (r#"30["ok",1]"#, socketio::ack("/", 0, &("ok", 1)).unwrap()),
        (
            r#"4/admin,{"message":"Not authorized","data":{"code":1}}"#,
            socketio::connect_error(Version::V5, "/admin", "Not authorized", Some(&data)),
        ),
        (r#"4{"message":"Not authorized"}"#, socketio::connect_error(Version::V5, "/", "Not authorized", None)),
        (r#"4/admin,"not authorized""#, socketio::connect_error(Version::V4, "/admin", "not authorized", None)),
    ];
    for (expected, encoded) in vectors {
        assert_eq!(messages(&encoded), (expected.to_owned(), vec![]));
    }
}

#[test]
fn binary_packets_are_written_as_the_reference_writes_them() {
    let bytes = |bytes: &'static [u8]| Arg::Binary(Bytes::from_static(bytes));
    let hello = Args::from_parts(&[bytes(&[1, 2, 3])]);
    let expected = r#"51-["hello",{"_placeholder":true,"num":0}]"#;
    assert_eq!(messages(&socketio::event_raw("/", None, "hello", &hello)), (expected.to_owned(), vec![vec![1, 2, 3]]));
    let answer = Args::from_parts(&[bytes(&[3, 2, 1])]);
    let expected = r#"61-/admin,456[{"_placeholder":true,"num":0}]"#;
    assert_eq!(messages(&socketio::ack_raw("/admin", 456, &answer)), (expected.to_owned(), vec![vec![3, 2, 1]]));
}

/// A client's packet as one line: what the server makes of its messages.
fn read(version: Version, text: &str, attachments: &[&'static [u8]]) -> String {
    let mut decoder = Decoder::new(version, Limits::default());
    let mut packet = decoder.text(text).unwrap();
    for attachment in attachments {
        assert!(packet.is_none(), "complete too early");
        packet = decoder.binary(Bytes::from_static(attachment)).unwrap();
    }
    match packet.expect("complete") {
        socketio::Packet::Connect { namespace, query, auth } => {
            format!("connect {namespace} {query:?} {:?}", auth.as_ref().map(|auth| auth.get()))
        }
        socketio::Packet::Disconnect { namespace } => format!("disconnect {namespace}"),
        socketio::Packet::Event { namespace, id, name, args } => {
            format!("event {namespace} {id:?} {name} [{}] {:?}", args.json(), args.attachments())
        }
        socketio::Packet::Ack { namespace, id, args } => {
            format!("ack {namespace} {id} [{}] {:?}", args.json(), args.attachments())
        }
    }
}

#[test]
fn packets_of_protocol_5_are_read_as_the_reference_writes_them() {
    let vectors: [(&str, &[&[u8]], &str); 9] = [
        ("0", &[], "connect / None None"),
        ("0/admin,", &[], "connect /admin None None"),
        (r#"0{"token":"x"}"#, &[], r#"connect / None Some("{\"token\":\"x\"}")"#),
        ("1/admin,", &[], "disconnect /admin"),
        (r#"2["q\"\\\n","\ud83d"]"#, &[], "event / None q\"\\\n [\"\\ud83d\"] []"),
        (r#"2/admin,456["project:delete",123]"#, &[], "event /admin Some(456) project:delete [123] []"),
        ("3/admin,456[]", &[], "ack /admin 456 [] []"),
        (
            r#"53-/admin,7["f",{"a":[{"_placeholder":true,"num":0},2,{"_placeholder":true,"num":1}]},{"_placeholder":true,"num":2}]"#,
            &[b"1", b"23", b""],
            r#"event /admin Some(7) f [{"a":[{"_placeholder":true,"num":0},2,{"_placeholder":true,"num":1}]},{"_placeholder":true,"num":2}] [b"1", b"23", b""]"#,
        ),
        (
            r#"61-/admin,456[{"_placeholder":true,"num":0}]"#,
            &[b"321"],
            r#"ack /admin 456 [{"_placeholder":true,"num":0}] [b"321"]"#,
        ),
    ];
    for (text, attachments, expected) in vectors {
        assert_eq!(read(Version::V5, text, attachments), expected);
    }
}

#[test]
fn packets_of_protocol_4_are_read_as_both_of_its_parsers_write_them() {
    // The parser of 2.x clients puts a comma after each namespace, that of 1.x only before something.
    let vectors = [
        ("0/admin,", "0/admin", "connect /admin None None"),
        ("0/admin?token=x&b=%2C,", "0/admin?token=x&b=%2C", r#"connect /admin Some("token=x&b=%2C") None"#),
        ("1/admin,", "1/admin", "disconnect /admin"),
        (r#"2/admin,3["a",1]"#, r#"2/admin,3["a",1]"#, "event /admin Some(3) a [1] []"),
    ];
    for (newer, older, expected) in vectors {
        assert_eq!(read(Version::V4, newer, &[]), expected);
        assert_eq!(read(Version::V4, older, &[]), expected);
    }
    let text = r#"61-/x,0[{"_placeholder":true,"num":0}]"#;
    assert_eq!(read(Version::V4, text, &[b"1"]), r#"ack /x 0 [{"_placeholder":true,"num":0}] [b"1"]"#);
}
