//! Who may write to whom, as it is when the message is committed: under the lock of the conversation, so that nothing is
//! accepted after a block was acknowledged.

use store::{Send, Standing};
use types::{Code, Failure};

/// Judges a message.
///
/// # Errors
/// `blocked` or `forbidden`, with a sentence for the sender.
pub fn judge(send: &Send, standing: &Standing) -> Result<(), Failure> {
    let to = &send.to;
    if standing.has_blocked {
        return Err(Failure::new(Code::Blocked, format!("you have blocked {to}: unblock them to write")));
    }
    if standing.is_blocked {
        return Err(Failure::new(Code::Blocked, format!("{to} does not take messages from you")));
    }
    if send.only_as_contact && !standing.is_contact {
        return Err(Failure::forbidden(format!(
            "you may not write to {to}: they do not have you among their contacts"
        )));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use types::MessageType;

    fn judged(only_as_contact: bool, [is_blocked, has_blocked, is_contact]: [bool; 3]) -> Option<Code> {
        let to = "m7".parse().unwrap();
        let (kind, body) = (MessageType::Text, "\"x\"".into());
        let send = Send { to, temp_message_id: "t".into(), kind, body, as_asked: None, only_as_contact };
        judge(&send, &Standing { is_blocked, has_blocked, is_contact }).err().map(|failure| failure.code)
    }

    #[test]
    fn a_block_of_either_side_stands_above_all() {
        for is_contact in [true, false] {
            assert_eq!(judged(false, [true, false, is_contact]), Some(Code::Blocked));
            assert_eq!(judged(true, [false, true, is_contact]), Some(Code::Blocked));
        }
    }

    #[test]
    fn where_only_contacts_may_write_strangers_may_not() {
        assert_eq!(judged(true, [false, false, false]), Some(Code::Forbidden));
        assert_eq!(judged(true, [false, false, true]), None);
        assert_eq!(judged(false, [false, false, false]), None);
    }
}
