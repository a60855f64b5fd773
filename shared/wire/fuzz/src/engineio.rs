//! Any bytes as a frame, as a polling body in each form and as a form post. What is accepted survives being sent again.

use wire::Error;
use wire::engineio::{
    ContentKind, Data, Frame, Kind, Packet, Revision, decode_binary, decode_binary_payload, decode_payload,
    decode_text, encode_payload, jsonp, undo_double_utf8,
};

/// Takes the input apart in every way that a client's bytes can be.
pub fn run(data: &[u8]) {
    for rev in [Revision::V3, Revision::V4] {
        let _ = decode_binary(rev, data);
    }
    check(Revision::V3, decode_binary_payload(data, MAX_PACKETS));
    let Ok(text) = std::str::from_utf8(data) else { return };
    for rev in [Revision::V3, Revision::V4] {
        let _ = decode_text(rev, text);
        check(rev, decode_payload(rev, text, MAX_PACKETS));
    }
    if let Some(once) = undo_double_utf8(text) {
        assert!(once.chars().count() < text.chars().count());
    }
    if let Ok(body) = jsonp::unwrap_form(text) {
        assert!(body.len() < text.len());
    }
    let script = jsonp::wrap(0, text);
    let json = script.strip_prefix("___eio[0](").and_then(|rest| rest.strip_suffix(");"));
    assert_eq!(json.and_then(|json| serde_json::from_str::<String>(json).ok()).as_deref(), Some(text));
}

const MAX_PACKETS: usize = 16;

/// Reads a body to its end and sends its messages back.
fn check<'a>(rev: Revision, packets: impl Iterator<Item = Result<Packet<'a>, Error>>) {
    let mut decoded = 0;
    let mut data = Vec::new();
    let mut failed = false;
    for packet in packets {
        assert!(!failed, "goes on after an error");
        match packet {
            Ok(Packet { kind: Kind::Message, data: message }) => data.push(message),
            Ok(_) => {}
            Err(_) => {
                failed = true;
                continue;
            }
        }
        decoded += 1;
    }
    assert!(decoded <= MAX_PACKETS);
    // Revision 3 may carry the separator of revision 4 in its data; only its own forms can return it.
    let frames: Vec<_> = data.iter().map(frame).collect();
    if frames.is_empty() {
        return;
    }
    for base64_only in [false, true] {
        let (kind, body) = encode_payload(rev, &frames, base64_only, false);
        let again: Vec<_> = match kind {
            ContentKind::Octets => decode_binary_payload(&body, MAX_PACKETS).map(keep).collect(),
            ContentKind::Text => {
                let body = std::str::from_utf8(&body).expect("a text body is UTF-8");
                decode_payload(rev, body, MAX_PACKETS).map(keep).collect()
            }
        };
        let expected: Vec<_> = data.iter().map(|data| Some(data.as_bytes().to_vec())).collect();
        assert_eq!(again, expected);
    }
}

fn frame(data: &Data<'_>) -> Frame {
    match data {
        Data::Text(text) => Frame::message(text),
        Data::Binary(bytes) => Frame::binary(bytes),
    }
}

fn keep(packet: Result<Packet<'_>, Error>) -> Option<Vec<u8>> {
    packet.ok().map(|packet| packet.data.as_bytes().to_vec())
}
