//! Placeholders found, counted anew, or refused.

use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

const PARTS: [&[u8]; 3] = [b"zero", b"one", b"two"];

fn parts() -> Vec<Bytes> {
    PARTS.into_iter().map(Bytes::from_static).collect()
}

fn pass(payload: &str) -> Result<(String, Vec<Bytes>), Failure> {
    let payload = RawValue::from_string(payload.to_owned()).unwrap();
    of_payload(payload, &parts()).map(|(payload, parts)| (payload.get().to_owned(), parts))
}

#[test]
fn parts_are_counted_anew_in_the_order_of_the_text() {
    let (payload, parts) =
        pass(r#"[{"_placeholder":true,"num":2}, {"num": 0 ,"_placeholder":true}, {"_placeholder":true,"num":2}]"#)
            .unwrap();
    assert_eq!(
        payload,
        r#"[{"_placeholder":true,"num":0}, {"num": 1 ,"_placeholder":true}, {"_placeholder":true,"num":0}]"#
    );
    assert_eq!(parts, [PARTS[2], PARTS[0]]);
}

#[test]
fn parts_of_others_are_left_behind_and_text_is_left_alone() {
    let text = r#"{"num":7,"a":"{\"_placeholder\":true,\"num\":0}\\","lone":"\ud83d", "e":[ ] ,"n":-1.5e3,"f":false}"#;
    assert_eq!(pass(text).unwrap(), (text.to_owned(), Vec::new()));
}

#[test]
fn an_escaped_key_is_the_same_key() {
    let (payload, parts) = pass(r#"{"_\u0070laceholder":true,"\u006eum":1}"#).unwrap();
    assert_eq!(payload, r#"{"_\u0070laceholder":true,"\u006eum":0}"#);
    assert_eq!(parts, [PARTS[1]]);
}

#[test]
fn only_true_marks_a_placeholder_and_the_last_key_counts() {
    for text in [
        r#"{"_placeholder":false,"num":9}"#,
        r#"{"_placeholder":"true","num":9}"#,
        r#"{"_placeholder":{"x":true},"num":9}"#,
        r#"{"_placeholder":[true],"num":9}"#,
        r#"{"_placeholder":true,"num":9,"_placeholder":null}"#,
        r#"["_placeholder",true,"num",9]"#,
        r#"{"x":"_placeholder","y":true,"num":9}"#,
    ] {
        assert_eq!(pass(text).unwrap(), (text.to_owned(), Vec::new()), "{text}");
    }
    assert_eq!(pass(r#"{"num":9,"_placeholder":true,"num":2}"#).unwrap().1, [PARTS[2]]);
}

#[test]
fn a_placeholder_of_nothing_is_refused() {
    for number in ["3", "-1", "1.0", "1e0", "\"1\"", "[1]", "{}", "null", "99999999999999999999999"] {
        let refused = pass(&format!(r#"{{"_placeholder":true,"num":{number}}}"#)).unwrap_err();
        assert_eq!(refused.code, types::Code::BadRequest, "{number}");
    }
    assert_eq!(pass(r#"{"_placeholder":true}"#).unwrap_err().message, "a binary placeholder has no number");
}

#[test]
fn without_parts_nothing_is_a_placeholder() {
    let payload = RawValue::from_string(r#"{"_placeholder":true,"num":9}"#.to_owned()).unwrap();
    let (same, parts) = of_payload(payload, &[]).unwrap();
    assert_eq!((same.get(), parts.len()), (r#"{"_placeholder":true,"num":9}"#, 0));
}

#[test]
fn depth_does_not_overflow_the_stack() {
    let deep = 100_000;
    let text = format!(r#"{}{{"_placeholder":true,"num":1}}{}"#, "[".repeat(deep), "]".repeat(deep));
    let (payload, parts) = pass(&text).unwrap();
    assert_eq!(payload, text.replace("\"num\":1", "\"num\":0"));
    assert_eq!(parts, [PARTS[1]]);
}

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        (0..3u64).prop_map(|num| json!({"_placeholder": true, "num": num})),
    ];
    leaf.prop_recursive(4, 40, 5, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
            prop::collection::hash_map("[a-z\"\\\\]{0,4}", inner, 0..5).prop_map(|map| map.into_iter().collect()),
        ]
    })
}

/// The payload as a receiver sees it: each placeholder replaced by what it stands for.
fn resolve(value: &Value, parts: &[Bytes]) -> Value {
    match value {
        Value::Object(map) if map.get("_placeholder") == Some(&Value::Bool(true)) => {
            let part = &parts[map["num"].as_u64().unwrap() as usize];
            Value::from(String::from_utf8_lossy(part).into_owned())
        }
        Value::Object(map) => map.iter().map(|(key, value)| (key.clone(), resolve(value, parts))).collect(),
        Value::Array(list) => list.iter().map(|value| resolve(value, parts)).collect(),
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn a_receiver_sees_what_was_sent(value in values(), pretty in any::<bool>()) {
        let text = if pretty { format!("{value:#}") } else { value.to_string() };
        let (payload, kept) = pass(&text).unwrap();
        let received: Value = serde_json::from_str(&payload).unwrap();
        prop_assert_eq!(resolve(&received, &kept), resolve(&value, &parts()));
    }
}
