//! Numbers of the wire: plain decimal digits, without the signs and blanks that general parsers let through.

/// Appends `number` in decimal.
pub(crate) fn push(number: u64, out: &mut Vec<u8>) {
    let mut digits = [0; 20];
    let mut at = digits.len();
    let mut left = number;
    loop {
        at -= 1;
        digits[at] = b'0' + (left % 10) as u8;
        left /= 10;
        if left == 0 {
            break;
        }
    }
    out.extend_from_slice(&digits[at..]);
}

/// Splits the leading digits off.
pub(crate) fn split(text: &str) -> (&str, &str) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    text.split_at(digits)
}

/// The number that these digits write; `None` for anything else than digits, for none, and above 2^64 - 1.
pub(crate) fn parse(digits: &str) -> Option<u64> {
    // The parser alone would take a plus sign.
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_the_standard_library_writes_them() {
        for number in [0, 1, 9, 10, 99, 100, 65_535, 1 << 53, u64::MAX] {
            let mut out = b"x".to_vec();
            push(number, &mut out);
            assert_eq!(out, format!("x{number}").into_bytes());
        }
    }

    #[test]
    fn only_digits_are_a_number() {
        assert_eq!(parse("18446744073709551615"), Some(u64::MAX));
        assert_eq!(parse("007"), Some(7));
        for refused in ["", "+1", "-1", " 1", "1 ", "1.0", "1e3", "18446744073709551616", "\u{661}"] {
            assert_eq!(parse(refused), None, "{refused:?}");
        }
    }

    #[test]
    fn leading_digits_are_split_off() {
        assert_eq!(split("12[\"a\"]"), ("12", "[\"a\"]"));
        assert_eq!(split("[1]"), ("", "[1]"));
    }
}
