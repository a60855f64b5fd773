//! Development mode: at one's word, but on this machine only.

use super::testing::*;
use http::Request;
use http::request::Builder;
use types::{Code, Failure, Identity, Platform, Role};

fn from(peer: &str, build: impl FnOnce(Builder) -> Builder) -> Result<Identity, Failure> {
    let verifier = dev();
    let request = build(Request::get("/socket.io/?userId=m7")).body(()).unwrap().into_parts().0;
    verifier.verify(&verifier.credentials(&request, address(peer)), NOW)
}

fn with_host(host: &str) -> Result<Identity, Failure> {
    from("127.0.0.1:5", |request| request.header("host", host))
}

#[test]
fn whoever_connects_is_who_they_say() {
    let plain = verify(&dev(), "userId=m7").unwrap();
    assert_eq!((plain.user.as_str(), plain.role, plain.platform), ("m7", Role::Buyer, Platform::Pc));
    let agent = verify(&dev(), "userId=hua1024&role=agent&shop=m9&deviceId=d1&platform=wap").unwrap();
    assert_eq!((agent.role, agent.shop.as_deref()), (Role::Agent, Some("m9")));
    assert_eq!((agent.device.as_deref(), agent.platform), (Some("d1"), Platform::Wap));
}

#[test]
fn a_user_must_be_named_and_be_one() {
    let refusal = |query| verify(&dev(), query).unwrap_err();
    for query in ["", "userId=", "userid=m7", "token=m7"] {
        assert!(refusal(query).message.starts_with("no user: "), "{query}");
    }
    for query in ["userId=m", "userId=0", "userId=m7&role=king", "userId=m7&role=agent", "userId=%FF7"] {
        assert_eq!(refusal(query).code, Code::Unauthorized, "{query}");
    }
}

#[test]
fn another_machine_is_refused() {
    for peer in ["192.168.1.9:5", "[2001:db8::1]:5", "[::ffff:10.0.0.1]:5", "0.0.0.0:5"] {
        let refusal = from(peer, |request| request.header("host", "localhost")).unwrap_err();
        assert_eq!(refusal.code, Code::Forbidden, "{peer}");
    }
    for peer in ["127.0.0.1:5", "127.9.9.9:5", "[::1]:5", "[::ffff:127.0.0.1]:5"] {
        assert!(from(peer, |request| request.header("host", "localhost")).is_ok(), "{peer}");
    }
}

#[test]
fn a_request_that_a_proxy_passed_on_is_refused() {
    for header in
        ["Forwarded", "X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "x-forwarded", "X-Real-IP", "Via"]
    {
        let build = |request: Builder| request.header("host", "localhost:7001").header(header, "");
        assert_eq!(from("127.0.0.1:5", build).unwrap_err().code, Code::Forbidden, "{header}");
    }
}

#[test]
fn a_host_that_is_not_this_machine_is_refused() {
    for host in [
        "im.example",
        "im.example:7001",
        "localhost.example",
        "127.0.0.1.example",
        "128.0.0.1",
        "0.0.0.0:7001",
        "192.168.1.9",
        "[::]:7001",
        "::1",
        "localhost:7001:80",
        "user@localhost",
        "127.1",
        "",
    ] {
        assert_eq!(with_host(host).unwrap_err().code, Code::Forbidden, "{host}");
    }
    for host in ["localhost", "LocalHost:7001", "127.0.0.1", "127.0.0.1:7001", "127.8.9.1:80", "[::1]", "[::1]:7001"] {
        assert!(with_host(host).is_ok(), "{host}");
    }
}

#[test]
fn a_request_without_a_host_or_with_two_is_refused() {
    assert_eq!(from("127.0.0.1:5", |request| request).unwrap_err().code, Code::Forbidden);
    let two = |request: Builder| request.header("host", "localhost").header("host", "im.example");
    assert_eq!(from("127.0.0.1:5", two).unwrap_err().code, Code::Forbidden);
    let target = |request: Builder| request.uri("http://im.example/?userId=m7").header("host", "localhost");
    assert_eq!(from("127.0.0.1:5", target).unwrap_err().code, Code::Forbidden);
}
