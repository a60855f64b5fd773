//! A checker of JSON syntax (RFC 8259) that keeps its nesting in bits instead of on the stack.

use std::ops::Range;

use super::{MAX_DEPTH, Placeholders};
use crate::Error;

pub(super) struct Scanner<'a, 'p> {
    text: &'a [u8],
    at: usize,
    placeholders: Option<&'p mut Placeholders>,
}

impl<'a, 'p> Scanner<'a, 'p> {
    pub(super) fn new(text: &'a str, placeholders: Option<&'p mut Placeholders>) -> Scanner<'a, 'p> {
        Scanner { text: text.as_bytes(), at: 0, placeholders }
    }

    /// Checks one value and says where it is, blanks before it left out.
    pub(super) fn element(&mut self) -> Result<Range<usize>, Error> {
        self.skip_blanks();
        let start = self.at;
        self.value()?;
        Ok(start..self.at)
    }

    /// Whether `byte` comes next, after blanks.
    pub(super) fn next_is(&mut self, byte: u8) -> bool {
        self.skip_blanks();
        self.peek() == Some(byte)
    }

    pub(super) fn is_at_end(&mut self) -> bool {
        self.skip_blanks();
        self.at == self.text.len()
    }

    pub(super) fn skip(&mut self, bytes: usize) {
        self.at += bytes;
    }

    fn value(&mut self) -> Result<(), Error> {
        let mut nesting = Nesting::default();
        loop {
            self.skip_blanks();
            let in_object = nesting.innermost() == Some(Container::Object);
            let start = self.at;
            let opened = self.value_start()?;
            if in_object && let Some(placeholders) = &mut self.placeholders {
                placeholders.value(&self.text[start..self.at]);
            }
            if let Some(container) = opened {
                nesting.push(container)?;
                if container == Container::Object
                    && let Some(placeholders) = &mut self.placeholders
                {
                    placeholders.open();
                }
                if !self.next_is(container.end()) {
                    if container == Container::Object {
                        self.key()?;
                    }
                    continue;
                }
            }
            if !self.value_end(&mut nesting)? {
                return Ok(());
            }
        }
    }

    /// Passes a whole scalar, or the bracket that opens a container.
    fn value_start(&mut self) -> Result<Option<Container>, Error> {
        match self.peek() {
            Some(b'"') => self.string()?,
            Some(b'-' | b'0'..=b'9') => self.number()?,
            Some(b't') => self.literal(b"true")?,
            Some(b'f') => self.literal(b"false")?,
            Some(b'n') => self.literal(b"null")?,
            Some(b'[') => {
                self.at += 1;
                return Ok(Some(Container::Array));
            }
            Some(b'{') => {
                self.at += 1;
                return Ok(Some(Container::Object));
            }
            _ => return Err(Error::Json),
        }
        Ok(None)
    }

    /// After a value: closes what ends here, and passes what leads to the next value. False if there is none.
    fn value_end(&mut self, nesting: &mut Nesting) -> Result<bool, Error> {
        while let Some(container) = nesting.innermost() {
            self.skip_blanks();
            let next = self.peek();
            if next == Some(b',') {
                self.at += 1;
                if container == Container::Object {
                    self.key()?;
                }
                return Ok(true);
            }
            if next != Some(container.end()) {
                return Err(Error::Json);
            }
            self.at += 1;
            nesting.pop();
            if container == Container::Object
                && let Some(placeholders) = &mut self.placeholders
            {
                placeholders.close()?;
            }
        }
        Ok(false)
    }

    /// A key and its colon.
    fn key(&mut self) -> Result<(), Error> {
        self.skip_blanks();
        let start = self.at;
        if self.peek() != Some(b'"') {
            return Err(Error::Json);
        }
        self.string()?;
        if let Some(placeholders) = &mut self.placeholders {
            placeholders.key(&self.text[start..self.at]);
        }
        if !self.next_is(b':') {
            return Err(Error::Json);
        }
        self.at += 1;
        Ok(())
    }

    /// From the opening quotation mark to behind the closing one.
    fn string(&mut self) -> Result<(), Error> {
        self.at += 1;
        loop {
            self.at += plain_len(&self.text[self.at..]);
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.escape()?,
                _ => return Err(Error::Json),
            }
        }
        self.at += 1;
        Ok(())
    }

    fn escape(&mut self) -> Result<(), Error> {
        let len = match self.text.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => 2,
            Some(b'u') => {
                let digits = self.text.get(self.at + 2..self.at + 6).ok_or(Error::Json)?;
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return Err(Error::Json);
                }
                6
            }
            _ => return Err(Error::Json),
        };
        self.at += len;
        Ok(())
    }

    fn number(&mut self) -> Result<(), Error> {
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        if self.peek() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.peek() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.peek() {
            self.at += 1;
            if let Some(b'+' | b'-') = self.peek() {
                self.at += 1;
            }
            self.digits()?;
        }
        Ok(())
    }

    /// At least one digit.
    fn digits(&mut self) -> Result<(), Error> {
        let count = self.text[self.at..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        self.at += count;
        if count == 0 { Err(Error::Json) } else { Ok(()) }
    }

    fn literal(&mut self, literal: &[u8]) -> Result<(), Error> {
        if !self.text[self.at..].starts_with(literal) {
            return Err(Error::Json);
        }
        self.at += literal.len();
        Ok(())
    }

    fn skip_blanks(&mut self) {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Container {
    Array,
    Object,
}

impl Container {
    fn end(self) -> u8 {
        match self {
            Container::Array => b']',
            Container::Object => b'}',
        }
    }
}

/// The open containers, one bit each: set for an object.
#[derive(Default)]
struct Nesting {
    depth: usize,
    bits: [u64; MAX_DEPTH.div_ceil(64)],
}

impl Nesting {
    fn innermost(&self) -> Option<Container> {
        let level = self.depth.checked_sub(1)?;
        let object = self.bits[level / 64] >> (level % 64) & 1 == 1;
        Some(if object { Container::Object } else { Container::Array })
    }

    fn push(&mut self, container: Container) -> Result<(), Error> {
        if self.depth == MAX_DEPTH {
            return Err(Error::TooDeep);
        }
        let (word, bit) = (self.depth / 64, 1 << (self.depth % 64));
        match container {
            Container::Object => self.bits[word] |= bit,
            Container::Array => self.bits[word] &= !bit,
        }
        self.depth += 1;
        Ok(())
    }

    fn pop(&mut self) {
        self.depth -= 1;
    }
}

/// How many bytes at the start of `text` need no attention inside a string: everything but quotation marks, backslashes
/// and control characters. Looks at eight bytes at a time.
fn plain_len(text: &[u8]) -> usize {
    let (words, tail) = text.as_chunks();
    let mut len = 0;
    for word in words {
        let word = u64::from_le_bytes(*word);
        let quotes = lowest_bits_below(word ^ repeat(b'"'), 1);
        let backslashes = lowest_bits_below(word ^ repeat(b'\\'), 1);
        let special = lowest_bits_below(word, 0x20) | quotes | backslashes;
        if special != 0 {
            return len + special.trailing_zeros() as usize / 8;
        }
        len += 8;
    }
    len + tail.iter().take_while(|&&byte| byte >= 0x20 && byte != b'"' && byte != b'\\').count()
}

const fn repeat(byte: u8) -> u64 {
    u64::from_le_bytes([byte; 8])
}

/// The high bit of each byte below `limit` (at most 128); bytes above the first such one may be marked wrongly.
fn lowest_bits_below(word: u64, limit: u8) -> u64 {
    word.wrapping_sub(repeat(limit)) & !word & repeat(0x80)
}
