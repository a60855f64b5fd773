//! The families of cases of the Autobahn test suite that concern what a server reads, by their numbers there.
//! Families 12 and 13 are about compression, which is not negotiated; 9 is about speed.

use super::Error;
use super::testing::*;

fn error_of(frames: &[Vec<u8>]) -> Error {
    hear(&frames.concat()).end.unwrap_err()
}

fn said(frames: &[Vec<u8>]) -> Vec<Said> {
    let heard = hear(&frames.concat());
    assert_eq!(heard.end, Ok(Vec::new()));
    heard.said
}

#[test]
fn case_1_text_and_binary_of_every_form_of_length() {
    for length in [0, 125, 126, 127, 128, 65_535, 65_536] {
        assert_eq!(said(&[frame(FIN | TEXT, &vec![b'*'; length])]), [Said::Text("*".repeat(length))]);
        assert_eq!(said(&[frame(FIN | BINARY, &vec![0xfe; length])]), [Said::Binary(vec![0xfe; length])]);
    }
}

#[test]
fn case_1_1_8_a_message_in_chops_of_997_bytes() {
    let stream = frame(FIN | TEXT, &vec![b'*'; 65_536]);
    assert_eq!(hear_chunks(stream.chunks(997), 65_536).said, [Said::Text("*".repeat(65_536))]);
}

#[test]
fn case_2_pings_and_pongs_up_to_125_bytes() {
    assert_eq!(said(&[frame(FIN | PING, b"")]), [Said::Ping(vec![])]);
    assert_eq!(said(&[frame(FIN | PING, &[0xfe; 125])]), [Said::Ping(vec![0xfe; 125])]);
    assert_eq!(said(&[frame(FIN | PONG, b"unsolicited")]), [Said::Pong(b"unsolicited".to_vec())]);
    assert_eq!(error_of(&[frame(FIN | PING, &[0xfe; 126])]), Error::LongControl);
}

#[test]
fn case_2_6_and_2_11_pings_octet_by_octet() {
    let stream: Vec<u8> = (0..10u8).flat_map(|n| frame(FIN | PING, &[n; 125])).collect();
    let pings: Vec<Said> = (0..10u8).map(|n| Said::Ping(vec![n; 125])).collect();
    assert_eq!(hear_chunks(stream.chunks(1), 10).said, pings);
}

#[test]
fn case_3_reserved_bits() {
    let hello = || frame(FIN | TEXT, b"Hello");
    for bits in 1..8u8 {
        for opcode in [TEXT, BINARY, PING, CLOSE] {
            let heard = hear(&[hello(), frame(FIN | bits << 4 | opcode, b""), hello()].concat());
            assert_eq!(heard.said, [Said::Text("Hello".into())]);
            assert_eq!(heard.end, Err(Error::Reserved));
        }
    }
}

#[test]
fn case_4_opcodes_that_do_not_exist() {
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        assert_eq!(error_of(&[frame(FIN | TEXT, b"Hello"), frame(FIN | opcode, b"")]), Error::Opcode(opcode));
    }
}

#[test]
fn case_5_1_and_5_2_control_frames_in_fragments() {
    assert_eq!(error_of(&[frame(PING, b"a"), frame(FIN | CONTINUATION, b"b")]), Error::FragmentedControl);
    assert_eq!(error_of(&[frame(PONG, b"a"), frame(FIN | CONTINUATION, b"b")]), Error::FragmentedControl);
    assert_eq!(error_of(&[frame(CLOSE, b"")]), Error::FragmentedControl);
}

#[test]
fn case_5_3_to_5_8_fragments_with_pings_between_however_they_are_cut() {
    let stream = [
        frame(TEXT, b"fragment1"),
        frame(FIN | PING, b"ping"),
        frame(CONTINUATION, b""),
        frame(FIN | PONG, b""),
        frame(FIN | CONTINUATION, b"fragment2"),
    ];
    let expected = [Said::Ping(b"ping".to_vec()), Said::Pong(vec![]), Said::Text("fragment1fragment2".into())];
    assert_eq!(said(&stream), expected);
    assert_eq!(hear_chunks(stream.concat().chunks(1), 18).said, expected);
}

#[test]
fn case_5_9_to_5_17_continuations_of_nothing() {
    for first in [FIN | CONTINUATION, CONTINUATION] {
        assert_eq!(error_of(&[frame(first, b"x")]), Error::NothingToContinue);
        assert_eq!(error_of(&[frame(FIN | TEXT, b"x"), frame(first, b"x")]), Error::NothingToContinue);
    }
    let after_fragments = [frame(TEXT, b"a"), frame(FIN | CONTINUATION, b"b"), frame(FIN | CONTINUATION, b"c")];
    assert_eq!(error_of(&after_fragments), Error::NothingToContinue);
}

#[test]
fn case_5_18_a_new_message_before_the_last_one_ended() {
    for first in [TEXT, FIN | TEXT, BINARY, FIN | BINARY] {
        assert_eq!(error_of(&[frame(TEXT, b"a"), frame(first, b"b")]), Error::Unfinished);
    }
}

