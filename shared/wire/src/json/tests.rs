//! The scanner against serde_json, and what it says about where things are.

use proptest::prelude::*;
use serde::de::IgnoredAny;

use super::*;

/// The elements' texts, found one by one.
fn elements(text: &str) -> Vec<&str> {
    let array = array(text, None).unwrap();
    let all = &text[array.all()];
    let found: Vec<_> = (0..array.len).map(|index| element(all, index).unwrap()).collect();
    assert_eq!(element(all, array.len), None);
    found
}

#[test]
fn elements_are_found_where_they_are() {
    assert_eq!(elements("[]"), [""; 0]);
    assert_eq!(elements("[ \n]"), [""; 0]);
    assert_eq!(elements("[1]"), ["1"]);
    assert_eq!(
        elements(r#"["a,]", [1,[2]] ,{"b":[3,{}]},-1.5e+3,null]"#),
        [r#""a,]""#, "[1,[2]]", r#"{"b":[3,{}]}"#, "-1.5e+3", "null"]
    );
    assert_eq!(elements("[ \"\\\"\\\\\" ,\t\"\\ud83d\"\r\n]"), [r#""\"\\""#, r#""\ud83d""#]);
}

#[test]
fn the_first_element_is_told_from_the_others() {
    let text = r#"[ "name" , 1 ,2 ]"#;
    let found = array(text, None).unwrap();
    assert_eq!((&text[found.first.clone()], &text[found.others.clone()]), (r#""name""#, "1 ,2"));
    assert_eq!(&text[found.all()], r#""name" , 1 ,2"#);
    let found = array(r#"["name"]"#, None).unwrap();
    assert!(found.others.is_empty() && found.len == 1);
}

#[test]
fn only_a_whole_array_is_an_array() {
    for text in ["", " []", "{}", "\"[]\"", "1", "null"] {
        assert!(matches!(array(text, None), Err(Error::Body)), "{text:?}");
    }
    for text in ["[", "[]]", "[] x", "[1", "[1,", "[1,]", "[,1]", "[1 2]", "[1}", "[{]", "[{}", "[}"] {
        assert!(matches!(array(text, None), Err(Error::Json)), "{text:?}");
    }
}

#[test]
fn scalars_follow_the_grammar() {
    let good = [
        "0",
        "-0",
        "10",
        "1.5",
        "0.05",
        "1e5",
        "1E+5",
        "1e-05",
        "-1.0e0",
        "1e999",
        "true",
        "false",
        "null",
        r#""""#,
        r#""\"\\\/\b\f\n\r\t\u00Ff""#,
        "\"\u{7f}é\u{2028}\"",
        "\"0123456789 abcdef\"",
    ];
    for text in good {
        assert_eq!(elements(&format!("[{text}]")), [text]);
    }
    let bad = [
        "01",
        "-",
        "+1",
        ".5",
        "1.",
        "1.e5",
        "1e",
        "1e+",
        "--1",
        "0x1",
        "1_0",
        "NaN",
        "True",
        "tru",
        "truee",
        "nul",
        "'a'",
        r#"""#,
        r#""\""#,
        r#""\x""#,
        r#""\u12""#,
        r#""\u12g4""#,
        r#""\U0041""#,
        "\"\n\"",
        "\"\u{0}\"",
        "\"0123456\u{1f}\"",
        "\"01234567\t\"",
        "a",
        "\u{a0}1",
        "\u{feff}1",
        "/**/1",
    ];
    for text in bad {
        assert!(matches!(array(&format!("[{text}]"), None), Err(Error::Json)), "{text:?}");
    }
}

#[test]
fn nesting_is_limited_without_a_stack() {
    let nested = |depth: usize| format!("[{}{}]", "[".repeat(depth), "]".repeat(depth));
    assert_eq!(array(&nested(MAX_DEPTH), None).unwrap().len, 1);
    assert!(matches!(array(&nested(MAX_DEPTH + 1), None), Err(Error::TooDeep)));
    assert!(matches!(array(&"[".repeat(1_000_000), None), Err(Error::TooDeep)));
    assert!(matches!(array(&format!("[{}", "{\"a\":".repeat(1_000_000)), None), Err(Error::TooDeep)));
    // Depth counts what is open at the same time.
    assert_eq!(array(&format!("[{}1]", "[[]],".repeat(MAX_DEPTH)), None).unwrap().len, MAX_DEPTH + 1);
}

#[test]
fn mixed_nesting_closes_in_order() {
    let deep = format!("[{}1{}]", r#"[{"a":"#.repeat(400), "}]".repeat(400));
    assert_eq!(array(&deep, None).unwrap().len, 1);
    let crossed = format!("[{}1{}]", r#"[{"a":"#.repeat(400), "]}".repeat(400));
    assert!(matches!(array(&crossed, None), Err(Error::Json)));
}

/// What the placeholders of `text` say to this many attachments.
fn placed(text: &str, attachments: usize) -> Result<bool, Error> {
    let mut placeholders = Placeholders::new(attachments);
    array(text, Some(&mut placeholders))?;
    Ok(placeholders.are_complete())
}

#[test]
fn every_attachment_has_one_place() {
    assert!(placed(r#"["e",{"_placeholder":true,"num":0}]"#, 1).unwrap());
    assert!(placed(r#"[[{"a":{"_placeholder":true,"num":1}}],{"num":0,"_placeholder":true}]"#, 2).unwrap());
    assert!(!placed(r#"["e",{"_placeholder":true,"num":0}]"#, 2).unwrap());
    assert!(!placed(r#"["e"]"#, 1).unwrap());
}

#[test]
fn a_placeholder_is_what_receivers_take_for_one() {
    for text in [
        r#"[{ "_placeholder" : true , "num" : 0 }]"#,
        r#"[{"_placeholder":true,"num":0,"more":[{}]}]"#,
        r#"[{"\u005fplaceholder":true,"\u006eum":0}]"#,
        r#"[{"num":7,"_placeholder":false,"_placeholder":true,"num":0}]"#,
    ] {
        assert!(placed(text, 1).unwrap(), "{text}");
    }
    for text in [
        r#"[{"_placeholder":"true","num":0}]"#,
        r#"[{"_placeholder":1,"num":0}]"#,
        r#"[{"_placeholder":true,"_placeholder":false,"num":0}]"#,
        r#"[{"a":"_placeholder","b":true,"num":0}]"#,
        r#"["_placeholder",true,"num",0]"#,
        r#"[{"_placeholder":{},"num":0}]"#,
        r#"[{"_placeholder\ud83d":true,"num":0}]"#,
        r#"[{"_placeholder":[true],"num":0}]"#,
    ] {
        assert!(!placed(text, 1).unwrap(), "{text}");
    }
}

#[test]
fn a_placeholder_that_receivers_would_fail_on_is_refused() {
    for text in [
        r#"[{"_placeholder":true,"num":1}]"#,
        r#"[{"_placeholder":true}]"#,
        r#"[{"_placeholder":true,"num":-1}]"#,
        r#"[{"_placeholder":true,"num":"0"}]"#,
        r#"[{"_placeholder":true,"num":0.5}]"#,
        r#"[{"_placeholder":true,"num":[0]}]"#,
        r#"[{"_placeholder":true,"num":18446744073709551616}]"#,
        r#"[{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}]"#,
        r#"[{"_placeholder":true,"num":0,"num":null}]"#,
    ] {
        assert!(matches!(placed(text, 1), Err(Error::Placeholder)), "{text}");
    }
}

#[test]
fn lone_surrogates_are_read_as_replacement_characters() {
    for (text, value) in [
        (r#""\ud83d""#, "\u{fffd}"),
        (r#""\udc00x""#, "\u{fffd}x"),
        (r#""a\uD83Db""#, "a\u{fffd}b"),
        (r#""\ud83d\ud83d\ude00""#, "\u{fffd}😀"),
        (r#""\ude00\ud83d""#, "\u{fffd}\u{fffd}"),
        (r#""\ud83d\n""#, "\u{fffd}\n"),
        (r#""\\ud83d\ud83d""#, "\\ud83d\u{fffd}"),
        (r#""\ud83d\\ude00""#, "\u{fffd}\\ude00"),
        (r#""\ud83d\ude00é\ud83d""#, "😀é\u{fffd}"),
    ] {
        assert_eq!(parse::<String>(text).unwrap(), value, "{text}");
    }
}

#[test]
fn repairing_does_not_hide_another_fault() {
    assert!(parse::<u32>(r#""\ud83d""#).is_err());
    assert!(parse::<String>(r#""\\ud83d"#).is_err());
    assert_eq!(types::without_lone_surrogates(r#""\ud83d\ude00 \\ud83d \n""#), None);
}

/// Text that is JSON often enough.
fn nearly_json() -> impl Strategy<Value = String> {
    let token = prop::sample::select(vec![
        "[",
        "]",
        "{",
        "}",
        ",",
        ":",
        " ",
        "\"",
        "\\",
        "\"a\"",
        "\"a\":",
        "\"\\u00e9\"",
        "\"\\ud83d\"",
        "\"\\x\"",
        "\"é\u{7f}\"",
        "\"\n\"",
        "\"\u{1f}\"",
        "0",
        "-",
        "-0",
        "01",
        "1.5",
        "1.",
        "1e5",
        "1e+",
        "1E-2",
        ".5",
        "true",
        "tru",
        "false",
        "null",
        "nul",
        "[]",
        "{}",
        "[1]",
        "{\"a\":1}",
        "\"a long string, longer than a word \\\" with an escape\"",
        "\"01234567\"",
        "\t",
        "\r\n",
    ]);
    prop::collection::vec(token, 0..12).prop_map(|tokens| format!("[{}]", tokens.concat()))
}

proptest! {
    #[test]
    fn the_scanner_takes_what_serde_json_takes(text in nearly_json()) {
        prop_assert_eq!(array(&text, None).is_ok(), serde_json::from_str::<Vec<IgnoredAny>>(&text).is_ok());
    }

    #[test]
    fn the_scanner_stops_in_strings_where_serde_json_stops(content in "[ -~\u{0}-\u{40}é😀\\\\\"]{0,40}") {
        let text = format!("[\"{content}\"]");
        prop_assert_eq!(array(&text, None).is_ok(), serde_json::from_str::<Vec<IgnoredAny>>(&text).is_ok());
    }

    #[test]
    fn elements_are_the_ones_that_were_written(values in prop::collection::vec(any::<(String, i64, Option<bool>)>(), 0..5)) {
        let text = serde_json::to_string(&values).unwrap();
        let found: Vec<(String, i64, Option<bool>)> =
            elements(&text).into_iter().map(|element| parse(element).unwrap()).collect();
        prop_assert_eq!(found, values);
    }
}
