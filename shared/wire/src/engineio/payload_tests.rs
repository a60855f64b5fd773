//! Polling bodies: what is accepted, what is refused, and how much of it.

use super::*;

fn decode(rev: Revision, body: &str, max: usize) -> Vec<Result<Packet<'_>, Error>> {
    decode_payload(rev, body, max).collect()
}

fn shown(results: &[Result<Packet<'_>, Error>]) -> Vec<String> {
    let show = |result: &Result<Packet<'_>, Error>| match result {
        Ok(Packet { kind, data: Data::Text(text) }) => format!("{kind:?} {text}"),
        Ok(Packet { kind, data: Data::Binary(bytes) }) => format!("{kind:?} {bytes:?}"),
        Err(error) => format!("{error:?}"),
    };
    results.iter().map(show).collect()
}

#[test]
fn revision_4_separates_packets() {
    let packets = decode(Revision::V4, "4a\u{1e}bAQL/\u{1e}2probe\u{1e}1", 9);
    assert_eq!(shown(&packets), ["Message a", "Message [1, 2, 255]", "Ping probe", "Close "]);
}

#[test]
fn revision_4_refuses_empty_packets_wherever_they_are() {
    assert_eq!(shown(&decode(Revision::V4, "", 9)), ["Empty"]);
    assert_eq!(shown(&decode(Revision::V4, "4a\u{1e}", 9)), ["Message a", "Empty"]);
    assert_eq!(shown(&decode(Revision::V4, "\u{1e}4a", 9)), ["Empty"]);
    assert_eq!(shown(&decode(Revision::V4, "4a\u{1e}\u{1e}4b", 9)), ["Message a", "Empty"]);
}

#[test]
fn revision_3_counts_utf16_units() {
    // é is one unit in two bytes, 😀 two units in four.
    let packets = decode(Revision::V3, "2:4é3:4😀1:15:4€x😀", 9);
    assert_eq!(shown(&packets), ["Message é", "Message 😀", "Close ", "Message €x😀"]);
}

#[test]
fn revision_3_takes_base64_and_skips_empty_packets() {
    assert_eq!(shown(&decode(Revision::V3, "0:6:b4AQL/0:1:2", 9)), ["Message [1, 2, 255]", "Ping "]);
    assert!(decode(Revision::V3, "0:", 9).is_empty());
}

#[test]
fn revision_3_refuses_lengths_that_do_not_add_up() {
    for body in ["4a", ":4a", "a:4a", "3:4a", "-1:4", "+1:4", " 1:4", "1.0:4", "99999999999999999999:4", "2😀:4a"] {
        assert_eq!(shown(&decode(Revision::V3, body, 9)), ["Payload"], "{body:?}");
    }
    assert_eq!(shown(&decode(Revision::V3, "", 9)), ["Empty"]);
    assert_eq!(shown(&decode(Revision::V3, "2:4a1", 9)), ["Message a", "Payload"]);
    // Two units reach into the middle of the pair.
    assert_eq!(shown(&decode(Revision::V3, "2:4😀", 9)), ["Payload"]);
}

#[test]
fn the_first_error_ends_a_body() {
    assert_eq!(shown(&decode(Revision::V4, "4a\u{1e}9\u{1e}4b", 9)), ["Message a", "UnknownType"]);
    assert_eq!(shown(&decode(Revision::V3, "2:4a1:92:4b", 9)), ["Message a", "UnknownType"]);
    let octets = [b"\x00\x02\xff4a".as_slice(), b"\x00\x01\xff9", b"\x00\x02\xff4b"].concat();
    let packets: Vec<_> = decode_binary_payload(&octets, 9).collect();
    assert_eq!(shown(&packets), ["Message a", "UnknownType"]);
}

#[test]
fn packets_are_counted_exactly() {
    assert_eq!(shown(&decode(Revision::V4, "4\u{1e}4", 2)), ["Message ", "Message "]);
    assert_eq!(shown(&decode(Revision::V4, "4\u{1e}4\u{1e}4", 2)), ["Message ", "Message ", "TooManyPackets"]);
    assert_eq!(shown(&decode(Revision::V3, "1:41:4", 2)), ["Message ", "Message "]);
    assert_eq!(shown(&decode(Revision::V3, "1:41:41:4", 2)), ["Message ", "Message ", "TooManyPackets"]);
    let octets = b"\x00\x01\xff4".repeat(3);
    let packets: Vec<_> = decode_binary_payload(&octets[..8], 2).collect();
    assert_eq!(shown(&packets), ["Message ", "Message "]);
    let packets: Vec<_> = decode_binary_payload(&octets, 2).collect();
    assert_eq!(shown(&packets), ["Message ", "Message ", "TooManyPackets"]);
}

#[test]
fn octets_count_utf8_bytes_and_carry_binary() {
    let body = [b"\x00\x05\xff4".as_slice(), "é€".as_bytes(), b"\x01\x01\x00\xff\x04123456789"].concat();
    // é and € take five bytes, and the digit one more.
    assert_eq!(shown(&decode_binary_payload(&body, 9).collect::<Vec<_>>()), ["Utf8"]);
    let body = [b"\x00\x06\xff4".as_slice(), "é€".as_bytes(), b"\x01\x01\x00\xff\x04123456789"].concat();
    let packets: Vec<_> = decode_binary_payload(&body, 9).collect();
    assert_eq!(shown(&packets), ["Message é€", "Message [49, 50, 51, 52, 53, 54, 55, 56, 57]"]);
}

