//! Which tokens are believed, and what is said about the others.

use super::testing::*;
use super::{Config, Cookie, Key};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use serde_json::{Value, json};
use sha2::Sha256;
use types::{Code, Identity, Platform, Role};

/// The key pair of RFC 8032, section 7.1, test 1.
const ED_PRIVATE: &str = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
const ED_PUBLIC: &str = "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=";

fn buyer() -> Value {
    json!({ "sub": "m7", "exp": NOW + 60 })
}

fn read(claims: &Value) -> Result<Identity, String> {
    let token = token(claims, SECRET);
    believed(&token_config(), &token)
}

fn believed(config: &Config, token: &str) -> Result<Identity, String> {
    verify(&token_mode(config), &format!("token={token}")).map_err(|failure| {
        assert_eq!(failure.code, Code::Unauthorized);
        failure.message.into_owned()
    })
}

fn refusal(claims: &Value) -> String {
    read(claims).unwrap_err()
}

#[test]
fn a_good_token_says_who_it_is() {
    let buyer = read(&buyer()).unwrap();
    assert_eq!((buyer.user.as_str(), buyer.role, buyer.shop), ("m7", Role::Buyer, None));
    let agent = read(&json!({ "sub": "hua1024", "role": "agent", "shop": "m9", "exp": NOW + 60 })).unwrap();
    assert_eq!((agent.user.as_str(), agent.role, agent.shop.as_deref()), ("hua1024", Role::Agent, Some("m9")));
}

#[test]
fn device_and_platform_come_from_the_request() {
    let verifier = token_mode(&token_config());
    let query = format!("token={}&deviceId=d%201&platform=android", token(&buyer(), SECRET));
    let identity = verify(&verifier, &query).unwrap();
    assert_eq!((identity.device.as_deref(), identity.platform), (Some("d 1"), Platform::Android));
    assert_eq!(verify(&verifier, &format!("{query}&platform=vax")).unwrap_err().code, Code::BadRequest);
    let long = "d".repeat(129);
    let query = format!("token={}&deviceId={long}", token(&buyer(), SECRET));
    assert_eq!(verify(&verifier, &query).unwrap_err().code, Code::BadRequest);
}

#[test]
fn what_the_request_claims_beside_its_token_counts_for_nothing() {
    let query = format!("token={}&userId=m8&role=admin&shop=m9", token(&buyer(), SECRET));
    let identity = verify(&token_mode(&token_config()), &query).unwrap();
    assert_eq!((identity.user.as_str(), identity.role, identity.shop), ("m7", Role::Buyer, None));
}

#[test]
fn without_a_token_there_is_nobody() {
    let verifier = token_mode(&token_config());
    for query in ["", "userId=m7", "token="] {
        let failure = verify(&verifier, query).unwrap_err();
        assert_eq!(failure.code, Code::Unauthorized);
        assert!(failure.message.starts_with("no token: "), "{}", failure.message);
    }
}

#[test]
fn tokens_end_after_a_little_patience() {
    let until = |exp: Value| read(&json!({ "sub": "m7", "exp": exp })).err();
    assert_eq!(until(json!(NOW - 9)), None);
    assert_eq!(until(json!(NOW as f64 - 9.5)), None);
    assert_eq!(until(json!(NOW - 10)).as_deref(), Some("the token has expired"));
    assert_eq!(until(json!(-1)).as_deref(), Some("the token has expired"));
    for exp in [json!("2099-01-01"), json!(true)] {
        let refusal = until(exp);
        assert_eq!(refusal.as_deref(), Some("the token's exp must be a number, in seconds since 1970"));
    }
    assert!(until(json!([NOW + 60])).is_some());
    assert_eq!(until(Value::Null).as_deref(), Some("the token has no exp: tokens must end"));
    assert_eq!(refusal(&json!({ "sub": "m7" })), "the token has no exp: tokens must end");
}

#[test]
fn tokens_of_the_future_wait() {
    let from = |nbf: Value| read(&json!({ "sub": "m7", "exp": NOW + 600, "nbf": nbf })).err();
    assert_eq!(from(json!(NOW + 10)), None);
    assert_eq!(from(json!(NOW + 11)).as_deref(), Some("the token is not valid yet"));
    assert!(from(json!("tomorrow")).is_some());
}

