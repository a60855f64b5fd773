//! A TCP connection as hyper drives it.
//!
//! The head of an answer that makes it a WebSocket (`101 Switching Protocols`) is kept back, so that it leaves in one write
//! with the first frame. Whoever reads or writes on sends it first; whoever takes the connection apart gets it.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

const SWITCHING: &[u8] = b"HTTP/1.1 101 ";

pub struct Stream {
    tcp: TcpStream,
    /// Empty but between such a head and what follows it.
    head: Vec<u8>,
}

impl Stream {
    pub fn new(tcp: TcpStream) -> Self {
        Self { tcp, head: Vec::new() }
    }

    /// The connection, and the head that is still to be written to it.
    pub fn into_parts(self) -> (TcpStream, Vec<u8>) {
        (self.tcp, self.head)
    }

    fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.head.is_empty() {
            let written = ready!(Pin::new(&mut self.tcp).poll_write(cx, &self.head))?;
            if written == 0 {
                return Poll::Ready(Err(io::ErrorKind::WriteZero.into()));
            }
            self.head.drain(..written);
        }
        Poll::Ready(Ok(()))
    }

    /// Whether it is such a head; it is kept then.
    fn keeps(&mut self, bytes: &[u8]) -> bool {
        let is_head = bytes.starts_with(SWITCHING) && bytes.ends_with(b"\r\n\r\n");
        if is_head {
            self.head = bytes.to_vec();
        }
        is_head
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buffer: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_head(cx))?;
        Pin::new(&mut self.tcp).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.poll_head(cx))?;
        if self.keeps(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        Pin::new(&mut self.tcp).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_head(cx))?;
        if let Some(first) = slices.first()
            && self.keeps(first)
        {
            return Poll::Ready(Ok(first.len()));
        }
        Pin::new(&mut self.tcp).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    /// A TCP socket has nothing to flush, and the head waits for what comes with it.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.poll_head(cx))?;
        Pin::new(&mut self.tcp).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    const HEAD: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\n\r\n";

    async fn ends() -> (Stream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (near, far) = tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        (Stream::new(near.unwrap()), far.unwrap().0)
    }

    /// What has arrived, without waiting for more.
    async fn arrived(far: &mut TcpStream) -> Vec<u8> {
        let mut bytes = vec![0; 1024];
        let length = far.read(&mut bytes).await.unwrap();
        bytes.truncate(length);
        bytes
    }

    #[tokio::test]
    async fn a_head_is_handed_over_with_the_connection() {
        let (mut near, mut far) = ends().await;
        near.write_all(HEAD).await.unwrap();
        near.flush().await.unwrap();
        let (mut tcp, head) = near.into_parts();
        assert_eq!(head, HEAD);
        tcp.write_all(b"something else").await.unwrap();
        assert_eq!(arrived(&mut far).await, b"something else", "the head was not written");
    }

    #[tokio::test]
    async fn whoever_goes_on_sends_the_head_first() {
        let (mut near, mut far) = ends().await;
        near.write_all(HEAD).await.unwrap();
        near.write_all(b"!").await.unwrap();
        let mut bytes = vec![0; HEAD.len() + 1];
        far.read_exact(&mut bytes).await.unwrap();
        assert_eq!(bytes, [HEAD, b"!"].concat());
        near.write_all(HEAD).await.unwrap();
        far.write_all(b"?").await.unwrap();
        assert_eq!(near.read_u8().await.unwrap(), b'?');
        assert_eq!(arrived(&mut far).await, HEAD);
        near.write_all(HEAD).await.unwrap();
        near.shutdown().await.unwrap();
        assert_eq!(arrived(&mut far).await, HEAD);
    }

    #[tokio::test]
    async fn any_other_answer_leaves_at_once() {
        let (mut near, mut far) = ends().await;
        near.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.unwrap();
        assert_eq!(arrived(&mut far).await, b"HTTP/1.1 200 OK\r\n\r\n");
        let slices = [IoSlice::new(b"HTTP/1.1 404 Not Found\r\n\r\n"), IoSlice::new(b"gone")];
        assert!(near.write_vectored(&slices).await.unwrap() > 0);
        assert!(arrived(&mut far).await.starts_with(b"HTTP/1.1 404"));
    }
}
