//! The version of a channel: how many messages were published on it with a number, and who counted.

use crate::Error;
use bytes::Bytes;
use types::Channel;

/// How far a channel is. Equal only if nothing was raised between, whatever the medium forgot meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    pub number: u64,
    /// New whenever the counting began anew.
    pub generation: Box<str>,
    /// The server that counts: another one, or this one started again, may not know the last numbers given out.
    pub server: Box<str>,
}

/// What a message that carries a version begins with.
const BEGINNING: &[u8] = b"{\"v\":";

/// Whether a channel has versions.
pub(crate) fn counts(channel: &Channel) -> bool {
    matches!(channel, Channel::User(_) | Channel::Group(_))
}

/// The rest of a message behind its version: what follows the opening brace.
///
/// # Errors
/// [`Error::Unversioned`] unless the channel has versions and the message is an object with a member.
pub(crate) fn rest_of(channel: &Channel, message: &Bytes) -> Result<Bytes, Error> {
    let is_object = message.len() > 2 && message.starts_with(b"{");
    if !is_object || !counts(channel) {
        return Err(Error::Unversioned);
    }
    Ok(message.slice(1..))
}

/// The message with its version.
pub(crate) fn numbered(number: u64, rest: &[u8]) -> Bytes {
    [BEGINNING, number.to_string().as_bytes(), b",", rest].concat().into()
}

/// The version that a message carries, if it is one of ours that carries one.
pub fn number_of(message: &[u8]) -> Option<u64> {
    let digits = message.strip_prefix(BEGINNING)?;
    let end = digits.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(&digits[..end]).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_back_from_its_message() {
        let channel = Channel::User("8".parse().unwrap());
        let rest = rest_of(&channel, &Bytes::from_static(br#"{"type":"x"}"#)).unwrap();
        let message = numbered(12, &rest);
        assert_eq!(&*message, br#"{"v":12,"type":"x"}"#);
        assert_eq!(number_of(&message), Some(12));
    }

    #[test]
    fn messages_of_others_carry_none() {
        for message in [&b"{\"type\":\"x\"}"[..], b"{\"v\":", b"{\"v\":x}", b"{\"v\":\"1\"}", b"", b"{\"v\":1"] {
            assert_eq!(number_of(message), None);
        }
    }
}
