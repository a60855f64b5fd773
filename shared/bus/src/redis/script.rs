//! What must be atomic on a node is a Lua script there. Each file is one step, and all but one need `common.lua` before it.

use fred::types::Value;
use sha1::{Digest, Sha1};
use std::borrow::Cow;
use std::sync::LazyLock;

pub(super) struct Script {
    text: &'static str,
    digest: String,
}

macro_rules! scripts {
    ($($(#[$doc:meta])* $name:ident = $file:literal;)+) => {
        $($(#[$doc])* pub(super) static $name: LazyLock<Script> = LazyLock::new(|| {
            Script::new(concat!(include_str!("scripts/common.lua"), include_str!(concat!("scripts/", $file))))
        });)+
    };
}

scripts! {
    LEASE = "lease.lua";
    LEAVE = "leave.lua";
    REGISTER = "register.lua";
    UNREGISTER = "unregister.lua";
    SET = "set.lua";
    PRESENCE = "presence.lua";
    RECONCILE = "reconcile.lua";
    VERSION = "version.lua";
    VERSIONS = "versions.lua";
    ROOM_PUT = "room_put.lua";
    ROOM_REMOVE = "room_remove.lua";
    ROOM_ENTER = "room_enter.lua";
    ROOM_LEAVE = "room_leave.lua";
    ROOM_RECONCILE = "room_reconcile.lua";
}

/// On the path of every stored message, so it stands alone: `common.lua` would be run each time.
pub(super) static RAISE: LazyLock<Script> = LazyLock::new(|| Script::new(include_str!("scripts/raise.lua")));

impl Script {
    fn new(text: &'static str) -> Self {
        let digest = Sha1::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect();
        Self { text, digest }
    }

    pub(super) fn text(&self) -> &'static str {
        self.text
    }

    pub(super) fn digest(&self) -> &str {
        &self.digest
    }
}

/// A script with what it is run on.
pub(super) struct Call {
    pub(super) script: &'static Script,
    pub(super) keys: Vec<String>,
    pub(super) args: Vec<Value>,
}

impl Call {
    /// The command that runs it: `EVALSHA` with the digest, or `EVAL` with the text.
    pub(super) fn command<'a>(&'a self, name: &'a str, script: &'a str) -> Vec<Cow<'a, [u8]>> {
        let text = |text: &'a str| Cow::Borrowed(text.as_bytes());
        let count = Cow::Owned(self.keys.len().to_string().into_bytes());
        let keys = self.keys.iter().map(|key| text(key));
        let args = self.args.iter().map(|arg| match arg.as_bytes() {
            Some(bytes) => Cow::Borrowed(bytes),
            None => Cow::Owned(arg.as_string().unwrap_or_default().into_bytes()),
        });
        [text(name), text(script), count].into_iter().chain(keys).chain(args).collect()
    }
}

/// Reads a script's answer, one value after the other. What is missing or of another type reads as empty: the scripts
/// are ours, and their tests are the contract's.
pub(super) struct Answer(std::vec::IntoIter<Value>);

impl Answer {
    pub(super) fn of(value: Value) -> Self {
        let list = match value {
            Value::Array(list) => list,
            Value::Null => Vec::new(),
            other => vec![other],
        };
        Self(list.into_iter())
    }

    pub(super) fn number(&mut self) -> u64 {
        self.0.next().and_then(|value| value.as_u64()).unwrap_or_default()
    }

    pub(super) fn flag(&mut self) -> bool {
        self.number() != 0
    }

    pub(super) fn text(&mut self) -> Option<String> {
        self.0.next().filter(|value| !value.is_null()).and_then(Value::into_string)
    }

    pub(super) fn list(&mut self) -> Answer {
        Answer::of(self.0.next().unwrap_or(Value::Null))
    }

    /// The rest, as texts.
    pub(super) fn texts(mut self) -> impl Iterator<Item = String> {
        std::iter::from_fn(move || self.text())
    }
}
