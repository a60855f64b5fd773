//! JSON text as it lies: where the elements of an array are, without building values.
//!
//! Socket.IO relays what it does not read. So a packet's body is checked once and kept as text, which is also the only
//! way to hand on what JavaScript allows and Rust's strings do not (lone surrogates).

mod placeholders;
mod scan;

#[cfg(test)]
mod tests;

use std::ops::Range;

use serde::de::DeserializeOwned;

pub(crate) use placeholders::Placeholders;
use scan::Scanner;

use crate::Error;

/// Where the elements of a checked JSON array are in its text.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Array {
    /// How many elements there are.
    pub(crate) len: usize,
    /// The first element; empty if there is none.
    pub(crate) first: Range<usize>,
    /// From the second element to the last one, with the commas and blanks between; empty if there is none.
    pub(crate) others: Range<usize>,
}

impl Array {
    /// Everything between the brackets, but for outer blanks.
    pub(crate) fn all(&self) -> Range<usize> {
        self.first.start..self.others.end.max(self.first.end)
    }
}

/// Checks that `text` is a JSON array with nothing around it, nested at most [`MAX_DEPTH`] deep inside; `placeholders`
/// are told what objects it holds.
pub(crate) fn array(text: &str, placeholders: Option<&mut Placeholders>) -> Result<Array, Error> {
    let mut scanner = Scanner::new(text, placeholders);
    if !text.starts_with('[') {
        return Err(Error::Body);
    }
    scanner.skip(1);
    let mut array = Array { len: 0, first: 0..0, others: 0..0 };
    if !scanner.next_is(b']') {
        array.first = scanner.element()?;
        array.others = array.first.end..array.first.end;
        array.len = 1;
        while scanner.next_is(b',') {
            scanner.skip(1);
            let element = scanner.element()?;
            let start = if array.len == 1 { element.start } else { array.others.start };
            array.others = start..element.end;
            array.len += 1;
        }
    }
    if !scanner.next_is(b']') {
        return Err(Error::Json);
    }
    scanner.skip(1);
    if scanner.is_at_end() { Ok(array) } else { Err(Error::Json) }
}

/// The element at `index` of checked elements, given without the array's brackets.
pub(crate) fn element(elements: &str, index: usize) -> Option<&str> {
    let mut scanner = Scanner::new(elements, None);
    for _ in 0..index {
        scanner.element().ok()?;
        if !scanner.next_is(b',') {
            return None;
        }
        scanner.skip(1);
    }
    scanner.element().ok().map(|element| &elements[element])
}

/// Reads a value. Lone surrogates (`"\ud83d"`), which JavaScript sends and Rust's strings cannot hold, become U+FFFD.
pub(crate) fn parse<T: DeserializeOwned>(text: &str) -> Result<T, serde_json::Error> {
    serde_json::from_str(text).or_else(|error| match types::without_lone_surrogates(text) {
        Some(repaired) => serde_json::from_str(&repaired),
        None => Err(error),
    })
}

/// Arrays and objects inside one another in an element of an array. No data is nested so deep, and receivers that
/// recurse (browsers putting attachments back) do not run out of stack.
pub(crate) const MAX_DEPTH: usize = 1000;
