//! Polling bodies as text, both ways, and the choice of form for responses.
//!
//! Revision 4 separates packets by the record separator U+001E. Revision 3 puts `<length>:` before each, counted in
//! UTF-16 code units, because JavaScript counts so.

use super::octets::push_octets;
use super::{Frame, Packet, Revision, base64_len, decode_text, push_base64};
use crate::{Error, decimal};

/// Splits the text body of a POST into its packets.
///
/// Yields at most `max_packets` packets, then [`Error::TooManyPackets`] if there are more; the first error ends it. An
/// empty body is an error; an empty packet of revision 3 (`0:`) is skipped, as in the reference server.
pub fn decode_payload(rev: Revision, body: &str, max_packets: usize) -> Payload<'_> {
    Payload { rev, rest: Some(body), left: max_packets, first: true }
}

/// The packets of a text body. See [`decode_payload`].
#[derive(Debug)]
pub struct Payload<'a> {
    rev: Revision,
    rest: Option<&'a str>,
    left: usize,
    first: bool,
}

impl<'a> Iterator for Payload<'a> {
    type Item = Result<Packet<'a>, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let packet = match self.split() {
            Ok(Some(packet)) => packet,
            Ok(None) => return None,
            Err(error) => return self.fail(error),
        };
        if self.left == 0 {
            return self.fail(Error::TooManyPackets);
        }
        self.left -= 1;
        match decode_text(self.rev, packet) {
            Ok(packet) => Some(Ok(packet)),
            Err(error) => self.fail(error),
        }
    }
}

impl<'a> Payload<'a> {
    fn fail(&mut self, error: Error) -> Option<Result<Packet<'a>, Error>> {
        self.rest = None;
        Some(Err(error))
    }

    /// The text of the next packet.
    fn split(&mut self) -> Result<Option<&'a str>, Error> {
        match self.rev {
            Revision::V4 => Ok(self.split_record()),
            Revision::V3 => self.split_counted(),
        }
    }

    fn split_record(&mut self) -> Option<&'a str> {
        let rest = self.rest?;
        match memchr::memchr(RECORD_SEPARATOR, rest.as_bytes()) {
            Some(end) => {
                self.rest = Some(&rest[end + 1..]);
                Some(&rest[..end])
            }
            None => self.rest.take(),
        }
    }

    fn split_counted(&mut self) -> Result<Option<&'a str>, Error> {
        loop {
            let Some(rest) = self.rest else { return Ok(None) };
            if rest.is_empty() {
                self.rest = None;
                return if self.first { Err(Error::Empty) } else { Ok(None) };
            }
            self.first = false;
            let (units, rest) = rest.split_once(':').ok_or(Error::Payload)?;
            let units = decimal::parse(units).and_then(|units| usize::try_from(units).ok()).ok_or(Error::Payload)?;
            let (packet, rest) = split_utf16(rest, units).ok_or(Error::Payload)?;
            self.rest = Some(rest);
            if !packet.is_empty() {
                return Ok(Some(packet));
            }
        }
    }
}

/// What a response's body is, for its content type.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ContentKind {
    /// UTF-8: `text/plain; charset=UTF-8`.
    Text,
    /// `application/octet-stream`, only in revision 3.
    Octets,
}

/// Joins frames to the body of a poll's response.
///
/// Binary is base64 in revision 4. In revision 3, one binary frame turns the whole body into octets, unless
/// `base64_only` (the client asked for `b64=1` or JSONP).
///
/// `ascii_json` writes every character outside ASCII as a JSON escape, from the first quotation mark of a text frame
/// on. Clients of Socket.IO 1.x decode UTF-8 twice on polling, those of 2.x once, and nothing in a handshake tells them
/// apart: ASCII is right for both. For revision 3 under Socket.IO only, where what follows the first quotation mark
/// is JSON; the octet form is the same for all clients and is left alone.
///
/// `frames` is not empty: revision 4 has no form for an empty body.
pub fn encode_payload(rev: Revision, frames: &[Frame], base64_only: bool, ascii_json: bool) -> (ContentKind, Vec<u8>) {
    let size = frames.iter().map(|frame| frame.len() + 8).sum();
    let mut out = Vec::with_capacity(size);
    if rev == Revision::V4 {
        join_records(frames, &mut out);
        return (ContentKind::Text, out);
    }
    if !base64_only && frames.iter().any(Frame::is_binary) {
        frames.iter().for_each(|frame| push_octets(frame, &mut out));
        return (ContentKind::Octets, out);
    }
    if frames.is_empty() {
        out.extend_from_slice(b"0:");
    }
    frames.iter().for_each(|frame| push_counted(frame, ascii_json, &mut out));
    (ContentKind::Text, out)
}

const RECORD_SEPARATOR: u8 = 0x1e;

fn join_records(frames: &[Frame], out: &mut Vec<u8>) {
    for (index, frame) in frames.iter().enumerate() {
        if index > 0 {
            out.push(RECORD_SEPARATOR);
        }
        if frame.is_binary() {
            push_base64(Revision::V4, frame.payload(), out);
        } else {
            out.extend_from_slice(frame.payload());
        }
    }
}

fn push_counted(frame: &Frame, ascii_json: bool, out: &mut Vec<u8>) {
    let payload = frame.payload();
    if frame.is_binary() {
        push_len("b4".len() + base64_len(payload.len()), out);
        push_base64(Revision::V3, payload, out);
    } else if ascii_json && !payload.is_ascii() {
        let escaped = escape_json(payload);
        push_len(utf16_len(&escaped), out);
        out.extend_from_slice(&escaped);
    } else {
        push_len(utf16_len(payload), out);
        out.extend_from_slice(payload);
    }
}

fn push_len(units: usize, out: &mut Vec<u8>) {
    decimal::push(units as u64, out);
    out.push(b':');
}

/// UTF-16 code units of UTF-8 text: one a character, two for those that take four bytes.
fn utf16_len(utf8: &[u8]) -> usize {
    let units = |byte: &u8| match byte {
        0x80..0xc0 => 0,
        0xf0.. => 2,
        _ => 1,
    };
    utf8.iter().map(units).sum()
}

/// Splits after `units` UTF-16 code units. `None` if the text is shorter, or the place is inside a surrogate pair.
fn split_utf16(text: &str, units: usize) -> Option<(&str, &str)> {
    // Mostly everything is ASCII, where units are bytes.
    if text.as_bytes().get(..units).is_some_and(<[u8]>::is_ascii) {
        return text.split_at_checked(units);
    }
    let mut left = units;
    for (at, character) in text.char_indices() {
        if left == 0 {
            return Some(text.split_at(at));
        }
        left = left.checked_sub(character.len_utf16())?;
    }
    (left == 0).then_some((text, ""))
}

/// Text with the characters outside ASCII as `\uXXXX`, from the first quotation mark on: what precedes it is the head
/// of a packet, where a namespace knows no escapes.
fn escape_json(utf8: &[u8]) -> Vec<u8> {
    let json = memchr::memchr(b'"', utf8).unwrap_or(utf8.len());
    let mut out = Vec::with_capacity(utf8.len() * 2);
    out.extend_from_slice(&utf8[..json]);
    for character in String::from_utf8_lossy(&utf8[json..]).chars() {
        if character.is_ascii() {
            out.push(character as u8);
            continue;
        }
        for unit in character.encode_utf16(&mut [0; 2]) {
            out.extend_from_slice(b"\\u");
            for shift in [12, 8, 4, 0] {
                out.push(b"0123456789abcdef"[usize::from(*unit >> shift & 0xf)]);
            }
        }
    }
    out
}
