//! Frames that a server sends: final, not masked (RFC 6455, section 5.1).

use bytes::Bytes;

/// The kinds of frame (RFC 6455, section 5.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Opcode {
    Continuation = 0,
    Text = 1,
    Binary = 2,
    Close = 8,
    Ping = 9,
    Pong = 10,
}

/// The most a control frame carries (RFC 6455, section 5.5).
pub(super) const MAX_CONTROL: usize = 125;

/// Writes the header of a final frame with a payload of `len` bytes, and returns how many bytes of `header` it is: 2,
/// 4 or 10.
pub fn frame_header(opcode: Opcode, len: usize, header: &mut [u8; 10]) -> usize {
    header[0] = 0x80 | opcode as u8;
    if len <= MAX_CONTROL {
        header[1] = len as u8;
        return 2;
    }
    if let Ok(len) = u16::try_from(len) {
        header[1] = 126;
        header[2..4].copy_from_slice(&len.to_be_bytes());
        return 4;
    }
    header[1] = 127;
    header[2..].copy_from_slice(&(len as u64).to_be_bytes());
    10
}

/// A close with its code and a reason, which is cut to the 123 bytes that fit.
pub fn close_frame(code: u16, reason: &str) -> Bytes {
    let reason = &reason[..reason.floor_char_boundary(MAX_CONTROL - 2)];
    control_frame(Opcode::Close, &[&code.to_be_bytes(), reason.as_bytes()].concat())
}

/// A ping; of longer data only the first 125 bytes go.
pub fn ping_frame(data: &[u8]) -> Bytes {
    control_frame(Opcode::Ping, data)
}

/// The answer to a ping, with the ping's data; of longer data only the first 125 bytes go.
pub fn pong_frame(data: &[u8]) -> Bytes {
    control_frame(Opcode::Pong, data)
}

fn control_frame(opcode: Opcode, data: &[u8]) -> Bytes {
    let data = &data[..data.len().min(MAX_CONTROL)];
    let mut header = [0; 10];
    let length = frame_header(opcode, data.len(), &mut header);
    Bytes::from([&header[..length], data].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(opcode: Opcode, len: usize) -> Vec<u8> {
        let mut header = [0; 10];
        let length = frame_header(opcode, len, &mut header);
        header[..length].to_vec()
    }

    #[test]
    fn lengths_take_the_shortest_form() {
        assert_eq!(header(Opcode::Text, 0), [0x81, 0]);
        assert_eq!(header(Opcode::Text, 125), [0x81, 125]);
        assert_eq!(header(Opcode::Binary, 126), [0x82, 126, 0, 126]);
        assert_eq!(header(Opcode::Binary, 65_535), [0x82, 126, 0xff, 0xff]);
        assert_eq!(header(Opcode::Binary, 65_536), [0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]);
    }

    #[test]
    fn control_frames_are_those_of_the_rfc() {
        assert_eq!(&ping_frame(b"Hello")[..], b"\x89\x05Hello");
        assert_eq!(&pong_frame(b"Hello")[..], b"\x8a\x05Hello");
        assert_eq!(&close_frame(1000, "")[..], b"\x88\x02\x03\xe8");
        assert_eq!(&close_frame(4001, "drain")[..], b"\x88\x07\x0f\xa1drain");
    }

    #[test]
    fn what_does_not_fit_into_a_control_frame_is_cut_at_a_character() {
        let frame = close_frame(1000, &format!("a{}", "群".repeat(50)));
        assert_eq!(std::str::from_utf8(&frame[4..]), Ok(format!("a{}", "群".repeat(40)).as_str()));
        assert_eq!(close_frame(1000, &"群".repeat(50)).len(), 127);
        assert_eq!(pong_frame(&[0; 200]).len(), 127);
    }
}
