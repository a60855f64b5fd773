//! Engine.IO over long-polling: a GET that waits for packets, and POSTs that carry them away, each on a connection that is
//! kept. After a request that failed nobody knows what it carried, so the session ends with it.

use super::http1::{Answer, Http1, Request, exchange};
use super::{Address, MAX_POST, Packet, refused};
use crate::lifeline::Lost;
use bytes::Bytes;
use http::Method;
use http::header::{CONTENT_TYPE, HOST};
use http_body_util::Full;
use serde::Deserialize;
use std::collections::VecDeque;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// Between the packets of a body.
const SEPARATOR: char = '\u{1e}';

type Exchange = Pin<Box<dyn Future<Output = Result<(Option<Http1>, Answer), Lost>> + Send>>;

pub(crate) struct Polling {
    address: Address,
    sid: String,
    get: Side,
    post: Side,
    inbox: VecDeque<Utf8Bytes>,
    out: VecDeque<String>,
}

/// A request under way, or the connection that waits for the next.
#[derive(Default)]
struct Side {
    under_way: Option<Exchange>,
    kept: Option<Http1>,
}

#[derive(Deserialize)]
struct Open {
    sid: String,
}

impl Polling {
    pub(super) async fn open(address: &Address) -> Result<Self, Lost> {
        let request = request(address, &Method::GET, None, String::new())?;
        let (kept, answer) = exchange(None, address, request).await?;
        let mut session = Self {
            address: address.clone(),
            sid: String::new(),
            get: Side { under_way: None, kept },
            post: Side::default(),
            inbox: VecDeque::new(),
            out: VecDeque::new(),
        };
        session.take_in(answer)?;
        let first = session.inbox.front().and_then(|packet| packet.strip_prefix('0')).ok_or(Lost::Protocol)?;
        let Open { sid } = serde_json::from_str(first).map_err(|_| Lost::Protocol)?;
        let plain = sid.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte));
        if !plain {
            return Err(Lost::Protocol);
        }
        session.sid = sid;
        Ok(session)
    }

    pub(super) fn send(&mut self, packet: String) {
        self.out.push_back(packet);
    }

    pub(super) fn poll_packet(&mut self, cx: &mut Context<'_>) -> Poll<Result<Packet, Lost>> {
        loop {
            if let Err(lost) = self.write(cx) {
                return Poll::Ready(Err(lost));
            }
            if let Some(packet) = self.inbox.pop_front() {
                return Poll::Ready(Ok(Packet::Text(packet)));
            }
            match self.read(cx) {
                Poll::Ready(Ok(())) => {}
                Poll::Ready(Err(lost)) => return Poll::Ready(Err(lost)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    pub(super) async fn close(mut self) {
        self.send("1".to_owned());
        while !self.out.is_empty() || self.post.under_way.is_some() {
            if std::future::poll_fn(|cx| self.post_one(cx)).await.is_err() {
                return;
            }
        }
    }

    /// Posts what is queued, one body after the other.
    fn write(&mut self, cx: &mut Context<'_>) -> Result<(), Lost> {
        while self.post.under_way.is_some() || !self.out.is_empty() {
            match self.post_one(cx) {
                Poll::Ready(done) => done?,
                Poll::Pending => return Ok(()),
            }
        }
        Ok(())
    }

    fn post_one(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        if self.post.under_way.is_none() {
            let body = self.body();
            self.post.begin(&self.address, request(&self.address, &Method::POST, Some(&self.sid), body)?);
        }
        match self.post.poll(cx) {
            Poll::Ready(Ok(answer)) if answer.status == 200 => Poll::Ready(Ok(())),
            Poll::Ready(Ok(answer)) => Poll::Ready(Err(refusal(&answer))),
            Poll::Ready(Err(lost)) => Poll::Ready(Err(lost)),
            Poll::Pending => Poll::Pending,
        }
    }

    /// Packets for one POST.
    fn body(&mut self) -> String {
        let mut body = self.out.pop_front().unwrap_or_default();
        while let Some(next) = self.out.pop_front_if(|next| body.len() + next.len() < MAX_POST) {
            body.push(SEPARATOR);
            body.push_str(&next);
        }
        body
    }

    fn read(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Lost>> {
        if self.get.under_way.is_none() {
            self.get.begin(&self.address, request(&self.address, &Method::GET, Some(&self.sid), String::new())?);
        }
        match self.get.poll(cx) {
            Poll::Ready(Ok(answer)) => Poll::Ready(self.take_in(answer)),
            Poll::Ready(Err(lost)) => Poll::Ready(Err(lost)),
            Poll::Pending => Poll::Pending,
        }
    }

    fn take_in(&mut self, answer: Answer) -> Result<(), Lost> {
        if answer.status != 200 {
            return Err(refusal(&answer));
        }
        let body = Utf8Bytes::try_from(answer.body).map_err(|_| Lost::Protocol)?;
        self.inbox.extend(body.split(SEPARATOR).map(Utf8Bytes::from));
        Ok(())
    }
}

impl Side {
    fn begin(&mut self, address: &Address, request: Request) {
        let (address, kept) = (address.clone(), self.kept.take());
        self.under_way = Some(Box::pin(async move { exchange(kept, &address, request).await }));
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Answer, Lost>> {
        let Some(exchange) = &mut self.under_way else { return Poll::Pending };
        let Poll::Ready(outcome) = exchange.as_mut().poll(cx) else { return Poll::Pending };
        self.under_way = None;
        Poll::Ready(outcome.map(|(kept, answer)| {
            self.kept = kept;
            answer
        }))
    }
}

fn refusal(answer: &Answer) -> Lost {
    refused(answer.status, answer.retry_after.as_deref(), &answer.body, false)
}

fn request(address: &Address, method: &Method, sid: Option<&str>, body: String) -> Result<Request, Lost> {
    let mut request = http::Request::builder().method(method).uri(address.target("polling", sid));
    request = request.header(HOST, &*address.authority);
    if *method == Method::POST {
        request = request.header(CONTENT_TYPE, "text/plain;charset=UTF-8");
    }
    request.body(Full::new(Bytes::from(body))).map_err(|_| Lost::Protocol)
}
