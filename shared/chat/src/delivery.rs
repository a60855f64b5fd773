//! From an event on a channel to what each window of this process is sent.

use crate::{ExchangeData, ExchangeMeta, ExchangePush, KickPush, ListsPush, MessagePush, PostedPush, PresencePush};
use crate::{ProfilePush, Push, StatePush, SyncChangeUserPush, SystemPush, TypingPush, presence};
use serde::Deserialize;
use serde_json::value::RawValue;
use std::borrow::Cow;
use types::{Channel, CloseReason, Event, Listed, Posted, RoomAction, RoomId, SocketId, UserKey};

/// What to do with an event: send `content` to the windows `to` of those that follow the channel, `then` do the rest.
#[derive(Debug, Clone)]
pub struct Delivery {
    pub to: To,
    pub content: Content,
    pub then: Then,
}

/// Which windows, of those that follow the channel; on a process's channel, of all the process holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum To {
    All,
    AllBut(SocketId),
    Only(SocketId),
}

/// What the windows are sent.
#[derive(Debug, Clone)]
pub enum Content {
    /// The same for all: encode it once.
    Shared(Push),
    /// `syncChangeUserPush` with this `toid`, which names the window it goes to.
    Sync(Box<RawValue>),
}

/// What happens after the sending.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Then {
    Nothing,
    /// The windows that were sent to are closed.
    Close(CloseReason),
    /// If this process holds the socket and it follows the room, it is put out: [`crate::Chat::put_out`].
    PutOut {
        socket: SocketId,
        room: RoomId,
    },
}

/// Says what an event means for the windows here; nothing if it has no business on this channel. `v` is the version that it
/// came with, `now` the time of what a back end publishes, in milliseconds since 1970.
pub fn deliver(channel: &Channel, event: Event, v: Option<u64>, now: u64) -> Option<Delivery> {
    match (channel, event) {
        (Channel::User(_), Event::Posted(Posted { entry, socketid, unread })) => {
            Some(Delivery::to_others(socketid, Push::Posted(PostedPush { entry, v, unread })))
        }
        (Channel::User(_), Event::State(mut state)) => {
            let socketid = state.socketid.take();
            Some(Delivery::to_others(socketid, Push::State(StatePush { state, v })))
        }
        (Channel::User(_), Event::Listed(Listed { lists_rev, change, socketid })) => {
            Some(Delivery::to_others(socketid, Push::Lists(ListsPush { lists_rev, change, v })))
        }
        (Channel::User(_) | Channel::Presence(_), Event::Profile(profile)) => {
            Some(Delivery::to_all(Push::Profile(ProfilePush { profile, v })))
        }
        (Channel::User(_), Event::SyncChangeUser(event)) => sync_change_user(&event),
        (_, Event::Exchange(event)) => exchange(channel, event),
        (Channel::User(_), Event::Typing(event)) => {
            let push = TypingPush { from_user_id: event.from_user_id, on: event.on };
            Some(Delivery::to_all(Push::Typing(push)))
        }
        (Channel::Presence(_), Event::Presence(event)) => {
            let status = presence::seen_by_others(event.status);
            let push = PresencePush { user_id: event.user_id, status, online: presence::is_online(status) };
            Some(Delivery::to_all(Push::Presence(push)))
        }
        (Channel::Room(_), Event::Online(event)) => Some(online(event)),
        (Channel::User(_), Event::Kick(event)) => {
            let push = Push::Kick(KickPush { reason: event.reason, last: true });
            let to = event.socketid.map_or(To::All, To::Only);
            Some(Delivery { to, then: Then::Close(CloseReason::Kicked), ..Delivery::to_all(push) })
        }
        (Channel::User(user), Event::Card(card)) => {
            let types::Card { id, from_user_id, message } = card;
            Some(said(user, id, from_user_id, "card".into(), message, now))
        }
        (Channel::User(user), Event::Message(said_by)) => {
            let types::Message { id, from_user_id, message_type, message } = said_by;
            Some(said(user, id, from_user_id, message_type, message, now))
        }
        (Channel::User(_), Event::System(notice)) => {
            let types::System { id, message } = notice;
            Some(Delivery::to_all(Push::System(SystemPush { id, message, send_time: now })))
        }
        _ => None,
    }
}

fn said(
    to: &UserKey,
    id: Option<Box<str>>,
    from_user_id: UserKey,
    kind: Box<str>,
    message: Box<RawValue>,
    now: u64,
) -> Delivery {
    let (to_user_id, chat_type) = (to.clone(), "p2p");
    Delivery::to_all(Push::Message(MessagePush {
        id,
        chat_type,
        kind,
        from_user_id,
        to_user_id,
        message,
        send_time: now,
    }))
}

impl To {
    pub fn includes(&self, socket: &SocketId) -> bool {
        match self {
            Self::All => true,
            Self::AllBut(one) => one != socket,
            Self::Only(one) => one == socket,
        }
    }
}

impl Content {
    /// What this window is sent.
    pub fn for_window(&self, socket: &SocketId) -> Cow<'_, Push> {
        match self {
            Self::Shared(push) => Cow::Borrowed(push),
            Self::Sync(toid) => {
                let push = SyncChangeUserPush { toid: toid.clone(), socketid: socket.clone() };
                Cow::Owned(Push::SyncChangeUser(push))
            }
        }
    }
}

impl Delivery {
    fn to_all(push: Push) -> Self {
        Self { to: To::All, content: Content::Shared(push), then: Then::Nothing }
    }

    /// To all but the window that caused it, which is answered.
    fn to_others(cause: Option<SocketId>, push: Push) -> Self {
        Self { to: cause.map_or(To::All, To::AllBut), ..Self::to_all(push) }
    }
}

fn sync_change_user(event: &types::SyncChangeUser) -> Option<Delivery> {
    let Data { toid } = serde_json::from_str(event.change_user_data.get()).ok()?;
    // What a back end writes there need not be a socket of ours, and then no window is spared.
    let to = event.socketid.parse().map_or(To::All, To::AllBut);
    Some(Delivery { to, content: Content::Sync(toid.to_owned()), then: Then::Nothing })
}

#[derive(Deserialize)]
struct Data<'a> {
    #[serde(borrow)]
    toid: &'a RawValue,
}

/// In a room the sender is not told what it said; to a user or a socket, whoever was named hears it, even if that
/// includes the sender.
fn exchange(channel: &Channel, event: types::Exchange) -> Option<Delivery> {
    let to = match channel {
        Channel::User(_) => To::All,
        Channel::Room(_) => To::AllBut(event.client.clone()),
        Channel::Process(_) => To::Only(event.target.parse().ok()?),
        Channel::Presence(_) | Channel::Group(_) => return None,
    };
    let push = ExchangePush {
        meta: ExchangeMeta { timestamp: event.timestamp, client: event.client, target: event.target },
        data: ExchangeData { action: "exchange", payload: event.payload },
        attachments: event.attachments,
    };
    Some(Delivery { to, ..Delivery::to_all(Push::Exchange(push)) })
}

fn online(event: types::Online) -> Delivery {
    let then = match event.action {
        RoomAction::Join => Then::Nothing,
        // Who leaves by itself does not follow the room any more; who still does was put out by the back end.
        RoomAction::Leave => Then::PutOut { socket: event.client.clone(), room: event.target.clone() },
    };
    Delivery { then, ..Delivery::to_all(Push::Online(event.into())) }
}
