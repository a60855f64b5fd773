//! Secrets of the configuration: where they are read from, and which are none.

use secrecy::{ExposeSecret, SecretString};
use std::path::{Path, PathBuf};

/// Why a secret cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    #[error("{key} and {key}_file are both set: write only one")]
    Both { key: String },
    #[error("{key}_file {} cannot be read: {source}", file.display())]
    Unreadable { key: String, file: PathBuf, source: std::io::Error },
    #[error("{key} is shorter than 32 bytes: write a random one, such as `openssl rand -base64 32` prints")]
    Short { key: String },
    #[error(
        "{key} is a published value or easy to guess: write a random one, such as `openssl rand -base64 32` prints"
    )]
    Published { key: String },
}

/// Shorter keys can be searched for offline by anyone who has one signature.
const MIN_BYTES: usize = 32;

/// Reads the secret that stands in the configuration as `key`, or in the file of `<key>_file`; `None` when neither is
/// set. Space around a secret in a file does not belong to it.
///
/// # Errors
/// When it cannot be read, has fewer than 32 bytes, or is one that people copy from examples.
pub fn read_secret(key: &str, secret: &SecretString, file: &Path) -> Result<Option<SecretString>, SecretError> {
    let key = || key.to_owned();
    let secret = match (secret.expose_secret().is_empty(), file.as_os_str().is_empty()) {
        (true, true) => return Ok(None),
        (false, false) => return Err(SecretError::Both { key: key() }),
        (false, true) => secret.clone(),
        (true, false) => {
            let text = std::fs::read_to_string(file).map(SecretString::from);
            let text = text.map_err(|source| SecretError::Unreadable { key: key(), file: file.to_owned(), source })?;
            text.expose_secret().trim().into()
        }
    };
    if secret.expose_secret().len() < MIN_BYTES {
        return Err(SecretError::Short { key: key() });
    }
    if is_guessable(secret.expose_secret()) {
        return Err(SecretError::Published { key: key() });
    }
    Ok(Some(secret))
}

/// Keys of specifications and of the tools' web pages that are long and look random.
const PUBLISHED: [&str; 4] = [
    // RFC 7515, appendix A.1
    "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
    // RFC 7517, appendix A.3
    "GawgguFyGrWKav7AX4VKUg",
    "qwertyuiopasdfghjklzxcvbnm123456",
    "0123456789abcdef0123456789abcdef",
];

/// What secrets in examples are made of. Whatever is left of a secret without them must still be one.
const WORDS: [&str; 59] = [
    "insecure",
    "development",
    "production",
    "imserver",
    "pushserver",
    "huaserver",
    "password",
    "passphrase",
    "replace",
    "example",
    "default",
    "signing",
    "private",
    "session",
    "testing",
    "string",
    "random",
    "secret",
    "change",
    "please",
    "passwd",
    "shared",
    "cookie",
    "keyboard",
    "cat",
    "bytes",
    "least",
    "chars",
    "char",
    "value",
    "token",
    "super",
    "local",
    "admin",
    "hello",
    "world",
    "valid",
    "write",
    "which",
    "must",
    "very",
    "that",
    "this",
    "with",
    "long",
    "your",
    "here",
    "some",
    "auth",
    "demo",
    "test",
    "base64",
    "bits",
    "byte",
    "jwt",
    "key",
    "dev",
    "the",
    "for",
];

/// Whether a secret is made of the words of examples, of repetitions or of sequences.
fn is_guessable(secret: &str) -> bool {
    if PUBLISHED.iter().any(|published| secret.contains(published)) {
        return true;
    }
    let mut rest = secret.to_ascii_lowercase();
    for word in WORDS {
        rest = rest.replace(word, "");
    }
    rest.retain(|c| !c.is_ascii_punctuation() && !c.is_whitespace());
    [secret.as_bytes(), rest.as_bytes()].into_iter().any(|text| has_little_in_it(text) || repeats(text) || counts(text))
}

