//! Packets from clients: every form, every refusal.

use bytes::Bytes;

use super::*;

fn decoder() -> Decoder {
    Decoder::new(Version::V5, Limits::default())
}

fn decode(text: &str) -> Result<Packet, Error> {
    decoder().text(text).map(|packet| packet.expect("no attachments announced"))
}

fn decode_v4(text: &str) -> Result<Packet, Error> {
    Decoder::new(Version::V4, Limits::default()).text(text).map(|packet| packet.expect("no attachments announced"))
}

fn event(packet: Result<Packet, Error>) -> (String, Option<u64>, String, String) {
    match packet.unwrap() {
        Packet::Event { namespace, id, name, args } => {
            (namespace.to_string(), id, name.to_string(), args.json().to_owned())
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_event_has_a_namespace_an_id_a_name_and_arguments() {
    let expect = |text: &str, namespace: &str, id, name: &str, args: &str| {
        assert_eq!(event(decode(text)), (namespace.into(), id, name.into(), args.into()), "{text}");
    };
    expect(r#"2["hi"]"#, "/", None, "hi", "");
    expect(r#"2["hi",1,"é😀"]"#, "/", None, "hi", r#"1,"é😀""#);
    expect(r#"2/,["hi"]"#, "/", None, "hi", "");
    expect(r#"2/admin,["hi",[]]"#, "/admin", None, "hi", "[]");
    expect(r#"2/admin/deep?x=1,12["hi"]"#, "/admin/deep?x=1", Some(12), "hi", "");
    expect(r#"20["zero"]"#, "/", Some(0), "zero", "");
    expect(r#"218446744073709551615["most"]"#, "/", Some(u64::MAX), "most", "");
    expect(r#"2/聊天,["你好",{"a":"1,2"}]"#, "/聊天", None, "你好", r#"{"a":"1,2"}"#);
}

#[test]
fn an_event_name_is_what_its_json_means() {
    assert_eq!(event(decode(r#"2["a\u0062\n\"c"]"#)).2, "ab\n\"c");
    assert_eq!(event(decode(r#"2["a\ud83d"]"#)).2, "a\u{fffd}");
    assert_eq!(event(decode(r#"2[""]"#)).2, "");
    assert_eq!(event(decode("2[-7,1]")).2, "-7");
}

#[test]
fn an_event_takes_one_allocation_for_name_and_arguments() {
    let Packet::Event { name, args, .. } = decode(r#"2["name","argument"]"#).unwrap() else { panic!() };
    // Both point into the same text: `name","argument"`.
    assert_eq!(name.as_ptr().wrapping_add(6), args.json().as_ptr());
}

#[test]
fn an_idle_decoder_is_tiny() {
    assert!(size_of::<Decoder>() <= 24, "{}", size_of::<Decoder>());
}

#[test]
fn an_acknowledgement_has_an_id_and_a_list() {
    let Packet::Ack { namespace, id, args } = decode(r#"3/admin,456["ok",{"a":1}]"#).unwrap() else { panic!() };
    assert_eq!((&*namespace, id, args.json(), args.len()), ("/admin", 456, r#""ok",{"a":1}"#, 2));
    let Packet::Ack { id, args, .. } = decode("30[]").unwrap() else { panic!() };
    assert!(id == 0 && args.is_empty());
}

#[test]
fn protocol_5_connects_with_an_auth_object() {
    let connect = |text: &str| match decode(text).unwrap() {
        Packet::Connect { namespace, query: None, auth } => (namespace.to_string(), auth.map(|auth| auth.to_string())),
        other => panic!("{other:?}"),
    };
    assert_eq!(connect("0"), ("/".into(), None));
    assert_eq!(connect("0/admin,"), ("/admin".into(), None));
    assert_eq!(connect("0/admin"), ("/admin".into(), None));
    assert_eq!(connect(r#"0{"token":"1,2"}"#), ("/".into(), Some(r#"{"token":"1,2"}"#.into())));
    assert_eq!(connect(r#"0/admin,{"t":"\ud83d"}"#), ("/admin".into(), Some(r#"{"t":"\ud83d"}"#.into())));
    assert_eq!(connect("0/a?b=c,"), ("/a?b=c".into(), None));
}

#[test]
fn protocol_4_connects_with_a_query() {
    let connect = |text: &str| match decode_v4(text).unwrap() {
        Packet::Connect { namespace, query, auth: None } => (namespace.to_string(), query),
        other => panic!("{other:?}"),
    };
    assert_eq!(connect("0"), ("/".into(), None));
    assert_eq!(connect("0/custom"), ("/custom".into(), None));
    assert_eq!(connect("0/custom?token=x,"), ("/custom".into(), Some("token=x".into())));
    assert_eq!(connect("0/custom?token=x&b=%2C"), ("/custom".into(), Some("token=x&b=%2C".into())));
    assert_eq!(connect("0/?token=x,"), ("/".into(), Some("token=x".into())));
    assert_eq!(connect("0/custom?,"), ("/custom".into(), Some(String::new())));
    assert_eq!(connect(r#"0/custom,{"a":1}"#), ("/custom".into(), None));
    assert_eq!(event(decode_v4(r#"2/custom?token=x,["a"]"#)).0, "/custom");
}

#[test]
fn a_connect_with_anything_but_an_object_is_refused() {
    for text in ["0[]", "0\"x\"", "0null", "0true", "05", "0 {}", "0/a,1{}"] {
        assert!(matches!(decode(text), Err(Error::Body)), "{text}");
    }
    for text in ["0{", "0{}x", "0{a:1}"] {
        assert!(matches!(decode(text), Err(Error::Json)), "{text}");
    }
    assert!(matches!(decode(&format!("0{}", "{\"a\":".repeat(200_000))), Err(Error::Json)));
}

#[test]
fn a_disconnect_carries_nothing() {
    assert!(matches!(decode("1").unwrap(), Packet::Disconnect { namespace } if namespace.is_main()));
    assert!(matches!(decode("1/admin,").unwrap(), Packet::Disconnect { namespace } if *namespace == *"/admin"));
    for text in ["1{}", "1 ", "1/admin,[]", "13", "1/admin,3"] {
        assert!(matches!(decode(text), Err(Error::Body)), "{text}");
    }
}

#[test]
fn what_is_no_packet_is_refused() {
    assert!(matches!(decode(""), Err(Error::Empty)));
    for text in ["7", "9", "a", " 2[\"a\"]", "/", "😀", "abc"] {
        assert!(matches!(decode(text), Err(Error::UnknownType)), "{text}");
    }
    assert!(matches!(decode(r#"4{"message":"x"}"#), Err(Error::ServerOnly)));
}

#[test]
fn an_event_is_a_list_that_starts_with_its_name() {
    for text in
        ["2", "2{}", "2null", "2[]", "2[null,1]", "2[{}]", "2[[]]", "2[true]", "2abc[\"a\"]", "21", "2/a", "2-1[\"a\"]"]
    {
        assert!(matches!(decode(text), Err(Error::Body)), "{text}");
    }
    for text in ["2[\"a\"", "2[\"a\"]]", "2[a]", "2[\"a\",]", "2[\"\u{1}\"]"] {
        assert!(matches!(decode(text), Err(Error::Json)), "{text}");
    }
}

#[test]
fn the_connections_own_names_are_reserved() {
    for name in ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"] {
        assert!(matches!(decode(&format!("2[\"{name}\"]")), Err(Error::ReservedEvent)), "{name}");
        assert!(matches!(decode_v4(&format!("2[\"{name}\"]")), Err(Error::ReservedEvent)), "{name}");
    }
    assert!(matches!(decode(r#"2["\u0063onnect"]"#), Err(Error::ReservedEvent)));
    assert_eq!(event(decode(r#"2["error"]"#)).2, "error");
    assert_eq!(event(decode(r#"2["Connect","connect"]"#)).2, "Connect");
}

#[test]
fn an_acknowledgement_without_an_id_or_a_list_is_refused() {
    assert!(matches!(decode("3[]"), Err(Error::AckId)));
    for text in ["31", "31{}", "31null", "31\"x\"", "3x[]"] {
        assert!(matches!(decode(text), Err(Error::Body | Error::AckId)), "{text}");
    }
    assert!(matches!(decode(r#"218446744073709551616["a"]"#), Err(Error::AckId)));
    assert!(matches!(decode("399999999999999999999999[]"), Err(Error::AckId)));
}

#[test]
fn nesting_has_a_limit_and_does_not_overflow_the_stack() {
    let nested = |depth: usize| format!("2[\"a\",{}{}]", "[".repeat(depth), "]".repeat(depth));
    assert!(decode(&nested(1000)).is_ok());
    assert!(matches!(decode(&nested(1001)), Err(Error::TooDeep)));
    assert!(matches!(decode(&nested(500_000)), Err(Error::TooDeep)));
}

#[test]
fn a_binary_packet_is_complete_with_its_last_attachment() {
    let mut decoder = decoder();
    let text = r#"52-/admin,7["f",{"a":{"_placeholder":true,"num":1}},{"_placeholder":true,"num":0}]"#;
    assert!(decoder.text(text).unwrap().is_none());
    assert!(decoder.binary(Bytes::from_static(b"one")).unwrap().is_none());
    let Some(Packet::Event { namespace, id, name, args }) = decoder.binary(Bytes::from_static(b"")).unwrap() else {
        panic!("not complete");
    };
    assert_eq!((&*namespace, id, &*name, args.len()), ("/admin", Some(7), "f", 2));
    assert_eq!(args.attachments(), ["one", ""]);
    assert_eq!(args.attachment(1).unwrap(), "one");

    assert!(decoder.text(r#"61-0[{"_placeholder":true,"num":0}]"#).unwrap().is_none());
    let Some(Packet::Ack { id: 0, args, .. }) = decoder.binary(Bytes::from_static(b"x")).unwrap() else {
        panic!("not complete");
    };
    assert_eq!(args.attachment(0).unwrap(), "x");
    assert!(matches!(decoder.text(r#"2["next"]"#), Ok(Some(_))));
}

#[test]
fn attachments_arrive_when_they_are_owed_and_only_then() {
    let owing = || {
        let mut decoder = decoder();
        decoder.text(r#"51-["f",{"_placeholder":true,"num":0}]"#).unwrap();
        decoder
    };
    assert!(matches!(decoder().binary(Bytes::new()), Err(Error::UnexpectedAttachment)));
    assert!(matches!(owing().text(r#"2["a"]"#), Err(Error::AttachmentsOwed)));
    assert!(matches!(owing().text(""), Err(Error::AttachmentsOwed)));
    let mut decoder = owing();
    assert!(decoder.binary(Bytes::new()).unwrap().is_some());
    assert!(matches!(decoder.binary(Bytes::new()), Err(Error::UnexpectedAttachment)));
}

#[test]
fn attachment_counts_are_numbers_within_the_limit() {
    for text in [
        "5[\"a\"]",
        "5-[\"a\"]",
        "5",
        "50-[\"a\"]",
        "5+1-[\"a\"]",
        "51.0-[\"a\"]",
        "51[\"a\"]",
        "5 1-[\"a\"]",
        "51",
        "6-1-0[]",
    ] {
        assert!(matches!(decode(text), Err(Error::AttachmentCount)), "{text}");
    }
    for text in ["511-[\"a\"]", "599999999999999999999999-[\"a\"]", "611-0[]"] {
        assert!(matches!(decode(text), Err(Error::TooManyAttachments)), "{text}");
    }
    let ten: Vec<_> = (0..10).map(|num| format!(r#"{{"_placeholder":true,"num":{num}}}"#)).collect();
    assert!(matches!(decoder().text(&format!("510-[\"a\",{}]", ten.join(","))), Ok(None)));
}

#[test]
fn placeholders_are_checked_before_attachments_are_waited_for() {
    for text in [
        r#"51-["a"]"#,
        r#"51-["a",{"_placeholder":true,"num":1}]"#,
        r#"52-["a",{"_placeholder":true,"num":0}]"#,
        r#"52-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]"#,
        r#"61-0[]"#,
    ] {
        assert!(matches!(decode(text), Err(Error::Placeholder)), "{text}");
    }
}

#[test]
fn what_looks_like_a_placeholder_in_a_text_event_is_data() {
    let text = r#"2["a",{"_placeholder":true,"num":9}]"#;
    let Packet::Event { args, .. } = decode(text).unwrap() else { panic!() };
    assert_eq!((args.json(), args.attachment(0)), (r#"{"_placeholder":true,"num":9}"#, None));
}

#[test]
fn attachments_are_limited_in_bytes_together() {
    let limits = Limits { max_attachments: 2, max_attachment_bytes: 10 };
    let text = r#"52-["a",{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"#;
    let mut decoder = Decoder::new(Version::V5, limits);
    decoder.text(text).unwrap();
    decoder.binary(Bytes::from_static(&[0; 6])).unwrap();
    assert!(decoder.binary(Bytes::from_static(&[0; 4])).unwrap().is_some());
    decoder.text(text).unwrap();
    decoder.binary(Bytes::from_static(&[0; 6])).unwrap();
    assert!(matches!(decoder.binary(Bytes::from_static(&[0; 5])), Err(Error::AttachmentsTooLarge)));
    // What had come is dropped with the error.
    assert!(matches!(decoder.binary(Bytes::new()), Err(Error::UnexpectedAttachment)));
}

#[test]
fn a_packet_never_shows_tokens_or_arguments_when_printed() {
    let shown = [
        format!("{:?}", decode(r#"0/a,{"token":"geheim"}"#).unwrap()),
        format!("{:?}", decode_v4("0/a?token=geheim,").unwrap()),
        format!("{:?}", decode(r#"2/a,1["say","geheim"]"#).unwrap()),
        format!("{:?}", decode(r#"3/a,1["geheim"]"#).unwrap()),
    ];
    for shown in shown {
        assert!(shown.contains("/a") && !shown.contains("geheim"), "{shown}");
    }
}