#[test]
fn a_token_must_name_a_user() {
    assert_eq!(refusal(&json!({ "exp": NOW + 60 })), "the token has no sub");
    assert_eq!(refusal(&json!({ "sub": 1024, "exp": NOW + 60 })), "the token's sub must be a text, the user key");
    for sub in ["", "m", "m 7", "7:8", "../7"] {
        let refusal = refusal(&json!({ "sub": sub, "exp": NOW + 60 }));
        assert!(refusal.starts_with("the token does not say who you are: the user is not a user key"), "{refusal}");
    }
}

#[test]
fn nobody_is_the_system() {
    let refusal = refusal(&json!({ "sub": "0", "exp": NOW + 60 }));
    assert!(refusal.ends_with("the user 0 is the system itself"), "{refusal}");
}

#[test]
fn roles_are_a_closed_set_and_an_agent_has_a_shop() {
    let read = |role: Value, shop: Value| read(&json!({ "sub": "m7", "exp": NOW + 60, "role": role, "shop": shop }));
    assert!(read(json!("admin"), Value::Null).is_ok());
    assert!(read(json!("Admin"), Value::Null).unwrap_err().contains("none of buyer, agent, merchant, admin"));
    assert!(read(json!(3), Value::Null).unwrap_err().contains("role must be a text"));
    assert!(read(json!("agent"), Value::Null).unwrap_err().contains("an agent needs a shop"));
    assert!(read(json!("agent"), json!("")).unwrap_err().contains("the shop is not"));
    assert!(read(json!("agent"), json!("a\nb")).unwrap_err().contains("the shop is not"));
    assert!(read(json!("agent"), json!(9)).unwrap_err().contains("shop must be a text"));
    assert_eq!(read(json!("buyer"), json!("m9")).unwrap().shop, None);
}

#[test]
fn a_signature_by_another_key_is_not_believed() {
    let refusal = believed(&token_config(), &token(&buyer(), OTHER)).unwrap_err();
    assert_eq!(refusal, "the token's signature is not by a key of this server");
}

#[test]
fn a_token_that_was_changed_is_not_believed() {
    let good = token(&buyer(), SECRET);
    let parts: Vec<&str> = good.split('.').collect();
    let other = token(&json!({ "sub": "m8", "exp": NOW + 60 }), SECRET);
    let mixed = format!("{}.{}.{}", parts[0], other.split('.').nth(1).unwrap(), parts[2]);
    assert!(believed(&token_config(), &mixed).unwrap_err().contains("signature"));
    for broken in [format!("{}.{}.", parts[0], parts[1]), format!("{}.{}.{}", parts[0], parts[1], &parts[2][..20])] {
        assert!(believed(&token_config(), &broken).unwrap_err().contains("signature"));
    }
}

#[test]
fn a_token_without_a_signature_is_not_believed() {
    for alg in ["none", "None", "nOnE", ""] {
        let token = forged(&json!({ "alg": alg, "typ": "JWT" }), &buyer(), b"");
        assert!(believed(&token_config(), &token).unwrap_err().contains("not supported"));
    }
}

#[test]
fn the_algorithm_is_the_keys_not_the_tokens() {
    let config = Config { keys: vec![ed_key("ed", ED_PUBLIC)], ..token_config() };
    // The public key, which everybody has, taken as the secret of an HMAC.
    let public = STANDARD.decode(ED_PUBLIC).unwrap();
    for secret in [public, ED_PUBLIC.as_bytes().to_vec()] {
        let confused = signed(&named("ed", Algorithm::HS256), &buyer(), &EncodingKey::from_secret(&secret));
        assert_eq!(believed(&config, &confused).unwrap_err(), "the token is not signed with the algorithm of its key");
    }
    let unsigned = signed(&Header::new(Algorithm::EdDSA), &buyer(), &ed_private());
    assert_eq!(believed(&config, &unsigned).unwrap_err(), "the token is not signed with the algorithm of its key");
    let longer = signed(&Header::new(Algorithm::HS512), &buyer(), &EncodingKey::from_secret(SECRET.as_bytes()));
    assert_eq!(believed(&config, &longer).unwrap_err(), "the token is not signed with the algorithm of its key");
}

