//! Socket.IO 1.x encodes text as UTF-8 twice on polling; this undoes the second time.

/// The text that a 1.x client meant, if `text` looks encoded twice: it has characters outside ASCII, all of them are
/// at most U+00FF, and taken as bytes they are UTF-8 (also with lone surrogates, which such clients write as three
/// bytes; they become U+FFFD). `None` leaves the text as it is.
///
/// Only for text of polling bodies in revision 3's text form. It is a deliberate guess: nothing in a handshake tells a
/// 1.x client from a 2.x one, which encodes once. The guess is wrong for a 2.x client whose text has no character above
/// U+00FF and whose Latin-1 characters happen to pair up to UTF-8, as in a lone `Ã©`: no sentence in any language does
/// that by accident, and Chinese text never qualifies, so it is the smaller harm than breaking every 1.x client's.
pub fn undo_double_utf8(text: &str) -> Option<String> {
    if text.is_ascii() {
        return None;
    }
    let bytes = text.chars().map(|character| u8::try_from(character).ok()).collect::<Option<Vec<u8>>>()?;
    from_utf8_with_surrogates(&bytes)
}

/// UTF-8 in which surrogates may stand alone, as JavaScript's encoders write them; those become U+FFFD. `None` for any
/// other fault.
pub(super) fn from_utf8_with_surrogates(bytes: &[u8]) -> Option<String> {
    let mut out = String::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        match simdutf8::compat::from_utf8(rest) {
            Ok(valid) => {
                out.push_str(valid);
                return Some(out);
            }
            Err(error) => {
                let (valid, fault) = rest.split_at(error.valid_up_to());
                let [0xed, 0xa0..=0xbf, 0x80..=0xbf, after @ ..] = fault else { return None };
                out.push_str(&String::from_utf8_lossy(valid));
                out.push(char::REPLACEMENT_CHARACTER);
                rest = after;
            }
        }
    }
}
