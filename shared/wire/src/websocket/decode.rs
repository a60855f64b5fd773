//! What clients send: frames to messages.
//!
//! ```text
//! read ─► buffer ─► decode ─► NeedMore: keep the rest, read on
//!           ▲          └────► Frame { used, item }: handle the item, step `used` on, decode again
//!           └─ tail ◄── what is left
//! ```

use super::Error;
use super::encode::MAX_CONTROL;
use super::mask;

/// What a client may send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The largest message in bytes, all its fragments together; exactly this much is allowed.
    pub max_message: usize,
}

/// One whole thing that a client said; borrowed from the bytes it came in, or from the decoder where it came in
/// fragments.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Item<'a> {
    Text(&'a str),
    Binary(&'a [u8]),
    /// To be answered with a pong of the same data.
    Ping(&'a [u8]),
    Pong(&'a [u8]),
    /// The last frame of a client; what follows is not to be decoded. Code and reason, if it gave them.
    Close(Option<(u16, &'a str)>),
}

/// What one look at the buffer came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    /// The buffer does not begin with a whole frame. Nothing was taken from it and nothing in it was changed: keep it,
    /// and decode again when there is more.
    NeedMore,
    /// The first `used` bytes were one frame. Without an item it was a fragment of a message that goes on.
    Frame { used: usize, item: Option<Item<'a>> },
}

/// Decodes one connection's frames.
///
/// A message in fragments is collected here, in memory that grows with what arrived and is given back with the next
/// call after its end.
#[derive(Debug)]
pub struct Decoder {
    limits: Limits,
    partial: Option<Box<Partial>>,
}

impl Decoder {
    pub fn new(limits: Limits) -> Self {
        Self { limits, partial: None }
    }

    /// Looks at the one frame at the start of `buf`.
    ///
    /// Until the frame is complete the answer is [`Step::NeedMore`], which costs no more than reading the header; a
    /// frame that may not be, or is too large, is refused as soon as its header is there. The payload is unmasked in
    /// place, once, when the frame is complete: bytes that were `used` must not be offered again.
    ///
    /// # Errors
    /// The connection must be closed with [`Error::reason`].
    pub fn decode<'a>(&'a mut self, buf: &'a mut [u8]) -> Result<Step<'a>, Error> {
        if self.partial.as_ref().is_some_and(|partial| partial.ended) {
            self.partial = None;
        }
        let Some(head) = Head::read(buf)? else { return Ok(Step::NeedMore) };
        let size = self.admit(&head)?;
        let Some(mask) = head.mask(buf) else { return Ok(Step::NeedMore) };
        let start = head.size;
        // Cannot overflow: the header is at most 14 bytes, and slices hold less than half of what a usize can count.
        let used = start.saturating_add(size);
        let Some(payload) = buf.get_mut(start..used) else { return Ok(Step::NeedMore) };
        mask::apply(payload, mask);
        let item = match head.kind {
            Kind::Text if head.last => Some(Item::Text(text(payload)?)),
            Kind::Binary if head.last => Some(Item::Binary(payload)),
            Kind::Text | Kind::Binary => {
                self.partial = Some(Box::new(Partial::begin(head.kind == Kind::Text, payload)?));
                None
            }
            Kind::Continuation => self.partial.as_mut().ok_or(Error::NothingToContinue)?.go_on(payload, head.last)?,
            Kind::Ping => Some(Item::Ping(payload)),
            Kind::Pong => Some(Item::Pong(payload)),
            Kind::Close => Some(Item::Close(close(payload)?)),
        };
        Ok(Step::Frame { used, item })
    }

    /// Whether a frame with this header may come now; its payload's size in bytes.
    fn admit(&self, head: &Head) -> Result<usize, Error> {
        match (head.kind, &self.partial) {
            (Kind::Text | Kind::Binary, Some(_)) => return Err(Error::Unfinished),
            (Kind::Continuation, None) => return Err(Error::NothingToContinue),
            (Kind::Text | Kind::Binary | Kind::Continuation, _) => {}
            (Kind::Ping | Kind::Pong | Kind::Close, _) => return Ok(head.length as usize),
        }
        let before = self.partial.as_ref().map_or(0, |partial| partial.data.len());
        match usize::try_from(head.length) {
            Ok(length) if length <= self.limits.max_message.saturating_sub(before) => Ok(length),
            _ => Err(Error::TooLarge),
        }
    }
}

/// A frame's header (RFC 6455, section 5.2), without the mask itself.
struct Head {
    kind: Kind,
    last: bool,
    /// Bytes of the header, the mask included.
    size: usize,
    /// Bytes of the payload.
    length: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Continuation,
    Text,
    Binary,
    Close,
    Ping,
    Pong,
}

impl Head {
    /// `None` until the length is there; what is wrong in the first two bytes is said at once.
    fn read(buf: &[u8]) -> Result<Option<Self>, Error> {
        let [first, second, rest @ ..] = buf else { return Ok(None) };
        let last = first & 0x80 != 0;
        if first & 0x70 != 0 {
            return Err(Error::Reserved);
        }
        let kind = match first & 0x0f {
            0 => Kind::Continuation,
            1 => Kind::Text,
            2 => Kind::Binary,
            8 => Kind::Close,
            9 => Kind::Ping,
            10 => Kind::Pong,
            opcode => return Err(Error::Opcode(opcode)),
        };
        if second & 0x80 == 0 {
            return Err(Error::Unmasked);
        }
        let is_control = matches!(kind, Kind::Close | Kind::Ping | Kind::Pong);
        if is_control && !last {
            return Err(Error::FragmentedControl);
        }
        let (length, size) = match second & 0x7f {
            126 => (rest.first_chunk().map(|bytes| u16::from_be_bytes(*bytes).into()), 8),
            127 => (rest.first_chunk().map(|bytes| u64::from_be_bytes(*bytes)), 14),
            short => (Some(short.into()), 6),
        };
        match length {
            None => Ok(None),
            Some(length) if length >> 63 != 0 => Err(Error::Length),
            Some(length) if is_control && length > MAX_CONTROL as u64 => Err(Error::LongControl),
            Some(length) => Ok(Some(Self { kind, last, size, length })),
        }
    }

    /// The mask, which ends the header.
    fn mask(&self, buf: &[u8]) -> Option<[u8; 4]> {
        buf.get(..self.size)?.last_chunk().copied()
    }
}

/// A message of which some fragments have arrived.
#[derive(Debug)]
struct Partial {
    data: Vec<u8>,
    is_text: bool,
    /// How much of a text is known to be UTF-8; the rest is a character cut in two.
    checked: usize,
    /// The last fragment was here; the message has been handed out.
    ended: bool,
}

impl Partial {
    fn begin(is_text: bool, payload: &[u8]) -> Result<Self, Error> {
        let mut partial = Self { data: payload.to_vec(), is_text, checked: 0, ended: false };
        partial.check()?;
        Ok(partial)
    }

    fn go_on(&mut self, payload: &[u8], last: bool) -> Result<Option<Item<'_>>, Error> {
        self.data.extend_from_slice(payload);
        self.check()?;
        if !last {
            return Ok(None);
        }
        self.ended = true;
        Ok(Some(if self.is_text { Item::Text(text(&self.data)?) } else { Item::Binary(&self.data) }))
    }

    /// Fails as soon as a text cannot become UTF-8 any more, so that its sender does not fill the limit first.
    fn check(&mut self) -> Result<(), Error> {
        if !self.is_text {
            return Ok(());
        }
        match simdutf8::compat::from_utf8(&self.data[self.checked..]) {
            Ok(fresh) => self.checked += fresh.len(),
            Err(error) if error.error_len().is_none() => self.checked += error.valid_up_to(),
            Err(_) => return Err(Error::Utf8),
        }
        Ok(())
    }
}

fn text(bytes: &[u8]) -> Result<&str, Error> {
    simdutf8::basic::from_utf8(bytes).map_err(|_| Error::Utf8)
}

/// The body of a close frame: nothing, or a code and a reason (RFC 6455, section 5.5.1).
fn close(payload: &[u8]) -> Result<Option<(u16, &str)>, Error> {
    match payload {
        [] => Ok(None),
        [_] => Err(Error::CloseLength),
        [high, low, reason @ ..] => {
            let (code, reason) = (u16::from_be_bytes([*high, *low]), text(reason)?);
            if may_be_sent(code) { Ok(Some((code, reason))) } else { Err(Error::CloseCode(code)) }
        }
    }
}

/// Whether a close code may stand in a frame: those that the RFC and IANA's registry give a meaning on the wire, and
/// those of libraries and applications (section 7.4).
fn may_be_sent(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

#[cfg(test)]
#[path = "decode_tests.rs"]
mod tests;
