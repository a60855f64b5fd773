//! Tokens as a back end signs them (JWT, RFC 7519, with HS256), for servers that this program starts.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

/// What the servers of a measurement are given to check tokens with, and to know each other by.
pub(crate) const SECRETS: [(&str, &str); 3] =
    [("IM__AUTH__MODE", "token"), ("IM__AUTH__SECRET", SECRET), ("IM__INTERNAL__SECRET", INTERNAL)];

const SECRET: &str = "of a measurement, signs its tokens";
const INTERNAL: &str = "of a measurement, between processes";

/// The header `{"alg":"HS256","typ":"JWT"}`.
const HEADER: &str = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9";

/// A token of a user who may write to anyone, good until 2100.
pub(crate) fn token(user: &str) -> String {
    let claims = BASE64.encode(format!(r#"{{"sub":"{user}","role":"merchant","exp":4102444800}}"#));
    let signed = format!("{HEADER}.{claims}");
    // HMAC takes keys of every length.
    let signer = Hmac::<Sha256>::new_from_slice(SECRET.as_bytes()).unwrap_or_else(|_| Hmac::new(&Default::default()));
    let signature = signer.chain_update(&signed).finalize().into_bytes();
    format!("{signed}.{}", BASE64.encode(signature))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_names_its_user_and_its_algorithm() {
        let token = token("1007");
        let parts: Vec<&str> = token.split('.').collect();
        let read = |part: &str| String::from_utf8(BASE64.decode(part).unwrap()).unwrap();
        assert_eq!(read(parts[0]), r#"{"alg":"HS256","typ":"JWT"}"#);
        assert_eq!(read(parts[1]), r#"{"sub":"1007","role":"merchant","exp":4102444800}"#);
        assert_eq!(BASE64.decode(parts[2]).unwrap().len(), 32);
    }
}
