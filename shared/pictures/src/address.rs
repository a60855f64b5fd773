//! Where a picture is: `<members>/<name>`, which says who may see it.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fmt;
use types::UserKey;

/// The two whose conversation a picture is in, in the order of their keys: `8.m7`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Members(UserKey, UserKey);

/// How a picture is coded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Jpeg,
    Png,
}

/// One picture, or the small one of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    pub members: Members,
    id: Box<str>,
    pub is_small: bool,
    pub kind: Kind,
}

/// Random bytes of a name: nobody guesses one.
const ID_BYTES: usize = 16;
/// The same in base64.
const ID_LETTERS: usize = 22;

impl Members {
    pub fn of(one: UserKey, other: UserKey) -> Self {
        if one <= other { Self(one, other) } else { Self(other, one) }
    }

    /// Reads `8.m7`; `None` for any other text, the two in the wrong order too.
    pub fn parse(text: &str) -> Option<Self> {
        // No user key has a dot.
        let (one, other) = text.split_once('.')?;
        let (one, other) = (one.parse().ok()?, other.parse().ok()?);
        (one <= other).then_some(Self(one, other))
    }

    pub fn have(&self, user: &UserKey) -> bool {
        self.0 == *user || self.1 == *user
    }
}

impl fmt::Display for Members {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.0, self.1)
    }
}

impl Kind {
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpg",
            Self::Png => "png",
        }
    }
}

impl Address {
    /// A new one, which no other has.
    pub(crate) fn random(members: Members, kind: Kind) -> std::io::Result<Self> {
        let mut id = [0; ID_BYTES];
        getrandom::fill(&mut id).map_err(std::io::Error::other)?;
        Ok(Self { members, id: URL_SAFE_NO_PAD.encode(id).into(), is_small: false, kind })
    }

    pub(crate) fn small(&self, kind: Kind) -> Self {
        Self { is_small: true, kind, ..self.clone() }
    }

    /// Reads the two parts of an address; `None` when they are not as ours are.
    pub fn parse(members: &str, name: &str) -> Option<Self> {
        let members = Members::parse(members)?;
        let (stem, extension) = name.rsplit_once('.')?;
        let kind = [Kind::Jpeg, Kind::Png].into_iter().find(|kind| kind.extension() == extension)?;
        let (id, is_small) = stem.strip_suffix(".s").map_or((stem, false), |id| (id, true));
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
        (id.len() == ID_LETTERS && id.bytes().all(plain)).then(|| Self { members, id: id.into(), is_small, kind })
    }

    pub(crate) fn name(&self) -> String {
        format!("{}{}.{}", self.id, if self.is_small { ".s" } else { "" }, self.kind.extension())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.members, self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(key: &str) -> UserKey {
        key.parse().unwrap()
    }

    #[test]
    fn an_address_comes_back_from_its_text_and_says_who_may_see_it() {
        let members = Members::of(key("m7"), key("8"));
        assert_eq!(members, Members::of(key("8"), key("m7")));
        assert!(members.have(&key("8")) && members.have(&key("m7")) && !members.have(&key("9")));
        for kind in [Kind::Jpeg, Kind::Png] {
            let address = Address::random(members.clone(), kind).unwrap();
            for address in [address.small(Kind::Jpeg), address] {
                let text = address.to_string();
                let (members, name) = text.split_once('/').unwrap();
                assert_eq!(Address::parse(members, name), Some(address));
            }
        }
    }

    #[test]
    fn what_is_no_address_of_ours_is_none() {
        let id = "abcdefghijklmnopqrstuv";
        assert!(Address::parse("8.m7", &format!("{id}.jpg")).is_some());
        for (members, name) in [
            ("m7.8", format!("{id}.jpg")),
            ("8", format!("{id}.jpg")),
            ("8.m7.9", format!("{id}.jpg")),
            ("...", format!("{id}.jpg")),
            ("8.m7", id.to_owned()),
            ("8.m7", format!("{id}.html")),
            ("8.m7", format!("{id}.x.jpg")),
            ("8.m7", format!("{id}v.jpg")),
            ("8.m7", "../../../../etc/passwd.jpg".to_owned()),
            ("8.m7", "..%2f..%2f..%2f..%2fabc.jpg".to_owned()),
            ("8.m7", String::new()),
        ] {
            assert_eq!(Address::parse(members, &name), None, "{members}/{name}");
        }
    }
}
