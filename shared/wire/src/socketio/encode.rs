//! Packets to clients, encoded once for all of them: a text packet is the same in both protocols and in both revisions of
//! Engine.IO.

use std::sync::Arc;

use serde::Serialize;
use serde_json::value::RawValue;

use super::name::MAIN;
use super::{Args, Type, Version};
use crate::engineio::Frame;
use crate::{Error, decimal};

/// A packet ready to send: a text frame, and a binary frame per attachment, to be sent in this order with nothing in
/// between. Cloning shares the frames.
#[derive(Clone, Debug)]
pub struct Encoded(Frames);

#[derive(Clone, Debug)]
enum Frames {
    One(Frame),
    Many(Arc<[Frame]>),
}

impl Encoded {
    /// The frames, at least one.
    pub fn frames(&self) -> &[Frame] {
        match &self.0 {
            Frames::One(frame) => std::slice::from_ref(frame),
            Frames::Many(frames) => frames,
        }
    }

    /// Bytes to account for in a queue, WebSocket headers included.
    pub fn bytes(&self) -> usize {
        self.frames().iter().map(Frame::len).sum()
    }
}

/// An event with values as arguments: `args` is a tuple, an array or anything else that serialises as a JSON array;
/// `()` is none. With an `id` the client acknowledges.
pub fn event<T: Serialize + ?Sized>(namespace: &str, id: Option<u64>, name: &str, args: &T) -> Result<Encoded, Error> {
    let mut buffer = begin(Type::Event, 0, namespace, id, 256);
    buffer.push(b'[');
    push_string(name, &mut buffer);
    let list = buffer.len();
    push_list(args, &mut buffer)?;
    // The list goes on from the name: its own bracket becomes the comma.
    if buffer[list..] == *b"[]" {
        buffer.remove(list);
    } else {
        buffer[list] = b',';
    }
    Ok(text_only(buffer))
}

/// An event with arguments as they were received, or made by [`Args::from_parts`]: binary if they have attachments.
pub fn event_raw(namespace: &str, id: Option<u64>, name: &str, args: &Args) -> Encoded {
    let (kind, attachments) = match args.attachments().len() {
        0 => (Type::Event, 0),
        attachments => (Type::BinaryEvent, attachments),
    };
    let buffer = begin(kind, attachments, namespace, id, name.len() + args.json().len());
    with_attachments(event_body(buffer, name, args.json()), args)
}

/// An event whose arguments are JSON text already: values separated by commas, without brackets, as [`Args::json`] gives
/// them. The caller vouches that the text is JSON.
pub fn event_raw_json(namespace: &str, id: Option<u64>, name: &str, args_json: &str) -> Encoded {
    let buffer = begin(Type::Event, 0, namespace, id, name.len() + args_json.len());
    text_only(event_body(buffer, name, args_json))
}

/// The answer to a client's event `id`; `args` as in [`event`].
pub fn ack<T: Serialize + ?Sized>(namespace: &str, id: u64, args: &T) -> Result<Encoded, Error> {
    let mut buffer = begin(Type::Ack, 0, namespace, Some(id), 256);
    push_list(args, &mut buffer)?;
    Ok(text_only(buffer))
}

/// The answer to a client's event `id`, with arguments as in [`event_raw`].
pub fn ack_raw(namespace: &str, id: u64, args: &Args) -> Encoded {
    let (kind, attachments) = match args.attachments().len() {
        0 => (Type::Ack, 0),
        attachments => (Type::BinaryAck, attachments),
    };
    let mut buffer = begin(kind, attachments, namespace, Some(id), args.json().len());
    buffer.push(b'[');
    buffer.extend_from_slice(args.json().as_bytes());
    buffer.push(b']');
    with_attachments(buffer, args)
}

