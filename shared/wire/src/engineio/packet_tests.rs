//! Single packets, as WebSocket frames carry them.

use super::*;

fn text(kind: Kind, data: &str) -> Packet<'_> {
    Packet { kind, data: Data::Text(data.into()) }
}

fn binary(data: &[u8]) -> Packet<'_> {
    Packet { kind: Kind::Message, data: Data::Binary(data.into()) }
}

#[test]
fn every_type_has_its_digit() {
    let kinds = [Kind::Open, Kind::Close, Kind::Ping, Kind::Pong, Kind::Message, Kind::Upgrade, Kind::Noop];
    for (digit, kind) in kinds.into_iter().enumerate() {
        for rev in [Revision::V3, Revision::V4] {
            assert_eq!(decode_text(rev, &format!("{digit}x")).unwrap(), text(kind, "x"));
            assert_eq!(decode_text(rev, &digit.to_string()).unwrap(), text(kind, ""));
        }
        let frame = [digit as u8, 9];
        let packet = decode_binary(Revision::V3, &frame).unwrap();
        assert_eq!(packet, Packet { kind, data: Data::Binary(Cow::Borrowed(&[9])) });
    }
}

#[test]
fn text_is_borrowed_from_the_frame() {
    let frame = String::from("4héllo 😀");
    let Packet { data: Data::Text(Cow::Borrowed(data)), .. } = decode_text(Revision::V4, &frame).unwrap() else {
        panic!("not borrowed text");
    };
    assert_eq!(data.as_ptr(), frame[1..].as_ptr());
}

#[test]
fn a_frame_without_a_known_type_is_refused() {
    for rev in [Revision::V3, Revision::V4] {
        assert!(matches!(decode_text(rev, ""), Err(Error::Empty)));
        for frame in ["7", "/", ":", "a", " 4", "é", "\u{0}", "😀"] {
            assert!(matches!(decode_text(rev, frame), Err(Error::UnknownType)), "{frame:?}");
        }
    }
}

#[test]
fn a_binary_frame_of_revision_4_is_all_data() {
    assert_eq!(decode_binary(Revision::V4, &[4, 1, 2]).unwrap(), binary(&[4, 1, 2]));
    assert_eq!(decode_binary(Revision::V4, &[]).unwrap(), binary(&[]));
}

#[test]
fn a_binary_frame_of_revision_3_starts_with_its_type() {
    assert_eq!(decode_binary(Revision::V3, &[4, 1, 2]).unwrap(), binary(&[1, 2]));
    assert_eq!(decode_binary(Revision::V3, &[4]).unwrap(), binary(&[]));
    assert!(matches!(decode_binary(Revision::V3, &[]), Err(Error::Empty)));
    assert!(matches!(decode_binary(Revision::V3, &[7, 1]), Err(Error::UnknownType)));
    assert!(matches!(decode_binary(Revision::V3, b"4x"), Err(Error::UnknownType)));
}

#[test]
fn base64_follows_b_in_revision_4_and_b4_in_revision_3() {
    assert_eq!(decode_text(Revision::V4, "bAQL/").unwrap(), binary(&[1, 2, 255]));
    assert_eq!(decode_text(Revision::V3, "b4AQL/").unwrap(), binary(&[1, 2, 255]));
    assert_eq!(decode_text(Revision::V4, "b").unwrap(), binary(&[]));
    assert_eq!(decode_text(Revision::V3, "b4").unwrap(), binary(&[]));
    assert!(matches!(decode_text(Revision::V3, "b"), Err(Error::Empty)));
    assert!(matches!(decode_text(Revision::V3, "bAQL/"), Err(Error::UnknownType)));
}

#[test]
fn base64_may_come_without_padding() {
    for encoded in ["bAQ==", "bAQ"] {
        assert_eq!(decode_text(Revision::V4, encoded).unwrap(), binary(&[1]), "{encoded}");
    }
    for encoded in ["bA", "bA Q==", "bAQ==AQ==", "b=", "bé", "b-_-_"] {
        assert!(matches!(decode_text(Revision::V4, encoded), Err(Error::Base64)), "{encoded}");
    }
}

#[test]
fn a_packet_never_shows_its_data_when_printed() {
    let shown = format!("{:?}", decode_text(Revision::V4, "4geheim").unwrap());
    assert!(shown.contains("6 bytes") && !shown.contains("geheim"), "{shown}");
}

#[test]
fn data_is_kept_as_the_same_bytes() {
    assert_eq!(decode_text(Revision::V4, "4né").unwrap().data.into_bytes(), "né".as_bytes());
    assert_eq!(decode_text(Revision::V4, "bAQL/").unwrap().data.into_bytes(), &[1, 2, 255][..]);
    assert_eq!(decode_binary(Revision::V4, &[5]).unwrap().data.as_bytes(), &[5]);
}
