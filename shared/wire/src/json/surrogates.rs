//! Lone surrogates: `"\ud83d"` is a string to JavaScript, and to no strict parser.

/// The text with every escaped surrogate that stands alone replaced by an escaped U+FFFD; `None` if there is none.
/// `text` is JSON, so backslashes are only in strings.
pub(super) fn repair(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut copied = 0;
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'\\', &text.as_bytes()[at..]) {
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
