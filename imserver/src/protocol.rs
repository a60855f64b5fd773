//! The names on this wire. Here, and only here, Socket.IO's events meet the rules' commands and pushes: read it beside
//! the other servers' `protocol.rs` to see how they differ.

use crate::config::Events;
use crate::door;
use crate::site::Site;
use crate::socketio::{Encoded, Event, Namespace, Socket};
use crate::window::{Follower, Window};
use bytes::Bytes;
use chat::{Answer, Command, Content, Delivery, Join, Push, Reply, Then};
use serde::Serialize;
use serde_json::value::RawValue;
use session::Weight;
use smallvec::SmallVec;
use std::sync::Arc;
use types::{Channel, CloseReason, Failure, RoomId, SocketId, UserKey};
use wire::socketio::{Arg, Args};

/// A namespace in which the site's events are spoken.
pub(crate) fn namespace(site: &Arc<Site>, name: &str) -> Namespace {
    let site = site.clone();
    Namespace::new(name)
        .connection_middleware(move |socket| door::log_in(site.clone(), socket))
        .on_connect(arrived)
        .on_any(asked)
        .on_disconnecting(|socket, _| async move {
            if let Some(window) = Window::of(&socket) {
                window.site().chat().left(&*window).await;
            }
        })
}

/// The first event on a connection.
#[derive(Serialize)]
struct Init<'a> {
    user: &'a UserKey,
    socketid: &'a SocketId,
    process: &'a str,
    server_time: u64,
    heartbeat: Heartbeat,
    /// The user's Redis node is down: nothing live comes until it is back.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    degraded: bool,
    /// What the user's last `changeUser` carried: where a new window starts.
    #[serde(skip_serializing_if = "Option::is_none")]
    target: Option<Box<RawValue>>,
}

#[derive(Serialize)]
struct Heartbeat {
    ping_interval: u32,
    ping_timeout: u32,
}

async fn arrived(socket: Socket) {
    let Some(window) = Window::of(&socket) else { return };
    let site = window.site();
    let arrival = match site.chat().arrived(&*window).await {
        Ok(arrival) => arrival,
        Err(error) => {
            tracing::warn!(%error, user = %window.user(), "a window cannot be served");
            // Not the client's fault, and not final: it comes back by itself.
            return socket.session().close(CloseReason::ServerClosed);
        }
    };
    if let Some(target) = &arrival.target {
        site.targets().begun(window.user(), target);
    }
    let config = site.config();
    let init = Init {
        user: window.user(),
        socketid: socket.id(),
        process: config.server.process_id.as_str(),
        server_time: site.now(),
        heartbeat: Heartbeat {
            ping_interval: config.engine.ping_interval_ms,
            ping_timeout: config.engine.ping_timeout_ms,
        },
        degraded: arrival.degraded,
        target: arrival.target,
    };
    socket.emit("init", &(init,));
    for room in &config.events.exchange_to_all {
        // Without a room that everybody follows, the window still has everything else.
        if let Err(failure) = chat::Window::follow(&*window, Channel::Room(room.clone())).await {
            tracing::warn!(%room, reason = %failure.message, "a room for all is not followed");
        }
    }
    if let Some(room) = room_of_query(socket.query()) {
        let joined = match room.parse::<RoomId>() {
            Ok(room) => site.chat().handle(&*window, Command::Join(Join::new(room))).await,
            Err(error) => Err(chat::Error::Denied(Failure::bad_request(error.to_string()))),
        };
        if let Err(error) = joined {
            deny(&socket, &error, &config.events);
        }
    }
}

fn room_of_query(query: &str) -> Option<String> {
    let mut pairs = form_urlencoded::parse(query.as_bytes());
    pairs.find(|(key, _)| key == "room").map(|(_, room)| room.into_owned())
}

/// Every event that a client emits.
async fn asked(socket: Socket, event: Event) {
    let Some(window) = Window::of(&socket) else { return };
    if let Err((failure, is_flood)) = window.count_event() {
        answer(event, &Err(failure.into()));
        if is_flood {
            socket.disconnect_and_close(CloseReason::RateLimited);
        }
        return;
    }
    let outcome = match Command::parse(&event.name, event.args.raw(0), event.args.attachments()) {
        Some(Ok(command)) => window.site().chat().handle(&*window, command).await,
        Some(Err(failure)) => Err(failure.into()),
        None => Err(Failure::bad_request("there is no event of this name").into()),
    };
    if let Err(error) = &outcome {
        // Neither the event's name nor the sentence: both may repeat what the client wrote.
        tracing::debug!(code = ?error.failure().code, user = %window.user(), "refused");
    }
    answer(event, &outcome);
    if let Err(error) = &outcome {
        deny(&socket, error, &window.site().config().events);
    }
}

fn answer(event: Event, outcome: &Result<Reply, chat::Error>) {
    event.acknowledge(&(Answer(outcome),));
}

/// Tells a client that it may not be where it wants to be, and ends its connection.
fn deny(socket: &Socket, error: &chat::Error, events: &Events) {
    if let Some(push) = error.deny() {
        emit(socket, &push, events);
        socket.disconnect_and_close(CloseReason::Forbidden);
    }
}

