//! Arguments: what they give, and how they are made.

use bytes::Bytes;
use serde_json::value::to_raw_value;

use super::*;

#[test]
fn arguments_are_read_by_position_and_type() {
    let args = Args::from_json(r#"["text", 7 ,{"a":[true]},null]"#, Vec::new()).unwrap();
    assert_eq!(args.len(), 4);
    assert_eq!(args.get::<String>(0).unwrap(), "text");
    assert_eq!(args.get::<u8>(1).unwrap(), 7);
    assert_eq!(args.raw(2), Some(r#"{"a":[true]}"#));
    assert_eq!(args.get::<Option<u8>>(3).unwrap(), None);
    assert_eq!(args.raw(4), None);
    assert_eq!(args.json(), r#""text", 7 ,{"a":[true]},null"#);
}

#[test]
fn a_missing_and_a_malformed_argument_are_told_apart() {
    let args = Args::from_json(r#"["text"]"#, Vec::new()).unwrap();
    assert!(matches!(args.get::<u8>(0), Err(Error::Argument { index: 0, .. })));
    assert!(matches!(args.get::<u8>(1), Err(Error::MissingArgument(1))));
    assert!(matches!(Args::none().get::<u8>(0), Err(Error::MissingArgument(0))));
}

#[test]
fn a_lone_surrogate_is_repaired_on_reading_and_kept_in_the_text() {
    let args = Args::from_json(r#"["\ud83d",{"k\udc00":1}]"#, Vec::new()).unwrap();
    assert_eq!(args.get::<String>(0).unwrap(), "\u{fffd}");
    assert_eq!(args.get::<serde_json::Value>(1).unwrap(), serde_json::json!({ "k\u{fffd}": 1 }));
    assert_eq!(args.json(), r#""\ud83d",{"k\udc00":1}"#);
}

#[test]
fn deep_nesting_is_an_error_for_the_reader_and_not_a_crash() {
    let args = Args::from_json(&format!("[{}{}]", "[".repeat(1000), "]".repeat(1000)), Vec::new()).unwrap();
    assert!(matches!(args.get::<serde_json::Value>(0), Err(Error::Argument { .. })));
}

#[test]
fn values_become_arguments() {
    let args = Args::from_values(&("a", 1, Some(false))).unwrap();
    assert_eq!((args.len(), args.json()), (3, r#""a",1,false"#));
    assert_eq!(Args::from_values::<[u8]>(&[]).unwrap().len(), 0);
    assert!(Args::from_values(&()).unwrap().is_empty());
    assert!(matches!(Args::from_values("text"), Err(Error::NotAList)));
}

#[test]
fn parts_number_their_attachments() {
    let object = to_raw_value(&serde_json::json!({ "a": 1 })).unwrap();
    let parts = [Arg::Binary(Bytes::from_static(b"one")), Arg::Json(&object), Arg::Binary(Bytes::from_static(b""))];
    let args = Args::from_parts(&parts);
    assert_eq!(args.json(), r#"{"_placeholder":true,"num":0},{"a":1},{"_placeholder":true,"num":1}"#);
    assert_eq!(args.len(), 3);
    assert_eq!(args.attachment(0).unwrap(), "one");
    assert_eq!(args.attachment(1), None);
    assert_eq!(args.attachment(2).unwrap(), "");
    assert_eq!(args.attachment(3), None);
    let none = Args::from_parts(&[]);
    assert!(none.is_empty() && none.json().is_empty());
}

#[test]
fn an_object_is_an_attachment_only_if_it_says_so_and_there_is_one() {
    let args = Args::from_json(r#"[{"_placeholder":true,"num":0}]"#, Vec::new()).unwrap();
    assert_eq!(args.attachment(0), None);
    let attachments = vec![Bytes::from_static(b"x")];
    let args =
        Args::from_json(r#"[{"_placeholder":false,"num":0},{"_placeholder":true,"num":0}]"#, attachments).unwrap();
    assert_eq!((args.attachment(0), args.attachment(1)), (None, Some(&Bytes::from_static(b"x"))));
}

#[test]
fn arguments_with_attachments_must_place_each() {
    let made = |json: &str| Args::from_json(json, vec![Bytes::from_static(b"x")]);
    assert!(made(r#"[{"_placeholder":true,"num":0}]"#).is_ok());
    assert!(matches!(made("[1]"), Err(Error::Placeholder)));
    assert!(matches!(made(r#"[{"_placeholder":true,"num":1}]"#), Err(Error::Placeholder)));
}

#[test]
fn arguments_never_show_their_content_when_printed() {
    let shown = format!("{:?}", Args::from_json(r#"["geheim"]"#, Vec::new()).unwrap());
    assert_eq!(shown, "Args(1 in 8 bytes, 0 attachments)");
}

#[test]
fn values_are_read_from_what_javascript_wrote() {
    assert_eq!(parse_json::<String>(r#""\ud83d!""#).unwrap(), "\u{fffd}!");
    assert!(matches!(parse_json::<u8>("[]"), Err(Error::Convert(_))));
}
