//! Where a packet's attachments belong: objects `{"_placeholder":true,"num":0}` in its body.
//!
//! Receivers resolve any object whose `_placeholder` is true, whatever else it holds and however its keys are written,
//! and fail on one that is out of range. So this follows their reading, not their writing.

use crate::Error;

/// Checks that each attachment has exactly one placeholder. The scanner tells it about every object.
#[derive(Debug)]
pub(crate) struct Placeholders {
    open: Vec<Object>,
    seen: Vec<bool>,
}

impl Placeholders {
    /// For a packet that announces this many attachments.
    pub(crate) fn new(attachments: usize) -> Placeholders {
        Placeholders { open: Vec::new(), seen: vec![false; attachments] }
    }

    /// Whether every attachment has its place; to be asked at the end.
    pub(crate) fn are_complete(&self) -> bool {
        self.seen.iter().all(|&seen| seen)
    }

    pub(super) fn open(&mut self) {
        self.open.push(Object { key: Key::Other, is_placeholder: false, num: None });
    }

    /// `quoted` is a key of the innermost object, with its quotation marks.
    pub(super) fn key(&mut self, quoted: &[u8]) {
        if let Some(object) = self.open.last_mut() {
            object.key = Key::read(quoted);
        }
    }

    /// `text` is the value of that key: a whole scalar, or the bracket that opens it. The last of equal keys counts.
    pub(super) fn value(&mut self, text: &[u8]) {
        let Some(object) = self.open.last_mut() else { return };
        match object.key {
            Key::Placeholder => object.is_placeholder = text == b"true",
            Key::Num => object.num = std::str::from_utf8(text).ok().and_then(crate::decimal::parse),
            Key::Other => {}
        }
    }

    pub(super) fn close(&mut self) -> Result<(), Error> {
        let Some(object) = self.open.pop() else { return Ok(()) };
        if !object.is_placeholder {
            return Ok(());
        }
        let num = object.num.and_then(|num| usize::try_from(num).ok());
        match num.and_then(|num| self.seen.get_mut(num)) {
            Some(seen) if !*seen => {
                *seen = true;
                Ok(())
            }
            _ => Err(Error::Placeholder),
        }
    }
}

#[derive(Debug)]
struct Object {
    /// The key whose value comes next.
    key: Key,
    is_placeholder: bool,
    num: Option<u64>,
}

#[derive(Debug)]
enum Key {
    Placeholder,
    Num,
    Other,
}

impl Key {
    fn read(quoted: &[u8]) -> Key {
        if !quoted.contains(&b'\\') {
            return Key::of(&quoted[1..quoted.len() - 1]);
        }
        match serde_json::from_slice::<String>(quoted) {
            Ok(key) => Key::of(key.as_bytes()),
            // A lone surrogate: neither of ours.
            Err(_) => Key::Other,
        }
    }

    fn of(key: &[u8]) -> Key {
        match key {
            b"_placeholder" => Key::Placeholder,
            b"num" => Key::Num,
            _ => Key::Other,
        }
    }
}