#[test]
fn what_is_no_token_is_refused_as_malformed() {
    for token in ["x", "undefined", "a.b", "a.b.c", "..", "....", "%FF%FE.x.y", "e30.e30.e30", "令牌"] {
        let refusal = believed(&token_config(), token).unwrap_err();
        assert!(refusal.starts_with("the token is malformed"), "{token}: {refusal}");
    }
    assert_eq!(believed(&token_config(), &"x".repeat(9000)).unwrap_err(), "the token is too long");
}

#[test]
fn claims_that_stand_twice_are_refused() {
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256"}"#);
    let claims = URL_SAFE_NO_PAD.encode(format!(r#"{{"sub":"m7","sub":"m8","exp":{}}}"#, NOW + 60));
    let message = format!("{header}.{claims}");
    let key = EncodingKey::from_secret(SECRET.as_bytes());
    let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &key, Algorithm::HS256).unwrap();
    assert!(believed(&token_config(), &format!("{message}.{signature}")).unwrap_err().contains("malformed"));
}

#[test]
fn a_token_for_someone_else_or_with_unknown_demands_is_refused() {
    let for_shop = json!({ "sub": "m7", "exp": NOW + 60, "aud": "shop" });
    assert_eq!(refusal(&for_shop), "the token is for another audience (aud)");
    let header = Header { crit: Some(vec!["b64".into()]), ..Header::new(Algorithm::HS256) };
    let token = signed(&header, &buyer(), &EncodingKey::from_secret(SECRET.as_bytes()));
    assert!(believed(&token_config(), &token).unwrap_err().contains("crit"));
}

#[test]
fn keys_rotate_by_their_names() {
    let both = Config { secret: "".into(), keys: vec![key("old", SECRET), key("new", OTHER)], ..token_config() };
    let only_new = Config { secret: "".into(), keys: vec![key("new", OTHER)], ..token_config() };
    let by_old = signed(&named("old", Algorithm::HS256), &buyer(), &EncodingKey::from_secret(SECRET.as_bytes()));
    let by_new = signed(&named("new", Algorithm::HS256), &buyer(), &EncodingKey::from_secret(OTHER.as_bytes()));
    assert!(believed(&both, &by_old).is_ok());
    assert!(believed(&both, &by_new).is_ok());
    assert!(believed(&only_new, &by_new).is_ok());
    assert!(believed(&only_new, &by_old).unwrap_err().contains("does not have"));
    let swapped = signed(&named("old", Algorithm::HS256), &buyer(), &EncodingKey::from_secret(OTHER.as_bytes()));
    assert!(believed(&both, &swapped).unwrap_err().contains("signature"));
    assert_eq!(believed(&both, &token(&buyer(), SECRET)).unwrap_err(), "the token does not name its key (kid)");
}

#[test]
fn the_secret_takes_tokens_without_a_name_and_with_any_while_there_are_no_named_keys() {
    let named_anyhow = signed(&named("any", Algorithm::HS256), &buyer(), &EncodingKey::from_secret(SECRET.as_bytes()));
    assert!(believed(&token_config(), &named_anyhow).is_ok());
    let config = Config { keys: vec![key("new", OTHER)], ..token_config() };
    assert!(believed(&config, &token(&buyer(), SECRET)).is_ok());
    assert!(believed(&config, &named_anyhow).unwrap_err().contains("does not have"));
}

#[test]
fn a_public_key_is_read_in_each_of_its_forms() {
    let token = signed(&named("ed", Algorithm::EdDSA), &buyer(), &ed_private());
    let der = [&[0x30, 0x2a, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 3, 0x21, 0][..], &STANDARD.decode(ED_PUBLIC).unwrap()];
    let pem = format!("-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n", STANDARD.encode(der.concat()));
    let jwk = ED_PUBLIC.replace('/', "_").replace('+', "-").replace('=', "");
    for public in [ED_PUBLIC, &pem, &jwk] {
        let config = Config { secret: "".into(), keys: vec![ed_key("ed", public)], ..token_config() };
        assert_eq!(believed(&config, &token).unwrap().user.as_str(), "m7");
    }
    let other = Config { keys: vec![ed_key("ed", "PUAXw+hDiVqStwqnTRt+vJyYLM8uxJaMwM1V8Sr0Zgw=")], ..token_config() };
    assert!(believed(&other, &token).unwrap_err().contains("signature"));
}

#[test]
fn a_plain_cookie_is_the_token() {
    let verifier = token_mode(&token_config());
    let cookie = format!("a=b; im_token={}", token(&buyer(), SECRET));
    let request = request("", |request| request.header("cookie", &cookie));
    assert_eq!(verifier.verify(&credentials(&verifier, &request), NOW).unwrap().user.as_str(), "m7");
}

#[test]
fn a_signed_cookie_is_believed_with_its_signature_only() {
    let cookie = Cookie { signed: true, secret: OTHER.into(), ..Cookie::default() };
    let verifier = token_mode(&Config { cookie, ..token_config() });
    let token = token(&buyer(), SECRET);
    let sign = |secret: &str| {
        let signer = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
        URL_SAFE_NO_PAD.encode(signer.chain_update(&token).finalize().into_bytes())
    };
    let outcome = |cookie: String| {
        let request = request("", |request| request.header("cookie", format!("im_token={cookie}")));
        verifier.verify(&credentials(&verifier, &request), NOW).map_err(|failure| failure.message.into_owned())
    };
    assert_eq!(outcome(format!("{token}.{}", sign(OTHER))).unwrap().user.as_str(), "m7");
    let not_ours = "the signature of the cookie is not ours";
    assert_eq!(outcome(format!("{token}.{}", sign(SECRET))).unwrap_err(), not_ours);
    assert_eq!(outcome(format!("{token}.{}", &sign(OTHER)[..20])).unwrap_err(), not_ours);
    assert_eq!(outcome(token.clone()).unwrap_err(), not_ours);
    assert_eq!(outcome("x".into()).unwrap_err(), "the cookie with the token is not signed");
    assert_eq!(outcome(format!("{token}.!!")).unwrap_err(), "the signature of the cookie is malformed");
    // A token from elsewhere needs no cookie's signature.
    assert!(verify(&verifier, &format!("token={token}")).is_ok());
}

fn named(kid: &str, algorithm: Algorithm) -> Header {
    Header { kid: Some(kid.into()), ..Header::new(algorithm) }
}

fn ed_key(id: &str, public: &str) -> Key {
    Key { id: id.into(), public_key: public.into(), ..Key::default() }
}

fn ed_private() -> EncodingKey {
    // PrivateKeyInfo of RFC 8410, section 7.
    let prefix = [0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20];
    EncodingKey::from_ed_der(&[&prefix[..], &STANDARD.decode(ED_PRIVATE).unwrap()].concat())
}

#[test]
fn a_cookie_that_is_set_is_one_that_is_believed() {
    for signed in [false, true] {
        let cookie = Cookie { signed, secret: if signed { OTHER.into() } else { "".into() }, ..Cookie::default() };
        let verifier = token_mode(&Config { cookie, ..token_config() });
        let set = verifier.cookie(&token(&buyer(), SECRET)).unwrap();
        let (pair, attributes) = set.split_once("; ").unwrap();
        assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Lax; Secure");
        let request = request("", |request| request.header("cookie", pair));
        assert_eq!(verifier.verify(&credentials(&verifier, &request), NOW).unwrap().user.as_str(), "m7");
        assert_eq!(verifier.no_cookie().unwrap(), "im_token=; Path=/; HttpOnly; SameSite=Lax; Secure; Max-Age=0");
    }
}

#[test]
fn where_no_cookie_is_looked_at_none_is_set() {
    let cookie = Cookie { name: String::new(), ..Cookie::default() };
    let verifier = token_mode(&Config { cookie, ..token_config() });
    assert_eq!(verifier.cookie(&token(&buyer(), SECRET)).unwrap_err().code, types::Code::BadRequest);
    assert_eq!(super::testing::dev().cookie("x").unwrap_err().code, types::Code::BadRequest);
}
