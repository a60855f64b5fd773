//! HTTP/1.1 by hand: requests as bytes, whole or in pieces, well-formed or not.

use crate::PATIENCE;
use anyhow::{Context, bail, ensure};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection whose bytes the test decides.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    /// Read, but not yet asked for.
    buffer: Vec<u8>,
}

/// A response. Names of headers are in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

/// One GET on its own connection.
///
/// # Errors
/// No whole answer came in time.
pub async fn get(address: SocketAddr, path: &str) -> anyhow::Result<Answer> {
    request(address, "GET", path, &[], b"").await
}

/// One POST of text on its own connection.
///
/// # Errors
/// No whole answer came in time.
pub async fn post(address: SocketAddr, path: &str, body: &str) -> anyhow::Result<Answer> {
    request(address, "POST", path, &[("Content-Type", "text/plain;charset=UTF-8")], body.as_bytes()).await
}

/// One request on its own connection.
///
/// # Errors
/// No whole answer came in time.
pub async fn request(
    address: SocketAddr,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> anyhow::Result<Answer> {
    let mut connection = Connection::open(address).await?;
    connection.send(&head(address, method, path, headers, Some(body.len()))).await?;
    connection.send(body).await?;
    connection.answer().await
}

/// The head of a request as bytes; without `length` none is named.
pub fn head(address: SocketAddr, method: &str, path: &str, headers: &[(&str, &str)], length: Option<usize>) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: {address}\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(length) = length {
        text.push_str(&format!("Content-Length: {length}\r\n"));
    }
    text.push_str("\r\n");
    text.into_bytes()
}

impl Connection {
    /// # Errors
    /// Nobody listens.
    pub async fn open(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("connecting to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream, buffer: Vec::new() })
    }

    /// Sends bytes as they are.
    ///
    /// # Errors
    /// The peer has closed, or takes nothing for too long.
    pub async fn send(&mut self, bytes: &[u8]) -> anyhow::Result<()> {
        tokio::time::timeout(PATIENCE, self.stream.write_all(bytes)).await.context("the peer reads nothing")??;
        Ok(())
    }

    /// Sends FIN: there will be no more, though answers are still read.
    ///
    /// # Errors
    /// The connection is gone already.
    pub async fn finish(&mut self) -> anyhow::Result<()> {
        Ok(self.stream.shutdown().await?)
    }

    /// Reads one whole response: by its length, in chunks, or up to the end.
    ///
    /// # Errors
    /// It is no HTTP, it ended early, or nothing came in time.
    pub async fn answer(&mut self) -> anyhow::Result<Answer> {
        let (status, headers) = self.answer_head().await?;
        let header = |name: &str| headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
        let body = if matches!(status, 100..200 | 204 | 304) {
            Vec::new()
        } else if header("transfer-encoding").is_some_and(|coding| coding.eq_ignore_ascii_case("chunked")) {
            self.chunks().await?
        } else if let Some(length) = header("content-length") {
            self.take(length.parse()?).await?
        } else {
            self.rest().await?
        };
        Ok(Answer { status, headers, body })
    }

    /// Status and headers only: what comes next is another protocol's, or a body that does not end.
    ///
    /// # Errors
    /// As [`answer`](Self::answer).
    pub async fn answer_head(&mut self) -> anyhow::Result<(u16, Vec<(String, String)>)> {
        let line = self.line().await?;
        let status = line.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)).with_context(|| line.clone())?;
        let status = status.parse()?;
        let mut headers = Vec::new();
        loop {
            let line = self.line().await?;
            if line.is_empty() {
                return Ok((status, headers));
            }
            let (name, value) = line.split_once(':').with_context(|| line.clone())?;
            headers.push((name.to_ascii_lowercase(), value.trim().to_owned()));
        }
    }

    /// Exactly so many bytes.
    ///
    /// # Errors
    /// The peer closed first, or nothing came in time.
    pub async fn take(&mut self, count: usize) -> anyhow::Result<Vec<u8>> {
        while self.buffer.len() < count {
            ensure!(self.fill().await?, "the peer closed after {} of {count} bytes", self.buffer.len());
        }
        let rest = self.buffer.split_off(count);
        Ok(std::mem::replace(&mut self.buffer, rest))
    }

    /// Everything up to the peer's close; a reset counts as one.
    ///
    /// # Errors
    /// The peer did not close in time.
    pub async fn rest(&mut self) -> anyhow::Result<Vec<u8>> {
        while self.fill().await? {}
        Ok(std::mem::take(&mut self.buffer))
    }

    async fn line(&mut self) -> anyhow::Result<String> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                let line = self.take(end + 2).await?;
                return Ok(String::from_utf8(line)?.trim_end().to_owned());
            }
            if !self.fill().await? {
                bail!("the peer closed where a line was expected: {:?}", String::from_utf8_lossy(&self.buffer));
            }
        }
    }

    async fn chunks(&mut self) -> anyhow::Result<Vec<u8>> {
        let mut body = Vec::new();
        loop {
            let line = self.line().await?;
            let size = line.split(';').next().unwrap_or_default();
            let size = usize::from_str_radix(size, 16).with_context(|| line.clone())?;
            body.extend(self.take(size).await?);
            ensure!(self.line().await?.is_empty(), "a chunk ends with a line break");
            if size == 0 {
                return Ok(body);
            }
        }
    }

    /// Reads some more; false at the end.
    async fn fill(&mut self) -> anyhow::Result<bool> {
        let more = self.stream.read_buf(&mut self.buffer);
        match tokio::time::timeout(PATIENCE, more).await.context("the peer says nothing")? {
            Ok(count) => Ok(count > 0),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

impl Answer {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}
