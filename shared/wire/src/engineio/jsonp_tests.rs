//! Scripts out, forms in.

use super::jsonp::{unwrap_form, wrap};
use crate::Error;

#[test]
fn a_body_becomes_a_script_that_says_the_same() {
    assert_eq!(wrap(0, "1:6"), r#"___eio[0]("1:6");"#);
    assert_eq!(wrap(12, "a\"b\\c\n\r\t\u{1}é"), "___eio[12](\"a\\\"b\\\\c\\n\\r\\u0009\\u0001é\");");
}

#[test]
fn what_ends_a_script_early_is_escaped() {
    assert_eq!(wrap(0, "\u{2028}\u{2029}</script><//"), r#"___eio[0]("\u2028\u2029<\/script><\//");"#);
}

#[test]
fn a_script_holds_a_json_string() {
    let body = "all of \u{0}\u{8}\u{c}\u{1f}\u{7f}\"\\/ </ 😀";
    let script = wrap(3, body);
    let json = script.strip_prefix("___eio[3](").unwrap().strip_suffix(");").unwrap();
    assert_eq!(serde_json::from_str::<String>(json).unwrap(), body);
}

/// What a browser posts: the client escapes line feeds, then the form is percent-encoded.
fn form(body: &str) -> String {
    let escaped = body.replace("\\n", "\\\n").replace('\n', "\\n");
    let encode = |byte: u8| match byte {
        b' ' => "+".to_owned(),
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => char::from(byte).to_string(),
        _ => format!("%{byte:02X}"),
    };
    format!("d={}", escaped.bytes().map(encode).collect::<String>())
}

#[test]
fn line_feeds_survive_a_form() {
    for body in [
        "2:4a",
        "4\n",
        "4\\n",
        "4\\\\n",
        "4\n\\n\n",
        "4\\\\\\n\\n",
        "\\\\",
        "n\\",
        "7:42[\"a\\nb\\\\nc\"]",
        "é + & = % 😀",
    ] {
        assert_eq!(unwrap_form(&form(body)).unwrap(), body, "{}", form(body));
    }
}

#[test]
fn an_escaped_line_feed_is_data_and_a_bare_one_a_line_feed() {
    assert_eq!(unwrap_form("d=x%5Cny").unwrap(), "x\ny");
    assert_eq!(unwrap_form("d=x%5C%5Cny").unwrap(), "x\\ny");
    assert_eq!(unwrap_form("d=x\\ny").unwrap(), "x\ny");
}

#[test]
fn other_fields_are_ignored_and_stray_percent_signs_stay() {
    assert_eq!(unwrap_form("a=1&d=4x&e").unwrap(), "4x");
    assert_eq!(unwrap_form("d=100%&x=1").unwrap(), "100%");
    assert_eq!(unwrap_form("d=%zz%4").unwrap(), "%zz%4");
    assert_eq!(unwrap_form("d=").unwrap(), "");
}

#[test]
fn a_form_without_one_readable_field_is_refused() {
    for body in ["", "x=1", "d", "D=1", "d=1&d=2", "d=%ff"] {
        assert!(matches!(unwrap_form(body), Err(Error::Form)), "{body}");
    }
}
