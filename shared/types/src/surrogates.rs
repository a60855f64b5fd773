//! Lone surrogates: `"\ud83d"` is a string to JavaScript, and to no strict parser.

/// The JSON text with every escaped surrogate that stands alone replaced by an escaped U+FFFD; `None` if there is none.
pub fn without_lone_surrogates(text: &str) -> Option<String> {
    // In JSON backslashes are only in strings.
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = text.as_bytes()[at..].iter().position(|byte| *byte == b'\\') {
        at += found;
        match (unit(text, at), unit(text, at + ESCAPE)) {
            (Some(0xd800..0xdc00), Some(0xdc00..0xe000)) => at += 2 * ESCAPE,
            (Some(0xd800..0xe000), _) => {
                out.push_str(&text[copied..at]);
                out.push_str("\\ufffd");
                at += ESCAPE;
                copied = at;
            }
            // Another escape; its second character may be a backslash.
            _ => at += 2,
        }
        at = at.min(text.len());
    }
    if copied == 0 {
        return None;
    }
    out.push_str(&text[copied..]);
    Some(out)
}

/// Length of `\uXXXX`.
const ESCAPE: usize = 6;

/// The UTF-16 code unit that is escaped at `at`.
fn unit(text: &str, at: usize) -> Option<u16> {
    let digits = text.get(at..at + ESCAPE)?.strip_prefix("\\u")?;
    u16::from_str_radix(digits, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_that_stand_alone_are_replaced_and_pairs_are_not() {
        for (text, repaired) in [
            (r#""\ud83d""#, Some(r#""\ufffd""#)),
            (r#""a\ude00b\ud83d\ud83d\ude00""#, Some(r#""a\ufffdb\ufffd\ud83d\ude00""#)),
            (r#""\ud83d\ude00""#, None),
            (r#""\\ud83d""#, None),
            (r#""\u4f60\n""#, None),
            ("\"", None),
            (r#""\u12"#, None),
        ] {
            assert_eq!(without_lone_surrogates(text).as_deref(), repaired, "{text}");
        }
    }
}
