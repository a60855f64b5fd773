//! Why a connection ends: one table, used as the close code on the wire, the label of the metric and the field of
//! the log.

/// A reason to close a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CloseReason {
    /// The client said goodbye.
    ClientClosed,
    /// The connection broke.
    TransportClosed,
    /// No sign of life within the heartbeat's time.
    PingTimeout,
    /// The client broke the protocol.
    ProtocolError,
    /// A text was not UTF-8.
    InvalidText,
    /// A frame or message was larger than allowed.
    TooLarge,
    /// The server said goodbye in an ordinary way.
    ServerClosed,
    /// The process is going away; come back to another one.
    Drain,
    /// The client did not read what was sent; come back and catch up.
    Slow,
    /// The same device connected again.
    Replaced,
    /// No namespace was joined, or nobody logged in, in time.
    ConnectTimeout,
    /// Too many requests; come back later.
    RateLimited,
    /// The client did not acknowledge what was sent again and again; come back and catch up.
    Unacknowledged,
    /// Another login or the back end ended this one for good.
    Kicked,
    /// This client may not be here.
    Forbidden,
}

impl CloseReason {
    /// Every reason, in the order of the table.
    pub const ALL: [Self; 15] = [
        Self::ClientClosed,
        Self::TransportClosed,
        Self::PingTimeout,
        Self::ProtocolError,
        Self::InvalidText,
        Self::TooLarge,
        Self::ServerClosed,
        Self::Drain,
        Self::Slow,
        Self::Replaced,
        Self::ConnectTimeout,
        Self::RateLimited,
        Self::Unacknowledged,
        Self::Kicked,
        Self::Forbidden,
    ];

    /// The WebSocket close code (RFC 6455, section 7.4); 4000–4499 ask the client back, 4500 and above are final.
    pub fn code(self) -> u16 {
        match self {
            Self::ClientClosed | Self::ServerClosed => 1000,
            Self::TransportClosed => 1006,
            Self::ProtocolError => 1002,
            Self::InvalidText => 1007,
            Self::TooLarge => 1009,
            Self::PingTimeout => 4000,
            Self::Drain => 4001,
            Self::Slow => 4002,
            Self::Replaced => 4003,
            Self::ConnectTimeout => 4004,
            Self::RateLimited => 4005,
            Self::Unacknowledged => 4006,
            Self::Kicked => 4500,
            Self::Forbidden => 4501,
        }
    }

    /// The name, as logs, metrics and close frames carry it.
    pub fn name(self) -> &'static str {
        match self {
            Self::ClientClosed => "client_closed",
            Self::TransportClosed => "transport_closed",
            Self::PingTimeout => "ping_timeout",
            Self::ProtocolError => "protocol_error",
            Self::InvalidText => "invalid_text",
            Self::TooLarge => "too_large",
            Self::ServerClosed => "server_closed",
            Self::Drain => "drain",
            Self::Slow => "slow",
            Self::Replaced => "replaced",
            Self::ConnectTimeout => "connect_timeout",
            Self::RateLimited => "rate_limited",
            Self::Unacknowledged => "unacknowledged",
            Self::Kicked => "kicked",
            Self::Forbidden => "forbidden",
        }
    }

    /// Whether the client may come back by itself.
    pub fn may_reconnect(self) -> bool {
        !matches!(self, Self::Kicked | Self::Forbidden)
    }

    /// How long a client should wait at least before it comes back, in milliseconds; it adds its own jitter.
    pub fn retry_after_ms(self) -> Option<u64> {
        match self {
            Self::Kicked | Self::Forbidden => None,
            Self::RateLimited => Some(10_000),
            Self::Slow | Self::ConnectTimeout | Self::ProtocolError | Self::InvalidText | Self::TooLarge => Some(1_000),
            _ => Some(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_final_code_never_asks_the_client_back() {
        for reason in CloseReason::ALL {
            assert_eq!(reason.may_reconnect(), reason.code() < 4500, "{reason:?}");
            assert_eq!(reason.may_reconnect(), reason.retry_after_ms().is_some(), "{reason:?}");
        }
    }
}
