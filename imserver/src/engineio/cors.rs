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
pub(crate) enum Origin {
    /// None was sent, or it is the server's own.
    Same,
    /// A configured one; the value that answers it.
    Allowed(HeaderValue),
    Foreign,
}

impl Cors {
    pub(crate) fn judge(&self, headers: &HeaderMap, is_jsonp: bool) -> Origin {
        let Some(origin) = headers.get(header::ORIGIN) else { return self.judge_without_origin(headers, is_jsonp) };
        let any = self.origins.iter().any(|allowed| allowed == "*");
        let listed = self.origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes());
        if any || listed {
            // With credentials a browser takes no `*`; the origin itself is always right.
            return Origin::Allowed(origin.clone());
        }
        if is_own(origin, headers) { Origin::Same } else { Origin::Foreign }
    }

    /// Images, scripts and forms of other pages bring no `Origin`. Old browsers send no `Sec-Fetch-Site` either, and a
    /// page may hide its `Referer`: one that says foreign is enough, and see [`Cors::withhold`].
    fn judge_without_origin(&self, headers: &HeaderMap, is_jsonp: bool) -> Origin {
        if is_jsonp && let Some(origin) = referring_origin(headers) {
            let mut named = headers.clone();
            named.insert(header::ORIGIN, origin);
            return self.judge(&named, false);
        }
        let any = self.origins.iter().any(|allowed| allowed == "*");
        match headers.get("sec-fetch-site").map(HeaderValue::as_bytes) {
            Some(b"cross-site" | b"same-site") if !any => Origin::Foreign,
            _ => Origin::Same,
        }
    }

    /// Takes from a request what its page may not use: cookies and authorization, where another origin has no right to
    /// them, and cookies of a script that does not show where it comes from.
    pub(crate) fn withhold(&self, origin: &Origin, is_jsonp: bool, headers: &mut HeaderMap) {
        let foreign = matches!(origin, Origin::Allowed(_)) && !self.credentials;
        let own = headers.get("sec-fetch-site").is_some_and(|site| site.as_bytes() == b"same-origin");
        let hidden = is_jsonp && !own && !headers.contains_key(header::ORIGIN) && referring_origin(headers).is_none();
        if foreign || hidden {
            headers.remove(header::COOKIE);
            headers.remove(header::AUTHORIZATION);
        }
    }

    /// Puts the headers of an allowed origin on a response.
    pub(crate) fn dress(&self, origin: &Origin, response: &mut Response<Body>) {
        let Origin::Allowed(origin) = origin else { return };
        let headers = response.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        if self.credentials {
            headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        }
    }

    /// The answer to a browser's question before the request itself.
    pub(crate) fn preflight(&self, request: &HeaderMap) -> Response<Body> {
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

fn referring_origin(headers: &HeaderMap) -> Option<HeaderValue> {
    let referer = headers.get(header::REFERER)?.to_str().ok()?;
    HeaderValue::from_str(origin_of(referer)?).ok()
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
    fn an_image_of_another_site_opens_no_session() {
        let mut image = headers(None);
        for site in ["cross-site", "same-site"] {
            image.insert("sec-fetch-site", HeaderValue::from_static(site));
            assert_eq!(Cors::default().judge(&image, false), Origin::Foreign);
        }
        image.insert("sec-fetch-site", HeaderValue::from_static("same-origin"));
        assert_eq!(Cors::default().judge(&image, false), Origin::Same);
    }

    #[test]
    fn other_origins_use_no_cookie_unless_credentials_are_allowed() {
        let keeps_cookie = |credentials: bool, origin: Option<&'static str>, is_jsonp: bool| {
            let cors = Cors { origins: vec!["https://shop.example".into()], credentials };
            let mut headers = headers(origin);
            headers.insert(header::COOKIE, HeaderValue::from_static("im_token=x"));
            let judged = cors.judge(&headers, is_jsonp);
            cors.withhold(&judged, is_jsonp, &mut headers);
            headers.contains_key(header::COOKIE)
        };
        assert!(!keeps_cookie(false, Some("https://shop.example"), false));
        assert!(keeps_cookie(true, Some("https://shop.example"), false));
        assert!(keeps_cookie(false, Some("http://im.example:7001"), false));
        assert!(keeps_cookie(false, None, false));
        assert!(!keeps_cookie(true, None, true), "a script that hides where it comes from");
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
