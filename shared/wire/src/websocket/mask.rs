//! Masking (RFC 6455, section 5.3): every byte of a client's payload is combined with one of four.

/// Takes the mask off a payload, or puts it on; twice is as before.
pub(super) fn apply(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let mut chunks = payload.chunks_exact_mut(8);
    for chunk in &mut chunks {
        if let Ok(bytes) = <[u8; 8]>::try_from(&*chunk) {
            chunk.copy_from_slice(&(u64::from_ne_bytes(bytes) ^ wide).to_ne_bytes());
        }
    }
    for (byte, mask) in chunks.into_remainder().iter_mut().zip([a, b, c, d, a, b, c]) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_masked_as_the_rfc_says_it() {
        let mask = [0x12, 0x00, 0xff, 0x80];
        for length in 0..70 {
            let plain: Vec<u8> = (0..length).map(|i| (i * 7) as u8).collect();
            let expected: Vec<u8> = plain.iter().enumerate().map(|(i, byte)| byte ^ mask[i % 4]).collect();
            let mut payload = plain.clone();
            apply(&mut payload, mask);
            assert_eq!(payload, expected);
            apply(&mut payload, mask);
            assert_eq!(payload, plain);
        }
    }
}
