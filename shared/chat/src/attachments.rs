//! The binary parts of a payload.
//!
//! Binary data travels beside the JSON; in it stands `{"_placeholder": true, "num": n}` for the n-th part. Where only
//! a piece of the JSON is passed on, its parts are counted anew. The text is scanned and patched, never rebuilt, so
//! that what a client wrote arrives letter by letter, and no depth of nesting overflows the stack.

use bytes::Bytes;
use serde_json::value::RawValue;
use std::ops::Range;
use types::Failure;

/// The payload with its placeholders counted from 0 as they come, and the parts they stand for.
///
/// # Errors
/// `bad_request` for a placeholder of no part.
pub(crate) fn of_payload(
    payload: Box<RawValue>,
    attachments: &[Bytes],
) -> Result<(Box<RawValue>, Vec<Bytes>), Failure> {
    if attachments.is_empty() {
        return Ok((payload, Vec::new()));
    }
    let json = payload.get();
    let mut kept: Vec<usize> = Vec::new();
    let mut patched = String::with_capacity(json.len());
    let mut copied = 0;
    for place in placeholders(json) {
        let place = place.ok_or_else(|| Failure::bad_request("a binary placeholder has no number"))?;
        let number = json[place.clone()].parse::<usize>().ok().filter(|number| *number < attachments.len());
        let number = number.ok_or_else(|| Failure::bad_request("a binary placeholder stands for nothing"))?;
        let anew = kept.iter().position(|known| *known == number).unwrap_or_else(|| {
            kept.push(number);
            kept.len() - 1
        });
        patched.push_str(&json[copied..place.start]);
        patched.push_str(&anew.to_string());
        copied = place.end;
    }
    patched.push_str(&json[copied..]);
    let payload = RawValue::from_string(patched).map_err(|error| Failure::bad_request(error.to_string()))?;
    Ok((payload, kept.into_iter().map(|number| attachments[number].clone()).collect()))
}

/// Where the numbers of the placeholders stand, in the order of the text; nothing for one that has no number.
fn placeholders(json: &str) -> Vec<Option<Range<usize>>> {
    let mut found: Vec<(usize, Option<Range<usize>>)> = Vec::new();
    let mut open: Vec<Open> = Vec::new();
    let mut at = 0;
    while at < json.len() {
        let end = token_end(json, at);
        match json.as_bytes()[at] {
            b'{' | b'[' => {
                note_value(&mut open, json, at..end);
                open.push(Open { at, is_object: json.as_bytes()[at] == b'{', ..Open::default() });
            }
            b'}' | b']' => {
                if let Some(Open { at, is_placeholder: true, number, .. }) = open.pop() {
                    found.push((at, number));
                }
            }
            b',' => {
                if let Some(object) = open.last_mut() {
                    object.key = None;
                }
            }
            b':' | b' ' | b'\t' | b'\r' | b'\n' => {}
            _ => note_key_or_value(&mut open, json, at..end),
        }
        at = end;
    }
    // An object is found at its end, and one may stand within another.
    found.sort_unstable_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, number)| number).collect()
}

/// An object or array whose end is still to come.
#[derive(Default)]
struct Open {
    at: usize,
    is_object: bool,
    /// The key whose value is next.
    key: Option<Key>,
    is_placeholder: bool,
    number: Option<Range<usize>>,
}

#[derive(Clone, Copy)]
enum Key {
    Placeholder,
    Number,
    Other,
}

fn note_key_or_value(open: &mut [Open], json: &str, token: Range<usize>) {
    match open.last_mut() {
        Some(object) if object.is_object && object.key.is_none() => object.key = Some(key(&json[token])),
        _ => note_value(open, json, token),
    }
}

/// A key given twice counts as JavaScript takes it: the last one.
fn note_value(open: &mut [Open], json: &str, token: Range<usize>) {
    let Some(object) = open.last_mut() else { return };
    match object.key {
        Some(Key::Placeholder) => object.is_placeholder = &json[token] == "true",
        Some(Key::Number) => object.number = Some(token),
        Some(Key::Other) | None => {}
    }
}

fn key(quoted: &str) -> Key {
    let spelt: Option<String> = if quoted.contains('\\') { serde_json::from_str(quoted).ok() } else { None };
    match spelt.as_deref().unwrap_or(&quoted[1..quoted.len() - 1]) {
        "_placeholder" => Key::Placeholder,
        "num" => Key::Number,
        _ => Key::Other,
    }
}

/// The end of the token that starts here: a string, a literal or number, or one character of punctuation or space.
fn token_end(json: &str, start: usize) -> usize {
    let bytes = &json.as_bytes()[start..];
    let length = match bytes[0] {
        b'"' => string_length(bytes),
        b'{' | b'}' | b'[' | b']' | b',' | b':' | b' ' | b'\t' | b'\r' | b'\n' => 1,
        _ => bytes.iter().position(|byte| b"{}[],: \t\r\n\"".contains(byte)).unwrap_or(bytes.len()),
    };
    start + length
}

fn string_length(bytes: &[u8]) -> usize {
    let mut at = 1;
    while at < bytes.len() {
        match bytes[at] {
            b'"' => return at + 1,
            b'\\' => at += 2,
            _ => at += 1,
        }
    }
    bytes.len()
}

#[cfg(test)]
#[path = "attachments_tests.rs"]
mod tests;