#[test]
fn octets_may_hold_base64_text() {
    let packets: Vec<_> = decode_binary_payload(b"\x00\x06\xffb4AQL/", 9).collect();
    assert_eq!(shown(&packets), ["Message [1, 2, 255]"]);
}

#[test]
fn lone_surrogates_in_octets_become_replacement_characters() {
    let packets: Vec<_> = decode_binary_payload(b"\x00\x06\xff4x\xed\xa0\xbdy", 9).collect();
    assert_eq!(shown(&packets), ["Message x\u{fffd}y"]);
}

#[test]
fn octets_that_do_not_add_up_are_refused() {
    let bodies: [&[u8]; 10] = [
        b"\x00",
        b"\x00\xff",
        b"\x00\x01",
        b"\x00\x01\xff",
        b"\x00\x03\xff4a",
        b"\x02\x02\xff4a",
        b"\x00\x0a\xff4a",
        b"\x00\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\xff4",
        b"\x00\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\x09\xff4",
        b"40[1]",
    ];
    for body in bodies {
        assert_eq!(shown(&decode_binary_payload(body, 9).collect::<Vec<_>>()), ["Payload"], "{body:?}");
    }
    assert_eq!(shown(&decode_binary_payload(b"", 9).collect::<Vec<_>>()), ["Empty"]);
    assert_eq!(shown(&decode_binary_payload(b"\x00\x00\xff", 9).collect::<Vec<_>>()), ["Empty"]);
    assert_eq!(shown(&decode_binary_payload(b"\x00\x02\xff4\xff", 9).collect::<Vec<_>>()), ["Utf8"]);
    // An overlong encoding of a surrogate is no surrogate.
    assert_eq!(shown(&decode_binary_payload(b"\x00\x04\xff4\xed\xa0x", 9).collect::<Vec<_>>()), ["Utf8"]);
}

#[test]
fn one_binary_frame_turns_a_body_of_revision_3_into_octets() {
    let frames = [Frame::message("é"), Frame::binary(&[1]), noop()];
    let (kind, body) = encode_payload(Revision::V3, &frames, false, true);
    assert_eq!(kind, ContentKind::Octets);
    assert_eq!(body, [b"\x00\x03\xff4".as_slice(), "é".as_bytes(), b"\x01\x02\xff\x04\x01\x00\x01\xff6"].concat());

    let (kind, body) = encode_payload(Revision::V3, &frames, true, false);
    assert_eq!((kind, body), (ContentKind::Text, "2:4é6:b4AQ==1:6".into()));
    let (kind, body) = encode_payload(Revision::V3, &frames[..1], false, false);
    assert_eq!((kind, body), (ContentKind::Text, "2:4é".into()));
}

#[test]
fn revision_4_is_text_always() {
    let frames = [Frame::message("é"), Frame::binary(&[1]), noop()];
    let (kind, body) = encode_payload(Revision::V4, &frames, false, false);
    assert_eq!((kind, body), (ContentKind::Text, "4é\u{1e}bAQ==\u{1e}6".into()));
}

#[test]
fn nothing_to_send_is_an_empty_packet_in_revision_3() {
    assert_eq!(encode_payload(Revision::V3, &[], false, false), (ContentKind::Text, "0:".into()));
}

#[test]
fn ascii_json_reads_the_same_after_one_and_after_two_decodings() {
    let frames = [Frame::message(r#"2["é😀","x"]"#)];
    let (_, body) = encode_payload(Revision::V3, &frames, true, true);
    assert_eq!(String::from_utf8(body).unwrap(), r#"28:42["\u00e9\ud83d\ude00","x"]"#);
}

#[test]
fn ascii_json_leaves_a_namespace_alone() {
    let frames = [Frame::message(r#"2/聊天,["你"]"#), Frame::message("1/聊天,")];
    let (_, body) = encode_payload(Revision::V3, &frames, true, true);
    assert_eq!(String::from_utf8(body).unwrap(), r#"16:42/聊天,["\u4f60"]6:41/聊天,"#);
}

#[test]
fn text_of_a_1x_client_is_decoded_again() {
    for meant in ["é", "你好", "😀", "2[\"€uro 😀\"]"] {
        let twice: String = meant.bytes().map(char::from).collect();
        assert_eq!(undo_double_utf8(&twice).as_deref(), Some(meant));
    }
}

#[test]
fn text_that_was_encoded_once_stays() {
    // ASCII; a character above U+00FF; Latin-1 that is no UTF-8; UTF-8 that ends too early.
    for text in ["", "plain", "你好", "Ã©你", "café", "ÿ", "Ã", "ð\u{9f}\u{98}"] {
        assert_eq!(undo_double_utf8(text), None, "{text:?}");
    }
}

#[test]
fn a_lone_surrogate_of_a_1x_client_becomes_a_replacement_character() {
    assert_eq!(undo_double_utf8("x\u{ed}\u{a0}\u{bd}y").as_deref(), Some("x\u{fffd}y"));
}

#[test]
fn the_length_of_a_1x_packet_counts_its_characters_as_received() {
    let body = "12:4\u{e2}\u{82}\u{ac}uro \u{f0}\u{9f}\u{98}\u{80}";
    let packets = decode(Revision::V3, body, 9);
    let Ok(Packet { data: Data::Text(text), .. }) = &packets[0] else { panic!("{packets:?}") };
    assert_eq!(undo_double_utf8(text).as_deref(), Some("€uro 😀"));
}
