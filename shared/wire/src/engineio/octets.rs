//! Revision 3's binary polling body, both ways: each packet is `0` (text) or `1` (binary) as a byte, its length as decimal
//! digits of one byte each (0 to 9), a byte 255, and the packet.
//!
//! Lengths count bytes, of text in UTF-8. Clients read it so on responses and may write it in a POST with the content
//! type `application/octet-stream`.

use super::double_utf8::from_utf8_with_surrogates;
use super::frame::BINARY_MESSAGE;
use super::{Data, Frame, Packet, Revision, decode_binary, decode_text};
use crate::Error;

/// Splits the binary body of a POST into its packets.
///
/// Yields at most `max_packets` packets, then [`Error::TooManyPackets`] if there are more; the first error ends it. An
/// empty body is an error.
pub fn decode_binary_payload(body: &[u8], max_packets: usize) -> BinaryPayload<'_> {
    BinaryPayload { rest: Some(body), left: max_packets, first: true }
}

/// The packets of a binary body. See [`decode_binary_payload`].
#[derive(Debug)]
pub struct BinaryPayload<'a> {
    rest: Option<&'a [u8]>,
    left: usize,
    first: bool,
}

impl<'a> Iterator for BinaryPayload<'a> {
    type Item = Result<Packet<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let body = self.rest.take()?;
        if body.is_empty() {
            return self.first.then_some(Err(Error::Empty));
        }
        if self.left == 0 {
            return Some(Err(Error::TooManyPackets));
        }
        self.left -= 1;
        self.first = false;
        Some(split(body).map(|(packet, rest)| {
            self.rest = Some(rest);
            packet
        }))
    }
}

/// Appends one frame.
pub(super) fn push_octets(frame: &Frame, out: &mut Vec<u8>) {
    let payload = frame.payload();
    let prefix: &[u8] = if frame.is_binary() { &[BINARY_MESSAGE] } else { &[] };
    out.push(u8::from(frame.is_binary()));
    let digits = out.len();
    crate::decimal::push((prefix.len() + payload.len()) as u64, out);
    out[digits..].iter_mut().for_each(|digit| *digit -= b'0');
    out.push(LENGTH_END);
    out.extend_from_slice(prefix);
    out.extend_from_slice(payload);
}

const LENGTH_END: u8 = 255;
/// Enough for any body that fits in memory; more is an attack on the multiplication.
const MAX_DIGITS: usize = 15;

fn split(body: &[u8]) -> Result<(Packet<'_>, &[u8]), Error> {
    let (&form, body) = body.split_first().ok_or(Error::Payload)?;
    let digits = body.iter().take(MAX_DIGITS + 1).position(|&byte| byte == LENGTH_END).ok_or(Error::Payload)?;
    let (digits, body) = (&body[..digits], &body[digits + 1..]);
    if digits.is_empty() || digits.iter().any(|&digit| digit > 9) {
        return Err(Error::Payload);
    }
    let len = digits.iter().fold(0, |len: u64, &digit| len * 10 + u64::from(digit));
    let len = usize::try_from(len).map_err(|_| Error::Payload)?;
    let (packet, rest) = body.split_at_checked(len).ok_or(Error::Payload)?;
    let packet = match form {
        0 => decode_octet_text(packet)?,
        1 => decode_binary(Revision::V3, packet)?,
        _ => return Err(Error::Payload),
    };
    Ok((packet, rest))
}

fn decode_octet_text(utf8: &[u8]) -> Result<Packet<'_>, Error> {
    if let Ok(text) = simdutf8::basic::from_utf8(utf8) {
        return decode_text(Revision::V3, text);
    }
    let repaired = from_utf8_with_surrogates(utf8).ok_or(Error::Utf8)?;
    let Packet { kind, data } = decode_text(Revision::V3, &repaired)?;
    let data = match data {
        Data::Text(text) => Data::Text(text.into_owned().into()),
        Data::Binary(bytes) => Data::Binary(bytes.into_owned().into()),
    };
    Ok(Packet { kind, data })
}