/// The client is in the namespace. Protocol 5 tells it its id there, 4 says nothing more.
pub fn connect(version: Version, namespace: &str, sid: &str) -> Encoded {
    let mut buffer = begin(Type::Connect, 0, namespace, None, sid.len());
    if version == Version::V5 {
        buffer.extend_from_slice(b"{\"sid\":");
        push_string(sid, &mut buffer);
        buffer.push(b'}');
    }
    text_only(buffer)
}

/// The client is refused. Protocol 5 carries `{"message", "data"}`; clients of 4 hand what comes to their `error`
/// handler, which is `data` if there is some and the message otherwise.
pub fn connect_error(version: Version, namespace: &str, message: &str, data: Option<&RawValue>) -> Encoded {
    let size = message.len() + data.map_or(0, |data| data.get().len());
    let mut buffer = begin(Type::ConnectError, 0, namespace, None, size);
    match (version, data) {
        (Version::V4, Some(data)) => buffer.extend_from_slice(data.get().as_bytes()),
        (Version::V4, None) => push_string(message, &mut buffer),
        (Version::V5, data) => {
            buffer.extend_from_slice(b"{\"message\":");
            push_string(message, &mut buffer);
            if let Some(data) = data {
                buffer.extend_from_slice(b",\"data\":");
                buffer.extend_from_slice(data.get().as_bytes());
            }
            buffer.push(b'}');
        }
    }
    text_only(buffer)
}

/// The client is put out of the namespace.
pub fn disconnect(namespace: &str) -> Encoded {
    text_only(begin(Type::Disconnect, 0, namespace, None, 0))
}

/// What precedes a packet's JSON, inside an Engine.IO message. `size` is the expected length of the JSON.
fn begin(kind: Type, attachments: usize, namespace: &str, id: Option<u64>, size: usize) -> Vec<u8> {
    /// Two digits, an attachment count, an id, and the punctuation around a name.
    const HEAD: usize = 40;
    let mut buffer = Frame::begin(HEAD + namespace.len() + size);
    buffer.extend_from_slice(&[b'4', b'0' + kind as u8]);
    if attachments > 0 {
        decimal::push(attachments as u64, &mut buffer);
        buffer.push(b'-');
    }
    if namespace != MAIN {
        buffer.extend_from_slice(namespace.as_bytes());
        buffer.push(b',');
    }
    if let Some(id) = id {
        decimal::push(id, &mut buffer);
    }
    buffer
}

fn event_body(mut buffer: Vec<u8>, name: &str, args_json: &str) -> Vec<u8> {
    buffer.push(b'[');
    push_string(name, &mut buffer);
    if !args_json.is_empty() {
        buffer.push(b',');
        buffer.extend_from_slice(args_json.as_bytes());
    }
    buffer.push(b']');
    buffer
}

fn push_string(text: &str, buffer: &mut Vec<u8>) {
    // A string into memory: this cannot fail.
    let _ = serde_json::to_writer(buffer, text);
}

/// Serialises a list.
fn push_list<T: Serialize + ?Sized>(list: &T, buffer: &mut Vec<u8>) -> Result<(), Error> {
    let start = buffer.len();
    serde_json::to_writer(&mut *buffer, list)?;
    match &buffer[start..] {
        b"null" => {}
        [b'[', rest @ ..] if rest.trim_ascii_start() != b"]" => return Ok(()),
        [b'[', ..] => {}
        _ => return Err(Error::NotAList),
    }
    buffer.truncate(start);
    buffer.extend_from_slice(b"[]");
    Ok(())
}

fn text_only(buffer: Vec<u8>) -> Encoded {
    Encoded(Frames::One(Frame::finish(buffer)))
}

fn with_attachments(buffer: Vec<u8>, args: &Args) -> Encoded {
    if args.attachments().is_empty() {
        return text_only(buffer);
    }
    let text = Frame::finish(buffer);
    let attachments = args.attachments().iter().map(|attachment| Frame::binary(attachment));
    Encoded(Frames::Many(std::iter::once(text).chain(attachments).collect()))
}
