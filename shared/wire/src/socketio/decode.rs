//! Packets from clients. Strict where the reference parser is strict; where that one is lenient by accident of
//! JavaScript (an empty packet that connects, a blank that is the number 0), this one refuses.

use std::sync::Arc;

use bytes::Bytes;

use super::name::MAIN;
use super::{Args, Name, Namespace, Packet, Type, Version};
use crate::json::{self, Placeholders};
use crate::{Error, decimal};

/// What one packet may carry.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Attachments of one packet.
    pub max_attachments: u16,
    /// Bytes of all attachments of one packet together: what a client can make the server hold back.
    pub max_attachment_bytes: u32,
}

impl Default for Limits {
    /// The reference parser's 10 attachments, with the reference server's default of 1 MB for a body.
    fn default() -> Limits {
        Limits { max_attachments: 10, max_attachment_bytes: 1_000_000 }
    }
}

/// Decodes the messages of one connection, in order, and puts packets with attachments together.
///
/// After an error the connection is to be closed; the packet that was being put together is dropped.
#[derive(Debug)]
pub struct Decoder {
    version: Version,
    limits: Limits,
    pending: Option<Box<Pending>>,
}

impl Decoder {
    /// A decoder for a new connection.
    pub fn new(version: Version, limits: Limits) -> Decoder {
        Decoder { version, limits, pending: None }
    }

    /// Takes the data of a text message. `None` if the packet has attachments, which come next.
    pub fn text(&mut self, text: &str) -> Result<Option<Packet>, Error> {
        if self.pending.take().is_some() {
            return Err(Error::AttachmentsOwed);
        }
        let head = Head::read(text, self.limits)?;
        let packet = head.packet(self.version)?;
        if head.attachments == 0 {
            return Ok(Some(packet));
        }
        self.pending = Some(Box::new(Pending {
            packet,
            owed: head.attachments,
            room: self.limits.max_attachment_bytes as usize,
            attachments: Vec::with_capacity(head.attachments),
        }));
        Ok(None)
    }

    /// Takes the data of a binary message, an attachment of the last text. Gives the packet that it completes.
    pub fn binary(&mut self, attachment: Bytes) -> Result<Option<Packet>, Error> {
        let mut pending = self.pending.take().ok_or(Error::UnexpectedAttachment)?;
        pending.room = pending.room.checked_sub(attachment.len()).ok_or(Error::AttachmentsTooLarge)?;
        pending.attachments.push(attachment);
        if pending.attachments.len() < pending.owed {
            self.pending = Some(pending);
            return Ok(None);
        }
        Ok(Some(pending.complete()))
    }
}

/// A packet that waits for its attachments.
#[derive(Debug)]
struct Pending {
    packet: Packet,
    owed: usize,
    /// Bytes that attachments may still have.
    room: usize,
    attachments: Vec<Bytes>,
}

impl Pending {
    fn complete(self) -> Packet {
        let attachments = self.attachments;
        match self.packet {
            Packet::Event { namespace, id, name, args } => {
                Packet::Event { namespace, id, name, args: args.with_attachments(attachments) }
            }
            Packet::Ack { namespace, id, args } => {
                Packet::Ack { namespace, id, args: args.with_attachments(attachments) }
            }
            other => other,
        }
    }
}

/// A packet's text, cut into its parts.
struct Head<'a> {
    kind: Type,
    attachments: usize,
    namespace: &'a str,
    id: Option<u64>,
    body: &'a str,
}

