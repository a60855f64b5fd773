//! Events as they look on a channel, and what is refused there.

use super::*;
use crate::{ChatType, ConversationId, MessageId, MessageType, StoredMessage};
use proptest::prelude::*;

fn raw(json: &str) -> Box<RawValue> {
    RawValue::from_string(json.to_owned()).unwrap()
}

fn text(event: &Event) -> String {
    String::from_utf8(event.encode()).unwrap()
}

fn samples() -> Vec<(Event, &'static str)> {
    let socket: SocketId = "im1.abc".parse().unwrap();
    let user: UserKey = "m9".parse().unwrap();
    vec![
        (
            Event::SyncChangeUser(SyncChangeUser {
                uid: user.clone(),
                socketid: "im1.abc".into(),
                change_user_data: raw(r#"{"toid":"8","x":1}"#),
            }),
            r#"{"type":"syncChangeUser","uid":"m9","socketid":"im1.abc","changeUserData":{"toid":"8","x":1}}"#,
        ),
        (
            Event::Exchange(Exchange {
                client: socket.clone(),
                target: "user:m9".into(),
                timestamp: 1_700_000_000_000,
                payload: raw(r#"{"_placeholder":true,"num":0}"#),
                attachments: vec![Bytes::from_static(b"\x00\xff")],
            }),
            concat!(
                r#"{"type":"exchange","client":"im1.abc","target":"user:m9","timestamp":1700000000000,"#,
                r#""payload":{"_placeholder":true,"num":0},"attachments":["AP8="]}"#
            ),
        ),
        (
            Event::Typing(Typing { from_user_id: user.clone(), to_user_id: "8".parse().unwrap(), on: true }),
            r#"{"type":"typing","from_user_id":"m9","to_user_id":"8","on":true}"#,
        ),
        (
            Event::Presence(Presence { user_id: user.clone(), status: Status::Away }),
            r#"{"type":"presence","user_id":"m9","status":"away"}"#,
        ),
        (
            Event::Online(Online {
                clients: vec![socket.clone()],
                action: RoomAction::Join,
                target: "群聊".parse().unwrap(),
                message: "User(m9) joined.".into(),
                client: socket.clone(),
                user,
                revision: 3,
            }),
            concat!(
                r#"{"type":"online","clients":["im1.abc"],"action":"join","target":"群聊","#,
                r#""message":"User(m9) joined.","client":"im1.abc","user":"m9","revision":3}"#
            ),
        ),
        (
            Event::Kick(Kick { reason: "logged in elsewhere".into(), socketid: Some(socket) }),
            r#"{"type":"kick","reason":"logged in elsewhere","socketid":"im1.abc"}"#,
        ),
        (
            Event::Card(Card {
                id: Some("order-77-buyer".into()),
                from_user_id: "m9".parse().unwrap(),
                message: raw(r#"{"title":"订单"}"#),
            }),
            r#"{"type":"card","id":"order-77-buyer","from_user_id":"m9","message":{"title":"订单"}}"#,
        ),
        (
            Event::System(System { id: None, message: raw(r#"{"text":"今晚维护"}"#) }),
            r#"{"type":"system","message":{"text":"今晚维护"}}"#,
        ),
        (
            Event::Message(Message {
                id: None,
                from_user_id: "m9".parse().unwrap(),
                message_type: "text".into(),
                message: raw(r#""您好""#),
            }),
            r#"{"type":"message","from_user_id":"m9","message_type":"text","message":"您好"}"#,
        ),
        (
            Event::Posted(Posted {
                entry: posted(),
                socketid: Some("im1.abc".parse().unwrap()),
                unread: Some(Unread { unread: 2, rev: 9 }),
            }),
            concat!(
                r#"{"type":"message","socketid":"im1.abc","message_id":"7","temp_message_id":"t-1","#,
                r#""conversation_id":"5","conv_seq":3,"chat_type":"p2p","message_type":"text","#,
                r#""from_user_id":"8","to_user_id":"m9","message":"您好","send_time":6,"unread":2,"rev":9}"#
            ),
        ),
        (
            Event::State(State {
                read: Some(Read { message_ids: vec![MessageId(7)], read_at: 6, by: "m9".parse().unwrap() }),
                unread: Some(0),
                draft: Some("".into()),
                deleted: vec![3],
                ..State::new(ConversationId(5), 9)
            }),
            concat!(
                r#"{"type":"state","conversation_id":"5","rev":9,"#,
                r#""read":{"message_ids":["7"],"read_at":6,"by":"m9"},"unread":0,"draft":"","deleted":[3]}"#
            ),
        ),
        (
            Event::Listed(Listed {
                lists_rev: 4,
                change: Some(ListChange {
                    list: List::Blocked,
                    op: ListOp::Add,
                    user_id: "8".parse().unwrap(),
                    remark: None,
                }),
                socketid: None,
            }),
            r#"{"type":"listed","lists_rev":4,"change":{"list":"blocked","op":"add","user_id":"8"}}"#,
        ),
        (
            Event::Profile(Profile { user_id: "8".parse().unwrap(), nickname: "小明".into(), avatar: "".into() }),
            r#"{"type":"profile","user_id":"8","nickname":"小明","avatar":""}"#,
        ),
    ]
}

fn posted() -> StoredMessage {
    StoredMessage {
        message_id: MessageId(7),
        temp_message_id: Some("t-1".into()),
        conversation_id: ConversationId(5),
        conv_seq: 3,
        chat_type: ChatType::P2p,
        kind: MessageType::Text,
        from_user_id: "8".parse().unwrap(),
        to_user_id: Some("m9".parse().unwrap()),
        block_id: None,
        message: Some(raw(r#""您好""#)),
        send_time: 6,
        read_at: None,
        recalled: false,
    }
}

#[test]
fn every_event_has_its_documented_form_and_comes_back_from_it() {
    let samples = samples();
    assert_eq!(samples.len(), Event::TABLE.len());
    for ((event, json), (name, kind)) in samples.iter().zip(Event::TABLE) {
        assert_eq!(text(event), *json);
        assert_eq!((event.name(), event.kind()), (name, kind));
        let again = Event::decode(json.as_bytes()).unwrap();
        assert_eq!(text(&again), *json);
    }
}

#[test]
fn a_back_ends_shorter_form_is_enough() {
    let Event::Kick(kick) = Event::decode(br#"{"type":"kick"}"#).unwrap() else { panic!("not a kick") };
    assert_eq!(kick, Kick { reason: "".into(), socketid: None });
    let json = r#"{"changeUserData":{"toid":"8"},"uid":"m9","v":12,"type":"syncChangeUser"}"#;
    let Event::SyncChangeUser(sync) = Event::decode(json.as_bytes()).unwrap() else { panic!("not a sync") };
    assert_eq!(&*sync.socketid, "");
}

#[test]
fn an_unknown_type_is_told_apart_from_nonsense() {
    let unknown = Event::decode(br#"{"type":"hologram","depth":3}"#).unwrap_err();
    assert!(matches!(unknown, EventError::UnknownType(name) if &*name == "hologram"));
    for malformed in [&b"{}"[..], b"[]", b"", br#"{"type":7}"#, br#"{"type":"typing","on":true}"#] {
        assert!(matches!(Event::decode(malformed), Err(EventError::Malformed(_))), "{malformed:?}");
    }
    assert!(matches!(Event::decode(b"{\"type\":\"\xff\"}"), Err(EventError::NotUtf8(_))));
}

#[test]
fn attachments_that_are_not_base64_are_refused() {
    let json = r#"{"type":"exchange","client":"a.b","target":"c","timestamp":1,"payload":1,"attachments":["%"]}"#;
    assert!(matches!(Event::decode(json.as_bytes()), Err(EventError::Malformed(_))));
}

#[test]
fn a_raw_payload_passes_letter_by_letter() {
    let payload = r#"{"lone":"\ud83d", "big":12345678901234567890123,"dup":1,"dup":2,"\u0061":"群"}"#;
    let json = format!(r#"{{"type":"exchange","client":"a.b","target":"c","timestamp":1,"payload":{payload}}}"#);
    let event = Event::decode(json.as_bytes()).unwrap();
    assert_eq!(text(&event), json);
}

#[test]
fn deep_nesting_is_carried_without_overflowing_the_stack() {
    let payload = format!("{}{}", "[".repeat(200_000), "]".repeat(200_000));
    let json = format!(r#"{{"type":"exchange","client":"a.b","target":"c","timestamp":1,"payload":{payload}}}"#);
    assert_eq!(text(&Event::decode(json.as_bytes()).unwrap()), json);
}

proptest! {
    #[test]
    fn any_bytes_are_decoded_or_refused_but_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Event::decode(&bytes);
    }

    #[test]
    fn attachments_survive_the_channel(parts in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..50), 0..4)) {
        let attachments: Vec<Bytes> = parts.into_iter().map(Bytes::from).collect();
        let event = Event::Exchange(Exchange {
            client: "a.b".parse().unwrap(), target: "c".into(), timestamp: 1, payload: raw("null"),
            attachments: attachments.clone(),
        });
        let Event::Exchange(again) = Event::decode(&event.encode()).unwrap() else { panic!("not an exchange") };
        prop_assert_eq!(again.attachments, attachments);
    }
}
