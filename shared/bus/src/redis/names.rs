//! Names on Redis, and back.

use types::{Channel, ProcessId, RoomId, Status, UserKey};

/// The channel of that name; nothing for a name that is none of ours.
pub(super) fn channel(name: &str) -> Option<Channel> {
    let (mark, id) = name.split_once(':')?;
    match mark {
        "ImMsgPub" => id.parse().ok().map(Channel::User),
        "ImPresPub" => id.parse().ok().map(Channel::Presence),
        "ImRoomPub" => id.parse().ok().map(Channel::Room),
        "ImGroupPub" => id.parse().ok().map(Channel::Group),
        "ImProcPub" => id.parse().ok().map(Channel::Process),
        _ => None,
    }
}

/// Where the probes of one subscriber connection are published.
pub(super) fn probe(process: &ProcessId, incarnation: &str, subscriber: usize) -> String {
    format!("ImProbe:{process}.{incarnation}.{subscriber}")
}

/// The keys of a lease.
pub(super) fn lease(process: &ProcessId) -> Vec<String> {
    vec![format!("ImProc:{process}"), "ImProcs".to_owned()]
}

/// The key of a channel's version; nothing if it has none.
pub(super) fn version(channel: &Channel) -> Option<String> {
    match channel {
        Channel::User(user) => Some(format!("ImVer:{user}")),
        Channel::Group(group) => Some(format!("ImGroupVer:{group}")),
        _ => None,
    }
}

/// The keys of a user's presence.
pub(super) fn presence(user: &UserKey) -> [String; 2] {
    [format!("ImOnline:{user}"), format!("ImStatus:{user}")]
}

/// The keys of a user's presence, and that of the version.
pub(super) fn registered(user: &UserKey) -> [String; 3] {
    let [online, status] = presence(user);
    [online, status, format!("ImVer:{user}")]
}

/// The keys of a room.
pub(super) fn room(room: &RoomId) -> Vec<String> {
    vec![format!("ImRoom:{room}"), format!("ImRoomIn:{room}"), format!("ImRoomRev:{room}")]
}

/// As the status stands on Redis.
pub(super) fn status(status: Status) -> &'static str {
    match status {
        Status::Online => "online",
        Status::Busy => "busy",
        Status::Away => "away",
        Status::Invisible => "invisible",
        Status::Offline => "offline",
    }
}

/// What an unknown word, of a later release, means here: somebody is there.
pub(super) fn read_status(word: &str) -> Status {
    match word {
        "" | "offline" => Status::Offline,
        "busy" => Status::Busy,
        "away" => Status::Away,
        "invisible" => Status::Invisible,
        _ => Status::Online,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_channel_is_read_back_from_its_name() {
        for known in [
            Channel::User("hua1024".parse().unwrap()),
            Channel::Presence("7".parse().unwrap()),
            Channel::Room("a:b 群聊".parse().unwrap()),
            Channel::Group("g_7".parse().unwrap()),
            Channel::Process("im-1".parse().unwrap()),
        ] {
            assert_eq!(channel(&known.to_string()), Some(known));
        }
        for foreign in ["ImMsgPub", "ImMsgPub:", "ImMsgPub:x", "ImOther:7", ""] {
            assert_eq!(channel(foreign), None, "{foreign}");
        }
    }

    #[test]
    fn every_status_is_read_back_from_its_word() {
        for known in [Status::Online, Status::Busy, Status::Away, Status::Invisible, Status::Offline] {
            assert_eq!(read_status(status(known)), known);
            assert_eq!(serde_json::to_string(&known).unwrap(), format!("\"{}\"", status(known)));
        }
    }
}