/// Sends a push to one socket.
pub(crate) fn emit(socket: &Socket, push: &Push, events: &Events) {
    send(socket, push, &mut Encodings::default());
    if events.deny_by_name && matches!(push, Push::Deny(_)) {
        let named = serde_json::json!({
            "meta": { "timestamp": crate::site::unix_millis(), "client": socket.id(), "target": socket.id() },
            "data": { "action": "deny", "payload": push },
        });
        socket.emit(socket.id().as_str(), &(named,));
    }
}

/// Tells a client that its process goes away.
pub(crate) fn drain(socket: &Socket, retry_after_ms: u64) {
    socket.emit("drainPush", &(serde_json::json!({ "retry_after_ms": retry_after_ms }),));
}

/// Sends what came on a channel to those of its followers whom it concerns.
pub(crate) fn deliver(site: &Arc<Site>, channel: &Channel, delivery: &Delivery, followers: &[Follower]) {
    let mut encodings = Encodings::default();
    for Follower(socket) in followers.iter().filter(|Follower(socket)| delivery.to.includes(socket.id())) {
        match &delivery.content {
            Content::Shared(push) => {
                send(socket, push, &mut encodings);
                by_name(socket, channel, push, &site.config().events);
                if let (Push::Posted(posted), Some(window)) = (push, Window::of(socket)) {
                    site.pushed(&window, &posted.entry);
                }
            }
            Content::Sync(_) => {
                send(socket, &delivery.content.for_window(socket.id()), &mut Encodings::default());
            }
        }
        if let Then::Close(reason) = delivery.then {
            socket.disconnect_and_close(reason);
        }
    }
    if let Then::PutOut { socket, room } = &delivery.then {
        put_out(site, socket, room, followers);
    }
}

/// Sends a push to every window here that follows a channel.
pub(crate) fn tell_all(site: &Arc<Site>, channel: &Channel, push: &Push) {
    let mut encodings = Encodings::default();
    for Follower(socket) in site.followers(channel) {
        send(&socket, push, &mut encodings);
    }
}

/// A socket that the back end put out of a room stops following it.
fn put_out(site: &Arc<Site>, id: &SocketId, room: &RoomId, followers: &[Follower]) {
    let Some(Follower(socket)) = followers.iter().find(|Follower(socket)| socket.id() == id) else { return };
    let (site, socket, room) = (site.clone(), socket.clone(), room.clone());
    socket.clone().spawn(async move {
        let _turn = socket.session().turn().await;
        if let Some(window) = Window::of(&socket) {
            site.chat().put_out(&*window, &room).await;
        }
    });
}

/// The same push under the names that pages written for egg-socket.io listen to: the receiver's socket id, the room,
/// or the target that reaches everybody.
fn by_name(socket: &Socket, channel: &Channel, push: &Push, events: &Events) {
    let Push::Exchange(exchange) = push else { return };
    let to_all = matches!(channel, Channel::Room(room) if events.exchange_to_all.contains(room));
    if !to_all && !events.exchange_by_name {
        return;
    }
    let name = match channel {
        Channel::Room(room) => room.as_str(),
        _ => socket.id().as_str(),
    };
    let args = args(push, &exchange.attachments);
    socket.emit_raw(name, &args);
}

/// A push, encoded once for each namespace that it goes to.
#[derive(Default)]
struct Encodings(SmallVec<[(Arc<Namespace>, Encoded); 1]>);

fn send(socket: &Socket, push: &Push, encodings: &mut Encodings) {
    let namespace = socket.namespace();
    let known = encodings.0.iter().find(|(known, _)| Arc::ptr_eq(known, namespace));
    if let Some((_, encoded)) = known {
        socket.send(encoded, weight(push));
        return;
    }
    if let Some(encoded) = encode(namespace.name(), push) {
        socket.send(&encoded, weight(push));
        encodings.0.push((namespace.clone(), encoded));
    }
}

fn encode(namespace: &str, push: &Push) -> Option<Encoded> {
    let attachments = push.attachments();
    if !attachments.is_empty() {
        return Some(wire::socketio::event_raw(namespace, None, push.name(), &args(push, attachments)));
    }
    let encoded = wire::socketio::event(namespace, None, push.name(), &(push,));
    encoded.inspect_err(|error| tracing::error!(%error, event = push.name(), "a push cannot be written")).ok()
}

/// A push as the arguments of an event, with what its placeholders stand for.
fn args(push: &Push, attachments: &[Bytes]) -> Args {
    let json = serde_json::to_string(&(push,)).unwrap_or_default();
    Args::from_json(&json, attachments.to_vec()).unwrap_or_else(|error| {
        tracing::error!(%error, event = push.name(), "a push does not fit its attachments");
        Args::from_parts(&[Arg::Json(RawValue::NULL)])
    })
}

/// Typing and presence are worth little to a client that is behind.
fn weight(push: &Push) -> Weight {
    match push {
        Push::Typing(_) | Push::Presence(_) => Weight::Passing,
        _ => Weight::Firm,
    }
}
