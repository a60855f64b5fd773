//! Who may call from another origin, and the headers that tell a browser so.
//!
//! A WebSocket is not held back by the browser's same-origin policy, so the origin is checked here for every
//! transport: a request with a foreign `Origin` that is not configured is refused.

use super::config::Cors;
use axum::body::Body;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

/// What the `Origin` of a request comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Origin {
    /// None was sent, or it is the server's own.
    Same,
    /// A configured one; the value that answers it.
    Allowed(HeaderValue),
    Foreign,
}

impl Cors {
    pub(super) fn judge(&self, headers: &HeaderMap) -> Origin {
        let Some(origin) = headers.get(header::ORIGIN) else { return Origin::Same };
        let any = self.origins.iter().any(|allowed| allowed == "*");
        let listed = self.origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes());
        if any || listed {
            // With credentials a browser takes no `*`; the origin itself is always right.
            return Origin::Allowed(origin.clone());
        }
        if is_own(origin, headers) { Origin::Same } else { Origin::Foreign }
    }

    /// Puts the headers of an allowed origin on a response.
    pub(super) fn dress(&self, origin: &Origin, response: &mut Response<Body>) {
        let Origin::Allowed(origin) = origin else { return };
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        if self.credentials {
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    }

    /// The answer to a browser's question before the request itself.
    pub(super) fn preflight(&self, request: &HeaderMap) -> Response<Body> {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::NO_CONTENT;
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET,POST,OPTIONS"));
        let wanted = request.get(header::ACCESS_CONTROL_REQUEST_HEADERS).cloned();
        let wanted = wanted.unwrap_or(HeaderValue::from_static("content-type,authorization"));
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, wanted);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
        response
    }
}

/// Whether an origin names the host that the request was sent to.
fn is_own(origin: &HeaderValue, headers: &HeaderMap) -> bool {
    let (Ok(origin), Some(Ok(host))) = (origin.to_str(), headers.get(header::HOST).map(HeaderValue::to_str)) else {
        return false;
    };
    origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(origin: Option<&'static str>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, HeaderValue::from_static("im.example:7001"));
        if let Some(origin) = origin {
            headers.insert(header::ORIGIN, HeaderValue::from_static(origin));
        }
        headers
    }

    #[test]
    fn only_own_and_configured_origins_may_come() {
        let cors = Cors { origins: vec!["https://shop.example".into()], credentials: true };
        assert_eq!(cors.judge(&headers(None)), Origin::Same);
        assert_eq!(cors.judge(&headers(Some("http://im.example:7001"))), Origin::Same);
        assert_eq!(cors.judge(&headers(Some("http://im.example"))), Origin::Foreign);
        assert_eq!(cors.judge(&headers(Some("null"))), Origin::Foreign);
        let allowed = cors.judge(&headers(Some("https://shop.example")));
        let mut response = Response::new(Body::empty());
        cors.dress(&allowed, &mut response);
        assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "https://shop.example");
        assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
    }

    #[test]
    fn a_star_answers_with_the_origin_itself() {
        let cors = Cors { origins: vec!["*".into()], credentials: false };
        assert_eq!(
            cors.judge(&headers(Some("https://x.example"))),
            Origin::Allowed("https://x.example".parse().unwrap())
        );
    }
}
