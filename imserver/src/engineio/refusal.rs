//! How Engine.IO says no: an HTTP status with `{"code": number, "message": text}`.
//!
//! Codes and messages are those of the reference server, which clients and test suites know.

use axum::body::Body;
use http::{HeaderValue, Response, StatusCode, header};
use std::borrow::Cow;

/// A request that is not served.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub status: StatusCode,
    pub code: u8,
    pub message: Cow<'static, str>,
    pub retry_after_ms: Option<u64>,
}

impl Refusal {
    pub fn unknown_transport() -> Self {
        Self::new(StatusCode::BAD_REQUEST, 0, "Transport unknown")
    }

    pub fn unknown_session() -> Self {
        Self::new(StatusCode::BAD_REQUEST, 1, "Session ID unknown")
    }

    pub fn bad_method() -> Self {
        Self::new(StatusCode::BAD_REQUEST, 2, "Bad handshake method")
    }

    pub fn bad_request() -> Self {
        Self::new(StatusCode::BAD_REQUEST, 3, "Bad request")
    }

    /// The client may not connect; the message is for its user.
    pub fn forbidden(message: impl Into<Cow<'static, str>>) -> Self {
        Self::new(StatusCode::FORBIDDEN, 4, message)
    }

    pub fn unsupported_version() -> Self {
        Self::new(StatusCode::BAD_REQUEST, 5, "Unsupported protocol version")
    }

    pub fn too_large() -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, 3, "Payload too large")
    }

    pub fn too_late() -> Self {
        Self::new(StatusCode::REQUEST_TIMEOUT, 3, "The request's body did not arrive in time")
    }

    /// The process takes no more connections just now.
    pub fn unavailable(message: impl Into<Cow<'static, str>>, retry_after_ms: u64) -> Self {
        let mut refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, 4, message);
        refusal.retry_after_ms = Some(retry_after_ms);
        refusal
    }

    /// This client asks too often or holds too much.
    pub fn too_many(message: impl Into<Cow<'static, str>>, retry_after_ms: u64) -> Self {
        let mut refusal = Self::new(StatusCode::TOO_MANY_REQUESTS, 4, message);
        refusal.retry_after_ms = Some(retry_after_ms);
        refusal
    }

    fn new(status: StatusCode, code: u8, message: impl Into<Cow<'static, str>>) -> Self {
        Self { status, code, message: message.into(), retry_after_ms: None }
    }

    pub(super) fn into_response(self) -> Response<Body> {
        let body = serde_json::json!({ "code": self.code, "message": self.message }).to_string();
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if let Some(wait) = self.retry_after_ms {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(wait.div_ceil(1_000)));
        }
        if self.status == StatusCode::PAYLOAD_TOO_LARGE || self.status == StatusCode::REQUEST_TIMEOUT {
            // What may still be on its way is not read as a next request.
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        response
    }
}
