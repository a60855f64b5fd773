//! Session ids: `process.incarnation.random.mac`.
//!
//! The id says who holds the session, so that any process can pass a request on; the mac says that a process of this
//! cluster has made it up, so that an invented id costs nobody a look-up or a connection.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::sync::Arc;
use types::ProcessId;

/// Bytes of the mac: guessing one of them takes as long as a cluster lives.
const MAC_BYTES: usize = 9;

/// Random bytes of an id: nobody guesses a session.
const RANDOM_BYTES: usize = 15;

/// The ids of one start of a process. Clones are the same.
#[derive(Clone)]
pub struct Ids {
    process: ProcessId,
    incarnation: Arc<str>,
    mac: Hmac<Sha256>,
}

/// A start of a process.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Owner {
    pub(super) process: ProcessId,
    pub(super) incarnation: Box<str>,
}

impl Ids {
    /// Ids of a start of a process. All processes of a cluster have the same secret.
    pub fn new(process: ProcessId, incarnation: &str, secret: &[u8]) -> Self {
        // A key of its own, so that an id proves nothing elsewhere.
        let key = keyed(secret).chain_update(b"session id").finalize().into_bytes();
        Self { process, incarnation: incarnation.into(), mac: keyed(&key) }
    }

    pub fn process(&self) -> &ProcessId {
        &self.process
    }

    /// Tells this start of the process from those before it.
    pub fn incarnation(&self) -> &str {
        &self.incarnation
    }

    pub(super) fn generate(&self) -> Result<Box<str>, getrandom::Error> {
        let mut random = [0; RANDOM_BYTES];
        getrandom::fill(&mut random)?;
        let id = format!("{}.{}.{}", self.process, self.incarnation, BASE64.encode(random));
        let mac = self.mac.clone().chain_update(&id).finalize().into_bytes();
        Ok(format!("{id}.{}", BASE64.encode(&mac[..MAC_BYTES])).into())
    }

    /// The other start of a process that made the id; nothing for an id of this one, or of nobody.
    pub(super) fn elsewhere(&self, id: &str) -> Option<Owner> {
        let (signed, mac) = id.rsplit_once('.')?;
        let mac = BASE64.decode(mac).ok().filter(|mac| mac.len() == MAC_BYTES)?;
        self.mac.clone().chain_update(signed).verify_truncated_left(&mac).ok()?;
        let mut parts = signed.split('.');
        let owner = Owner { process: parts.next()?.parse().ok()?, incarnation: parts.next()?.into() };
        let is_here = owner.process == self.process && *owner.incarnation == *self.incarnation;
        (!is_here).then_some(owner)
    }

    /// Enough of an id to follow a session through a log, too little to use it.
    pub(super) fn shown(id: &str) -> &str {
        let random = id.match_indices('.').nth(1).map_or(0, |(dot, _)| dot);
        id.get(..(random + 7).min(id.len())).unwrap_or_default()
    }
}

/// A name for a start of a process that no other start has: eight characters of base64url.
///
/// # Errors
/// The machine has no random numbers.
pub fn incarnation() -> Result<String, getrandom::Error> {
    let mut random = [0; 6];
    getrandom::fill(&mut random)?;
    Ok(BASE64.encode(random))
}

fn keyed(key: &[u8]) -> Hmac<Sha256> {
    // HMAC takes keys of any length (RFC 2104, section 3).
    Hmac::new_from_slice(key).unwrap_or_else(|_| Hmac::new(&Default::default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(process: &str, secret: &[u8]) -> Ids {
        Ids::new(process.parse().unwrap(), &incarnation().unwrap(), secret)
    }

    #[test]
    fn an_id_names_its_owner_to_others_and_not_to_itself() {
        let (one, two) = (ids("im1", b"secret"), ids("im2", b"secret"));
        let id = one.generate().unwrap();
        assert!(id.starts_with(&format!("im1.{}.", one.incarnation())), "{id}");
        let owner = Owner { process: "im1".parse().unwrap(), incarnation: one.incarnation().into() };
        assert_eq!(two.elsewhere(&id), Some(owner.clone()));
        assert_eq!(one.elsewhere(&id), None);
        assert_eq!(ids("im1", b"secret").elsewhere(&id), Some(owner), "an earlier start is somebody else");
        assert_ne!(one.generate().unwrap(), id);
    }

    #[test]
    fn an_id_that_nobody_made_names_nobody() {
        let (one, two) = (ids("im1", b"secret"), ids("im2", b"secret"));
        let id = one.generate().unwrap();
        let (signed, mac) = id.rsplit_once('.').unwrap();
        for forged in [
            signed.to_owned(),
            format!("{signed}."),
            format!("{signed}.AAAAAAAAAAAA"),
            format!("{signed}.{}", &mac[..8]),
            format!("{signed}x.{mac}"),
            id.replacen("im1", "im3", 1),
            String::new(),
            ".".repeat(9),
        ] {
            assert_eq!(two.elsewhere(&forged), None, "{forged}");
        }
        assert_eq!(ids("im2", b"another").elsewhere(&id), None, "the secret of another cluster");
    }

    #[test]
    fn a_log_shows_six_characters_of_the_random_part() {
        assert_eq!(Ids::shown("im1.30t5X6Ea.abcdefghij.mac"), "im1.30t5X6Ea.abcdef");
        assert_eq!(Ids::shown("x"), "x");
    }
}