/// Fewer than 16 bytes, or fewer than 6 different ones.
fn has_little_in_it(text: &[u8]) -> bool {
    let mut kinds = text.to_vec();
    kinds.sort_unstable();
    kinds.dedup();
    text.len() < 16 || kinds.len() < 6
}

/// One piece over and over.
fn repeats(text: &[u8]) -> bool {
    (1..=text.len() / 2).any(|period| text.iter().zip(&text[period..]).all(|(one, next)| one == next))
}

/// Mostly neighbours in the alphabet, such as `abcdef` or `0123`.
fn counts(text: &[u8]) -> bool {
    let steps = text.windows(2).filter(|pair| pair[1].wrapping_sub(pair[0]) <= 1).count();
    steps * 2 > text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(secret: &str) -> Result<Option<SecretString>, SecretError> {
        read_secret("auth.secret", &secret.into(), Path::new(""))
    }

    #[test]
    fn random_secrets_are_taken() {
        for secret in [
            "4tE0lTjM1nC2hJm7Q3aXw9Zb6Yk8Rp5VsUuGdFoLiKQ=",
            "9f86d081884c7d659a2feaa0c55ad015",
            "36 61 99 20 75 34 81 02 47 58 63",
            "kupfer Regal wandern 17 Mondlicht ueber Tulpen",
        ] {
            assert!(judged(secret).unwrap().is_some(), "{secret}");
        }
    }

    #[test]
    fn exactly_32_bytes_are_enough_and_one_less_is_not() {
        assert!(judged("9f86d081884c7d659a2feaa0c55ad015").is_ok());
        assert!(matches!(judged("9f86d081884c7d659a2feaa0c55ad01"), Err(SecretError::Short { .. })));
    }

    #[test]
    fn published_and_guessable_secrets_are_refused() {
        for secret in [
            "secretsecretsecretsecretsecretsecret",
            "changemechangemechangemechangeme",
            "change-me-please-change-me-please!",
            "secret__________________________",
            "secret00000000000000000000000000",
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "kQ7zR2mXkQ7zR2mXkQ7zR2mXkQ7zR2mX",
            "k7QzkQ7zz7Qkk7zQ7kQzQzk7zk7Q7zkQ",
            "01234567890123456789012345678901",
            "abcdefghijklmnopqrstuvwxyz012345",
            "a-string-secret-at-least-256-bits-long",
            "a-valid-string-secret-that-is-at-least-512-bits-long-which-is-very-long",
            "your-256-bit-secret-your-256-bit-secret",
            "replace this with 32 random bytes",
            "WRITE_32_RANDOM_BYTES_HERE_AS_BASE64",
            "keyboard cat keyboard cat keyboard cat",
            "super-secret-jwt-signing-key-for-imserver-development",
            "qwertyuiopasdfghjklzxcvbnm123456",
            "0123456789abcdef0123456789abcdef",
            "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow",
        ] {
            assert!(matches!(judged(secret), Err(SecretError::Published { .. })), "{secret}");
        }
    }

    #[test]
    fn nothing_set_is_no_secret_and_two_are_one_too_many() {
        assert!(judged("").unwrap().is_none());
        let both = read_secret("auth.secret", &"x".into(), Path::new("/etc/hostname"));
        assert_eq!(both.unwrap_err().to_string(), "auth.secret and auth.secret_file are both set: write only one");
    }

    #[test]
    fn a_missing_file_is_named() {
        let missing = read_secret("auth.secret", &"".into(), Path::new("/nowhere/secret")).unwrap_err().to_string();
        assert!(missing.starts_with("auth.secret_file /nowhere/secret cannot be read: "), "{missing}");
    }

    #[test]
    fn no_refusal_repeats_the_secret() {
        for secret in ["hunter2", "secretsecretsecretsecretsecretsecret"] {
            let refusal = judged(secret).unwrap_err();
            assert!(!format!("{refusal} {refusal:?}").contains(secret));
        }
    }
}
