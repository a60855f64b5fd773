//! The decoder by itself: the RFC's examples, incomplete input, limits, memory. Conformance stands in
//! `autobahn_tests`, agreement with another implementation in `tests/websocket.rs`.

use super::super::testing::*;
use super::*;
use proptest::prelude::*;

fn decoder(max_message: usize) -> Decoder {
    Decoder::new(Limits { max_message })
}

#[test]
fn the_masked_hello_of_the_rfc_is_read() {
    let mut bytes = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    let mut decoder = decoder(1024);
    let step = decoder.decode(&mut bytes).unwrap();
    assert_eq!(step, Step::Frame { used: 11, item: Some(Item::Text("Hello")) });
}

#[test]
fn the_masked_pong_of_the_rfc_is_read() {
    let mut bytes = [0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    let mut decoder = decoder(1024);
    let step = decoder.decode(&mut bytes).unwrap();
    assert_eq!(step, Step::Frame { used: 11, item: Some(Item::Pong(b"Hello")) });
}

#[test]
fn the_fragments_of_the_rfc_become_one_text() {
    let stream = [frame(TEXT, b"Hel"), frame(FIN | CONTINUATION, b"lo")].concat();
    assert_eq!(hear(&stream).said, [Said::Text("Hello".into())]);
}

#[test]
fn an_idle_connection_owns_next_to_nothing() {
    assert!(size_of::<Decoder>() <= 16, "{}", size_of::<Decoder>());
}

#[test]
fn memory_of_a_fragmented_message_is_given_back() {
    let mut decoder = decoder(1024);
    decoder.decode(&mut frame(TEXT, b"a")).unwrap();
    assert!(decoder.partial.is_some());
    decoder.decode(&mut frame(FIN | CONTINUATION, b"b")).unwrap();
    assert_eq!(decoder.decode(&mut []), Ok(Step::NeedMore));
    assert!(decoder.partial.is_none());
}

#[test]
fn waiting_changes_nothing_in_the_buffer() {
    let whole = frame(FIN | TEXT, "unmasked once, 只一次".as_bytes());
    let mut decoder = decoder(1024);
    for length in 0..whole.len() {
        let mut bytes = whole[..length].to_vec();
        assert_eq!(decoder.decode(&mut bytes), Ok(Step::NeedMore));
        assert_eq!(bytes, whole[..length]);
    }
    let mut bytes = whole.clone();
    let item = Some(Item::Text("unmasked once, 只一次"));
    assert_eq!(decoder.decode(&mut bytes), Ok(Step::Frame { used: whole.len(), item }));
}

#[test]
fn only_the_first_frame_of_a_buffer_is_touched() {
    let first = frame(FIN | BINARY, b"first");
    let second = frame(FIN | BINARY, b"second");
    let mut bytes = [first.clone(), second.clone()].concat();
    let mut decoder = decoder(1024);
    let step = decoder.decode(&mut bytes).unwrap();
    assert_eq!(step, Step::Frame { used: first.len(), item: Some(Item::Binary(b"first")) });
    assert_eq!(bytes[first.len()..], second);
}

#[test]
fn exactly_the_limit_is_allowed_and_one_more_is_not() {
    for max_message in [0, 1, 125, 126, 1000, 65_535, 65_536] {
        let whole = frame(FIN | BINARY, &vec![7; max_message]);
        let heard = hear_chunks([&whole[..]], max_message);
        assert_eq!(heard.said, [Said::Binary(vec![7; max_message])]);
        let more = frame(FIN | BINARY, &vec![7; max_message + 1]);
        assert_eq!(hear_chunks([&more[..]], max_message).end, Err(Error::TooLarge));
    }
}

#[test]
fn the_limit_counts_all_fragments_together() {
    let halves = [frame(TEXT, &[b'a'; 50]), frame(FIN | PING, b"between"), frame(FIN | CONTINUATION, &[b'b'; 50])];
    let stream = halves.concat();
    assert_eq!(hear_chunks([&stream[..]], 100).said.len(), 2);
    assert_eq!(hear_chunks([&stream[..]], 99).end, Err(Error::TooLarge));
}

#[test]
fn a_control_frame_is_not_held_to_the_limit_of_messages() {
    let heard = hear_chunks([&frame(FIN | PING, b"twelve bytes")[..]], 5);
    assert_eq!(heard.said, [Said::Ping(b"twelve bytes".to_vec())]);
}

#[test]
fn a_frame_too_large_is_refused_from_its_header_alone() {
    let headers: [&[u8]; 3] = [
        &[0x82, 0x80 | 101],
        &[0x82, 0x80 | 126, 0x01, 0x00],
        &[0x82, 0x80 | 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
    ];
    for header in headers {
        assert_eq!(decoder(100).decode(&mut header.to_vec()), Err(Error::TooLarge), "{header:?}");
    }
    let mut begun = decoder(100);
    begun.decode(&mut frame(BINARY, &[0; 60])).unwrap();
    assert_eq!(begun.decode(&mut [0x80, 0x80 | 41]), Err(Error::TooLarge));
}

#[test]
fn a_length_with_its_highest_bit_set_is_refused() {
    let mut bytes = [0x82, 0x80 | 127, 0x80, 0, 0, 0, 0, 0, 0, 0];
    assert_eq!(decoder(usize::MAX).decode(&mut bytes), Err(Error::Length));
}

#[test]
fn the_largest_length_with_the_largest_limit_only_waits() {
    let mut bytes = [0x82, 0x80 | 127, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4, 5];
    assert_eq!(decoder(usize::MAX).decode(&mut bytes), Ok(Step::NeedMore));
}

#[test]
fn lengths_longer_than_needed_are_understood() {
    let stream = [0x81, 0x80 | 127, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0, b'o', b'k'];
    assert_eq!(hear(&stream).said, [Said::Text("ok".into())]);
    let ping = [0x89, 0x80 | 126, 0, 2, 0, 0, 0, 0, b'o', b'k'];
    assert_eq!(hear(&ping).said, [Said::Ping(b"ok".to_vec())]);
}

#[test]
fn a_frame_without_a_mask_is_refused() {
    assert_eq!(hear(b"\x81\x05Hello").end, Err(Error::Unmasked));
    assert_eq!(hear(b"\x89\x00").end, Err(Error::Unmasked));
}

#[test]
fn every_error_is_answered_with_its_close_code() {
    assert_eq!(Error::Utf8.reason().code(), 1007);
    assert_eq!(Error::TooLarge.reason().code(), 1009);
    for error in [Error::Reserved, Error::Unmasked, Error::CloseCode(1005), Error::Unfinished, Error::LongControl] {
        assert_eq!(error.reason().code(), 1002);
    }
}

proptest! {
    #[test]
    fn any_bytes_in_any_chunks_never_panic_and_come_to_the_same(
        bytes in prop::collection::vec(any::<u8>(), 0..300),
        cut in 1usize..40,
    ) {
        let whole = hear_chunks([&bytes[..]], 100);
        let pieces = hear_chunks(bytes.chunks(cut), 100);
        prop_assert_eq!(whole, pieces);
    }
}
