//! RESP, the protocol of Redis, as far as our own connections speak it: version 2 to publish, and version 3 to hear, where
//! what is published and what is answered come on one connection.

use super::link::{Target, is_unfit};
use super::pipe::Next;
use super::trouble::Trouble;
use crate::{Error, NodeName};
use fred::types::Value;
use redis_protocol::resp2::decode::decode;
use redis_protocol::resp2::types::OwnedFrame;
use redis_protocol::resp3;
use redis_protocol::resp3::types::OwnedFrame as OwnedFrame3;
use secrecy::{ExposeSecret, SecretString};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// No server has more to say of itself.
const MAX_INTRODUCTION: usize = 64 << 10;

/// Connects to the server that goes by this run id, and to no other.
pub(super) async fn connect(
    target: &Target,
    password: Option<&SecretString>,
    run_id: &str,
) -> Result<TcpStream, Trouble> {
    let failed = |error: std::io::Error| Trouble::Connect(error.to_string().into());
    let mut stream = TcpStream::connect((&*target.host, target.port)).await.map_err(failed)?;
    stream.set_nodelay(true).map_err(failed)?;
    let mut greeting = Vec::new();
    if let Some(password) = password {
        // As fred does it: a server without a password takes any of this user.
        encode(&mut greeting, &[b"AUTH", b"default", password.expose_secret().as_bytes()]);
    }
    encode(&mut greeting, &[b"INFO", b"server"]);
    stream.write_all(&greeting).await.map_err(failed)?;
    let mut answers = Vec::new();
    loop {
        if stream.read_buf(&mut answers).await.map_err(failed)? == 0 {
            return Err(Trouble::Lost);
        }
        if answers.len() > MAX_INTRODUCTION {
            return Err(Trouble::Unfit("an introduction without an end".into()));
        }
        while let Some((frame, length)) = decode(&answers).map_err(|_| gibberish())? {
            answers.drain(..length);
            match frame {
                OwnedFrame::Error(sentence) => return Err(Trouble::Unfit(sentence.into())),
                OwnedFrame::BulkString(info) => {
                    let info = String::from_utf8_lossy(&info);
                    let mut runs = info.lines().filter_map(|line| line.strip_prefix("run_id:"));
                    let is_it = runs.next().unwrap_or_default().trim() == run_id;
                    return if is_it { Ok(stream) } else { Err(Trouble::Stranger) };
                }
                _ => {}
            }
        }
    }
}

/// A command as an array of bulk strings.
pub(super) fn encode(bytes: &mut Vec<u8>, parts: &[&[u8]]) {
    let head = |bytes: &mut Vec<u8>, kind: u8, length: usize| {
        bytes.push(kind);
        bytes.extend_from_slice(itoa::Buffer::new().format(length).as_bytes());
        bytes.extend_from_slice(b"\r\n");
    };
    head(bytes, b'*', parts.len());
    for part in parts {
        head(bytes, b'$', part.len());
        bytes.extend_from_slice(part);
        bytes.extend_from_slice(b"\r\n");
    }
}

/// A number or a refusal. Where the server is not what it should be, or does not answer by a number, the connection is
/// of no use.
pub(super) fn number(line: &[u8], node: &NodeName) -> Result<Result<u64, Error>, Trouble> {
    let text = std::str::from_utf8(line).unwrap_or_default();
    if let Some(Ok(number)) = text.strip_prefix(':').map(str::parse::<i64>) {
        return Ok(Ok(number.try_into().unwrap_or(0)));
    }
    match text.strip_prefix('-') {
        Some(sentence) => refusal(sentence, node).map(Err),
        None => Err(Trouble::Unfit("an answer that is no number".into())),
    }
}

fn refusal(sentence: &str, node: &NodeName) -> Result<Error, Trouble> {
    match is_unfit(sentence) {
        true => Err(Trouble::Unfit(sentence.into())),
        false => Ok(Error::Refused { node: node.clone(), reason: sentence.into() }),
    }
}

/// What was published, as every Redis sends it.
const MESSAGE: &[u8] = b">3\r\n$7\r\nmessage\r\n";

/// A length, and the end of its line.
const LONGEST_LENGTH: usize = 12;

/// What a server says on a connection that hears.
pub(super) enum Heard<'a> {
    Message {
        channel: &'a [u8],
        message: &'a [u8],
    },
    Answer(Result<Value, Error>),
    /// That something is subscribed, or is not any more.
    Notice,
}

/// The first thing that these bytes say.
pub(super) fn heard<'a>(bytes: &'a [u8], node: &NodeName) -> Next<Heard<'a>> {
    if bytes.starts_with(MESSAGE) {
        let Some((channel, at)) = bulk(bytes, MESSAGE.len())? else { return Ok(None) };
        let Some((message, at)) = bulk(bytes, at)? else { return Ok(None) };
        return Ok(Some((Heard::Message { channel, message }, at)));
    }
    if MESSAGE.starts_with(bytes) {
        return Ok(None);
    }
    let Some((frame, length)) = resp3::decode::complete::decode(bytes).map_err(|_| gibberish())? else {
        return Ok(None);
    };
    let heard = match frame {
        OwnedFrame3::Push { .. } => Heard::Notice,
        // A subscription that is refused is nobody's answer, and would be taken for the next one's.
        OwnedFrame3::SimpleError { data, .. } if data.starts_with("NOPERM") => return Err(Trouble::Unfit(data.into())),
        OwnedFrame3::SimpleError { data, .. } => Heard::Answer(Err(refusal(&data, node)?)),
        OwnedFrame3::BlobError { data, .. } => Heard::Answer(Err(refusal(&String::from_utf8_lossy(&data), node)?)),
        frame => Heard::Answer(Ok(value(frame))),
    };
    Ok(Some((heard, length)))
}

/// A bulk string that begins here, and where the next thing does.
fn bulk(bytes: &[u8], at: usize) -> Next<&[u8]> {
    let rest = &bytes[at..];
    let line = &rest[..rest.len().min(LONGEST_LENGTH)];
    let Some(end) = line.iter().position(|byte| *byte == b'\r') else {
        return if line.len() == LONGEST_LENGTH { Err(gibberish()) } else { Ok(None) };
    };
    let digits = line[..end].strip_prefix(b"$").and_then(|digits| std::str::from_utf8(digits).ok());
    let length: usize = digits.and_then(|digits| digits.parse().ok()).ok_or_else(gibberish)?;
    let begin = end + 2;
    match rest.get(begin + length..begin + length + 2) {
        Some(b"\r\n") => Ok(Some((&rest[begin..begin + length], at + begin + length + 2))),
        Some(_) => Err(gibberish()),
        None => Ok(None),
    }
}

/// As a script's answer is read. What scripts do not answer with reads as nothing.
fn value(frame: OwnedFrame3) -> Value {
    match frame {
        OwnedFrame3::BlobString { data, .. } | OwnedFrame3::SimpleString { data, .. } => {
            match String::from_utf8(data) {
                Ok(text) => Value::from(text),
                Err(bytes) => Value::Bytes(bytes.into_bytes().into()),
            }
        }
        OwnedFrame3::Number { data, .. } => Value::Integer(data),
        OwnedFrame3::Array { data, .. } => Value::Array(data.into_iter().map(value).collect()),
        _ => Value::Null,
    }
}

fn gibberish() -> Trouble {
    Trouble::Unfit("it does not speak RESP".into())
}

#[cfg(test)]
#[path = "resp_tests.rs"]
mod tests;