impl<'a> Head<'a> {
    fn read(text: &'a str, limits: Limits) -> Result<Head<'a>, Error> {
        let kind = Type::read(*text.as_bytes().first().ok_or(Error::Empty)?)?;
        let mut rest = &text[1..];
        let mut attachments = 0;
        if matches!(kind, Type::BinaryEvent | Type::BinaryAck) {
            let (digits, after) = decimal::split(rest);
            rest = after.strip_prefix('-').ok_or(Error::AttachmentCount)?;
            attachments = attachment_count(digits, limits)?;
        }
        let mut namespace = MAIN;
        if rest.starts_with('/') {
            (namespace, rest) = rest.split_once(',').unwrap_or((rest, ""));
        }
        let (digits, body) = decimal::split(rest);
        let id = match digits {
            "" => None,
            digits => Some(decimal::parse(digits).ok_or(Error::AckId)?),
        };
        Ok(Head { kind, attachments, namespace, id, body })
    }

    fn packet(&self, version: Version) -> Result<Packet, Error> {
        let (namespace, query) = match (version, self.namespace.split_once('?')) {
            (Version::V4, Some((namespace, query))) => (Namespace::from(namespace), Some(query)),
            _ => (Namespace::from(self.namespace), None),
        };
        match self.kind {
            Type::Connect => {
                let auth = self.auth()?.filter(|_| version == Version::V5);
                Ok(Packet::Connect { namespace, query: query.map(str::to_owned), auth })
            }
            Type::Disconnect if self.id.is_none() && self.body.is_empty() => Ok(Packet::Disconnect { namespace }),
            Type::Disconnect => Err(Error::Body),
            Type::Event | Type::BinaryEvent => {
                let (name, args) = self.event()?;
                Ok(Packet::Event { namespace, id: self.id, name, args })
            }
            Type::Ack | Type::BinaryAck => {
                Ok(Packet::Ack { namespace, id: self.id.ok_or(Error::AckId)?, args: self.answer()? })
            }
            Type::ConnectError => Err(Error::ServerOnly),
        }
    }

    /// The object of a CONNECT.
    fn auth(&self) -> Result<Option<Box<serde_json::value::RawValue>>, Error> {
        if self.id.is_some() {
            return Err(Error::Body);
        }
        match self.body.as_bytes().first() {
            None => Ok(None),
            Some(b'{') => serde_json::from_str(self.body).map(Some).map_err(|_| Error::Json),
            Some(_) => Err(Error::Body),
        }
    }

    fn event(&self) -> Result<(Name, Args), Error> {
        let array = self.array()?;
        let text: Arc<str> = self.body.into();
        let name = event_name(&text, &array)?;
        if RESERVED.contains(&&*name) {
            return Err(Error::ReservedEvent);
        }
        Ok((name, Args::part_of(text, array.others, array.len - 1)))
    }

    fn answer(&self) -> Result<Args, Error> {
        let array = self.array()?;
        Ok(Args::part_of(self.body.into(), array.all(), array.len))
    }

    fn array(&self) -> Result<json::Array, Error> {
        if self.attachments == 0 {
            return json::array(self.body, None);
        }
        let mut placeholders = Placeholders::new(self.attachments);
        let array = json::array(self.body, Some(&mut placeholders))?;
        if placeholders.are_complete() { Ok(array) } else { Err(Error::Placeholder) }
    }
}

impl Type {
    fn read(digit: u8) -> Result<Type, Error> {
        Ok(match digit {
            b'0' => Type::Connect,
            b'1' => Type::Disconnect,
            b'2' => Type::Event,
            b'3' => Type::Ack,
            b'4' => Type::ConnectError,
            b'5' => Type::BinaryEvent,
            b'6' => Type::BinaryAck,
            _ => return Err(Error::UnknownType),
        })
    }
}

/// Names that handlers of a connection's own life have, in the server and in JavaScript's emitters. The reference parser
/// refuses the same ones.
const RESERVED: [&str; 6] =
    ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];

fn attachment_count(digits: &str, limits: Limits) -> Result<usize, Error> {
    if digits.is_empty() {
        return Err(Error::AttachmentCount);
    }
    // A number too large to read is too many as well.
    match decimal::parse(digits) {
        Some(0) => Err(Error::AttachmentCount),
        Some(count) if count <= u64::from(limits.max_attachments) => Ok(count as usize),
        _ => Err(Error::TooManyAttachments),
    }
}

/// The first element of an event: a string, or a number taken as its text.
fn event_name(text: &Arc<str>, array: &json::Array) -> Result<Name, Error> {
    let range = array.first.clone();
    let raw = &text[range.clone()];
    match raw.as_bytes().first() {
        Some(b'"') if raw.contains('\\') => Ok(Name::from(json::parse::<String>(raw)?)),
        Some(b'"') => Ok(Name::part_of(text, range.start + 1..range.end - 1)),
        Some(b'-' | b'0'..=b'9') => Ok(Name::part_of(text, range)),
        _ => Err(Error::Body),
    }
}
