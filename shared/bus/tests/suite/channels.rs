//! Publishing and subscribing.

use super::{Pair, key};
use bus::Error;
use bytes::Bytes;
use types::Channel;

fn user(id: &str) -> Channel {
    Channel::User(key(id))
}

pub(crate) async fn what_is_published_after_subscribing_arrives_everywhere(mut pair: Pair) {
    let channel = user("m7");
    pair.a.bus.subscribe(&channel).await.unwrap();
    pair.b.bus.subscribe(&channel).await.unwrap();
    pair.a.bus.publish(&channel, Bytes::from_static(b"hello")).await.unwrap();
    pair.a.expect(&channel, "hello").await;
    pair.b.expect(&channel, "hello").await;
}

pub(crate) async fn nothing_comes_without_a_subscription(mut pair: Pair) {
    let marker = Channel::Process(key("marker"));
    pair.b.bus.subscribe(&marker).await.unwrap();
    // One id, five channels: kinds do not mix.
    let kinds = || {
        let (room, group, process) = (Channel::Room(key("7")), Channel::Group(key("7")), Channel::Process(key("7")));
        [user("7"), Channel::Presence(key("7")), room, group, process]
    };
    for channel in kinds() {
        pair.b.bus.subscribe(&channel).await.unwrap();
        for other in kinds() {
            pair.a.bus.publish(&other, Bytes::from(other.to_string())).await.unwrap();
        }
        pair.a.bus.publish(&marker, Bytes::from_static(b"marker")).await.unwrap();
        // Two channels have no order between them: take both, in either.
        let mut heard = [pair.b.hear().await, pair.b.hear().await];
        heard.sort_by_key(|(on, _)| *on == marker);
        assert_eq!(heard[0], (channel.clone(), Bytes::from(channel.to_string())));
        assert_eq!(heard[1].0, marker);
        pair.b.bus.unsubscribe(&channel).await.unwrap();
    }
}

pub(crate) async fn subscribing_twice_is_subscribing_once(mut pair: Pair) {
    let channel = user("m7");
    pair.a.bus.subscribe(&channel).await.unwrap();
    pair.a.bus.subscribe(&channel).await.unwrap();
    for message in ["once", "marker"] {
        pair.b.bus.publish(&channel, Bytes::from_static(message.as_bytes())).await.unwrap();
    }
    pair.a.expect(&channel, "once").await;
    pair.a.expect(&channel, "marker").await;
    pair.a.bus.unsubscribe(&channel).await.unwrap();
    assert_eq!(pair.b.bus.publish(&channel, Bytes::from_static(b"gone")).await, Ok(0));
}

pub(crate) async fn unsubscribing_silences_this_process_only(mut pair: Pair) {
    let channel = user("m7");
    let marker = user("m8");
    pair.a.bus.subscribe(&channel).await.unwrap();
    pair.a.bus.subscribe(&marker).await.unwrap();
    pair.b.bus.subscribe(&channel).await.unwrap();
    pair.a.bus.unsubscribe(&channel).await.unwrap();
    pair.a.bus.unsubscribe(&channel).await.unwrap();
    assert_eq!(pair.b.bus.publish(&channel, Bytes::from_static(b"news")).await, Ok(1));
    pair.b.expect(&channel, "news").await;
    pair.b.bus.publish(&marker, Bytes::from_static(b"marker")).await.unwrap();
    pair.a.expect(&marker, "marker").await;
}

pub(crate) async fn one_publishers_messages_keep_their_order(mut pair: Pair) {
    let channel = Channel::Room(key("12"));
    pair.a.bus.subscribe(&channel).await.unwrap();
    pair.b.bus.subscribe(&channel).await.unwrap();
    for number in 0..500 {
        pair.a.bus.publish(&channel, Bytes::from(number.to_string())).await.unwrap();
    }
    for number in 0..500 {
        pair.a.expect(&channel, &number.to_string()).await;
        pair.b.expect(&channel, &number.to_string()).await;
    }
}

pub(crate) async fn publishing_counts_the_processes_that_received(pair: Pair) {
    let channel = user("m7");
    assert_eq!(pair.a.bus.publish(&channel, Bytes::new()).await, Ok(0));
    pair.b.bus.subscribe(&channel).await.unwrap();
    assert_eq!(pair.a.bus.publish(&channel, Bytes::new()).await, Ok(1));
    pair.a.bus.subscribe(&channel).await.unwrap();
    assert_eq!(pair.a.bus.publish(&channel, Bytes::new()).await, Ok(2));
}

pub(crate) async fn bytes_are_not_touched(mut pair: Pair) {
    let channel = Channel::Room(key("群聊"));
    let odd = Bytes::from_static(b"\x00\xff\r\n$-1\r\n\xf0\x9f");
    pair.b.bus.subscribe(&channel).await.unwrap();
    pair.a.bus.publish(&channel, odd.clone()).await.unwrap();
    assert_eq!(pair.b.hear().await, (channel, odd));
}

pub(crate) async fn a_detached_process_hears_and_does_nothing(pair: Pair) {
    let channel = user("m7");
    pair.a.bus.subscribe(&channel).await.unwrap();
    let twin = pair.a.bus.clone();
    pair.a.leave().await;
    pair.a.leave().await;
    assert_eq!(pair.b.bus.publish(&channel, Bytes::from_static(b"late")).await, Ok(0));
    assert_eq!(twin.subscribe(&channel).await, Err(Error::Detached));
    assert_eq!(twin.publish(&channel, Bytes::new()).await, Err(Error::Detached));
    assert_eq!(pair.b.bus.publish(&channel, Bytes::from_static(b"later")).await, Ok(0));
}

pub(crate) async fn a_process_is_known_while_it_is_attached(pair: Pair) {
    let holder = pair.a.bus.holder(&key("b")).await.unwrap();
    assert_eq!(holder.map(|holder| holder.process), Some(key("b")));
    assert_eq!(pair.a.bus.holder(&key("c")).await, Ok(None));
    assert_eq!(pair.a.bus.health().degraded().count(), 0);
    pair.b.leave().await;
    assert_eq!(pair.a.bus.holder(&key("b")).await, Ok(None));
    assert_eq!(pair.b.bus.holder(&key("a")).await, Err(Error::Detached));
}
