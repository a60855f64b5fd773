//! Packets to clients.

use bytes::Bytes;
use serde_json::json;
use serde_json::value::to_raw_value;

use super::*;

/// The text of a packet that has no attachments.
fn text(encoded: &Encoded) -> &str {
    let [frame] = encoded.frames() else { panic!("{encoded:?}") };
    assert!(!frame.is_binary());
    std::str::from_utf8(frame.payload()).unwrap()
}

#[test]
fn an_event_carries_any_list() {
    assert_eq!(text(&event("/", None, "hi", &()).unwrap()), r#"42["hi"]"#);
    assert_eq!(text(&event("/", None, "hi", &("é", 1)).unwrap()), r#"42["hi","é",1]"#);
    assert_eq!(text(&event("/", None, "hi", &[(); 0]).unwrap()), r#"42["hi"]"#);
    assert_eq!(text(&event("/admin", Some(0), "hi", &vec![1, 2]).unwrap()), r#"42/admin,0["hi",1,2]"#);
    assert_eq!(text(&event("/", Some(12), "q\"\n", &json!([{ "a": null }])).unwrap()), r#"4212["q\"\n",{"a":null}]"#);
}

#[test]
fn an_empty_list_may_be_written_with_blanks() {
    let blank: Box<RawValue> = serde_json::from_str("[ \n]").unwrap();
    assert_eq!(text(&event("/", None, "hi", &blank).unwrap()), r#"42["hi"]"#);
    assert_eq!(text(&ack("/", 1, &blank).unwrap()), "431[]");
}

#[test]
fn what_is_not_a_list_is_refused() {
    assert!(matches!(event("/", None, "hi", "text"), Err(Error::NotAList)));
    assert!(matches!(event("/", None, "hi", &json!({})), Err(Error::NotAList)));
    assert!(matches!(ack("/", 1, &5), Err(Error::NotAList)));
    let unserializable = std::collections::HashMap::from([((1, 2), 3)]);
    assert!(matches!(event("/", None, "hi", &[unserializable]), Err(Error::Convert(_))));
}

#[test]
fn an_acknowledgement_carries_any_list() {
    assert_eq!(text(&ack("/", 0, &("ok",)).unwrap()), r#"430["ok"]"#);
    assert_eq!(text(&ack("/admin", 456, &()).unwrap()), "43/admin,456[]");
    assert_eq!(text(&ack_raw("/", 7, &Args::none())), "437[]");
    assert_eq!(text(&ack_raw("/", 7, &Args::from_json("[1, 2]", Vec::new()).unwrap())), "437[1, 2]");
}

#[test]
fn what_is_relayed_arrives_as_it_was_sent() {
    let sent = r#"2["say","\ud83d", {"a":1.0,"a":1e2}]"#;
    let packet = Decoder::new(Version::V5, Limits::default()).text(sent).unwrap().unwrap();
    let Packet::Event { name, args, .. } = packet else { panic!() };
    let expected = r#"42/b,["say","\ud83d", {"a":1.0,"a":1e2}]"#;
    assert_eq!(text(&event_raw("/b", None, &name, &args)), expected);
    assert_eq!(text(&event_raw_json("/b", None, &name, args.json())), expected);
    assert_eq!(text(&event_raw_json("/", Some(1), "bare", "")), r#"421["bare"]"#);
}

#[test]
fn attachments_follow_their_text() {
    let parts = [Arg::Binary(Bytes::from_static(b"one")), Arg::Binary(Bytes::from_static(b""))];
    let args = Args::from_parts(&parts);
    for (encoded, expected) in [
        (
            event_raw("/a", Some(3), "f", &args),
            r#"452-/a,3["f",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#,
        ),
        (ack_raw("/", 0, &args), r#"462-0[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#),
    ] {
        let [text, one, empty] = encoded.frames() else { panic!("{encoded:?}") };
        assert_eq!(std::str::from_utf8(text.payload()).unwrap(), expected);
        assert!(one.is_binary() && empty.is_binary() && !text.is_binary());
        assert_eq!((one.payload(), empty.payload()), (&b"one"[..], &b""[..]));
        assert_eq!(encoded.bytes(), text.len() + one.len() + empty.len());
    }
}

#[test]
fn a_binary_packet_comes_back_from_the_decoder_as_it_was() {
    let object = to_raw_value("é").unwrap();
    let sent = Args::from_parts(&[Arg::Json(&object), Arg::Binary(Bytes::from_static(&[0, 255]))]);
    let encoded = event_raw("/", None, "f", &sent);
    let mut decoder = Decoder::new(Version::V5, Limits::default());
    let payload = std::str::from_utf8(encoded.frames()[0].payload()).unwrap();
    assert!(decoder.text(&payload[1..]).unwrap().is_none());
    let attachment = Bytes::copy_from_slice(encoded.frames()[1].payload());
    let Some(Packet::Event { args, .. }) = decoder.binary(attachment).unwrap() else { panic!() };
    assert_eq!((args.json(), args.attachments()), (sent.json(), sent.attachments()));
}

#[test]
fn each_protocol_connects_in_its_own_way() {
    assert_eq!(text(&connect(Version::V5, "/", "a\"b")), r#"40{"sid":"a\"b"}"#);
    assert_eq!(text(&connect(Version::V5, "/admin", "abc")), r#"40/admin,{"sid":"abc"}"#);
    assert_eq!(text(&connect(Version::V4, "/", "abc")), "40");
    assert_eq!(text(&connect(Version::V4, "/admin", "abc")), "40/admin,");
}

#[test]
fn each_protocol_refuses_in_its_own_way() {
    let data = to_raw_value(&json!({ "reason": "bad token" })).unwrap();
    let refuse = |version, data| connect_error(version, "/guarded", "not authorized", data);
    let with_data = r#"44/guarded,{"message":"not authorized","data":{"reason":"bad token"}}"#;
    assert_eq!(text(&refuse(Version::V5, Some(&data))), with_data);
    assert_eq!(text(&refuse(Version::V5, None)), r#"44/guarded,{"message":"not authorized"}"#);
    assert_eq!(text(&refuse(Version::V4, Some(&data))), r#"44/guarded,{"reason":"bad token"}"#);
    assert_eq!(text(&refuse(Version::V4, None)), r#"44/guarded,"not authorized""#);
    assert_eq!(text(&connect_error(Version::V5, "/", "x", None)), r#"44{"message":"x"}"#);
}

#[test]
fn a_disconnect_names_its_namespace() {
    assert_eq!(text(&disconnect("/")), "41");
    assert_eq!(text(&disconnect("/admin")), "41/admin,");
}

#[test]
fn an_encoded_packet_is_small_to_pass_around() {
    assert!(size_of::<Encoded>() <= 40, "{}", size_of::<Encoded>());
    let encoded = disconnect("/");
    assert_eq!(encoded.clone().frames()[0].payload().as_ptr(), encoded.frames()[0].payload().as_ptr());
}
