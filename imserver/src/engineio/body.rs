//! The body of a POST: read within limits, then understood as text, octets or a JSONP form.

use super::refusal::Refusal;
use bytes::{Bytes, BytesMut};
use http::{HeaderMap, StatusCode, header};
use http_body_util::BodyExt;
use std::time::Duration;
use wire::engineio::jsonp;

/// What a POST carries.
pub(super) enum Body {
    Text(String),
    Octets(Bytes),
}

/// A client that sends slower than this allows is not sending a message.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// How much of a body that is too large is still read, so that the refusal is seen rather than a reset connection.
const DRAIN_LIMIT: usize = 16 << 20;

/// Reads a body of at most `max` bytes, whatever it holds; the HTTP status that says why not.
pub(crate) async fn read_body(body: axum::body::Body, max: usize) -> Result<Bytes, StatusCode> {
    let read = tokio::time::timeout(READ_TIMEOUT, collect(body, max)).await;
    read.map_err(|_| StatusCode::REQUEST_TIMEOUT)?.map_err(|refusal| refusal.status)
}

/// Reads a body of at most `max` bytes; exactly `max` is allowed, whatever its framing.
pub(super) async fn read(
    headers: &HeaderMap,
    body: axum::body::Body,
    max: usize,
    is_jsonp: bool,
) -> Result<Body, Refusal> {
    // A form spells a byte with up to three.
    let raw_max = if is_jsonp { max.saturating_mul(3).saturating_add(2) } else { max };
    let read = tokio::time::timeout(READ_TIMEOUT, collect(body, raw_max));
    let bytes = read.await.map_err(|_| Refusal::too_late())??;
    if is_jsonp {
        let form = str::from_utf8(&bytes).map_err(|_| Refusal::bad_request())?;
        let text = jsonp::unwrap_form(form).map_err(|_| Refusal::bad_request())?;
        return if text.len() > max { Err(Refusal::too_large()) } else { Ok(Body::Text(text)) };
    }
    if headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes() == b"application/octet-stream") {
        return Ok(Body::Octets(bytes));
    }
    String::from_utf8(bytes.into()).map(Body::Text).map_err(|_| Refusal::bad_request())
}

async fn collect(mut body: axum::body::Body, max: usize) -> Result<Bytes, Refusal> {
    let mut collected = BytesMut::new();
    let mut seen = 0;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Refusal::bad_request())?.into_data() else { continue };
        seen += data.len();
        if seen > DRAIN_LIMIT.max(max) {
            return Err(Refusal::too_large());
        }
        if seen > max {
            collected = BytesMut::new();
        } else {
            collected.extend_from_slice(&data);
        }
    }
    if seen > max { Err(Refusal::too_large()) } else { Ok(collected.freeze()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn text(body: &'static str, max: usize, is_jsonp: bool) -> Result<String, Refusal> {
        match read(&HeaderMap::new(), axum::body::Body::from(body), max, is_jsonp).await? {
            Body::Text(text) => Ok(text),
            Body::Octets(_) => panic!("not octets"),
        }
    }

    #[tokio::test]
    async fn exactly_the_limit_is_allowed_and_one_more_is_not() {
        assert_eq!(text("4abc", 4, false).await.unwrap(), "4abc");
        assert_eq!(text("4abcd", 4, false).await.unwrap_err(), Refusal::too_large());
    }

    #[tokio::test]
    async fn the_limit_of_a_form_counts_what_it_spells() {
        assert_eq!(text("d=4%3A4abc", 6, true).await.unwrap(), "4:4abc");
        assert_eq!(text("d=4%3A4abc", 5, true).await.unwrap_err(), Refusal::too_large());
    }
}
