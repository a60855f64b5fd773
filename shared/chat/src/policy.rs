//! Who may reach whom outside of rooms: write live events to, and see the presence of.

use types::{Failure, Identity, Role, UserKey};

/// A rule over a sender, who is known, and a receiver, of whom only the key is.
///
/// A key says where an account comes from, not what role it has. So the shops' side is told by configured sources, and
/// the rule errs towards the staff: who acts for a shop reaches anyone, be it a buyer or a colleague of the same or
/// another shop. A socket that is addressed by its id is not checked: ids cannot be guessed and are learnt only from
/// somebody who wrote or who shares a room. Membership of a room is checked where rooms are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Policy {
    /// No rule: for development, where nobody is who they say.
    Anyone,
    /// Buyers reach the shops' side, and the shops' side reaches anyone.
    Shops { sources: Vec<String> },
}

impl Policy {
    pub fn shops(sources: &[String]) -> Self {
        Self::Shops { sources: sources.to_vec() }
    }

    /// # Errors
    /// `forbidden`, with a sentence that names the receiver.
    pub fn check(&self, from: &Identity, to: &UserKey) -> Result<(), Failure> {
        if self.allows(from, to) {
            return Ok(());
        }
        Err(Failure::forbidden(format!("you may not reach {to}: buyers reach shops only")))
    }

    pub fn allows(&self, from: &Identity, to: &UserKey) -> bool {
        let Self::Shops { sources } = self else { return true };
        if from.user == *to {
            return true;
        }
        match from.role {
            Role::Agent | Role::Merchant | Role::Admin => true,
            Role::Buyer => sources.iter().any(|source| source == to.sourceid()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::Platform;

    fn identity(user: &str, role: Role) -> Identity {
        Identity { user: user.parse().unwrap(), role, shop: None, device: None, platform: Platform::Pc }
    }

    fn allows(policy: &Policy, from: &str, role: Role, to: &str) -> bool {
        let to: UserKey = to.parse().unwrap();
        let from = identity(from, role);
        assert_eq!(policy.check(&from, &to).is_ok(), policy.allows(&from, &to));
        policy.allows(&from, &to)
    }

    #[test]
    fn buyers_reach_shops_and_themselves_but_not_each_other() {
        let shops = Policy::shops(&["m".to_owned(), "agent".to_owned()]);
        assert!(allows(&shops, "8", Role::Buyer, "m7"));
        assert!(allows(&shops, "8", Role::Buyer, "agent7"));
        assert!(allows(&shops, "8", Role::Buyer, "8"));
        for other in ["9", "hua8", "mm7", "M7", "0"] {
            assert!(!allows(&shops, "8", Role::Buyer, other), "{other}");
        }
    }

    #[test]
    fn a_buyers_key_of_the_shops_side_gives_no_right_of_its_own() {
        let shops = Policy::shops(&["m".to_owned()]);
        assert!(!allows(&shops, "m7", Role::Buyer, "8"));
    }

    #[test]
    fn the_shops_side_reaches_anyone() {
        let shops = Policy::shops(&["m".to_owned()]);
        for role in [Role::Agent, Role::Merchant, Role::Admin] {
            assert!(allows(&shops, "m7", role, "8"), "{role:?}");
            assert!(allows(&shops, "m7", role, "m9"), "{role:?}");
        }
    }

    #[test]
    fn in_development_anyone_reaches_anyone() {
        assert!(allows(&Policy::Anyone, "8", Role::Buyer, "9"));
    }

    #[test]
    fn a_refusal_names_whom_it_is_about() {
        let refused = Policy::shops(&[]).check(&identity("8", Role::Buyer), &"9".parse().unwrap()).unwrap_err();
        assert_eq!(refused.code, types::Code::Forbidden);
        assert!(refused.message.contains('9'));
    }
}
