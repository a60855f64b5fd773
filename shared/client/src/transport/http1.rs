//! One HTTP/1.1 request after the other on a connection that is kept, without a task of its own: whoever waits for the
//! answer drives the connection.

use super::{Address, MAX_INCOMING};
use crate::lifeline::Lost;
use bytes::Bytes;
use http::header::RETRY_AFTER;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1::{Builder, Connection, SendRequest};
use hyper_util::rt::TokioIo;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::Poll;
use tokio::net::TcpStream;

pub(super) type Request = http::Request<Full<Bytes>>;

/// A connection between two requests.
pub(super) struct Http1 {
    sender: SendRequest<Full<Bytes>>,
    driver: Pin<Box<Connection<TokioIo<TcpStream>, Full<Bytes>>>>,
}

pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) retry_after: Option<String>,
    pub(super) body: Bytes,
}

/// Opens a TCP connection that sends what it gets at once.
pub(super) async fn connect(address: &Address) -> Result<TcpStream, Lost> {
    let tcp = TcpStream::connect((&*address.host, address.port)).await.map_err(|_| Lost::Broken)?;
    tcp.set_nodelay(true).ok();
    Ok(tcp)
}

/// Asks on the connection that was kept, or on a new one; gives the connection back if it can be kept.
pub(super) async fn exchange(
    kept: Option<Http1>,
    address: &Address,
    request: Request,
) -> Result<(Option<Http1>, Answer), Lost> {
    let mut http = match still_open(kept).await {
        Some(http) => http,
        None => open(address).await?,
    };
    let mut is_over = false;
    let answer = {
        let Http1 { sender, driver } = &mut http;
        let mut asking = pin!(ask(sender, request));
        let answer = poll_fn(|cx| {
            // The answer may be complete though the server has closed behind it.
            is_over = is_over || driver.as_mut().poll(cx).is_ready();
            asking.as_mut().poll(cx)
        });
        answer.await.map_err(|_| Lost::Broken)?
    };
    Ok(((!is_over).then_some(http), answer))
}

async fn open(address: &Address) -> Result<Http1, Lost> {
    let tcp = connect(address).await?;
    // The smallest that hyper allows.
    let shaken = Builder::new().max_buf_size(8192).handshake(TokioIo::new(tcp)).await;
    let (sender, driver) = shaken.map_err(|_| Lost::Broken)?;
    Ok(Http1 { sender, driver: Box::pin(driver) })
}

/// Whether the server has not closed the connection meanwhile.
async fn still_open(kept: Option<Http1>) -> Option<Http1> {
    let mut http = kept?;
    let is_over = poll_fn(|cx| Poll::Ready(http.driver.as_mut().poll(cx).is_ready())).await;
    (!is_over && http.sender.is_ready()).then_some(http)
}

async fn ask(
    sender: &mut SendRequest<Full<Bytes>>,
    request: Request,
) -> Result<Answer, Box<dyn std::error::Error + Send + Sync>> {
    let response = sender.send_request(request).await?;
    let status = response.status().as_u16();
    let retry_after = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok()).map(str::to_owned);
    let body = Limited::new(response.into_body(), MAX_INCOMING).collect().await?.to_bytes();
    Ok(Answer { status, retry_after, body })
}
