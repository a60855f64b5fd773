//! A request that the server refused, and whether asking again can help.

use serde::{Deserialize, Serialize};

/// Why the server refused.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// One of the protocol's codes; a newer server may have others.
    pub code: Box<str>,
    /// A sentence to show.
    #[serde(default)]
    pub message: Box<str>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after_ms: Option<u64>,
}

/// Codes that the same request would meet again. All others pass: the server is busy, or out of order.
const FINAL: [&str; 8] =
    ["bad_request", "forbidden", "blocked", "refused", "too_large", "conflict", "unauthorized", "not_found"];

impl Refusal {
    /// One of our own making.
    pub(super) fn own(code: &str, message: &str) -> Self {
        Self { code: code.into(), message: message.into(), retry_after_ms: None }
    }

    /// Whether the same request would be refused again.
    pub fn is_final(&self) -> bool {
        FINAL.contains(&&*self.code)
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.message)
    }
}
