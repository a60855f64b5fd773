//! Why bytes are not a packet, or a value cannot become one. Everything that a client sent wrong ends its connection;
//! only the argument errors are for a handler to answer.

/// An error of the Engine.IO and Socket.IO codecs.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A frame or a payload with nothing in it, not even a packet type.
    #[error("empty packet")]
    Empty,
    /// A packet type that the protocol does not have.
    #[error("unknown packet type")]
    UnknownType,
    /// A packet that only a server may send.
    #[error("packet type is not for clients")]
    ServerOnly,
    /// The data of a `b` packet is not base64.
    #[error("malformed base64")]
    Base64,
    /// A text packet whose bytes are not UTF-8.
    #[error("malformed UTF-8")]
    Utf8,
    /// A polling payload whose lengths do not add up.
    #[error("malformed payload")]
    Payload,
    /// A polling payload with more packets than the caller allows.
    #[error("too many packets in one payload")]
    TooManyPackets,
    /// A JSONP body without exactly one well-formed `d` field.
    #[error("malformed form body")]
    Form,
    /// A binary packet whose attachment count is missing, zero or not a number.
    #[error("malformed attachment count")]
    AttachmentCount,
    /// A binary packet that announces more attachments than the limit.
    #[error("too many attachments")]
    TooManyAttachments,
    /// The attachments of one packet exceed the limit of bytes.
    #[error("attachments too large")]
    AttachmentsTooLarge,
    /// A text packet arrived while attachments of the last one are still owed.
    #[error("text packet while attachments are owed")]
    AttachmentsOwed,
    /// An attachment that no packet announced.
    #[error("unexpected attachment")]
    UnexpectedAttachment,
    /// Placeholders that are out of range, repeated, or fewer than the attachments.
    #[error("placeholders do not match the attachments")]
    Placeholder,
    /// An acknowledgement id that is missing where it is needed, present where it is not allowed, or above 2^64 - 1.
    #[error("malformed acknowledgement id")]
    AckId,
    /// The packet's body is not JSON.
    #[error("malformed JSON")]
    Json,
    /// The packet's body nests arrays and objects deeper than the codec allows.
    #[error("JSON nested too deeply")]
    TooDeep,
    /// The packet's body is JSON, but not what its type calls for.
    #[error("packet body does not fit its type")]
    Body,
    /// A client used an event name that means something to the connection itself.
    #[error("reserved event name")]
    ReservedEvent,
    /// The event or acknowledgement has no argument at this position (from 0).
    #[error("argument {0} is missing")]
    MissingArgument(usize),
    /// The argument at this position (from 0) is not what the handler expects.
    #[error("argument {index} is malformed")]
    Argument {
        /// Position, from 0.
        index: usize,
        /// What the handler's type objects to.
        source: serde_json::Error,
    },
    /// The arguments to encode did not serialise as a JSON array.
    #[error("arguments are not a list")]
    NotAList,
    /// A value that serde_json cannot write or read.
    #[error("value does not convert to or from JSON")]
    Convert(#[from] serde_json::Error),
}
