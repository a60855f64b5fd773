//! RESP, the protocol of Redis, as far as the publisher speaks it.

use super::link::{Target, is_unfit};
use super::trouble::Trouble;
use crate::{Error, NodeName};
use redis_protocol::resp2::decode::decode;
use redis_protocol::resp2::types::OwnedFrame;
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
        while let Some((frame, length)) =
            decode(&answers).map_err(|_| Trouble::Unfit("it does not speak RESP".into()))?
        {
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
        Some(sentence) if is_unfit(sentence) => Err(Trouble::Unfit(sentence.into())),
        Some(sentence) => Ok(Err(Error::Refused { node: node.clone(), reason: sentence.into() })),
        None => Err(Trouble::Unfit("an answer that is no number".into())),
    }
}
