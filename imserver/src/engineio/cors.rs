//! Who may call from another origin, and the headers that tell a browser so.
//!
//! A WebSocket is not held back by the browser's same-origin policy, so the origin is checked here for every
//! transport: a request with a foreign `Origin` that is not configured is refused. A JSONP request is a script, which
//! brings no `Origin` but cookies: there `Referer` and `Sec-Fetch-Site` say where it comes from.

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
    pub(super) fn judge(&self, headers: &HeaderMap, is_jsonp: bool) -> Origin {
        let Some(origin) = headers.get(header::ORIGIN) else {
            return if is_jsonp { self.judge_script(headers) } else { Origin::Same };
        };
        let any = self.origins.iter().any(|allowed| allowed == "*");
        let listed = self.origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes());
        if any || listed {
            // With credentials a browser takes no `*`; the origin itself is always right.
            return Origin::Allowed(origin.clone());
        }
        if is_own(origin, headers) { Origin::Same } else { Origin::Foreign }
    }

    /// Old browsers send no `Sec-Fetch-Site`, pages may hide their `Referer`: one that says foreign is enough.
    fn judge_script(&self, headers: &HeaderMap) -> Origin {
        let referer = headers.get(header::REFERER).and_then(|referer| referer.to_str().ok());
        if let Some(origin) = referer.and_then(origin_of).and_then(|origin| HeaderValue::from_str(origin).ok()) {
            let mut named = headers.clone();
            named.insert(header::ORIGIN, origin);
            return self.judge(&named, false);
        }
        let any = self.origins.iter().any(|allowed| allowed == "*");
        let cross_site = headers.get("sec-fetch-site").is_some_and(|site| site.as_bytes() == b"cross-site");
        if cross_site && !any { Origin::Foreign } else { Origin::Same }
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

/// `https://shop.example` of `https://shop.example/page?x`.
fn origin_of(url: &str) -> Option<&str> {
    let authority = url.find("://")? + 3;
    let end = url[authority..].find(['/', '?', '#']).map_or(url.len(), |end| authority + end);
    Some(&url[..end])
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
        assert_eq!(cors.judge(&headers(None), false), Origin::Same);
        assert_eq!(cors.judge(&headers(Some("http://im.example:7001")), false), Origin::Same);
        assert_eq!(cors.judge(&headers(Some("http://im.example")), false), Origin::Foreign);
        assert_eq!(cors.judge(&headers(Some("null")), false), Origin::Foreign);
        let allowed = cors.judge(&headers(Some("https://shop.example")), false);
        let mut response = Response::new(Body::empty());
        cors.dress(&allowed, &mut response);
        assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_ORIGIN], "https://shop.example");
        assert_eq!(response.headers()[header::ACCESS_CONTROL_ALLOW_CREDENTIALS], "true");
    }

    #[test]
    fn a_script_of_a_foreign_page_is_refused() {
        let cors = Cors { origins: vec!["https://shop.example".into()], credentials: true };
        let script = |name: &'static str, value: &'static str| {
            let mut headers = headers(None);
            headers.insert(name, HeaderValue::from_static(value));
            cors.judge(&headers, true)
        };
        assert_eq!(script("referer", "https://evil.example/page"), Origin::Foreign);
        assert_eq!(script("sec-fetch-site", "cross-site"), Origin::Foreign);
        assert_eq!(script("referer", "http://im.example:7001/?x=1"), Origin::Same);
        assert_eq!(
            script("referer", "https://shop.example/a"),
            Origin::Allowed("https://shop.example".parse().unwrap())
        );
        assert_eq!(cors.judge(&headers(None), true), Origin::Same);
    }

    #[test]
    fn a_star_answers_with_the_origin_itself() {
        let cors = Cors { origins: vec!["*".into()], credentials: false };
        assert_eq!(
            cors.judge(&headers(Some("https://x.example")), false),
            Origin::Allowed("https://x.example".parse().unwrap())
        );
    }
}
