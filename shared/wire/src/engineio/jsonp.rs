//! Polling without XHR, for revision 3: responses are scripts, requests are HTML forms.

use crate::Error;

/// The script that hands a text body to the page's callback number `index` (the query's `j`).
///
/// The body is a JSON string that is also safe as script: the line separators U+2028 and U+2029 and `</` are escaped.
pub fn wrap(index: u32, body: &str) -> String {
    let mut script = format!("___eio[{index}](\"");
    let mut previous = '\0';
    for character in body.chars() {
        match character {
            '"' => script.push_str("\\\""),
            '\\' => script.push_str("\\\\"),
            '\n' => script.push_str("\\n"),
            '\r' => script.push_str("\\r"),
            '/' if previous == '<' => script.push_str("\\/"),
            '\0'..' ' | '\u{2028}' | '\u{2029}' => script.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => script.push(character),
        }
        previous = character;
    }
    script.push_str("\");");
    script
}

/// The text body inside a form, from its field `d`.
///
/// Browsers rewrite line ends in forms, so clients send a line feed as `\n` and a `\n` of the data as `\\n`; this turns
/// both back.
pub fn unwrap_form(body: &str) -> Result<String, Error> {
    let mut fields = body.split('&').filter_map(|field| field.strip_prefix("d="));
    let (Some(field), None) = (fields.next(), fields.next()) else { return Err(Error::Form) };
    Ok(restore_line_feeds(&percent_decode(field)?))
}

/// `application/x-www-form-urlencoded`: a plus is a blank, `%XX` a byte, and a percent sign without digits itself.
fn percent_decode(field: &str) -> Result<String, Error> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field.as_bytes();
    while let [first, after @ ..] = rest {
        rest = after;
        match (first, after) {
            (b'+', _) => bytes.push(b' '),
            (b'%', [high, low, after @ ..]) if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                bytes.push(hex(*high) << 4 | hex(*low));
                rest = after;
            }
            _ => bytes.push(*first),
        }
    }
    String::from_utf8(bytes).map_err(|_| Error::Form)
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

/// One backslash before an `n` made a line feed of it; with more, one was added.
fn restore_line_feeds(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut backslashes = 0;
    for character in text.chars() {
        if character == 'n' && backslashes > 0 {
            out.pop();
            if backslashes == 1 {
                out.push('\n');
                backslashes = 0;
                continue;
            }
        }
        backslashes = if character == '\\' { backslashes + 1 } else { 0 };
        out.push(character);
    }
    out
}
