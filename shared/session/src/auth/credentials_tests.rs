//! Where credentials are looked for, which of several counts, and when two requests show the same.

use super::testing::*;
use super::{Config, Verifier};
use http::HeaderValue;
use http::request::Builder;
use serde_json::json;
use serde_json::value::RawValue;
use types::{Code, Failure, Identity};

fn by(user: &str) -> String {
    token(&json!({ "sub": user, "exp": NOW + 60 }), SECRET)
}

fn auth(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

fn outcome(query: &str, build: impl FnOnce(Builder) -> Builder, payload: Option<&str>) -> Result<Identity, Failure> {
    let verifier = token_mode(&token_config());
    let mut credentials = credentials(&verifier, &request(query, build));
    if let Some(payload) = payload {
        credentials = credentials.with_auth(&auth(payload))?;
    }
    verifier.verify(&credentials, NOW)
}

#[test]
fn auth_wins_over_query_then_bearer_then_cookie() {
    let (query, payload) = (format!("token={}", by("m2")), json!({ "token": by("m1") }).to_string());
    let bearer = |request: Builder| request.header("authorization", format!("Bearer {}", by("m3")));
    let cookie = |request: Builder| request.header("cookie", format!("im_token={}", by("m4")));
    let all = |request: Builder| cookie(bearer(request));
    let user = |outcome: Result<Identity, Failure>| outcome.unwrap().user.as_str().to_owned();
    assert_eq!(user(outcome(&query, all, Some(&payload))), "m1");
    assert_eq!(user(outcome(&query, all, Some("{}"))), "m2");
    assert_eq!(user(outcome(&query, all, None)), "m2");
    assert_eq!(user(outcome("", all, None)), "m3");
    assert_eq!(user(outcome("", cookie, None)), "m4");
}

#[test]
fn a_bad_token_is_not_replaced_by_a_good_one_of_lower_rank() {
    let cookie = |request: Builder| request.header("cookie", format!("im_token={}", by("m4")));
    assert_eq!(outcome("token=bad", cookie, None).unwrap_err().code, Code::Unauthorized);
    assert_eq!(outcome("", cookie, Some(r#"{"token":"bad"}"#)).unwrap_err().code, Code::Unauthorized);
}

#[test]
fn an_empty_token_is_as_none() {
    let cookie = |request: Builder| request.header("cookie", format!("im_token={}", by("m4")));
    assert!(outcome("token=", cookie, Some(r#"{"token":""}"#)).is_ok());
    assert!(outcome("", cookie, Some(r#"{"token":null}"#)).is_ok());
}

#[test]
fn the_scheme_bearer_is_written_in_any_case_and_others_are_not_ours() {
    let with = |value: String| outcome("", |request| request.header("authorization", value), None);
    assert!(with(format!("bearer {}", by("m3"))).is_ok());
    assert!(with(format!("BEARER  {}", by("m3"))).is_ok());
    for other in ["Basic bTc6eA==", "Bearer", "Bearer ", "bearer"] {
        assert!(with(other.into()).unwrap_err().message.starts_with("no token: "), "{other}");
    }
}

#[test]
fn a_parameter_with_two_values_is_refused() {
    let double = outcome(&format!("token={}&token={}", by("m1"), by("m2")), |request| request, None);
    assert_eq!(double.unwrap_err().code, Code::BadRequest);
    let same = outcome(&format!("token={}&token={}", by("m1"), by("m1")), |request| request, None);
    assert!(same.is_ok());
    for name in ["userId", "deviceId", "platform", "role", "shop"] {
        let refusal = verify(&dev(), &format!("userId=m7&{name}=1&{name}=2")).unwrap_err();
        assert_eq!(refusal.code, Code::BadRequest);
        assert!(refusal.message.ends_with(name), "{}", refusal.message);
    }
}

#[test]
fn an_auth_payload_is_an_object_of_texts() {
    let verifier = dev();
    let credentials = credentials(&verifier, &request("userId=m7", |request| request));
    for payload in
        ["[\"m8\"]", "\"m8\"", "8", "true", "null", r#"{"userId":8}"#, r#"{"token":{}}"#, r#"{"token":["x"]}"#]
    {
        let refusal = credentials.with_auth(&auth(payload)).unwrap_err();
        assert_eq!(refusal.code, Code::BadRequest, "{payload}");
    }
    let twice = credentials.with_auth(&auth(r#"{"userId":"m8","userId":"m9"}"#));
    assert_eq!(twice.unwrap_err().code, Code::BadRequest);
}

#[test]
fn what_else_an_auth_payload_holds_is_the_applications() {
    let verifier = dev();
    let credentials = credentials(&verifier, &request("userId=m7", |request| request));
    let payload = auth(r#" {"room": 7001, "nick": "\ud83d", "deep": [[[{}]]], "deviceId": "d2"}"#);
    let identity = verifier.verify(&credentials.with_auth(&payload).unwrap(), NOW).unwrap();
    assert_eq!((identity.user.as_str(), identity.device.as_deref()), ("m7", Some("d2")));
}

#[test]
fn other_cookies_may_be_anything() {
    let ours = format!("im_token={}", by("m4"));
    let mut raw = "name=群聊; latin=".as_bytes().to_vec();
    raw.extend([0xe9, 0xff]);
    raw.extend(format!("; xim_token=1; im_token2=2; im_token ; {ours}; b").into_bytes());
    let identity = outcome("", |request| request.header("cookie", HeaderValue::from_bytes(&raw).unwrap()), None);
    assert_eq!(identity.unwrap().user.as_str(), "m4");
    let second = outcome("", |request| request.header("cookie", "a=b").header("cookie", &ours), None);
    assert_eq!(second.unwrap().user.as_str(), "m4");
    let quoted = format!("im_token=\"{}\"", by("m4"));
    assert!(outcome("", |request| request.header("cookie", &quoted), None).is_ok());
}

#[test]
fn a_cookie_that_is_not_text_is_refused_with_the_reason() {
    let value = HeaderValue::from_bytes(b"im_token=\xff\xfe").unwrap();
    let refusal = outcome("", |request| request.header("cookie", value), None).unwrap_err();
    assert_eq!((refusal.code, &*refusal.message), (Code::Unauthorized, "the cookie with the token is not text"));
}

#[test]
fn two_cookies_with_different_tokens_are_refused_unless_another_token_counts() {
    let two = format!("im_token={}; im_token={}", by("m4"), by("m5"));
    let refusal = outcome("", |request| request.header("cookie", &two), None).unwrap_err();
    assert_eq!(refusal.code, Code::Unauthorized);
    assert!(outcome(&format!("token={}", by("m2")), |request| request.header("cookie", &two), None).is_ok());
    let same = format!("im_token={}; im_token={}", by("m4"), by("m4"));
    assert!(outcome("", |request| request.header("cookie", &same), None).is_ok());
}

#[test]
fn the_name_of_the_cookie_is_the_configured_one() {
    let mut config = token_config();
    let cookie = format!("shop_session={}", by("m4"));
    let accepted = |config: &Config| {
        let verifier = token_mode(config);
        let request = request("", |request| request.header("cookie", &cookie));
        verifier.verify(&credentials(&verifier, &request), NOW).is_ok()
    };
    assert!(!accepted(&config));
    config.cookie.name = "shop_session".into();
    assert!(accepted(&config));
    config.cookie.name = String::new();
    assert!(!accepted(&config));
}

#[test]
fn nothing_shown_is_told_apart_from_something_wrong() {
    let verifier = token_mode(&token_config());
    let is_empty = |query: &str, cookie: &'static str| {
        credentials(&verifier, &request(query, |r| r.header("cookie", cookie))).is_empty()
    };
    assert!(is_empty("", "a=b"));
    assert!(is_empty("token=&deviceId=d", "im_token="));
    assert!(!is_empty("token=x", "a=b"));
    assert!(!is_empty("userId=m7", "a=b"));
    assert!(!is_empty("", "im_token=x"));
}

#[test]
fn a_fingerprint_follows_the_credential_and_nothing_else() {
    let verifier = token_mode(&token_config());
    let print = |verifier: &Verifier, query: &str, cookie: &str| {
        let request = request(query, |request| request.header("cookie", cookie));
        credentials(verifier, &request).fingerprint()
    };
    let cookie = |value| format!("im_token={value}");
    let first = print(&verifier, "", &cookie("a"));
    assert_eq!(first, print(&verifier, "t=17&deviceId=d", &format!("x=y; {}", cookie("a"))));
    for (query, value) in [("", "b"), ("", ""), ("token=c", "a"), ("userId=m8", "a"), ("userId=a", "")] {
        assert_ne!(first, print(&verifier, query, &cookie(value)), "{query} {value}");
    }
    assert_ne!(print(&verifier, "userId=m7", ""), print(&verifier, "userId=m8", ""));
    assert_ne!(first, print(&token_mode(&token_config()), "", &cookie("a")), "another process has another key");
}

#[test]
fn a_fingerprint_is_of_the_request_alone() {
    let verifier = dev();
    let credentials = credentials(&verifier, &request("", |request| request));
    let later = credentials.with_auth(&auth(r#"{"userId":"m7"}"#)).unwrap();
    assert_eq!(credentials.fingerprint(), later.fingerprint());
    assert!(!later.is_empty());
}

#[test]
fn no_token_is_ever_printed() {
    let verifier = token_mode(&token_config());
    let request = request("token=visible-1", |request| {
        request.header("authorization", "Bearer visible-2").header("cookie", "im_token=visible-3")
    });
    let credentials = credentials(&verifier, &request).with_auth(&auth(r#"{"token":"visible-4"}"#)).unwrap();
    assert!(!format!("{credentials:?}").contains("visible"));
    let failure = verifier.verify(&credentials, NOW).unwrap_err();
    assert!(!format!("{failure:?}").contains("visible"));
}