#[test]
fn case_5_19_and_5_20_two_fragmented_messages_in_a_row() {
    let message = [frame(TEXT, b"a"), frame(FIN | PING, b"p"), frame(FIN | CONTINUATION, b"b")].concat();
    let once = [Said::Ping(b"p".to_vec()), Said::Text("ab".into())];
    assert_eq!(said(&[message.clone(), message]), [once.clone(), once].concat());
}

#[test]
fn case_6_1_and_6_2_text_in_fragments_cut_inside_characters() {
    assert_eq!(said(&[frame(TEXT, b""), frame(FIN | CONTINUATION, b"")]), [Said::Text(String::new())]);
    let text = "Hello-µ@ßöäüàá-群聊-😀-UTF-8!!";
    let (last, before) = text.as_bytes().split_last().unwrap();
    let mut frames = vec![frame(TEXT, &before[..1])];
    frames.extend(before[1..].iter().map(|byte| frame(CONTINUATION, &[*byte])));
    frames.push(frame(FIN | CONTINUATION, &[*last]));
    assert_eq!(said(&frames), [Said::Text(text.into())]);
}

#[test]
fn case_6_3_to_6_21_text_that_is_not_utf_8() {
    let malformed: [&[u8]; 12] = [
        b"\xce\xba\xed\xa0\x80edited",
        b"\xf4\x90\x80\x80",
        b"\xc0\xaf",
        b"\xe0\x80\xaf",
        b"\xf0\x80\x80\xaf",
        b"\xf8\x88\x80\x80\x80",
        b"\xfc\x84\x80\x80\x80\x80",
        b"\xed\xbf\xbf",
        b"\x80",
        b"\xfe",
        b"\xe4\xbd",
        b"cut short \xf0\x9f\x98",
    ];
    for bytes in malformed {
        assert_eq!(error_of(&[frame(FIN | TEXT, bytes)]), Error::Utf8, "{bytes:?}");
        let (head, rest) = bytes.split_at(1);
        let cut = [frame(TEXT, head), frame(CONTINUATION, rest), frame(FIN | CONTINUATION, b"")];
        assert_eq!(error_of(&cut), Error::Utf8, "{bytes:?}");
    }
}

#[test]
fn case_6_4_malformed_text_fails_before_its_last_fragment() {
    let begun = [frame(TEXT, "κόσμε".as_bytes()), frame(CONTINUATION, b"\xf4\x90\x80\x80")];
    assert_eq!(error_of(&begun), Error::Utf8);
    let half_a_character = [frame(TEXT, b"\xf0\x9f"), frame(CONTINUATION, b"x")];
    assert_eq!(error_of(&half_a_character), Error::Utf8);
}

#[test]
fn case_6_22_and_6_23_noncharacters_are_still_text() {
    for text in ["\u{fffe}", "\u{ffff}", "\u{1fffe}", "\u{10ffff}", "\u{fffd}", "\0"] {
        assert_eq!(said(&[frame(FIN | TEXT, text.as_bytes())]), [Said::Text(text.into())]);
    }
}

#[test]
fn case_7_1_nothing_is_read_behind_a_close() {
    let stream = [close(1000, b""), frame(FIN | PING, b"late"), frame(FIN | TEXT, b"late")];
    assert_eq!(said(&stream), [Said::Close(Some((1000, String::new())))]);
    let inside = [frame(TEXT, b"unfinished"), close(1000, b"")];
    assert_eq!(said(&inside), [Said::Close(Some((1000, String::new())))]);
}

#[test]
fn case_7_3_bodies_of_a_close() {
    assert_eq!(said(&[frame(FIN | CLOSE, b"")]), [Said::Close(None)]);
    assert_eq!(error_of(&[frame(FIN | CLOSE, b"a")]), Error::CloseLength);
    let reason = "*".repeat(123);
    assert_eq!(said(&[close(1000, reason.as_bytes())]), [Said::Close(Some((1000, reason)))]);
    assert_eq!(error_of(&[close(1000, &[b'*'; 124])]), Error::LongControl);
}

#[test]
fn case_7_5_a_reason_that_is_not_utf_8() {
    assert_eq!(error_of(&[close(1000, b"\xce\xba\xed\xa0\x80")]), Error::Utf8);
}

#[test]
fn case_7_7_codes_that_may_be_sent() {
    for code in (1000..=1003).chain(1007..=1014).chain([3000, 3999, 4000, 4500, 4999]) {
        assert_eq!(said(&[close(code, b"bye")]), [Said::Close(Some((code, "bye".into())))]);
    }
}

#[test]
fn case_7_9_and_7_13_codes_that_may_not() {
    for code in [0, 1, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535] {
        assert_eq!(error_of(&[close(code, b"")]), Error::CloseCode(code));
    }
}

#[test]
fn case_10_1_a_large_message_in_frames_of_1300_bytes() {
    let text = "*".repeat(65_536);
    let mut frames: Vec<Vec<u8>> = text.as_bytes().chunks(1300).map(|part| frame(CONTINUATION, part)).collect();
    frames[0][0] = TEXT;
    frames.last_mut().unwrap()[0] = FIN;
    assert_eq!(said(&frames), [Said::Text(text)]);
}
