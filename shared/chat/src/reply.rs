//! What a command is answered.

use crate::Error;
use serde::{Serialize, Serializer};
use types::{Failure, SocketId, Status, UserKey};

/// What success adds to `"ok": true`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub enum Reply {
    Done {},
    /// `join`, `leave`: who is in the room, in the order they came.
    Clients {
        clients: Vec<SocketId>,
    },
    /// `getPresence`: in the order asked.
    Users {
        users: Vec<Seen>,
    },
    /// `changeStatus`: as set.
    Status {
        status: Status,
    },
}

/// What others see of a user.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    pub user_id: UserKey,
    pub status: Status,
    /// Whether `status` is anything but offline.
    pub online: bool,
}

/// A command's outcome as the client reads it: `{"ok": true, …}` or `{"ok": false, "error": {…}}`.
pub struct Answer<'a>(pub &'a Result<Reply, Error>);

impl Serialize for Answer<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Ok(reply) => Succeeded { ok: true, reply }.serialize(serializer),
            Err(error) => Failed { ok: false, error: error.failure() }.serialize(serializer),
        }
    }
}

#[derive(Serialize)]
struct Succeeded<'a> {
    ok: bool,
    #[serde(flatten)]
    reply: &'a Reply,
}

#[derive(Serialize)]
struct Failed {
    ok: bool,
    error: Failure,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(outcome: &Result<Reply, Error>) -> String {
        serde_json::to_string(&Answer(outcome)).unwrap()
    }

    #[test]
    fn an_answer_says_ok_and_what_the_command_adds() {
        assert_eq!(json(&Ok(Reply::Done {})), r#"{"ok":true}"#);
        let clients = vec!["im1.a".parse().unwrap()];
        assert_eq!(json(&Ok(Reply::Clients { clients })), r#"{"ok":true,"clients":["im1.a"]}"#);
        assert_eq!(json(&Ok(Reply::Status { status: Status::Busy })), r#"{"ok":true,"status":"busy"}"#);
        let users = vec![Seen { user_id: "8".parse().unwrap(), status: Status::Offline, online: false }];
        let expected = r#"{"ok":true,"users":[{"user_id":"8","status":"offline","online":false}]}"#;
        assert_eq!(json(&Ok(Reply::Users { users })), expected);
    }

    #[test]
    fn a_refusal_carries_its_code_and_sentence() {
        let refused = Error::Refused(Failure::forbidden("no"));
        assert_eq!(json(&Err(refused)), r#"{"ok":false,"error":{"code":"forbidden","message":"no"}}"#);
        let failed = json(&Err(Error::Bus(bus::Error::Detached)));
        assert!(failed.contains(r#""code":"unavailable""#) && failed.contains(r#""retry_after_ms":1000"#), "{failed}");
        assert!(!failed.contains("bus"), "what runs inside is nobody's business: {failed}");
    }
}
