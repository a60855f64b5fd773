//! Versions of channels.

use super::{Pair, key};
use bus::Error;
use bytes::Bytes;
use types::Channel;

fn user() -> Channel {
    Channel::User(key("m7"))
}

fn group() -> Channel {
    Channel::Group(key("g7"))
}

const EVENT: Bytes = Bytes::from_static(br#"{"type":"x","text":"\u4f60"}"#);

async fn number(pair: &Pair, channel: &Channel) -> u64 {
    pair.b.bus.version(channel).await.unwrap().number
}

pub(crate) async fn a_message_is_published_with_the_version_that_it_raised(mut pair: Pair) {
    for channel in [user(), group()] {
        pair.a.bus.subscribe(&channel).await.unwrap();
        pair.b.bus.subscribe(&channel).await.unwrap();
        for (raiser, wanted) in [(&pair.a.bus, 1), (&pair.b.bus, 2), (&pair.a.bus, 3)] {
            assert_eq!(raiser.raise(&channel, EVENT).await, Ok(wanted));
        }
        for version in 1..=3 {
            let message = format!(r#"{{"v":{version},"type":"x","text":"\u4f60"}}"#);
            pair.a.expect(&channel, &message).await;
            pair.b.expect(&channel, &message).await;
        }
    }
}

pub(crate) async fn each_channel_counts_for_itself(pair: Pair) {
    // A user and a group of the same name are two.
    for channel in [Channel::User(key("7")), Channel::Group(key("7")), Channel::User(key("8"))] {
        assert_eq!(number(&pair, &channel).await, 0);
        assert_eq!(pair.a.bus.raise(&channel, EVENT).await, Ok(1));
        assert_eq!(number(&pair, &channel).await, 1);
    }
}

pub(crate) async fn what_is_only_published_raises_nothing(mut pair: Pair) {
    pair.b.bus.subscribe(&user()).await.unwrap();
    pair.a.bus.publish(&user(), EVENT).await.unwrap();
    assert_eq!(pair.b.hear().await, (user(), EVENT), "and has no version in it");
    assert_eq!(number(&pair, &user()).await, 0);
}

pub(crate) async fn raising_with_nobody_subscribed_is_counted_all_the_same(pair: Pair) {
    for version in 1..=3 {
        assert_eq!(pair.a.bus.raise(&user(), EVENT).await, Ok(version));
    }
    assert_eq!(number(&pair, &user()).await, 3);
}

pub(crate) async fn versions_are_equal_while_nothing_is_raised(pair: Pair) {
    for raised in [0, 1] {
        let known = pair.a.bus.version(&user()).await.unwrap();
        assert_eq!(known.number, raised);
        assert_eq!(pair.b.bus.version(&user()).await.unwrap(), known);
        pair.a.bus.raise(&user(), EVENT).await.unwrap();
        let later = pair.b.bus.version(&user()).await.unwrap();
        assert_ne!(later, known);
        assert_eq!((later.generation, later.server), (known.generation, known.server), "nothing was forgotten");
    }
}

pub(crate) async fn only_objects_for_users_and_groups_have_versions(pair: Pair) {
    for channel in [Channel::Presence(key("7")), Channel::Room(key("7")), Channel::Process(key("a"))] {
        assert_eq!(pair.a.bus.raise(&channel, EVENT).await, Err(Error::Unversioned));
        assert_eq!(pair.a.bus.version(&channel).await, Err(Error::Unversioned));
    }
    for message in ["", "{}", "[1]", "7", "text"] {
        assert_eq!(pair.a.bus.raise(&user(), Bytes::from(message)).await, Err(Error::Unversioned), "{message}");
    }
    assert_eq!(number(&pair, &user()).await, 0);
}
